"""What a candidate has in hand is recognised, wherever it came from; anything else is one sentence."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.short_codes import new_code, shown
from app.keys.carriers import Code, KeyText, SessionToken, read_carrier
from app.keys.qr import make_qr, qr_picture, read_qr
from app.keys.tokens import load_key_text
from tests.fakes.sentences import is_one_sentence, told

SIGNED = "eyJhbGciOiJFZERTQSJ9.eyJhIjoxfQ.c2lnbmF0dXJl"
ENCRYPTED = "eyJhbGciOiJQQkVTMiJ9.a2V5.aXY.dGV4dA.dGFn"
CODE = new_code(lambda n: 123_456_789_012 % n)
BACKEND = "https://proctor.example.org"


def refusal(argument: str) -> str:
    with pytest.raises(BadInput) as refused:
        read_carrier(argument)
    assert is_one_sentence(str(refused.value))
    return str(refused.value)


def assert_read_or_refused(read: Callable[[], object]) -> None:
    refusal = told(read)
    assert refusal is None or is_one_sentence(refusal)


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def qr_png(text: str) -> bytes:
    code = make_qr(text)
    assert code is not None
    return qr_picture(code, "png", 4)


# ---- texts, links and files


@pytest.mark.parametrize("token", [SIGNED, ENCRYPTED])
def test_a_key_is_read_as_text_as_a_link_and_from_a_file_with_either(tmp_path: Path, token: str) -> None:
    key = KeyText(token)
    assert read_carrier(f"  {token}\n") == key
    assert read_carrier(f"INVIGIL://key/{token}/") == key
    assert read_carrier(written(tmp_path, "one.invigil", f"{token}\n")) == key
    assert read_carrier(written(tmp_path, "two.invigil", f"\ufeffinvigil://key/{token}")) == key


def test_line_breaks_that_a_mail_program_put_into_a_link_do_no_harm() -> None:
    link = f"invigil://key/{SIGNED}"
    assert read_carrier(f"{link[:9]}\r\n {link[9:30]}\n\n{link[30:]}") == KeyText(SIGNED)


@pytest.mark.parametrize("typed", [CODE, shown(CODE), shown(CODE).lower(), f" {CODE[:4]} {CODE[4:]} "])
def test_a_code_is_understood_however_it_is_typed(typed: str) -> None:
    assert read_carrier(typed) == Code(CODE, None)


def test_links_of_codes_and_sessions_name_their_backend() -> None:
    assert read_carrier(f"invigil://code/{shown(CODE)}?backend={BACKEND}") == Code(CODE, BACKEND)
    assert read_carrier(f"invigil://code/{CODE}/?backend=https%3A%2F%2Fproctor.example.org") == Code(CODE, BACKEND)
    assert read_carrier(f"invigil://code/{CODE}") == Code(CODE, None)
    assert read_carrier(f"invigil://session/s_0123456789?backend={BACKEND}") == SessionToken("s_0123456789", BACKEND)


def test_a_file_is_read_even_where_its_name_could_be_a_code_or_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (CODE, SIGNED):
        written(tmp_path, name, ENCRYPTED)
        assert read_carrier(name) == KeyText(ENCRYPTED)


def test_a_mistyped_code_is_not_taken_for_a_file() -> None:
    wrong = CODE[:-1] + ("2" if CODE[-1] != "2" else "3")
    assert "mistyped" in refusal(wrong)


@pytest.mark.parametrize(
    "link",
    [
        "invigil://",
        "invigil://key/",
        "invigil://key/nonsense",
        f"invigil://key/{SIGNED}?backend={BACKEND}",
        "invigil://other/x",
        "invigil://session/short",
        "invigil://session/s_0123456789?backend=ftp://x",
        f"invigil://session/s_0123456789?backend={BACKEND}&backend=https://other.example.org",
        "invigil://session/s_0123456789?backend=https://ex\u0430mple.org",
        "invigil://session/s_0123456789?backend=https://x.org&more=1",
        "invigil://code/ABC?backend=https://[",
        "invigil://[/",
    ],
)
def test_a_link_that_cant_be_right_is_refused(link: str) -> None:
    refusal(link)


def test_a_web_address_is_not_opened_as_a_key_but_explained() -> None:
    assert "browser" in refusal("https://lms.example.org/quiz/7")


def test_a_missing_file_is_named_but_a_mistyped_secret_is_not() -> None:
    assert "'gone.invigil'" in refusal("gone.invigil")
    assert "No such file" in refusal("exams/final.gone.invigil")
    assert "hunter2hunter2" not in refusal("hunter2hunter2")


def test_what_is_no_file_does_not_make_the_program_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in refusal(str(tmp_path / "pipe"))
    with pytest.raises(BadInput, match="not a file"):
        load_key_text(str(tmp_path / "pipe"))
    refusal(str(tmp_path))
    refusal("a\0b")


def test_a_file_of_something_else_or_without_end_is_refused(tmp_path: Path) -> None:
    assert "not an Invigil key" in refusal(written(tmp_path, "a", b"\x00\xff no key"))
    assert "not an Invigil key" in refusal(written(tmp_path, "b", "a letter"))
    assert "larger than" in refusal(written(tmp_path, "c", "x" * 1_000_001))


@given(
    st.sampled_from(["{}", "invigil://{}", "invigil://code/{}", "invigil://session/{}?backend={}"]),
    st.text(max_size=300),
)
def test_no_text_does_more_than_be_refused(form: str, text: str) -> None:
    assert_read_or_refused(lambda: read_carrier(form.replace("{}", text)))


# ---- pictures


@pytest.mark.parametrize("form", [".png", ".jpg"])
def test_a_photographed_qr_code_is_read(tmp_path: Path, form: str) -> None:
    link = f"invigil://code/{CODE}?backend={BACKEND}"
    code = cv2.imdecode(np.frombuffer(qr_png(link), np.uint8), cv2.IMREAD_COLOR)
    assert code is not None
    photo = np.full((900, 1200, 3), 190, np.uint8)
    photo[200 : 200 + code.shape[0], 300 : 300 + code.shape[1]] = code // 2 + 60
    turned = cv2.warpAffine(photo, cv2.getRotationMatrix2D((600, 450), 12, 1.0), (1200, 900))
    done, data = cv2.imencode(form, turned)
    assert done
    assert read_carrier(written(tmp_path, "photo", data.tobytes())) == Code(CODE, BACKEND)


def test_the_largest_key_that_fits_into_a_qr_code_comes_back_whole(tmp_path: Path) -> None:
    head = "invigil://key/eyJhbGciOiJFZERTQSJ9."
    link = head + ("aB3-_x9Zq" * 400)[: 2953 - len(head) - 10] + "." + "c2lnbmF0d"
    assert len(link) == 2953
    assert read_carrier(written(tmp_path, "key.png", qr_png(link))) == KeyText(link[len("invigil://key/") :])
    assert make_qr(link + "x") is None


def test_a_qr_code_of_something_else_is_refused(tmp_path: Path) -> None:
    assert "not one of an exam" in refusal(written(tmp_path, "w.png", qr_png("WIFI:S:guest;;")))
    assert "browser" in refusal(written(tmp_path, "h.png", qr_png("https://lms.example.org/x")))
    assert "no QR code" in refusal(written(tmp_path, "n.png", cv2.imencode(".png", np.zeros((9, 9)))[1].tobytes()))


def test_of_two_different_codes_none_is_chosen(tmp_path: Path) -> None:
    both = [
        cv2.imdecode(np.frombuffer(qr_png(f"invigil://key/{token}"), np.uint8), cv2.IMREAD_GRAYSCALE)
        for token in (SIGNED, SIGNED[:-1] + "w")
    ]
    data = cv2.imencode(".png", np.hstack([one for one in both if one is not None]))[1].tobytes()
    assert "several" in refusal(written(tmp_path, "two.png", data))


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def frame_header(width: int, height: int) -> bytes:
    return b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"


def test_a_picture_can_not_hide_its_size_where_decoders_alone_look(tmp_path: Path) -> None:
    """What follows FF 00 is a segment to the letter of the standard, and noise before a frame to libjpeg."""
    good = cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes()
    at = good.index(b"\xff\xc0")
    hidden, small = frame_header(20_000, 20_000), frame_header(64, 64)
    noise = b"\xff\x00" + struct.pack(">H", len(hidden) + 6) + hidden
    decoy = b"\xff\xfe" + struct.pack(">H", len(small) + 2) + small
    picture = good[:at] + noise + decoy + good[at + 13 :]
    assert "can't be read" in refusal(written(tmp_path, "hidden.jpg", picture))


def test_a_picture_of_thousands_of_scans_is_refused_before_it_takes_hours(tmp_path: Path) -> None:
    good = cv2.imencode(".jpg", np.zeros((64, 64), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    first, *scans = good.split(b"\xff\xda")
    assert "no QR code" in refusal(written(tmp_path, "good.jpg", good))
    endless = b"\xff\xda".join([first, *[scans[0]] * 1000, *scans[1:]])
    assert "too large" in refusal(written(tmp_path, "endless.jpg", endless))


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header(tmp_path: Path) -> None:
    assert "too large" in refusal(written(tmp_path, "a.png", png_header(100_000, 100_000)))
    frame = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x0b\x08" + struct.pack(">HH", 65_000, 65_000) + b"\x01\x01\x11\x00"
    assert "too large" in refusal(written(tmp_path, "b.jpg", frame))
    assert "can't be read" in refusal(written(tmp_path, "c.gif", b"GIF89a" + bytes(40)))


@given(
    st.sampled_from([qr_png(CODE), cv2.imencode(".jpg", np.full((64, 64), 200, np.uint8))[1].tobytes()]),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=6)), max_size=6),
    st.integers(0, 3000),
)
def test_a_damaged_picture_is_read_or_refused(good: bytes, edits: list[tuple[int, bytes]], keep: int) -> None:
    data = bytearray(good[:keep] if keep > 8 else good)
    for at, put in edits:
        data[at % len(data) : at % len(data) + len(put)] = put
    assert_read_or_refused(lambda: read_qr(bytes(data)))
