"""``invigil key diff``: what a newer key changes, and what of it an exam that runs would take over."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_key_password, signed_text
from app.cli.plain import shown

if TYPE_CHECKING:
    from app.core.policy import Policy
    from app.core.policy_change import Change
    from app.core.types import Json

_HIDDEN = "(not shown)"


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "diff",
        help="show what differs between two keys, and what a running exam would take over",
        description="Compares the policies of two keys field by field. A backend pushes a newer key to exams that "
        "run: thresholds, more time and the message are taken over, other changes are refused with a reason. "
        "Nothing is verified: 'key verify' does.",
    )
    parser.add_argument("old", metavar="OLD", help="a key file, a QR picture, an invigil:// link or the key itself")
    parser.add_argument("new", metavar="NEW", help="the same, for the newer key")
    add_key_password(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the differences; 0 however many there are."""
    from app.core.policy_change import differences

    (old, old_serial), (new, new_serial) = (_read(text, args) for text in (args.old, args.new))
    changes = differences(old, new)
    newer = old.exam.id == new.exam.id and new_serial > old_serial
    if args.json:
        print(shown(_summary(changes, old_serial, new_serial, newer)))
        return 0
    if not newer:
        print("A running exam refuses this key: it is not for the same exam with a higher serial.")
    print(f"serial: {old_serial} -> {new_serial}")
    for change in changes:
        print(f"{change.path}: {_shown(change, change.old)} -> {_shown(change, change.new)}{_verdict(change)}")
    if not changes:
        print("The policies are the same.")
    return 0


def _read(text: str, args: argparse.Namespace) -> tuple[Policy, int]:
    from app.keys.policy_model import parse_policy
    from app.keys.tokens import read_claims_unverified, read_header

    token = signed_text(text, args)
    read_header(token)
    claims = read_claims_unverified(token)
    serial = claims.get("serial")
    return parse_policy(claims.get("policy")), serial if type(serial) is int else 0


def _summary(changes: list[Change], old: int, new: int, newer: bool) -> dict[str, Json]:
    from app.keys.settings import SECRETS

    return {
        "old_serial": old,
        "new_serial": new,
        "newer": newer,
        "changes": [
            {
                "path": change.path,
                "old": _HIDDEN if change.path in SECRETS else change.old,
                "new": _HIDDEN if change.path in SECRETS else change.new,
                "while_running": not change.refusal,
                "reason": change.refusal,
            }
            for change in changes
        ],
    }


def _shown(change: Change, value: Json) -> str:
    from app.keys.settings import SECRETS

    return _HIDDEN if change.path in SECRETS else shown(value)


def _verdict(change: Change) -> str:
    return f" (a running exam refuses this: it {change.refusal})" if change.refusal else " (also while the exam runs)"
