"""What the backend makes of a submitted manifest."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.core.manifest import GENESIS, entry_to_json, make_entry, seal_body, seal_to_json
from app.core.types import EntryKind, Json
from app.evidence.attempt_key import public_key_hex
from app.evidence.report_data import build_report
from app.evidence.report_html import render_html
from app.evidence.seal import sign
from app.evidence.submitted import report_of_submitted, verify_submitted
from tests.evidence.sample_chain import at, sample_chain
from tests.examples import examples

KEY = Ed25519PrivateKey.generate()


def sealed(signer: Ed25519PrivateKey = KEY) -> tuple[list[str], dict[str, Json]]:
    entries = sample_chain()
    body = seal_body(entries, public_key_hex(KEY))
    entries.append(make_entry(entries[-1].hash, len(entries) + 1, EntryKind.SEAL, at(61_000), body))
    seal = json.loads(seal_to_json(sign(signer, entries[-1].hash)))
    return [entry_to_json(entry) for entry in entries], seal


def test_a_whole_chain_with_its_seal_is_verified() -> None:
    lines, seal = sealed()
    assert verify_submitted(lines, seal) == {
        "verified": True,
        "entries": len(lines),
        "publicKey": public_key_hex(KEY),
    }


@pytest.mark.parametrize("place", [0, 7, 20])
def test_a_removed_entry_is_named(place: int) -> None:
    lines, seal = sealed()
    del lines[place]
    answer = verify_submitted(lines, seal)
    assert answer["verified"] is False
    assert str(answer["problem"]).startswith(f"Entry {place + 1}:")


def test_a_chain_cut_before_its_seal_is_refused() -> None:
    lines, seal = sealed()
    assert verify_submitted(lines[:-1], seal)["verified"] is False


def test_a_seal_by_another_key_is_refused() -> None:
    lines, seal = sealed(Ed25519PrivateKey.generate())
    assert "another key" in str(verify_submitted(lines, seal)["problem"])


def test_a_forged_signature_is_refused() -> None:
    lines, seal = sealed()
    seal["signature"] = "00" * 64
    assert "signature" in str(verify_submitted(lines, seal)["problem"])


def test_nonsense_is_refused_with_a_sentence() -> None:
    lines, seal = sealed()
    assert verify_submitted(["{"], seal)["verified"] is False
    assert verify_submitted(lines, {"head": 7})["verified"] is False
    assert verify_submitted([], seal)["verified"] is False


def test_the_report_of_a_verified_manifest_says_what_the_manifest_says() -> None:
    lines, _ = sealed()
    whole = build_report(sample_chain(), verification={}, state="finished", generated_utc_ms=7).data
    kinder: dict[str, Json] = {**whole, "violations": [], "trust": {"score": 100.0}}
    assert report_of_submitted(lines, kinder) == whole


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**52), 2**52) | st.floats(-1e300, 1e300) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("id", "session", "code", "severity", "confidence", "start", "end", "start_utc_ms", "end_utc_ms", "policy")
bodies = st.dictionaries(st.sampled_from((*NAMES, "event", "phase", "sha256", "violation", "checks", "shows")), values)
policies = st.fixed_dictionaries(
    {"policy": st.fixed_dictionaries({"score": st.fixed_dictionaries({"weights": st.dictionaries(st.text(), values)})})}
)


@examples(2)
@given(st.lists(st.tuples(st.sampled_from(EntryKind), bodies | policies), max_size=5))
def test_no_body_of_an_entry_breaks_the_report(rows: list[tuple[EntryKind, dict[str, Json]]]) -> None:
    head, lines = GENESIS, []
    for seq, (kind, body) in enumerate(rows, start=1):
        entry = make_entry(head, seq, kind, at(seq), body)
        head = entry.hash
        lines.append(entry_to_json(entry))
    report = report_of_submitted(lines, {})
    assert "</html>" in render_html(json.loads(json.dumps(report, allow_nan=False)), lambda sha: sha)
