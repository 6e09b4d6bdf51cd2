"""What this machine has learned beyond its files: key sets and revocation lists of pinned backends, with the time
when they were fetched, and issuers that the person confirmed at their first use.

Lists are verified each time they are used, by issuers that ``known`` names, and what was fetched from a backend that is
not pinned any more is passed over. A key set has no signature: it is believed as it was kept in the user's folder until
the backend answers again, which docs/config-key.md tells IT.
"""

from __future__ import annotations

import contextlib
import json
import os
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.core.errors import BadInput
from app.keys.issuers import TrustedIssuer, TrustedIssuers, fingerprint, read_bounded, read_issuers
from app.keys.jwks import read_jwks, to_jwks
from app.keys.revocation import RevocationList, Revocations, kid_of_list, newer, newest, read_list
from app.keys.signed import KeyRefused, json_object, verified
from app.keys.tokens import KIND, read_header
from app.keys.trust import Trust, TrustedBackend, normalised_url

if TYPE_CHECKING:
    from app.core.types import Json

MAX_FILE_BYTES = 20_000_000


class Known(NamedTuple):
    """All that ``read_key`` needs."""

    issuers: TrustedIssuers
    revoked: Revocations


class FirstUse(NamedTuple):
    """An issuer whom only the backend behind a code or link vouches for. ``name`` is the issuer's own word.

    ``fingerprint`` is that of the public key, to be compared with what the institution published.
    """

    issuer: TrustedIssuer
    backend: str
    fingerprint: str

    @property
    def name(self) -> str:
        return self.issuer.name


class _Fetched(NamedTuple):
    """What one backend said: its issuers, its lists, and when each was last fetched."""

    issuers: TrustedIssuers = TrustedIssuers()
    lists: tuple[str, ...] = ()
    asked: datetime | None = None


class TrustStore:
    """A folder of the user's. A file that is missing or damaged counts as never fetched. Any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save_jwks(self, backend: TrustedBackend, data: bytes) -> TrustedIssuers:
        """Keeps a pinned backend's key set as it was just fetched. Raises BadInput when it can't be used."""
        issuers = read_jwks(data, f"The key set of {backend.url}")
        before = self._fetched(backend)
        self._write(backend, _Fetched(issuers, before.lists, before.asked))
        return issuers

    def save_revocations(self, backend: TrustedBackend, lists: Sequence[str], trust: Trust, now: datetime) -> None:
        """Keeps the lists as they were just fetched, an empty answer too, and counts the backend as asked.

        Lists of issuers that are not trusted here are passed over. A list that is older than the one known before
        is refused: raises KeyRefused, and the backend does not count as asked.
        """
        issuers = self.known(trust).issuers
        before = self._fetched(backend)
        kept = {one.kid: one for one in _verified_lists(before.lists, issuers)}
        for text in lists:
            if issuers.find(kid_of_list(text)) is not None:
                offered = read_list(text, issuers)
                kept[offered.kid] = newer(kept.get(offered.kid), offered)
        self._write(backend, _Fetched(before.issuers, tuple(one.token for one in kept.values()), now))

    def known(self, trust: Trust) -> Known:
        """Issuers from files, from pinned backends and, where IT allows it, from first use; and what is revoked.

        Issuers that a backend named need that backend to have been asked for revocations lately. Those from files
        need any of the pinned backends; without any, nothing of theirs ages.
        """
        fetched = {backend.url: self._fetched(backend) for backend in trust.backends}
        asked: dict[str, datetime | None] = {}
        if fetched:
            latest = max((one.asked for one in fetched.values() if one.asked is not None), default=None)
            asked = {issuer.kid: latest for issuer in trust.issuers.issuers}
        issuers = list(trust.issuers.issuers)
        for one in fetched.values():
            for issuer in one.issuers.issuers:
                if issuer.kid not in asked:
                    issuers.append(issuer)
                    asked[issuer.kid] = one.asked
        known_kids = {issuer.kid for issuer in issuers}
        if trust.first_use:
            issuers += [issuer for issuer in self.remembered() if issuer.kid not in known_kids]
        all_issuers = TrustedIssuers.of(issuers)
        texts = [*trust.lists, *(text for one in fetched.values() for text in one.lists)]
        lists = newest(_verified_lists(texts, all_issuers))
        return Known(all_issuers, Revocations(lists, asked, trust.offline_grace))

    def remember(self, asked: FirstUse) -> None:
        """The person compared the fingerprint and said yes. Raises BadInput when it can't be kept."""
        known = [issuer for issuer in self.remembered() if issuer.kid != asked.issuer.kid]
        self._save("remembered.json", TrustedIssuers.of([*known, asked.issuer]).to_json())

    def remembered(self) -> list[TrustedIssuer]:
        """The issuers that the person confirmed; they count only while ``Trust.first_use`` is set."""
        data = self._load("remembered.json")
        with contextlib.suppress(BadInput):
            return read_issuers(data.get("issuers"), "remembered.json") if data else []
        return []

    def _fetched(self, backend: TrustedBackend) -> _Fetched:
        data = self._load(_file_name(backend))
        if data.get("url") != backend.url:
            return _Fetched()
        issuers, lists, asked = TrustedIssuers(), data.get("lists"), data.get("asked")
        with contextlib.suppress(BadInput):
            issuers = read_jwks(json.dumps(data.get("jwks")))
        return _Fetched(
            issuers,
            tuple(text for text in lists if isinstance(text, str)) if isinstance(lists, list) else (),
            datetime.fromtimestamp(asked, UTC) if type(asked) is int and 0 <= asked < 2**35 else None,
        )

    def _write(self, backend: TrustedBackend, fetched: _Fetched) -> None:
        data: dict[str, Json] = {
            "url": backend.url,
            "jwks": to_jwks(fetched.issuers),
            "lists": list(fetched.lists),
            "asked": None if fetched.asked is None else int(fetched.asked.timestamp()),
        }
        self._save(_file_name(backend), data)

    def _load(self, name: str) -> dict[str, Json]:
        try:
            return json_object(read_bounded(self._folder / name, "store", MAX_FILE_BYTES))
        except (BadInput, ValueError):
            return {}

    def _save(self, name: str, data: dict[str, Json]) -> None:
        path, text = self._folder / name, json.dumps(data)
        if len(text) > MAX_FILE_BYTES:
            raise BadInput(f"What was fetched is larger than {MAX_FILE_BYTES // 1_000_000} MB; ask for shorter lists.")
        part = path.with_name(f"{name}.{os.getpid()}.tmp")
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder.mkdir(exist_ok=True, mode=0o700)
            part.write_text(text, encoding="ascii")
            part.replace(path)
        except OSError as error:
            raise BadInput(f"{path} can't be written ({error.strerror}); free room on that disk.") from error


def default_store_folder() -> Path:
    """In the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("invigil", appauthor=False)) / "trust"


def first_use(token: str, offered: TrustedIssuers, backend_url: str, trust: Trust, known: Known) -> FirstUse | None:
    """What to ask the person before a key of an unknown issuer is opened; None when its issuer is known.

    ``offered`` is the key set of the backend that the code or session link names: the token's own header holds only
    the key's thumbprint. Raises KeyRefused: IT does not allow it, the backend does not know the issuer either, the
    signature does not fit, or the name belongs to an issuer that is known with another key.
    """
    try:
        verified(token, known.issuers, KIND)
    except KeyRefused:
        if known.issuers.find(str(read_header(token)["kid"])) is not None or not trust.first_use:
            raise
    else:
        return None
    issuer, _ = verified(token, offered, KIND)
    if any(_seen(other.name) == _seen(issuer.name) for other in known.issuers.issuers):
        raise KeyRefused(
            f"This key says that it comes from {issuer.name!r}, whom this machine knows with another key; "
            "ask the institution whether it changed its key."
        )
    return FirstUse(issuer, normalised_url(backend_url), fingerprint(issuer.kid))


def _seen(name: str) -> str:
    """A name as people read it: neither capitals, wide or joined letters, nor spaces make another one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _verified_lists(texts: Sequence[str], issuers: TrustedIssuers) -> list[RevocationList]:
    found = []
    for text in texts:
        with contextlib.suppress(KeyRefused):
            found.append(read_list(text, issuers))
    return found


def _file_name(backend: TrustedBackend) -> str:
    import hashlib

    return f"backend-{hashlib.sha256(backend.url.encode()).hexdigest()[:32]}.json"
