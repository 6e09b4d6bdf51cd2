"""``invigil url-filter``: tries URL rules on addresses, one line for each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

from app.core.urls import compile_rules, decide


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "url-filter",
        help="try URL rules on addresses",
        description="Tries URL rules (Safe Exam Browser's simplified syntax) on addresses, one line for each: block "
        "rules first, then allow rules; what no rule names is blocked. Addresses come from standard input, one a "
        "line, where none is given.",
    )
    parser.add_argument("--allow", metavar="RULE", nargs="+", action="extend", default=[], help="rules that allow")
    parser.add_argument("--block", metavar="RULE", nargs="+", action="extend", default=[], help="rules that block")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("urls", metavar="URL", nargs="*", help="addresses; put them after --json or --")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Raises BadInput for a rule that can't be read, before any address is judged."""
    rules = compile_rules(args.allow, args.block)
    for url in args.urls or _lines():
        decision = decide(rules, url)
        if args.json:
            line = json.dumps({"url": url, "allowed": decision.allowed, "rule": decision.rule})
        else:
            line = f"{'allowed' if decision.allowed else 'blocked'}  {url}  ({decision.rule or 'no rule matches'})"
        sys.stdout.write(line + "\n")
    return 0


def _lines() -> Iterable[str]:
    for line in sys.stdin.buffer:
        url = line.decode("utf-8", "replace").strip("\r\n")
        if url:
            yield url
