"""``invigil check``: is this machine ready for an exam?"""

from __future__ import annotations

import argparse
import json


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "check",
        help="check whether this machine is ready for an exam",
        description="Tries camera, microphone and screen, and looks at monitors, disk, memory and models. Records "
        "nothing. Exit code 1 when something that exams need is missing.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    for name in ("camera", "microphone", "screen"):
        parser.add_argument(f"--{name}", metavar="DEVICE", help="a device's number or name, or file:PATH")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 1 when something that every exam needs is missing."""
    from app.runtime.check_command import check_machine
    from app.runtime.checks import required_failed, result_json

    results = check_machine(args.camera, args.microphone, args.screen)
    failed = required_failed(results)
    if args.json:
        print(json.dumps({"ok": not failed, "checks": [result_json(r) for r in results]}, indent=1))
        return int(failed)
    for result in results:
        mark = "ok  " if result.ok else "FAIL" if result.required else "note"
        print(f"{mark}  {result.name:<11} {result.detail}")
        if result.advice and not result.ok:
            print(f"      {'':<11} {result.advice}")
        for sign in () if result.judgement is None else result.judgement.signals:
            print(f"      {'':<11} - {sign.words}: {round(sign.weight * 100)} of 100. {sign.advice}")
    print("Ready." if not failed else "Not ready: see the lines marked FAIL.")
    return int(failed)
