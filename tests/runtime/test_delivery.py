"""Delivery while an exam runs and after it: what is told, what is waited for, and that it ends when told to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.core.types import Json
from app.runtime.clock import SystemClock
from app.runtime.delivery import Delivery, Submission
from app.transport.proctorai import ProctorAiBackend
from app.transport.uploader import UploadProgress
from tests.fakes.backend_server import RunningBackend, free_port, until
from tests.fakes.scripted_server import Answer, ScriptedServer
from tests.fakes.upload_queue import MemoryQueue

TOKEN = "token"
ATTEMPT: dict[str, Json] = {"attemptId": "att_00000001", "candidate": {"id": "c", "name": "C"}}
REGISTERED = Answer(200, {"attemptId": "att_00000001", "attemptNumber": 1})


@dataclass
class Heard:
    """A DeliveryListener that writes down what it was told."""

    network: list[tuple[bool, str]] = field(default_factory=list)
    answers: list[Mapping[str, Json]] = field(default_factory=list)
    progress: list[UploadProgress] = field(default_factory=list)

    def upload_progressed(self, progress: UploadProgress) -> None:
        self.progress.append(progress)

    def network_changed(self, online: bool, sentence: str) -> None:
        self.network.append((online, sentence))

    def submitted(self, answer: Mapping[str, Json]) -> None:
        self.answers.append(answer)


@contextmanager
def delivering(
    queue: MemoryQueue, url: str, token: str = TOKEN, exam_id: str = "exam"
) -> Iterator[tuple[Delivery, Heard]]:
    """Looks for the server every few milliseconds; all other pauses are as long as they can be."""
    heard = Heard()
    backend = ProctorAiBackend(url, token, timeout_s=20, attempt_id="att_00000001")
    delivery = Delivery(
        exam_id, "c", ATTEMPT, queue, backend, SystemClock(), lambda: 1.0, heard, look_s=0.02, look_again_s=0.02
    )
    delivery.start()
    try:
        yield delivery, heard
    finally:
        delivery.stop()


def one_file(folder: Path) -> MemoryQueue:
    queue = MemoryQueue()
    path = folder / "segment.webm"
    path.write_bytes(b"a recording")
    queue.add(path)
    return queue


def submission() -> Submission:
    return Submission({"stats": {"userId": "c"}, "warnings": [], "userId": "c"}, {})


def test_a_server_that_was_down_all_along_gets_everything_within_moments_of_coming_up(tmp_path: Path) -> None:
    port = free_port()
    with RunningBackend(tmp_path / "data", port=port) as before:
        exam_id = before.new_exam()
        token = before.new_token(exam_id)
    queue = one_file(tmp_path)
    with delivering(queue, f"http://127.0.0.1:{port}", token, exam_id) as (delivery, heard):
        delivery.submit(submission())
        until(lambda: bool(heard.network))
        assert not heard.network[0][0]
        assert "can't be reached" in heard.network[0][1]
        assert heard.answers == []
        with RunningBackend(tmp_path / "data", port=port) as server:
            until(lambda: bool(heard.answers))
            exam = server.ask("GET", f"/exams/{exam_id}").json()
    assert [online for online, _ in heard.network] == [False, True]
    assert len(queue.done) == 1
    assert exam["status"] == "completed"


def test_a_server_that_goes_away_is_noticed_though_nothing_is_to_be_sent(tmp_path: Path) -> None:
    port = free_port()
    with RunningBackend(tmp_path / "data", port=port) as server:
        exam_id = server.new_exam()
        token = server.new_token(exam_id)
        running = delivering(MemoryQueue(), server.url, token, exam_id)
        _, heard = running.__enter__()
        until(lambda: bool(server.ask("GET", f"/exams/{exam_id}").json()["participants"]))
        assert heard.network == []
    try:
        until(lambda: bool(heard.network))
        with RunningBackend(tmp_path / "data", port=port):
            until(lambda: len(heard.network) == 2)
        assert [online for online, _ in heard.network][:2] == [False, True]
    finally:
        running.__exit__(None, None, None)


def test_a_server_that_asks_for_a_pause_is_left_alone_although_it_is_alive(tmp_path: Path) -> None:
    busy = Answer(503, {}, {"Retry-After": "600"})
    paths = {"/exams/exam/attempts": REGISTERED, "/recordings": busy, "/health": Answer()}
    with ScriptedServer(by_path=paths) as server, delivering(one_file(tmp_path), server.url) as (_, heard):
        until(lambda: bool(heard.network))
        looked = len(server.heard)
        until(lambda: len(server.heard) >= looked + 5)
    assert [online for online, _ in heard.network] == [False]
    assert [one.path for one in server.heard].count("/recordings") == 1


def test_the_report_waits_for_the_recordings_and_its_answer_is_handed_on(tmp_path: Path) -> None:
    queue = one_file(tmp_path)
    [job] = queue.waiting.values()
    paths = {
        "/exams/exam/attempts": REGISTERED,
        "/recordings": Answer(201, {"sha256": job.sha256}),
        "/exams/exam/submit": Answer(200, {"reportUrl": "https://report.example/1"}),
        "/health": Answer(),
    }
    with ScriptedServer(by_path=paths) as server, delivering(queue, server.url) as (delivery, heard):
        until(lambda: len(queue.done) == 1)
        assert heard.answers == []
        delivery.submit(submission())
        until(lambda: bool(heard.answers))
    assert heard.answers == [{"reportUrl": "https://report.example/1"}]
    sent = [one.path for one in server.heard if one.path != "/health"]
    assert sorted(sent[:2]) == ["/exams/exam/attempts", "/recordings"]
    assert sent[2:] == ["/exams/exam/submit"]


def test_a_server_that_refuses_the_announcement_gets_recordings_and_report_all_the_same(tmp_path: Path) -> None:
    queue = one_file(tmp_path)
    [job] = queue.waiting.values()
    paths = {
        "/exams/exam/attempts": Answer(422),
        "/recordings": Answer(201, {"sha256": job.sha256}),
        "/exams/exam/submit": Answer(200, {"success": True}),
        "/health": Answer(),
    }
    with ScriptedServer(by_path=paths) as server, delivering(queue, server.url) as (delivery, heard):
        delivery.submit(submission())
        until(lambda: bool(heard.answers))
    assert len(queue.done) == 1


def test_it_stops_at_once_while_the_server_hangs(tmp_path: Path) -> None:
    with ScriptedServer(Answer(hang=True)) as server, delivering(MemoryQueue(), server.url) as (_, heard):
        until(lambda: bool(server.heard))
    assert heard.answers == []
    assert heard.network == []
