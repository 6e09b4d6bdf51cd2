"""The status lines that scripts read, and the log that IT reads."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime.status import StatusFile, StatusReader

LOGGING = """
import sys, structlog
from pathlib import Path
from app.runtime.logs import set_up_logging
set_up_logging(Path(sys.argv[1]))
structlog.get_logger().error("told", why="a reason")
print("went on")
"""

posix = pytest.mark.skipif(os.name != "posix", reason="elsewhere folders have no such permissions")


def logging_in(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LOGGING, str(folder)], capture_output=True, text=True, check=True)


def test_a_reader_gets_each_whole_line_once(tmp_path: Path) -> None:
    path = tmp_path / "status.jsonl"
    reader, status = StatusReader(path), StatusFile(path)
    assert list(reader.new()) == []
    status.write(page="start")
    assert list(reader.new()) == [{"page": "start"}]
    with path.open("a", encoding="utf-8") as file:
        file.write('{"page": "con')
    assert list(reader.new()) == []
    with path.open("a", encoding="utf-8") as file:
        file.write('sent"}\n')
    assert list(reader.new()) == [{"page": "consent"}]


def test_without_a_file_nothing_is_written() -> None:
    StatusFile(None).write(page="start")


def test_a_file_that_cant_be_written_stops_nobody(tmp_path: Path) -> None:
    StatusFile(tmp_path / "missing" / "status.jsonl").write(page="start")
    assert list(tmp_path.iterdir()) == []


def test_the_log_is_one_json_object_per_line(tmp_path: Path) -> None:
    assert logging_in(tmp_path / "logs").stderr == ""
    [line] = StatusReader(tmp_path / "logs" / "client.log").new()
    assert (line["event"], line["why"], line["level"]) == ("told", "a reason", "error")


@posix
def test_new_folders_for_the_log_and_the_data_are_the_users_alone(tmp_path: Path) -> None:
    data = tmp_path / "share" / "invigil"
    logging_in(data / "logs")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (data, data / "logs")] == [0o700, 0o700]


@posix
def test_a_data_folder_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    logging_in(tmp_path / "logs")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path, tmp_path / "logs")] == [0o750, 0o700]


def test_a_log_that_cant_be_made_goes_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    assert "a reason" in logging_in(tmp_path / "logs").stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have a device that is always full")
def test_a_log_on_a_full_disk_is_silent(tmp_path: Path) -> None:
    (tmp_path / "client.log").symlink_to("/dev/full")
    done = logging_in(tmp_path)
    assert (done.stdout, done.stderr) == ("went on\n", "")
