"""Five tries for a password, then a wait. Kept in a file, so that starting the program again does not help."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from app.core.errors import BadInput

FREE_TRIES = 5
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
MAX_SUBJECTS = 1000
_MAX_BYTES = 1_000_000


class TooManyTries(BadInput):
    """``wait`` is how long no password is looked at."""

    def __init__(self, wait: timedelta) -> None:
        minutes, seconds = divmod(max(1, round(wait.total_seconds())), 60)
        left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        super().__init__(f"There were too many wrong passwords for this key; wait {left} and try again.")
        self.wait = wait


class _Failures(NamedTuple):
    wrong: int
    last: datetime


class Tries:
    """Wrong passwords by subject, which is any short text that names what is opened and is no secret itself.

    The first five may follow each other at once. The fifth brings a wait of one minute, each further one doubles it,
    up to fifteen minutes. A clock that is set back does not shorten a wait: it begins again.
    A file that is missing or damaged means no tries; a folder that can't be written means that nothing is counted
    beyond this run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, _Failures] | None = None

    def check(self, subject: str, now: datetime) -> None:
        """Raises TooManyTries while a wait is on; then the password is not to be looked at, right or wrong."""
        known = self._read()
        failures = known.get(subject)
        if failures is None:
            return
        if now < failures.last:
            failures = _Failures(failures.wrong, now)
            self._write(known | {subject: failures})
        left = wait_after(failures.wrong) - (now - failures.last)
        if left > timedelta():
            raise TooManyTries(left)

    def failed(self, subject: str, now: datetime) -> None:
        """Counts one wrong password."""
        known = {name: one for name, one in self._read().items() if now - one.last < FORGOTTEN_AFTER}
        before = known.pop(subject, None)
        known[subject] = _Failures(1 if before is None else before.wrong + 1, now)
        self._write(dict(list(known.items())[-MAX_SUBJECTS:]))

    def succeeded(self, subject: str) -> None:
        """Forgets the subject's wrong passwords."""
        known = dict(self._read())
        if known.pop(subject, None) is not None:
            self._write(known)

    def left(self, subject: str) -> int:
        """How many wrong passwords are free of a wait; 0 when the next one brings one."""
        failures = self._read().get(subject)
        return FREE_TRIES if failures is None else max(0, FREE_TRIES - failures.wrong)

    def _read(self) -> dict[str, _Failures]:
        if self._known is None:
            try:
                with self._path.open("rb") as file:
                    self._known = _parsed(file.read(_MAX_BYTES))
            except OSError:
                self._known = {}
        return self._known

    def _write(self, known: dict[str, _Failures]) -> None:
        self._known = known
        data = {name: [one.wrong, one.last.timestamp()] for name, one in known.items()}
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(json.dumps(data), encoding="utf-8")
            part.replace(self._path)


def default_tries_path() -> Path:
    """In the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("invigil", appauthor=False)) / "password-tries.json"


def wait_after(count: int) -> timedelta:
    """How long to wait after so many wrong passwords in a row."""
    if count < FREE_TRIES:
        return timedelta()
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(count - FREE_TRIES, 10)))


def _parsed(data: bytes) -> dict[str, _Failures]:
    try:
        entries = json.loads(data)
        return {
            str(name): _Failures(int(count), datetime.fromtimestamp(float(last), UTC))
            for name, (count, last) in entries.items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError, OSError):
        return {}
