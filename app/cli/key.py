"""``invigil key``: makes issuers, issues config keys, shows and verifies them."""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app import __version__
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.types import Json
    from app.keys.tokens import ConfigKey

_ISSUER_VARIABLE = "INVIGIL_ISSUER_PASSWORD"


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "key",
        help="make issuers, and issue, inspect and verify config keys",
        description="Config keys carry the policy of one exam for one candidate, signed by an issuer that the client "
        "trusts. Their form: docs/config-key.md; policies: docs/policy.md.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    new = actions.add_parser("new-issuer", help="make the key pair that an institution signs with")
    new.add_argument("--name", required=True, help="who issues: shown to candidates and proctors")
    new.add_argument("--out", required=True, type=Path, metavar="FILE", help="file for the private key, encrypted")
    _add_password(new)
    new.set_defaults(run=run_new_issuer)

    issue = actions.add_parser("issue", help="sign a policy, which makes a config key")
    issue.add_argument("--issuer", required=True, type=Path, metavar="FILE", help="private key made by new-issuer")
    issue.add_argument("--policy", required=True, type=Path, metavar="FILE", help="the policy as JSON; docs/policy.md")
    issue.add_argument("--valid-hours", required=True, type=float, metavar="HOURS", help="from --not-before on")
    issue.add_argument("--not-before", metavar="TIME", help="such as 2026-12-01T09:00+01:00 (default: now)")
    issue.add_argument(
        "--serial", type=int, metavar="N", help="has to rise with each new key for the same exam (default: the time)"
    )
    issue.add_argument(
        "--min-client", default="0.1.0", metavar="VERSION", help="the oldest client that may use the key"
    )
    issue.add_argument("--out", required=True, type=Path, metavar="FILE", help="key file to write, ending in .invigil")
    _add_password(issue)
    issue.set_defaults(run=run_issue)

    inspect = actions.add_parser("inspect", help="show what a key holds, without verifying it")
    inspect.add_argument("key", metavar="KEY", help="a key file, an invigil:// link or the key itself")
    inspect.add_argument("--json", action="store_true", help="print everything, the upload token included")
    inspect.set_defaults(run=run_inspect)

    verify = actions.add_parser("verify", help="check a key as the client does; exit code 1 when it is refused")
    verify.add_argument("key", metavar="KEY", help="a key file, an invigil:// link or the key itself")
    verify.add_argument(
        "--trust", type=Path, metavar="FILE", help="list of trusted issuers (default: this machine's lists)"
    )
    verify.add_argument("--json", action="store_true", help="print the result as JSON")
    verify.set_defaults(run=run_verify)


def run_new_issuer(args: argparse.Namespace) -> int:
    """Writes the encrypted private key and, beside it, the public part for those who are to trust it."""
    from app.keys.issuers import Issuer, TrustedIssuers, save_issuer, write_new

    out: Path = args.out
    public = out.with_name(out.name + ".issuers.json")
    issuer = Issuer.create(args.name)
    if public.exists():
        raise BadInput(f"{public} exists already; choose another name or remove it.")
    save_issuer(out, issuer, _password(args))
    trust = TrustedIssuers.of([issuer.public()]).to_json()
    write_new(public, (json.dumps(trust, indent=2, ensure_ascii=False) + "\n").encode())
    print(f"{issuer.name} ({issuer.kid})")
    print(f"private key: {out} (keep it secret)")
    print(f"public part: {public} (install it as issuers.json where keys are used)")
    return 0


def run_issue(args: argparse.Namespace) -> int:
    """Signs a policy and writes the key file."""
    from app.keys.issuers import load_issuer, write_new
    from app.keys.tokens import issue

    now = datetime.now(UTC)
    begin = _moment(args.not_before) if args.not_before is not None else now
    policy = _read_json(args.policy)
    issuer = load_issuer(args.issuer, _password(args))
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


def run_inspect(args: argparse.Namespace) -> int:
    """Shows header and claims as the key gives them; nothing is verified."""
    from app.keys.tokens import load_key_text, read_claims_unverified, read_header

    token = load_key_text(args.key)
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


def run_verify(args: argparse.Namespace) -> int:
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


def _add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"its first line is the issuer's password (default: ${_ISSUER_VARIABLE})",
    )


def _password(args: argparse.Namespace) -> str:
    path: Path | None = args.password_file
    if path is None:
        password = os.environ.get(_ISSUER_VARIABLE, "")
    else:
        try:
            password = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"The password file {path} can't be read; give a text file.") from error
    if not password:
        raise BadInput(f"The issuer's password is missing; give --password-file, or set {_ISSUER_VARIABLE}.")
    return password


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


def _shown(name: str, value: Json) -> str:
    if name in {"iat", "nbf", "exp"} and isinstance(value, int) and 0 <= value < 2**35:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S UTC}"
    return str(value)


def _flat(value: Json, path: str) -> list[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        return [pair for name, item in value.items() for pair in _flat(item, f"{path}.{name}")]
    return [(path, value)]
