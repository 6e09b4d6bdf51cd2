"""One JSON line per change, for scripts that drive or watch the client."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from app.core.types import Json

log = structlog.get_logger()


class StatusFile:
    """Appends lines; None as path writes nothing. Any thread. A file that can't be written is no reason to stop."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._failed = False

    def write(self, **facts: Json) -> None:
        if self._path is None:
            return
        line = json.dumps(facts, ensure_ascii=False) + "\n"
        with self._lock:
            try:
                with self._path.open("a", encoding="utf-8") as handle:
                    handle.write(line)
            except OSError as error:
                if not self._failed:
                    log.warning("status file", path=str(self._path), error=str(error))
                self._failed = True


class StatusReader:
    """Reads the lines that were added since the last call; a torn last line is left for the next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> Iterator[dict[str, Json]]:
        if not self._path.exists():
            return
        with self._path.open("rb") as handle:
            handle.seek(self._offset)
            data = handle.read()
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        for line in data[:whole].splitlines():
            yield json.loads(line)
