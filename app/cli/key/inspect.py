"""``invigil key inspect``: what a key says of itself."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_key_password, signed_text

if TYPE_CHECKING:
    from app.core.types import Json


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "inspect",
        help="show what a key holds, without verifying it",
        description="Shows header, claims and policy as the key gives them. Nothing is verified: 'key verify' does.",
    )
    parser.add_argument("key", metavar="KEY", help="a key file, a QR picture, an invigil:// link or the key itself")
    add_key_password(parser)
    parser.add_argument("--json", action="store_true", help="print everything, the upload token included")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Shows header and claims as the key gives them; nothing is verified."""
    from app.keys.tokens import read_claims_unverified, read_header

    token = signed_text(args.key, args)
    header, claims = read_header(token), read_claims_unverified(token)
    if args.json:
        print(json.dumps({"header": header, "claims": claims}, indent=2, ensure_ascii=False))
        return 0
    policy = claims.pop("policy", None)
    print("Not verified: these are the key's own words.")
    for name, value in {**header, **claims}.items():
        print(f"{name:10} {_shown(name, value)}")
    for path, value in _flat(policy, "policy"):
        print(f"{path} = {'(not shown)' if path == 'policy.upload.token' else json.dumps(value, ensure_ascii=False)}")
    return 0


def _shown(name: str, value: Json) -> str:
    if name in {"iat", "nbf", "exp"} and isinstance(value, int) and 0 <= value < 2**35:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S UTC}"
    if name == "audience" and isinstance(value, dict):
        return ", ".join(f"{kind} {who}" for kind, who in value.items())
    return str(value)


def _flat(value: Json, path: str) -> list[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        return [pair for name, item in value.items() for pair in _flat(item, f"{path}.{name}")]
    return [(path, value)]
