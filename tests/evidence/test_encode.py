"""Encoders on real media: what comes out plays, lasts as long as what went in, and losses are told."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from app.core.errors import EvidenceError
from app.core.types import NS_PER_MS, NS_PER_S, Gap, GapCause, Stream
from app.evidence.encode import AudioEncoder, VideoEncoder
from app.evidence.media import probe
from tests.fakes.evidence import (
    after,
    chunk,
    drained,
    finished_segments,
    frame,
    no_gap,
    offer_all,
    open_store,
    record_audio,
    record_video,
    wait_until,
)


def test_video_is_cut_into_segments_that_follow_each_other(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    gaps = record_video(store, 2.5)
    segments = finished_segments(store)
    assert [(one.start, one.end) for one in segments] == [
        (after(0), after(1)),
        (after(1), after(2)),
        (after(2), after(2.5)),
    ]
    assert [one.frames for one in segments] == [10, 10, 5]
    assert gaps == []
    store.close()


def test_a_video_segment_starts_with_a_key_frame_and_keeps_the_frames_own_times(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    gaps: list[Gap] = []
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 5, gaps.append)
    encoder.start()
    times = [0.0, 0.09, 0.25, 0.3, 0.52]
    for seconds in times:
        offer_all(encoder, frame(seconds))
    encoder.stop()
    (segment,) = finished_segments(store)
    path = store.path_of(segment.sha256)
    assert path is not None
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        packets = [packet for packet in container.demux(video) if packet.size]
    assert [packet.pts for packet in packets] == [0, 90, 250, 300, 520]
    assert [packet.is_keyframe for packet in packets] == [True, False, False, False, False]
    assert video.codec_context.name == "vp9"
    store.close()


def test_every_picture_can_be_decoded_and_looks_like_what_was_filmed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    record_video(store, 1)
    (segment,) = finished_segments(store)
    path = store.path_of(segment.sha256)
    assert path is not None
    with av.open(str(path)) as container:
        pictures = [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]
    assert len(pictures) == 10
    for number, picture in enumerate(pictures):
        expected = frame(number / 10).pixels.astype(int)
        assert abs(picture.astype(int) - expected).mean() < 8
    store.close()


def test_an_odd_sized_picture_loses_its_last_column_and_row_only(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 5, no_gap)
    encoder.start()
    encoder.offer(frame(0, size=(65, 49)))
    encoder.stop()
    (segment,) = finished_segments(store)
    with av.open(str(store.path_of(segment.sha256))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 48)
    store.close()


def test_a_change_of_size_starts_a_new_segment(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 5, no_gap)
    encoder.start()
    encoder.offer(frame(0))
    encoder.offer(frame(0.1))
    encoder.offer(frame(0.2, size=(32, 32)))
    encoder.stop()
    assert [(one.start, one.end) for one in finished_segments(store)] == [
        (after(0), after(0.2)),
        (after(0.2), after(0.3)),
    ]
    store.close()


def test_an_unchanged_screen_is_not_encoded_again_but_lasts_its_time(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = VideoEncoder(store, Stream.SCREEN, 4, 5, no_gap)
    encoder.start()
    for number in range(15):
        offer_all(encoder, frame(number / 4, Stream.SCREEN, shade=7))
    encoder.stop()
    (segment,) = finished_segments(store)
    facts = probe(store.path_of(segment.sha256) or Path())
    assert facts is not None
    assert segment.frames == 15
    assert facts.frames == 3, "the first, one after two seconds, and the last"
    assert facts.duration_ns == 3_750 * NS_PER_MS
    assert segment.end == after(3.75)
    store.close()


def test_one_changed_pixel_of_the_screen_is_encoded(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = VideoEncoder(store, Stream.SCREEN, 10, 5, no_gap)
    encoder.start()
    still = frame(0, Stream.SCREEN, shade=7)
    encoder.offer(still)
    changed = frame(0.1, Stream.SCREEN, shade=7)
    changed.pixels[5, 5] = 255
    encoder.offer(changed)
    encoder.stop()
    (segment,) = finished_segments(store)
    facts = probe(store.path_of(segment.sha256) or Path())
    assert facts is not None
    assert facts.frames == 2
    store.close()


def test_sound_becomes_opus_of_the_same_length(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    gaps = record_audio(store, 2.5)
    segments = finished_segments(store)
    assert [(one.start, one.end) for one in segments] == [
        (after(0), after(1)),
        (after(1), after(2)),
        (after(2), after(2.5)),
    ]
    with av.open(str(store.path_of(segments[0].sha256))) as container:
        audio = container.streams.audio[0]
        assert (audio.codec_context.name, audio.layout.name) == ("opus", "mono")
        decoded = sum(piece.samples for piece in container.decode(audio))
    assert abs(decoded - 48_000) <= 960
    assert gaps == []
    store.close()


def test_a_hole_in_the_sound_starts_a_new_segment(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = AudioEncoder(store, Stream.MICROPHONE, 16_000, 5, no_gap)
    encoder.start()
    for seconds in (0.0, 0.1, 1.0, 1.1):
        encoder.offer(chunk(seconds))
    encoder.stop()
    assert [(one.start, one.end) for one in finished_segments(store)] == [
        (after(0), after(0.2)),
        (after(1), after(1.2)),
    ]
    store.close()


def test_what_does_not_fit_in_the_queue_is_counted_and_becomes_one_gap(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    gaps: list[Gap] = []
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 5, gaps.append)
    for number in range(30):  # not started: nothing is taken
        encoder.offer(frame(number / 10))
    assert (encoder.counts().offered, encoder.counts().dropped, encoder.counts().pending) == (30, 10, 20)
    encoder.start()
    encoder.stop()
    counts = encoder.counts()
    assert counts.offered == counts.processed + counts.dropped + counts.pending == 30
    assert gaps == [Gap(Stream.CAMERA, after(2.0), after(3.0), GapCause.DROPPED, 10)]
    store.close()


def test_all_that_a_microphone_keeps_while_the_machine_hangs_is_recorded(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = AudioEncoder(store, Stream.MICROPHONE, 16_000, 5, no_gap)
    for number in range(150 + 50):  # not started: the encoder is late by another five seconds
        encoder.offer(chunk(number / 10))
    encoder.start()
    encoder.stop()
    assert finished_segments(store)[-1].end == after(20)
    assert encoder.counts().dropped == 0
    store.close()


def test_a_full_quota_becomes_a_gap_and_recording_goes_on_when_there_is_room(tmp_path: Path) -> None:
    store = open_store(tmp_path, quota_bytes=1)
    (tmp_path / "spool" / "other.part").write_bytes(b"xx")
    gaps: list[Gap] = []
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 1, gaps.append)
    encoder.start()
    for number in range(15):
        offer_all(encoder, frame(number / 10))
    drained(encoder)
    (tmp_path / "spool" / "other.part").unlink()
    for number in range(20, 25):
        offer_all(encoder, frame(number / 10))
    encoder.stop()
    assert [(one.start, one.end) for one in finished_segments(store)] == [(after(2), after(2.5))]
    assert sum(gap.count for gap in gaps) == 15
    assert {gap.cause for gap in gaps} == {GapCause.DISK}
    assert (gaps[0].start, gaps[-1].end) == (after(0), after(2))
    store.close()


def test_a_segment_that_was_begun_is_finished_even_over_the_quota(tmp_path: Path) -> None:
    store = open_store(tmp_path, quota_bytes=1)
    record_video(store, 0.5)
    assert len(finished_segments(store)) == 1
    with pytest.raises(EvidenceError, match="takes all of its"):
        store.part_path(Stream.CAMERA)
    store.close()


def test_a_silent_source_does_not_hold_its_last_segment_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 0.2, no_gap)
    encoder.start()
    encoder.offer(frame(0))
    wait_until(lambda: len(finished_segments(store)) == 1)
    encoder.stop()
    store.close()


def test_stopping_twice_or_before_the_start_is_fine(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = AudioEncoder(store, Stream.MICROPHONE, 16_000, 5, no_gap)
    encoder.stop()
    encoder.stop()
    encoder.offer(chunk(0))
    assert encoder.counts().dropped == 1
    store.close()


def test_the_first_frame_after_a_clock_step_back_starts_a_new_segment(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 5, no_gap)
    encoder.start()
    encoder.offer(frame(10))
    encoder.offer(frame(3))
    encoder.stop()
    assert [one.start.mono_ns // NS_PER_S for one in finished_segments(store)] == [1010, 1003]
    store.close()


def test_a_long_loss_is_told_soon_and_then_once_a_minute(tmp_path: Path) -> None:
    store = open_store(tmp_path, quota_bytes=0)
    gaps: list[Gap] = []
    encoder = VideoEncoder(store, Stream.CAMERA, 1, 5, gaps.append)
    encoder.start()
    for number in range(130):
        offer_all(encoder, frame(number))
    encoder.stop()
    assert (gaps[0].start, gaps[0].end) == (after(0), after(5))
    assert len(gaps) == 4
    assert [one.end for one in gaps[:-1]] == [one.start for one in gaps[1:]]
    assert gaps[-1].end == after(130)
    assert sum(gap.count for gap in gaps) == 130
    store.close()


def test_a_segment_that_the_store_cannot_take_stays_on_disk_for_the_next_start(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 5, no_gap)
    encoder.start()
    for number in range(5):
        offer_all(encoder, frame(number / 10))
    drained(encoder)
    store.close()
    encoder.stop()
    store = open_store(tmp_path)
    assert [(one.start, one.end, one.frames) for one in finished_segments(store)] == [(after(0), after(0.5), 5)]
    store.close()


def test_a_gap_that_cannot_be_told_does_not_stop_the_encoder(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    def refuse(gap: Gap) -> None:
        raise EvidenceError("no room")

    encoder = VideoEncoder(store, Stream.CAMERA, 1, 5, refuse)
    for number in range(10):
        encoder.offer(frame(number))
    encoder.start()
    encoder.stop()
    assert len(finished_segments(store)) == 1
    store.close()


def test_a_spool_that_vanished_costs_a_gap_and_recording_goes_on_when_it_is_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    (tmp_path / "spool").rename(tmp_path / "elsewhere")
    gaps: list[Gap] = []
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 1, gaps.append)
    encoder.start()
    for number in range(5):
        offer_all(encoder, frame(number / 10))
    drained(encoder)
    (tmp_path / "elsewhere").rename(tmp_path / "spool")
    for number in range(10, 15):
        offer_all(encoder, frame(number / 10))
    encoder.stop()
    assert gaps == [Gap(Stream.CAMERA, after(0), after(1), GapCause.DISK, 5)]
    assert [one.start for one in finished_segments(store)] == [after(1)]
    store.close()
