"""``invigil key import-seb`` and ``key config-key``, as a person or a script uses them."""

from __future__ import annotations

import getpass
import hashlib
import io
import json
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.core import abilities
from app.core.policy import Policy
from app.keys.policy_model import parse_policy
from app.keys.presets import laid_over
from tests.fakes.policies import small_policy
from tests.fakes.seb_files import client_seb, exam_seb, plain_seb, plist

XML = plist(
    "<key>startURL</key><string>https://exams.example.org/seb</string><key>hookKeys</key><true/>"
    "<key>hashedQuitPassword</key><string>5ecret</string><key>showTaskBar</key><true/>"
)
JSON_TEXT = (
    '{"hashedQuitPassword":"5ecret","hookKeys":true,"showTaskBar":true,"startURL":"https://exams.example.org/seb"}'
)
KEY = hashlib.sha256(JSON_TEXT.encode()).hexdigest()
PASSWORD = "Prüfung 2026"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong passwords are counted in the user's data folder."""
    monkeypatch.setattr("app.keys.tries.default_tries_path", lambda: tmp_path / "data" / "tries.json")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))


@pytest.fixture
def plain(tmp_path: Path) -> str:
    path = tmp_path / "exam.seb"
    path.write_bytes(plain_seb(XML))
    return str(path)


@pytest.fixture
def locked(tmp_path: Path) -> str:
    path = tmp_path / "locked.seb"
    path.write_bytes(exam_seb(XML, PASSWORD))
    return str(path)


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_config_key_prints_the_key_and_nothing_else(plain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "config-key", plain]) == 0
    assert said(capsys) == (f"{KEY}\n", "")
    assert main(["key", "config-key", plain, "--json"]) == 0
    assert json.loads(said(capsys)[0]) == {"config_key": KEY}


def test_the_password_comes_from_a_file_an_argument_or_standard_input(
    locked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "password.txt"
    file.write_text(f"{PASSWORD}\r\nand a remark\n", encoding="utf-8")
    assert main(["key", "config-key", locked, "--password-file", str(file)]) == 0
    assert main(["key", "config-key", locked, "--password", PASSWORD]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["key", "config-key", locked, "--password"]) == 0
    assert said(capsys) == (f"{KEY}\n" * 3, "")


@pytest.mark.parametrize("options", [[], ["--password"]], ids=["not named", "named"])
def test_a_person_at_a_terminal_is_asked_without_an_echo(
    options: list[str], locked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal())

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return PASSWORD

    monkeypatch.setattr(getpass, "getpass", typed)
    assert main(["key", "config-key", locked, *options]) == 0
    assert said(capsys) == (f"{KEY}\n", "")
    assert asked == ["Password of the .seb file: "]


def test_a_clients_file_without_a_password_needs_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "SebClientSettings.seb"
    path.write_bytes(client_seb(XML, ""))
    assert main(["key", "config-key", str(path)]) == 0
    assert said(capsys) == (f"{KEY}\n", "")


def test_a_missing_password_is_asked_for_in_a_sentence(locked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "config-key", locked]) == 2
    out, err = said(capsys)
    assert out == ""
    assert "protected with a password; give --password or --password-file." in err


def test_after_five_wrong_passwords_the_file_has_to_wait_even_with_the_right_one(
    locked: str, plain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        assert main(["key", "import-seb", locked, "--password", "guess"]) == 2
        out, err = said(capsys)
        assert out == ""
        assert err.startswith("invigil: The password is wrong, or the .seb file is damaged")
    assert main(["key", "config-key", locked, "--password", PASSWORD]) == 2
    assert "too many wrong passwords" in said(capsys)[1]
    assert main(["key", "config-key", plain]) == 0


def test_the_right_password_forgets_the_wrong_ones(locked: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        for _ in range(4):
            assert main(["key", "config-key", locked, "--password", "guess"]) == 2
        assert main(["key", "config-key", locked, "--password", PASSWORD]) == 0
    assert said(capsys)[0] == f"{KEY}\n" * 3


def test_import_lists_what_was_taken_over_and_what_was_not(plain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "import-seb", plain]) == 0
    out, _ = said(capsys)
    assert 'exam.start_url = "https://exams.example.org/seb"' in out
    assert "lockdown.grab_keyboard = true" in out
    assert "It is not the SHA-256 of a password" in out
    assert "5ecret" not in out


def test_import_as_json_holds_policy_and_both_lists(plain: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "import-seb", plain, "--json"]) == 0
    told = json.loads(said(capsys)[0])
    assert told["policy"] == {
        "exam": {"start_url": "https://exams.example.org/seb"},
        "lockdown": {"grab_keyboard": True},
    }
    assert {line["source"] for line in told["mapped"]} == {"startURL", "hookKeys"}
    assert {line["source"] for line in told["unmapped"]} == {"hashedQuitPassword", "showTaskBar"}


def test_the_written_policy_completed_is_one(plain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "policy.json"
    assert main(["key", "import-seb", plain, "--preset", "strict", "--out", str(out)]) == 0
    policy = parse_policy(laid_over(small_policy(), json.loads(out.read_text(encoding="utf-8"))))
    assert isinstance(policy, Policy)
    assert policy.exam.start_url == "https://exams.example.org/seb"
    assert main(["key", "import-seb", plain, "--out", str(out)]) == 2
    assert "exists already" in said(capsys)[1]


def test_what_this_client_can_not_do_and_what_is_to_be_corrected_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "exam.seb"
    path.write_bytes(plist("<key>startURL</key><string>https://exams.example.org/</string>"
                           "<key>allowScreenSharing</key><false/>"))  # fmt: skip
    words = [str(path), "--preset", "strict", "--json"]
    monkeypatch.setitem(abilities.LATER, "lockdown.content_protect", "does not hide the exam")
    assert main(["key", "import-seb", *words]) == 0
    notes = json.loads(said(capsys)[0])["notes"]
    assert notes[0].startswith("before a key can be issued: policy.exam.id: is missing")
    assert "lockdown.content_protect: this client does not hide the exam" in notes
    path.write_bytes(plist("<key>startURL</key><string>http://exams.example.org/</string>"))
    assert main(["key", "import-seb", str(path)]) == 0
    assert "note: before a key can be issued: policy.exam.start_url: has to begin with https://" in said(capsys)[1]


def test_characters_that_a_terminal_could_obey_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "exam.seb"
    path.write_bytes(plist("<key>startURL</key><string>https://exams.example.org/\x9b31m\u202e</string>"
                           "<key>odd\x9b2J\u202ename\nnote: all is well</key><true/>"))  # fmt: skip
    assert main(["key", "import-seb", str(path)]) == 0
    told = "".join(said(capsys))
    assert told.replace("\n", "").isprintable()
    assert "\nnote: all is well" not in told


@pytest.mark.parametrize("action", ["config-key", "import-seb"])
def test_bad_input_is_one_sentence_and_exit_code_2(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "certificate.seb"
    path.write_bytes(b"pkhs" + bytes(300))
    assert main(["key", action, str(path)]) == 2
    out, err = said(capsys)
    assert out == ""
    assert err.startswith("invigil: This .seb file is encrypted for a certificate")
    assert main(["key", action, str(tmp_path / "nothing.seb")]) == 2
    assert "can't be read: No such file" in said(capsys)[1]
    assert main(["key", action, str(tmp_path)]) == 2
    assert "can't be read: Is a directory" in said(capsys)[1]
    assert main(["key", action, str(path), "--password-file", str(tmp_path / "none.txt")]) == 2
    assert "password file" in said(capsys)[1]
