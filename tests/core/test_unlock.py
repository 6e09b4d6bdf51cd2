"""The hash of the password that lets a held exam go on."""

from __future__ import annotations

import base64
import hashlib

import pytest

from app.core.unlock import is_hash, is_weak, make, matches

SALT = bytes(range(16))
SCRYPT = make("correct horse", SALT)
SHA256 = f"sha256${hashlib.sha256('Prüfung1'.encode()).hexdigest()}"
SALT_TEXT, HASH_TEXT = SCRYPT.split("$")[4:]


def test_the_password_matches_its_hash_and_no_other_does() -> None:
    assert matches(SCRYPT, "correct horse")
    assert not matches(SCRYPT, "correct horsE")
    assert not matches(SCRYPT, "")


def test_a_hash_is_the_same_for_a_salt_and_another_for_another() -> None:
    assert make("correct horse", SALT) == SCRYPT
    other = make("correct horse", bytes(16))
    assert other != SCRYPT
    assert matches(other, "correct horse")


def test_the_hash_is_the_one_that_other_programs_make() -> None:
    digest = hashlib.scrypt(b"correct horse", salt=SALT, n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    assert SCRYPT.startswith("scrypt$15$8$1$AAECAwQFBgcICQoLDA0ODw==$")
    assert SCRYPT.endswith(base64.b64encode(digest).decode())


def test_a_hash_of_safe_exam_browser_is_compared_too() -> None:
    assert matches(SHA256, "Prüfung1")
    assert not matches(SHA256, "prüfung1")
    assert is_weak(SHA256)
    assert not is_weak(SCRYPT)


def test_the_password_is_not_in_its_hash() -> None:
    assert "horse" not in SCRYPT


@pytest.mark.parametrize("stored", [SCRYPT, SHA256])
def test_what_is_made_can_be_stored(stored: str) -> None:
    assert is_hash(stored)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "correct horse",
        SHA256.upper(),
        SHA256[:-1],
        f"{SHA256}\n",
        SHA256.removeprefix("sha256$"),
        f"scrypt$13$8$1${SALT_TEXT}${HASH_TEXT}",
        f"scrypt$30$8$1${SALT_TEXT}${HASH_TEXT}",
        f"scrypt$15$1$1${SALT_TEXT}${HASH_TEXT}",
        f"scrypt$15$8$9${SALT_TEXT}${HASH_TEXT}",
        f"scrypt$15$8$1$AAAA${HASH_TEXT}",
        f"scrypt$15$8$1${SALT_TEXT}$AAAA",
        f"scrypt$15$8$1${SALT_TEXT.rstrip('=')}${HASH_TEXT}",
        f"scrypt$15$8$1${SALT_TEXT}",
        f"{SCRYPT}$",
    ],
)
def test_what_is_no_hash_can_not_be_stored_and_matches_nothing(stored: str) -> None:
    assert not is_hash(stored)
    assert not matches(stored, "correct horse")
    assert not matches(stored, stored)


def test_an_empty_password_and_a_short_salt_are_refused() -> None:
    with pytest.raises(ValueError, match="empty password"):
        make("", SALT)
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        make("correct horse", bytes(15))


def test_any_text_can_be_a_password() -> None:
    odd = "\ud800 ✓ \0"
    assert matches(make(odd, SALT), odd)
