"""The uploader: nothing is lost, nothing spins, and it stops when told to."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import EvidenceError
from app.core.ports import UploadJob
from app.core.types import Instant
from app.runtime.clock import SystemClock
from app.transport.proctorai import ProctorAiBackend
from app.transport.uploader import Uploader, UploadProgress, UploadState
from tests.fakes.backend_server import RunningBackend, free_port, until
from tests.fakes.scripted_server import Answer, ScriptedServer
from tests.fakes.upload_queue import MemoryQueue

TOKEN = "token"


class Run:
    """An uploader with what it said."""

    def __init__(self, queue: MemoryQueue, url: str, token: str = TOKEN, exam_id: str = "exam") -> None:
        self.queue = queue
        self.said: list[UploadProgress] = []
        self.backend = ProctorAiBackend(url, token, timeout_s=20)
        self.uploader = Uploader(queue, self.backend, SystemClock(), exam_id, "u", lambda: 0.0, self.said.append)

    def states(self) -> set[UploadState]:
        return {one.state for one in self.said}


@contextmanager
def running(queue: MemoryQueue, url: str, token: str = TOKEN, exam_id: str = "exam") -> Iterator[Run]:
    run = Run(queue, url, token, exam_id)
    run.uploader.start()
    try:
        yield run
    finally:
        run.uploader.stop()
    assert not [one for one in threading.enumerate() if one.name == "uploader"]


def filled(tmp_path: Path, count: int, size_bytes: int = 20_000) -> MemoryQueue:
    queue = MemoryQueue()
    for number in range(count):
        path = tmp_path / f"{number}.webm"
        path.write_bytes(bytes([number]) * size_bytes)
        queue.add(path)
    return queue


def receipts(queue: MemoryQueue) -> list[Answer]:
    return [Answer(201, {"sha256": job.sha256}) for job in queue.waiting.values()]


def test_everything_in_the_queue_is_delivered_and_counted(tmp_path: Path) -> None:
    queue = filled(tmp_path, 3)
    with RunningBackend(tmp_path / "data") as server:
        exam_id = server.new_exam()
        with running(queue, server.url, server.new_token(exam_id), exam_id) as run:
            assert run.uploader.wait_until_empty(10)
            until(lambda: run.said[-1].state is UploadState.IDLE)
    last = run.said[-1]
    assert (last.files_done, last.files_left, last.bytes_done, last.bytes_left) == (3, 0, 60_000, 0)
    assert all(path.exists() for path in tmp_path.glob("*.webm"))


def test_a_backend_that_comes_up_later_gets_everything(tmp_path: Path) -> None:
    queue = filled(tmp_path, 2)
    port = free_port()
    with RunningBackend(tmp_path / "data", port=port) as before:
        exam_id = before.new_exam()
        token = before.new_token(exam_id)
    with running(queue, f"http://127.0.0.1:{port}", token, exam_id) as run:
        until(lambda: UploadState.WAITING in run.states())
        waiting = next(one for one in run.said if one.state is UploadState.WAITING)
        assert "can't be reached" in waiting.sentence
        assert waiting.next_try_s is not None
        assert not run.uploader.wait_until_empty(0)
        with RunningBackend(tmp_path / "data", port=port):
            run.uploader.retry_now()
            assert run.uploader.wait_until_empty(20)
    assert len(queue.done) == 2


def test_new_work_is_begun_at_a_nudge(tmp_path: Path) -> None:
    queue = filled(tmp_path, 0)
    (tmp_path / "new.webm").write_bytes(b"new")
    server = ScriptedServer(Answer())
    with server, running(queue, server.url) as run:
        until(lambda: UploadState.IDLE in run.states())
        job = queue.add(tmp_path / "new.webm")
        server.answers[:] = [Answer(201, {"sha256": job.sha256})]
        run.uploader.nudge()
        assert run.uploader.wait_until_empty(10)


def test_errors_of_the_server_are_survived_and_its_wish_is_honoured(tmp_path: Path) -> None:
    queue = filled(tmp_path, 1)
    ill = [Answer(500), Answer(429, headers={"Retry-After": "1"}), Answer(cut=True)]
    with ScriptedServer(*ill, *receipts(queue)) as server, running(queue, server.url) as run:
        until(lambda: any((one.next_try_s or 0) > 0.5 for one in run.said))
        assert run.uploader.wait_until_empty(20)
    assert len(server.heard) == 4
    assert len(queue.errors) == 3


def test_a_wrong_hash_is_no_receipt(tmp_path: Path) -> None:
    queue = filled(tmp_path, 1)
    with (
        ScriptedServer(Answer(201, {"sha256": "0" * 64}), *receipts(queue)) as server,
        running(queue, server.url) as run,
    ):
        assert run.uploader.wait_until_empty(10)
    assert len(server.heard) == 2


def test_a_file_that_the_server_refuses_is_kept_and_reported_and_the_others_go_on(tmp_path: Path) -> None:
    queue = filled(tmp_path, 2)
    first, second = queue.waiting.values()
    too_big = Answer(400, {"error": {"code": "invalid_request", "message": "no", "details": []}})
    with ScriptedServer(too_big, Answer(201, {"sha256": second.sha256})) as server, running(queue, server.url) as run:
        assert run.uploader.wait_until_empty(10)
        until(lambda: bool(run.said) and run.said[-1].refused_files == 1 and run.said[-1].state is UploadState.IDLE)
        assert "kept" in run.said[-1].sentence
        assert set(run.uploader.refused()) == {first.id}
    assert [job.id for job in queue.done] == [second.id]
    assert first.path.exists()


def test_files_refused_before_a_restart_are_not_waited_for(tmp_path: Path) -> None:
    queue = filled(tmp_path, 1)
    with ScriptedServer(Answer(400)) as server:
        with running(queue, server.url) as run:
            assert run.uploader.wait_until_empty(10)
        with running(queue, server.url) as again:
            assert again.uploader.wait_until_empty(10)
    assert len(server.heard) == 1
    assert len(queue.waiting) == 1


def test_a_file_that_is_gone_does_not_hold_up_the_others(tmp_path: Path) -> None:
    queue = filled(tmp_path, 2)
    gone, there = queue.waiting.values()
    gone.path.unlink()
    with ScriptedServer(Answer(201, {"sha256": there.sha256})) as server, running(queue, server.url) as run:
        assert run.uploader.wait_until_empty(10)
    assert [job.id for job in queue.done] == [there.id]


def test_one_poisonous_file_does_not_hold_up_the_others(tmp_path: Path) -> None:
    queue = filled(tmp_path, 2)
    _, healthy = queue.waiting.values()
    answers = [Answer(500), Answer(201, {"sha256": healthy.sha256}), Answer(500)]
    with ScriptedServer(*answers) as server, running(queue, server.url):
        until(lambda: bool(queue.done))
    assert queue.done == [healthy]


def test_it_stops_in_the_middle_of_a_transfer(tmp_path: Path) -> None:
    queue = filled(tmp_path, 1)
    with ScriptedServer(Answer(hang=True)) as server, running(queue, server.url):
        until(lambda: bool(server.heard))
    assert len(queue.waiting) == 1
    assert not queue.errors


def test_it_stops_while_it_waits_for_a_server_that_is_down(tmp_path: Path) -> None:
    queue = filled(tmp_path, 1)
    with running(queue, f"http://127.0.0.1:{free_port()}") as run:
        until(lambda: UploadState.WAITING in run.states())
    run.uploader.stop()


def test_it_may_be_stopped_without_having_been_started(tmp_path: Path) -> None:
    Run(filled(tmp_path, 0), "http://127.0.0.1:1").uploader.stop()


def test_progress_grows_while_a_large_file_is_sent(tmp_path: Path) -> None:
    queue = MemoryQueue()
    large = tmp_path / "large.webm"
    large.write_bytes(os.urandom(1_000_000))
    job = queue.add(large)
    said: list[UploadProgress] = []

    class SteppingClock(SystemClock):
        """A second passes at every look, so that nothing is left unsaid."""

        steps = 0

        def now(self) -> Instant:
            self.steps += 1
            now = super().now()
            return now.at(now.mono_ns + self.steps * 10**9)

    with ScriptedServer(Answer(201, {"sha256": job.sha256})) as server:
        backend = ProctorAiBackend(server.url, TOKEN)
        uploader = Uploader(queue, backend, SteppingClock(), "exam", "u", lambda: 0.0, said.append)
        uploader.start()
        until(lambda: bool(queue.done))
        uploader.stop()
    sent = [one.bytes_done for one in said if one.state is UploadState.UPLOADING]
    assert sent == sorted(sent)
    assert len(set(sent)) > 5
    assert all(one.bytes_done + one.bytes_left == 1_000_000 for one in said)


def test_a_queue_that_fails_for_a_while_does_not_end_the_uploader(tmp_path: Path) -> None:
    class FailingOnce(MemoryQueue):
        failed = False

        def next_job(self, now_utc_ns: int) -> UploadJob | None:
            if not self.failed:
                self.failed = True
                raise EvidenceError("The disk is full; make room.")
            return super().next_job(now_utc_ns)

    queue = FailingOnce()
    (tmp_path / "a.webm").write_bytes(b"a")
    queue.add(tmp_path / "a.webm")
    with ScriptedServer(*receipts(queue)) as server, running(queue, server.url) as run:
        assert run.uploader.wait_until_empty(10)
    assert queue.failed
