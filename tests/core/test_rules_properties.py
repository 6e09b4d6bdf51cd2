"""Properties of the rules over any observations."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from app.core.policy import Detection, RuleSetting, Sensitivity
from app.core.rule_table import DEFAULTS, FACE_RULES, INSTANT_RULES, SOUND_RULES
from app.core.rules import RuleEvent, RuleState, ViolationClosed, ViolationOpened, advance, finish, settings_for
from app.core.types import (
    NS_PER_MS,
    NS_PER_S,
    DisplaysSeen,
    Face,
    FacesSeen,
    FocusChanged,
    KeyBlocked,
    Observation,
    PersonCompared,
    ProcessesSeen,
    SoundHeard,
    Stream,
    StreamBack,
    StreamLost,
    Violation,
)
from tests.examples import examples

_face = st.builds(
    Face,
    box=st.just((0.0, 0.0, 9.0, 9.0)),
    score=st.sampled_from([0.6, 0.75, 0.85, 0.95]),
    yaw_deg=st.just(0.0),
    pitch_deg=st.just(0.0),
    roll_deg=st.just(0.0),
    gaze_yaw_deg=st.sampled_from([-30.0, 0.0, 30.0]),
    gaze_pitch_deg=st.just(0.0),
    on_screen=st.booleans(),
)
_at = st.just(0)
_observation: st.SearchStrategy[Observation] = st.one_of(
    st.builds(FacesSeen, at_ns=_at, faces=st.lists(_face, max_size=3).map(tuple)),
    st.builds(FacesSeen, at_ns=_at, faces=st.just(())),
    st.builds(
        SoundHeard,
        at_ns=_at,
        dbfs=st.sampled_from([-60.0, -48.0, -44.0, -20.0]),
        background_dbfs=st.sampled_from([None, -60.0]),
        speech=st.sampled_from([0.0, 0.45, 0.6, 0.9]),
    ),
    st.builds(PersonCompared, at_ns=_at, match_score=st.sampled_from([0.1, 0.22, 0.28, 0.6])),
    st.builds(FocusChanged, at_ns=_at, focused=st.booleans()),
    st.builds(DisplaysSeen, at_ns=_at, count=st.integers(1, 2)),
    st.builds(ProcessesSeen, at_ns=_at, found=st.sampled_from([(), (("obs", "recording"),)])),
    st.builds(KeyBlocked, at_ns=_at, keys=st.just("Alt+Tab"), capture=st.booleans()),
    st.builds(StreamLost, at_ns=_at, stream=st.sampled_from(Stream), cause=st.just("unplugged")),
    st.builds(StreamBack, at_ns=_at, stream=st.sampled_from(Stream)),
)


@st.composite
def _scripts(draw: st.DrawFn) -> list[Observation]:
    """Spells of one observation, five times a second or so, with pauses between some."""
    at_ns, script = 0, list[Observation]()
    for observation, repeats, step_ms, pause_ms in draw(
        st.lists(
            st.tuples(
                _observation,
                st.integers(1, 14),
                st.sampled_from([100, 200, 250, 500]),
                st.sampled_from([0, 0, 0, 300, 1000, 4000]),
            ),
            min_size=1,
            max_size=14,
        )
    ):
        at_ns += pause_ms * NS_PER_MS
        for _ in range(repeats):
            script.append(replace(observation, at_ns=at_ns))
            at_ns += step_ms * NS_PER_MS
    return script


_rule_setting = st.builds(
    RuleSetting,
    dwell_s=st.sampled_from([None, 0.0, 0.5, 3.0]),
    release_s=st.sampled_from([None, 0.0, 0.3, 2.0]),
    merge_s=st.sampled_from([None, 0.0, 1.0, 5.0]),
)
_detection = st.builds(Detection, rules=st.dictionaries(st.sampled_from(sorted(DEFAULTS)), _rule_setting, max_size=4))
_cooled = st.builds(
    Detection, rules=st.dictionaries(st.sampled_from(sorted(DEFAULTS)), st.builds(RuleSetting, cooldown_s=st.just(2.0)))
)


def _events(script: list[Observation], detection: Detection) -> list[RuleEvent]:
    chosen, state, events = settings_for(detection), RuleState(), list[RuleEvent]()
    for observation in script:
        state, more = advance(state, observation, chosen)
        events += more
    return events + list(finish(state, script[-1].at_ns)[1])


def _closed(events: list[RuleEvent]) -> list[Violation]:
    return [event.violation for event in events if isinstance(event, ViolationClosed)]


def _spans(events: list[RuleEvent]) -> dict[int, list[tuple[int, int]]]:
    spans = defaultdict(list)
    for violation in _closed(events):
        spans[violation.code].append((violation.start_ns, cast(int, violation.end_ns)))
    return spans


@given(_scripts(), st.one_of(_detection, _cooled))
def test_every_violation_is_opened_once_then_closed_once(script: list[Observation], detection: Detection) -> None:
    open_now: dict[int, Violation] = {}
    numbers = []
    for event in _events(script, detection):
        violation = event.violation
        if isinstance(event, ViolationOpened):
            numbers.append(violation.number)
            assert violation.end_ns in {None, violation.start_ns}
            open_now[violation.number] = violation
        else:
            began = open_now.pop(violation.number)
            assert (violation.code, violation.start_ns) == (began.code, began.start_ns)
            assert violation.end_ns is not None
            assert violation.end_ns >= violation.start_ns
            assert violation.severity >= began.severity
        assert 0 <= violation.severity <= 1
        assert 0 <= violation.confidence <= 1
    assert not open_now
    assert numbers == list(range(1, len(numbers) + 1))


@given(_scripts(), st.one_of(_detection, _cooled))
def test_violations_of_one_code_never_overlap(script: list[Observation], detection: Detection) -> None:
    for spans in _spans(_events(script, detection)).values():
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@given(_scripts(), _detection, st.integers(-(10**6), 10**6))
def test_shifting_time_shifts_only_the_output(script: list[Observation], detection: Detection, shift_ms: int) -> None:
    shift_ns = shift_ms * NS_PER_MS
    later = [replace(observation, at_ns=observation.at_ns + shift_ns) for observation in script]
    expected = [
        type(event)(
            replace(
                event.violation,
                start_ns=event.violation.start_ns + shift_ns,
                end_ns=None if event.violation.end_ns is None else event.violation.end_ns + shift_ns,
            )
        )
        for event in _events(script, detection)
    ]
    assert _events(later, detection) == expected


@given(_scripts(), _detection)
def test_the_same_input_gives_the_same_output(script: list[Observation], detection: Detection) -> None:
    assert _events(script, detection) == _events(list(script), detection)


@examples(2)
@given(_scripts(), _detection)
def test_more_sensitivity_judges_every_moment_that_less_judges(script: list[Observation], detection: Detection) -> None:
    levels: list[Sensitivity] = ["low", "medium", "high"]
    low, medium, high = (_spans(_events(script, replace(detection, sensitivity=level))) for level in levels)
    for less, more in ((low, medium), (medium, high)):
        for code, spans in less.items():
            for start, end in spans:
                assert any(s <= start and end <= e for s, e in more[code]), (code, start, end, more[code])


@given(_scripts())
def test_nothing_is_judged_of_a_stream_that_is_lost(script: list[Observation]) -> None:
    lost: list[Observation] = [StreamLost(0, stream, "unplugged") for stream in Stream]
    unheard: list[Observation] = [observation for observation in script if not isinstance(observation, StreamBack)]
    codes = set(_spans(_events(lost + unheard, Detection(sensitivity="high"))))
    assert not codes & (FACE_RULES | SOUND_RULES)


@given(_scripts())
def test_a_lost_stream_judges_nothing_within_the_loss(script: list[Observation]) -> None:
    spans = _spans(_events(script, Detection(sensitivity="high")))
    lost_ns: dict[Stream, int] = {}
    losses = []
    for observation in script:
        if isinstance(observation, StreamLost):
            lost_ns.setdefault(observation.stream, observation.at_ns)
        elif isinstance(observation, StreamBack) and observation.stream in lost_ns:
            losses.append((observation.stream, lost_ns.pop(observation.stream), observation.at_ns))
    rules = {Stream.CAMERA: FACE_RULES, Stream.MICROPHONE: SOUND_RULES, Stream.SCREEN: frozenset[int]()}
    for stream, start, end in losses:
        for code in rules[stream]:
            assert all(e <= start or s >= end for s, e in spans[code])


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=40).map(sorted))
def test_an_instant_rule_reports_at_most_once_per_cool_down(at_ms: list[int]) -> None:
    script: list[Observation] = [KeyBlocked(ms * NS_PER_MS, "Alt+Tab", capture=False) for ms in at_ms]
    starts = [start for start, _ in _spans(_events(script, Detection()))[5121]]
    assert starts[0] == script[0].at_ns
    assert all(after - before >= NS_PER_S for before, after in itertools.pairwise(starts))


def test_every_rule_has_a_default() -> None:
    assert set(settings_for(Detection())) == set(DEFAULTS)
    assert set(DEFAULTS) >= INSTANT_RULES | FACE_RULES | SOUND_RULES
