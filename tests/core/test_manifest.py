"""The chain: whatever single thing is done to it is found, and the first bad entry is named."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.errors import EvidenceError
from app.core.manifest import (
    GENESIS,
    Seal,
    canonical,
    entry_from_json,
    entry_to_json,
    gap_from_body,
    gap_to_body,
    instant_from_json,
    make_entry,
    seal_body,
    seal_from_json,
    seal_to_json,
    segment_to_body,
    verify_chain,
)
from app.core.types import Entry, EntryKind, Gap, GapCause, Instant, Json, Segment, Stream

AT = Instant(5_000_000_000, 1_790_000_000_123_456_789, "boot")
KEY = "ab" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
BODIES = st.dictionaries(st.sampled_from(["stream", "code", "detail", "ü"]), JSON, max_size=3)
OPEN_KINDS = st.sampled_from([kind for kind in EntryKind if kind is not EntryKind.SEAL])
CONTENTS = st.lists(st.tuples(OPEN_KINDS, BODIES), min_size=2, max_size=8)


def chain_of(contents: list[tuple[EntryKind, dict[str, Json]]], *, sealed: bool = False) -> list[Entry]:
    entries: list[Entry] = []
    for seq, (kind, body) in enumerate(contents, start=1):
        entries.append(make_entry(entries[-1].hash if entries else GENESIS, seq, kind, AT, body))
    if sealed:
        entries.append(make_entry(entries[-1].hash, len(entries) + 1, EntryKind.SEAL, AT, seal_body(entries, KEY)))
    return entries


def sample(length: int = 4, *, sealed: bool = False) -> list[Entry]:
    return chain_of([(EntryKind.EVENT, {"n": number}) for number in range(length)], sealed=sealed)


def rehashed(forged: Entry) -> Entry:
    """The entry as a forger would write it, with a hash that fits."""
    return make_entry(forged.prev, forged.seq, forged.kind, forged.at, forged.body)


# ---- one entry


@given(OPEN_KINDS, BODIES)
def test_an_entry_survives_its_line(kind: EntryKind, body: dict[str, Json]) -> None:
    entry = make_entry(GENESIS, 1, kind, AT, body)
    again = entry_from_json(entry_to_json(entry))
    assert again == entry
    assert verify_chain([again]).ok


def test_the_hash_is_sha256_over_the_canonical_form_without_the_hash() -> None:
    entry = make_entry(GENESIS, 1, EntryKind.EVENT, AT, {"b": 1.0, "a": "ü"})
    written = (
        '{"at":{"boot_id":"boot","mono_ns":"5000000000","utc_ns":"1790000000123456789"},'
        '"body":{"a":"ü","b":1},"kind":"event","prev":"' + GENESIS + '","seq":1}'
    )
    assert entry.hash == hashlib.sha256(written.encode()).hexdigest()


@pytest.mark.parametrize("body", [{"n": 2**53}, {"n": float("nan")}, {"n": float("inf")}, {"s": "\ud800"}])
def test_what_json_cannot_hold_exactly_is_refused(body: dict[str, Json]) -> None:
    with pytest.raises(EvidenceError, match="can't be written down"):
        make_entry(GENESIS, 1, EntryKind.EVENT, AT, body)


def fields_of(entry: Entry) -> dict[str, Json]:
    fields: dict[str, Json] = json.loads(entry_to_json(entry))
    return fields


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seq", 0),
        ("seq", True),
        ("seq", "1"),
        ("kind", "other"),
        ("kind", 1),
        ("body", []),
        ("prev", "0" * 63),
        ("prev", "A" * 64),
        ("prev", 0),
        ("hash", "x"),
        ("at", {}),
        ("at", None),
        ("at", {"mono_ns": 5, "utc_ns": "5", "boot_id": "b"}),
        ("at", {"mono_ns": "05", "utc_ns": "5", "boot_id": "b"}),
        ("at", {"mono_ns": "-5", "utc_ns": "5", "boot_id": "b"}),
        ("at", {"mono_ns": "5", "utc_ns": "5", "boot_id": 1}),
        ("more", 1),
    ],
)
def test_a_line_with_a_field_that_does_not_belong_is_refused(name: str, value: Json) -> None:
    fields = fields_of(sample()[0])
    fields[name] = value
    with pytest.raises(EvidenceError):
        entry_from_json(canonical(fields).decode())


@pytest.mark.parametrize("line", ["", "{", "[]", "null", "[" * 100_000, '{"seq":1,"seq":1}', '{"seq":NaN}'])
def test_what_is_no_entry_is_refused_in_a_sentence(line: str) -> None:
    with pytest.raises(EvidenceError):
        entry_from_json(line)


def test_a_line_that_is_not_canonical_is_refused() -> None:
    with pytest.raises(EvidenceError, match="canonical"):
        entry_from_json(entry_to_json(sample()[0]) + " ")


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 2.0**53, -(2.0**60), 1e20, 1e21, 1e-7, 0.1])
def test_numbers_at_the_edge_of_exactness_survive_their_line(number: float) -> None:
    entry = make_entry(GENESIS, 1, EntryKind.EVENT, AT, {"n": number})
    assert entry_from_json(entry_to_json(entry)) == entry


def test_a_number_too_large_for_a_double_is_refused() -> None:
    line = entry_to_json(sample()[0]).replace('"n":0', '"n":1e999')
    with pytest.raises(EvidenceError, match="can't be written down"):
        entry_from_json(line)


@given(CONTENTS, st.data())
def test_one_changed_character_of_a_line_is_found(
    contents: list[tuple[EntryKind, dict[str, Json]]], data: st.DataObject
) -> None:
    chain = chain_of(contents)
    bad = data.draw(st.integers(0, len(chain) - 1))
    line = entry_to_json(chain[bad])
    place = data.draw(st.integers(0, len(line) - 1))
    altered = line[:place] + data.draw(st.characters(codec="utf-8")) + line[place + 1 :]
    assume(altered != line)
    try:
        chain[bad] = entry_from_json(altered)
    except EvidenceError:
        return
    assert verify_chain(chain).first_bad_seq == bad + 1


# ---- the chain


@given(CONTENTS, st.booleans())
def test_an_untouched_chain_is_whole(contents: list[tuple[EntryKind, dict[str, Json]]], sealed: bool) -> None:
    chain = chain_of(contents, sealed=sealed)
    verdict = verify_chain(chain, chain[-1].hash)
    assert (verdict.ok, verdict.entries, verdict.head, verdict.first_bad_seq) == (
        True,
        len(chain),
        chain[-1].hash,
        None,
    )


def test_an_empty_chain_is_whole() -> None:
    assert verify_chain([]).head == GENESIS
    assert verify_chain([], GENESIS).ok


HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
TIMES = st.sampled_from([replace(AT, utc_ns=1), replace(AT, mono_ns=1), replace(AT, boot_id="other")])


def changed(entry: Entry) -> st.SearchStrategy[Entry]:
    """The entry with another kind, body or time, and its old hash."""
    return st.one_of(
        OPEN_KINDS.map(lambda kind: replace(entry, kind=kind)),
        BODIES.map(lambda body: replace(entry, body=body)),
        TIMES.map(lambda at: replace(entry, at=at)),
    )


def broken(entry: Entry) -> st.SearchStrategy[Entry]:
    return (
        changed(entry)
        | HASHES.map(lambda digest: replace(entry, hash=digest))
        | HASHES.map(lambda digest: replace(entry, prev=digest))
    )


@given(CONTENTS, st.data())
def test_a_change_is_found_at_its_entry(contents: list[tuple[EntryKind, dict[str, Json]]], data: st.DataObject) -> None:
    chain = chain_of(contents)
    bad = data.draw(st.integers(0, len(chain) - 1))
    forged = data.draw(broken(chain[bad]))
    assume(entry_to_json(forged) != entry_to_json(chain[bad]))
    verdict = verify_chain([*chain[:bad], forged, *chain[bad + 1 :]])
    assert (verdict.ok, verdict.first_bad_seq) == (False, bad + 1)


@given(CONTENTS, st.data())
def test_a_change_with_a_new_hash_is_found_at_its_entry_too(
    contents: list[tuple[EntryKind, dict[str, Json]]], data: st.DataObject
) -> None:
    chain = chain_of(contents, sealed=True)
    bad = data.draw(st.integers(0, len(chain) - 2))
    forged = rehashed(data.draw(changed(chain[bad])))
    assume(forged.hash != chain[bad].hash)
    verdict = verify_chain([*chain[:bad], forged, *chain[bad + 1 :]], chain[-1].hash)
    assert (verdict.ok, verdict.first_bad_seq) == (False, bad + 1)
    assert "replaced" in verdict.reason


@given(CONTENTS, st.data())
def test_a_removal_is_found_at_its_place_even_at_the_end(
    contents: list[tuple[EntryKind, dict[str, Json]]], data: st.DataObject
) -> None:
    chain = chain_of(contents, sealed=True)
    bad = data.draw(st.integers(0, len(chain) - 1))
    verdict = verify_chain([*chain[:bad], *chain[bad + 1 :]], chain[-1].hash)
    assert (verdict.ok, verdict.first_bad_seq) == (False, bad + 1)
    assert "missing" in verdict.reason


@given(CONTENTS, st.data())
def test_a_swap_is_found_at_the_earlier_place(
    contents: list[tuple[EntryKind, dict[str, Json]]], data: st.DataObject
) -> None:
    chain = chain_of(contents)
    first = data.draw(st.integers(0, len(chain) - 2))
    second = data.draw(st.integers(first + 1, len(chain) - 1))
    chain[first], chain[second] = chain[second], chain[first]
    verdict = verify_chain(chain)
    assert (verdict.ok, verdict.first_bad_seq) == (False, first + 1)


@given(CONTENTS, st.data())
def test_a_repeated_entry_is_found_where_it_was_inserted(
    contents: list[tuple[EntryKind, dict[str, Json]]], data: st.DataObject
) -> None:
    chain = chain_of(contents, sealed=True)
    copied = data.draw(st.integers(0, len(chain) - 1))
    place = data.draw(st.integers(0, len(chain)))
    assume(place != copied)  # inserted before itself or after itself, the result is the same chain
    verdict = verify_chain([*chain[:place], chain[copied], *chain[place:]], chain[-1].hash)
    assert (verdict.ok, verdict.first_bad_seq) == (False, place + 1)


@given(CONTENTS, BODIES, st.data())
def test_an_inserted_forgery_with_fitting_hashes_is_found_where_it_stands(
    contents: list[tuple[EntryKind, dict[str, Json]]], body: dict[str, Json], data: st.DataObject
) -> None:
    chain = chain_of(contents, sealed=True)
    place = data.draw(st.integers(0, len(chain) - 1))
    prev = chain[place - 1].hash if place else GENESIS
    forged = make_entry(prev, place + 1, EntryKind.EVENT, AT, {**body, "forged": True})
    verdict = verify_chain([*chain[:place], forged, *chain[place:]], chain[-1].hash)
    assert (verdict.ok, verdict.first_bad_seq) == (False, place + 1)


def test_the_first_entry_must_follow_nothing() -> None:
    chain = sample()
    chain[0] = rehashed(replace(chain[0], prev="1" * 64))
    assert verify_chain(chain).first_bad_seq == 1


def test_an_entry_after_the_seal_is_found() -> None:
    chain = sample(sealed=True)
    head = chain[-1].hash
    chain.append(make_entry(head, 6, EntryKind.EVENT, AT, {}))
    assert verify_chain(chain).first_bad_seq == 6
    assert verify_chain(chain[:4], chain[2].hash).first_bad_seq == 4


def test_a_seal_that_miscounts_is_found_even_when_its_hash_fits() -> None:
    chain = sample(sealed=True)
    bodies: list[dict[str, Json]] = [{**chain[4].body, "entries": 9}, {"public_key": 1}, {}]
    for body in bodies:
        forged = rehashed(replace(chain[4], body=body))
        assert verify_chain([*chain[:4], forged]).first_bad_seq == 5


def test_another_seal_than_the_signed_one_is_found() -> None:
    chain = sample(sealed=True)
    forged = rehashed(replace(chain[4], body=seal_body(chain[:4], "cd" * 32)))
    assert verify_chain([*chain[:4], forged], chain[4].hash).first_bad_seq == 5


# ---- the seal


def test_the_seal_counts_by_kind_and_by_stream() -> None:
    chain = chain_of(
        [
            (EntryKind.SEGMENT, {"stream": "camera"}),
            (EntryKind.SEGMENT, {"stream": "camera"}),
            (EntryKind.GAP, {"stream": "screen"}),
            (EntryKind.EVENT, {"stream": 7}),
        ]
    )
    assert seal_body(chain, KEY) == {
        "entries": 4,
        "kinds": {"segment": 2, "gap": 1, "event": 1},
        "streams": {"camera": {"segment": 2}, "screen": {"gap": 1}},
        "head": chain[-1].hash,
        "public_key": KEY,
    }
    assert seal_body([], KEY)["head"] == GENESIS


def test_a_seal_survives_its_text() -> None:
    seal = Seal("1" * 64, "2" * 128, "3" * 64)
    assert seal_from_json(seal_to_json(seal)) == seal


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("algorithm", "none"),
        ("head", "1"),
        ("signature", "2" * 126),
        ("signature", None),
        ("public_key", "G" * 64),
        ("more", 1),
    ],
)
def test_a_seal_with_anything_else_is_refused(name: str, value: Json) -> None:
    fields: dict[str, Json] = json.loads(seal_to_json(Seal("1" * 64, "2" * 128, "3" * 64)))
    fields[name] = value
    with pytest.raises(EvidenceError):
        seal_from_json(canonical(fields).decode())


def test_a_seal_that_is_not_canonical_is_refused() -> None:
    with pytest.raises(EvidenceError, match="canonical"):
        seal_from_json(" " + seal_to_json(Seal("1" * 64, "2" * 128, "3" * 64)))


# ---- bodies


def test_gaps_survive_their_body() -> None:
    gap = Gap(Stream.CAMERA, AT, AT.at(AT.mono_ns + 5), GapCause.DISK, 3)
    assert gap_from_body(gap_to_body(gap)) == gap
    assert gap_from_body({**gap_to_body(gap), "count": "many"}).count == 0


@pytest.mark.parametrize("change", [{"stream": "nose"}, {"cause": None}, {"start": 5}])
def test_a_body_that_is_no_gap_is_refused(change: dict[str, Json]) -> None:
    with pytest.raises(EvidenceError):
        gap_from_body({**gap_to_body(Gap(Stream.CAMERA, AT, AT, GapCause.DISK)), **change})
    with pytest.raises(EvidenceError):
        gap_from_body({})


def test_a_segments_body_holds_its_hash_and_span() -> None:
    segment = Segment(Stream.SCREEN, AT, AT.at(AT.mono_ns + 5), "f" * 64, 12, "video/webm", 4)
    body = segment_to_body(segment)
    assert instant_from_json(body["start"]) == AT
    assert instant_from_json(body["end"]) == segment.end
    assert (body["sha256"], body["size_bytes"], body["frames"], body["stream"]) == ("f" * 64, 12, 4, "screen")
