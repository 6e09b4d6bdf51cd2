"""``invigil key issue``: signs a policy."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_password, password_in, password_of
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.abilities import Unmet
    from app.core.audience import Audience
    from app.core.policy import Policy
    from app.core.types import Json


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "issue",
        help="sign a policy, which makes a config key",
        description="Checks a policy, signs it and writes a key file. What the policy asks and this version of the "
        "client does not do is noted on standard error; the key is made all the same.",
    )
    parser.add_argument("--issuer", required=True, type=Path, metavar="FILE", help="private key made by new-issuer")
    parser.add_argument("--policy", required=True, type=Path, metavar="FILE", help="the policy as JSON; docs/policy.md")
    parser.add_argument("--valid-hours", required=True, type=float, metavar="HOURS", help="from --not-before on")
    parser.add_argument("--not-before", metavar="TIME", help="such as 2026-12-01T09:00+01:00 (default: now)")
    parser.add_argument(
        "--serial", type=int, metavar="N", help="has to rise with each new key for the same exam (default: the time)"
    )
    parser.add_argument(
        "--audience",
        choices=("exam", "group", "candidate"),
        help="for whom: everybody in the exam, the policy's group, or its candidate (default: the narrowest it names)",
    )
    parser.add_argument(
        "--min-client", default="0.1.0", metavar="VERSION", help="the oldest client that may use the key"
    )
    parser.add_argument(
        "--protect-password-file",
        type=Path,
        metavar="FILE",
        help="its first line is a password without which nobody can read or use the key (8 characters or more)",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="key file to write, ending in .invigil")
    add_password(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Signs a policy and writes the key file, for its owner alone."""
    from app.core.abilities import unmet
    from app.keys.issuers import load_issuer, write_new
    from app.keys.policy_model import parse_policy
    from app.keys.protected import protect
    from app.keys.tokens import issue

    now = datetime.now(UTC)
    begin = _moment(args.not_before) if args.not_before is not None else now
    data = _read_json(args.policy)
    policy = parse_policy(data)
    password = None if args.protect_password_file is None else password_in(args.protect_password_file)
    token = issue(
        data,
        load_issuer(args.issuer, password_of(args)),
        now=now,
        not_before=begin,
        expires=_after(begin, args.valid_hours),
        serial=int(now.timestamp()) if args.serial is None else args.serial,
        min_client=args.min_client,
        audience=_audience(args.audience, policy),
    )
    text = token if password is None else protect(token, password)
    write_new(args.out, (text + "\n").encode(), mode=0o600)  # it holds an upload token
    missing = unmet(policy)
    for path, what in missing:
        print(f"note: policy.{path}: this version of Invigil {what}.", file=sys.stderr)
    _tell(args, token, text, missing)
    return 0


def _tell(args: argparse.Namespace, token: str, text: str, missing: list[Unmet]) -> None:
    from app.keys.tokens import read_claims_unverified

    claims = read_claims_unverified(token)
    expires = datetime.fromtimestamp(float(str(claims["exp"])), UTC)
    if not args.json:
        guarded = ", protected with a password" if text != token else ""
        print(f"{args.out}: valid until {expires:%Y-%m-%d %H:%M UTC}, {len(text)} bytes{guarded}")
        return
    result: dict[str, Json] = {
        "file": str(args.out),
        "bytes": len(text),
        "protected": text != token,
        "key_id": claims["jti"],
        "serial": claims["serial"],
        "audience": claims["audience"],
        "expires": expires.isoformat(),
        "unmet": [{"path": path, "reason": f"This version of Invigil {what}."} for path, what in missing],
    }
    print(json.dumps(result, ensure_ascii=False))


def _audience(wanted: str | None, policy: Policy) -> Audience | None:
    from app.core.audience import Audience

    person = policy.candidate
    if wanted is None:
        return None
    if wanted == "exam":
        return Audience(policy.exam.id)
    if wanted == "group":
        if not person.group:
            raise BadInput("A key for a group needs policy.candidate.group.")
        return Audience(policy.exam.id, group=person.group)
    if not person.id:
        raise BadInput("A key for a candidate needs policy.candidate.id.")
    return Audience(policy.exam.id, candidate=person.id)


def _read_json(path: Path) -> dict[str, Json]:
    from app.keys.issuers import read_bounded
    from app.keys.signed import json_object

    try:
        return json_object(read_bounded(path, "policy"))
    except ValueError as error:
        raise BadInput(f"The policy {path} is not a JSON object ({error}); see docs/policy.md.") from error


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
