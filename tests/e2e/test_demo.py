"""The demo as a script uses it: one headless run, its calls to the network watched, and what can be done with its result."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.backend.plausibility import findings
from app.core.types import NS_PER_MS, EntryKind, Json
from app.evidence.bundle import open_source
from app.evidence.verify import read_entries
from app.runtime.resources import resources_dir
from tests.e2e.network import looks_outside, loopback_calls, traced

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(240)]

DEMO_MOST_S = 120.0
LATE_MS = 2000
"""A slow machine shows the film later and later, but never early; and its scenes are five seconds and longer."""
PROMISED = {"attempt", "violations", "trust_score", "gaps", "evidence_dir", "report_path", "report_url", "verified"}
INVIGIL = (sys.executable, "-m", "app")


@dataclass(frozen=True)
class Run:
    code: int
    stdout: str
    stderr: str
    calls: str
    """What it said to the network, as strace tells it."""

    @property
    def result(self) -> dict[str, Json]:
        return dict(json.loads(self.stdout))

    @property
    def evidence_dir(self) -> Path:
        return Path(str(self.result["evidence_dir"]))

    @property
    def report(self) -> dict[str, Json]:
        return dict(json.loads((self.evidence_dir / "report.json").read_text(encoding="utf-8")))

    def violations(self, code: int) -> list[Mapping[str, Json]]:
        found = self.result["violations"]
        assert isinstance(found, list)
        return [v for v in found if isinstance(v, dict) and v["code"] == code]

    def ms(self, code: int) -> tuple[int, int]:
        """From when to when the one violation of this code lasted, since monitoring began."""
        (violation,) = self.violations(code)
        return int(str(violation["start_ms"])), int(str(violation["end_ms"]))

    def lead_ms(self) -> int:
        """How long the film had been playing when monitoring began."""
        source = open_source(self.evidence_dir)
        try:
            segments = [e.body for e in read_entries(source) if e.kind is EntryKind.SEGMENT]
        finally:
            source.close()
        starts = [b["start"] for b in segments if b["stream"] == "camera"]
        first_ms = min(int(str(s["utc_ns"])) for s in starts if isinstance(s, dict)) // NS_PER_MS
        return int(str(self.report["started_utc_ms"])) - first_ms


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The one run that most tests here look at. Only its calls to the network are traced, which does not slow the rest."""
    folder = tmp_path_factory.mktemp("demo")
    words = [*INVIGIL, "demo", "--headless", "--json", "--dir", str(folder / "run")]
    done = traced(words, folder / "trace", DEMO_MOST_S)
    calls = (folder / "trace").read_text(encoding="utf-8", errors="replace")
    return Run(done.returncode, done.stdout, done.stderr, calls)


def invigil(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*INVIGIL, *words], capture_output=True, text=True, timeout=60, check=False)


def test_the_demo_prints_the_promised_json_and_nothing_else(demo: Run) -> None:
    assert demo.code == 0, demo.stderr
    result = demo.result
    assert set(result) >= PROMISED
    assert result["verified"] is True
    assert result["gaps"] == []
    assert isinstance(result["violations"], list)
    assert all(
        isinstance(v, dict) and {"code", "start_ms", "end_ms", "severity"} <= set(v) for v in result["violations"]
    )
    score = result["trust_score"]
    assert isinstance(score, float | int)
    assert 0 < score < 100
    assert (demo.evidence_dir / "manifest.jsonl").is_file()
    assert "<html" in Path(str(result["report_path"])).read_text(encoding="utf-8")
    assert str(result["report_url"]).startswith("http://127.0.0.1:")
    assert str(result["attempt"]) in str(result["report_url"])


def test_the_demo_speaks_to_nobody_but_this_machine(demo: Run) -> None:
    assert loopback_calls(demo.calls) > 20
    assert looks_outside(demo.calls) == []


def test_everything_the_candidate_does_is_seen_once_and_nothing_else(demo: Run) -> None:
    found = demo.result["violations"]
    assert isinstance(found, list)
    codes = Counter(int(str(v["code"])) for v in found if isinstance(v, dict))
    assert codes == Counter({5101: 1, 5001: 1, 5002: 1, 5004: 1, 5106: 1, 5115: 1, 5121: 1})


def test_monitoring_starts_with_the_cameras_first_pictures(demo: Run) -> None:
    assert -200 <= demo.lead_ms() <= 1500


@pytest.mark.parametrize(("code", "kind"), [(5101, "away"), (5001, "empty"), (5002, "second_face")])
def test_violations_lie_where_the_film_shows_them(demo: Run, code: int, kind: str) -> None:
    film = json.loads((resources_dir() / "media" / "demo_camera.json").read_text(encoding="utf-8"))
    (span,) = (s for s in film["spans"] if s["kind"] == kind)
    start_ms, end_ms = (at + demo.lead_ms() for at in demo.ms(code))
    assert span["start_ms"] - 900 <= start_ms <= span["steady_start_ms"] + 900 + LATE_MS
    assert span["steady_end_ms"] - 900 <= end_ms <= span["end_ms"] + 900 + LATE_MS
    assert end_ms - start_ms >= span["steady_end_ms"] - span["steady_start_ms"] - 900


def test_speech_is_heard_when_the_candidate_talks_and_keys_are_seen_when_they_are_pressed(demo: Run) -> None:
    for code in (5004, 5106):
        start_ms, end_ms = demo.ms(code)
        assert 38_500 <= start_ms <= 41_500
        assert 3_000 <= end_ms - start_ms <= 8_000
    assert 6_000 <= demo.ms(5121)[0] <= 8_500
    assert 16_500 <= demo.ms(5115)[0] <= 19_000


def test_a_reviewer_finds_nothing_unusual_in_how_the_evidence_came_about(demo: Run) -> None:
    source = open_source(demo.evidence_dir)
    try:
        entries = list(read_entries(source))
    finally:
        source.close()
    assert findings(entries, {}) == []


def test_the_evidence_verifies_from_the_command_line(demo: Run) -> None:
    done = invigil("evidence", "verify", str(demo.evidence_dir))
    assert done.returncode == 0
    assert "Evidence verified." in done.stdout


@pytest.mark.parametrize("what", ["media", "manifest"])
def test_one_changed_byte_is_found_and_its_entry_named(demo: Run, tmp_path: Path, what: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(demo.evidence_dir, copy)
    manifest = copy / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if json.loads(line)["kind"] == "segment")
    entry = json.loads(lines[number])
    if what == "media":
        (changed,) = (copy / "files").glob(f"{entry['body']['sha256']}.*")
        at = changed.stat().st_size // 2
    else:
        changed, at = manifest, sum(map(len, lines[:number])) + len(lines[number]) // 2
    data = bytearray(changed.read_bytes())
    data[at] ^= 1
    changed.write_bytes(data)
    done = invigil("evidence", "verify", str(copy))
    assert done.returncode == 1
    assert "NOT verified" in done.stdout
    assert f"entry {entry['seq']}" in done.stdout.lower()


def test_the_report_can_be_scored_again_with_other_weights(demo: Run, tmp_path: Path) -> None:
    weights = tmp_path / "weights.json"
    weights.write_text('{"5001": 80.0}', encoding="utf-8")
    again = [
        json.loads(invigil("report", str(demo.evidence_dir), "--format", "json", *more).stdout)
        for more in ((), ("--weights", str(weights)))
    ]
    assert again[0]["trust"]["score"] == demo.result["trust_score"]
    assert again[1]["trust"]["score"] < again[0]["trust"]["score"] - 20
    assert again[1]["violations"] == again[0]["violations"]


# ---- the watch itself


@pytest.mark.parametrize(
    "call",
    [
        's(AF_INET, SOCK_DGRAM).connect(("8.8.8.8", 443))',
        's(AF_INET, SOCK_DGRAM).connect(("127.0.0.1", 53))',
        's(AF_INET, SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 9))',
        's(AF_INET, SOCK_DGRAM).sendmsg([b"x"], [], 0, ("192.0.2.1", 9))',
        's(AF_INET6, SOCK_DGRAM).connect(("2001:db8::1", 443))',
    ],
)
def test_a_look_outside_would_be_noticed(tmp_path: Path, call: str) -> None:
    assert looks_outside(_trace_of(call, tmp_path)) != []


def test_speaking_to_this_machine_is_no_look_outside(tmp_path: Path) -> None:
    calls = (
        's(AF_INET, SOCK_DGRAM).connect(("127.0.0.1", 9))',
        's(AF_INET, SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))',
        's(AF_UNIX, SOCK_DGRAM).connect("/none")',
    )
    trace = "".join(_trace_of(call, tmp_path) for call in calls)
    assert loopback_calls(trace) == 2
    assert looks_outside(trace) == []


def _trace_of(call: str, folder: Path) -> str:
    code = f"from socket import *\ns = socket\ntry:\n    {call}\nexcept OSError:\n    pass"
    done = traced([sys.executable, "-S", "-c", code], folder / "trace", 20)
    assert done.returncode == 0, done.stderr
    return (folder / "trace").read_text(encoding="utf-8")
