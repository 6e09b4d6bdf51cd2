"""``invigil key inspect``: what a key says of itself."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_key_password, signed_text
from app.cli.plain import plain, shown
from app.keys.signed import KeyRefused

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
    parser.add_argument("--json", action="store_true", help="print everything, secrets included")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Shows header and claims as the key gives them; nothing is verified. Raises BadInput."""
    from app.keys.tokens import read_claims_unverified, read_header

    token = signed_text(args.key, args)
    header, claims = read_header(token), read_claims_unverified(token)
    try:
        print(shown({"header": header, "claims": claims}, indent=2) if args.json else _told(header, claims))
    except RecursionError as error:
        raise KeyRefused("This key is nested more deeply than any policy; ask its issuer for a new one.") from error
    return 0


def _told(header: dict[str, Json], claims: dict[str, Json]) -> str:
    from app.keys.settings import SECRETS

    policy = claims.pop("policy", None)
    lines = ["Not verified: these are the key's own words."]
    lines += [f"{plain(name):10} {plain(_words(name, value))}" for name, value in {**header, **claims}.items()]
    for path, value in _flat(policy, "policy"):
        secret = path.removeprefix("policy.") in SECRETS
        lines.append(f"{plain(path)} = {'(not shown)' if secret else shown(value)}")
    return "\n".join(lines)


def _words(name: str, value: Json) -> str:
    if name in {"iat", "nbf", "exp"} and isinstance(value, int) and 0 <= value < 2**35:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S UTC}"
    if name == "audience" and isinstance(value, dict):
        return ", ".join(f"{kind} {who}" for kind, who in value.items())
    return str(value)


def _flat(value: Json, path: str) -> list[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        return [pair for name, item in value.items() for pair in _flat(item, f"{path}.{name}")]
    return [(path, value)]
