"""The store's promises: durable, chained, uploaded by policy, deleted only when the server has it."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import EvidenceError
from app.core.manifest import gap_from_body, verify_chain
from app.core.ports import UploadQueue
from app.core.types import EntryKind, Gap, GapCause, Segment, Stream
from app.evidence.attempt_key import AttemptKey
from app.evidence.seal import signature_ok
from app.evidence.store import SqliteEvidenceStore
from tests.fakes.evidence import after, finished_segments, kinds, open_store, record_video

LATER_NS = after(100_000).utc_ns


def add_segment(
    store: SqliteEvidenceStore,
    start_s: float,
    end_s: float,
    content: bytes = b"",
    *,
    stream: Stream = Stream.CAMERA,
) -> Segment:
    """A finished segment with any content: the store does not look inside."""
    part = store.part_path(stream)
    part.write_bytes(content or f"{stream} from {start_s}".encode())
    return store.finish_segment(part, stream, after(start_s), after(end_s), "video/webm", 10)


def add_snapshot(store: SqliteEvidenceStore, at_s: float, data: bytes = b"jpeg") -> str:
    return store.add_file(EntryKind.SNAPSHOT, Stream.CAMERA, data, ".jpg", "image/jpeg", after(at_s), {"violation": 1})


def uploads(store: UploadQueue) -> list[str]:
    """What is offered for upload, in order, each acknowledged."""
    found = []
    while (job := store.next_job(LATER_NS)) is not None:
        found.append(f"{job.kind} {job.path.name[:8]}")
        assert store.job_done(job.id, job.sha256)
    return found


def test_a_segment_is_named_by_its_hash_and_chained(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    segment = add_segment(store, 0, 5, b"film")
    path = store.path_of(segment.sha256)
    assert path == tmp_path / "files" / f"{segment.sha256}.webm"
    assert path.read_bytes() == b"film"
    (entry,) = store.entries()
    assert entry.kind is EntryKind.SEGMENT
    assert entry.body["sha256"] == segment.sha256
    assert list((tmp_path / "spool").iterdir()) == []
    store.close()


def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.append(EntryKind.EVENT, {"event": "begun"}, after(0))
    segment = add_segment(store, 0, 5)
    store.set_meta("phase", "running")
    before = list(store.entries())
    store.close()
    store = open_store(tmp_path)
    assert list(store.entries()) == before
    assert finished_segments(store) == [segment]
    assert store.get_meta("phase") == "running"
    assert store.get_meta("unknown") is None
    store.append(EntryKind.EVENT, {"event": "again"}, after(9))
    assert verify_chain(store.entries()).ok
    store.close()


def test_in_clips_mode_only_kept_spans_are_uploaded_those_to_come_included(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add_segment(store, 0, 5)
    touched = add_segment(store, 5, 10)
    store.keep(after(8).utc_ns, after(12).utc_ns)
    to_come = add_segment(store, 10, 15)
    add_segment(store, 15, 20)
    assert uploads(store) == [f"segment {touched.sha256[:8]}", f"segment {to_come.sha256[:8]}"]
    store.close()


def test_in_continuous_mode_every_segment_is_uploaded_and_none_discarded(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    add_segment(store, 0, 5)
    add_segment(store, 5, 10)
    assert store.discard_unkept(LATER_NS) == 0
    assert len(uploads(store)) == 2
    store.close()


def test_keeping_a_span_twice_uploads_once(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add_segment(store, 0, 5)
    store.keep(after(1).utc_ns, after(2).utc_ns)
    store.keep(after(1).utc_ns, after(3).utc_ns)
    assert len(uploads(store)) == 1
    store.close()


def test_discarding_deletes_the_file_and_says_in_the_chain_what_and_why(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    dropped = add_segment(store, 0, 5)
    kept = add_segment(store, 5, 10)
    young = add_segment(store, 10, 15)
    store.keep(after(6).utc_ns, after(7).utc_ns)
    assert store.discard_unkept(after(12).utc_ns) == 1
    assert store.path_of(dropped.sha256) is None
    assert finished_segments(store) == [kept, young]
    *_, entry = store.entries()
    assert entry.kind is EntryKind.DISCARD
    assert (entry.body["sha256"], entry.body["reason"]) == (dropped.sha256, "not needed by policy")
    assert store.discard_unkept(after(12).utc_ns) == 0
    store.close()


def test_the_segments_of_a_span_are_those_that_overlap_it_and_are_still_here(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    first, second, third = (add_segment(store, start, start + 5) for start in (0, 5, 10))
    span = after(5).utc_ns, after(12).utc_ns
    assert [segment for segment, _ in store.segments_during(Stream.CAMERA, *span)] == [second, third]
    assert store.segments_during(Stream.SCREEN, *span) == []
    gone = store.path_of(third.sha256)
    assert gone is not None
    gone.unlink()
    assert store.segments_during(Stream.CAMERA, 0, after(12).utc_ns) == [
        (segment, store.path_of(segment.sha256)) for segment in (first, second)
    ]
    store.close()


def test_a_file_that_another_segment_shares_survives_the_discarding(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add_segment(store, 0, 5, b"black")
    same = add_segment(store, 5, 10, b"black")
    assert store.discard_unkept(after(6).utc_ns) == 1
    assert store.path_of(same.sha256) is not None
    store.close()


def test_uploads_come_in_order_of_urgency(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    add_segment(store, 0, 5)
    add_snapshot(store, 1)
    store.add_file(EntryKind.CLIP, Stream.CAMERA, b"clip", ".webm", "video/webm", after(2), {})
    store.add_document("report", b"{}", ".json", "application/json", after(3))
    assert [line.split()[0] for line in uploads(store)] == ["report", "snapshot", "clip", "segment"]
    store.close()


def test_a_job_is_done_only_by_our_hash(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    segment = add_segment(store, 0, 5)
    job = store.next_job(LATER_NS)
    assert job is not None
    assert not store.job_done(job.id, "0" * 64)
    assert store.next_job(LATER_NS) == job
    assert store.job_done(job.id, segment.sha256.upper())
    assert store.next_job(LATER_NS) is None
    store.close()


def test_a_failed_job_waits_for_its_time(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    add_segment(store, 0, 5)
    job = store.next_job(0)
    assert job is not None
    store.job_failed(job.id, "no network", 500)
    assert store.next_job(499) is None
    again = store.next_job(500)
    assert again is not None
    assert again.tries == 1
    store.close()


def test_a_file_that_vanished_is_not_offered_and_does_not_block_the_others(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    vanished = add_segment(store, 0, 5)
    there = add_segment(store, 5, 10)
    (tmp_path / "files" / f"{vanished.sha256}.webm").unlink()
    assert uploads(store) == [f"segment {there.sha256[:8]}"]
    assert (store.totals().pending_files, store.totals().done_files) == (0, 1)
    assert store.path_of(vanished.sha256) is None
    store.close()


def test_totals_count_what_waits_and_what_was_acknowledged(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    add_segment(store, 0, 5, b"12345")
    add_segment(store, 5, 10, b"123")
    job = store.next_job(0)
    assert job is not None
    store.job_done(job.id, job.sha256)
    totals = store.totals()
    assert (totals.pending_files, totals.pending_bytes, totals.done_files, totals.done_bytes) == (1, 3, 1, 5)
    store.close()


def test_local_copies_go_only_after_the_server_acknowledged_them(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    segment = add_segment(store, 0, 5)
    waiting = add_segment(store, 5, 10)
    store.keep(after(0).utc_ns, after(20).utc_ns)
    job = store.next_job(0)
    assert job is not None
    store.job_done(job.id, job.sha256)
    assert store.path_of(segment.sha256) is not None, "clips may still need it"
    assert store.drop_delivered() == 1
    assert store.path_of(segment.sha256) is None
    assert store.path_of(waiting.sha256) is not None
    assert kinds(store) == [EntryKind.SEGMENT, EntryKind.SEGMENT]
    store.close()


def test_once_sealed_a_delivered_segment_is_deleted_at_once(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    segment = add_segment(store, 0, 5)
    snapshot = add_snapshot(store, 1)
    store.seal(Ed25519PrivateKey.generate())
    uploads(store)
    assert store.path_of(segment.sha256) is None
    assert store.path_of(snapshot) is not None
    assert store.drop_delivered() == 1
    store.close()


def test_the_policy_can_keep_local_copies(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True, keep_after_upload=True)
    segment = add_segment(store, 0, 5)
    uploads(store)
    assert store.drop_delivered() == 0
    assert store.path_of(segment.sha256) is not None
    store.close()


def test_delivered_segments_make_room_when_the_quota_is_used_up(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True, quota_bytes=100)
    segment = add_segment(store, 0, 5, b"x" * 100)
    with pytest.raises(EvidenceError, match="takes all of its"):
        store.part_path(Stream.CAMERA)
    uploads(store)
    store.part_path(Stream.CAMERA)
    assert store.path_of(segment.sha256) is None
    store.close()


def test_a_snapshot_carries_what_it_shows(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    sha256 = add_snapshot(store, 1, b"picture")
    (entry,) = store.entries()
    assert entry.kind is EntryKind.SNAPSHOT
    assert entry.body == {
        "violation": 1,
        "stream": "camera",
        "sha256": sha256,
        "size_bytes": 7,
        "mime": "image/jpeg",
    }
    path = store.path_of(sha256)
    assert path is not None
    assert path.name == f"{sha256}.jpg"
    store.close()


def test_gaps_and_violations_are_entries(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    gap = Gap(Stream.MICROPHONE, after(1), after(2), GapCause.DEVICE_LOST, 20)
    entry = store.add_gap(gap)
    assert gap_from_body(entry.body) == gap
    store.append(EntryKind.VIOLATION, {"code": 5001}, after(3))
    assert [one.body["code"] for one in store.violations()] == [5001]
    store.close()


def test_sealing_ends_the_chain_with_a_valid_signature(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    record_video(store, 1)
    key = AttemptKey.load_or_create(tmp_path)
    seal = store.seal(key.private_key)
    *_, last = store.entries()
    assert last.kind is EntryKind.SEAL
    assert (seal.head, seal.public_key) == (last.hash, key.public_key_hex)
    assert last.body["kinds"] == {"segment": 1}
    assert last.body["streams"] == {"camera": {"segment": 1}}
    assert signature_ok(seal)
    assert verify_chain(store.entries(), seal.head).ok
    store.close()


def test_sealing_twice_gives_the_first_seal(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add_segment(store, 0, 5)
    first = store.seal(Ed25519PrivateKey.generate())
    (tmp_path / "seal.json").unlink()
    assert store.seal(Ed25519PrivateKey.generate()) == first
    assert (tmp_path / "seal.json").exists()
    store.close()


def test_a_kill_between_seal_and_its_files_is_made_good_at_the_next_start(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    add_segment(store, 0, 5)
    seal = store.seal(Ed25519PrivateKey.generate())
    store.close()
    (tmp_path / "seal.json").unlink()
    (tmp_path / "manifest.jsonl").unlink()
    store = open_store(tmp_path)
    assert store.seal_of() == seal
    assert (tmp_path / "seal.json").exists()
    assert (tmp_path / "manifest.jsonl").exists()
    store.close()


def test_nothing_is_added_after_the_seal_but_uploads_go_on(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    add_segment(store, 0, 5)
    store.seal(Ed25519PrivateKey.generate())
    before = list(store.entries())
    with pytest.raises(EvidenceError, match="sealed"):
        store.append(EntryKind.EVENT, {}, after(9))
    with pytest.raises(EvidenceError, match="sealed"):
        store.part_path(Stream.CAMERA)
    with pytest.raises(EvidenceError, match="sealed"):
        add_snapshot(store, 9)
    assert len(uploads(store)) == 1
    assert list(store.entries()) == before
    store.close()
    store = open_store(tmp_path)
    assert list(store.entries()) == before
    store.close()


def test_an_empty_attempt_cannot_be_sealed_without_a_time(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(EvidenceError, match="no evidence"):
        store.seal(Ed25519PrivateKey.generate())
    assert store.seal(Ed25519PrivateKey.generate(), after(1)).head
    store.close()


def test_the_key_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    key = AttemptKey.load_or_create(tmp_path)
    assert AttemptKey.load_or_create(tmp_path).public_key_hex == key.public_key_hex
    assert stat.S_IMODE((tmp_path / "attempt.key").stat().st_mode) == 0o600


def test_a_damaged_key_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "attempt.key").write_text("not a key")
    with pytest.raises(EvidenceError, match=r"damaged; start the attempt again"):
        AttemptKey.load_or_create(tmp_path)


def test_a_body_that_cannot_be_canonical_leaves_the_chain_as_it_was(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.append(EntryKind.EVENT, {"n": 1}, after(0))
    with pytest.raises(EvidenceError, match="can't be written down"):
        store.append(EntryKind.EVENT, {"n": 2**60}, after(1))
    store.append(EntryKind.EVENT, {"n": 3}, after(2))
    assert [entry.seq for entry in store.entries()] == [1, 2]
    store.close()


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(EvidenceError, match="newer Invigil"):
        open_store(tmp_path)


def test_a_damaged_journal_is_refused_in_a_sentence(tmp_path: Path) -> None:
    tmp_path.joinpath("journal.sqlite").write_bytes(b"no database at all, but long enough to look at" * 50)
    with pytest.raises(EvidenceError, match="can't be opened"):
        open_store(tmp_path)


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.close()
    store.close()
    with pytest.raises(EvidenceError, match="not open"):
        store.append(EntryKind.EVENT, {}, after(0))


def test_an_empty_or_missing_recording_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    part = store.part_path(Stream.CAMERA)
    with pytest.raises(EvidenceError, match="can't be stored"):
        store.finish_segment(part, Stream.CAMERA, after(0), after(1), "video/webm", 1)
    part.touch()
    with pytest.raises(EvidenceError, match="empty"):
        store.finish_segment(part, Stream.CAMERA, after(0), after(1), "video/webm", 1)
    assert kinds(store) == []
    store.close()


def test_many_threads_write_one_whole_chain(tmp_path: Path) -> None:
    store = open_store(tmp_path, continuous=True)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(8):
                store.append(EntryKind.EVENT, {"thread": number, "step": step}, after(step))
                add_segment(store, step, step + 1, f"{number} {step}".encode())
                job = store.next_job(0)
                if job is not None:
                    store.job_done(job.id, job.sha256)
                store.totals()
        except EvidenceError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,), name=f"writer-{number}") for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    verdict = verify_chain(store.entries())
    assert (verdict.ok, verdict.entries) == (True, 80)
    totals = store.totals()
    assert totals.pending_files + totals.done_files == 40
    store.close()


@pytest.mark.parametrize("continuous", [False, True])
def test_what_is_not_to_be_uploaded_is_never_kept_whatever_happens_around_it(tmp_path: Path, continuous: bool) -> None:
    store = open_store(tmp_path, continuous=continuous, private=frozenset({Stream.CAMERA}))
    add_segment(store, 0, 5)
    store.keep(after(0).utc_ns, after(20).utc_ns)
    heard = add_segment(store, 0, 5, stream=Stream.MICROPHONE)
    add_segment(store, 5, 10)
    assert uploads(store) == [f"segment {heard.sha256[:8]}"]
    assert store.discard_unkept(LATER_NS) == 2
    assert [one.stream for one in finished_segments(store)] == [Stream.MICROPHONE]
    store.close()
