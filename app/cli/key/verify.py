"""``invigil key verify``: checks a key as the client does."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.types import Json
    from app.keys.tokens import ConfigKey


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser("verify", help="check a key as the client does; exit code 1 when it is refused")
    parser.add_argument("key", metavar="KEY", help="a key file, an invigil:// link or the key itself")
    parser.add_argument(
        "--trust", type=Path, metavar="FILE", help="list of trusted issuers (default: this machine's lists)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 and what the key allows, or 1 and the reason why it is refused."""
    from app.keys.issuers import TrustedIssuers, default_trust_paths
    from app.keys.tokens import load_key_text, read_key

    if args.trust is not None and not args.trust.is_file():
        raise BadInput(f"There is no list of trusted issuers {args.trust}; give the file that new-issuer wrote.")
    trusted = TrustedIssuers.load([args.trust] if args.trust is not None else default_trust_paths())
    token = load_key_text(args.key)
    try:
        key = read_key(token, trusted, datetime.now(UTC), __version__)
    except BadInput as refused:
        print(json.dumps({"valid": False, "reason": str(refused)}, ensure_ascii=False) if args.json else str(refused))
        return 1
    if args.json:
        print(json.dumps(_summary(key), ensure_ascii=False))
    else:
        print(f"Valid until {key.expires:%Y-%m-%d %H:%M UTC}, issued by {key.issuer_name}, serial {key.serial}.")
        print(f"Exam: {key.policy.exam.title} ({key.policy.exam.id}), candidate: {key.policy.candidate.name}")
    return 0


def _summary(key: ConfigKey) -> dict[str, Json]:
    return {
        "valid": True,
        "issuer": key.issuer_name,
        "kid": key.kid,
        "key_id": key.key_id,
        "serial": key.serial,
        "not_before": key.not_before.isoformat(),
        "expires": key.expires.isoformat(),
        "exam_id": key.policy.exam.id,
        "candidate_id": key.policy.candidate.id,
    }
