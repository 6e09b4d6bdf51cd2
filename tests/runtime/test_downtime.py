"""What a client missed while it was down."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from app.core.manifest import GENESIS, gap_to_body, make_entry
from app.core.types import NS_PER_S, Entry, EntryKind, Gap, GapCause, Instant, Json, Stream
from app.runtime.downtime import missed

UTC_NS = 1_800_000_000 * NS_PER_S


def at(second: float, boot: str = "one") -> Instant:
    ns = round(second * NS_PER_S)
    return Instant(ns, UTC_NS + ns, boot)


def entry(kind: EntryKind, body: Mapping[str, Json], when: Instant) -> Entry:
    return make_entry(GENESIS, 1, kind, when, body)


def begun(second: float = 10.0) -> Entry:
    return entry(EntryKind.EVENT, {"event": "monitoring_started", "session": 1}, at(second))


def journalled(gap: Gap) -> Entry:
    return entry(EntryKind.GAP, gap_to_body(gap), gap.end)


def test_a_stream_is_missing_from_the_end_of_its_media_kept_or_not() -> None:
    ends = {Stream.CAMERA: at(50), Stream.SCREEN: at(48)}
    gaps = missed([begun()], ends, [Stream.CAMERA, Stream.SCREEN], at(52), at(90), paused=False)
    assert gaps == [
        Gap(Stream.CAMERA, at(50), at(90), GapCause.CLIENT_DOWN),
        Gap(Stream.SCREEN, at(48), at(90), GapCause.CLIENT_DOWN),
    ]


def test_a_stream_that_never_gave_anything_is_missing_from_the_start_of_monitoring() -> None:
    gaps = missed([begun(10)], {}, [Stream.MICROPHONE], at(52), at(90), paused=False)
    assert [(g.start, g.end) for g in gaps] == [(at(10), at(90))]


def test_what_is_known_as_a_gap_already_is_not_counted_again() -> None:
    known = Gap(Stream.CAMERA, at(50), at(60), GapCause.DAMAGED)
    other = Gap(Stream.SCREEN, at(50), at(80), GapCause.DAMAGED)
    gaps = missed([begun(), journalled(known), journalled(other)], {Stream.CAMERA: at(50)}, [Stream.CAMERA], None,
                  at(90), paused=False)  # fmt: skip
    assert [(g.start, g.end) for g in gaps] == [(at(60), at(90))]


def test_until_its_last_sign_of_life_a_paused_exam_was_paused() -> None:
    gaps = missed([begun()], {Stream.CAMERA: at(50)}, [Stream.CAMERA], at(70), at(90), paused=True)
    assert gaps == [
        Gap(Stream.CAMERA, at(50), at(70), GapCause.PAUSED),
        Gap(Stream.CAMERA, at(70), at(90), GapCause.CLIENT_DOWN),
    ]


def test_before_monitoring_began_nothing_was_missed() -> None:
    assert missed([], {Stream.CAMERA: at(50)}, [Stream.CAMERA], at(52), at(90), paused=False) == []


def test_a_gap_that_can_not_be_read_says_nothing() -> None:
    odd = entry(EntryKind.GAP, {"stream": "smell"}, at(80))
    gaps = missed([begun(), odd], {Stream.CAMERA: at(50)}, [Stream.CAMERA], None, at(90), paused=False)
    assert [g.start for g in gaps] == [at(50)]


def test_after_a_reboot_only_utc_can_tell_which_is_later() -> None:
    now = Instant(5 * NS_PER_S, UTC_NS + 200 * NS_PER_S, "two")
    gaps = missed([begun()], {Stream.CAMERA: at(50)}, [Stream.CAMERA], at(52), now, paused=False)
    assert [(g.start, g.end) for g in gaps] == [(at(50), now)]


@given(
    st.lists(st.floats(0, 500), min_size=3, max_size=3),
    st.floats(0, 500),
    st.sampled_from(["one", "two"]),
    st.booleans(),
)
def test_no_gap_ends_before_it_starts_and_each_stream_has_one_up_to_now(
    seconds: list[float], now_s: float, boot: str, paused: bool
) -> None:
    now = at(now_s, boot)
    gaps = missed([begun(seconds[0])], {Stream.CAMERA: at(seconds[1])}, [Stream.CAMERA], at(seconds[2]), now,
                  paused=paused)  # fmt: skip
    assert [g.end for g in gaps if g.cause is GapCause.CLIENT_DOWN] == [now]
    assert all(g.end.utc_ns >= g.start.utc_ns for g in gaps)
    assert all(g.cause is GapCause.CLIENT_DOWN or paused for g in gaps)
