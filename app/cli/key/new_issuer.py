"""``invigil key new-issuer``: the key pair that an institution signs with."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from app.cli.key.passwords import add_password, password_of
from app.core.errors import BadInput


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser("new-issuer", help="make the key pair that an institution signs with")
    parser.add_argument("--name", required=True, help="who issues: shown to candidates and proctors")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="file for the private key, encrypted")
    add_password(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the encrypted private key and, beside it, the public part for those who are to trust it."""
    from app.keys.issuers import Issuer, TrustedIssuers, save_issuer, write_new

    out: Path = args.out
    public = out.with_name(out.name + ".issuers.json")
    issuer = Issuer.create(args.name)
    if public.exists():
        raise BadInput(f"{public} exists already; choose another name or remove it.")
    save_issuer(out, issuer, password_of(args))
    trust = TrustedIssuers.of([issuer.public()]).to_json()
    write_new(public, (json.dumps(trust, indent=2, ensure_ascii=False) + "\n").encode())
    print(f"{issuer.name} ({issuer.kid})")
    print(f"private key: {out} (keep it secret)")
    print(f"public part: {public} (install it as issuers.json where keys are used)")
    return 0
