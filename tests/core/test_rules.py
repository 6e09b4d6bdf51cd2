"""What the rules make of observations."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from app.core.policy import Detection, RuleSetting
from app.core.rules import RuleEvent, RuleState, ViolationClosed, ViolationOpened, advance, finish, settings_for
from app.core.types import (
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

MEDIUM = settings_for(Detection())


def ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def face(
    *, on_screen: bool = True, score: float = 0.95, gaze_yaw_deg: float = 0.0, gaze_pitch_deg: float = 0.0
) -> Face:
    return Face((0, 0, 100, 100), score, 0, 0, 0, gaze_yaw_deg, gaze_pitch_deg, on_screen)


def faces(at_s: float, *seen: Face) -> FacesSeen:
    return FacesSeen(ns(at_s), seen)


def every_fifth(start_s: float, end_s: float, *seen: Face) -> list[Observation]:
    """The same faces five times a second, the end excluded."""
    return [faces(start_s + n / 5, *seen) for n in range(round((end_s - start_s) * 5))]


def sounds(start_s: float, end_s: float, dbfs: float, speech: float, floor: float | None = -60.0) -> list[Observation]:
    return [SoundHeard(ns(start_s + n / 4), dbfs, floor, speech) for n in range(round((end_s - start_s) * 4))]


def judged(observations: Iterable[Observation], detection: Detection | None = None) -> list[tuple[int, float, float]]:
    """Code, start and end in seconds of every violation, the last observation being the end."""
    seen = list(observations)
    settings = settings_for(detection or Detection())
    state, events = RuleState(), list[RuleEvent]()
    for observation in seen:
        state, more = advance(state, observation, settings)
        events += more
    _, last = finish(state, max(o.at_ns for o in seen))
    events += last
    return [spans(v) for v in closed(events)]


def events_of(observations: Iterable[Observation]) -> tuple[RuleState, list[RuleEvent]]:
    state, events = RuleState(), list[RuleEvent]()
    for observation in observations:
        state, more = advance(state, observation, MEDIUM)
        events += more
    return state, events


def spans(violation: Violation) -> tuple[int, float, float]:
    assert violation.end_ns is not None
    return violation.code, round(violation.start_ns / NS_PER_S, 3), round(violation.end_ns / NS_PER_S, 3)


def opened(events: Iterable[RuleEvent]) -> list[Violation]:
    return [e.violation for e in events if isinstance(e, ViolationOpened)]


def closed(events: Iterable[RuleEvent]) -> list[Violation]:
    return [e.violation for e in events if isinstance(e, ViolationClosed)]


def test_nobody_in_the_picture_is_judged_from_the_first_picture_without_a_face() -> None:
    seen = every_fifth(0, 2, face()) + every_fifth(2, 6) + every_fifth(6, 8, face())
    assert judged(seen) == [(5001, 2.0, 6.0)]


def test_it_is_reported_as_soon_as_the_dwell_is_met() -> None:
    state, reports = RuleState(), []
    for observation in every_fifth(0, 3):
        state, events = advance(state, observation, MEDIUM)
        reports += [(observation.at_ns, v) for v in opened(events)]
    ((at_ns, violation),) = reports
    assert at_ns == ns(1.6)  # the first picture 1.5 s after the first without a face
    assert (violation.number, violation.start_ns, violation.end_ns) == (1, 0, None)


def test_a_glance_away_opens_nothing() -> None:
    seen = every_fifth(0, 2, face()) + every_fifth(2, 3, face(on_screen=False)) + every_fifth(3, 6, face())
    assert judged(seen) == []


def test_one_odd_picture_does_not_split_a_violation() -> None:
    seen = [*every_fifth(0, 3), faces(3.0, face()), *every_fifth(3.2, 6), *every_fifth(6, 9, face())]
    assert judged(seen) == [(5001, 0.0, 6.0)]


def test_one_odd_picture_does_not_open_one_even_with_no_dwell_left_over() -> None:
    seen = [*every_fifth(0, 2, face()), faces(2.0), *every_fifth(2.2, 4, face())]
    assert judged(seen, Detection(sensitivity="high")) == []


def test_spans_within_the_merge_time_are_one() -> None:
    seen = every_fifth(0, 3) + every_fifth(3, 3.8, face()) + every_fifth(3.8, 7) + every_fifth(7, 10, face())
    assert judged(seen) == [(5001, 0.0, 7.0)]


def test_spans_further_apart_are_two() -> None:
    seen = every_fifth(0, 3) + every_fifth(3, 5, face()) + every_fifth(5, 8) + every_fifth(8, 10, face())
    assert judged(seen) == [(5001, 0.0, 3.0), (5001, 5.0, 8.0)]


def test_a_glance_within_the_merge_time_does_not_continue_a_violation() -> None:
    seen = every_fifth(0, 3) + every_fifth(3, 3.8, face()) + [faces(3.8)] + every_fifth(4, 7, face())
    assert judged(seen) == [(5001, 0.0, 3.0)]


def test_a_second_face_is_judged_with_the_second_best_score() -> None:
    _, events = events_of(every_fifth(0, 3, face(), face(score=0.85)))
    (violation,) = opened(events)
    assert (violation.code, violation.confidence, violation.detail) == (5002, 0.85, "2 faces")


def test_an_unsure_second_face_counts_only_at_high_sensitivity() -> None:
    seen = every_fifth(0, 3, face(), face(score=0.75))
    assert judged(seen) == []
    assert [code for code, _, _ in judged(seen, Detection(sensitivity="high"))] == [5002]


def test_looking_away_needs_everybody_to_look_away() -> None:
    assert 5101 not in {v[0] for v in judged(every_fifth(0, 5, face(on_screen=False), face()))}
    assert 5101 in {v[0] for v in judged(every_fifth(0, 5, face(on_screen=False), face(on_screen=False)))}


@pytest.mark.parametrize(
    ("yaw", "pitch", "words"),
    [(30, 0, "to the left"), (-30, 5, "to the right"), (0, 30, "up"), (2, -40, "down")],
)
def test_looking_away_says_where_in_the_candidates_own_words(yaw: float, pitch: float, words: str) -> None:
    _, events = events_of(every_fifth(0, 4, face(on_screen=False, gaze_yaw_deg=yaw, gaze_pitch_deg=pitch)))
    assert [v.detail for v in opened(events)] == [words]


def test_a_policy_can_set_the_angle_for_looking_away() -> None:
    wide = Detection(rules={5101: RuleSetting(threshold=40.0)})
    assert judged(every_fifth(0, 4, face(on_screen=False, gaze_yaw_deg=30)), wide) == []
    assert [v[0] for v in judged(every_fifth(0, 4, face(gaze_yaw_deg=-41)), wide)] == [5101]


def test_somebody_else_is_judged_by_how_alike_the_faces_are() -> None:
    seen: list[Observation] = [PersonCompared(ns(t / 2), 0.1 if 4 <= t < 14 else 0.7) for t in range(24)]
    assert judged(seen) == [(5102, 2.0, 7.0)]


def test_a_poor_likeness_is_not_somebody_else() -> None:
    assert judged([PersonCompared(ns(t / 2), 0.32) for t in range(24)]) == []


def test_speech_and_loudness_are_judged_apart() -> None:
    quiet_speech = sounds(0, 4, dbfs=-50, speech=0.9)
    clatter = sounds(0, 4, dbfs=-20, speech=0.0)
    assert [v[0] for v in judged(quiet_speech)] == [5106]
    assert [v[0] for v in judged(clatter)] == [5004]


def test_loudness_is_not_judged_before_the_background_is_known_nor_in_near_silence() -> None:
    assert judged(sounds(0, 4, dbfs=-20, speech=0.0, floor=None)) == []
    assert judged(sounds(0, 4, dbfs=-60, speech=0.0, floor=-95.0)) == []


def test_focus_loss_opens_at_once_and_closes_with_its_return() -> None:
    state, events = advance(RuleState(), FocusChanged(ns(1), focused=False, detail="Alt+Tab"), MEDIUM)
    assert [(v.code, v.start_ns, v.detail) for v in opened(events)] == [(5005, ns(1), "Alt+Tab")]
    _, events = advance(state, FocusChanged(ns(3), focused=True), MEDIUM)
    assert [spans(v) for v in closed(events)] == [(5005, 1.0, 3.0), (5006, 3.0, 3.0)]


def test_focus_that_was_never_lost_is_not_gained() -> None:
    assert judged([FocusChanged(0, focused=True)]) == []


def test_a_policy_can_forgive_short_focus_losses() -> None:
    patient = Detection(rules={5005: RuleSetting(dwell_s=2.0), 5006: RuleSetting(enabled=False)})
    lost, back = FocusChanged(ns(0), focused=False), FocusChanged(ns(1), focused=True)
    assert judged([lost, back], patient) == []
    assert judged([lost, FocusChanged(ns(2), focused=True)], patient) == [(5005, 0.0, 2.0)]


def test_what_lasts_is_judged_by_time_alone() -> None:
    patient = Detection(rules={5005: RuleSetting(dwell_s=2.0)})
    settings = settings_for(patient)
    state, _ = advance(RuleState(), FocusChanged(0, focused=False), settings)
    state, early = advance(state, faces(1.9, face()), settings)
    state, events = advance(state, faces(2.0, face()), settings)
    assert (opened(early), [v.code for v in opened(events)]) == ([], [5005])


def test_a_second_monitor_and_a_blocked_program_last_until_they_are_gone() -> None:
    seen: list[Observation] = [
        DisplaysSeen(ns(0), 2, ("eDP-1", "HDMI-1")),
        ProcessesSeen(ns(1), (("obs", "screen recording"),)),
        ProcessesSeen(ns(2), (("obs", "screen recording"), ("anydesk", "remote control"))),
        DisplaysSeen(ns(60), 1),
        ProcessesSeen(ns(90), ()),
    ]
    assert judged(seen) == [(5007, 0.0, 60.0), (5111, 1.0, 90.0)]
    _, events = events_of(seen)
    assert [v.detail for v in closed(events)] == [
        "eDP-1, HDMI-1",
        "obs (screen recording); anydesk (remote control)",
    ]


def test_blocked_keys_have_no_duration_and_repeat_at_most_once_a_second() -> None:
    seen = [KeyBlocked(ns(t), "Alt+Tab", capture=False) for t in (1, 1.1, 1.9, 2.0)]
    assert judged(seen) == [(5121, 1.0, 1.0), (5121, 2.0, 2.0)]


def test_a_screenshot_key_is_a_capture_attempt() -> None:
    assert judged([KeyBlocked(ns(1), "PrintScreen", capture=True)]) == [(5115, 1.0, 1.0)]


def test_lost_streams_are_one_gap_until_the_last_is_back() -> None:
    seen: list[Observation] = [
        StreamLost(ns(0), Stream.CAMERA, "unplugged"),
        StreamLost(ns(1), Stream.SCREEN, "stalled"),
        StreamBack(ns(2), Stream.CAMERA),
        StreamBack(ns(5), Stream.SCREEN),
    ]
    assert judged(seen) == [(5119, 0.0, 5.0)]


def test_losing_the_camera_ends_what_is_open_where_it_was_last_seen() -> None:
    seen = [*every_fifth(0, 3), StreamLost(ns(9), Stream.CAMERA, "unplugged")]
    assert judged(seen) == [(5001, 0.0, 2.8), (5119, 9.0, 9.0)]


def test_losing_the_camera_drops_what_is_pending() -> None:
    gap: list[Observation] = [StreamLost(ns(1.2), Stream.CAMERA, "x"), StreamBack(ns(1.3), Stream.CAMERA)]
    assert judged([*every_fifth(0, 1.2), *gap, *every_fifth(1.4, 2.4)]) == [(5119, 1.2, 1.3)]


@pytest.mark.parametrize("stream", [Stream.CAMERA, Stream.MICROPHONE])
def test_a_lost_stream_accuses_nobody(stream: Stream) -> None:
    seen: list[Observation] = [StreamLost(0, stream, "unplugged")]
    said = every_fifth(0, 9) if stream is Stream.CAMERA else sounds(0, 9, -10, 1.0)
    assert {v[0] for v in judged([*seen, *said])} == {5119}


def test_a_detector_that_falls_silent_accuses_nobody() -> None:
    assert judged([faces(0), faces(60), faces(60.2, face())]) == []
    assert judged([*every_fifth(0, 3), faces(60), faces(60.2, face())]) == [(5001, 0.0, 2.8)]


def test_a_silent_detector_is_noticed_by_what_others_say() -> None:
    state, _ = events_of(every_fifth(0, 3))
    _, events = advance(state, SoundHeard(ns(7), -60, -60, 0.0), MEDIUM)
    assert [spans(v) for v in closed(events)] == [(5001, 0.0, 2.8)]


def test_late_pictures_are_ignored() -> None:
    seen = [*every_fifth(0, 3), faces(1.0, face()), *every_fifth(3, 4), *every_fifth(4, 6, face())]
    assert judged(seen) == [(5001, 0.0, 4.0)]


def test_after_a_violation_none_opens_during_the_cool_down() -> None:
    cool = Detection(rules={5001: RuleSetting(cooldown_s=10.0, merge_s=0.0)})
    seen = every_fifth(0, 3) + every_fifth(3, 5, face()) + every_fifth(5, 9) + every_fifth(9, 11, face())
    assert judged(seen, cool) == [(5001, 0.0, 3.0)]
    assert judged([*seen, *every_fifth(11, 20)], cool) == [(5001, 0.0, 3.0), (5001, 13.0, 19.8)]


def test_a_rule_that_the_policy_drops_closes_what_it_has_open() -> None:
    state, _ = events_of(every_fifth(0, 3))
    _, events = advance(state, faces(3.0), settings_for(Detection(rules={5001: RuleSetting(enabled=False)})))
    assert [spans(v) for v in closed(events)] == [(5001, 0.0, 2.8)]


def test_without_detection_the_machine_is_still_watched() -> None:
    off = Detection(enabled=False)
    seen = [*every_fifth(0, 5), *sounds(0, 5, -10, 1.0), DisplaysSeen(ns(5), 2)]
    assert {v[0] for v in judged(seen, off)} == {5007}


def test_finish_closes_everything_once() -> None:
    state, _ = events_of([*every_fifth(0, 3), FocusChanged(ns(3), focused=False)])
    state, events = finish(state, ns(4))
    assert [spans(v) for v in closed(events)] == [(5001, 0.0, 2.8), (5005, 3.0, 4.0)]
    assert finish(state, ns(5))[1] == ()


def test_severity_grows_with_length_and_stays_within_one() -> None:
    _, short = events_of([*every_fifth(0, 3), *every_fifth(3, 6, face())])
    _, long = events_of([*every_fifth(0, 90), *every_fifth(90, 93, face())])
    assert opened(short)[0].severity == 0.5
    assert 0.5 < closed(short)[0].severity < closed(long)[0].severity == 0.625
    harsh = settings_for(Detection(rules={5001: RuleSetting(severity=3.0)}))
    assert harsh[5001].severity == 1.0


def test_the_policys_own_times_are_not_scaled_by_sensitivity() -> None:
    rule = RuleSetting(dwell_s=4.0, release_s=2.0, merge_s=3.0, cooldown_s=-1.0)
    for sensitivity in ("low", "medium", "high"):
        effective = settings_for(Detection(sensitivity=sensitivity, rules={5001: rule}))[5001]
        assert (effective.dwell_ns, effective.release_ns, effective.merge_ns, effective.cooldown_ns) == (
            ns(4), ns(2), ns(3), 0,
        )  # fmt: skip
