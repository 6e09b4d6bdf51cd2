"""``invigil lockdown``: what is changed on this machine, and giving it back by hand."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from app.core import lockdown
from app.core.types import Json
from app.lockdown.journal import Intent, RestoreJournal
from app.lockdown.platform import all_operations
from app.lockdown.sequence import revert_all
from app.runtime.restoring import forget_entry

CHANGES = {
    lockdown.AUTOSTART: "An entry that gives this machine back at the next login is in place",
    lockdown.DESKTOP: "The exam has a desktop of its own, and the usual one is out of sight",
    lockdown.CLIPBOARD: "The clipboard was emptied, and is emptied again at the end",
    lockdown.KEEP_AWAKE: "The screen saver and power saving are off",
    lockdown.SYSTEM_KEYS: "The system's own key combinations and accessibility shortcuts are off",
    lockdown.OTHER_WINDOWS: "Other programs' windows were put away",
    lockdown.KIOSK: "The exam window covers the screen",
    lockdown.KEYBOARD: "All keys go to the exam",
    lockdown.CAPTURE_EXCLUSION: "The exam window is left out of screen captures",
}
"""What is changed, as a person would say it."""

ENDS_WITH_CLIENT = frozenset({lockdown.KIOSK, lockdown.KEYBOARD, lockdown.CAPTURE_EXCLUSION})
"""What every system takes back by itself when the client's process ends; only its line in the journal is left."""


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "lockdown",
        help="show what an exam has changed on this machine, or undo it",
        description="Exams undo their changes themselves; this is for the case that power or the whole process tree "
        "was lost. What is changed, and how: docs/lockdown.md.",
    )
    parser.add_argument("action", choices=("status", "restore"), help="show what is changed, or change it back")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="restore journal (default: this user's)")
    parser.add_argument("--force", action="store_true", help="restore also what a running exam has changed")
    parser.add_argument("--quiet", action="store_true", help="say nothing when nothing had to be done")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    journal = RestoreJournal(args.journal or RestoreJournal.default_path())
    problems = _restore(journal, force=args.force) if args.action == "restore" else journal.problems()
    left = journal.intents()
    if args.action == "restore" and not left:
        problems += forget_entry(journal.path)
    if args.json:
        print(json.dumps(_as_json(journal, left, problems)))
    elif left or problems or not args.quiet:
        _print(left, problems)
    return 1 if args.action == "restore" and (problems or left) else 0


def _restore(journal: RestoreJournal, *, force: bool) -> list[str]:
    return revert_all(journal, all_operations(), spare=(lambda _: False) if force else None)


def _words(op: str) -> str:
    return CHANGES.get(op, f"A later version's protection '{op}' is in place")


def _state(intent: Intent) -> str:
    if intent.owner.alive():
        return "changed by an exam that is running"
    return "no more, it ended with the exam" if intent.op in ENDS_WITH_CLIENT else "left over from an exam that ended"


def _as_json(journal: RestoreJournal, left: list[Intent], problems: list[str]) -> dict[str, Json]:
    changed: list[Json] = [
        {
            "operation": i.op,
            "words": _words(i.op),
            "before": dict(i.before),
            "pid": i.owner.pid,
            "running": i.owner.alive(),
        }
        for i in left
    ]
    return {"journal": str(journal.path), "changed": changed, "problems": list(problems)}


def _print(left: list[Intent], problems: list[str]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
    if not left:
        print("Nothing is changed on this machine.")
    for intent in left:
        print(f"{_words(intent.op)}: {_state(intent)} (process {intent.owner.pid}).")
    if any(not i.owner.alive() for i in left):
        print("Undo with: invigil lockdown restore")
    elif left:
        print("It is undone when the exam ends; to undo it now: invigil lockdown restore --force")
