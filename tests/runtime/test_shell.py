"""A whole session without windows: what is done in which phase, what is kept, and what never happens."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from app.core.checks import CheckResult
from app.core.errors import EvidenceError
from app.core.session import Event, EventName, Phase
from app.core.types import NS_PER_MS, EntryKind, KeyBlocked, Stream
from app.evidence.verify import verify
from app.runtime.clock_moves import Moved
from tests.fakes.session import TOKEN
from tests.fakes.shell import Machine, Run, client, machine


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return machine(tmp_path)


def record_segments(run: Run, more: int = 2) -> None:
    """Until so many segments of the camera are finished."""
    before = len(run.bodies(EntryKind.SEGMENT))
    run.until(lambda: len(run.bodies(EntryKind.SEGMENT)) >= before + 2 * more, "segments")


def ms(value: object) -> int:
    """Milliseconds of an instant in a body."""
    assert isinstance(value, dict)
    return int(value["utc_ns"]) // NS_PER_MS


def test_an_attempt_goes_from_the_key_to_the_report_and_its_evidence_verifies(here: Machine) -> None:
    with client(here) as run:
        run.reach_exam()
        assert here.locked()
        record_segments(run)
        run.controller.post_observation(KeyBlocked(here.clock.now().mono_ns, "Alt+Tab", capture=False))
        run.until(lambda: run.bodies(EntryKind.VIOLATION))
        run.finish()
        assert not here.locked()
        assert verify(run.attempt.root).ok
        assert list(dict.fromkeys(run.face.shown)) == [
            "checking", "checked", "consent", "identity", "exam", "finishing", "uploading", "done",
        ]  # fmt: skip
        report = json.loads((run.attempt.root / "report.json").read_text(encoding="utf-8"))
    assert [v["code"] for v in report["violations"]] == [5121]
    assert report["attempt"]["ended_because"] == "finished by the candidate"
    assert here.backend.calls[-1] == "submit"
    assert {"upload snapshot", "upload clip", "upload segment"} <= set(here.backend.calls)
    names = [name for name, _ in run.face.page_events]
    assert names[-1] == "apMonitoringStopped"
    assert names.count("apMonitoringStarted") == 1


def test_the_token_is_in_no_file_that_is_kept_or_delivered(here: Machine) -> None:
    with client(here) as run:
        run.reach_exam()
        run.finish()
        files = [path for path in here.folder.rglob("*") if path.is_file()]
        assert len(files) > 5
        assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in json.dumps(here.backend.payloads)


def test_nothing_is_sent_and_nothing_recorded_before_the_exam_is_locked(here: Machine) -> None:
    with client(here) as run:
        run.consent()
        assert run.bodies(EntryKind.SNAPSHOT) == []
        here.kiosk.refusal = "Another window holds the keyboard."
        run.take_photo()
        run.until(lambda: "lockdown problem" in run.face.shown)
        assert run.face.problems == ["Another window holds the keyboard."]
        assert run.bodies(EntryKind.SEGMENT) == []
        assert here.backend.calls == []
        here.kiosk.refusal = ""
        run.controller.post_event(Event(EventName.LOCKDOWN_RETRIED))
        run.until_phase(Phase.RUNNING)
        run.until(lambda: "register" in here.backend.calls)


def test_declined_consent_leaves_nothing_on_the_machine(here: Machine) -> None:
    with client(here) as run:
        run.until(lambda: "checked" in run.face.shown)
        run.do(run.shell.accept_checks)
        run.until_phase(Phase.CHECKED)
        run.controller.post_event(Event(EventName.CONSENT_DECLINED))
        run.until(lambda: "aborted: consent declined" in run.face.shown)
        assert not run.attempt.root.exists()
    assert here.backend.calls == []


def test_who_quits_before_the_lock_leaves_nothing_on_the_machine(here: Machine) -> None:
    with client(here) as run:
        run.consent()
        run.controller.post_event(Event(EventName.ABORT_REQUESTED, "quit by the candidate"))
        run.until(lambda: "aborted: quit by the candidate" in run.face.shown)
        assert not run.attempt.root.exists()
    assert here.backend.calls == []


def test_checks_that_failed_can_not_be_accepted_but_repeated(here: Machine) -> None:
    here.checks = [CheckResult("camera", False, True, "none", "Connect one.", 4010)]
    with client(here) as run:
        run.until(lambda: "checked" in run.face.shown)
        assert run.shell.checks_failed
        run.do(run.shell.accept_checks)
        assert run.phase is Phase.CONFIGURED
        assert [b["code"] for b in run.bodies(name="error")] == [4010]
        here.checks = [CheckResult("camera", True, True, "fine")]
        run.controller.post_event(Event(EventName.CHECKS_REPEATED))
        run.until(lambda: run.face.shown.count("checked") == 2)
        run.do(run.shell.accept_checks)
        run.until_phase(Phase.CHECKED)


def test_a_photo_is_stored_once_and_only_after_consent(here: Machine) -> None:
    with client(here) as run:
        run.until(lambda: run.face.pictures)
        run.do(run.shell.identity.request)
        run.do(lambda: run.shell.accept_photo(run.controller.state))
        assert run.bodies(EntryKind.SNAPSHOT) == []
        run.consent()
        run.do(run.shell.identity.request)
        for _ in range(3):  # as fast as anybody can click
            run.controller.call(lambda: run.shell.accept_photo(run.controller.state))
        run.until_phase(Phase.RUNNING)
        assert [b["shows"] for b in run.bodies(EntryKind.SNAPSHOT)] == ["candidate photo"]


def test_a_photo_that_can_not_be_stored_is_still_held_and_said(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with client(here) as run:
        run.consent()
        with monkeypatch.context() as broken:
            broken.setattr(run.attempt.store, "add_file", _no_room)
            run.take_photo()
        assert run.face.hints[-1] == "The disk is full."
        assert run.phase is Phase.CONSENTED
        run.do(lambda: run.shell.accept_photo(run.controller.state))
        run.until_phase(Phase.RUNNING)


def _no_room(*_: object) -> str:
    raise EvidenceError("The disk is full.")


def test_an_exam_without_a_photo_goes_on_to_the_lock(tmp_path: Path) -> None:
    with client(machine(tmp_path, photo=False)) as run:
        run.reach_exam()
        assert "identity" not in run.face.shown
        assert run.bodies(EntryKind.SNAPSHOT) == []


def test_a_device_that_neither_gives_nor_fails_delays_the_exam_for_ten_seconds_at_most(tmp_path: Path) -> None:
    here = machine(tmp_path, photo=False)
    here.camera.hang()
    with client(here) as run:
        run.consent()
        run.until_phase(Phase.LOCKED)
        run.until(here.camera.hanging.is_set)
        here.clock.leap(11)
        run.until_phase(Phase.RUNNING)
        here.camera.release()


def test_a_missing_microphone_is_told_recorded_and_no_reason_not_to_begin(here: Machine) -> None:
    here.microphone.plugged = False
    with client(here) as run:
        run.reach_exam()
        run.until(lambda: run.bodies(name="error"))
        assert [(b["code"], b["stream"]) for b in run.bodies(name="error")] == [(4009, "microphone")]
        assert ("apErrorEvent", 4009) in [
            (n, d["errorCode"]) for n, d in run.face.page_events if d and "errorCode" in d
        ]
        run.until(lambda: run.face.recorded[-1] == {Stream.CAMERA})
        here.microphone.plugged = True
        run.until(lambda: run.face.recorded[-1] == {Stream.CAMERA, Stream.MICROPHONE})
        assert run.face.notices[-1] == "The microphone works again."


def test_in_a_pause_nothing_is_shown_as_recorded_and_time_stands_still(tmp_path: Path) -> None:
    here = machine(tmp_path, photo=False, duration_min=10)
    with client(here) as run:
        run.reach_exam()
        run.controller.post_event(Event(EventName.PAUSE_REQUESTED, "fire alarm"))
        run.until(lambda: "paused" in run.face.shown)
        assert run.face.recorded[-1] == frozenset()
        here.clock.leap(3600)
        run.controller.post_event(Event(EventName.HOLD_REQUESTED, "wait"))
        run.until(lambda: "hold: wait" in run.face.shown)
        here.clock.leap(3600)
        run.controller.post_event(Event(EventName.RELEASE_REQUESTED))
        run.controller.post_event(Event(EventName.RESUME_REQUESTED))
        run.until(lambda: "not paused" in run.face.shown)
        assert run.face.recorded[-1] == {Stream.CAMERA, Stream.MICROPHONE}
        run.until(lambda: run.face.seconds_left)
        assert run.face.seconds_left[-1] is not None
        assert run.face.seconds_left[-1] > 580


def test_when_the_time_is_up_the_exam_is_handed_in(tmp_path: Path) -> None:
    here = machine(tmp_path, photo=False, duration_min=1)
    with client(here) as run:
        run.reach_exam()
        run.until(lambda: run.face.seconds_left)
        here.clock.leap(61)
        run.until_handed_in()
        assert run.face.seconds_left[-1] == 0
        finishing = [b for b in run.bodies(name="phase") if b["phase"] == "finishing"]
        assert [(b["because"], b["reason"]) for b in finishing] == [("time_up", "1 minute is over")]


def test_detection_that_could_not_be_loaded_and_a_clock_that_was_set_are_recorded_for_the_proctor(
    tmp_path: Path,
) -> None:
    here = machine(tmp_path, photo=False)
    with client(here) as run:
        run.models.ready()
        run.models.problem = "The model is broken."
        run.reach_exam()
        run.until(lambda: run.bodies(name="degraded"))
        assert run.bodies(name="degraded")[0]["sentence"] == "The model is broken."
        assert "The model is broken." in run.face.notices
        run.shell.clock_was_set(Moved(-3600))
        run.until(lambda: run.bodies(name="clock_changed"))
        assert run.bodies(name="clock_changed")[0]["seconds"] == -3600


def test_a_page_that_is_refused_again_and_again_fills_no_disk(tmp_path: Path) -> None:
    with client(machine(tmp_path, photo=False)) as run:
        run.reach_exam()
        for number in range(400):
            run.controller.call(partial(run.shell.url_blocked, f"https://other.example/{number // 2}"))
        run.do(lambda: None)
        blocked = [str(b["url"]) for b in run.bodies(name="url_blocked")]
        assert blocked == [f"https://other.example/{number}" for number in range(200)]
        run.do(lambda: run.shell.url_blocked("https://another.example/"))
        assert len(run.bodies(name="url_blocked")) == 200


# ---- restarts


def test_what_was_missed_begins_where_the_media_end_although_they_were_discarded(tmp_path: Path) -> None:
    here = machine(tmp_path, photo=False)
    with client(here) as run:
        run.reach_exam()
        record_segments(run)
        run.attempt.store.discard_unkept(here.clock.now().utc_ns + 10**9)
    here.clock.leap(100)
    with client(here) as run:
        run.until_phase(Phase.RUNNING)
        assert run.controller.state.session == 2
        discarded = {str(b["sha256"]) for b in run.bodies(EntryKind.DISCARD)}
        assert discarded
        down = [b for b in run.bodies(EntryKind.GAP) if b["cause"] == "client_down"]
        assert sorted(str(b["stream"]) for b in down) == ["camera", "microphone"]
        ends = [b for b in run.bodies(EntryKind.SEGMENT) if ms(b["start"]) < ms(down[0]["start"])]
        for gap in down:
            last = max(ms(b["end"]) for b in ends if b["stream"] == gap["stream"])
            assert ms(gap["start"]) == last
            assert ms(gap["end"]) - ms(gap["start"]) >= 100_000
        run.finish()
        assert verify(run.attempt.root).ok


def test_an_interrupted_exam_that_is_quit_delivers_what_was_recorded(tmp_path: Path) -> None:
    here = machine(tmp_path, photo=False)
    with client(here) as run:
        run.reach_exam()
        record_segments(run)
    here.kiosk.refusal = "No."
    with client(here) as run:
        run.until(lambda: "lockdown problem" in run.face.shown)
        run.controller.post_event(Event(EventName.ABORT_REQUESTED, "quit by the candidate"))
        run.until_handed_in()
        assert "left" in run.face.shown
        assert run.bodies(EntryKind.SEGMENT)
        assert verify(run.attempt.root).ok
    assert here.backend.calls[-1] == "submit"


@pytest.mark.parametrize("phase", [Phase.CONFIGURED, Phase.CHECKED, Phase.CONSENTED])
def test_a_client_that_ends_before_the_exam_begins_there_again(here: Machine, phase: Phase) -> None:
    with client(here) as run:
        run.until(lambda: "checked" in run.face.shown)
        if phase is not Phase.CONFIGURED:
            run.do(run.shell.accept_checks)
            run.until_phase(Phase.CHECKED)
        if phase is Phase.CONSENTED:
            run.controller.post_event(Event(EventName.CONSENT_GIVEN))
            run.until_phase(Phase.CONSENTED)
    with client(here) as run:
        expected = "identity" if phase is Phase.CONSENTED else "checked"
        run.until(lambda: expected in run.face.shown)
        assert run.phase is (Phase.CONSENTED if phase is Phase.CONSENTED else Phase.CONFIGURED)
        assert run.bodies(EntryKind.SEGMENT) == []


def test_what_an_absent_server_did_not_take_is_delivered_after_the_next_start(tmp_path: Path) -> None:
    here = machine(tmp_path, photo=False)
    here.backend.down = True
    with client(here) as run:
        run.reach_exam()
        run.controller.post_event(Event(EventName.FINISH_REQUESTED))
        run.until_phase(Phase.UPLOADING)
        assert not here.locked()
    here.backend.down = False
    with client(here) as run:
        run.until_handed_in()
        assert "done" in run.face.shown
    with client(here) as run:
        run.until_handed_in()
    assert here.backend.calls.count("submit") == 1


def test_a_seal_that_finds_no_room_gives_the_machine_back_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine(tmp_path, photo=False)
    with client(here) as run:
        run.reach_exam()
        with monkeypatch.context() as broken:
            broken.setattr(run.attempt.store, "seal", _no_room)
            run.controller.post_event(Event(EventName.FINISH_REQUESTED))
            run.until(lambda: "failure" in run.face.shown)
            run.until(lambda: not here.locked())
            assert run.phase is Phase.FINISHING
        here.clock.leap(6)
        run.until_handed_in()
        assert verify(run.attempt.root).ok
