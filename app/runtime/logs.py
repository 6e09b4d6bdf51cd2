"""The log for IT: JSON lines in a file that is turned over by size. Secrets never get here."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

import structlog

MAX_BYTES = 2_000_000
FILES_KEPT = 5


def set_up_logging(folder: Path) -> None:
    """One JSON object per line in ``folder/client.log``. A folder that can't be written leaves the log on stderr.

    ``folder`` and the data folder above it are this user's alone where they are new.
    """
    logging.raiseExceptions = False  # a full disk must not fill the terminal with tracebacks
    handler: logging.Handler
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # of several new folders, only the last gets it
        folder.mkdir(mode=0o700, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            folder / "client.log", maxBytes=MAX_BYTES, backupCount=FILES_KEPT, encoding="utf-8"
        )
    except OSError:
        handler = logging.StreamHandler()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
