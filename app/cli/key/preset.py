"""``invigil key preset``: a policy to begin with."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.types import Json


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "preset",
        help="begin a policy with a preset, and with what a candidate is granted",
        description="Prints a policy made from a preset, with empty places for what only you know: the exam, and where "
        "evidence is sent. Without NAME it lists the presets and the accommodations. docs/policy.md explains each field.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="practice, standard or strict")
    parser.add_argument(
        "--with",
        dest="accommodations",
        action="append",
        default=[],
        metavar="GRANT",
        help="an accommodation: extra-time=25%%, extra-time=15 (minutes), screen-reader, looking-away, second-person or "
        "reading-aloud; can be given several times",
    )
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="a policy whose fields stay as they are; the preset fills in the rest",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the policy there; an existing file is kept")
    parser.add_argument(
        "--json", action="store_true", help="print {policy, missing}: the policy, and the fields to be filled in"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints or writes a policy; what is still missing goes to stderr."""
    from app.keys.presets import combined, laid_over

    if args.name is None:
        return _list(args)
    below = _read(args.policy) if args.policy is not None else {}
    policy = laid_over(_places(), combined(args.name, args.accommodations, below))
    policy = {"version": 1, **{name: value for name, value in policy.items() if name != "version"}}
    missing = [path for path in _required() if not _value(policy, path)]
    if args.json:
        print(json.dumps({"policy": policy, "missing": missing}, ensure_ascii=False))
    text = json.dumps(policy, indent=2, ensure_ascii=False) + "\n"
    if args.out is not None:
        _write(args.out, text)
    elif not args.json:
        print(text, end="")
    if missing and not args.json:
        print(f"Still to be filled in: {', '.join(missing)}.", file=sys.stderr)
    return 0


def _list(args: argparse.Namespace) -> int:
    from app.keys.presets import ACCOMMODATIONS, PRESETS

    if args.accommodations or args.out is not None or args.policy is not None:
        raise BadInput(f"Say which preset to begin with: {', '.join(PRESETS)}.")
    if args.json:
        presets: dict[str, Json] = {name: preset.meaning for name, preset in PRESETS.items()}
        grants: dict[str, Json] = {name: grant.meaning for name, grant in ACCOMMODATIONS.items()}
        print(json.dumps({"presets": presets, "accommodations": grants}, ensure_ascii=False))
        return 0
    print("Presets:")
    for name, preset in PRESETS.items():
        print(f"  {name:15} {preset.meaning}")
    print("Accommodations (--with):")
    for grant in ACCOMMODATIONS.values():
        print(f"  {grant.form}\n{'':18}{grant.meaning}")
    return 0


def _required() -> list[str]:
    from app.keys.bounds import REQUIRED_TEXTS
    from app.keys.settings import SETTINGS

    return [path for path in SETTINGS if path in REQUIRED_TEXTS]


def _places() -> dict[str, Json]:
    places: dict[str, dict[str, Json]] = {}
    for path in _required():
        group, _, name = path.partition(".")
        places.setdefault(group, {})[name] = ""
    return dict(places)


def _value(policy: dict[str, Json], path: str) -> Json:
    group, _, name = path.partition(".")
    part = policy.get(group)
    return part.get(name) if isinstance(part, dict) else None


def _read(path: Path) -> dict[str, Json]:
    from app.keys.signed import json_object

    try:
        return json_object(path.read_bytes())
    except OSError as error:
        raise BadInput(f"The policy {path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadInput(f"The policy {path} is not a JSON object with each name once; see docs/policy.md.") from error


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadInput(f"{path} is there already; choose another name or move it away.") from error
    except OSError as error:
        raise BadInput(f"The policy can't be written to {path}: {error.strerror}.") from error
