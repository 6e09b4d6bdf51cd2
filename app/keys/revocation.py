"""Which keys their issuers have taken back: signed lists, and how long they may be relied on without the network.

Nothing here reads files, the network or the clock. The form of a list is described in docs/config-key.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from app.core.errors import BadInput
from app.keys.signed import KeyRefused, Kind, claims_unverified, header_of, sign, verified

if TYPE_CHECKING:
    from app.core.types import Json
    from app.keys.issuers import Issuer, TrustedIssuer, TrustedIssuers

LIST = Kind("revocation list", "invigil-revoked+jws", 1_000_000)
VERSION = 1
MAX_ENTRIES = 5000
MAX_REASON = 200
OFFLINE_GRACE = timedelta(days=7)

_FIELDS = {"jti", "kid", "at", "reason"}


class Revoked(NamedTuple):
    """Either one key (``jti``) or all keys of one signing key (``kid``); the other is empty."""

    at: datetime
    jti: str = ""
    kid: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Json]:
        named: dict[str, Json] = {"jti": self.jti} if self.jti else {"kid": self.kid}
        return named | {"at": int(self.at.timestamp()), "reason": self.reason}


class RevocationList(NamedTuple):
    """A list whose signature was checked. A newer one of the same ``kid`` has a higher serial and replaces it."""

    issuer_name: str
    kid: str
    serial: int
    issued: datetime
    entries: tuple[Revoked, ...]
    token: str


class Revocations(NamedTuple):
    """What is known to be revoked.

    ``asked`` says by ``kid`` of an issuer when a pinned backend was last asked for its lists, None where it never
    was. Issuers that are not in it depend on no backend: what is known of them does not age.
    """

    lists: tuple[RevocationList, ...] = ()
    asked: Mapping[str, datetime | None] = MappingProxyType({})
    grace: timedelta = OFFLINE_GRACE

    def refusal(self, issuer: TrustedIssuer, key_id: str, now: datetime) -> str | None:
        """Why a key of this issuer is refused, as a sentence; None when nothing is known against it."""
        for entry in self._against(issuer):
            if key_id == entry.jti or issuer.kid == entry.kid:
                what = "This key was" if entry.jti else "All keys that were signed as this one is were"
                reason = f" ({entry.reason})" if entry.reason else ""
                return f"{what} revoked by {issuer.name} on {_words(entry.at)}{reason}; ask for a new one."
        return self._too_old(issuer, now)

    def _against(self, issuer: TrustedIssuer) -> Iterable[Revoked]:
        return (entry for one in self.lists if one.issuer_name == issuer.name for entry in one.entries)

    def _too_old(self, issuer: TrustedIssuer, now: datetime) -> str | None:
        if issuer.kid not in self.asked:
            return None
        asked = self.asked[issuer.kid]
        if asked is None:
            return (
                "This machine could not ask yet whether this key was revoked; "
                "connect it to the network and open the key again."
            )
        if now - asked > self.grace:
            return (
                f"This machine could not ask since {_words(asked)} whether this key was revoked; "
                "connect it to the network and open the key again."
            )
        return None


NO_REVOCATIONS = Revocations()


def make_list(entries: Sequence[Revoked], issuer: Issuer, *, now: datetime, serial: int) -> str:
    """A signed list. Raises BadInput for more entries or longer reasons than anyone would accept."""
    for entry in entries:
        if bool(entry.jti) == bool(entry.kid) or not _is_line(entry.reason) or not _is_line(entry.jti + entry.kid):
            raise BadInput(
                f"A revocation needs one key or issuer, and a reason of one line up to {MAX_REASON} characters."
            )
    if len(entries) > MAX_ENTRIES:
        raise BadInput(f"A revocation list can have at most {MAX_ENTRIES} entries; leave out keys that have expired.")
    claims: dict[str, Json] = {
        "iss": issuer.name,
        "iat": int(now.timestamp()),
        "serial": serial,
        "version": VERSION,
        "revoked": [entry.to_json() for entry in entries],
    }
    return sign(claims, issuer, LIST)


def read_list(text: str, issuers: TrustedIssuers) -> RevocationList:
    """The checked list. Raises KeyRefused with a sentence."""
    token = text.strip()
    issuer, claims = verified(token, issuers, LIST)
    wrong = KeyRefused("This revocation list is not in the form that docs/config-key.md describes; ask for a new one.")
    serial, issued, entries = claims.get("serial"), _time(claims.get("iat")), claims.get("revoked")
    if claims.get("version") != VERSION:
        raise KeyRefused("This revocation list has another format than this client knows; update Invigil.")
    if type(serial) is not int or not 0 <= serial < 2**63 or issued is None:
        raise wrong
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise wrong
    found = [_entry(entry) for entry in entries]
    read = tuple(entry for entry in found if entry is not None)
    if len(read) != len(found):
        raise wrong
    return RevocationList(issuer.name, issuer.kid, serial, issued, read, token)


def kid_of_list(text: str) -> str:
    """Whose list it says it is; nothing is proven. Raises KeyRefused."""
    return str(header_of(text.strip(), LIST)["kid"])


def serial_unverified(text: str) -> int:
    """The serial that a list claims, -1 for none; nothing is proven. Raises KeyRefused."""
    serial = claims_unverified(text.strip(), LIST).get("serial")
    return serial if type(serial) is int else -1


def newer(known: RevocationList | None, offered: RevocationList) -> RevocationList:
    """The list to keep of two of the same ``kid``. Raises KeyRefused when the offered one is older, or is another one
    of the same serial: someone may be hiding what was revoked since.
    """
    if known is None or offered.serial > known.serial or offered.token == known.token:
        return offered
    if offered.serial == known.serial and offered.entries == known.entries:
        return known
    raise KeyRefused(
        f"This revocation list of {offered.issuer_name} (serial {offered.serial}) is older than the known one "
        f"(serial {known.serial}) or contradicts it; use the newest list."
    )


def newest(lists: Iterable[RevocationList]) -> tuple[RevocationList, ...]:
    """Of each signing key the list with the highest serial."""
    best: dict[str, RevocationList] = {}
    for one in lists:
        if one.kid not in best or one.serial > best[one.kid].serial:
            best[one.kid] = one
    return tuple(best.values())


def _entry(data: Json) -> Revoked | None:
    if not isinstance(data, dict) or len({"jti", "kid"} & set(data)) != 1 or not set(data) <= _FIELDS:
        return None
    at, reason = _time(data.get("at")), data.get("reason", "")
    named = data.get("jti", data.get("kid"))
    if at is None or not isinstance(reason, str) or not isinstance(named, str) or not named:
        return None
    if not _is_line(reason) or not _is_line(named):
        return None
    return Revoked(at, jti=named, reason=reason) if "jti" in data else Revoked(at, kid=named, reason=reason)


def _is_line(text: str) -> bool:
    return len(text) <= MAX_REASON and text.isprintable()


def _time(value: Json) -> datetime | None:
    if type(value) is not int or not 0 <= value < 2**35:
        return None
    return datetime.fromtimestamp(value, UTC)


def _words(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
