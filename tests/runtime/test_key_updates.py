"""Newer keys for an exam that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from app.core.audience import Audience
from app.core.control import ControlMessage
from app.core.errors import BadInput
from app.core.policy import Accessibility, Candidate, Detection, Live, Policy, RuleSetting, Score
from app.core.types import EntryKind, Json
from app.keys.tokens import ConfigKey
from app.runtime.attempts import Attempt, open_attempt
from app.runtime.key_updates import ANSWERS_KEPT, KeyUpdates, told_changes
from tests.fakes.control_server import control_server
from tests.fakes.session import exam_policy
from tests.fakes.shell import client, config_key, machine
from tests.fakes.sources import ManualClock

FIRST = 5


@dataclass
class Keys:
    """Knows tokens as if it had verified their signatures; what it does not know is refused."""

    known: dict[str, ConfigKey] = field(default_factory=dict)
    asked_at: list[datetime] = field(default_factory=list)

    def add(self, key: ConfigKey) -> str:
        self.known[key.token] = key
        return key.token

    def verify(self, token: str, at: datetime) -> ConfigKey:
        self.asked_at.append(at)
        if token not in self.known:
            raise BadInput("This key was altered or damaged: its signature does not fit; ask for a new one.")
        return self.known[token]


@dataclass
class Rig:
    keys: Keys
    attempt: Attempt
    updates: KeyUpdates
    seq: int = 0

    def send(self, key: ConfigKey | str, seq: int | None = None) -> dict[str, Json]:
        token = key if isinstance(key, str) else self.keys.add(key)
        self.seq = self.seq + 1 if seq is None else seq
        body: dict[str, Json] = {"type": "key", "seq": self.seq, "key": token}
        answer, _ = self.updates.handle(ControlMessage(self.seq, "key", body))
        return dict(answer)

    def journal(self) -> list[dict[str, Json]]:
        entries = self.attempt.store.entries()
        return [dict(e.body) for e in entries if e.kind is EntryKind.EVENT and e.body.get("event") == "key_update"]


def policy() -> Policy:
    return replace(exam_policy(60), detection=Detection(rules={5106: RuleSetting(enabled=False)}))


def update(
    serial: int, change: Callable[[Policy], Policy] = lambda p: p, issuer: str = "Example University"
) -> ConfigKey:
    return config_key(change(policy()), serial, issuer)


def longer(minutes: int) -> Callable[[Policy], Policy]:
    return lambda p: replace(p, exam=replace(p.exam, duration_min=minutes))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    attempt = open_attempt(tmp_path, policy(), "kid", ManualClock().now())
    keys = Keys()
    return Rig(keys, attempt, KeyUpdates(config_key(policy(), FIRST), attempt, ManualClock(), keys.verify))


def test_more_time_is_applied_and_journalled_with_its_key(rig: Rig) -> None:
    answer = rig.send(update(6, longer(90)))
    assert (answer["status"], answer["applied"], answer["refused"]) == ("applied", ["exam.duration_min"], [])
    assert rig.updates.policy.exam.duration_min == 90
    (entry,) = rig.journal()
    assert (entry["status"], entry["serial"], entry["key_id"]) == ("applied", 6, "key-6")
    assert entry["applied"] == [{"path": "exam.duration_min", "old": 60, "new": 90}]


def test_thresholds_permissions_weights_and_a_message_are_applied(rig: Rig) -> None:
    def change(p: Policy) -> Policy:
        rules = {5106: RuleSetting(enabled=False), 5101: RuleSetting(dwell_s=6.0)}
        return replace(
            p,
            exam=replace(p.exam, message="Question 3 is withdrawn."),
            detection=replace(p.detection, rules=rules, sensitivity="low"),
            score=Score(weights={5101: 2.0}),
            accessibility=Accessibility(looking_away=True),
        )

    answer = rig.send(update(6, change))
    assert answer["status"] == "applied"
    running = rig.updates.policy
    assert running.exam.message == "Question 3 is withdrawn."
    assert (running.detection.sensitivity, running.detection.rules[5101].dwell_s) == ("low", 6.0)
    assert running.score.weights == {5101: 2.0}
    assert running.accessibility.looking_away


def test_what_may_not_change_is_refused_field_by_field_and_the_rest_applied(rig: Rig) -> None:
    def change(p: Policy) -> Policy:
        return replace(longer(90)(p), capture=replace(p.capture, screen=False), detection=Detection())

    answer = rig.send(update(6, change))
    assert (answer["status"], answer["applied"]) == ("partly", ["exam.duration_min"])
    assert answer["refused"] == [
        {"path": "capture.screen", "reason": "can't change while the exam runs"},
        {"path": "detection.rules.5106.enabled", "reason": "judges what the candidate did not agree to"},
    ]
    assert rig.updates.policy == longer(90)(policy())


def test_time_is_never_taken_away(rig: Rig) -> None:
    answer = rig.send(update(6, longer(30)))
    assert answer["status"] == "refused"
    assert rig.updates.policy == policy()
    assert rig.journal()[0]["refused"] == [
        {"path": "exam.duration_min", "reason": "takes time away from a running exam"}
    ]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (update(FIRST, longer(90)), "not higher than 5"),
        (update(FIRST - 1, longer(90)), "not higher than 5"),
        (update(6, longer(90), issuer="Example College"), "another issuer"),
        (
            update(6, lambda p: replace(longer(90)(p), exam=replace(p.exam, id="other", duration_min=90))),
            "another exam",
        ),
        (update(6, lambda p: replace(longer(90)(p), candidate=Candidate(id="x", name="Other"))), "another candidate"),
        ("forged", "signature"),
    ],
)
def test_older_foreign_and_forged_keys_change_nothing_and_are_written_down(
    rig: Rig, key: ConfigKey | str, words: str
) -> None:
    answer = rig.send(key)
    assert answer["status"] == "refused"
    assert words in str(answer["reason"])
    assert rig.updates.policy == policy()
    assert words in str(rig.journal()[0]["reason"])


def test_an_update_for_the_whole_exam_keeps_the_candidate_and_the_upload_token(rig: Rig) -> None:
    everybody = longer(90)(policy())
    everybody = replace(everybody, candidate=Candidate(), upload=replace(everybody.upload, token="another"))
    key = replace(config_key(everybody, 6), audience=Audience("e"))
    answer = rig.send(key)
    assert (answer["status"], answer["refused"]) == ("applied", [])
    assert rig.updates.policy == longer(90)(policy())


def test_after_an_update_the_serial_that_counts_is_its_own(rig: Rig) -> None:
    assert rig.send(update(9, longer(90)))["status"] == "applied"
    assert rig.send(update(8, longer(120)))["status"] == "refused"
    assert rig.updates.greeting()[0]["key"] == {"id": "key-9", "serial": 9}


def test_a_message_that_comes_again_gets_the_same_answer_and_is_not_done_twice(rig: Rig) -> None:
    first = rig.send(update(6, longer(90)))
    again = rig.send(update(6, longer(90)), seq=1)
    assert again == first
    assert len(rig.journal()) == 1
    assert list(rig.updates.greeting())[1:] == [first]


def test_an_unknown_message_is_answered_too(rig: Rig) -> None:
    answer, updated = rig.updates.handle(ControlMessage(3, "dance", {"type": "dance", "seq": 3}))
    assert (answer["status"], answer["reason"], updated) == ("refused", "unknown message", None)


def test_the_greeting_names_the_last_message_and_keeps_a_bounded_number_of_answers(rig: Rig) -> None:
    for _ in range(ANSWERS_KEPT + 5):
        rig.send("forged")
    greeting = rig.updates.greeting()
    assert greeting[0]["after"] == ANSWERS_KEPT + 5
    assert len(greeting) == 1 + ANSWERS_KEPT


def test_an_update_outlives_a_crash_even_when_its_key_has_expired_since(rig: Rig) -> None:
    rig.send(update(6, longer(90)))
    came = rig.keys.asked_at[-1]
    later = ManualClock()
    later.advance(10**15)
    again = KeyUpdates(config_key(policy(), FIRST), rig.attempt, later, rig.keys.verify)
    assert again.policy.exam.duration_min == 90
    assert again.greeting()[0]["key"] == {"id": "key-6", "serial": 6}
    assert abs((rig.keys.asked_at[-1] - came).total_seconds()) < 0.001


@pytest.mark.parametrize(
    "kept", ["no JSON", "{}", '[{"at": "x", "key": "k"}]', '[{"at": "1", "key": "forged"}]', "[1]"]
)
def test_kept_updates_that_were_tampered_with_are_not_used(rig: Rig, kept: str) -> None:
    rig.attempt.store.set_meta("key_updates", kept)
    again = KeyUpdates(config_key(policy(), FIRST), rig.attempt, ManualClock(), rig.keys.verify)
    assert again.policy == policy()


def test_a_running_client_takes_an_update_from_the_channel_and_tells_the_candidate(tmp_path: Path) -> None:
    keys = Keys()
    with control_server() as server:
        on = machine(tmp_path, photo=False, duration_min=60)
        on.policy = replace(on.policy, live=Live(endpoint=server.url))
        on.verify = keys.verify
        more = replace(on.policy, exam=replace(on.policy.exam, duration_min=70, message="Question 3 is withdrawn."))
        token = keys.add(config_key(more, 2))
        with client(on) as run:
            run.reach_exam()
            assert server.next()["type"] == "hello"
            server.send({"type": "key", "seq": 1, "key": token})
            answer = server.next()
            assert (answer["status"], answer["applied"]) == ("applied", ["exam.duration_min", "exam.message"])
            run.until(lambda: run.face.seconds_left and (run.face.seconds_left[-1] or 0) > 69 * 60, "more time")
            assert run.face.messages == ["Question 3 is withdrawn."]
            assert "You have 10 more minutes." in run.face.notices
            run.finish()
            assert [body["serial"] for body in run.bodies(name="key_update")] == [2]


def test_an_update_still_holds_after_the_client_was_killed(tmp_path: Path) -> None:
    keys = Keys()
    with control_server() as server:
        on = machine(tmp_path, photo=False, duration_min=60)
        on.policy = replace(on.policy, live=Live(endpoint=server.url))
        on.verify = keys.verify
        token = keys.add(config_key(replace(on.policy, exam=replace(on.policy.exam, duration_min=70)), 2))
        with client(on) as run:
            run.reach_exam()
            server.next()
            server.send({"type": "key", "seq": 1, "key": token})
            assert server.next()["status"] == "applied"
        with client(on) as run:
            hello = server.next()
            assert (hello["after"], hello["key"]) == (1, {"id": "key-2", "serial": 2})
            run.until(lambda: run.face.seconds_left and (run.face.seconds_left[-1] or 0) > 69 * 60, "the time")
            run.finish()


@pytest.mark.parametrize(
    ("before_min", "after_min", "words"),
    [
        (60, 61, ["You have one more minute."]),
        (60, 75, ["You have 15 more minutes."]),
        (60, None, ["The exam has no end of its own any more: take the time that its page gives you."]),
        (None, None, []),
        (60, 60, []),
    ],
)
def test_the_candidate_is_told_of_more_time(before_min: int | None, after_min: int | None, words: list[str]) -> None:
    assert told_changes(policy(), policy(), before_min, after_min) == words


def test_the_candidate_is_told_what_is_permitted_from_now_on() -> None:
    granted = replace(policy(), accessibility=Accessibility(looking_away=True, second_person=True))
    assert told_changes(policy(), granted, 60, 60) == [
        "Looking away is permitted from now on.",
        "A second person is permitted from now on.",
    ]
