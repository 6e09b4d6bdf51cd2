"""The control channel: every message arrives at least once, in order, whatever happens to the connection."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from app.backend import control as channel
from app.core.types import Json
from tests.fakes.backend_server import RunningBackend, until
from tests.fakes.exam_keys import ControlClient, announce, control, exam_key, key_services, store

JsonText = dict[str, Json]


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data", key_services()) as running:
        yield running


class Sitting:
    """One exam with a running attempt."""

    def __init__(self, backend: RunningBackend) -> None:
        self.backend = backend
        self.exam_id = backend.new_exam()
        self.attempt_id = announce(backend, self.exam_id)
        self.token = backend.new_token(self.exam_id, userId="s1234")

    def key(self, serial: int, **fields: Any) -> str:
        return exam_key(serial, upload_exam=self.exam_id, **fields)

    def delivery(self, stored: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.backend.ask("GET", f"/v1/keys/{stored['id']}").json()["deliveries"][0]
        return found


@pytest.fixture
def sitting(backend: RunningBackend) -> Sitting:
    return Sitting(backend)


def closed(client: ControlClient) -> tuple[int, str]:
    """The code and reason with which the server ends the connection."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            client.line.recv(timeout=10)
    return client.line.close_code or 0, client.line.close_reason or ""


def test_a_key_reaches_a_connected_client_at_once_and_its_answer_is_kept(
    backend: RunningBackend, sitting: Sitting
) -> None:
    with control(backend, sitting.attempt_id, sitting.token) as client:
        assert client.line.subprotocol == "invigil.control.1"
        client.hello()
        key = sitting.key(2, exam__message="Ten more minutes")
        stored = store(backend, key)
        assert stored["pushed"] == 1
        assert client.hear() == {"type": "key", "seq": 1, "key": key}
        assert sitting.delivery(stored)["status"] == "pending"
        refused: Json = [{"path": "capture.camera", "reason": "can't change while the exam runs"}]
        client.ack(1, "partly", applied=["exam.message"], refused=refused)
        until(lambda: sitting.delivery(stored)["status"] == "partly")
    delivery = sitting.delivery(stored)
    assert (delivery["applied"], delivery["refused"], delivery["userId"]) == (["exam.message"], refused, "s1234")
    assert delivery["acknowledgedAt"] >= delivery["createdAt"]


def test_what_came_while_the_client_was_away_is_sent_in_order_when_it_is_back(
    backend: RunningBackend, sitting: Sitting
) -> None:
    keys = [sitting.key(serial) for serial in range(2, 9)]
    for key in keys:
        store(backend, key)
    with control(backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        heard = [client.hear() for _ in keys]
    assert [(one["seq"], one["key"]) for one in heard] == list(enumerate(keys, start=1))


def test_a_client_is_sent_again_what_it_has_not_handled_and_nothing_before(
    backend: RunningBackend, sitting: Sitting
) -> None:
    for serial in (2, 3, 4):
        store(backend, sitting.key(serial))
    with control(backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        assert [client.hear()["seq"] for _ in range(3)] == [1, 2, 3]
        client.ack(2)
    for after, expected in ((0, [1, 2, 3]), (1, [2, 3]), (2, [3])):
        with control(backend, sitting.attempt_id, sitting.token) as client:
            client.hello(after=after, serial=4)
            assert [client.hear()["seq"] for _ in expected] == expected
            with pytest.raises(TimeoutError):
                client.hear(timeout_s=0.2)


def test_messages_survive_a_restart_of_the_server(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, key_services()) as backend:
        sitting = Sitting(backend)
        key = sitting.key(2)
        store(backend, key)
    with (
        RunningBackend(tmp_path, key_services()) as backend,
        control(backend, sitting.attempt_id, sitting.token) as client,
    ):
        client.hello()
        assert client.hear()["key"] == key


def test_who_comes_late_is_sent_the_newest_key_once_and_only_if_it_is_newer(
    backend: RunningBackend, sitting: Sitting
) -> None:
    newest = sitting.key(9)
    store(backend, sitting.key(8))
    store(backend, newest)
    for number, (serial, hears) in enumerate(((1, True), (8, True), (9, False), (10, False))):
        late = announce(backend, sitting.exam_id, f"late-{number}")
        for after in (0, 1):
            with control(backend, late, backend.new_token(sitting.exam_id)) as client:
                client.hello(after=after, serial=serial)
                if hears and after == 0:
                    assert client.hear() == {"type": "key", "seq": 1, "key": newest}
                else:
                    with pytest.raises(TimeoutError):
                        client.hear(timeout_s=0.2)


def test_who_comes_late_is_not_sent_what_is_for_others(backend: RunningBackend, sitting: Sitting) -> None:
    store(backend, sitting.key(9, candidate={"group": "evening"}))
    store(backend, sitting.key(9, candidate={"id": "other", "name": "Sample Candidate"}))
    with control(backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        with pytest.raises(TimeoutError):
            client.hear(timeout_s=0.2)


def test_the_first_answer_counts_and_answers_to_nothing_are_ignored(backend: RunningBackend, sitting: Sitting) -> None:
    stored = store(backend, sitting.key(2))
    with control(backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        client.hear()
        client.ack(77, "refused")
        client.ack(1, "applied", applied=["exam.message"])
        client.ack(1, "refused", reason="older")
        client.say(type="something new", more=[1, 2, 3])
        until(lambda: sitting.delivery(stored)["status"] == "applied")
        assert closes_well(client.line)
    assert sitting.delivery(stored)["reason"] == ""


def closes_well(line: ClientConnection) -> bool:
    """Whether the server was content to the end: it answers the close with the same code."""
    line.close()
    return line.close_code == 1000


def test_the_newest_connection_of_an_attempt_takes_over(backend: RunningBackend, sitting: Sitting) -> None:
    with control(backend, sitting.attempt_id, sitting.token) as first:
        first.hello()
        with control(backend, sitting.attempt_id, sitting.token) as second:
            second.hello()
            assert closed(first) == (4001, "Another connection of this attempt took over")
            key = sitting.key(2)
            store(backend, key)
            assert second.hear()["key"] == key


OTHER_PROCESS = """
import sys
from pathlib import Path
from app.backend.context import Context
from app.backend.key_store import push, store
from app.backend.settings import BackendSettings
from app.keys.issuers import TrustedIssuers
from app.keys.jwks import read_jwks
from app.keys.issuers import Issuer
from app.runtime.key_desk import IssuingDesk
from app.backend.settings import BackendServices
from app.runtime.clock import SystemClock

folder, key, trusted = Path(sys.argv[1]), sys.argv[2], read_jwks(sys.argv[3])
desk = IssuingDesk(Issuer.create("Other process"), trusted)
context = Context(BackendSettings(data_dir=folder), BackendServices(clock=SystemClock(), keys=desk))
context.start()
with context.database.writing() as session:
    kept = store(session, desk.read(key, context.now_ns()), context.now_ns())
    print(len(push(session, kept, context.now_ns())))
context.stop()
"""


def test_what_another_process_stores_is_found_by_looking(backend: RunningBackend, sitting: Sitting) -> None:
    with control(backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        key = sitting.key(2)
        trusted = backend.ask("GET", "/.well-known/jwks.json").text
        words = [sys.executable, "-c", OTHER_PROCESS, str(backend.settings.data_dir), key, trusted]
        assert subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout == "1\n"
        assert client.hear()["key"] == key


# ---- who may connect


def refused(backend: RunningBackend, attempt_id: str, token: str, **options: Any) -> tuple[int, str]:
    """The HTTP status and the error's sentence of a handshake that fails."""
    with pytest.raises(InvalidStatus) as end, control(backend, attempt_id, token, **options):
        pass
    error = json.loads(end.value.response.body)["error"]
    return end.value.response.status_code, error["details"][0]["issue"] if error["details"] else error["message"]


def test_only_a_key_for_the_attempts_exam_and_user_connects(backend: RunningBackend, sitting: Sitting) -> None:
    foreign = backend.new_token(backend.new_exam())
    another = backend.new_token(sitting.exam_id, userId="somebody-else")
    for token in ("wrong", foreign, another):
        assert refused(backend, sitting.attempt_id, token)[0] == 401
    assert refused(backend, sitting.attempt_id, "", headers={}) == (401, "A Bearer API key is needed")
    assert refused(backend, "attempt-unknown", sitting.token)[0] == 404


def test_a_client_that_speaks_another_protocol_is_told_which_one(backend: RunningBackend, sitting: Sitting) -> None:
    for protocols in (None, ["invigil.control.99"]):
        status, sentence = refused(backend, sitting.attempt_id, sitting.token, subprotocols=protocols)
        assert (status, "invigil.control.1" in sentence) == (400, True)


# ---- clients that mean no good


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("nonsense", 1007),
        ("[" * 100_000, 1007),
        ('{"type": "hello", "after": 1' + "0" * 5000 + "}", 1007),
        ('{"type": "hello", "client": "\\ud800"}', 1007),
        ("[]", 1008),
        ('{"no": "type"}', 1008),
        ('{"type": "hello"}', 1008),
        ('{"type": "ack", "seq": 1, "status": "applied"}', 1008),
        ('{"type": "hello", "after": -1, "client": "x", "key": {"id": "k", "serial": 1}}', 1008),
        ('{"type": "hello", "after": "0", "client": "x", "key": {"id": "k", "serial": 1}}', 1008),
        (f'{{"type": "hello", "after": 0, "client": "{"x" * 300_000}"}}', 1009),
        (b"binary", 1003),
    ],
)
def test_a_first_message_that_is_no_hello_ends_the_connection(
    backend: RunningBackend, sitting: Sitting, sent: str | bytes, code: int
) -> None:
    with control(backend, sitting.attempt_id, sitting.token) as client:
        client.line.send(sent)
        assert closed(client)[0] == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "seq", "after", "key", ""]), inner),
)


@given(st.text(max_size=200) | JSON.map(json.dumps))
def test_whatever_text_is_sent_is_a_message_or_a_reason_to_close(text: str) -> None:
    end = channel._End(1008, "")
    try:
        assert isinstance(channel._object(text)["type"], str)
    except channel._End as raised:
        end = raised
    assert end.code in {1007, 1008}
    assert len(end.reason.encode()) <= 123


@pytest.mark.parametrize(
    "ack",
    [
        {"status": "applied"},
        {"seq": 1},
        {"seq": 1, "status": "maybe"},
        {"seq": 1, "status": "applied", "applied": "exam.message"},
        {"seq": 1, "status": "applied", "refused": [{"path": "x"}]},
        {"seq": 2**40, "status": "applied"},
    ],
)
def test_an_ack_that_is_not_in_its_form_ends_the_connection(
    backend: RunningBackend, sitting: Sitting, ack: JsonText
) -> None:
    with control(backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        client.say(**({"type": "ack"} | ack))
        assert closed(client)[0] == 1008


def test_a_client_that_says_nothing_is_not_waited_for(
    backend: RunningBackend, sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "HELLO_S", 0.1)
    with control(backend, sitting.attempt_id, sitting.token) as client:
        assert closed(client) == (1008, "The client did not say hello in time")


def test_a_client_that_sends_without_end_is_stopped(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, key_services(), requests_per_s=0.01, burst=30) as backend:
        sitting = Sitting(backend)
        with control(backend, sitting.attempt_id, sitting.token) as client:
            client.hello()
            with contextlib.suppress(ConnectionClosed):
                for _ in range(1000):
                    client.say(type="noise")
            assert closed(client)[0] == 1008


def test_many_clients_that_share_a_token_may_all_answer_at_once(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, key_services(), requests_per_s=0.01, burst=30) as backend, ExitStack() as open_lines:
        sitting = Sitting(backend)
        shared = backend.new_token(sitting.exam_id)
        clients = []
        for number in range(12):
            attempt_id = announce(backend, sitting.exam_id, f"user-{number}")
            clients.append(open_lines.enter_context(control(backend, attempt_id, shared)))
        for client in clients:
            client.hello()
            for seq in range(1, 20):
                client.ack(seq)
        assert all(closes_well(client.line) for client in clients)


def test_a_client_that_never_reads_holds_up_nobody(backend: RunningBackend, sitting: Sitting) -> None:
    """Seven megabytes are more than the network's buffers take in for it."""
    other = announce(backend, sitting.exam_id, "other")
    rules = [f"{number}.{'x' * 60}.example.org" for number in range(1800)]
    with (
        control(backend, sitting.attempt_id, sitting.token, max_queue=1, close_timeout=0.1) as deaf,
        control(backend, other, backend.new_token(sitting.exam_id)) as client,
    ):
        deaf.hello()
        client.hello()
        for serial in range(2, 42):
            key = sitting.key(serial, browser__allow=rules)
            store(backend, key)
            assert client.hear()["key"] == key
        assert 40 * len(key) > 7_500_000


def test_the_server_stops_while_clients_are_connected(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, key_services()) as backend:
        sitting = Sitting(backend)
        client = control(backend, sitting.attempt_id, sitting.token)
        connected = client.__enter__()
        connected.hello()
    assert closed(connected)[0] == 1012
    client.__exit__(None, None, None)
