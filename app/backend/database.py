"""The connection to the database. SQLite now; nothing here or above depends on it being SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Connection, create_engine, event, inspect, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from app.backend.models import Base, SchemaVersion
from app.core.errors import BadInput

SCHEMA_VERSION = 3
_GROWN_FROM = frozenset({1, 2})
"""Earlier layouts that are this one with tables missing."""
_READING = "invigil_reading"


class Database:
    """One per process. start() before use, stop() at the end; reading() and writing() from any thread between."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. BadInput when the address is none, or its driver is not installed."""
        try:
            self._engine = create_engine(url, hide_parameters=True)  # errors are logged, what is stored is not
        except (ArgumentError, ImportError, ValueError) as error:
            raise BadInput("The database address can't be used; check it, and that its driver is installed.") from error
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    def start(self) -> None:
        """Creates the tables that an empty database, or one of an earlier version, lacks. BadInput: it can't be used."""
        _make_private(self._engine.url)
        try:
            found = self._version()
            if found is None or found == SCHEMA_VERSION or found in _GROWN_FROM:
                Base.metadata.create_all(self._engine)
                self._set_version()
                return
        except SQLAlchemyError as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise BadInput(f"The database {where} can't be opened; check the address and the rights on it.") from error
        raise BadInput(f"The database has layout {found}, this version needs {SCHEMA_VERSION}; use its version.")

    def _version(self) -> int | None:
        """None for a database that is empty, or whose making was cut short."""
        if not inspect(self._engine).has_table(SchemaVersion.__tablename__):
            return None
        with self.reading() as session:
            return session.scalar(select(SchemaVersion.version))

    def _set_version(self) -> None:
        with self.writing() as session:
            row = session.scalars(select(SchemaVersion)).first()
            if row is None:
                session.add(SchemaVersion(version=SCHEMA_VERSION))
            else:
                row.version = SCHEMA_VERSION

    def stop(self) -> None:
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an exception."""
        with self._sessions() as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One transaction that changes nothing; it does not wait for those that do."""
        with self._sessions() as session:
            session.connection(execution_options={_READING: True})
            yield session
            session.commit()


def open_once(url: str) -> None:
    """Creates what is missing. BadInput, in a sentence, where a server's start would fail."""
    database = Database(url)
    try:
        database.start()
    finally:
        database.stop()


def _make_private(url: URL) -> None:
    """A new SQLite file is its owner's alone, wherever it lies; its journals are as it is."""
    name = url.database or ""
    if url.get_backend_name() == "sqlite" and name not in ("", ":memory:") and not Path(name).exists():
        with suppress(OSError):  # whoever opens it says why it can't be
            Path(name).touch(mode=0o600)


def _prepare_sqlite(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Who means to write takes the lock at once: a transaction that reads, then writes, would fail instead of wait."""
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
