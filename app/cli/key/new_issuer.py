"""``invigil key new-issuer``: the key pair that an institution signs with."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_password, password_of
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.keys.issuers import TrustedIssuer


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "new-issuer",
        help="make the key pair that an institution signs with",
        description="Writes the private key, encrypted with a password, and beside it FILE.issuers.json: the public "
        "part, for those who are to trust this issuer. Nobody can make the private key again: keep a copy of the file "
        "and its password in a safe place.",
    )
    parser.add_argument("--name", required=True, help="who issues: shown to candidates and proctors")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="file for the private key, encrypted")
    parser.add_argument(
        "--replaces",
        type=Path,
        metavar="OLD.issuers.json",
        help="the public part of the issuer that this one follows: the new public part then lists both",
    )
    parser.add_argument(
        "--old-until", metavar="TIME", help="refuse what the old one signs later, such as 2026-12-01T09:00+01:00"
    )
    add_password(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the encrypted private key and, beside it, the public part."""
    from app.keys.issuers import Issuer, TrustedIssuers, fingerprint, save_issuer, write_new

    out: Path = args.out
    public = out.with_name(out.name + ".issuers.json")
    issuer = Issuer.create(args.name)
    trust = TrustedIssuers.of([issuer.public(), *_replaced(args)])
    for path in (out, public):
        if path.exists():
            raise BadInput(f"{path} exists already; choose another name or remove it.")
    save_issuer(out, issuer, password_of(args, new=True))
    write_new(public, (json.dumps(trust.to_json(), indent=2, ensure_ascii=False) + "\n").encode())
    if args.json:
        made = {"name": issuer.name, "kid": issuer.kid, "fingerprint": fingerprint(issuer.kid)}
        print(json.dumps(made | {"private": str(out), "public": str(public)}, ensure_ascii=False))
        return 0
    print(f"{issuer.name} ({issuer.kid})")
    print(f"fingerprint: {fingerprint(issuer.kid)}")
    print(f"private key: {out} (keep it secret)")
    print(f"public part: {public} (install it as issuers.json where keys are used)")
    return 0


def _replaced(args: argparse.Namespace) -> list[TrustedIssuer]:
    from app.keys.issuers import TrustedIssuers, moment

    if args.replaces is None:
        if args.old_until is not None:
            raise BadInput("--old-until is for the issuer that --replaces names; give both.")
        return []
    if not args.replaces.is_file():
        raise BadInput(f"There is no list of issuers {args.replaces}; give the public part of the old issuer.")
    old = TrustedIssuers.load([args.replaces]).issuers
    if args.old_until is None:
        return list(old)
    until = moment(args.old_until)
    if until is None:
        raise BadInput(f"{args.old_until!r} is not a time with its zone; write it like 2026-12-01T09:00+01:00.")
    return [one._replace(retired=one.retired or until) for one in old]
