"""``invigil key``, as a person or a script uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from tests.fakes.policies import small_policy


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.setenv("INVIGIL_ISSUER_PASSWORD", "password")
    path = tmp_path / "issuer.pem"
    assert main(["key", "new-issuer", "--name", "Example University", "--out", str(path)]) == 0
    capsys.readouterr()
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(small_policy()))
    return path


@pytest.fixture
def config_key(tmp_path: Path, issuer: Path, policy: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "exam.invigil"
    words = ["--issuer", str(issuer), "--policy", str(policy), "--valid-hours", "2", "--out", str(path)]
    assert main(["key", "issue", *words]) == 0
    capsys.readouterr()
    return path


def trust_of(issuer: Path) -> str:
    return str(issuer.with_name(issuer.name + ".issuers.json"))


def test_an_issued_key_verifies_with_the_public_part(
    config_key: Path, issuer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "verify", str(config_key), "--trust", trust_of(issuer), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["valid"], told["issuer"], told["exam_id"]) == (True, "Example University", "algebra-1")
    assert main(["key", "verify", config_key.read_text(), "--trust", trust_of(issuer)]) == 0
    assert "Algebra I" in capsys.readouterr().out


def test_an_altered_key_fails_the_check_with_a_reason(
    config_key: Path, issuer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, payload, signature = config_key.read_text().strip().split(".")
    altered = f"{header}.{payload[:-3]}AAA.{signature}"
    assert main(["key", "verify", altered, "--trust", trust_of(issuer), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is False
    assert "altered or damaged" in told["reason"]
    assert main(["key", "verify", altered, "--trust", trust_of(issuer)]) == 1
    assert "altered or damaged" in capsys.readouterr().out


def test_without_its_issuer_a_key_is_not_trusted(
    config_key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = tmp_path / "nobody.json"
    nobody.write_text('{"issuers": []}')
    assert main(["key", "verify", str(config_key), "--trust", str(nobody)]) == 1
    assert "does not trust" in capsys.readouterr().out


def test_inspect_shows_all_but_the_upload_token(config_key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "inspect", str(config_key)]) == 0
    shown = capsys.readouterr().out
    assert 'policy.exam.id = "algebra-1"' in shown
    assert "t0ken" not in shown
    assert main(["key", "inspect", str(config_key), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["claims"]["policy"] == small_policy()


def test_the_password_may_come_from_a_file(
    tmp_path: Path, issuer: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INVIGIL_ISSUER_PASSWORD")
    words = ["key", "issue", "--issuer", str(issuer), "--policy", str(policy), "--valid-hours", "1"]
    assert main([*words, "--out", str(tmp_path / "none.invigil")]) == 2
    password = tmp_path / "password"
    password.write_text("password\r\nnot this line\n")
    assert main([*words, "--out", str(tmp_path / "a.invigil"), "--password-file", str(password)]) == 0


def test_a_key_can_be_made_for_later(
    tmp_path: Path, issuer: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "later.invigil"
    words = [
        "key",
        "issue",
        "--issuer",
        str(issuer),
        "--policy",
        str(policy),
        "--valid-hours",
        "1.5",
        "--out",
        str(out),
    ]
    assert main([*words, "--not-before", "2999-01-01T09:00+01:00", "--serial", "12", "--min-client", "0.1"]) == 0
    assert "valid until 2999-01-01 09:30 UTC" in capsys.readouterr().out
    assert main(["key", "verify", str(out), "--trust", trust_of(issuer)]) == 1
    assert "not valid before 2999-01-01 08:00 UTC" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--policy", "{tmp}/none.json"], "none.json can't be read"),
        (["--policy", "{tmp}/broken.json"], "is not JSON"),
        (["--policy", "{tmp}/list.json"], "has to be a JSON object"),
        (["--policy", "{tmp}/wrong.json"], "policy.exam.title: may not be empty"),
        (["--issuer", "{tmp}/none.pem"], "none.pem can't be read"),
        (["--valid-hours", "-1"], "never be valid"),
        (["--valid-hours", "nan"], "can't be valid"),
        (["--valid-hours", "1e300"], "can't be valid"),
        (["--not-before", "tomorrow"], "is not a time"),
        (["--not-before", "2026-12-01T09:00"], "has no time zone"),
        (["--password-file", "{tmp}/none"], "password file"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    tmp_path: Path, issuer: Path, policy: Path, change: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "wrong.json").write_text(json.dumps(small_policy(exam__title="")))
    out = tmp_path / "out.invigil"
    standard = ["--issuer", str(issuer), "--policy", str(policy), "--valid-hours", "1", "--out", str(out)]
    assert main(["key", "issue", *standard, *[word.format(tmp=tmp_path) for word in change]]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not out.exists()


def test_nothing_is_overwritten(config_key: Path, issuer: Path, policy: Path) -> None:
    before = config_key.read_bytes()
    words = ["--issuer", str(issuer), "--policy", str(policy), "--valid-hours", "2", "--out", str(config_key)]
    assert main(["key", "issue", *words]) == 2
    assert config_key.read_bytes() == before
    assert main(["key", "new-issuer", "--name", "X", "--out", str(issuer)]) == 2


def test_a_missing_key_or_trust_file_is_bad_input(config_key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "verify", "gone.invigil"]) == 2
    assert "gone.invigil" in capsys.readouterr().err
    assert main(["key", "verify", str(config_key), "--trust", "gone.json"]) == 2
    assert "gone.json" in capsys.readouterr().err
