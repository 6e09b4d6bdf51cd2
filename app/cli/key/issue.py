"""``invigil key issue``: signs a policy."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_password, password_of
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.types import Json


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser("issue", help="sign a policy, which makes a config key")
    parser.add_argument("--issuer", required=True, type=Path, metavar="FILE", help="private key made by new-issuer")
    parser.add_argument("--policy", required=True, type=Path, metavar="FILE", help="the policy as JSON; docs/policy.md")
    parser.add_argument("--valid-hours", required=True, type=float, metavar="HOURS", help="from --not-before on")
    parser.add_argument("--not-before", metavar="TIME", help="such as 2026-12-01T09:00+01:00 (default: now)")
    parser.add_argument(
        "--serial", type=int, metavar="N", help="has to rise with each new key for the same exam (default: the time)"
    )
    parser.add_argument(
        "--min-client", default="0.1.0", metavar="VERSION", help="the oldest client that may use the key"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="key file to write, ending in .invigil")
    add_password(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Signs a policy and writes the key file."""
    from app.keys.issuers import load_issuer, write_new
    from app.keys.tokens import issue

    now = datetime.now(UTC)
    begin = _moment(args.not_before) if args.not_before is not None else now
    policy = _read_json(args.policy)
    issuer = load_issuer(args.issuer, password_of(args))
    token = issue(
        policy,
        issuer,
        now=now,
        not_before=begin,
        expires=_after(begin, args.valid_hours),
        serial=int(now.timestamp()) if args.serial is None else args.serial,
        min_client=args.min_client,
    )
    write_new(args.out, (token + "\n").encode())
    print(f"{args.out}: valid until {_after(begin, args.valid_hours):%Y-%m-%d %H:%M UTC}, {len(token)} bytes")
    return 0


def _read_json(path: Path) -> dict[str, Json]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"The policy {path} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The policy {path} is not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise BadInput(f"The policy {path} has to be a JSON object; see docs/policy.md.")
    return data


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not a time; write it like 2026-12-01T09:00+01:00.") from error
    if moment.tzinfo is None:
        raise BadInput(f"{text!r} has no time zone; write it like 2026-12-01T09:00+01:00.")
    return moment.astimezone(UTC)


def _after(begin: datetime, hours: float) -> datetime:
    try:
        return begin + timedelta(hours=hours)
    except (OverflowError, ValueError) as error:
        raise BadInput(f"A key can't be valid for {hours} hours; give a smaller number.") from error
