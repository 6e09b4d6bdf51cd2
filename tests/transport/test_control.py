"""The control channel against a real WebSocket server."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from app.core.control import ControlMessage
from app.core.errors import BadInput
from app.core.types import Json
from app.transport.control import ControlChannel, control_url
from tests.fakes.control_server import WAIT_S, ControlServer, control_server

HELLO: dict[str, Json] = {"type": "hello", "after": 0}
TOKEN = "t0ken-of-the-exam"


@contextmanager
def channel(
    server: ControlServer, greeting: list[Mapping[str, Json]] | None = None
) -> Iterator[tuple[ControlChannel, queue.Queue[ControlMessage]]]:
    told: queue.Queue[ControlMessage] = queue.Queue()
    said = [HELLO] if greeting is None else greeting
    made = ControlChannel(server.url, TOKEN, "att_1", lambda: list(said), told.put, lambda: -0.45)
    made.start()
    try:
        yield made, told
    finally:
        made.stop()


def test_it_says_hello_with_its_token_at_the_attempts_own_address() -> None:
    with control_server() as server, channel(server):
        assert server.next() == HELLO
        assert server.paths == ["/v1/attempts/att_1/control"]
        assert server.tokens == [f"Bearer {TOKEN}"]
        assert server.connections[0].subprotocol == "invigil.control.1"


def test_what_the_server_says_is_heard_in_order_and_answered() -> None:
    with control_server() as server, channel(server) as (made, told):
        assert server.next() == HELLO
        for seq in (1, 2):
            server.send({"type": "key", "seq": seq})
            assert told.get(timeout=WAIT_S).seq == seq
            made.answer({"type": "ack", "seq": seq})
            assert server.next() == {"type": "ack", "seq": seq}


def test_after_a_cut_it_comes_back_and_greets_again() -> None:
    greeting: list[Mapping[str, Json]] = [HELLO]
    with control_server() as server, channel(server, greeting) as (_, told):
        assert server.next() == HELLO
        greeting.append({"type": "ack", "seq": 1})
        server.cut()
        assert [server.next(), server.next()] == greeting
        server.send({"type": "key", "seq": 2})
        assert told.get(timeout=WAIT_S).seq == 2


def test_a_server_that_refuses_for_now_is_asked_again() -> None:
    with control_server(refusals=2) as server, channel(server):
        assert server.next() == HELLO
        assert server.refused == 2


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"seq": 0, "type": "key"}', "[" * 50_000])
def test_nonsense_ends_the_connection_and_not_the_channel(text: str) -> None:
    with control_server() as server, channel(server) as (_, told):
        assert server.next() == HELLO
        server.send(text)
        assert server.next() == HELLO
        server.send({"type": "key", "seq": 1})
        assert told.get(timeout=WAIT_S).seq == 1


def test_a_message_larger_than_any_key_is_not_taken_into_memory() -> None:
    with control_server() as server, channel(server) as (_, told):
        assert server.next() == HELLO
        server.send({"type": "key", "seq": 1, "key": "x" * 1_100_000})
        assert server.next() == HELLO
        assert told.empty()


def test_without_a_server_it_can_be_stopped_all_the_same() -> None:
    made = ControlChannel("http://127.0.0.1:9", TOKEN, "att_1", lambda: [HELLO], lambda _message: None, lambda: 0.0)
    made.start()
    made.stop()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://proctoring.example.org", "wss://proctoring.example.org/v1/attempts/att%2F1/control"),
        ("https://example.org:8443/api/", "wss://example.org:8443/api/v1/attempts/att%2F1/control"),
        ("wss://proctoring.example.org", "wss://proctoring.example.org/v1/attempts/att%2F1/control"),
        ("http://127.0.0.1:8440", "ws://127.0.0.1:8440/v1/attempts/att%2F1/control"),
        ("ws://localhost:8440", "ws://localhost:8440/v1/attempts/att%2F1/control"),
    ],
)
def test_the_address_follows_from_the_backends(endpoint: str, url: str) -> None:
    assert control_url(endpoint, "att/1") == url


@pytest.mark.parametrize("endpoint", ["http://proctoring.example.org", "ws://example.org", "ftp://example.org", "x"])
def test_the_token_never_travels_unencrypted(endpoint: str) -> None:
    with pytest.raises(BadInput):
        control_url(endpoint, "att_1")
