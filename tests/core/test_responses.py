"""What follows a violation, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.policy import Response
from app.core.responses import (
    ASK_NS,
    END_NS,
    SETTLE_NS,
    WAKING_NS,
    AskToClose,
    EndAttempt,
    EndProgram,
    Following,
    Hold,
    Program,
    Step,
    blocking,
    closable,
    closed,
    closing,
    due,
    excused,
    offered,
    opened,
    refused,
    seen,
    wanted,
)
from app.core.rule_table import BLOCKED_KEY, FOCUS_LOST, FOREIGN_WINDOW, GAP, MONITORS, PROCESS, REMOTE_CONTROL
from app.core.types import (
    NS_PER_S,
    ForeignWindow,
    KeyBlocked,
    Observation,
    ProcessesSeen,
    SessionSeen,
    SessionState,
    Violation,
    WindowIs,
    WindowsSeen,
)

CHAT = (("chat", "messenger"),)
RUNS = ProcessesSeen(0, CHAT, (41,))
GONE = ProcessesSeen(0, ())
PROGRAM = Program("chat", pid=41)


@dataclass
class Exam:
    """What is followed, second by second."""

    kill: bool = False
    now_ns: int = 0
    following: Following = field(default_factory=Following)
    done: list[Step] = field(default_factory=list)

    def open(self, code: int, response: Response, number: int = 1) -> None:
        violation = Violation(number, code, self.now_ns, None, 0.5, 1.0, "detail")
        self.following = opened(self.following, violation, response, self.now_ns)

    def want(self) -> None:
        """The candidate presses the button."""
        self.following, steps = wanted(self.following, self.now_ns)
        self.done += steps

    def close(self, number: int = 1) -> None:
        self.following = closed(self.following, number)

    def see(self, *observations: Observation) -> None:
        for observation in observations:
            self.following = seen(self.following, observation)

    def pass_(self, span_ns: int = 0) -> list[Step]:
        """Lets time pass, looking four times a second; what had to be done meanwhile."""
        end_ns, before = self.now_ns + span_ns, len(self.done)
        while True:
            self.following, steps = due(self.following, self.now_ns, kill=self.kill)
            self.done += steps
            if self.now_ns >= end_ns:
                return self.done[before:]
            self.now_ns = min(end_ns, self.now_ns + NS_PER_S // 4)


def kinds(steps: list[Step]) -> list[type[Step]]:
    return [type(step) for step in steps]


@pytest.mark.parametrize("response", ["record", "warn"])
def test_what_is_recorded_or_warned_of_has_no_other_consequence(response: Response) -> None:
    exam = Exam(kill=True)
    exam.see(RUNS)
    exam.open(PROCESS, response)
    assert exam.pass_(60 * NS_PER_S) == []
    assert blocking(exam.following) == ()


@pytest.mark.parametrize(("response", "step"), [("hold", Hold), ("end", EndAttempt)])
def test_a_violation_holds_or_ends_the_exam_at_once_and_once(response: Response, step: type[Step]) -> None:
    exam = Exam()
    exam.open(MONITORS, response)
    assert kinds(exam.pass_(60 * NS_PER_S)) == [step]


def test_what_has_no_duration_holds_too_and_blocks_nothing_afterwards() -> None:
    exam = Exam()
    exam.open(BLOCKED_KEY, "hold")
    exam.close()
    assert blocking(exam.following) == ()
    assert kinds(exam.pass_()) == [Hold]
    assert exam.following.causes == {}


def test_a_held_exam_is_blocked_until_the_violation_is_over() -> None:
    exam = Exam()
    exam.open(MONITORS, "hold")
    exam.pass_()
    assert [cause.code for cause in blocking(exam.following)] == [MONITORS]
    exam.close()
    assert blocking(exam.following) == ()


def test_a_program_is_asked_to_close_and_nothing_follows_when_it_does() -> None:
    exam = Exam(kill=True)
    exam.see(RUNS)
    exam.open(PROCESS, "close")
    assert exam.pass_(NS_PER_S) == [AskToClose(PROGRAM)]
    exam.see(GONE)
    exam.close()
    assert exam.pass_(60 * NS_PER_S) == []


def test_a_program_that_stays_holds_the_exam_and_is_not_ended_without_leave() -> None:
    exam = Exam()
    exam.see(RUNS)
    exam.open(PROCESS, "close")
    assert kinds(exam.pass_(ASK_NS - 1)) == [AskToClose]
    assert kinds(exam.pass_(1)) == [Hold]
    assert exam.pass_(60 * NS_PER_S) == []


def test_where_the_policy_allows_it_a_program_that_stays_is_ended_before_the_exam_is_held() -> None:
    exam = Exam(kill=True)
    exam.see(RUNS)
    exam.open(PROCESS, "close")
    assert exam.pass_(ASK_NS) == [AskToClose(PROGRAM), EndProgram(PROGRAM)]
    assert kinds(exam.pass_(END_NS)) == [Hold]


def test_a_program_that_the_system_does_not_let_us_close_holds_the_exam_at_once() -> None:
    exam = Exam()
    exam.see(RUNS)
    exam.open(PROCESS, "close")
    exam.pass_()
    exam.following = refused(exam.following, PROGRAM, "Not yours.")
    assert kinds(exam.pass_()) == [Hold]


def test_a_window_that_can_not_be_asked_is_closed_with_its_process_where_that_is_allowed() -> None:
    exam = Exam(kill=True)
    window = Program("game", 7, 42)
    exam.see(WindowsSeen(0, (ForeignWindow("game", WindowIs.ABOVE, 7, 42),)))
    exam.open(FOREIGN_WINDOW, "close")
    assert exam.pass_() == [AskToClose(window)]
    exam.following = refused(exam.following, window, "Windows can't be closed here.")
    assert exam.pass_() == [EndProgram(window)]
    exam.following = refused(exam.following, window, "Not yours.")
    assert kinds(exam.pass_()) == [Hold]


def test_what_can_not_be_closed_is_held_where_closing_is_asked_for() -> None:
    exam = Exam()
    exam.open(REMOTE_CONTROL, "close")
    assert kinds(exam.pass_()) == [Hold]


def test_a_program_that_comes_back_is_asked_again() -> None:
    exam = Exam()
    for number in (1, 2):
        exam.see(RUNS)
        exam.open(PROCESS, "close", number)
        assert exam.pass_() == [AskToClose(PROGRAM)]
        exam.see(GONE)
        exam.close(number)


def held_by_programs(*pids: int, kill: bool = False) -> Exam:
    exam = Exam(kill=kill)
    exam.see(ProcessesSeen(0, CHAT, pids))
    exam.open(PROCESS, "hold")
    assert kinds(exam.pass_(60 * NS_PER_S)) == [Hold], "nobody asked for more"
    return exam


def test_what_holds_the_exam_is_asked_to_close_once_the_candidate_wants_it() -> None:
    exam = held_by_programs(41)
    assert offered(exam.following) == (PROGRAM,)
    exam.want()
    exam.want()
    assert exam.done[1:] == [AskToClose(PROGRAM, by_candidate=True)]
    assert (offered(exam.following), closing(exam.following)) == ((), (PROGRAM,))
    exam.see(GONE)
    assert closing(exam.following) == ()


def test_what_the_candidate_wants_closed_is_ended_only_where_the_policy_allows_it() -> None:
    for kill, steps in ((False, []), (True, [EndProgram(PROGRAM)])):
        exam = held_by_programs(41, kill=kill)
        exam.want()
        assert exam.pass_(ASK_NS - 1) == []
        assert exam.pass_(60 * NS_PER_S) == steps
        assert closing(exam.following) == ()
        assert exam.following.efforts[PROGRAM].over


def test_what_comes_while_the_exam_is_held_is_left_alone_until_the_candidate_wants_that_closed_too() -> None:
    exam = held_by_programs(41, kill=True)
    exam.want()
    exam.see(ProcessesSeen(exam.now_ns, CHAT, (41, 43)))
    assert exam.pass_(60 * NS_PER_S) == [EndProgram(PROGRAM)]
    assert offered(exam.following) == (Program("chat", pid=43),)


def test_what_the_system_does_not_let_us_close_for_the_candidate_is_not_waited_for() -> None:
    exam = held_by_programs(41)
    exam.want()
    exam.following = refused(exam.following, PROGRAM, "Not yours.")
    assert exam.pass_() == []
    assert (offered(exam.following), closing(exam.following)) == ((), ())


def test_nothing_is_offered_where_nothing_can_be_asked_or_somebody_let_it_pass() -> None:
    exam = Exam()
    exam.see(WindowsSeen(0, (ForeignWindow("game", WindowIs.ABOVE, 0, None),)))
    exam.open(FOREIGN_WINDOW, "hold", 1)
    exam.open(MONITORS, "hold", 2)
    assert closable(exam.following) == ()
    passed = held_by_programs(41)
    passed.following = excused(passed.following)
    assert offered(passed.following) == ()


@pytest.mark.parametrize("response", ["hold", "end"])
@pytest.mark.parametrize("state", [SessionState.LOCKED, SessionState.ASLEEP])
def test_a_screen_lock_or_sleep_neither_holds_nor_ends_an_exam(state: SessionState, response: Response) -> None:
    exam = Exam()
    exam.open(FOCUS_LOST, response)
    assert exam.pass_(SETTLE_NS // 2) == []
    exam.see(SessionSeen(exam.now_ns, state))
    exam.close()
    assert exam.pass_(60 * NS_PER_S) == []


def test_a_device_that_gives_nothing_after_sleep_holds_nothing_until_it_had_time_to_wake() -> None:
    exam = Exam()
    exam.open(GAP, "hold", 1)
    exam.see(SessionSeen(0, SessionState.ASLEEP))
    exam.open(GAP, "hold", 2)
    exam.see(SessionSeen(0, SessionState.HERE))
    exam.open(GAP, "hold", 3)
    assert exam.pass_(WAKING_NS) == []
    exam.open(GAP, "hold", 4)
    assert kinds(exam.pass_(SETTLE_NS)) == [Hold]


@pytest.mark.parametrize("state", [SessionState.HERE, SessionState.AWAY])
def test_a_window_left_for_something_else_is_followed_even_when_it_was_short(state: SessionState) -> None:
    exam = Exam()
    exam.open(FOCUS_LOST, "hold")
    exam.see(SessionSeen(exam.now_ns, state))
    exam.close()
    assert kinds(exam.pass_(SETTLE_NS)) == [Hold]


def test_a_screen_lock_does_not_undo_what_else_was_seen() -> None:
    exam = Exam()
    exam.open(MONITORS, "hold")
    exam.see(SessionSeen(0, SessionState.LOCKED))
    assert kinds(exam.pass_()) == [Hold]


def test_what_a_person_let_pass_is_not_followed_any_more_and_what_comes_anew_is() -> None:
    exam = Exam(kill=True)
    exam.see(RUNS)
    exam.open(PROCESS, "close", 1)
    exam.open(MONITORS, "hold", 2)
    exam.following = excused(exam.following)
    assert blocking(exam.following) == ()
    assert exam.pass_(60 * NS_PER_S) == []
    exam.close(2)
    exam.open(MONITORS, "hold", 3)
    assert kinds(exam.pass_()) == [Hold]


def test_what_says_nothing_of_programs_or_the_session_changes_nothing() -> None:
    exam = Exam()
    exam.see(KeyBlocked(0, "Alt+Tab", capture=False))
    exam.close(99)
    exam.following = refused(exam.following, PROGRAM, "never asked")
    assert exam.following == Following()


events = st.lists(
    st.one_of(
        st.tuples(
            st.just("open"),
            st.sampled_from([PROCESS, FOREIGN_WINDOW, MONITORS, FOCUS_LOST]),
            st.sampled_from(["record", "warn", "hold", "close", "end"]),
        ),
        st.tuples(st.just("close"), st.integers(1, 8), st.just("")),
        st.tuples(st.just("runs"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("pass"), st.integers(0, 12), st.just("")),
        st.tuples(st.just("excuse"), st.just(0), st.just("")),
        st.tuples(st.just("want"), st.just(0), st.just("")),
    ),
    max_size=25,
)


@given(events, st.booleans())
def test_whatever_happens_programs_are_asked_before_they_are_ended_and_violations_followed_once(
    happened: list[tuple[str, int, Response]], kill: bool
) -> None:
    exam, number, asked_ns = Exam(kill=kill), 0, dict[Program, int]()
    ended: set[Program] = set()
    followed: list[int] = []
    responses: dict[int, Response] = {}
    for what, value, response in happened:
        if what == "open":
            number += 1
            responses[number] = response
            exam.open(value, response, number)
        elif what == "close":
            exam.close(value)
        elif what == "runs":
            exam.see(ProcessesSeen(exam.now_ns, CHAT * min(1, value), tuple(range(value))))
            ended.clear()
            asked_ns = {program: asked for program, asked in asked_ns.items() if program.pid in range(value)}
        elif what == "excuse":
            exam.following = excused(exam.following)
        elif what == "pass":
            exam.now_ns += value * NS_PER_S
        before = len(exam.done)
        if what == "want":
            exam.want()
        exam.pass_()
        for step in exam.done[before:]:
            if isinstance(step, AskToClose):
                assert step.program not in asked_ns, "once"
                assert not step.by_candidate or what == "want"
                asked_ns[step.program] = exam.now_ns
            elif isinstance(step, EndProgram):
                assert kill
                assert exam.now_ns - asked_ns[step.program] >= ASK_NS
                assert step.program not in ended
                ended.add(step.program)
            else:
                followed.append(step.cause.number)
                assert responses[step.cause.number] in ("hold", "close", "end")
                assert isinstance(step, EndAttempt) == (responses[step.cause.number] == "end")
    assert len(followed) == len(set(followed))
    exam.pass_(ASK_NS + END_NS)
    assert closing(exam.following) == ()


@given(st.booleans(), st.integers(1, 4))
def test_programs_that_never_close_hold_the_exam_in_bounded_time(kill: bool, count: int) -> None:
    exam = Exam(kill=kill)
    exam.see(ProcessesSeen(0, CHAT, tuple(range(40, 40 + count))))
    exam.open(PROCESS, "close")
    assert kinds(exam.pass_(ASK_NS + END_NS)).count(Hold) == 1
