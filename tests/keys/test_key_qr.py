"""``invigil key qr``: what it draws opens again."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.short_codes import new_code
from app.keys.carriers import Code, KeyText, read_carrier

SHORT = "eyJhbGciOiJFZERTQSJ9.eyJhIjoxfQ.c2lnbmF0dXJl"
LONG = f"eyJhbGciOiJFZERTQSJ9.{'eyJh' * 900}.c2lnbmF0dXJl"
CODE = new_code(lambda n: 42 % n)
LINK = f"invigil://code/{CODE}?backend=https://proctor.example.org"


def test_a_short_key_is_drawn_itself_and_can_be_taken_from_the_picture(tmp_path: Path) -> None:
    out = tmp_path / "key.png"
    assert main(["key", "qr", SHORT, "--out", str(out), "--link", LINK]) == 0
    assert read_carrier(str(out)) == KeyText(SHORT)


def test_of_a_long_key_the_link_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "key.png"
    assert main(["key", "qr", LONG, "--out", str(out), "--link", LINK, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(out), "carries": "link", "modules": 33}
    assert read_carrier(str(out)) == Code(CODE, "https://proctor.example.org")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the folder's permissions hold")
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_of_a_whole_key_is_its_owners_alone(tmp_path: Path, suffix: str) -> None:
    key, link = tmp_path / f"key{suffix}", tmp_path / f"link{suffix}"
    for text, out in ((SHORT, key), (LONG, link)):
        assert main(["key", "qr", text, "--out", str(out), "--link", LINK]) == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(link.stat().st_mode) & 0o600 == 0o600


def test_a_long_key_without_a_link_has_to_be_pushed_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "qr", LONG, "--out", str(tmp_path / "key.png")]) == 2
    assert "invigil key push" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_vector_picture_is_written_too_and_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "key.svg"
    assert main(["key", "qr", SHORT, "--out", str(out)]) == 0
    drawn = out.read_text(encoding="utf-8")
    assert drawn.count("<path") == 2
    assert main(["key", "qr", SHORT, "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == drawn


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing", "--out", "key.png"], "neither"),
        ([SHORT, "--out", "key.gif"], ".png or .svg"),
        ([LONG, "--out", "key.png", "--link", "ftp://x"], "--link"),
        ([LONG, "--out", "key.png", "--link", "invigil://code/x"], "code"),
        ([LONG, "--out", "key.png", "--link", "https://x.example.org/" + "a" * 3000], "too long"),
        ([LINK, "--out", "key.png"], "key's file"),
    ],
)
def test_what_cant_be_drawn_is_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "qr", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
