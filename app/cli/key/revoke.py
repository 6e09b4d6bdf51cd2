"""``invigil key revoke``: takes keys back."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_key_password, add_password, password_of, signed_text
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.keys.issuers import Issuer
    from app.keys.revocation import RevocationList, Revoked


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "revoke",
        help="take keys back: add them to a signed revocation list",
        description="Adds keys to the issuer's signed revocation list, which is begun where there is none yet. Hand "
        "the list to the backend (POST /v1/keys/revocations), or put it as revoked/NAME.jws beside issuers.json. Clients refuse a list that is older than the one they know, so always "
        "continue the newest.",
    )
    parser.add_argument("--issuer", required=True, type=Path, metavar="FILE", help="private key made by new-issuer")
    parser.add_argument("keys", nargs="*", metavar="KEY", help="a key file, a QR picture, a link or the key itself")
    parser.add_argument(
        "--id", action="append", default=[], metavar="JTI", help="a key by its id (jti), which 'key verify' shows"
    )
    parser.add_argument(
        "--signing-key",
        action="append",
        default=[],
        metavar="KID",
        help="all keys that were signed with this key of the same institution, after it was stolen",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="one line, shown to whoever opens the key")
    parser.add_argument("--list", required=True, type=Path, metavar="FILE", help="the revocation list to continue")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the new list here (default: to --list)")
    add_password(parser)
    add_key_password(parser, "--key-password-file")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the list with the keys added; a key that is on it already stays there once."""
    from app.keys.issuers import load_issuer, replace_file
    from app.keys.revocation import Revoked, make_list

    if not args.keys and not args.id and not args.signing_key:
        raise BadInput("Nothing was named to revoke; give a key, --id or --signing-key.")
    now = datetime.now(UTC)
    issuer = load_issuer(args.issuer, password_of(args))
    before = _known(args.list, issuer)
    ids = [*args.id, *(_id_of(key, issuer, args) for key in args.keys)]
    added = [
        *(Revoked(now, jti=key_id, reason=args.reason) for key_id in dict.fromkeys(ids)),
        *(Revoked(now, kid=kid, reason=args.reason) for kid in dict.fromkeys(args.signing_key)),
    ]
    entries = _together(() if before is None else before.entries, added)
    serial = max(int(now.timestamp()), 0 if before is None else before.serial + 1)
    out: Path = args.out or args.list
    replace_file(out, (make_list(entries, issuer, now=now, serial=serial) + "\n").encode())
    if args.json:
        listed = [entry.to_json() for entry in entries]
        print(
            json.dumps({"list": str(out), "serial": serial, "kid": issuer.kid, "revoked": listed}, ensure_ascii=False)
        )
    else:
        print(f"{out}: {len(entries)} revoked by {issuer.name}, serial {serial}")
    return 0


def _known(path: Path, issuer: Issuer) -> RevocationList | None:
    from app.keys.issuers import TrustedIssuers, read_bounded
    from app.keys.revocation import LIST, read_list
    from app.keys.signed import KeyRefused

    if not path.exists():
        return None
    try:
        text = read_bounded(path, LIST.name).decode("ascii", errors="replace")
        return read_list(text, TrustedIssuers.of([issuer.public()]))
    except KeyRefused as error:
        raise BadInput(
            f"{path} is not a revocation list that this issuer's key {issuer.kid} signed; give that list, or the name of a new file."
        ) from error


def _id_of(text: str, issuer: Issuer, args: argparse.Namespace) -> str:
    from app.keys.tokens import read_claims_unverified, read_header

    token = signed_text(text, args)
    read_header(token)
    claims = read_claims_unverified(token)
    if claims.get("iss") != issuer.name:
        raise BadInput(f"This key was not issued by {issuer.name!r}, and only its own issuer can revoke it.")
    return str(claims.get("jti", ""))


def _together(old: Sequence[Revoked], added: Sequence[Revoked]) -> list[Revoked]:
    known = {(entry.jti, entry.kid) for entry in old}
    return [*old, *(entry for entry in added if (entry.jti, entry.kid) not in known)]
