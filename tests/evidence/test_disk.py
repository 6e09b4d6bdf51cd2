"""Full and read-only disks: a sentence, a recorded gap, and nothing lost that was captured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import EvidenceError
from app.core.manifest import gap_from_body
from app.core.types import EntryKind, Gap, GapCause, Stream
from app.evidence.encode import VideoEncoder
from app.evidence.store import SqliteEvidenceStore
from app.evidence.verify import verify
from tests.fakes.evidence import after, drained, finished_segments, frame, kinds, offer_all, open_store, record_video

ROOT = Path(__file__).parents[2]

SMALL_FILES_CHILD = """
import resource, signal, sys
from pathlib import Path
from app.core.errors import EvidenceError
from app.core.types import Stream
from app.evidence.encode import VideoEncoder
from app.evidence.verify import verify
from tests.fakes.evidence import drained, finished_segments, frame, noise, offer_all, open_store

store = open_store(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
gaps = []
encoder = VideoEncoder(store, Stream.CAMERA, 10, 2, gaps.append)
encoder.start()
for number in range(20):
    offer_all(encoder, frame(number / 10))
drained(encoder)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))
for number in range(20, 60):
    offer_all(encoder, noise(number / 10))
encoder.stop()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for gap in gaps:
    store.add_gap(gap)
store.close()
print(len(gaps), {gap.cause.value for gap in gaps}, verify(Path(sys.argv[1])).problems)
"""


class Disk:
    """A small file system of its own, which can be filled and emptied."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        try:
            with (self.path / "ballast").open("ab", buffering=0) as file:
                while True:
                    file.write(b"\0" * 4096)
        except OSError:
            return

    def free(self) -> None:
        (self.path / "ballast").unlink()


def append_forever(store: SqliteEvidenceStore) -> None:
    while True:
        store.append(EntryKind.EVENT, {"detail": "x" * 3000}, after(1))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield Disk(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def test_a_disk_that_is_full_at_a_segments_start_costs_a_gap_and_recording_goes_on(disk: Disk) -> None:
    store = open_store(disk.path)
    gaps: list[Gap] = []
    encoder = VideoEncoder(store, Stream.CAMERA, 10, 1, gaps.append)
    encoder.start()

    def film(begin: int, end: int) -> None:
        for number in range(begin, end):
            offer_all(encoder, frame(number / 10))
        drained(encoder)

    film(0, 10)
    disk.fill()
    film(10, 30)
    disk.free()
    film(40, 45)
    encoder.stop()
    segments = finished_segments(store)
    assert segments[0].start == after(0)
    assert segments[-1].end == after(4.5)
    assert {gap.cause for gap in gaps} == {GapCause.DISK}
    assert gaps[-1].end == after(4)
    for gap in gaps:
        store.add_gap(gap)
    store.close()
    assert verify(disk.path).ok


def test_the_reserve_keeps_the_journal_writable_on_a_full_disk(disk: Disk) -> None:
    store = open_store(disk.path)
    record_video(store, 1)
    disk.fill()
    for number in range(200):
        store.append(EntryKind.VIOLATION, {"code": 5001, "detail": "x" * 500, "number": number}, after(number))
    store.add_gap(Gap(Stream.CAMERA, after(1), after(9), GapCause.DISK))
    store.close()
    assert verify(disk.path).entries == 202


def test_when_even_the_reserve_is_used_up_a_gap_is_journalled_as_soon_as_there_is_room(disk: Disk) -> None:
    store = open_store(disk.path)
    store.append(EntryKind.EVENT, {"event": "begun"}, after(0))
    disk.fill()
    (disk.path / "reserve").unlink()
    disk.fill()
    gap = Gap(Stream.CAMERA, after(1), after(9), GapCause.DISK, 80)
    with pytest.raises(EvidenceError, match=r"check the disk's space"):
        append_forever(store)
    with pytest.raises(EvidenceError, match=r"check the disk's space"):
        store.add_gap(gap)
    with pytest.raises(EvidenceError, match=r"check the disk's space"):
        store.add_file(EntryKind.SNAPSHOT, Stream.CAMERA, b"x" * 9000, ".jpg", "image/jpeg", after(2), {})
    disk.free()
    store.append(EntryKind.EVENT, {"event": "room"}, after(10))
    *_, owed, last = store.entries()
    assert gap_from_body(owed.body) == gap
    assert last.body == {"event": "room"}
    store.close()
    assert verify(disk.path).ok


def test_a_part_that_could_not_be_stored_on_a_full_disk_is_in_the_seal(disk: Disk) -> None:
    store = open_store(disk.path)
    record_video(store, 1)
    (segment,) = finished_segments(store)
    path = store.path_of(segment.sha256)
    assert path is not None
    (disk.path / "spool" / "camera-0-9.part").write_bytes(path.read_bytes()[:-200])
    seal = store.seal(Ed25519PrivateKey.generate())
    assert kinds(store) == [EntryKind.SEGMENT, EntryKind.SEGMENT, EntryKind.SEAL]
    assert verify(disk.path, seal.public_key).ok
    store.close()


def test_a_read_only_disk_is_told_in_a_sentence(disk: Disk) -> None:
    open_store(disk.path).close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk.path)], check=True)
    with pytest.raises(EvidenceError, match=r"can't be written to .* free space there or choose another folder"):
        open_store(disk.path)


def test_a_place_that_is_no_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqliteEvidenceStore(tmp_path / "file" / "evidence", mode="clips", quota_bytes=1, keep_after_upload=False)
    with pytest.raises(EvidenceError, match="choose another folder"):
        store.open(after(0))


def test_a_write_that_fails_in_the_middle_of_a_segment_keeps_what_reached_the_disk(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", SMALL_FILES_CHILD, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert child.stdout.split(maxsplit=1)[1] == "{'disk'} ()\n", child.stderr
    store = open_store(tmp_path)
    segments = finished_segments(store)
    assert (segments[0].start, segments[0].end) == (after(0), after(2))
    gaps = [gap_from_body(entry.body) for entry in store.entries() if entry.kind is EntryKind.GAP]
    spans = [(one.start, one.end) for one in segments] + [(one.start, one.end) for one in gaps]
    covered = sum(end.mono_ns - start.mono_ns for start, end in spans)
    assert covered == after(6).mono_ns - after(0).mono_ns
    store.close()
