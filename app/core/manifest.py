"""The hash-chained manifest: canonical form, entries, the check of a whole chain, and the seal.

Entries are hashed over their RFC 8785 (JSON Canonicalization Scheme) form. RFC 8785
numbers are IEEE 754 doubles, exact for integers only to 2**53 - 1, which nanoseconds
since 1970 exceed; so every ``*_ns`` value in the manifest is a string of decimal digits.
The format is written down in docs/evidence.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import rfc8785

from app.core.errors import EvidenceError
from app.core.types import Entry, EntryKind, Gap, GapCause, Instant, Json, Segment, Stream

GENESIS = "0" * 64
"""``prev`` of the first entry."""

SEAL_ALGORITHM = "Ed25519"

_INEXACT_FROM = 2**53
_DIGITS = re.compile(r"0|[1-9][0-9]{0,29}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


def canonical(value: Mapping[str, Json]) -> bytes:
    """The RFC 8785 form. Raises EvidenceError for what it can't hold: integers from 2**53 on, NaN, lone surrogates."""
    try:
        return rfc8785.dumps(dict(value))
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"An evidence entry can't be written down: {error}.") from error


# ---- values of bodies


def instant_to_json(at: Instant) -> dict[str, Json]:
    return {"mono_ns": str(at.mono_ns), "utc_ns": str(at.utc_ns), "boot_id": at.boot_id}


def instant_from_json(value: Json) -> Instant:
    """Raises EvidenceError when it is anything but what ``instant_to_json`` writes."""
    fields = _object(value, {"mono_ns", "utc_ns", "boot_id"}, "a time")
    return Instant(
        _nanoseconds(fields["mono_ns"]), _nanoseconds(fields["utc_ns"]), _text(fields["boot_id"], "a boot id")
    )


def segment_to_body(segment: Segment) -> dict[str, Json]:
    return {
        "stream": segment.stream.value,
        "start": instant_to_json(segment.start),
        "end": instant_to_json(segment.end),
        "sha256": segment.sha256,
        "size_bytes": segment.size_bytes,
        "mime": segment.mime,
        "frames": segment.frames,
    }


def gap_to_body(gap: Gap) -> dict[str, Json]:
    return {
        "stream": gap.stream.value,
        "start": instant_to_json(gap.start),
        "end": instant_to_json(gap.end),
        "cause": gap.cause.value,
        "count": gap.count,
    }


def gap_from_body(body: Mapping[str, Json]) -> Gap:
    """The gap that a GAP entry records. Raises EvidenceError when the body holds something else."""
    try:
        count = body["count"]
        return Gap(
            Stream(str(body["stream"])),
            instant_from_json(body["start"]),
            instant_from_json(body["end"]),
            GapCause(str(body["cause"])),
            count if isinstance(count, int) else 0,
        )
    except (KeyError, ValueError) as error:
        raise EvidenceError(f"A gap's entry can't be read: {error}.") from error


# ---- entries


def make_entry(prev_hash: str, seq: int, kind: EntryKind, at: Instant, body: Mapping[str, Json]) -> Entry:
    """The entry that follows ``prev_hash``. ``seq`` counts from 1. Raises EvidenceError when the body can't be canonical."""
    return Entry(seq, kind, at, body, prev_hash, entry_hash(seq, kind, at, body, prev_hash))


def entry_hash(seq: int, kind: EntryKind, at: Instant, body: Mapping[str, Json], prev: str) -> str:
    return hashlib.sha256(canonical(_fields(seq, kind, at, body, prev))).hexdigest()


def entry_to_json(entry: Entry) -> str:
    """One line of the manifest, without its line end: the canonical form with ``hash``."""
    fields = _fields(entry.seq, entry.kind, entry.at, entry.body, entry.prev)
    return canonical({**fields, "hash": entry.hash}).decode("utf-8")


def entry_from_json(line: str) -> Entry:
    """Reads one line. Strict: exactly the known fields, and the line is in canonical form, byte for byte.

    The hash is not checked here (``verify_chain`` does). Raises EvidenceError.
    """
    fields = _object(_parse(line), {"seq", "kind", "at", "body", "prev", "hash"}, "an entry")
    seq, kind, body = fields["seq"], fields["kind"], fields["body"]
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 1:
        raise EvidenceError("The entry's number is not a whole number from 1.")
    if not isinstance(kind, str) or kind not in set(EntryKind):
        raise EvidenceError("The entry's kind is not known.")
    if not isinstance(body, dict):
        raise EvidenceError("The entry's body is not an object.")
    at = instant_from_json(fields["at"])
    entry = Entry(seq, EntryKind(kind), at, body, _sha256(fields["prev"]), _sha256(fields["hash"]))
    if entry_to_json(entry) != line:
        raise EvidenceError("The line is not in canonical form.")
    return entry


def _fields(seq: int, kind: EntryKind, at: Instant, body: Mapping[str, Json], prev: str) -> dict[str, Json]:
    return {"seq": seq, "kind": kind.value, "at": instant_to_json(at), "body": dict(body), "prev": prev}


# ---- the chain


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """``head`` is the hash of the last good entry. ``first_bad_seq`` is the number of the first entry that is not
    the one that belongs at its place (counting from 1), None when the chain is whole."""

    ok: bool
    entries: int
    head: str
    first_bad_seq: int | None = None
    reason: str = ""


def verify_chain(entries: Iterable[Entry], head: str | None = None) -> ChainVerdict:
    """Finds the first changed, removed, moved or inserted entry.

    ``head`` is the hash that the last entry must have, where it is known (a signed seal); without it nobody can
    see that entries are missing at the end. What an entry's successor says of it outweighs the entry itself, since
    the seal at the end vouches for the successor.
    """
    chain = list(entries)
    last = GENESIS
    for place, entry in enumerate(chain, start=1):
        bad = _bad_at(chain, place, last)
        if bad is not None:
            return ChainVerdict(False, len(chain), last, *bad)
        last = entry.hash
    if head is not None and last != head:
        return ChainVerdict(False, len(chain), last, *_bad_head(chain, head))
    return ChainVerdict(True, len(chain), last)


def _bad_at(chain: Sequence[Entry], place: int, last: str) -> tuple[int, str] | None:
    entry = chain[place - 1]
    before = chain[place - 2] if place > 1 else None
    if entry.seq != place:
        return _misplaced(entry, before, place)
    if entry_hash(entry.seq, entry.kind, entry.at, entry.body, entry.prev) != entry.hash:
        return place, "the entry was changed: its content does not have its recorded hash"
    if entry.prev != last:
        if before is None:
            return place, "the first entry claims to follow another"
        return place - 1, f"the entry is not the one that entry {place} follows: it was replaced"
    if before is not None and before.kind is EntryKind.SEAL:
        return place, "the entry was added after the seal"
    if entry.kind is EntryKind.SEAL and not _counts_agree(entry, chain[: place - 1]):
        return place, "the seal does not agree with the entries before it"
    return None


def _misplaced(entry: Entry, before: Entry | None, place: int) -> tuple[int, str]:
    if entry.seq > place:
        return place, f"the entry is missing: entry {entry.seq} stands in its place"
    if before is not None and (entry.seq, entry.prev) == (before.seq, before.prev) and entry.hash != before.hash:
        return before.seq, "the entry was inserted: another one has its number"
    return place, f"entry {entry.seq} stands in its place: it was inserted or moved"


def _bad_head(chain: Sequence[Entry], head: str) -> tuple[int, str]:
    for place, entry in enumerate(chain, start=1):
        if entry.hash == head:
            return place + 1, "the entry was added after the seal"
    if chain and chain[-1].kind is EntryKind.SEAL:
        return len(chain), "the seal entry is not the one that was signed"
    return len(chain) + 1, "the entry is missing: the chain ends before its signed end"


# ---- the seal


@dataclass(frozen=True, slots=True)
class Seal:
    """The detached signature over the hash of the SEAL entry (its 32 bytes). All hex, lower case."""

    head: str
    signature: str
    public_key: str
    algorithm: str = SEAL_ALGORITHM


def seal_body(entries: Sequence[Entry], public_key: str) -> dict[str, Json]:
    """The body of the SEAL entry that follows ``entries``: how many there are by kind and by stream, and their head."""
    kinds: dict[str, Json] = {}
    streams: dict[str, dict[str, Json]] = {}
    for entry in entries:
        kind = entry.kind.value
        _count(kinds, kind)
        stream = entry.body.get("stream")
        if isinstance(stream, str):
            _count(streams.setdefault(stream, {}), kind)
    return {
        "entries": len(entries),
        "kinds": kinds,
        "streams": dict(streams),
        "head": entries[-1].hash if entries else GENESIS,
        "public_key": public_key,
    }


def seal_to_json(seal: Seal) -> str:
    fields: dict[str, Json] = {
        "head": seal.head,
        "signature": seal.signature,
        "public_key": seal.public_key,
        "algorithm": seal.algorithm,
    }
    return canonical(fields).decode("utf-8")


def seal_from_json(text: str) -> Seal:
    """Strict, canonical form like entries; the signature is not checked here. Raises EvidenceError."""
    fields = _object(_parse(text), {"head", "signature", "public_key", "algorithm"}, "a seal")
    if fields["algorithm"] != SEAL_ALGORITHM:
        raise EvidenceError(f"The seal's algorithm is not {SEAL_ALGORITHM}.")
    seal = Seal(_sha256(fields["head"]), _hex(fields["signature"], 64), _hex(fields["public_key"], 32))
    if seal_to_json(seal) != text:
        raise EvidenceError("The seal is not in canonical form.")
    return seal


def _count(counts: dict[str, Json], key: str) -> None:
    before = counts.get(key, 0)
    counts[key] = (before if isinstance(before, int) else 0) + 1


def _counts_agree(seal: Entry, before: Sequence[Entry]) -> bool:
    public_key = seal.body.get("public_key")
    return isinstance(public_key, str) and canonical(seal.body) == canonical(seal_body(before, public_key))


# ---- strict reading


def _parse(text: str) -> Json:
    try:
        return cast("Json", json.loads(text, object_pairs_hook=_no_duplicates, parse_int=_integer))
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"The line is not JSON: {error}.") from error


def _integer(digits: str) -> int | float:
    """Canonical doubles from 2**53 to 1e21 are written as integers, which they no longer are exactly."""
    number = float(digits)
    return int(digits) if abs(number) < _INEXACT_FROM else number


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name appears twice")
    return fields


def _object(value: Json, names: set[str], what: str) -> dict[str, Json]:
    if not isinstance(value, dict) or set(value) != names:
        raise EvidenceError(f"This is not {what}: it must have exactly the fields {', '.join(sorted(names))}.")
    return value


def _nanoseconds(value: Json) -> int:
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise EvidenceError("A time in nanoseconds is not a string of decimal digits.")
    return int(value)


def _text(value: Json, what: str) -> str:
    if not isinstance(value, str):
        raise EvidenceError(f"It is not a text where {what} belongs.")
    return value


def _sha256(value: Json) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise EvidenceError("A hash is not 64 lower-case hexadecimal digits.")
    return value


def _hex(value: Json, size_bytes: int) -> str:
    if not isinstance(value, str) or len(value) != 2 * size_bytes or not _HEX.fullmatch(value):
        raise EvidenceError(f"A value of the seal is not {size_bytes} bytes in lower-case hexadecimal digits.")
    return value
