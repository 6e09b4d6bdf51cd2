"""An exam that the check refuses for what the machine is, and the supervisor who lets it start with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.core import unlock
from app.core.checks import CheckResult
from app.core.hold import FREE_TRIES
from app.core.machine import FoundSignal, Judgement, judge
from app.core.machine_signals import KNOWN
from app.core.policy import Detection, Lockdown, RuleSetting
from app.core.session import Phase
from app.core.types import EntryKind, MachineSeen
from app.core.verdict import machine_checks
from tests.fakes.shell import Machine, Run, client, machine

PASSWORD = "let them start"
STORED = unlock.make(PASSWORD, b"sixteen bytes at least")
REASON = "This is our classroom's desktop."
VIRTUAL = ("vm_product", "vm_device", "vm_service")


def judged(*names: str) -> tuple[Judgement, ...]:
    return judge([FoundSignal(name) for name in names], KNOWN)


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A virtual machine, for an exam that is held in one."""
    on = machine(tmp_path, photo=False)
    on.policy = replace(
        on.policy,
        lockdown=Lockdown(unlock_password=STORED),
        detection=Detection(enabled=False, rules={5113: RuleSetting(response="hold")}),
    )
    on.checks = [CheckResult("system", True, True, "fine"), *machine_checks(judged(*VIRTUAL), on.policy)]
    return on


def refused(run: Run) -> Run:
    run.until(lambda: "checked" in run.face.shown, "the checks")
    run.do(run.shell.accept_checks)
    assert run.phase is Phase.CONFIGURED
    return run


def let_pass(run: Run, password: str = PASSWORD, reason: str = REASON) -> None:
    run.do(lambda: run.shell.let_pass(password, reason, run.controller.state))


def test_the_exam_does_not_start_and_the_screen_says_why(here: Machine) -> None:
    with client(here) as run:
        refused(run).do(run.shell.show_verdict)
        assert run.shell.checks_failed
        (view,) = run.face.verdicts
        assert (view.refused, view.password, [part.title for part in view.parts]) == (True, True, ["Virtual machine"])


def test_a_supervisor_lets_it_start_with_a_reason_that_is_written_down(here: Machine) -> None:
    with client(here) as run:
        let_pass(refused(run), reason=f"  {REASON} ")
        assert run.bodies(name="override") == [
            {"event": "override", "of": [5113], "reason": REASON, "by": "supervisor"}
        ]
        assert not run.shell.checks_failed
        run.reach_exam()


def test_what_was_let_pass_is_recorded_in_the_exam_and_holds_nothing(here: Machine) -> None:
    with client(here) as run:
        let_pass(refused(run))
        run.reach_exam()
        run.controller.post_observation(MachineSeen(here.clock.now().mono_ns, judged(*VIRTUAL)))
        run.do(lambda: None)
        run.do(lambda: None)
        assert run.phase is Phase.RUNNING
        assert [body["code"] for body in run.bodies(name="violation_opened")] == [5113]
        run.finish()
        assert [body["code"] for body in run.bodies(EntryKind.VIOLATION)] == [5113]


def test_without_an_override_the_same_holds_the_exam(here: Machine) -> None:
    here.checks = [CheckResult("system", True, True, "fine")]
    with client(here) as run:
        run.reach_exam()
        run.controller.post_observation(MachineSeen(here.clock.now().mono_ns, judged(*VIRTUAL)))
        run.until_phase(Phase.HELD)


def test_an_override_outlives_a_restart(here: Machine) -> None:
    with client(here) as run:
        let_pass(refused(run))
    with client(here) as run:
        run.until(lambda: "checked" in run.face.shown, "the checks")
        run.do(run.shell.show_verdict)
        assert run.face.verdicts[-1].let_pass == REASON
        run.reach_exam()


@pytest.mark.parametrize(
    ("password", "reason", "told"),
    [("wrong", REASON, "password is wrong"), (PASSWORD, " no ", "Write down why"), ("", REASON, "password is wrong")],
    ids=["wrong password", "no reason", "no password"],
)
def test_a_wrong_password_or_no_reason_lets_nothing_pass(here: Machine, password: str, reason: str, told: str) -> None:
    with client(here) as run:
        let_pass(refused(run), password, reason)
        assert told in run.face.verdicts[-1].problem
        assert run.bodies(name="override") == []
        assert run.shell.checks_failed


def test_wrong_passwords_have_to_be_waited_for_and_are_counted_beyond_a_restart(here: Machine) -> None:
    with client(here) as run:
        refused(run)
        for _ in range(FREE_TRIES):
            let_pass(run, "wrong")
        assert run.face.verdicts[-1].wait_s == 5
        let_pass(run)
        assert run.bodies(name="override") == []
        assert [body["tries"] for body in run.bodies(name="unlock_refused")] == [1, 2, 3]
    with client(here) as run:
        refused(run).do(run.shell.show_verdict)
        assert run.face.verdicts[-1].wait_s == 5
        here.clock.leap(6)
        let_pass(run)
        assert len(run.bodies(name="override")) == 1


def test_without_a_password_in_the_policy_none_lets_it_pass(here: Machine) -> None:
    here.policy = replace(here.policy, lockdown=Lockdown())
    with client(here) as run:
        let_pass(refused(run))
        assert not run.face.verdicts[-1].password
        assert run.bodies(name="override") == []


def test_a_note_needs_no_override_and_takes_none(here: Machine) -> None:
    here.checks = machine_checks(judged(*VIRTUAL), replace(here.policy, detection=Detection(enabled=False)))
    with client(here) as run:
        run.until(lambda: "checked" in run.face.shown, "the checks")
        let_pass(run)
        assert run.bodies(name="override") == []
        run.reach_exam()


def test_what_is_kept_of_an_override_is_not_trusted_blindly(here: Machine) -> None:
    with client(here) as run:
        refused(run)
        for broken in ("[", "[]", '{"codes": "5113"}', '{"codes": [5113], "reason": 7}'):
            run.attempt.store.set_meta("override", broken)
            run.do(run.shell.show_verdict)
            assert run.face.verdicts[-1].let_pass == ""
