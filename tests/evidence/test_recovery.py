"""What a crash leaves behind is put in order at the next start, and nothing that was captured is lost silently."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest

from app.core.errors import EvidenceError
from app.core.types import NS_PER_S, EntryKind, GapCause, Instant, Stream
from app.evidence.media import open_writer, probe
from app.evidence.spool import sha256_of
from app.evidence.store import SqliteEvidenceStore
from app.evidence.verify import verify
from tests.fakes.evidence import (
    QUOTA_BYTES,
    after,
    finished_segments,
    frame,
    kinds,
    open_store,
    record_audio,
    record_video,
)

ROOT = Path(__file__).parents[2]

RECORDING_CHILD = """
import sys, threading
from pathlib import Path
from app.core.types import Stream
from app.evidence.encode import AudioEncoder, VideoEncoder
from tests.fakes.evidence import chunk, drained, frame, offer_all, open_store

store = open_store(Path(sys.argv[1]))
video = VideoEncoder(store, Stream.CAMERA, 10, 60, print)
audio = AudioEncoder(store, Stream.MICROPHONE, 16_000, 60, print)
video.start(), audio.start()
for number in range(50):
    offer_all(video, frame(number / 10))
    audio.offer(chunk(number / 10))
drained(video), drained(audio)
video.offer(frame(5)), audio.offer(chunk(5))
print("recording", flush=True)
threading.Event().wait()
"""


def reopen(root: Path) -> SqliteEvidenceStore:
    return SqliteEvidenceStore(root, mode="clips", quota_bytes=QUOTA_BYTES, keep_after_upload=False)


def run_and_kill(script: str, *arguments: str) -> None:
    """Runs the script in a process of its own until it says that it records, then kills it as a power cut would."""
    child = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "recording\n"
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def test_a_kill_in_the_middle_of_a_segment_costs_at_most_about_a_second(tmp_path: Path) -> None:
    run_and_kill(RECORDING_CHILD, str(tmp_path))
    store = reopen(tmp_path)
    report = store.open(after(3700))
    recovered = {segment.stream: segment for segment in report.recovered}
    assert set(recovered) == {Stream.CAMERA, Stream.MICROPHONE}
    for segment in recovered.values():
        assert segment.start == after(0)
        lost_ns = after(5).mono_ns - segment.end.mono_ns
        assert lost_ns <= 1.1 * NS_PER_S
    assert report.last_end[Stream.CAMERA] == recovered[Stream.CAMERA].end
    assert [entry.body.get("recovered") for entry in store.entries()] == [True, True]
    assert list((tmp_path / "spool").iterdir()) == []
    store.close()


def test_what_a_kill_left_of_a_private_stream_stays_private(tmp_path: Path) -> None:
    run_and_kill(RECORDING_CHILD, str(tmp_path))
    store = open_store(tmp_path, continuous=True, private=frozenset({Stream.CAMERA}))
    offered = []
    while (job := store.next_job(after(100_000).utc_ns)) is not None:
        offered.append(job.stream)
        assert store.job_done(job.id, job.sha256)
    assert offered == ["microphone"]
    store.close()


def test_recovered_media_plays_and_has_its_recorded_hash(tmp_path: Path) -> None:
    run_and_kill(RECORDING_CHILD, str(tmp_path))
    store = open_store(tmp_path)
    for segment in finished_segments(store):
        path = store.path_of(segment.sha256)
        assert path is not None
        assert sha256_of(path) == segment.sha256
        with av.open(str(path)) as container:
            assert container.duration is not None
            assert abs(container.duration * 1000 - (segment.end.mono_ns - segment.start.mono_ns)) < NS_PER_S // 50
            assert sum(1 for _ in container.decode(container.streams[0])) >= 40
    store.close()
    assert verify(tmp_path).ok


def test_a_recording_that_cannot_be_read_becomes_a_gap(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    record_video(store, 1)
    store.close()
    part = tmp_path / "spool" / "camera-1-1.part"
    part.write_bytes(b"this is no media")
    written = after(30)
    os.utime(part, ns=(written.utc_ns, written.utc_ns))
    store = reopen(tmp_path)
    report = store.open(after(60))
    (gap,) = report.gaps
    assert (gap.stream, gap.cause) == (Stream.CAMERA, GapCause.DAMAGED)
    assert (gap.start, gap.end) == (after(1), written)
    assert kinds(store) == [EntryKind.SEGMENT, EntryKind.GAP]
    assert not part.exists()
    store.close()


def test_after_a_reboot_the_gap_does_not_mix_two_monotonic_clocks(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    record_video(store, 1)
    store.close()
    (tmp_path / "spool" / "camera-1-1.part").write_bytes(b"")
    store = reopen(tmp_path)
    (gap,) = store.open(Instant(5, after(60).utc_ns, "another boot")).gaps
    assert gap.start.boot_id == gap.end.boot_id == "another boot"
    assert gap.start.mono_ns <= gap.end.mono_ns
    store.close()


def test_a_file_that_was_renamed_but_not_journalled_is_journalled(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    part = tmp_path / "film.webm"
    container = open_writer(part, Stream.CAMERA, after(7))
    stream = container.add_stream("libvpx-vp9", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for number in range(5):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame(number / 10).pixels, format="bgr24")))
    container.mux(stream.encode(None))
    container.close()
    store.close()
    sha256 = sha256_of(part)
    part.rename(tmp_path / "files" / f"{sha256}.webm")
    store = reopen(tmp_path)
    (segment,) = store.open(after(60)).recovered
    assert (segment.sha256, segment.start, segment.end, segment.frames) == (sha256, after(7), after(7.5), 5)
    store.close()
    assert verify(tmp_path).ok


def test_a_stray_file_that_is_no_evidence_is_removed(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    (tmp_path / "files" / ("0" * 64 + ".jpg")).write_bytes(b"half a snapshot")
    (tmp_path / "spool" / "file-1-1.part").write_bytes(b"half a snapshot")
    store = open_store(tmp_path)
    assert kinds(store) == []
    assert list((tmp_path / "files").iterdir()) == list((tmp_path / "spool").iterdir()) == []
    store.close()


def test_a_journalled_file_that_is_gone_becomes_a_gap_and_is_not_offered_for_upload(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    record_video(store, 2)
    first, second = finished_segments(store)
    store.close()
    (tmp_path / "files" / f"{first.sha256}.webm").unlink()
    store = reopen(tmp_path)
    (gap,) = store.open(after(60)).gaps
    assert (gap.stream, gap.start, gap.end, gap.cause, gap.count) == (
        Stream.CAMERA,
        first.start,
        first.end,
        GapCause.DAMAGED,
        10,
    )
    assert finished_segments(store) == [second]
    assert store.totals().pending_files == 1
    store.close()


def test_opening_again_changes_nothing_more(tmp_path: Path) -> None:
    run_and_kill(RECORDING_CHILD, str(tmp_path))
    store = open_store(tmp_path)
    entries = list(store.entries())
    store.close()
    store = reopen(tmp_path)
    report = store.open(after(3800))
    assert (report.recovered, report.gaps) == ((), ())
    assert list(store.entries()) == entries
    store.close()


def test_a_recovery_that_was_itself_killed_before_it_removed_the_part_does_not_record_it_twice(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    record_audio(store, 1)
    (segment,) = finished_segments(store)
    path = store.path_of(segment.sha256)
    assert path is not None
    whole = path.read_bytes()
    store.close()
    part = tmp_path / "spool" / "microphone-1-1.part"
    part.write_bytes(whole[: len(whole) * 2 // 3])
    half = open_store(tmp_path)
    recovered = finished_segments(half)[1]
    half.close()
    part.write_bytes(whole[: len(whole) * 2 // 3])
    again = open_store(tmp_path)
    assert finished_segments(again) == [segment, recovered]
    again.close()


def test_a_part_that_holds_only_a_header_becomes_a_gap(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    part = tmp_path / "spool" / "screen-1-1.part"
    container = open_writer(part, Stream.SCREEN, after(0))
    stream = container.add_stream("libvpx-vp9", rate=10)
    stream.width, stream.height = 64, 48
    container.start_encoding()
    container.close()
    assert probe(part) is None
    store = reopen(tmp_path)
    assert [gap.cause for gap in store.open(after(60)).gaps] == [GapCause.DAMAGED]
    store.close()


def test_two_clients_cannot_open_one_attempt(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(EvidenceError, match="in use by another Invigil"):
        open_store(tmp_path)
    store.close()
    open_store(tmp_path).close()
