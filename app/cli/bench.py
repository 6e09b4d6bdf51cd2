"""``invigil bench``: how fast this program is on this computer, each figure beside its baseline."""

from __future__ import annotations

import argparse
import importlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.runtime.benches.figures import Figure

BENCHES = ("keys", "lockdown")
"""Modules of ``app.runtime.benches``; each has NAME, ABOUT and ``run(seconds) -> list[Figure]``."""


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "bench",
        help="measure this program on this computer",
        description="Runs benchmarks. Each figure stands beside a baseline that was measured in the same run; 'aim' "
        "is the most that it should be. A missed aim is printed, and is no failure: other programs may be busy.",
    )
    parser.add_argument("name", nargs="?", choices=BENCHES, metavar="NAME", help=f"one of: {', '.join(BENCHES)}")
    parser.add_argument("--json", action="store_true", help="print one JSON object per benchmark")
    parser.add_argument(
        "--seconds", type=_seconds, metavar="N", help="how long to measure what is measured over time (lockdown: 60)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the figures; 0 whether or not their aims were met."""
    for name in BENCHES if args.name is None else (args.name,):
        bench = importlib.import_module(f"app.runtime.benches.{name}")
        figures: list[Figure] = bench.run(args.seconds)
        if args.json:
            result = {"name": bench.NAME, "figures": [figure.to_json() for figure in figures]}
            print(json.dumps(result, ensure_ascii=False), flush=True)
        else:
            print(f"{bench.NAME}: {bench.ABOUT}")
            for figure in figures:
                print(f"  {_line(figure)}", flush=True)
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise ValueError(text)
    return seconds


def _line(figure: Figure) -> str:
    text = f"{figure.what}: {figure.value:.1f} {figure.unit}, baseline {figure.baseline:.1f} {figure.unit}"
    text += f", ratio {figure.ratio:.1f}"
    if figure.aim is None:
        return text
    aim = f"ratio {figure.aim:g}" if figure.aims_at_ratio else f"{figure.aim:g} {figure.unit}"
    return f"{text}; aim {aim}: {'met' if figure.ok else 'missed'}"
