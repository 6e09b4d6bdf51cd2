"""``invigil key``, as a person or a script uses it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuers, load_issuer
from app.keys.protected import ACCEPTED_ITERATIONS
from app.keys.signed import sign
from app.keys.tokens import KIND
from tests.fakes.policies import small_policy
from tests.fakes.sentences import is_one_sentence


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that this machine trusts or remembers takes part, and private keys open as fast as they may."""
    monkeypatch.setattr("app.keys.issuers.ITERATIONS", ACCEPTED_ITERATIONS[0])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("INVIGIL_KEY_PASSWORD", raising=False)


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.setenv("INVIGIL_ISSUER_PASSWORD", "password")
    path = tmp_path / "issuer.key"
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


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the folder's permissions hold")
def test_a_key_file_is_its_owners_alone(config_key: Path) -> None:
    assert stat.S_IMODE(config_key.stat().st_mode) == 0o600


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


def stranger(path: Path, **claims: Json) -> str:
    """A key file of somebody's who puts anything they like into it, and signs it."""
    made = Issuer.create("Stranger")
    written: dict[str, Json] = {"iss": "Stranger", "policy": small_policy()}
    written |= claims
    path.write_text(sign(written, made, KIND), encoding="ascii")
    path.with_name("stranger.json").write_text(json.dumps(TrustedIssuers.of([made.public()]).to_json()))
    return str(path)


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_nothing_in_a_key_commands_the_terminal(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;mine\x07\x9b2J\u202e\r\nforged = true"
    policy = small_policy()
    exam = policy["exam"]
    assert isinstance(exam, dict)
    exam["title"] = "A\u202e"
    key = stranger(tmp_path / "evil.invigil", policy=policy | {evil: {evil: evil}}, iss=evil, jti=evil, **{evil: 1})
    main(["key", "inspect", key, *words])
    titled = stranger(tmp_path / "titled.invigil", policy=policy, serial=2)
    main(["key", "diff", titled, titled, *words])
    main(["key", "diff", stranger(tmp_path / "other.invigil", serial=1), titled, *words])
    main(["key", "verify", key, "--trust", str(tmp_path / "stranger.json"), *words])
    main(["key", "inspect", f"{tmp_path}/{evil}", *words])
    printed = capsys.readouterr()
    lines = (printed.out + printed.err).split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.startswith("forged")] == []


def test_a_key_of_nothing_but_brackets_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nested: Json = {}
    for _ in range(900):
        nested = {"a": nested}
    key = stranger(tmp_path / "deep.invigil", policy=nested)
    assert main(["key", "inspect", key]) == 2
    assert is_one_sentence(capsys.readouterr().err.removeprefix("invigil: ").strip())


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without end")
def test_a_policy_without_end_does_not_fill_the_memory(issuer: Path, tmp_path: Path) -> None:
    words = ["--issuer", str(issuer), "--policy", "/dev/zero", "--valid-hours", "2", "--out", str(tmp_path / "out")]
    assert main(["key", "issue", *words]) == 2


def test_a_new_list_is_not_written_through_somebody_elses_link(issuer: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f"revoked.jws.{os.getpid()}.tmp").symlink_to(victim)
    assert revoke(issuer, "--id", "k1", "--list", str(tmp_path / "revoked.jws")) == 0
    assert victim.read_text() == "mine"
    assert not (tmp_path / "revoked.jws").is_symlink()


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
        (["--policy", "{tmp}/broken.json"], "is not a JSON object"),
        (["--policy", "{tmp}/list.json"], "is not a JSON object"),
        (["--audience", "group"], "needs policy.candidate.group"),
        (["--audience", "exam"], "names a candidate"),
        (["--protect-password-file", "{tmp}/list.json"], "password is too short"),
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


def issued(tmp_path: Path, issuer: Path, name: str, *words: str, **fields: Json) -> Path:
    policy, out = tmp_path / f"{name}.json", tmp_path / f"{name}.invigil"
    policy.write_text(json.dumps(small_policy(**fields)))
    standard = ["--issuer", str(issuer), "--policy", str(policy), "--valid-hours", "2", "--out", str(out)]
    assert main(["key", "issue", *standard, *words]) == 0
    return out


def verified(path: Path, issuer: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Json]]:
    capsys.readouterr()
    code = main(["key", "verify", str(path), "--trust", trust_of(issuer), "--json", *words])
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return code, result


def test_issuing_says_what_this_client_can_not_do_and_makes_the_key_all_the_same(
    tmp_path: Path, issuer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = issued(tmp_path, issuer, "later", "--json", exam__exit_url="https://exams.example.org/bye")
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert "note: policy.exam.exit_url: this version of Invigil does not open a page" in told.err
    assert [entry["path"] for entry in result["unmet"]] == ["exam.exit_url"]
    assert (result["file"], result["protected"], result["bytes"]) == (str(path), False, path.stat().st_size - 1)
    code, checked = verified(path, issuer, capsys)
    assert code == 0
    assert checked["unmet"] == result["unmet"]
    assert checked["key_id"] == result["key_id"]


@pytest.mark.parametrize(
    ("candidate", "words", "audience"),
    [
        ({"id": "s1", "name": "Sample Candidate"}, [], {"exam": "algebra-1", "candidate": "s1"}),
        ({"group": "evening"}, [], {"exam": "algebra-1", "group": "evening"}),
        ({"group": "evening"}, ["--audience", "exam"], {"exam": "algebra-1"}),
        ({}, [], {"exam": "algebra-1"}),
    ],
)
def test_a_key_is_for_a_candidate_a_group_or_everybody(
    tmp_path: Path,
    issuer: Path,
    capsys: pytest.CaptureFixture[str],
    candidate: Json,
    words: list[str],
    audience: dict[str, str],
) -> None:
    path = issued(tmp_path, issuer, "some", *words, candidate=candidate)
    assert verified(path, issuer, capsys)[1]["audience"] == audience


def test_a_protected_key_needs_its_password(
    tmp_path: Path, issuer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("algebra password\n")
    (tmp_path / "wrong").write_text("another password\n")
    path = issued(tmp_path, issuer, "secret", "--protect-password-file", str(tmp_path / "password"))
    assert path.read_text().count(".") == 4
    assert main(["key", "verify", str(path), "--trust", trust_of(issuer)]) == 2
    assert "INVIGIL_KEY_PASSWORD" in capsys.readouterr().err
    assert verified(path, issuer, capsys, "--password-file", str(tmp_path / "password"))[0] == 0
    monkeypatch.setenv("INVIGIL_KEY_PASSWORD", "algebra password")
    assert main(["key", "inspect", str(path)]) == 0
    assert 'policy.exam.id = "algebra-1"' in capsys.readouterr().out


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(
    tmp_path: Path, issuer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("algebra password\n")
    (tmp_path / "wrong").write_text("another password\n")
    path = issued(tmp_path, issuer, "secret", "--protect-password-file", str(tmp_path / "password"))
    for _ in range(5):
        assert main(["key", "inspect", str(path), "--password-file", str(tmp_path / "wrong")]) == 2
        assert "password is wrong" in capsys.readouterr().err
    assert main(["key", "inspect", str(path), "--password-file", str(tmp_path / "password")]) == 2
    assert "too many wrong passwords" in capsys.readouterr().err


def test_a_new_issuer_is_told_as_json_and_its_private_key_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVIGIL_ISSUER_PASSWORD", "password")
    path = tmp_path / "issuer.key"
    assert main(["key", "new-issuer", "--name", "X", "--out", str(path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert set(made) == {"name", "kid", "fingerprint", "private", "public"}
    assert (made["private"], made["public"]) == (str(path), trust_of(path))


def test_a_new_issuer_replaces_an_old_one_whose_keys_stay_good(
    tmp_path: Path, issuer: Path, config_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "next.key"
    words = ["key", "new-issuer", "--name", "Example University", "--out", str(new), "--replaces", trust_of(issuer)]
    assert main([*words, "--old-until", "2999-01-01T00:00+00:00"]) == 0
    assert verified(config_key, new, capsys)[0] == 0
    assert verified(issued(tmp_path, new, "new"), new, capsys)[0] == 0
    assert verified(issued(tmp_path, new, "newer"), issuer, capsys)[0] == 1


def test_what_a_replaced_issuer_signs_too_late_is_refused(
    tmp_path: Path, issuer: Path, config_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "next.key"
    words = ["key", "new-issuer", "--name", "Example University", "--out", str(new), "--replaces", trust_of(issuer)]
    assert main([*words, "--old-until", "2001-01-01T00:00+00:00"]) == 0
    code, result = verified(config_key, new, capsys)
    assert code == 1
    assert "stopped using on 2001-01-01 00:00 UTC" in str(result["reason"])


@pytest.mark.parametrize(
    "words",
    [
        ["--replaces", "none.json"],
        ["--old-until", "2001-01-01T00:00+00:00"],
        ["--replaces", "{trust}", "--old-until", "soon"],
    ],
)
def test_a_replacement_that_makes_no_sense_leaves_nothing_behind(
    tmp_path: Path, issuer: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "next.key"
    filled = [word.format(trust=trust_of(issuer)) for word in words]
    assert main(["key", "new-issuer", "--name", "X", "--out", str(new), *filled]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not new.exists()


def test_diff_shows_each_change_and_whether_a_running_exam_takes_it(
    tmp_path: Path, issuer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = issued(tmp_path, issuer, "old", "--serial", "1", exam__duration_min=60)
    new = issued(
        tmp_path, issuer, "new", "--serial", "2", exam__duration_min=75, capture__screen=False, upload__token="n3w"
    )
    capsys.readouterr()
    assert main(["key", "diff", str(old), str(new)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "serial: 1 -> 2" in lines
    assert "exam.duration_min: 60 -> 75 (also while the exam runs)" in lines
    assert "capture.screen: true -> false (a running exam refuses this: it can't change while the exam runs)" in lines
    assert "n3w" not in "".join(lines)
    assert main(["key", "diff", str(old), str(new), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["old_serial"], told["new_serial"], told["newer"]) == (1, 2, True)
    assert {c["path"]: c["while_running"] for c in told["changes"]} == {
        "exam.duration_min": True,
        "capture.screen": False,
        "upload.token": False,
    }
    assert "n3w" not in json.dumps(told)


def test_diff_says_when_nothing_differs_and_when_a_key_is_not_newer(
    tmp_path: Path, issuer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = issued(tmp_path, issuer, "old")
    capsys.readouterr()
    assert main(["key", "diff", str(path), str(path)]) == 0
    told = capsys.readouterr().out
    assert "A running exam refuses this key" in told
    assert "The policies are the same." in told


def revoke(issuer: Path, *words: str) -> int:
    return main(["key", "revoke", "--issuer", str(issuer), *words])


def test_a_revoked_key_is_refused_where_the_list_is_installed(
    tmp_path: Path, issuer: Path, config_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "revoked").mkdir()
    listed = tmp_path / "revoked" / "university.jws"
    assert verified(config_key, issuer, capsys)[0] == 0
    assert revoke(issuer, str(config_key), "--reason", "wrong class", "--list", str(listed)) == 0
    code, result = verified(config_key, issuer, capsys)
    assert code == 1
    assert "(wrong class)" in str(result["reason"])


def test_a_list_is_continued_with_a_higher_serial_and_forgets_nothing(
    tmp_path: Path, issuer: Path, config_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.jws", tmp_path / "second.jws"
    capsys.readouterr()
    assert revoke(issuer, "--id", "k1", "--list", str(first), "--json") == 0
    before = json.loads(capsys.readouterr().out)
    again = ["--id", "k1", "--signing-key", "stolen", str(config_key), "--reason", "lost"]
    assert revoke(issuer, *again, "--list", str(first), "--out", str(second), "--json") == 0
    after = json.loads(capsys.readouterr().out)
    assert after["serial"] > before["serial"]
    assert after["revoked"][0] == before["revoked"][0]
    assert [set(entry) for entry in after["revoked"]] == [
        {"jti", "at", "reason"},
        {"jti", "at", "reason"},
        {"kid", "at", "reason"},
    ]
    assert revoke(issuer, "--id", "k9", "--list", str(second)) == 0


def test_only_its_own_issuer_revokes_a_key_and_continues_a_list(
    tmp_path: Path, issuer: Path, config_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.key"
    assert main(["key", "new-issuer", "--name", "Example College", "--out", str(other)]) == 0
    listed = tmp_path / "list.jws"
    assert revoke(other, str(config_key), "--list", str(listed)) == 2
    assert "only its own issuer" in capsys.readouterr().err
    assert revoke(issuer, "--id", "k1", "--list", str(listed)) == 0
    before = listed.read_bytes()
    assert revoke(other, "--id", "k1", "--list", str(listed)) == 2
    assert listed.read_bytes() == before


def test_revoking_needs_something_to_revoke_and_a_reason_of_one_line(
    tmp_path: Path, issuer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "list.jws"
    assert revoke(issuer, "--list", str(listed)) == 2
    assert revoke(issuer, "--id", "k1", "--reason", "two\nlines", "--list", str(listed)) == 2
    assert revoke(issuer, "--id", "k1", "--list", str(tmp_path / "gone" / "list.jws")) == 2
    assert capsys.readouterr().err.count("\n") == 3
    assert not listed.exists()


def test_no_password_and_no_private_key_is_ever_printed(
    tmp_path: Path, issuer: Path, config_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private = load_issuer(issuer, "password").key.as_dict(private=True)
    assert main(["key", "inspect", str(config_key), "--json"]) == 0
    verified(config_key, issuer, capsys)
    assert revoke(issuer, str(config_key), "--list", str(tmp_path / "l.jws"), "--json") == 0
    told = capsys.readouterr()
    everything = told.out + told.err + "".join(p.read_text() for p in tmp_path.iterdir() if p.is_file())
    assert str(private["d"]) not in everything


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_at_a_terminal_passwords_are_asked_for_and_not_shown(tmp_path: Path) -> None:
    """The program itself in a terminal: a new issuer's password is asked for twice, and not echoed."""
    ours, theirs = os.openpty()
    words = ["-m", "app", "key", "new-issuer", "--name", "X", "--out", str(tmp_path / "issuer.key")]
    environment = {name: value for name, value in os.environ.items() if name != "INVIGIL_ISSUER_PASSWORD"}
    started = subprocess.Popen(
        [sys.executable, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown = ""
    try:
        for prompt in ("The issuer's password: ", "The same again: "):
            while prompt not in shown:
                shown += os.read(ours, 1000).decode()
            os.write(ours, b"terminal password\n")
        assert started.wait(60) == 0
    finally:
        started.kill()
        started.wait()
        os.close(ours)
    assert "terminal password" not in shown
    assert load_issuer(tmp_path / "issuer.key", "terminal password").name == "X"


def test_secrets_of_a_policy_are_not_shown(tmp_path: Path, issuer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = []
    for number, digit in enumerate("12"):
        policy = tmp_path / f"policy-{number}.json"
        hashed = f"sha256${digit * 64}"
        policy.write_text(json.dumps(small_policy(lockdown__unlock_password=hashed, upload__token=f"t0ken-{digit}")))
        keys.append(str(tmp_path / f"{number}.invigil"))
        words = ["--issuer", str(issuer), "--policy", str(policy), "--valid-hours", "2", "--out", keys[-1]]
        assert main(["key", "issue", *words]) == 0
    assert main(["key", "inspect", keys[0]]) == 0
    assert main(["key", "diff", *keys]) == 0
    assert main(["key", "diff", *keys, "--json"]) == 0
    told = capsys.readouterr().out
    assert "policy.lockdown.unlock_password = (not shown)" in told
    assert "lockdown.unlock_password: (not shown) -> (not shown) (a running exam refuses this" in told
    assert not any(secret in told for secret in ("1111", "2222", "t0ken"))
