"""How learning platforms prove who they are: the vendors' signatures, and our own over whole requests.

Signatures are compared in constant time with ``same``. docs/lms.md describes each for those who have to make one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

CLOCK_WINDOW_S = 300
"""How far a signed request's time may be from the server's, either way."""

_METTL_ROUNDS = 1001
_METTL_BYTES = 25
_QUERY_FIELDS_MAX = 100
_UNRESERVED = "-._~"


def same(given: str, expected: str) -> bool:
    """Whether two signatures are equal, in a time that says nothing of where they differ."""
    return hmac.compare_digest(given.encode(), expected.encode())


def mettl_signature(signed: bytes, private_key: str) -> str:
    """Mettl's: PBKDF2-HMAC-SHA1 of ``signed`` with the private key as salt, 1001 rounds, 25 bytes, upper-case hex."""
    derived = hashlib.pbkdf2_hmac("sha1", signed, private_key.encode(), _METTL_ROUNDS, _METTL_BYTES)
    return derived.hex().upper()


def mettl_get_text(host_and_path: str, parameters: Mapping[str, str]) -> bytes:
    """What Mettl's integrators sign for a GET: the verb, host and path with a closing slash, then the parameters'
    values in the order of their names, with a line break between values. (For a POST it is the exact body.)
    """
    values = "\n".join(parameters[name] for name in sorted(parameters))
    return f"GET{host_and_path.rstrip('/')}/{values}".encode()


def canonical_query(query: str) -> str:
    """The parameters of a query, decoded, percent-encoded again (RFC 3986) and sorted by name, then value.

    ValueError for a query that is not UTF-8 or has more than 100 parameters.
    """
    pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_QUERY_FIELDS_MAX)
    encoded = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_request(method: str, path: str, query: str, body: bytes, timestamp_s: int) -> bytes:
    """What our own signature covers: five lines, joined by line breaks. ValueError as ``canonical_query``."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join((method.upper(), path, canonical_query(query), digest, str(timestamp_s))).encode()


def request_signature(canonical: bytes, private_key: str) -> str:
    """HMAC-SHA256 with the private key's text, as lower-case hex."""
    return hmac.new(private_key.encode(), canonical, hashlib.sha256).hexdigest()


def attempt_hash_fits(given: str, attempt_id: str, client_secret: str) -> bool:
    """Whether ``given`` is AutoProctor's hash of an attempt's id: HMAC-SHA256, in base64 or in hex of either case."""
    digest = hmac.new(client_secret.encode(), attempt_id.encode(), hashlib.sha256).digest()
    in_base64 = same(given, base64.b64encode(digest).decode("ascii"))
    in_hex = same(given.lower(), digest.hex())
    return in_base64 or in_hex
