"""``invigil key unlock-password`` makes the hash that a policy carries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.unlock import matches
from app.keys.policy_model import parse_policy
from tests.fakes.policies import small_policy

PASSWORD = "correct horse"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password.txt"
    path.write_text(f"{PASSWORD}\nsecond line\n", encoding="utf-8")
    return path


def test_the_hash_is_printed_and_a_policy_takes_it(password_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "unlock-password", "--password-file", str(password_file)]) == 0
    made = capsys.readouterr().out.strip()
    assert matches(made, PASSWORD)
    assert parse_policy(small_policy(lockdown__unlock_password=made)).lockdown.unlock_password == made


def test_as_json_it_is_a_part_of_the_policy_and_another_hash_each_time(
    password_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = set()
    for _ in range(2):
        assert main(["key", "unlock-password", "--password-file", str(password_file), "--json"]) == 0
        made.add(json.loads(capsys.readouterr().out)["unlock_password"])
    assert len(made) == 2
    assert all(matches(one, PASSWORD) for one in made)


def test_it_is_asked_twice_at_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed = iter([PASSWORD, PASSWORD, PASSWORD, "correct house"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))
    assert main(["key", "unlock-password"]) == 0
    assert matches(capsys.readouterr().out.strip(), PASSWORD)
    assert main(["key", "unlock-password"]) == 2
    assert "The two passwords differ" in capsys.readouterr().err


@pytest.mark.parametrize(("line", "words"), [("", "is missing"), ("short", "is too short; take 8 characters or more")])
def test_no_password_and_a_short_one_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    path = tmp_path / "password.txt"
    path.write_text(line, encoding="utf-8")
    assert main(["key", "unlock-password", "--password-file", str(path)]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_without_a_terminal_a_file_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert main(["key", "unlock-password"]) == 2
    assert "give --password-file" in capsys.readouterr().err
