"""Whom this machine trusts to issue config keys, as IT, and where IT allows it the user, wrote it down."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.core.errors import BadInput
from app.keys.issuers import LIST_OF_ISSUERS, TrustedIssuers, checked_name, read_bounded, read_issuers, read_object
from app.keys.revocation import LIST, OFFLINE_GRACE
from app.keys.signed import is_signed

if TYPE_CHECKING:
    from app.core.types import Json

REVOKED_FOLDER = "revoked"
MAX_BACKENDS = 100
MAX_LISTS = 100
MAX_GRACE_HOURS = 24 * 365

_FIELDS = {"issuers", "backends", "first_use", "offline_grace_hours", "allow_user_issuers"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TrustedBackend(NamedTuple):
    """A backend whose issuers are trusted. ``url`` has no slash at its end.

    ``certificate_sha256`` is the SHA-256 of its TLS certificate (DER) in lower-case hex, empty for any valid one.
    """

    url: str
    name: str
    certificate_sha256: str = ""


class Trust(NamedTuple):
    """What the files say together. ``first_use``: people may confirm an issuer that nobody pinned.

    ``lists`` are revocation lists from files, not verified yet. ``notes`` are sentences about what was passed over.
    """

    issuers: TrustedIssuers = TrustedIssuers()
    backends: tuple[TrustedBackend, ...] = ()
    first_use: bool = False
    offline_grace: timedelta = OFFLINE_GRACE
    allow_user_issuers: bool = True
    lists: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def backend(self, url: str) -> TrustedBackend | None:
        """The pinned backend at this address."""
        wanted = normalised_url(url)
        return next((one for one in self.backends if one.url == wanted), None)


def load_trust(machine_paths: Sequence[Path], user_paths: Sequence[Path], extra_paths: Sequence[Path] = ()) -> Trust:
    """What the files that exist say; ``extra_paths`` (``--trust``) have to exist.

    IT decides where it wrote a file: unless that says ``"allow_user_issuers": true``, the user's files are passed
    over with a note, and extra ones refused. ``first_use`` is IT's alone to give. Raises BadInput with a sentence.
    """
    machine = [_read(path) for path in machine_paths if path.is_file()]
    trust = _sum(machine)
    trust = trust._replace(allow_user_issuers=all(one.allow_user_issuers for one in machine))
    if extra_paths and not trust.allow_user_issuers:
        raise BadInput("--trust can't be used: this computer's administrator decides which issuers it trusts.")
    users = [path for path in user_paths if path.is_file()]
    if not trust.allow_user_issuers:
        notes = tuple(
            f"{path} is not used, since this computer's administrator decides which issuers it trusts."
            for path in users
        )
        return trust._replace(notes=notes)
    others = _sum([_read(path) for path in (*users, *extra_paths)])
    notes = ("first_use counts in the administrator's file only.",) if others.first_use else ()
    return trust._replace(
        issuers=TrustedIssuers.of([*trust.issuers.issuers, *others.issuers.issuers]),
        backends=(*trust.backends, *(one for one in others.backends if trust.backend(one.url) is None)),
        offline_grace=trust.offline_grace if machine else others.offline_grace,
        lists=(*trust.lists, *others.lists),
        notes=notes,
    )


def normalised_url(url: str) -> str:
    """A backend's address as it is compared: lower-case scheme and host, no slash at the end.

    Raises BadInput for what is no https:// address (http:// for this machine only).
    """
    from urllib.parse import urlsplit

    wrong = BadInput("A backend's address has to begin with https:// and to have no user name, query or fragment.")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise wrong from error
    local = host in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme not in ({"https", "http"} if local else {"https"}) or not host or "@" in parts.netloc:
        raise wrong
    if parts.query or parts.fragment or not url.isprintable() or " " in url.strip():
        raise wrong
    shown = f"[{host}]" if ":" in host else host
    default = 443 if parts.scheme == "https" else 80
    netloc = shown if port in {None, default} else f"{shown}:{port}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"


def _read(path: Path) -> Trust:
    data = read_object(path, LIST_OF_ISSUERS)
    if "keys" in data and "issuers" not in data:
        lists = _lists(path.parent / REVOKED_FOLDER)
        return Trust(issuers=_key_set(data, path), lists=lists, allow_user_issuers=False)
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise BadInput(f"{path} has a field that is not known ({unknown[0][:50]!r}); see docs/config-key.md.")
    flags = {name: data.get(name, False) for name in ("first_use", "allow_user_issuers")}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise BadInput(f"{path}: {name} has to be true or false.")
    return Trust(
        issuers=TrustedIssuers.of(read_issuers(data.get("issuers"), str(path))),
        backends=_backends(data.get("backends", []), path),
        first_use=flags["first_use"] is True,
        offline_grace=_grace(data, path),
        allow_user_issuers=flags["allow_user_issuers"] is True,
        lists=_lists(path.parent / REVOKED_FOLDER),
    )


def _key_set(data: dict[str, Json], path: Path) -> TrustedIssuers:
    """A backend's key set, saved as it came."""
    from app.keys.jwks import read_jwks

    return read_jwks(json.dumps(data), str(path))


def _sum(parts: Sequence[Trust]) -> Trust:
    backends: dict[str, TrustedBackend] = {}
    for one in parts:
        backends = {backend.url: backend for backend in one.backends} | backends
    return Trust(
        issuers=TrustedIssuers.of(issuer for one in parts for issuer in one.issuers.issuers),
        backends=tuple(backends.values()),
        first_use=any(one.first_use for one in parts),
        offline_grace=min((one.offline_grace for one in parts), default=OFFLINE_GRACE),
        lists=tuple(text for one in parts for text in one.lists),
    )


def _grace(data: dict[str, Json], path: Path) -> timedelta:
    hours = data.get("offline_grace_hours", OFFLINE_GRACE.total_seconds() / 3600)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= MAX_GRACE_HOURS:
        raise BadInput(f"{path}: offline_grace_hours has to be a number above 0 and up to {MAX_GRACE_HOURS}.")
    return timedelta(hours=hours)


def _backends(entries: Json, path: Path) -> tuple[TrustedBackend, ...]:
    if not isinstance(entries, list) or len(entries) > MAX_BACKENDS:
        raise BadInput(f"{path}: backends has to be a list of at most {MAX_BACKENDS} entries.")
    return tuple(_backend(entry, path) for entry in entries)


def _backend(entry: Json, path: Path) -> TrustedBackend:
    known = {"url", "name", "certificate_sha256"}
    if not isinstance(entry, dict) or not {"url", "name"} <= set(entry) <= known:
        raise BadInput(f"{path}: each of backends needs url and name, and may have certificate_sha256.")
    url, name, certificate = entry["url"], entry["name"], entry.get("certificate_sha256", "")
    if not isinstance(url, str) or not isinstance(name, str) or not isinstance(certificate, str):
        raise BadInput(f"{path}: url, name and certificate_sha256 of backends have to be texts.")
    digits = certificate.replace(":", "").replace(" ", "").lower()
    if digits and not _SHA256.fullmatch(digits):
        raise BadInput(f"{path}: certificate_sha256 has to have 64 hexadecimal digits.")
    try:
        return TrustedBackend(normalised_url(url), checked_name(name), digits)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _lists(folder: Path) -> tuple[str, ...]:
    paths = sorted(folder.glob("*.jws"))[: MAX_LISTS + 1] if folder.is_dir() else []
    if len(paths) > MAX_LISTS:
        raise BadInput(f"{folder} holds more than {MAX_LISTS} revocation lists; keep the newest of each issuer.")
    found = []
    for path in paths:
        text = os.fsdecode(read_bounded(path, LIST.name)).strip()
        if not is_signed(text):
            raise BadInput(f"{path} is not a {LIST.name}; replace it with one that invigil key revoke wrote.")
        found.append(text)
    return tuple(found)
