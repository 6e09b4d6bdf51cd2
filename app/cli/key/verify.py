"""``invigil key verify``: checks a key as the client does."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.cli.key.passwords import add_key_password, signed_text
from app.cli.plain import plain, shown
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.abilities import Unmet
    from app.core.types import Json
    from app.keys.tokens import ConfigKey
    from app.keys.trust_store import Known


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "verify",
        help="check a key as the client does; exit code 1 when it is refused",
        description="Checks signature, issuer, revocation, time, version, policy and audience, in words that say what "
        "is wrong. What the policy asks and this version of the client does not do is noted on standard error.",
    )
    parser.add_argument("key", metavar="KEY", help="a key file, a QR picture, an invigil:// link or the key itself")
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="FILE",
        help="list of trusted issuers to check against, with the revoked/ folder beside it (default: what this "
        "computer trusts)",
    )
    add_key_password(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 and what the key allows, or 1 and the reason why it is refused."""
    from app.core.abilities import unmet
    from app.keys.tokens import read_key

    known = _known(args.trust)
    token = signed_text(args.key, args)
    try:
        key = read_key(token, known.issuers, datetime.now(UTC), __version__, known.revoked)
    except BadInput as refused:
        print(shown({"valid": False, "reason": str(refused)}) if args.json else plain(str(refused)))
        return 1
    missing = unmet(key.policy)
    for path, what in missing:
        print(f"note: policy.{path}: this version of Invigil {what}.", file=sys.stderr)
    if args.json:
        print(shown(_summary(key, missing)))
    else:
        person = key.policy.candidate.name or key.audience.group or "everybody"
        print(f"Valid until {key.expires:%Y-%m-%d %H:%M UTC}, issued by {key.issuer_name}, serial {key.serial}.")
        print(f"Key: {key.key_id}")
        print(plain(f"Exam: {key.policy.exam.title} ({key.policy.exam.id}), for: {person}"))
    return 0


def _known(trust_file: Path | None) -> Known:
    from app.keys.issuers import machine_trust_paths, user_trust_paths
    from app.keys.trust import load_trust
    from app.keys.trust_store import TrustStore, default_store_folder

    store = TrustStore(default_store_folder())
    if trust_file is None:
        trust = load_trust(machine_trust_paths(), user_trust_paths())
        for note in trust.notes:
            print(f"note: {note}", file=sys.stderr)
        return store.known(trust)
    if not trust_file.is_file():
        raise BadInput(f"There is no list of trusted issuers {trust_file}; give the file that new-issuer wrote.")
    return store.known(load_trust([trust_file], []))


def _summary(key: ConfigKey, missing: list[Unmet]) -> dict[str, Json]:
    return {
        "valid": True,
        "issuer": key.issuer_name,
        "kid": key.kid,
        "key_id": key.key_id,
        "serial": key.serial,
        "audience": key.audience.to_json(),
        "issued": key.issued.isoformat(),
        "not_before": key.not_before.isoformat(),
        "expires": key.expires.isoformat(),
        "exam_id": key.policy.exam.id,
        "candidate_id": key.policy.candidate.id,
        "unmet": [{"path": path, "reason": f"This version of Invigil {what}."} for path, what in missing],
    }
