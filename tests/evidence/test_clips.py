"""Clips: real segments put together again, playable, in time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest

from app.core.types import Stream
from app.evidence.clips import ClipSource, make_clip
from app.evidence.store import SqliteEvidenceStore
from tests.fakes.evidence import after, frame, open_store, record_audio, record_video


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[Stream, list[ClipSource]]:
    """Four seconds of camera and microphone in one-second segments."""
    store = open_store(tmp_path_factory.mktemp("evidence"))
    record_video(store, 4)
    record_audio(store, 4)
    found = {stream: sources(store, stream) for stream in (Stream.CAMERA, Stream.MICROPHONE)}
    store.close()
    return found


def sources(store: SqliteEvidenceStore, stream: Stream) -> list[ClipSource]:
    return [
        ClipSource(path, segment.start.utc_ns)
        for segment in store.segments(stream)
        if (path := store.path_of(segment.sha256)) is not None
    ]


def packet_times_ms(path: Path, kind: str) -> list[int]:
    with av.open(str(path)) as container:
        return [
            int((packet.pts or 0) * packet.time_base * 1000)
            for packet in container.demux()
            if packet.size and packet.stream.type == kind
        ]


def test_a_clip_holds_pictures_and_sound_of_the_segments_that_touch_the_span(
    recorded: dict[Stream, list[ClipSource]], tmp_path: Path
) -> None:
    out = tmp_path / "clip.webm"
    span = (after(1.2).utc_ns, after(2.95).utc_ns)
    assert make_clip(recorded[Stream.CAMERA], recorded[Stream.MICROPHONE], *span, out)
    pictures = packet_times_ms(out, "video")
    assert pictures == [number * 100 for number in range(20)], "from the key frame at 1.0 s to the end of the span"
    sound = packet_times_ms(out, "audio")
    assert sound == sorted(set(sound))
    assert (sound[0] < 40, 1930 <= sound[-1] <= 1950) == (True, True)
    assert all(later - earlier <= 45 for earlier, later in pairwise(sound))


def test_a_clip_can_be_decoded_to_its_end_and_shows_what_was_filmed(
    recorded: dict[Stream, list[ClipSource]], tmp_path: Path
) -> None:
    out = tmp_path / "clip.webm"
    make_clip(recorded[Stream.CAMERA], recorded[Stream.MICROPHONE], after(1).utc_ns, after(2.95).utc_ns, out)
    with av.open(str(out)) as container:
        assert [one.codec_context.name for one in container.streams] == ["vp9", "opus"]
        pictures = [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]
    for number, picture in enumerate(pictures):
        assert abs(picture.astype(int) - frame(1 + number / 10).pixels.astype(int)).mean() < 8
    with av.open(str(out)) as container:
        heard = sum(piece.samples for piece in container.decode(audio=0))
    assert abs(heard / 48_000 - 1.95) < 0.1


def test_a_clip_without_sound_and_one_without_pictures(
    recorded: dict[Stream, list[ClipSource]], tmp_path: Path
) -> None:
    span = (after(2.5).utc_ns, after(2.9).utc_ns)
    silent, dark = tmp_path / "silent.webm", tmp_path / "dark.webm"
    assert make_clip(recorded[Stream.CAMERA], [], *span, silent)
    assert make_clip([], recorded[Stream.MICROPHONE], *span, dark)
    assert len(packet_times_ms(silent, "video")) == 10
    assert packet_times_ms(silent, "audio") == packet_times_ms(dark, "video") == []
    assert len(packet_times_ms(dark, "audio")) >= 40


def test_a_span_that_nothing_covers_gives_no_clip_and_no_file(
    recorded: dict[Stream, list[ClipSource]], tmp_path: Path
) -> None:
    out = tmp_path / "clip.webm"
    assert not make_clip(recorded[Stream.CAMERA], [], after(50).utc_ns, after(60).utc_ns, out)
    assert not make_clip([], [], after(0).utc_ns, after(1).utc_ns, out)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_segment_leaves_a_hole_and_the_rest_in_its_time(
    recorded: dict[Stream, list[ClipSource]], tmp_path: Path
) -> None:
    out = tmp_path / "clip.webm"
    first, _, third, _ = recorded[Stream.CAMERA]
    assert make_clip([third, first], [], after(0).utc_ns, after(2.95).utc_ns, out)
    expected = [number * 100 for number in (*range(10), *range(20, 30))]
    assert packet_times_ms(out, "video") == expected


def test_a_segment_that_cannot_be_read_is_left_out(recorded: dict[Stream, list[ClipSource]], tmp_path: Path) -> None:
    broken = tmp_path / "broken.webm"
    broken.write_bytes(b"no media")
    out = tmp_path / "clip.webm"
    camera = [ClipSource(broken, after(0).utc_ns), *recorded[Stream.CAMERA][1:]]
    gone = [ClipSource(tmp_path / "gone.webm", after(0).utc_ns)]
    assert make_clip(camera, gone, after(0).utc_ns, after(1.5).utc_ns, out)
    assert packet_times_ms(out, "video") == [0, 100, 200, 300, 400, 500]


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(
    recorded: dict[Stream, list[ClipSource]], tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="No such file"):
        make_clip(recorded[Stream.CAMERA], [], after(0).utc_ns, after(1).utc_ns, tmp_path / "no" / "clip.webm")
    assert list(tmp_path.iterdir()) == []
