"""``invigil demo``: an embedded backend, the sample exam, and one whole attempt."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from app.cli.extras import require_backend


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "demo",
        help="try everything: embedded backend, sample exam, one whole attempt",
        description="Starts the reference backend on this machine, makes an issuer and a key, and opens the sample exam "
        "for you to take; Quit or Ctrl+Alt+Shift+Q ends it at any time. Without a display it runs --headless.",
    )
    parser.add_argument(
        "--headless", action="store_true", help="a scripted candidate takes the exam on a virtual screen (Linux)"
    )
    parser.add_argument("--json", action="store_true", help="print nothing but the result, as one JSON object")
    parser.add_argument("--dir", metavar="DIR", help="keep everything in this folder (default: a temporary one)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    require_backend()
    from app.runtime.demo import Demo, DemoResult, QuitDemo, serve_again, summary_table

    def show(found: DemoResult) -> None:
        print(json.dumps(found.to_json(), indent=1) if args.json else summary_table(found), flush=True)
        if args.json or found.report_url is None:
            return
        if sys.stdin.isatty() and sys.stdout.isatty():
            print("The link works until you press Enter here.", end=" ", flush=True)
            sys.stdin.readline()
        else:
            print(f"                (its server has stopped; this opens it again: {serve_again(found)})")

    result = Demo(Path(args.dir) if args.dir else None, headless=args.headless, quiet=args.json, show=show).run()
    if isinstance(result, QuitDemo):
        print("null" if args.json else result.sentence)
        return 0
    return 0 if result.verified else 1
