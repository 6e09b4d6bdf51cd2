"""Where attempts live on this machine, and what is remembered of each beside its evidence."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import shutil
import sqlite3
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

import structlog

from app.core.errors import EvidenceError
from app.core.policy import Policy
from app.core.session import UNDER_WAY, By, Phase, State
from app.core.types import NS_PER_S, EntryKind, Instant, Json, Stream
from app.evidence.attempt_key import AttemptKey
from app.evidence.recovery import RecoveryReport
from app.evidence.store import SqliteEvidenceStore

BEGUN = UNDER_WAY | {Phase.VERIFIED, Phase.FINISHING, Phase.UPLOADING}
"""Phases in which there is something to go on with or to deliver."""


LATEST_UTC_NS = 4_102_444_800 * NS_PER_S
"""The year 2100."""
WAITING_MAX = 5000
"""Entries that wait for a disk that takes nothing; an exam makes some hundreds."""

log = structlog.get_logger()

PAGES = "pages"
"""Folder of what the exam's pages keep, such as answers not handed in; deleted when the attempt is delivered."""


@dataclass(slots=True)
class Attempt:
    """An opened attempt: its store, its signing key, and the state it was left in.

    ``fresh`` says that it was made just now. ``alive`` is the last instant at which an earlier
    session was known to run, None for a fresh one.
    """

    id: str
    root: Path
    store: SqliteEvidenceStore
    key: AttemptKey
    state: State
    fresh: bool
    alive: Instant | None
    recovery: RecoveryReport
    _waiting: deque[tuple[EntryKind, Mapping[str, Json], Instant]] = field(default_factory=deque)

    def note(self, kind: EntryKind, body: Mapping[str, Json], at: Instant) -> None:
        """Puts an entry into the chain; what finds no room on the disk waits in memory, in order. Session thread.

        What no canonical JSON can hold (names that are no Unicode, say) is written in a form that it can.
        """
        if len(self._waiting) >= WAITING_MAX:
            log.error("an entry is lost: the disk takes nothing", kind=kind.value, body=dict(body))
            return
        self._waiting.append((kind, {key: _writable(value) for key, value in body.items()}, at))
        try:
            self.write_waiting()
        except EvidenceError as error:
            log.error("an entry waits for room on the disk", error=str(error), waiting=len(self._waiting))

    def write_waiting(self) -> None:
        """Raises EvidenceError when there is still no room. After the seal nothing is written any more."""
        while self._waiting:
            if self.store.seal_of() is not None:
                log.warning("too late for the evidence", entries=[dict(body) for _, body, _ in self._waiting])
                self._waiting.clear()
                return
            self.store.append(*self._waiting[0])
            self._waiting.popleft()

    def save_state(self, state: State) -> None:
        """Durable when it returns. The evidence chain records the same; this is for a quick start."""
        self.state = state
        self.store.set_meta("state", json.dumps(asdict(state)))

    def mark_alive(self, now: Instant) -> None:
        self.store.set_meta("alive", json.dumps([now.mono_ns, now.utc_ns, now.boot_id]))

    def forget(self) -> None:
        """Removes everything of this attempt from the machine; for attempts in which nothing was captured."""
        self.store.close()
        shutil.rmtree(self.root, ignore_errors=True)


def _writable(value: Json) -> Json:
    """The same, but for what RFC 8785 has no form for: lone surrogates, integers from 2**53 on, NaN and infinity."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, dict):
        return {str(_writable(key)): _writable(item) for key, item in value.items()}
    inexact = isinstance(value, int) and abs(value) >= 2**53
    return str(value) if inexact or (isinstance(value, float) and not math.isfinite(value)) else value


def attempt_root(data_dir: Path, policy: Policy, kid: str) -> Path:
    """The same key material, exam, candidate and number always lead to the same folder."""
    parts = [kid, policy.exam.id, policy.candidate.id, str(policy.candidate.attempt_number)]
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
    return data_dir / "attempts" / name


def open_attempt(data_dir: Path, policy: Policy, kid: str, now: Instant) -> Attempt:
    """Opens the attempt that this key continues, or makes it. Raises EvidenceError with a sentence."""
    root = attempt_root(data_dir, policy, kid)
    try:
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
    except OSError as error:
        raise EvidenceError(
            f"The exam's data can't be written to {root}: {error.strerror or error}; free or unlock that disk."
        ) from error
    store = SqliteEvidenceStore(
        root,
        mode="continuous" if policy.evidence.mode == "continuous" else "clips",
        quota_bytes=policy.evidence.quota_mb * 1_000_000,
        keep_after_upload=policy.evidence.keep_after_upload,
        private=frozenset(stream for stream in Stream if not policy.upload.sends(stream)),
    )
    recovery = store.open(now)
    try:
        key = AttemptKey.load_or_create(root)
        attempt_id = store.get_meta("attempt_id")
        fresh = attempt_id is None
        if attempt_id is None:
            attempt_id = f"att_{secrets.token_hex(12)}"
            store.set_meta("attempt_id", attempt_id)
            store.append(
                EntryKind.ATTEMPT,
                {
                    "attempt": attempt_id,
                    "exam": policy.exam.id,
                    "candidate": policy.candidate.id,
                    "number": policy.candidate.attempt_number,
                    "public_key": key.public_key_hex,
                },
                now,
            )
        return Attempt(attempt_id, root, store, key, _state(store), fresh, _alive(store), recovery)
    except (ValueError, KeyError, TypeError) as error:
        store.close()
        raise EvidenceError(
            f"What is remembered of the exam in {root} is damaged ({error}); ask your institution for a new key."
        ) from error
    except BaseException:
        store.close()
        raise


def _state(store: SqliteEvidenceStore) -> State:
    saved = store.get_meta("state")
    if saved is None:
        return State()
    data = json.loads(saved)
    held = data["held"]
    return State(
        phase=Phase(data["phase"]),
        session=int(data["session"]),
        paused=bool(data["paused"]),
        reason=str(data["reason"]),
        held=None if held is None else str(held),
        held_by=None if held is None else By(data.get("held_by") or By.RULE),
        begun=bool(data["begun"]),
    )


def _alive(store: SqliteEvidenceStore) -> Instant | None:
    saved = store.get_meta("alive")
    if saved is None:
        return None
    mono_ns, utc_ns, boot_id = json.loads(saved)
    if not 0 <= int(utc_ns) < LATEST_UTC_NS:
        raise ValueError("a time that no exam has")
    return Instant(int(mono_ns), int(utc_ns), str(boot_id))


def is_begun(root: Path) -> bool:
    """Whether an attempt in this folder was locked and is not delivered yet. Reads only; False when it can't."""
    path = root / "journal.sqlite"
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
        return row is not None and json.loads(row[0])["phase"] in BEGUN
    except (sqlite3.Error, ValueError, KeyError, TypeError):
        return False
