"""What is around the settings of a .seb file: gzip, a prefix of four letters, a password, and gzip again.

Source: safeexambrowser.org, "SEB File Format". A bare XML property list is a .seb file as well.
Nothing grows beyond ``MAX_BYTES``, however well it is compressed.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Literal, cast

from app.core.errors import BadInput
from app.keys.protected import WrongPassword
from app.keys.seb import rncryptor

MAX_BYTES = 16 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_PLAIN = b"plnd"
_PASSWORDS = (b"pswd", b"pwcc")
_CERTIFICATES = (b"pkhs", b"phsk")


class PasswordNeeded(BadInput):
    """The file can't be read without its password, and none was given."""


@dataclass(frozen=True, slots=True, repr=False)
class Locked:
    """What a password opens. ``pswd`` is a file for an exam, ``pwcc`` one that configures a client."""

    kind: Literal["pswd", "pwcc"]
    sealed: bytes

    def unlock(self, password: str | None) -> bytes:
        """The settings' XML. A client's file without a password opens without asking for one.

        Raises PasswordNeeded, WrongPassword (also for an altered file), and BadInput for what is no .seb file.
        """
        for tried in self._passwords(password):
            content = rncryptor.decrypt(self.sealed, tried)
            if content is not None:
                return _xml(content)
        if password is None:
            raise PasswordNeeded("This .seb file is protected with a password; give the password.")
        raise WrongPassword("The password is wrong, or the .seb file is damaged; type it as it was given to you.")

    def _passwords(self, password: str | None) -> list[str]:
        """Client configurations are encrypted with the SHA-256 of the admin password, and without one with nothing."""
        if self.kind == "pswd":
            return [] if password is None else [password]
        if password:
            return [_hashed(password)]
        return ["", _hashed("")]


def opened(data: bytes) -> bytes | Locked:
    """The settings' XML, or what has to be unlocked first. Raises BadInput with one sentence."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"This .seb file is larger than {MAX_BYTES // 1_048_576} MB; it can't be one.")
    block = _unpacked(data)
    prefix = block[:4]
    if prefix in _CERTIFICATES:
        raise BadInput(
            "This .seb file is encrypted for a certificate, whose private key is on the exam computers only; "
            "save it in Safe Exam Browser with a password instead."
        )
    if prefix in _PASSWORDS:
        return Locked(cast(Literal["pswd", "pwcc"], prefix.decode("ascii")), block[4:])
    return _xml(block[4:]) if prefix == _PLAIN else _checked_xml(block)


def _hashed(password: str) -> str:
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).hexdigest()


def _xml(content: bytes) -> bytes:
    return _checked_xml(_unpacked(content))


def _checked_xml(text: bytes) -> bytes:
    text = text.removeprefix(_BOM).lstrip(_SPACE)
    if not text:
        raise BadInput("This .seb file is empty; get it again.")
    if text.startswith(b"bplist"):
        raise BadInput("This .seb file holds a binary property list; save it again with Safe Exam Browser, as XML.")
    if not text.startswith(b"<"):
        raise BadInput("This is not a file of Safe Exam Browser; give a .seb file.")
    return text


def _unpacked(data: bytes) -> bytes:
    """``data`` out of its gzip wrapper, if it has one. Zeros after it are padding."""
    if not data.startswith(_GZIP):
        return data
    stream = zlib.decompressobj(wbits=31)
    try:
        found = stream.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise BadInput("This .seb file is damaged: it can't be decompressed; get it again.") from error
    if len(found) > MAX_BYTES:
        raise BadInput(f"This .seb file holds more than {MAX_BYTES // 1_048_576} MB; it can't be one.")
    if not stream.eof:
        raise BadInput("This .seb file is damaged: it is cut off; get the whole file again.")
    if stream.unused_data.strip(b"\0"):
        raise BadInput("This .seb file is damaged: something follows its end; get it again.")
    return found
