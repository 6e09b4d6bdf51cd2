"""A real client with a real backend on a desktop of its own, driven by key presses."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import requests

from app.core.manifest import entry_from_json
from app.core.types import Entry, Json
from app.evidence.verify import Verification, verify
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.policy_model import parse_policy, policy_to_json
from app.keys.tokens import issue, read_claims_unverified
from app.runtime.demo import demo_policy
from app.runtime.resources import resources_dir
from app.runtime.status import StatusReader
from app.runtime.virtual_desktop import VirtualDesktop

FILM = resources_dir() / "media" / "demo_camera.webm"
SPEECH = resources_dir() / "media" / "demo_speech.wav"
WAIT_S = 90.0
"""A busy machine is slow; only one on which nothing happens any more has a test fail."""


def until(what: str, reached: Callable[[], object], timeout_s: float = WAIT_S) -> None:
    """Waits for a condition by looking again and again; fails with its name."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s in vain for {what}"
        time.sleep(0.05)


def rows(data: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """The objects of a list in a JSON object."""
    found = data[name]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


class Backend:
    """``invigil serve`` as a process that can be stopped and started again on the same port."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.folder = folder
        self._extra = extra
        self.url = ""
        self.admin_key = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        port = self.url.rpartition(":")[2] or "0"
        words = ["serve", "--dir", str(self.folder), "--port", port, "--demo", "--ready-file", str(ready), *self._extra]
        with (self.folder / "backend.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until("the backend", ready.is_file)
        data = json.loads(ready.read_text(encoding="utf-8"))
        self.url, self.admin_key = data["url"], data["admin_key"]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(15)
            self._process = None

    def post(self, path: str, body: Mapping[str, Json]) -> dict[str, Json]:
        answer = requests.post(
            self.url + path, json=body, headers={"Authorization": f"Bearer {self.admin_key}"}, timeout=30
        )
        answer.raise_for_status()
        return dict(answer.json())

    def exam(self, key: Path) -> dict[str, Json]:
        """What proctors see of the exam that this key is for."""
        policy = read_claims_unverified(key.read_text(encoding="ascii"))["policy"]
        assert isinstance(policy, dict)
        assert isinstance(policy["upload"], dict)
        return self.get(f"/exams/{policy['upload']['exam_id']}")

    def get(self, path: str) -> dict[str, Json]:
        answer = requests.get(self.url + path, headers={"Authorization": f"Bearer {self.admin_key}"}, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())


@dataclass
class Client:
    """``invigil take`` on the desktop, with everything it said so far. None as a source is the machine's default."""

    desktop: VirtualDesktop
    folder: Path
    key: Path | None
    trust: Path
    microphone: str | None = f"file:{SPEECH}"
    camera: str | None = f"file:{FILM}"
    extra: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    facts: list[dict[str, Json]] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    data: Path = Path()
    before: tuple[str, ...] = ()
    """Words in front of the command, such as another program that starts it."""

    def __post_init__(self) -> None:
        self.status = self.folder / "status.jsonl"
        if self.data == Path():
            self.data = self.folder / "client"
        self._reader = StatusReader(self.status)

    # ---- life

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        words = ["take", "--data-dir", str(self.data), "--trust", str(self.trust), "--status", str(self.status)]
        words += ["--camera", self.camera] if self.camera else []
        words += ["--microphone", self.microphone] if self.microphone else []
        words += [*self.extra, *([str(self.key)] if self.key else [])]
        with (self.folder / "client.out").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.before, sys.executable, "-m", "app", *words],
                env=os.environ | self.desktop.environment | self._config_home() | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _config_home(self) -> dict[str, str]:
        """The autostart entry of an exam belongs into no developer's home."""
        return {"XDG_CONFIG_HOME": str(self.folder / "config")}

    def wait(self, timeout_s: float = WAIT_S) -> int:
        assert self.process is not None
        return self.process.wait(timeout_s)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill_all()

    def inner(self) -> psutil.Process:
        """The client under its guardian."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children()[0]

    def kill_inner(self) -> None:
        self.inner().send_signal(signal.SIGKILL)

    def kill_all(self) -> None:
        """Guardian first, so that nobody restores or restarts."""
        assert self.process is not None
        inner = self.inner()
        self.process.kill()
        self.process.wait()
        inner.kill()
        until("the client to die", lambda: not inner.is_running() or inner.status() == psutil.STATUS_ZOMBIE)

    def said(self) -> str:
        return (self.folder / "client.out").read_text(encoding="utf-8", errors="replace")

    def log(self) -> list[dict[str, Json]]:
        """What IT reads."""
        path = self.data / "logs" / "client.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [dict(json.loads(line)) for line in lines]

    def logged(self, words: str) -> bool:
        """Whether one of the log's warnings or errors says this."""
        told = [line for line in self.log() if line["level"] in ("warning", "error", "critical")]
        return any(words in json.dumps(line, ensure_ascii=False) for line in told)

    def entries(self) -> list[Entry]:
        """The evidence so far, while the client runs too."""
        path = self.attempt_root() / "journal.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return [entry_from_json(row[0]) for row in db.execute("SELECT line FROM entries ORDER BY seq")]

    def error_codes(self) -> set[int]:
        """The codes of the error events in the evidence, for the proctor."""
        return {int(str(e.body["code"])) for e in self.entries() if e.body.get("event") == "error"}

    # ---- what it shows

    def read(self) -> list[dict[str, Json]]:
        self.facts.extend(self._reader.new())
        return self.facts

    def page(self) -> str:
        pages = [str(fact["page"]) for fact in self.read() if "page" in fact]
        return pages[-1] if pages else ""

    def indicators(self) -> set[str]:
        """The streams that the window shows as recording."""
        shown = [fact["indicators"] for fact in self.read() if "indicators" in fact]
        newest = shown[-1] if shown else []
        assert isinstance(newest, list)
        return {str(stream) for stream in newest}

    def problem(self) -> str:
        """The last sentence that said what is wrong."""
        problems = [str(fact["problem"]) for fact in self.read() if "problem" in fact]
        return problems[-1] if problems else ""

    def await_problem(self, words: str) -> None:
        until(f"a sentence with {words!r}", lambda: words in self.problem())

    def checks(self) -> list[dict[str, Json]]:
        """The results of the newest system check."""
        return rows([fact for fact in self.read() if "results" in fact][-1], "results")

    def has(self, name: str, value: Json) -> bool:
        return any(fact.get(name) == value for fact in self.read())

    def count(self, name: str, value: Json) -> int:
        return sum(fact.get(name) == value for fact in self.read())

    def await_fact(self, name: str, value: Json, times: int = 1, timeout_s: float = WAIT_S) -> None:
        until(f"{name}={value}", lambda: self.count(name, value) >= times, timeout_s)

    def await_page(self, page: str, timeout_s: float = WAIT_S) -> None:
        until(f"the page {page}", lambda: self.page() == page, timeout_s)

    # ---- hands

    def press(self, *keys: str) -> None:
        for key in keys:
            self.xdotool("key", "--clearmodifiers", key)
            time.sleep(0.15)  # no person types faster, and focus has to follow

    def type(self, text: str) -> None:
        """Into the focused field, in the place of what is there; and Return."""
        self.press("ctrl+a")
        self.xdotool("type", "--delay", "5", text)
        self.press("Return")

    def xdotool(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=os.environ | self.desktop.environment, check=True, timeout=20)

    def reach_exam(self) -> None:
        """Check, consent, photo, lock: until monitoring runs."""
        self.await_fact("checks", "passed")
        self.press("Return")
        self.await_page("consent")
        self.press("space", "Return")
        self.await_page("identity")
        until("the photo", self._photo_taken)
        self.await_fact("command", "start_monitoring")

    def _photo_taken(self) -> bool:
        if self.page() != "identity":
            return True
        self.press("Return")
        time.sleep(0.7)
        return False

    def finish(self) -> None:
        """Through the window's own Finish and its question; until the report is delivered."""
        self.hand_in()
        self.await_page("done")

    def hand_in(self) -> None:
        """The same, without waiting for the delivery."""
        self.press("F6", "Return", "shift+Tab", "Return")

    def close(self) -> int:
        self.press("Return")
        return self.wait()

    # ---- what is left

    def attempt_root(self) -> Path:
        roots = sorted((self.data / "attempts").iterdir())
        assert len(roots) == 1, roots
        return roots[0]

    def report(self) -> dict[str, Json]:
        return dict(json.loads((self.attempt_root() / "report.json").read_text(encoding="utf-8")))

    def gaps(self) -> list[dict[str, Json]]:
        """The report's gaps, but for pictures that a busy machine could not keep up with: a test has no say in those."""
        return [gap for gap in rows(self.report(), "gaps") if gap["cause"] != "dropped"]

    def verified(self) -> Verification:
        return verify(self.attempt_root())

    def codes(self) -> list[int]:
        violations = self.report()["violations"]
        assert isinstance(violations, list)
        return [int(str(v["code"])) for v in violations if isinstance(v, dict)]


def trust_file(folder: Path, issuer: Issuer) -> Path:
    """The list that has this issuer alone."""
    folder.mkdir(parents=True, exist_ok=True)
    trust = folder / "issuers.json"
    trust.write_text(json.dumps(TrustedIssuers.of([issuer.public()]).to_json()), encoding="utf-8")
    return trust


def sign(policy: Mapping[str, Json], issuer: Issuer, serial: int = 1, life: timedelta = timedelta(hours=1)) -> str:
    now = datetime.now(tz=UTC)
    return issue(
        policy_to_json(parse_policy(policy)), issuer, now=now, not_before=now - timedelta(minutes=1),
        expires=now + life, serial=serial, min_client="0.1.0",
    )  # fmt: skip


def sample_policy(backend: Backend, changes: Mapping[str, Mapping[str, Json]] | None = None) -> dict[str, Json]:
    """The sample exam, entered at the backend, with some of the demo policy's groups changed."""
    exam_id = str(backend.post("/exams", {"title": "Exam", "duration": 20, "settings": {}})["id"])
    token = str(backend.post(f"/exams/{exam_id}/tokens", {})["token"])
    data = demo_policy(backend.url, exam_id, token, headless=True)
    for group, values in (changes or {}).items():
        part = data.setdefault(group, {})
        assert isinstance(part, dict)
        part.update(values)
    return data


def make_key(
    backend: Backend,
    folder: Path,
    changes: Mapping[str, Mapping[str, Json]] | None = None,
    life: timedelta = timedelta(hours=1),
) -> tuple[Path, Path]:
    """A key for the sample exam with some of the demo policy's groups changed; and the file of its issuer."""
    issuer = Issuer.create("Tests")
    trust, key = trust_file(folder, issuer), folder / "exam.invigil"
    key.write_text(sign(sample_policy(backend, changes), issuer, life=life), encoding="ascii")
    return key, trust


@contextmanager
def running(client: Client) -> Iterator[Client]:
    """The client, started; ended whatever the test does."""
    client.start()
    try:
        yield client
    finally:
        client.stop()
