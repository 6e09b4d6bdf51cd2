"""The demo: embedded backend, an issuer, a key, the sample exam, and one whole attempt.

On a person's desktop the candidate is that person, and Quit always works. Headless, it brings a
virtual desktop, plays a film as the camera and speech into a virtual microphone, and a scripted
candidate takes the exam by keyboard.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import requests

from app import __version__
from app.core.errors import InvigilError
from app.core.lockdown import System
from app.core.types import Json
from app.evidence.store import SqliteEvidenceStore
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.policy_model import parse_policy, policy_to_json
from app.keys.tokens import issue
from app.lockdown.platform import machine_facts
from app.runtime.clock import SystemClock
from app.runtime.demo_candidate import Look, ScriptedCandidate, look_away
from app.runtime.demo_machine import Fitted, fitted, look_at_machine
from app.runtime.options import self_command
from app.runtime.resources import resources_dir
from app.runtime.restoring import DEMO_FOLDER, restore_leftovers
from app.runtime.status import StatusReader
from app.runtime.virtual_desktop import VirtualDesktop

BACKEND_WAIT_S = 30.0
KEY_LIFE = timedelta(hours=12)
STATUS = "status.jsonl"
FILM = resources_dir() / "media" / "demo_camera.webm"


@dataclass(frozen=True, slots=True)
class DemoResult:
    """``report`` is the report's data; None when the attempt never came to one."""

    attempt: str
    report: dict[str, Json]
    evidence_dir: Path
    report_path: Path
    report_url: str | None
    bytes_uploaded: int

    @property
    def verified(self) -> bool:
        verification = self.report["verification"]
        return isinstance(verification, dict) and verification.get("ok") is True

    def to_json(self) -> dict[str, Json]:
        """The shape that the command line promises."""
        violations = _list(self.report, "violations")
        return {
            "attempt": self.attempt,
            "violations": [{k: v[k] for k in ("code", "name", "start_ms", "end_ms", "severity")} for v in violations],
            "trust_score": _trust(self.report),
            "gaps": list[Json](_list(self.report, "gaps")),
            "bytes_uploaded": self.bytes_uploaded,
            "evidence_dir": str(self.evidence_dir),
            "report_path": str(self.report_path),
            "report_url": self.report_url,
            "verified": self.verified,
        }


@dataclass(frozen=True, slots=True)
class QuitDemo:
    """The person quit, and there is no report; ``sentence`` says what is left."""

    sentence: str


@dataclass(frozen=True, slots=True)
class _Backend:
    url: str
    admin_key: str


class Demo:
    """One run. ``folder`` None makes a temporary one, which is kept: the report is in it.

    ``look`` is told of each scene of a headless run while the screen shows it; ``show`` gets the result while
    the backend still serves its report.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        headless: bool,
        quiet: bool,
        look: Look = look_away,
        show: Callable[[DemoResult], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._headless = headless
        self._quiet = quiet
        self._look = look
        self._show = show

    def run(self) -> DemoResult | QuitDemo:
        """One attempt, start to end. SIGTERM ends it as Ctrl+C does.

        Raises InvigilError with a sentence when the attempt did not reach its report.
        """
        with _terminated_like_interrupted():
            return self._run()

    def _run(self) -> DemoResult | QuitDemo:
        headless = self._headless
        if not headless and not _has_display():
            self._say("There is no display here, so the demo runs headless: a scripted candidate on a virtual screen.")
            headless = True
        folder = self._folder or Path(tempfile.mkdtemp(prefix=DEMO_FOLDER))
        folder.mkdir(parents=True, exist_ok=True)
        self._say(f"Everything is kept in {folder}")
        if not headless and self._folder is None:
            for problem in restore_leftovers():
                self._say(problem)
        fit = None if headless else fitted(look_at_machine(SystemClock()), FILM)
        with _backend(folder / "backend") as backend:
            key, trust = self._make_key(folder, backend, fit)
            attempts = folder / "client" / "attempts"
            earlier = set(attempts.glob("*"))
            code = self._take_headless(folder, key, trust) if fit is None else self._take(folder, key, trust, fit)
            mine = [root for root in attempts.glob("*") if root not in earlier]
            if fit is not None and code in (0, 1) and not mine and _window_was_there(folder / STATUS):
                return QuitDemo("You quit before the exam began: nothing was recorded.")
            if any((root / "report.json").is_file() for root in mine):
                result = _result(mine[0])
                self._show(result)
                return result
            if fit is not None and code == 0:
                return QuitDemo(f"You quit before the report was made; what was recorded is kept in {mine[0]}")
            raise InvigilError(f"The attempt ended without a report; {folder / 'client.out'} says why.")

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(text, flush=True)

    # ---- the key

    def _make_key(self, folder: Path, backend: _Backend, fit: Fitted | None) -> tuple[Path, Path]:
        api = requests.Session()
        api.headers["Authorization"] = f"Bearer {backend.admin_key}"
        exam = {"title": "Digital literacy: a sample exam", "duration": 20, "settings": {"webcam": True}}
        created = api.post(f"{backend.url}/exams", json=exam, timeout=30)
        created.raise_for_status()
        exam_id = str(created.json()["id"])
        token = api.post(f"{backend.url}/exams/{exam_id}/tokens", json={}, timeout=30)
        token.raise_for_status()
        data = demo_policy(backend.url, exam_id, str(token.json()["token"]), headless=fit is None)
        for group, values in (fit.policy if fit else {}).items():
            below = data.get(group)
            data[group] = {**(below if isinstance(below, dict) else {}), **values}
        policy = parse_policy(data)
        issuer = Issuer.create("Invigil demo")
        now = datetime.now(tz=UTC)
        text = issue(
            policy_to_json(policy), issuer, now=now, not_before=now - timedelta(minutes=1), expires=now + KEY_LIFE,
            serial=1, min_client=__version__,
        )  # fmt: skip
        key, trust = folder / "demo.invigil", folder / "issuers.json"
        key.write_text(text + "\n", encoding="ascii")
        trust.write_text(json.dumps(TrustedIssuers.of([issuer.public()]).to_json(), indent=1), encoding="utf-8")
        return key, trust

    # ---- the attempt

    def _take(self, folder: Path, key: Path, trust: Path, fit: Fitted) -> int:
        for sentence in fit.sentences:
            self._say(sentence)
        self._say("The exam opens now. Quit or Ctrl+Alt+Shift+Q ends it at any time and restores everything.")
        with (
            (folder / "client.out").open("wb") as log,
            subprocess.Popen(
                self._command(folder, key, trust, list(fit.words)), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            ) as client,
        ):
            try:
                return client.wait()
            except KeyboardInterrupt:
                client.terminate()
                client.wait()  # it gives the machine back first
                raise

    def _take_headless(self, folder: Path, key: Path, trust: Path) -> int:
        film, speech = FILM, resources_dir() / "media" / "demo_speech.wav"
        for path in (film, speech):
            if not path.is_file():
                raise InvigilError(f"{path.name} is missing; run 'python3 build_scripts/dev.py setup' first.")
        words = ["--camera", f"file:{film}", "--microphone", "pulse"]
        with VirtualDesktop(sound=True) as desktop:
            environment = os.environ | desktop.environment
            log = (folder / "client.out").open("wb")
            with (
                log,
                subprocess.Popen(
                    self._command(folder, key, trust, words),
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                ) as client,
            ):
                candidate = ScriptedCandidate(
                    desktop, StatusReader(folder / STATUS), speech, client, self._say, look=self._look
                )
                candidate.run()
                return client.wait()

    def _command(self, folder: Path, key: Path, trust: Path, words: list[str]) -> list[str]:
        status = folder / STATUS
        status.unlink(missing_ok=True)
        data = ["--data-dir", str(folder / "client"), "--trust", str(trust), "--status", str(status), "--loopback"]
        return [*self_command("take", *data, *words, "--", str(key))]


def _result(root: Path) -> DemoResult:
    report = json.loads((root / "report.json").read_text(encoding="utf-8"))
    url, uploaded = _delivered(root)
    return DemoResult(str(report["attempt"]["id"]), report, root, root / "report.html", url, uploaded)


def demo_policy(url: str, exam_id: str, token: str, *, headless: bool) -> dict[str, Json]:
    """A practice exam: everything is watched, Quit always works, and the evidence stays on the machine too."""
    # the scripted demo has the same outcome everywhere, in virtual machines too
    detection: dict[str, Json] = {"faces_per_second": 5.0, "rules": {"5113": {"enabled": False}}}
    policy: dict[str, Json] = {
        "exam": {
            "id": exam_id,
            "title": "Digital literacy: a sample exam",
            "start_url": f"{url}/demo/exam/",
            "duration_min": 20,
        },
        "candidate": {"id": "demo-candidate", "name": "Sample Candidate", "email": "candidate@example.org"},
        "upload": {"endpoint": url, "token": token, "exam_id": exam_id},
        "lockdown": {"quit_always": True, "denied_processes": ["TeamViewer", "AnyDesk", "obs", "Discord"]},
        "capture": {"allow_file_sources": True},
        "evidence": {"keep_after_upload": True},
        "privacy": {
            "institution": "Invigil demo (this computer)",
            "contact": "Nobody: nothing leaves this computer.",
            "viewers": "you",
            "retention_days": 1,
        },
    }
    return policy | {"detection": detection} if headless else policy


def serve_again(result: DemoResult) -> str:
    """The command that serves a finished demo's report again, at the same address."""
    folder = result.evidence_dir.parent.parent.parent / "backend"
    port = urlsplit(result.report_url or "").port
    return f"invigil serve --dir {shlex.quote(str(folder))} --port {port}"


def summary_table(result: DemoResult) -> str:
    """The demo's last words on the terminal."""
    found = _list(result.report, "violations")
    lines = ["", f"{'code':<6}{'violation':<28}{'start':>9}{'duration':>10}{'severity':>10}"]
    if not found:
        lines.append("      none")
    for v in found:
        start, end = _number(v["start_ms"]) / 1000, _number(v["end_ms"]) / 1000
        lines.append(f"{v['code']:<6}{v['name']:<28}{start:>8.1f}s{end - start:>9.1f}s{_number(v['severity']):>10.2f}")
    gaps = _list(result.report, "gaps")
    lines += [
        "",
        f"Trust score     {_trust(result.report)} of 100",
        f"Gaps            {len(gaps)}",
        f"Bytes uploaded  {result.bytes_uploaded}",
        f"Evidence        {'verified' if result.verified else 'NOT verified'}: {result.evidence_dir}",
        f"Report          {result.report_path}",
        f"                {result.report_url or 'not delivered yet'}",
    ]
    return "\n".join(lines)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Whoever ends the demo, its own processes end with it and the machine is given back. Main thread only."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _backend(folder: Path) -> Iterator[_Backend]:
    """The reference backend as a process of its own on a free loopback port."""
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    words = ["serve", "--dir", str(folder), "--port", "0", "--demo", "--ready-file", str(ready)]
    with (folder / "backend.log").open("ab") as log:
        process = subprocess.Popen(self_command(*words), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + BACKEND_WAIT_S
        while not ready.is_file():
            if process.poll() is not None or time.monotonic() > deadline:
                raise InvigilError(f"The backend did not start; {folder / 'backend.log'} says why.")
            time.sleep(0.05)
        data = json.loads(ready.read_text(encoding="utf-8"))
        yield _Backend(str(data["url"]), str(data["admin_key"]))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _has_display() -> bool:
    """One that is named but does not answer, as after a lost connection, is none."""
    return machine_facts().system is not System.LINUX_NO_DISPLAY


def _window_was_there(status: Path) -> bool:
    return any("page" in fact for fact in StatusReader(status).new())


def _delivered(root: Path) -> tuple[str | None, int]:
    """Where the backend shows the report, and the bytes that it acknowledged."""
    store = SqliteEvidenceStore(root, mode="clips", quota_bytes=0, keep_after_upload=True)
    store.open(SystemClock().now())
    try:
        return store.get_meta("report_url"), store.totals().done_bytes
    finally:
        store.close()


def _list(report: dict[str, Json], name: str) -> list[dict[str, Json]]:
    found = report[name]
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _trust(report: dict[str, Json]) -> float:
    trust = report["trust"]
    return _number(trust.get("score")) if isinstance(trust, dict) else 0.0


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
