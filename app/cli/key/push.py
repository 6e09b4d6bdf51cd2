"""``invigil key push``: hands a key, or a list of revoked ones, to a backend."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.key.passwords import add_key_password, password_in, signed_text
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.types import Json
    from app.transport.key_admin import KeyAdmin

_VARIABLE = "INVIGIL_ADMIN_KEY"
_LOOK_S = 1.0


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "push",
        help="hand a key to a backend: it gets a short code, and running attempts get the key",
        description="Uploads a key to the backend of its exam. The backend answers with a short code and a link that "
        "give the key out, and sends the key to the attempts that run: they take over what may change during an exam "
        "(thresholds, more time, a message). The key has to have a higher serial than the one before. A protected key "
        "is opened with its password first, since the backend has to check it. A revocation list that 'key revoke' "
        "wrote is uploaded the same way. Exit code 1 with --wait: not every client took the key over.",
    )
    parser.add_argument("key", metavar="KEY", help="a key file, a link, the key itself, or a revocation list")
    parser.add_argument("--backend", required=True, metavar="URL", help="the backend's address")
    parser.add_argument(
        "--admin-key-file",
        type=Path,
        metavar="FILE",
        help=f"its first line is the backend's admin key (default: ${_VARIABLE})",
    )
    parser.add_argument(
        "--valid-hours",
        type=float,
        metavar="HOURS",
        help="how long the short code works (default: 24, or what the code has left; never beyond the key's end)",
    )
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="wait that long for the clients' acknowledgements"
    )
    parser.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="certificates (PEM) of the institution's own authority"
    )
    add_key_password(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Uploads what is given, tells what became of it, and waits where that is asked for."""
    from app.keys.trust import normalised_url
    from app.transport.key_admin import KeyAdmin

    if args.valid_hours is not None and not 0 < args.valid_hours <= 100_000:
        raise BadInput("--valid-hours has to be above 0 and at most 100000.")
    if not 0 <= args.wait <= 86_400:
        raise BadInput("--wait has to be from 0 to 86400 seconds.")
    token = signed_text(args.key, args)
    admin = KeyAdmin(normalised_url(args.backend), _admin_key(args.admin_key_file), ca_file=args.ca_file)
    if _is_list(token):
        return _push_list(admin, token, args)
    stored = admin.store_key(token, args.valid_hours)
    if not args.json:
        _tell(stored)
    if args.wait:
        stored["deliveries"] = _answers(admin, str(stored["id"]), args.wait)
    if args.json:
        print(json.dumps(stored, ensure_ascii=False))
        return _verdict(stored)
    for line in _lines(stored):
        print(line)
    return _verdict(stored)


def _push_list(admin: KeyAdmin, text: str, args: argparse.Namespace) -> int:
    stored = admin.store_revocations(text)
    if args.json:
        print(json.dumps(stored, ensure_ascii=False))
    else:
        print(f"Published: revocation list {stored['serial']} of {stored['kid']}.")
        print(f"Keys that the backend does not give out any more because of it: {stored['revoked']}")
    return 0


def _tell(stored: dict[str, Json]) -> None:
    print(f"Kept as {stored['id']}: serial {stored['serial']} for the exam {stored['exam']}.")
    print(f"Code: {stored['code']} (until {stored['expiresAt']})")
    print(f"Link: {stored['link']}")
    print(f"Running attempts that get it: {stored['pushed']}", flush=True)


def _answers(admin: KeyAdmin, stored_id: str, wait_s: float) -> Json:
    """The deliveries when all are acknowledged, or when the time is over."""
    end_s = time.monotonic() + wait_s
    while True:
        deliveries = admin.key(stored_id)["deliveries"]
        left_s = end_s - time.monotonic()
        if left_s <= 0 or all(one["status"] != "pending" for one in _entries(deliveries)):
            return deliveries
        time.sleep(min(_LOOK_S, left_s))


def _lines(stored: dict[str, Json]) -> list[str]:
    lines = []
    for one in _entries(stored.get("deliveries")):
        refused = [f"{field['path']} ({field['reason']})" for field in _entries(one["refused"])]
        applied = one["applied"] if isinstance(one["applied"], list) else []
        words = [
            f"took over {', '.join(str(path) for path in applied)}" if applied else "",
            f"refused {', '.join(refused)}" if refused else "",
            str(one["reason"]),
        ]
        said = "; ".join(word for word in words if word)
        lines.append(f"{one['userId']}: {one['status']}{f' ({said})' if said else ''}")
    return lines


def _verdict(stored: dict[str, Json]) -> int:
    return 1 if any(one["status"] in ("pending", "refused") for one in _entries(stored.get("deliveries"))) else 0


def _entries(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_list(token: str) -> bool:
    from app.keys.revocation import LIST
    from app.keys.signed import KeyRefused, header_of

    try:
        header_of(token, LIST)
    except KeyRefused:
        return False
    return True


def _admin_key(path: Path | None) -> str:
    key = os.environ.get(_VARIABLE, "") if path is None else password_in(path)
    if not key.strip():
        raise BadInput(f"The backend's admin key is missing; give --admin-key-file, or set {_VARIABLE}.")
    return key.strip()
