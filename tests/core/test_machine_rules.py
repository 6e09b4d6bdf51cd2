"""What displays, programs, windows, devices and the session say to the rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from app.core.machine import Judgement, Suspicion, Verdict, WeighedSignal
from app.core.machine_rules import machine_signals
from app.core.policy import Accessibility, Detection, Response, RuleSetting
from app.core.rule_table import INSTANT_RULES, MACHINE_RULES, settings_for
from app.core.rules import RuleEvent, RuleState, advance, finish
from app.core.types import (
    NS_PER_S,
    ClipboardUsed,
    ClockSet,
    Device,
    DeviceKind,
    DevicesChanged,
    DisplayChanged,
    DisplaysSeen,
    FocusChanged,
    ForeignWindow,
    InputInjected,
    KeyBlocked,
    MachineSeen,
    Observation,
    ProcessesSeen,
    SessionSeen,
    SessionState,
    TamperingSeen,
    Violation,
    WindowIs,
    WindowsSeen,
)

SETTINGS = settings_for(Detection())
STICK = Device(DeviceKind.STORAGE, "Example Stick")
REST = Device(DeviceKind.CAMERA, "Example Camera")


def judgement(about: Suspicion, score: float, verdict: Verdict, *words: str) -> Judgement:
    return Judgement(about, score, verdict, tuple(WeighedSignal(one, one, 0.5, one, "") for one in words))


def with_rule(code: int, rule: RuleSetting) -> Detection:
    return Detection(rules={code: rule})


def active(observation: Observation, detection: Detection | None = None) -> dict[int, tuple[str, ...]]:
    """The details of what is active, by code."""
    settings = settings_for(detection or Detection())
    return {code: one.details for code, one in machine_signals(observation, settings).items() if one.active}


def judged(observations: Iterable[Observation], until_s: float = 60.0) -> list[tuple[int, float, float, str]]:
    """Code, start and end in seconds, and detail of every violation."""
    state, events = RuleState(), list[RuleEvent]()
    for observation in observations:
        state, more = advance(state, observation, SETTINGS)
        events += more
    state, more = finish(state, round(until_s * NS_PER_S))
    last: dict[int, Violation] = {event.violation.number: event.violation for event in [*events, *more]}
    return [
        (v.code, v.start_ns / NS_PER_S, (v.end_ns or 0) / NS_PER_S, v.detail)
        for v in sorted(last.values(), key=lambda v: v.number)
    ]


def s(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def test_a_second_monitor_is_counted_and_named() -> None:
    assert active(DisplaysSeen(0, 1, ("eDP-1",))) == {}
    assert active(DisplaysSeen(0, 2, ("eDP-1", "HDMI-1"))) == {5007: ("eDP-1, HDMI-1",)}
    assert active(DisplaysSeen(0, 2)) == {5007: ("2 monitors",)}


def test_as_many_monitors_as_the_policy_allows_are_none_too_many() -> None:
    two = with_rule(5007, RuleSetting(threshold=2.0))
    assert active(DisplaysSeen(0, 2), two) == {}
    assert active(DisplaysSeen(0, 3), two) == {5007: ("3 monitors",)}


def test_a_suspected_monitor_is_another_rule_than_a_seen_one() -> None:
    assert active(DisplaysSeen(0, 1, suspected=("mirrored on HDMI-1",))) == {5008: ("mirrored on HDMI-1",)}


def test_programs_are_named_with_the_reason() -> None:
    assert active(ProcessesSeen(0, ())) == {}
    found = ProcessesSeen(0, (("anydesk", "remote control"), ("obs", "screen recording")))
    assert active(found) == {5111: ("anydesk (remote control)", "obs (screen recording)")}


def test_windows_are_named_by_program_and_once_each() -> None:
    notes = ForeignWindow("notes", WindowIs.ABOVE, 7)
    more = ForeignWindow("notes", WindowIs.ABOVE, 8)
    hidden = ForeignWindow("overlay", WindowIs.HIDDEN_FROM_CAPTURE, 9)
    said = active(WindowsSeen(0, (notes, more, hidden)))
    assert said == {5122: (f"notes ({WindowIs.ABOVE})", f"overlay ({WindowIs.HIDDEN_FROM_CAPTURE})")}
    assert active(WindowsSeen(0, ())) == {}


@pytest.mark.parametrize("state", [SessionState.HERE, SessionState.LOCKED, SessionState.ASLEEP])
def test_locking_and_sleeping_are_no_violation(state: SessionState) -> None:
    assert judged([SessionSeen(s(1), state, "lid closed")]) == []


def test_another_session_on_the_screen_is_being_away() -> None:
    away, here = SessionSeen(s(1), SessionState.AWAY, "text console"), SessionSeen(s(4), SessionState.HERE)
    assert judged([away, here]) == [(5005, 1.0, 4.0, "text console")]


LEFT, BACK = FocusChanged(0, False, "editor"), FocusChanged(0, True)
HERE, AWAY, LOCKED = (SessionSeen(0, state) for state in (SessionState.HERE, SessionState.AWAY, SessionState.LOCKED))


@pytest.mark.parametrize(
    ("story", "spans"),
    [
        ((LEFT, HERE, BACK), [(1.0, 3.0)]),
        ((AWAY, LEFT, HERE, BACK), [(1.0, 4.0)]),
        ((AWAY, BACK, HERE), [(1.0, 3.0)]),
        ((AWAY, LEFT, BACK, HERE), [(1.0, 4.0)]),
        ((LEFT, AWAY, BACK, LOCKED), [(1.0, 4.0)]),
        ((LEFT, LOCKED, HERE, LEFT, BACK), [(1.0, 2.0), (4.0, 5.0)]),
    ],
)
def test_what_the_window_says_is_not_ended_by_the_session_nor_the_other_way_round(
    story: tuple[Observation, ...], spans: list[tuple[float, float]]
) -> None:
    seen = judged([replace(one, at_ns=s(at)) for at, one in enumerate(story, start=1)])
    assert [(start, end) for code, start, end, _ in seen if code == 5005] == spans


@pytest.mark.parametrize(
    ("about", "code"),
    [(Suspicion.VIRTUAL_MACHINE, 5113), (Suspicion.REMOTE_CONTROL, 5112), (Suspicion.VIRTUAL_CAMERA, 5110)],
)
def test_only_what_is_likely_is_a_violation(about: Suspicion, code: int) -> None:
    likely = judgement(about, 0.9, Verdict.LIKELY, "a maker", "a tool")
    assert active(MachineSeen(0, (likely,))) == {code: ("a maker", "a tool")}
    assert active(MachineSeen(0, (judgement(about, 0.8, Verdict.POSSIBLE, "a maker"),))) == {}
    assert active(MachineSeen(0, (judgement(about, 0.0, Verdict.CLEAR),))) == {}


def test_all_three_questions_have_a_rule_and_a_confidence() -> None:
    seen = MachineSeen(0, tuple(judgement(about, 0.9, Verdict.LIKELY) for about in Suspicion))
    signals = machine_signals(seen, SETTINGS)
    assert set(signals) == MACHINE_RULES
    assert {one.score for one in signals.values()} == {0.9}


def test_a_policy_may_draw_the_line_elsewhere() -> None:
    possible = MachineSeen(0, (judgement(Suspicion.VIRTUAL_MACHINE, 0.6, Verdict.POSSIBLE, "a maker"),))
    assert active(possible, with_rule(5113, RuleSetting(threshold=0.6))) == {5113: ("a maker",)}
    assert active(possible, with_rule(5113, RuleSetting(threshold=0.61))) == {}
    likely = MachineSeen(0, (judgement(Suspicion.VIRTUAL_MACHINE, 0.9, Verdict.LIKELY),))
    assert active(likely, with_rule(5113, RuleSetting(threshold=0.95))) == {}


@pytest.mark.parametrize(
    ("observation", "code", "details"),
    [
        (KeyBlocked(0, "Alt+Tab", False), 5121, ("Alt+Tab",)),
        (KeyBlocked(0, "Print", True), 5115, ("Print",)),
        (ClipboardUsed(0, "notes"), 5114, ("notes",)),
        (ClipboardUsed(0, ""), 5114, ()),
        (InputInjected(0, "XTEST", 3), 5123, ("XTEST",)),
        (DisplayChanged(0, "HDMI-1 connected"), 5116, ("HDMI-1 connected",)),
        (ClockSet(0, 3600), 5118, ("by +3600 s",)),
        (ClockSet(0, -60), 5118, ("by -60 s",)),
        (TamperingSeen(0, "the client was stopped"), 5120, ("the client was stopped",)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, int | tuple) else "",
)
def test_what_happens_in_a_moment_has_its_code_and_its_words(
    observation: Observation, code: int, details: tuple[str, ...]
) -> None:
    assert active(observation) == {code: details}
    assert code in INSTANT_RULES


def test_devices_are_named_by_kind_and_name() -> None:
    said = active(DevicesChanged(0, added=(STICK,), removed=(REST,)))
    assert said == {
        5117: (f"{STICK.kind} plugged in: Example Stick", f"{REST.kind} unplugged: Example Camera"),
    }
    assert active(DevicesChanged(0)) == {}


def test_what_is_not_of_the_machine_says_nothing() -> None:
    assert machine_signals(FocusChanged(0, False), SETTINGS) == {}


def test_a_window_that_only_flashes_is_no_violation() -> None:
    notes = WindowsSeen(s(1), (ForeignWindow("notes", WindowIs.ABOVE, 7),))
    assert judged([notes, WindowsSeen(s(1.2), ())]) == []
    assert [v[:3] for v in judged([notes, WindowsSeen(s(3), ())])] == [(5122, 1.0, 3.0)]


def test_a_machine_is_judged_until_it_is_judged_otherwise() -> None:
    likely = judgement(Suspicion.REMOTE_CONTROL, 0.9, Verdict.LIKELY, "a connection")
    clear = judgement(Suspicion.REMOTE_CONTROL, 0.0, Verdict.CLEAR)
    seen = judged([MachineSeen(s(1), (likely,)), MachineSeen(s(9), (likely,)), MachineSeen(s(20), (clear,))])
    assert seen == [(5112, 1.0, 20.0, "a connection")]


def test_leaving_for_a_locked_screen_ends_with_the_lock() -> None:
    seen = judged([FocusChanged(s(1), False), SessionSeen(s(1.2), SessionState.LOCKED)])
    assert [v[:3] for v in seen] == [(5005, 1.0, 1.2)]


@pytest.mark.parametrize("response", ["record", "warn", "hold", "end"])
def test_a_response_changes_nothing_of_what_is_seen(response: Response) -> None:
    seen = DisplaysSeen(0, 2)
    rule = with_rule(5007, RuleSetting(response=response))
    assert active(seen, rule) == active(seen)
    assert settings_for(rule)[5007].response == response


@pytest.mark.parametrize("granted", [Accessibility(screen_reader=True), Accessibility(assistive_programs=("osk",))])
def test_input_that_programs_make_is_no_rule_where_help_is_granted_that_types(granted: Accessibility) -> None:
    assert 5123 in settings_for(Detection())
    assert 5123 not in settings_for(Detection(), granted)


def test_an_ignored_rule_is_not_applied() -> None:
    assert 5007 not in settings_for(with_rule(5007, RuleSetting(response="ignore")))
    assert 5007 not in settings_for(with_rule(5007, RuleSetting(enabled=False, response="hold")))
