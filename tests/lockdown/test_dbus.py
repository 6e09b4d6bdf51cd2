"""What a bus may do to us that is run by the person under exam: nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.lockdown.linux import dbus
from app.lockdown.linux.dbus import Bus, session_bus, system_bus
from app.lockdown.linux.lockers import DesktopLockers

OK = b"OK 1234deadbeef\r\n"
HEADER = b"l\x02\x01\x01"
"""Of an answer, in little-endian order."""


@contextmanager
def false_bus(folder: Path, *says: bytes) -> Iterator[str]:
    """Says one thing after each that it hears, and then nothing more; its address."""
    path = folder / "bus"
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind(str(path))
        ear.listen(1)

        def serve() -> None:
            line, _ = ear.accept()
            with line:
                line.recv(4096)
                for words in says:
                    line.sendall(words)
                    line.recv(4096)
                done.wait()

        thread = threading.Thread(target=serve, name="false-bus", daemon=True)
        thread.start()
        try:
            yield f"unix:path={path}"
        finally:
            done.set()
            thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbus, "_ANSWER_WAIT_S", 0.1)


@pytest.mark.parametrize(
    "says",
    [
        (),
        (b"REJECTED\r\n",),
        (b"x" * 9000,),
        (OK,),
        (OK, b"GET / HTTP/1.1\r\n\r\n" * 9),
        (OK, b"l\x02\x01\x01" + b"\xff" * 60),
        (OK, HEADER + (64 << 20).to_bytes(4, "little") + b"\1\0\0\0" + b"\0" * 4),
        (OK, HEADER + b"\0" * 4 + b"\1\0\0\0" + b"\x10\0\0\0" + b"\x05\x01z\0" + b"\xee" * 20),
    ],
    ids=["silence", "refusal", "chatter", "silence later", "another protocol", "lengths", "too much", "nonsense"],
)
def test_a_bus_that_is_none_is_told_in_a_sentence_and_given_up(tmp_path: Path, says: tuple[bytes, ...]) -> None:
    with false_bus(tmp_path, *says) as address:
        bus = Bus(address)
        with pytest.raises(LockdownError, match="The message bus does not answer"):
            bus.connect()
        assert not bus.connected


@pytest.mark.parametrize("address", ["", "disabled:", "unix:", "tcp:host=127.0.0.1", "unix:path=/nowhere", "nonsense"])
def test_an_address_that_leads_nowhere_is_told_in_a_sentence(address: str) -> None:
    with pytest.raises(LockdownError, match="The message bus does not answer"):
        Bus(address).connect()


def test_a_bus_that_was_never_there_can_not_be_asked() -> None:
    with pytest.raises(LockdownError, match="not connected"):
        Bus("").owner("org.example")


def test_a_silent_session_bus_is_asked_once_and_not_at_each_poll(tmp_path: Path) -> None:
    address = f"unix:path={tmp_path / 'bus'}"
    lockers = DesktopLockers({"DBUS_SESSION_BUS_ADDRESS": address})
    with false_bus(tmp_path):
        assert not lockers.locked(0)
    (tmp_path / "bus").unlink()
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind(str(tmp_path / "bus"))
        ear.listen(1)
        ear.setblocking(False)
        assert not lockers.locked(1)
        with pytest.raises(BlockingIOError):
            ear.accept()


def test_the_buses_are_where_the_system_has_them() -> None:
    assert system_bus({}) == "unix:path=/run/dbus/system_bus_socket"
    assert session_bus({"XDG_RUNTIME_DIR": "/run/user/1000"}) == "unix:path=/run/user/1000/bus"
    assert session_bus({}) == ""
