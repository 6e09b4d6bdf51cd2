"""What can be wrong with keys, machines and disks: one sentence, a line in the log, a code, and nothing lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.types import EntryKind
from app.lockdown.journal import RestoreJournal
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import FILM, Backend, Client, make_key, rows, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def assert_sober(client: Client) -> None:
    """No traceback anywhere, and the machine is as it was."""
    assert "Traceback" not in client.said()
    assert "Traceback" not in json.dumps(client.log())
    assert RestoreJournal(client.data / "restore.jsonl").outstanding() == []


def assert_one_sentence(text: str) -> None:
    assert text[0].isupper() or text[0] in "'/-"
    assert text.endswith(".")
    assert "\n" not in text


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; large enough for the system check, which wants half a gigabyte."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=620m", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a disk")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def test_keys_that_cant_be_used_are_refused_with_a_sentence_each_and_the_window_stays_for_the_right_one(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    good, trust = make_key(backend, tmp_path)
    stranger, _ = make_key(backend, tmp_path / "stranger")
    expired, other_trust = make_key(backend, tmp_path / "expired", life=timedelta(seconds=1))
    head, claims, signature = good.read_text(encoding="ascii").split(".")
    altered, broken = tmp_path / "altered.invigil", tmp_path / "broken.invigil"
    altered.write_text(f"{head}.{claims[:-2]}AA.{signature}", encoding="ascii")
    broken.write_bytes(b"\x00\xff not a key")
    wrong = {
        altered: "altered",
        stranger: "does not trust",
        expired: "expired",
        tmp_path / "missing.invigil": "No such file",
    }
    with running(Client(own_desktop, tmp_path / "run", broken, trust, extra=("--trust", str(other_trust)))) as client:
        client.await_problem("not an Invigil key")
        client.await_page("start")
        assert f"invigil: {client.problem()}" in client.said().splitlines()
        for path, words in wrong.items():
            client.type(str(path))
            client.await_problem(words)
            assert_one_sentence(client.problem())
            assert client.logged(words)
        client.press("alt+F4")
        assert client.wait() == 2
        assert list((client.data / "attempts").glob("*")) == []

        shown = client.count("page", "start")
        client.start()
        until("the window", lambda: client.count("page", "start") == shown + 1)
        client.type(str(good))
        client.await_fact("checks", "passed")
        client.press("alt+F4")
        assert client.wait() == 0
    assert_sober(client)


def test_a_key_without_that_right_allows_no_file_as_camera(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path, {"capture": {"allow_file_sources": False}})
    with running(Client(own_desktop, tmp_path / "run", key, trust, microphone=None)) as client:
        client.await_problem("does not allow files")
        assert_one_sentence(client.problem())
        client.press("alt+F4")
        assert client.wait() == 2
    assert not (client.data / "attempts").exists()
    assert client.logged("does not allow files")
    assert_sober(client)


def test_missing_devices_are_named_with_what_to_do_and_looked_for_again(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    with running(Client(own_desktop, tmp_path / "run", key, trust, camera=None, microphone=None)) as client:
        client.await_fact("checks", "failed")
        failed = {str(r["name"]): r for r in client.checks() if r["required"] and not r["ok"]}
        assert {name: r["code"] for name, r in failed.items()} == {"camera": 4010, "microphone": 4009}
        for result in failed.values():
            assert_one_sentence(str(result["detail"]))
            assert "onnect" in str(result["advice"])
        until("the proctor's codes", lambda: client.error_codes() == {4009, 4010})
        assert client.logged("4010")
        client.press("Return")
        client.await_fact("checks", "failed", times=2)
        client.press("alt+F4")
        assert client.wait() == 1
    assert_sober(client)


def test_a_device_that_was_put_right_is_found_by_checking_again(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    camera = tmp_path / "camera.webm"
    camera.write_bytes(b"no film")
    with running(Client(own_desktop, tmp_path / "run", key, trust, camera=f"file:{camera}")) as client:
        client.await_fact("checks", "failed")
        shutil.copy(FILM, camera)
        client.press("Return")
        client.await_fact("checks", "passed")
        client.press("alt+F4")
        assert client.wait() == 0
    assert_sober(client)


def test_an_exam_starts_without_its_server_and_is_delivered_once_that_is_there(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    delivered_to = Backend(tmp_path / "other")
    delivered_to.start()
    pages = {"exam": {"start_url": f"{backend.url}/demo/exam/"}}
    key, trust = make_key(delivered_to, tmp_path, pages)
    delivered_to.stop()
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.await_fact("checks", "passed")
        [server] = [r for r in client.checks() if r["name"] == "server"]
        assert not server["ok"]
        assert "delivered later" in str(server["advice"])
        client.reach_exam()
        client.await_fact("network", "offline")
        client.press("alt+Tab")
        client.await_fact("violation", 5121)
        assert client.logged("can't be reached")
        try:
            delivered_to.start()
            client.finish()
            exam = delivered_to.exam(key)
        finally:
            delivered_to.stop()
        assert client.close() == 0
    assert exam["status"] == "completed"
    assert rows(exam, "warnings")
    assert client.gaps() == []
    assert_sober(client)


def test_a_data_folder_that_cant_be_written_ends_before_anything_was_begun(
    own_desktop: VirtualDesktop, backend: Backend, small_disk: Path, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with running(Client(own_desktop, tmp_path / "run", key, trust, data=small_disk)) as client:
        client.await_problem("can't be written")
        assert_one_sentence(client.problem())
        assert str(small_disk) in client.problem()
        assert f"invigil: {client.problem()}" in client.said().splitlines()
        client.press("alt+F4")
        assert client.wait() == 1
    assert_sober(client)
    client.data = small_disk / "inside"
    client.start()
    assert client.wait() == 1
    assert client.said().splitlines()[-1].startswith(f"invigil: The exam's data can't be kept in {client.data}")
    assert "Traceback" not in client.said()


def test_a_disk_that_fills_up_during_the_exam_costs_a_gap_and_neither_the_exam_nor_what_was_recorded(
    own_desktop: VirtualDesktop, backend: Backend, small_disk: Path, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path, {"evidence": {"mode": "continuous"}, "capture": {"segment_s": 2.0}})
    ballast = small_disk / "ballast"
    with running(Client(own_desktop, tmp_path / "run", key, trust, data=small_disk)) as client:
        client.reach_exam()
        until("something recorded", lambda: len(list(client.attempt_root().glob("files/*.webm"))) >= 3)
        before = {str(e.body["sha256"]) for e in client.entries() if e.kind is EntryKind.SEGMENT}
        fill(ballast)
        until("the notice", lambda: any("disk is full" in str(f.get("notice")) for f in client.read()))
        client.press("alt+Tab")
        client.await_fact("violation", 5121)
        fill(ballast)
        client.hand_in()
        until("an answer", lambda: client.page() in ("problem", "done"))
        if client.page() == "problem":
            assert_one_sentence(client.problem())
            ballast.unlink()
            client.press("Return")
            client.await_page("done")
        assert client.close() == 0
        assert {"disk"} <= {str(g["cause"]) for g in rows(client.report(), "gaps")}
        assert 5121 in client.codes()
        assert before <= {str(e.body["sha256"]) for e in client.entries() if e.kind is EntryKind.SEGMENT}
        assert client.verified().ok
        assert backend.exam(key)["status"] == "completed"
        assert client.logged("not stored")
        assert_sober(client)


def fill(ballast: Path) -> None:
    """Until the disk takes not one byte more."""
    for size in (1 << 20, 4096, 1):
        try:
            with ballast.open("ab", buffering=0) as file:
                while file.write(b"\0" * size) == size:
                    pass
        except OSError:
            continue


def test_without_a_display_the_terminal_says_so_and_a_bad_key_first(
    own_desktop: VirtualDesktop, tmp_path: Path
) -> None:
    client = Client(own_desktop, tmp_path / "run", None, tmp_path / "issuers.json", environment={"DISPLAY": ":63000"})
    client.start()
    assert client.wait() == 1
    assert client.said() == "invigil: There is no display that answers; start Invigil in a desktop session.\n"
    client.key = tmp_path / "missing.invigil"
    client.start()
    assert client.wait() == 2
    assert "No such file" in client.said().splitlines()[-1]
