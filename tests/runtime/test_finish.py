"""The end of an attempt: clips, seal, report and submission, again and again the same; and the report from the folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.session import Event, EventName, Phase, State
from app.core.types import NS_PER_MS, NS_PER_S, EntryKind, Json
from app.evidence.media import probe
from app.evidence.verify import verify
from app.runtime.attempts import Attempt, open_attempt
from app.runtime.finish import finish_attempt, submission_of
from app.runtime.hand_in import HandIn
from app.runtime.report_command import read_weights, report_again
from app.runtime.session_facts import session_body
from app.runtime.status import StatusFile
from tests.fakes.evidence import after, record_audio, record_video
from tests.fakes.session import exam_policy
from tests.fakes.sources import ManualClock

POLICY = exam_policy()
CLOCK = ManualClock()


def violation(number: int, code: int, start_s: float, end_s: float, severity: float = 0.5) -> dict[str, Json]:
    return {
        "id": f"1-{number}", "session": 1, "number": number, "code": code, "name": "a violation",
        "start_utc_ms": after(start_s).utc_ns // NS_PER_MS, "end_utc_ms": after(end_s).utc_ns // NS_PER_MS,
        "severity": severity, "confidence": 1.0, "detail": "",
    }  # fmt: skip


@contextmanager
def attempt_in(folder: Path, policy: Policy = POLICY) -> Iterator[Attempt]:
    """Twelve seconds were recorded; somebody looked away, and came back to the window."""
    attempt = open_attempt(folder, policy, "kid", after(0))
    if attempt.fresh:
        attempt.store.append(EntryKind.SESSION, session_body(policy, 1, [], (), {}), after(0))
        attempt.store.keep(after(0).utc_ns, after(12).utc_ns)
        record_video(attempt.store, 12, segment_s=2.0)
        record_audio(attempt.store, 12, segment_s=2.0)
        attempt.store.append(EntryKind.VIOLATION, violation(1, 5101, 7, 8), after(12))
        attempt.store.append(EntryKind.VIOLATION, violation(2, 5006, 9, 9, severity=0.0), after(12))
    try:
        yield attempt
    finally:
        attempt.store.close()


def clips(attempt: Attempt) -> list[Mapping[str, Json]]:
    return [e.body for e in attempt.store.entries() if e.kind is EntryKind.CLIP]


@dataclass
class Face:
    """What the candidate is shown."""

    shown: list[str] = field(default_factory=list)

    def show_finishing(self) -> None:
        self.shown.append("finishing")

    def show_uploading(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None:
        self.shown.append("uploading")

    def show_done(self, report_url: str | None, lines: list[str], left: bool) -> None:
        self.shown.append("done")

    def show_failure(self, sentence: str) -> None:
        self.shown.append(sentence)

    def network(self, online: bool, sentence: str) -> None: ...


def test_each_violation_that_weighs_something_gets_a_clip_with_time_before_and_after(tmp_path: Path) -> None:
    with attempt_in(tmp_path) as attempt:
        finished = finish_attempt(POLICY, attempt, CLOCK)
        [clip] = clips(attempt)
        path = attempt.store.path_of(str(clip["sha256"]))
        assert path is not None
        facts = probe(path)
    assert (clip["violation"], clip["code"]) == ("1-1", 5101)
    assert facts is not None
    assert facts.duration_ns > 8 * NS_PER_S
    assert verify(finished.report_path.parent).ok
    assert "5101" in finished.report_path.read_text(encoding="utf-8")
    assert json.loads(finished.data_path.read_text(encoding="utf-8"))["trust"]["score"] == finished.score


@pytest.mark.parametrize(("sound", "streams"), [(True, ["microphone"]), (False, [])])
def test_what_is_not_to_be_uploaded_is_in_no_clip(tmp_path: Path, sound: bool, streams: list[str]) -> None:
    private = replace(POLICY, upload=replace(POLICY.upload, camera=False, microphone=sound))
    with attempt_in(tmp_path, private) as attempt:
        finished = finish_attempt(private, attempt, CLOCK)
        assert [clip["stream"] for clip in clips(attempt)] == streams
        assert {segment.stream.value for segment in attempt.store.segments()} == set(streams)
    assert verify(finished.report_path.parent).ok


def test_finishing_again_after_a_restart_submits_the_very_same(tmp_path: Path) -> None:
    clock = ManualClock()
    submitted = []
    for _ in range(2):
        with attempt_in(tmp_path) as attempt:
            finished = finish_attempt(POLICY, attempt, clock)
            submitted.append(submission_of(POLICY, attempt, finished))
            assert len(clips(attempt)) == 1
        clock.advance(3600 * NS_PER_S)
    assert submitted[0] == submitted[1]


def test_what_is_submitted_speaks_the_contracts_words(tmp_path: Path) -> None:
    with attempt_in(tmp_path) as attempt:
        submission = submission_of(POLICY, attempt, finish_attempt(POLICY, attempt, CLOCK))
    stats, warnings = submission.payload["stats"], submission.payload["warnings"]
    assert isinstance(stats, dict)
    assert isinstance(warnings, list)
    assert {"userId", "attemptId", "duration", "startTime", "endTime", "trustScore"} <= set(stats)
    assert str(stats["startTime"]).endswith("Z")
    assert [w["code"] for w in warnings if isinstance(w, dict)] == [5101, 5006]
    assert {name: path.is_file() for name, path in submission.files.items()} == {"manifest": True, "seal": True}


def test_a_disk_that_takes_no_report_is_told_of_and_tried_again_until_it_does(tmp_path: Path) -> None:
    clock, face = ManualClock(), Face()
    events: list[EventName] = []
    state = State(Phase.FINISHING)

    def post(event: Event) -> None:
        events.append(event.name)

    with attempt_in(tmp_path) as attempt:
        in_the_way = attempt.root / "report.json"
        in_the_way.mkdir()
        hand_in = HandIn(
            POLICY, attempt, clock, face, StatusFile(None), lambda _: pytest.fail("too early"), lambda work: work(), post
        )  # fmt: skip
        hand_in.seal(state)
        assert face.shown == [
            f"The report can't be written to {attempt.root} (Is a directory); free room on that disk."
        ]
        hand_in.tick(state, clock.now())
        assert len(face.shown) == 1
        in_the_way.rmdir()
        clock.advance(5 * NS_PER_S)
        hand_in.tick(state, clock.now())
        hand_in.retry(state)
    assert events == [EventName.SEALED]
    assert verify(attempt.root).ok


@pytest.mark.parametrize(
    ("answer", "opened"),
    [
        ("https://report.example/1", "https://report.example/1"),
        ("file:///etc/passwd", None),
        ("\\\\host\\share", None),
        (5, None),
    ],
)
def test_only_a_web_page_is_offered_as_the_report(tmp_path: Path, answer: Json, opened: str | None) -> None:
    with attempt_in(tmp_path) as attempt:
        hand_in = HandIn(
            POLICY, attempt, CLOCK, Face(), StatusFile(None), lambda _: pytest.fail("too early"),
            lambda work: work(), lambda _: None,
        )  # fmt: skip
        hand_in.submitted({"reportUrl": answer})
        assert attempt.store.get_meta("report_url") == opened


def test_the_report_again_with_other_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with attempt_in(tmp_path) as attempt:
        before = finish_attempt(POLICY, attempt, CLOCK).score
    weights = tmp_path / "weights.json"
    weights.write_text('{"5101": 0}', encoding="utf-8")
    assert main(["report", str(attempt.root), "--format", "json", "--weights", str(weights)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["trust"]["score"] > before
    assert data["verification"]["ok"] is True
    again, page = report_again(attempt.root, None, want_html=True)
    assert isinstance(again["trust"], dict)
    assert again["trust"]["score"] == before
    assert "files/" in page


def test_a_folder_without_evidence_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no attempt's folder"):
        report_again(tmp_path / "missing", None, want_html=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "can't be read"),
        ("[]", "has to hold an object"),
        ('{"9999": 1}', "not an evidence code"),
        ('{"5101": true}', "from 0 to 100"),
        ('{"5101": -1}', "from 0 to 100"),
        ('{"5101": 101}', "from 0 to 100"),
    ],
)
def test_wrong_weights_are_refused_with_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=words):
        read_weights(path)
