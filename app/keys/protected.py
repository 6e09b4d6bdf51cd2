"""A password around a secret text: JWE with PBES2 (RFC 7518, section 4.8). See docs/config-key.md.

Config keys are protected so when they travel, issuers' private keys where they are kept.
"""

from __future__ import annotations

import base64
import functools
import re
import unicodedata
from typing import TYPE_CHECKING

from app.core.errors import BadInput
from app.keys.signed import KeyRefused, Kind, json_object

if TYPE_CHECKING:
    from joserfc.jwe import JWERegistry
    from joserfc.jwk import OctKey

    from app.core.types import Json

ALGORITHM = "PBES2-HS512+A256KW"
ENCRYPTION = "A256GCM"
ITERATIONS = 210_000
"""PBKDF2-HMAC-SHA512, as OWASP's password storage cheat sheet recommends it."""
ACCEPTED_ITERATIONS = (100_000, 2_000_000)
"""Fewer are too easily guessed; more would only keep this computer busy."""
MIN_PASSWORD = 8
MIN_SALT_BYTES = 16

KEY = Kind("key", "invigil-key+jwe", 400_000)
KEY_CONTENT = "invigil-key+jws"

_TOKEN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){4}")
_FIELDS = {"alg", "enc", "typ", "cty", "p2s", "p2c"}
_SALT = re.compile(r"[A-Za-z0-9_-]{22,128}")


class WrongPassword(KeyRefused):
    """The only refusal that counts as a try."""


def protect(token: str, password: str) -> str:
    """A config key that opens with a password only. Raises BadInput for a password that is too short."""
    return wrap(token.encode(), password, KEY, KEY_CONTENT)


def is_protected(text: str) -> bool:
    """Whether a text has the shape of an encrypted token."""
    return _TOKEN.fullmatch(text) is not None


def unprotect(text: str, password: str) -> str:
    """The config key inside, which is still to be verified. Raises WrongPassword, and KeyRefused for all else."""
    try:
        return unwrap(text, password, KEY, KEY_CONTENT).decode("ascii")
    except UnicodeDecodeError as error:
        raise KeyRefused("This key is protected, but there is no key inside; ask its issuer for a new one.") from error


def key_subject(text: str) -> str:
    """Names a protected key where tries are counted, without saying anything of it. Raises KeyRefused.

    By nothing but what a password is checked against: whoever changes another byte of the key gets no new tries.
    """
    import hashlib

    header = protected_header(text)
    salt, locked = _bytes(str(header["p2s"])), _bytes(text.split(".")[1])
    return hashlib.sha256(salt + b"." + locked).hexdigest()


def wrap(content: bytes, password: str, kind: Kind, cty: str, iterations: int = ITERATIONS) -> str:
    """``content`` under a password. Raises BadInput for a short password or when the result is larger than allowed."""
    from joserfc import jwe

    if len(unicodedata.normalize("NFC", password)) < MIN_PASSWORD:
        raise BadInput(f"The password is too short; give one of at least {MIN_PASSWORD} characters.")
    header = {"alg": ALGORITHM, "enc": ENCRYPTION, "typ": kind.typ, "cty": cty, "p2c": iterations}
    text = jwe.encrypt_compact(header, content, _oct_key(password), registry=_registry())
    if len(text) > kind.max_bytes:
        raise BadInput(f"The {kind.name} would be {len(text)} bytes long; it may have at most {kind.max_bytes}.")
    return text


def unwrap(text: str, password: str, kind: Kind, cty: str) -> bytes:
    """What is under the password. Raises WrongPassword, and KeyRefused for all else.

    The number of iterations is bounded before any is made: at most about two seconds on a slow computer.
    """
    from joserfc import jwe
    from joserfc.errors import JoseError

    protected_header(text, kind, cty)
    if not password:
        raise WrongPassword("The password is empty; type the one that you were given.")
    try:
        opened = jwe.decrypt_compact(text, _oct_key(password), registry=_registry()).plaintext
    except (JoseError, ValueError) as error:
        raise KeyRefused(f"This {kind.name} was altered or damaged; ask for a new one.") from error
    return opened or b""


def protected_header(text: str, kind: Kind = KEY, cty: str = KEY_CONTENT) -> dict[str, Json]:
    """The header of what can be opened with a password here, if it is the right one. Raises KeyRefused."""
    this = f"This {kind.name}"
    if len(text) > kind.max_bytes:
        raise KeyRefused(f"{this} is larger than {kind.max_bytes // 1000} kB; ask for a new one.")
    if not is_protected(text):
        raise KeyRefused(f"This is not a {kind.name} with a password; use the whole file, link or text.")
    part = text.partition(".")[0]
    try:
        header = json_object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode())
    except ValueError as error:
        raise KeyRefused(f"{this} is damaged; use the whole file, link or text that you were sent.") from error
    if (header.get("typ"), header.get("cty")) != (kind.typ, cty):
        raise KeyRefused(f"This is an encrypted token, but not an Invigil {kind.name}; use the one that you were sent.")
    if (header.get("alg"), header.get("enc")) != (ALGORITHM, ENCRYPTION):
        raise KeyRefused(f"{this} is encrypted in a way that is not accepted; it has to be {ALGORITHM}, {ENCRYPTION}.")
    salt, iterations = header.get("p2s"), header.get("p2c")
    if set(header) != _FIELDS or not isinstance(salt, str) or not _SALT.fullmatch(salt):
        raise KeyRefused(f"{this} has a header that is not accepted; ask for a new one.")
    least, most = ACCEPTED_ITERATIONS
    if type(iterations) is not int or not least <= iterations <= most:
        raise KeyRefused(f"{this} asks for a number of iterations (p2c) outside {least} to {most}; ask for a new one.")
    return header


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise KeyRefused("This key is damaged; use the whole file, link or text that you were sent.") from error


def _oct_key(password: str) -> OctKey:
    """The password as UTF-8 in normal form C, so that it is the same bytes on every system it is typed on."""
    from joserfc.jwk import OctKey

    raw = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return OctKey(raw, raw)


@functools.cache
def _registry() -> JWERegistry:
    """joserfc's rules with room for a policy, our one algorithm, and a wrong password told apart from damage."""
    from joserfc.errors import DecodeError
    from joserfc.jwa import AESAlgKeyWrapping, JWEAlgModel, JWEEncModel, PBES2HSAlgKeyEncryption
    from joserfc.jwe import JWERegistry, Recipient
    from joserfc.registry import HeaderParameter

    class Algorithm(PBES2HSAlgKeyEncryption):
        def __init__(self) -> None:
            super().__init__(512, AESAlgKeyWrapping(256))
            self.more_header_registry = {
                "p2s": HeaderParameter("PBES2 Salt Input", "str", True),
                "p2c": HeaderParameter("PBES2 Count", "int", True),
            }

        def decrypt_cek(self, recipient: Recipient[OctKey]) -> bytes:
            try:
                return super().decrypt_cek(recipient)
            except DecodeError as error:
                raise WrongPassword("The password is wrong; type it exactly as it was given to you.") from error

    algorithm = Algorithm()

    class Registry(JWERegistry):
        max_ciphertext_length = KEY.max_bytes

        def get_alg(self, name: str) -> JWEAlgModel:
            return algorithm

        def get_enc(self, name: str) -> JWEEncModel:
            return self.algorithms["enc"][ENCRYPTION]

    return Registry()
