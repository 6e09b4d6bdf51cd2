"""``invigil evidence``: verify, show and export an attempt's evidence, without any network."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict
from pathlib import Path

from app.core.errors import BadInput
from app.core.types import Entry, EntryKind
from app.evidence.bundle import export_bundle, open_source
from app.evidence.verify import Verification, describe, read_entries, verify

_LONG = 80
_SOURCE_HELP = "the attempt's folder, or a bundle of it"
_PUBLIC_KEY = re.compile(r"[0-9a-fA-F]{64}")


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "evidence",
        help="verify, show or export the evidence of an attempt",
        description="Works on an attempt's folder, or on a bundle that 'export' wrote, without any network. The "
        "format: docs/evidence.md.",
    )
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="ACTION")

    verifying = actions.add_parser(
        "verify", help="prove that nothing was changed, removed, moved or added; else exit code 1"
    )
    verifying.add_argument("path", type=Path, metavar="DIR_OR_ZIP", help=_SOURCE_HELP)
    verifying.add_argument("--public-key", metavar="HEX", help="the attempt's key, as the institution knows it")
    verifying.add_argument("--json", action="store_true", help="print the result as JSON")
    verifying.set_defaults(run=run)

    showing = actions.add_parser("show", help="list the entries")
    showing.add_argument("path", type=Path, metavar="DIR_OR_ZIP", help=_SOURCE_HELP)
    showing.add_argument("--json", action="store_true", help="print the manifest's lines as they are")
    showing.set_defaults(run=run)

    exporting = actions.add_parser("export", help="write manifest, seal and media as one ZIP")
    exporting.add_argument("path", type=Path, metavar="DIR", help="the attempt's folder")
    exporting.add_argument("out", type=Path, metavar="OUT.zip", help="the bundle to write")
    exporting.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when all is well, 1 when verification found something; errors are raised."""
    match args.action:
        case "verify":
            return _verify(args.path, args.public_key, as_json=args.json)
        case "show":
            return _show(args.path, as_json=args.json)
        case _:
            return _export(args.path, args.out)


def _verify(path: Path, public_key: str | None, *, as_json: bool) -> int:
    if public_key is not None and not _PUBLIC_KEY.fullmatch(public_key):
        raise BadInput("The public key must be 64 hexadecimal digits.")
    result = verify(path, public_key)
    if as_json:
        print(json.dumps(asdict(result), indent=1))
    else:
        print("\n".join(_sentences(result, trusted=public_key is not None)))
    return 0 if result.ok else 1


def _sentences(result: Verification, *, trusted: bool) -> list[str]:
    lines = [str(problem) for problem in result.problems]
    lines.append(
        "Evidence verified." if result.ok else f"Evidence NOT verified: {_plural(len(result.problems), 'problem')}."
    )
    media = f"{_plural(result.media_checked, 'media file')} checked"
    if result.media_missing:
        media += f", {result.media_missing} delivered and not here"
    lines.append(f"{_plural(result.entries, 'entry', 'entries')}, {media}, head {result.head}")
    if not result.sealed:
        lines.append("Not sealed: the attempt was not finished, and nobody can see what is missing at its end.")
    elif result.signature_ok:
        known = "the key you gave" if trusted else f"key {result.public_key} (compare it with the institution's record)"
        lines.append(f"{'Sealed and signed' if result.ok else 'The seal itself is signed'} with {known}")
    return lines


def _show(path: Path, *, as_json: bool) -> int:
    source = open_source(path)
    try:
        if as_json:
            for line in source.lines():
                print(line)
        else:
            for entry in read_entries(source):
                print(f"{entry.seq:>6}  {describe(entry):<34}  {_details(entry)}".rstrip())
    finally:
        source.close()
    return 0


def _details(entry: Entry) -> str:
    """The body in a line: what a person looks for, without times and counts that ``describe`` or the hash tell."""
    body = dict(entry.body)
    if entry.kind is EntryKind.SEAL:
        return f"{body.get('entries')} entries, signed with {body.get('public_key')}"
    hidden = {"stream", "start", "end"}
    return ", ".join(f"{name} {_short(value)}" for name, value in body.items() if name not in hidden)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str) and len(text) > _LONG:
        return f"{text[:_LONG]}…"
    if not text.isprintable():
        return ascii(text)  # page events hold what a page likes to send; the terminal must not obey it
    return f"{text[:16]}…" if len(text) == 64 and text.isalnum() else text


def _export(path: Path, out: Path) -> int:
    source = open_source(path)
    try:
        count = export_bundle(source, out)
    finally:
        source.close()
    print(f"{out}: manifest and {_plural(count, 'media file')}")
    return 0


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
