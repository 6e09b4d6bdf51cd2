"""The system check: what it looks at, what it says to do, and which failures keep an exam from starting."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.checks import CheckResult
from app.core.machine import FoundSignal, judge
from app.core.machine_signals import KNOWN
from app.core.policy import Capture, Evidence, Identity, Live, Lockdown, Policy
from app.core.ports import AudioSource, FrameSource
from app.core.types import AudioChunk, Frame
from app.core.verdict import machine_checks
from app.lockdown.processes import ListedProcess
from app.runtime.checks import CheckContext, required_failed, result_json, run_checks
from app.runtime.checks_machine import machine_rows
from app.runtime.clock import SystemClock
from app.runtime.lists import Lists, list_folders, load_lists
from app.runtime.models import Models
from app.runtime.preview import Preview
from app.runtime.recording import Sources
from app.runtime.resources import resources_dir
from app.transport.proctorai import ProctorAiBackend
from tests.fakes.backend_server import RunningBackend, free_port
from tests.fakes.session import exam_policy
from tests.fakes.sources import FakeCamera, FakeMicrophone

CLOCK = SystemClock()
FILM = resources_dir() / "media" / "demo_camera.webm"
SPEECH = resources_dir() / "media" / "demo_speech.wav"


def policy() -> Policy:
    return replace(exam_policy(), capture=Capture(screen=False))


def unplugged() -> FakeCamera:
    camera = FakeCamera(CLOCK)
    camera.plugged = False
    return camera


def camera() -> FrameSource:
    return FakeCamera(CLOCK)


def microphone() -> AudioSource:
    return FakeMicrophone(CLOCK)


def _ignore_frame(_frame: Frame) -> None: ...


def _ignore_sound(_chunk: AudioChunk) -> None: ...


@contextmanager
def previewing(camera: Callable[[], FrameSource]) -> Iterator[Preview]:
    preview = Preview(Sources(camera, microphone, None), CLOCK, _ignore_frame, _ignore_sound)
    preview.start()
    try:
        yield preview
    finally:
        preview.stop()


def checked(
    data_dir: Path,
    *,
    camera: Callable[[], FrameSource] = camera,
    backend: ProctorAiBackend | None = None,
    asked: Policy | None = None,
) -> dict[str, CheckResult]:
    with previewing(camera) as preview:
        results = run_checks(CheckContext(asked or policy(), data_dir, preview, preview.streams, backend, CLOCK))
    return {result.name: result for result in results}


def in_the_way(results: dict[str, CheckResult]) -> set[str]:
    """What keeps the exam from starting."""
    names = {name for name, result in results.items() if result.required and not result.ok}
    assert bool(names) == required_failed(list(results.values()))
    return names


@pytest.mark.usefixtures("desktop")
class TestOnADesktop:
    def test_a_machine_with_all_that_is_needed_passes(self, tmp_path: Path) -> None:
        results = checked(tmp_path / "not" / "there" / "yet")
        assert in_the_way(results) == set()
        assert results["camera"].detail == "fake camera"
        assert results["disk"].facts["free_bytes"]

    def test_a_camera_that_is_not_there_is_required_and_has_its_code_and_advice(self, tmp_path: Path) -> None:
        results = checked(tmp_path, camera=unplugged)
        assert in_the_way(results) == {"camera"}
        assert results["camera"].code == 4010
        assert "Connect" in results["camera"].advice

    def test_a_device_gets_as_long_as_the_policy_says(self, tmp_path: Path) -> None:
        asked = replace(policy(), capture=Capture(screen=False, start_timeout_s=0.0))
        silent = Preview(Sources(camera, microphone, None), CLOCK, _ignore_frame, _ignore_sound)
        results = run_checks(CheckContext(asked, tmp_path, silent, silent.streams, None, CLOCK))
        row = next(result for result in results if result.name == "camera")
        assert (row.ok, row.detail) == (False, "The camera gave nothing within 0 seconds.")

    def test_a_disk_without_room_keeps_the_exam_from_starting(self) -> None:
        result = checked(Path("/proc/invigil"))["disk"]
        assert (result.ok, result.required) == (False, True)
        assert "Free at least 500 MB" in result.advice

    def test_without_its_model_the_exam_does_not_start_and_the_sentence_says_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)  # an installation without its models
        result = checked(tmp_path)["detection"]
        assert (result.ok, result.required, result.code) == (False, True, 4017)
        assert result.detail == "missing: face_landmarker.task"
        assert "Install the application again" in result.advice
        fallback = replace(policy(), exam=replace(policy().exam, allow_fallback=True))
        assert not checked(tmp_path, asked=fallback)["detection"].required

    def test_what_the_exam_asks_and_this_client_can_not_do_keeps_it_from_starting(self, tmp_path: Path) -> None:
        asked = replace(policy(), identity=Identity(id_document=True), evidence=Evidence(mode="snapshots"))
        results = checked(tmp_path, asked=asked)
        row = results["what_this_exam_asks"]
        assert in_the_way(results) == {"what_this_exam_asks"}
        assert row.detail == (
            "This client does not take pictures of documents, does not keep single pictures in place of recordings."
        )
        assert "another key" in row.advice
        assert row.facts["unmet"] == [
            {"path": "identity.id_document", "words": "does not take pictures of documents"},
            {"path": "evidence.mode", "words": "does not keep single pictures in place of recordings"},
        ]

    def test_an_exam_that_allows_a_fallback_starts_with_a_warning(self, tmp_path: Path) -> None:
        asked = replace(policy(), identity=Identity(id_document=True))
        asked = replace(asked, exam=replace(asked.exam, allow_fallback=True))
        results = checked(tmp_path, asked=asked)
        assert in_the_way(results) == set()
        assert (results["what_this_exam_asks"].ok, results["what_this_exam_asks"].required) == (False, False)

    def test_what_changes_nothing_about_the_exam_keeps_nobody_from_it(self, tmp_path: Path) -> None:
        asked = replace(policy(), exam=replace(policy().exam, exit_url="https://exam.example/thanks"))
        results = checked(tmp_path, asked=asked)
        assert in_the_way(results) == set()
        assert results["what_this_exam_asks"].detail == "This client does not open a page after the exam."

    def test_many_things_that_can_not_be_done_are_counted(self, tmp_path: Path) -> None:
        live = Live(endpoint="https://a.example", room_id="1", chat=True, pause_resume=True, end_test=True)
        asked = replace(policy(), live=live, identity=Identity(id_document=True, ongoing=True))
        assert checked(tmp_path, asked=asked)["what_this_exam_asks"].detail == (
            "This client does not take pictures of documents, does not compare faces during the exam, "
            "does not join a live room, has no chat, and 2 more."
        )

    def test_an_exam_that_asks_nothing_special_has_no_such_row(self, tmp_path: Path) -> None:
        assert "what_this_exam_asks" not in checked(tmp_path)

    def test_a_server_that_is_not_there_does_not_keep_the_exam_from_starting(self, tmp_path: Path) -> None:
        results = checked(tmp_path, backend=ProctorAiBackend(f"http://127.0.0.1:{free_port()}", "token"))
        assert not results["server"].ok
        assert in_the_way(results) == set()
        assert "delivered later" in results["server"].advice

    def test_a_clock_that_is_wrong_is_noticed_by_the_servers(self, tmp_path: Path) -> None:
        with RunningBackend(tmp_path / "backend") as server:
            late = ProctorAiBackend(server.url, "token", utc_s=lambda: time.time() - 3600)
            result = checked(tmp_path, backend=late)["clock"]
        assert (result.ok, result.required) == (False, False)
        assert result.facts["offset_s"] == pytest.approx(3600, abs=60)
        assert "seconds behind" in result.detail

    def test_a_program_that_the_exam_does_not_allow_is_named_with_why_and_what_to_do(self, tmp_path: Path) -> None:
        program = tmp_path / "deniedatcheck"
        shutil.copy("/bin/sleep", program)
        lists = Lists((ListedProcess("deniedatcheck", "messenger", "carries messages"),))
        asked = replace(policy(), lockdown=Lockdown(denied_processes=("DeniedAtCheck.exe",)))
        with subprocess.Popen([str(program), "60"]) as denied:
            try:
                rows = {row.name: row for row in machine_rows(asked, CLOCK, lists)}
            finally:
                denied.kill()
        assert (rows["programs"].ok, rows["programs"].required) == (False, True)
        assert "deniedatcheck: messenger: carries messages. Save your work, quit it" in rows["programs"].advice

    def test_the_machine_has_a_line_whatever_it_is_and_nothing_is_required_of_it_by_default(self) -> None:
        lists = load_lists(list_folders())
        rows = [
            row for row in machine_rows(policy(), CLOCK, lists) if row.name == "machine" or row.judgement is not None
        ]
        assert rows
        assert not required_failed(rows)

    def test_monitors_have_no_line_where_the_exam_does_not_look_at_them(self) -> None:
        asked = replace(policy(), lockdown=replace(policy().lockdown, single_monitor=False))
        assert "monitors" not in {row.name for row in machine_rows(asked, CLOCK, Lists())}

    def test_a_monitor_that_is_there_and_dark_is_told_before_the_exam_writes_it_down(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dark = "HDMI-1 has a monitor that is switched off"
        monkeypatch.setattr("app.lockdown.linux.x11_monitors.suspected_displays", lambda *_where: (dark,))
        row = {row.name: row for row in machine_rows(policy(), CLOCK, Lists())}["monitors"]
        assert (row.ok, row.required, row.detail) == (False, False, f"{dark}.")
        assert "Unplug it" in row.advice

    def test_a_list_of_its_that_is_broken_is_told_and_the_exam_may_begin(self) -> None:
        rows = {row.name: row for row in machine_rows(policy(), CLOCK, Lists(problems=("a.json can't be read.",)))}
        assert (rows["lists"].ok, rows["lists"].required) == (False, False)
        assert rows["lists"].detail == "a.json can't be read."

    def test_the_command_says_what_is_missing_and_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["check", "--microphone", f"file:{SPEECH}"]) == 1
        told = capsys.readouterr().out
        assert "FAIL  camera" in told
        assert "Not ready" in told

    def test_the_command_passes_with_files_in_the_place_of_devices(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["check", "--json", "--camera", f"file:{FILM}", "--microphone", f"file:{SPEECH}"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["ok"]
        assert {"system", "camera", "microphone", "screen", "monitors", "disk", "memory", "detection"} <= {
            check["name"] for check in answer["checks"]
        }


def test_the_signs_that_a_line_was_judged_by_are_in_its_data() -> None:
    found = judge([FoundSignal("vm_product", "QEMU"), FoundSignal("vm_device")], KNOWN)
    data = result_json(machine_checks(found, None)[0])
    assert data["facts"] == {
        "rule": 5113,
        "score": 0.925,
        "verdict": "likely",
        "signs": [
            {"name": one.name, "words": one.words, "weight": one.weight, "advice": one.advice}
            for one in found[0].signals
        ],
    }


def test_the_command_lists_each_sign_with_its_weight(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = machine_checks(judge([FoundSignal("vm_product", "QEMU"), FoundSignal("vm_device")], KNOWN), None)
    monkeypatch.setattr("app.runtime.check_command.check_machine", lambda *_sources: found)
    assert main(["check"]) == 0
    told = capsys.readouterr().out
    assert "note  virtual_machine It is likely that this is a virtual machine: 92 of 100." in told
    assert "- The computer's model is the name of a virtual machine (QEMU): 75 of 100. Start the exam on" in told


def test_detectors_that_cant_be_loaded_are_named_and_the_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    models = Models(policy())
    models.start()
    try:
        assert models.faces() is None
        assert models.sound() is not None
        assert "face_landmarker.task" in models.problem
    finally:
        models.close()
