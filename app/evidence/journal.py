"""The attempt's journal: one SQLite database behind one lock, every transaction durable when it returns."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from app.core.errors import EvidenceError
from app.core.manifest import GENESIS, entry_from_json, entry_to_json, make_entry
from app.core.types import Entry, EntryKind, Instant, Json
from app.evidence import schema

T = TypeVar("T")

_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_ENTRIES_AFTER = "SELECT seq, line FROM entries WHERE seq > ? AND (? IS NULL OR kind = ?) ORDER BY seq LIMIT 500"


class Journal:
    """Any thread. ``make_room`` is called once when a transaction finds the disk full, before it is tried again."""

    def __init__(self, path: Path, make_room: Callable[[], bool]) -> None:
        self._path = path
        self._make_room = make_room
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._owner: sqlite3.Connection | None = None

    def open(self) -> None:
        """Raises EvidenceError when it can't be opened, is damaged, newer than this program, or in use."""
        with self._lock:
            if self._db is not None:
                raise EvidenceError(f"The evidence journal {self._path} is already open.")
            try:
                self._owner = self._claim()
                self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
                self._prepare(self._db)
            except sqlite3.Error as error:
                self.close()
                raise EvidenceError(f"The evidence journal {self._path} can't be opened ({error}).") from error
            except EvidenceError:
                self.close()
                raise

    def close(self) -> None:
        """Safe to call twice."""
        with self._lock:
            for connection in (self._db, self._owner):
                if connection is not None:
                    with contextlib.suppress(
                        sqlite3.Error
                    ):  # what was committed is safe; there is nothing to save here
                        connection.close()
            self._db = self._owner = None

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """``work`` in one transaction: all of it is on disk when this returns, or none. Raises EvidenceError."""
        with self._lock:
            try:
                return self._once(work)
            except sqlite3.OperationalError as error:
                if _code(error) not in _FULL or not self._make_room():
                    raise self._failed(error) from error
            except sqlite3.Error as error:
                raise self._failed(error) from error
            try:
                return self._once(work)
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._connection().execute(query, parameters).fetchall()
            except sqlite3.Error as error:
                raise EvidenceError(f"The evidence journal {self._path} can't be read ({error}).") from error

    def entries(self, kind: EntryKind | None = None) -> Iterator[Entry]:
        """All entries, or those of one kind, in order; those appended meanwhile may be included."""
        wanted = None if kind is None else kind.value
        last = 0
        while page := self.rows(_ENTRIES_AFTER, (last, wanted, wanted)):
            for row in page:
                yield entry_from_json(row["line"])
            last = page[-1]["seq"]

    def _claim(self) -> sqlite3.Connection:
        """A lock that the system frees however this process ends, so that two clients never write one attempt."""
        owner = sqlite3.connect(
            self._path.with_name("owner.lock"), isolation_level=None, check_same_thread=False, timeout=0
        )
        try:
            owner.execute("PRAGMA locking_mode=EXCLUSIVE")
            owner.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            owner.close()
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise EvidenceError(
                    f"The evidence in {self._path.parent} is in use by another Invigil; close it and start again."
                ) from error
            raise
        return owner

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA wal_autocheckpoint=100")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > schema.VERSION:
            raise EvidenceError(f"The evidence journal {self._path} is from a newer Invigil; update this one.")
        if version == 0:
            db.executescript(f"BEGIN IMMEDIATE;{schema.TABLES}PRAGMA user_version={schema.VERSION};COMMIT;")

    def _once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._connection()
        db.execute("BEGIN IMMEDIATE")
        try:
            result = work(db)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return result

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise EvidenceError(f"The evidence journal {self._path} is not open.")
        return self._db

    def _failed(self, error: sqlite3.Error) -> EvidenceError:
        return EvidenceError(
            f"The evidence journal {self._path} can't be written ({error}); check the disk's space and rights."
        )


def append_entry(db: sqlite3.Connection, kind: EntryKind, body: Mapping[str, Json], at: Instant) -> Entry:
    """Puts an entry at the end of the chain, inside the caller's transaction. Nothing follows a seal: EvidenceError."""
    last = db.execute("SELECT seq, kind, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    if last is not None and last["kind"] == EntryKind.SEAL.value:
        raise EvidenceError("The evidence is sealed; nothing can be added to it.")
    seq, prev = (1, GENESIS) if last is None else (last["seq"] + 1, last["hash"])
    entry = make_entry(prev, seq, kind, at, body)
    db.execute(
        "INSERT INTO entries (seq, kind, hash, line) VALUES (?, ?, ?, ?)",
        (seq, kind.value, entry.hash, entry_to_json(entry)),
    )
    return entry


def get_meta(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row["value"])


def set_meta(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def _code(error: sqlite3.Error) -> int:
    """The primary result code: the low byte of the extended one."""
    return error.sqlite_errorcode & 0xFF
