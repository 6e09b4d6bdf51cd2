"""Messages over the control channel, and which key is an update."""

from __future__ import annotations

import json
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.control import (
    REASON_MAX,
    Answer,
    ControlMessage,
    held_state,
    hello,
    read_message,
    reason_of,
    update_refusal,
)
from app.core.errors import BadInput
from app.core.policy_change import Change
from app.core.types import Json


class RunningKey(TypedDict):
    running_exam: str
    running_issuer: str
    running_serial: int


LONGER = Change("exam.duration_min", 60, 90)
SHORTER = Change("exam.duration_min", 60, 30, "takes time away from a running exam")
OTHER_PAGE = Change("exam.start_url", "https://a.example", "https://b.example", "can't change while the exam runs")
RUNNING: RunningKey = {"running_exam": "algebra-1", "running_issuer": "Example University", "running_serial": 7}


def test_a_message_has_a_number_and_a_type() -> None:
    message = read_message('{"type": "key", "seq": 3, "key": "abc"}')
    assert (message.seq, message.type, message.body["key"]) == (3, "key", "abc")


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '"key"', '{"type": "key"}', '{"type": 3, "seq": 1}', '{"type": "key", "seq": "1"}',
        '{"type": "key", "seq": true}', '{"type": "key", "seq": 0}', '{"type": "key", "seq": -1}',
        '{"type": "key", "seq": 1.5}', '{"type": "key", "seq": 1e400}', "[" * 100_000, '{"type": "key", "seq": 9007199254740992}',
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match=r"^The server sent .*\.$"):
        read_message(text)


@given(
    st.text(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "seq", "key"]), inner),
    ).map(json.dumps)
)
def test_any_text_is_a_message_or_a_sentence(text: str) -> None:
    try:
        seq = read_message(text).seq
    except BadInput as error:
        refusal = str(error)
    else:
        refusal = "" if seq > 0 else "accepted without a number"
    assert refusal == "" or refusal.startswith("The server sent ")


def test_hello_names_the_last_message_and_the_key() -> None:
    assert hello(4, "1.2.3", "k", 9) == {
        "type": "hello", "after": 4, "client": "1.2.3", "key": {"id": "k", "serial": 9},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status", "applied", "refused"),
    [
        ([], "applied", [], 0),
        ([LONGER], "applied", ["exam.duration_min"], 0),
        ([LONGER, OTHER_PAGE], "partly", ["exam.duration_min"], 1),
        ([SHORTER, OTHER_PAGE], "refused", [], 2),
    ],
)
def test_the_answer_says_what_was_taken_and_what_not(
    changes: list[Change], status: str, applied: list[str], refused: int
) -> None:
    answer = Answer.of_changes(5, changes).to_json()
    assert (answer["type"], answer["seq"], answer["status"], answer["applied"]) == ("ack", 5, status, applied)
    told = answer["refused"]
    assert isinstance(told, list)
    assert len(told) == refused
    assert all(isinstance(one, dict) and one["path"] and one["reason"] for one in told)


def test_a_higher_serial_of_the_same_issuer_and_exam_is_an_update() -> None:
    assert update_refusal(**RUNNING, exam="algebra-1", issuer="Example University", serial=8) is None


@pytest.mark.parametrize(
    ("exam", "issuer", "serial", "words"),
    [
        ("algebra-1", "Example University", 7, "not higher than 7"),
        ("algebra-1", "Example University", 6, "not higher than 7"),
        ("algebra-2", "Example University", 8, "another exam"),
        ("algebra-1", "Example College", 8, "another issuer"),
    ],
)
def test_older_and_foreign_keys_are_none(exam: str, issuer: str, serial: int, words: str) -> None:
    assert words in str(update_refusal(**RUNNING, exam=exam, issuer=issuer, serial=serial))


def test_a_held_exam_says_so_and_why() -> None:
    assert held_state("Wait.", "proctor") == {"type": "state", "held": True, "reason": "Wait.", "by": "proctor"}
    assert held_state(None, None) == {"type": "state", "held": False, "reason": "", "by": ""}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Wait for me.", "Wait for me."),
        ("  two\nlines\t\u202e\x07", "two lines"),
        ("x" * 600, "x" * (REASON_MAX - 1) + "…"),
        (None, ""),
        (["a"], ""),
    ],
    ids=["plain", "controls", "long", "none", "no text"],
)
def test_a_proctor_s_reason_is_one_short_line_of_plain_text(said: Json, reason: str) -> None:
    assert reason_of(ControlMessage(1, "lock", {"reason": said})) == reason
