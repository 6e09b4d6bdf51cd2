"""What is around the settings: compression, prefixes and passwords."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from app.core.errors import BadInput
from app.keys.protected import WrongPassword
from app.keys.seb import PasswordNeeded, read_settings, rncryptor
from tests.fakes.seb_files import client_seb, exam_seb, packed, plain_seb, plist, rncrypted

XML = plist("<key>startURL</key><string>https://exams.example.org/</string>")
SETTINGS = {"startURL": "https://exams.example.org/"}
PASSWORD = "Prüfung 2026 中文"

# The published vectors of both versions are all of version 3; github.com/RNCryptor/RNCryptor-Spec, vectors/v3/password
SPECIFIED = (
    """
a||0301 0000000000000000 0000000000000000 00000000000000000000000000000000 b3039be31cd7ece5e754f5c8da170036
    66313ae8a89ddcf8e3cb41fdc130b2329dbe07d6f4d32c34e050c8bd7e933b12
thepassword|01|0301 0001020304050607 0102030405060708 02030405060708090a0b0c0d0e0f0001 a1f8730e0bf480eb7b70f690abf21e02
    9514164ad3c474a51b30c7eaa1ca545b7de3de5b010acbad0a9a13857df696a8
thepassword|0123456789abcdef01234567|0301 0203040506070001 0304050607080102 0405060708090a0b0c0d0e0f00010203
    e01bbda5df2ca8adace38f6c588d291e 03f951b78d3417bc2816581dc6b767f1a2e57597512b18e1638f21235fa5928c
中文密码|23456789abcdef0123456701|0301 0304050607000102 0405060708010203 05060708090a0b0c0d0e0f0001020304
    8a9e08bdec1c4bfe13e81fb85f009ab3 ddb91387e809c4ad86d9e8a6014557716657bd317d4bb6a7644615b3de402341
""".strip()
    .replace("\n    ", " ")
    .splitlines()
)


@pytest.mark.parametrize("vector", SPECIFIED)
def test_decryption_agrees_with_the_vectors_of_rncryptor(vector: str) -> None:
    password, content, sealed = vector.split("|")
    assert rncryptor.decrypt(bytes.fromhex(sealed), password) == bytes.fromhex(content)


@pytest.mark.parametrize(
    "data",
    [XML, packed(XML), b"\xef\xbb\xbf" + XML, b"\n \r\n" + XML, plain_seb(XML), b"plnd" + XML, b"plnd" + packed(XML),
     packed(b"plnd" + XML), plain_seb(XML) + b"\0" * 500],
    ids=["xml", "gzip", "byte order mark", "blank lines", "plnd", "bare plnd", "plnd, content packed", "plnd, outside packed",
         "padded with zeros"],
)  # fmt: skip
def test_settings_without_a_password_are_read_however_they_are_packed(data: bytes) -> None:
    assert read_settings(data) == SETTINGS
    assert read_settings(data, "a password that is not needed") == SETTINGS


@pytest.mark.parametrize("version", [2, 3])
def test_a_password_opens_an_exams_file_of_windows_and_of_macos(version: int) -> None:
    assert read_settings(exam_seb(XML, PASSWORD, version), PASSWORD) == SETTINGS


def test_version_2_of_macos_took_only_as_many_bytes_of_the_password_as_it_has_characters() -> None:
    secret = PASSWORD.encode()[: len(PASSWORD)]
    assert read_settings(b"pswd" + rncrypted(XML, secret, 2), PASSWORD) == SETTINGS
    with pytest.raises(WrongPassword):
        read_settings(b"pswd" + rncrypted(XML, secret, 3), PASSWORD)


def test_a_clients_file_is_encrypted_with_the_hash_of_its_password() -> None:
    data = client_seb(XML, PASSWORD)
    assert read_settings(data, PASSWORD) == SETTINGS
    assert read_settings(b"pswd" + gzip.decompress(data)[4:], hashlib.sha256(PASSWORD.encode()).hexdigest()) == SETTINGS
    with pytest.raises(WrongPassword):
        read_settings(data, hashlib.sha256(PASSWORD.encode()).hexdigest())


def test_a_clients_file_without_a_password_opens_by_itself() -> None:
    assert read_settings(client_seb(XML, "")) == SETTINGS
    hashed_nothing = hashlib.sha256(b"").hexdigest().encode()
    assert read_settings(b"pwcc" + rncrypted(XML, hashed_nothing), "") == SETTINGS


@pytest.mark.parametrize("data", [exam_seb(XML, "secret"), client_seb(XML, "secret")], ids=["pswd", "pwcc"])
def test_without_the_password_it_is_asked_for_and_a_wrong_one_is_told(data: bytes) -> None:
    with pytest.raises(PasswordNeeded, match="protected with a password"):
        read_settings(data)
    with pytest.raises(WrongPassword, match=r"The password is wrong, or the \.seb file is damaged"):
        read_settings(data, "Secret")


def test_every_altered_byte_of_an_encrypted_file_is_noticed() -> None:
    sealed = rncrypted(b"settings", b"secret")
    for place in range(2, len(sealed), 5):
        altered = bytearray(sealed)
        altered[place] ^= 1
        assert rncryptor.decrypt(bytes(altered), "secret") is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"plnd", "is empty"),
        (packed(b""), "is empty"),
        (b"pkhs" + bytes(300), "encrypted for a certificate"),
        (packed(b"phsk" + bytes(300)), "encrypted for a certificate"),
        (b"\x89PNG\r\n\x1a\n", "not a file of Safe Exam Browser"),
        (b"{}", "not a file of Safe Exam Browser"),
        (b"bplist00\xd0", "binary property list"),
        (plain_seb(XML)[:-9], "cut off"),
        (plain_seb(XML) + b"more", "something follows"),
        (packed(XML)[:10] + bytes(range(255, 100, -1)), "can't be decompressed"),
        (packed(packed(packed(XML))), "not a file of Safe Exam Browser"),
        (b"pswd" + bytes(81), "encrypted part is cut off"),
        (b"pswd" + rncrypted(XML, b"secret")[:-1], "encrypted part is cut off"),
        (b"pswd\x01\x00" + bytes(80), "format 1"),
        (b"pswd\x03\x00" + bytes(80), "not encrypted with a password"),
        (b"pswd" + rncrypted(b"neither gzip nor XML", b"secret"), "not a file of Safe Exam Browser"),
        (b" " * (16 * 1024 * 1024) + b"<", "larger than 16 MB"),
    ],
)  # fmt: skip
def test_what_is_no_seb_file_is_refused_with_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        read_settings(data, "secret")
    assert not isinstance(refused.value, WrongPassword)
