"""``invigil report``: the report of an attempt again, in another form or with other weights."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "report",
        help="write the report of an attempt again, with other weights too",
        description="Writes the report of an attempt again from its evidence. Its fields: docs/report.md.",
    )
    parser.add_argument("attempt", metavar="DIR", help="the attempt's folder")
    parser.add_argument("--format", choices=("json", "html"), default="html", help="default: html")
    parser.add_argument("--weights", metavar="FILE", help='JSON file such as {"5101": 2.0}: points by evidence code')
    parser.add_argument("--out", metavar="FILE", help="where to write it (default: standard output)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from app.runtime.report_command import read_weights, report_again

    weights = read_weights(Path(args.weights)) if args.weights else None
    data, html = report_again(Path(args.attempt), weights, want_html=args.format == "html")
    text = html if args.format == "html" else json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    if args.out:
        Path(args.out).write_text(text, encoding="utf-8")
        print(args.out)
    else:
        print(text, end="")
    return 0
