"""The session thread: what it journals, judges, keeps, and how it survives what goes wrong around it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from app.core.policy import Detection, RuleSetting
from app.core.session import Command, EventName, Phase
from app.core.types import (
    NS_PER_S,
    DisplaysSeen,
    EntryKind,
    Face,
    FacesSeen,
    FocusChanged,
    ForeignWindow,
    KeyBlocked,
    SessionSeen,
    SessionState,
    Stream,
    StreamBack,
    StreamLost,
    WindowIs,
    WindowsSeen,
)
from app.runtime import controller as controller_module
from app.runtime.attempts import open_attempt
from tests.fakes.session import BEGIN, WAIT_S, FakeShell, Session, exam_policy, session
from tests.fakes.sources import ManualClock

ONE_FACE = (Face((0.0, 0.0, 10.0, 10.0), 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, True),)


def watch(run: Session, seconds: float, *, faces: int) -> None:
    """Pictures with so many faces, four a second."""
    for _ in range(int(seconds * 4)):
        run.clock.advance(NS_PER_S // 4)
        run.controller.post_observation(FacesSeen(run.clock.mono_ns, ONE_FACE * faces))
    run.settle()


def press(run: Session, keys: str = "Alt+Tab") -> None:
    run.clock.advance(60 * NS_PER_S)
    run.controller.post_observation(KeyBlocked(run.clock.mono_ns, keys, capture=False))
    run.settle()


def test_a_new_attempt_begins_with_the_accepted_key_and_says_so_in_its_evidence(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        assert run.shell.done == [Command.RUN_CHECKS]
        assert [(b["phase"], b["because"]) for b in run.bodies(event="phase")] == [("configured", "key_accepted")]


def test_every_change_of_phase_is_journalled_with_its_reason(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        run.post(EventName.FINISH_REQUESTED, reason="finished by the candidate")
        phases = run.bodies(event="phase")
    assert [b["phase"] for b in phases] == [
        "configured", "checked", "consented", "verified", "locked", "running", "finishing",
    ]  # fmt: skip
    assert phases[-1]["reason"] == "finished by the candidate"


def test_a_second_finish_changes_nothing(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN, EventName.FINISH_REQUESTED, EventName.FINISH_REQUESTED, EventName.TIME_UP)
        assert run.shell.done.count(Command.STOP_CAPTURE) == 1
        assert [b["phase"] for b in run.bodies(event="phase")].count("finishing") == 1


def test_the_state_is_on_disk_before_its_commands_are_carried_out(tmp_path: Path) -> None:
    seen: list[str] = []

    def look(command: Command) -> None:
        if command is Command.STOP_CAPTURE:
            seen.append(json.loads(run.attempt.store.get_meta("state") or "{}")["phase"])

    with session(tmp_path, shell=FakeShell(on_command=look)) as run:
        run.post(*BEGIN, EventName.FINISH_REQUESTED)
    assert seen == ["finishing"]


def test_a_violation_is_opened_with_its_picture_and_closed_with_its_span(tmp_path: Path) -> None:
    with session(tmp_path, shell=FakeShell(snapshot="ab" * 32)) as run:
        run.post(*BEGIN)
        watch(run, 8, faces=0)
        watch(run, 8, faces=1)
        opened = run.bodies(event="violation_opened")
        closed = run.bodies(EntryKind.VIOLATION)
        assert run.shell.opened == [5001]
    assert [(b["id"], b["code"], b["snapshot"]) for b in opened] == [("1-1", 5001, "ab" * 32)]
    assert [(b["id"], b["session"], b["snapshot"]) for b in closed] == [("1-1", 1, "ab" * 32)]
    start, end = closed[0]["start_utc_ms"], closed[0]["end_utc_ms"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    assert 7000 <= end - start <= 9000


def test_what_goes_on_at_the_end_is_closed_by_the_end(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        watch(run, 8, faces=2)
        run.post(EventName.FINISH_REQUESTED)
        assert [b["code"] for b in run.bodies(EntryKind.VIOLATION)] == [5002]


def test_nothing_is_judged_before_the_exam_runs_while_it_is_paused_or_after_it(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        press(run)
        run.post(*BEGIN, EventName.PAUSE_REQUESTED)
        press(run)
        run.post(EventName.HOLD_REQUESTED)
        press(run)
        run.post(EventName.RELEASE_REQUESTED, EventName.RESUME_REQUESTED, EventName.FINISH_REQUESTED)
        press(run)
        assert run.bodies(EntryKind.VIOLATION) == []


def test_a_held_exam_is_watched(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN, EventName.HOLD_REQUESTED)
        press(run)
        assert [b["code"] for b in run.bodies(EntryKind.VIOLATION)] == [5121]


def test_a_camera_that_came_back_during_a_pause_is_believed_again(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        run.controller.post_observation(StreamLost(run.clock.mono_ns, Stream.CAMERA, "device_lost"))
        run.post(EventName.PAUSE_REQUESTED)
        run.controller.post_observation(StreamBack(run.clock.mono_ns, Stream.CAMERA))
        run.post(EventName.RESUME_REQUESTED)
        watch(run, 8, faces=0)
        watch(run, 8, faces=1)
        assert 5001 in [b["code"] for b in run.bodies(EntryKind.VIOLATION)]


def test_what_still_holds_after_a_pause_is_judged_from_there(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        run.controller.post_observation(DisplaysSeen(run.clock.mono_ns, 2, ("a", "b")))
        run.clock.advance(10 * NS_PER_S)
        run.post(EventName.PAUSE_REQUESTED)
        run.clock.advance(60 * NS_PER_S)
        run.post(EventName.RESUME_REQUESTED)
        run.clock.advance(10 * NS_PER_S)
        run.controller.post_observation(DisplaysSeen(run.clock.mono_ns, 1, ("a",)))
        run.clock.advance(10 * NS_PER_S)
        run.post(EventName.FINISH_REQUESTED)
        monitors = [b for b in run.bodies(EntryKind.VIOLATION) if b["code"] == 5007]
    assert len(monitors) == 2
    assert int(str(monitors[1]["start_utc_ms"])) - int(str(monitors[0]["end_utc_ms"])) >= 60_000


def test_focus_that_was_lost_before_the_start_counts_from_the_start(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN[:-1])
        run.controller.post_observation(FocusChanged(run.clock.mono_ns, False, "a game"))
        run.clock.advance(5 * NS_PER_S)
        begun_ms = run.clock.now().utc_ns // 1_000_000
        run.post(BEGIN[-1])
        run.clock.advance(10 * NS_PER_S)
        run.controller.post_observation(FocusChanged(run.clock.mono_ns, True))
        run.clock.advance(10 * NS_PER_S)
        run.post(EventName.FINISH_REQUESTED)
        lost = [b for b in run.bodies(EntryKind.VIOLATION) if b["code"] == 5005]
    assert [b["start_utc_ms"] for b in lost] == [begun_ms]


def test_what_lasts_of_windows_and_the_session_is_told_before_the_exam_and_judged_from_its_start(
    tmp_path: Path,
) -> None:
    window = ForeignWindow("game", WindowIs.ABOVE, 7)
    with session(tmp_path) as run:
        run.post(*BEGIN[:-1])
        run.controller.post_observation(WindowsSeen(run.clock.mono_ns, (window,)))
        run.controller.post_observation(SessionSeen(run.clock.mono_ns, SessionState.AWAY, "a text console"))
        run.post(BEGIN[-1])
        run.clock.advance(2 * NS_PER_S)
        run.controller.post_observation(WindowsSeen(run.clock.mono_ns, (window,)))
        run.settle()
        assert run.shell.opened == [5005, 5122]
        assert [type(seen) for seen in run.shell.seen] == [WindowsSeen, SessionSeen, WindowsSeen]


def test_the_shell_is_told_what_follows_a_violation_and_when_it_is_over(tmp_path: Path) -> None:
    rules = {5007: RuleSetting(response="hold"), 5121: RuleSetting(response="record")}
    policy = replace(exam_policy(), detection=Detection(rules=rules))
    with session(tmp_path, policy) as run:
        run.post(*BEGIN)
        run.controller.post_observation(DisplaysSeen(run.clock.mono_ns, 2, ("a", "b")))
        run.settle()
        assert (run.shell.responses, run.shell.closed) == (["hold"], [])
        run.clock.advance(NS_PER_S)
        run.controller.post_observation(DisplaysSeen(run.clock.mono_ns, 1, ("a",)))
        press(run)
        assert (run.shell.responses, run.shell.closed) == (["hold", "record"], [5007, 5121])


# ---- restarts


def test_a_violation_that_was_open_when_the_client_died_ends_where_it_was_last_known_to_live(tmp_path: Path) -> None:
    clock = ManualClock()
    with session(tmp_path, clock=clock) as run:
        run.post(*BEGIN)
        watch(run, 8, faces=0)
        alive_ms = clock.now().utc_ns // 1_000_000
    clock.advance(100 * NS_PER_S)
    with session(tmp_path, clock=clock) as run:
        closed = run.bodies(EntryKind.VIOLATION)
        assert [(b["id"], b["cut_short"]) for b in closed] == [("1-1", True)]
        end_ms = closed[0]["end_utc_ms"]
        assert isinstance(end_ms, int)
        assert alive_ms - 2000 <= end_ms <= alive_ms


def test_violations_are_numbered_by_session_so_that_no_two_have_one_name(tmp_path: Path) -> None:
    clock = ManualClock()
    with session(tmp_path, clock=clock) as run:
        run.post(*BEGIN)
        press(run)
    with session(tmp_path, clock=clock) as run:
        run.post(EventName.LOCKDOWN_PERFORMED, EventName.CAPTURE_STARTED)
        press(run)
        press(run)
        assert [b["id"] for b in run.bodies(EntryKind.VIOLATION)] == ["1-1", "2-1", "2-2"]


def test_an_attempt_that_died_before_it_was_shown_begins_when_it_is_opened_again(tmp_path: Path) -> None:
    attempt = open_attempt(tmp_path, exam_policy(), "kid", ManualClock().now())
    attempt.store.close()
    with session(tmp_path) as run:
        assert run.controller.state.phase is Phase.CONFIGURED
        assert run.shell.done == [Command.RUN_CHECKS]


def test_an_attempt_that_was_cut_off_while_it_ran_judges_nothing_until_it_runs_again(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        assert run.controller.judges
    clock = ManualClock()
    attempt = open_attempt(tmp_path, exam_policy(), "kid", clock.now())
    assert not controller_module.SessionController(
        exam_policy(), attempt, clock, FakeShell()
    ).judges  # whoever looks before it begins
    attempt.store.close()
    with session(tmp_path) as run:
        assert not run.controller.judges
        run.post(EventName.LOCKDOWN_PERFORMED, EventName.CAPTURE_STARTED)
        assert run.controller.judges


def test_a_hold_outlives_the_client(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        run.post(EventName.HOLD_REQUESTED, reason="wait for your proctor")
    with session(tmp_path) as run:
        state = run.post(EventName.LOCKDOWN_PERFORMED, EventName.CAPTURE_STARTED)
        assert (state.phase, state.reason) == (Phase.HELD, "wait for your proctor")


def test_a_sealed_attempt_is_started_again_as_often_as_need_be(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        watch(run, 8, faces=0)
        run.attempt.store.seal(run.attempt.key.private_key)  # as if the client died between seal and saved state
    for _ in range(2):
        with session(tmp_path) as run:
            run.attempt.write_waiting()
            assert run.shell.problems == []


# ---- what goes wrong


def test_a_command_that_fails_is_told_and_does_not_keep_the_next_from_being_carried_out(tmp_path: Path) -> None:
    shell = FakeShell(failing={Command.SEAL: "The disk is full."})
    with session(tmp_path, shell=shell) as run:
        run.post(*BEGIN, EventName.FINISH_REQUESTED)
        assert shell.done[-3:] == [Command.STOP_CAPTURE, Command.SEAL, Command.REVERT_LOCKDOWN]
        assert shell.problems == ["The disk is full."]


def test_a_journal_that_can_not_be_written_ends_neither_the_exam_nor_its_record(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        with sqlite3.connect(run.attempt.root / "journal.sqlite") as db:
            db.execute("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'no room'); END")
        press(run)
        assert run.bodies(EntryKind.VIOLATION) == []
        with sqlite3.connect(run.attempt.root / "journal.sqlite") as db:
            db.execute("DROP TRIGGER full")
        run.attempt.write_waiting()
        assert [b["code"] for b in run.bodies(EntryKind.VIOLATION)] == [5121]
        assert [b["event"] for b in run.bodies()][-1] == "violation_opened"
        assert run.controller.state.phase is Phase.RUNNING


def test_words_that_are_no_unicode_do_not_stop_the_record(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        press(run, "Alt+\udcff")
        press(run)
        assert [b["detail"] for b in run.bodies(EntryKind.VIOLATION)] == ["Alt+\\udcff", "Alt+Tab"]


def test_a_crowded_inbox_drops_observations_counts_them_and_still_takes_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller_module, "OBSERVATIONS_MAX", 10)
    busy, go = threading.Event(), threading.Event()
    with session(tmp_path) as run:
        run.post(*BEGIN)
        run.controller.call(_blocking(busy, go))
        assert busy.wait(WAIT_S)
        for _ in range(30):
            run.controller.post_observation(KeyBlocked(run.clock.mono_ns, "Alt+Tab", capture=False))
        assert run.controller.dropped == 20
        run.controller.call(go.set)  # never waits, although nobody takes anything
        go.set()
        assert run.post(EventName.FINISH_REQUESTED).phase is Phase.FINISHING
        assert [b["count"] for b in run.bodies(event="observations_dropped")] == [20]


def _blocking(busy: threading.Event, go: threading.Event) -> Callable[[], None]:
    def work() -> None:
        busy.set()
        go.wait(WAIT_S)

    return work


def test_nothing_that_is_posted_blocks_even_when_the_session_hangs(tmp_path: Path) -> None:
    busy, go = threading.Event(), threading.Event()
    with session(tmp_path) as run:
        run.controller.call(_blocking(busy, go))
        assert busy.wait(WAIT_S)
        for _ in range(controller_module.INBOX_SIZE + 5):
            run.controller.call(lambda: None)
        assert run.controller.dropped >= 5
        asked: list[bool] = []

        def meanwhile() -> None:
            asked.append(True)
            go.set()

        run.controller.stop(meanwhile)
        assert asked


def test_what_was_posted_before_the_end_is_done_before_the_end(tmp_path: Path) -> None:
    with session(tmp_path) as run:
        run.post(*BEGIN)
        done: list[int] = []
        for number in range(50):
            run.controller.call(partial(done.append, number))
        run.controller.stop()
        assert done == list(range(50))
