"""What a backend makes of a submitted manifest: its verification, and its report.

Chain and signature are checked here; media are checked by hash as they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.errors import EvidenceError
from app.core.manifest import canonical, entry_from_json, seal_from_json, verify_chain
from app.core.types import Entry, EntryKind, Json
from app.evidence.report_data import build_report
from app.evidence.seal import signature_ok


def report_of_submitted(lines: Sequence[str], submitted: Mapping[str, Json]) -> dict[str, Json]:
    """The report that a verified manifest makes; of the submitted one only when it was written.

    So a report can't leave out what the evidence says. Any body of an entry is survived.
    """
    written = submitted.get("generated_utc_ms")
    made = build_report(
        [entry_from_json(line) for line in lines],
        verification={},
        state="finished",
        generated_utc_ms=written if isinstance(written, int) else 0,
    )
    return made.data


def verify_submitted(lines: Sequence[str], seal: Mapping[str, Json]) -> dict[str, Json]:
    """``verified``, the number of entries, the public key of the seal, and what is wrong first, if anything is."""
    entries: list[Entry] = []
    try:
        signed = seal_from_json(canonical(seal).decode("utf-8"))
        entries.extend(map(entry_from_json, lines))
    except EvidenceError as error:
        return {"verified": False, "entries": len(entries), "problem": f"Entry {len(entries) + 1}: {error}"}
    verdict = verify_chain(entries, signed.head)
    answer: dict[str, Json] = {"verified": verdict.ok, "entries": len(entries), "publicKey": signed.public_key}
    if not verdict.ok:
        answer["problem"] = f"Entry {verdict.first_bad_seq}: {verdict.reason}"
    elif not entries or entries[-1].kind is not EntryKind.SEAL:
        answer |= {"verified": False, "problem": "The manifest does not end with a seal."}
    elif entries[-1].body.get("public_key") != signed.public_key:
        answer |= {"verified": False, "problem": f"Entry {len(entries)}: the seal was signed with another key."}
    elif not signature_ok(signed):
        answer |= {"verified": False, "problem": "The seal's signature is not valid."}
    return answer
