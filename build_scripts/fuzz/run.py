"""Feeds a parser with what nobody would write: ``python build_scripts/fuzz/run.py TARGET --runs N`` (Linux, atheris).

A target is a module beside this one with ``SEEDS``, inputs to begin with, and ``one(data)``, which raises nothing
whatever it gets. The first input that fails ends the run: it is kept in a file named on standard error.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("keys", "links", "codes", "seb")
MAX_MEMORY_MB = 1024
MAX_SECONDS_EACH = 10
MAX_INPUT_BYTES = 8192


def main() -> None:
    """Ends the process: 0 after all runs, another code after a failure."""
    arguments = _arguments()
    sys.path.insert(0, str(ROOT))
    try:
        import atheris
    except ImportError:
        sys.exit("Fuzzing needs atheris, which is for Linux; it is among the development dependencies.")
    with atheris.instrument_imports(include=["app", "build_scripts.fuzz"]):
        target = importlib.import_module(f"build_scripts.fuzz.{arguments.target}")
    corpus = arguments.corpus or Path(tempfile.mkdtemp(prefix=f"fuzz-{arguments.target}-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.SEEDS):
        (corpus / f"seed-{number}").write_bytes(seed)
    findings = corpus.parent / f"{corpus.name}-findings"
    findings.mkdir(exist_ok=True)
    os.chdir(findings)  # a text that is taken for a file's name finds nothing here
    options = [
        f"-runs={arguments.runs}",
        f"-max_total_time={arguments.seconds}",
        f"-rss_limit_mb={MAX_MEMORY_MB}",
        f"-timeout={MAX_SECONDS_EACH}",
        f"-max_len={MAX_INPUT_BYTES}",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus.resolve())], target.one)
    atheris.Fuzz()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=100_000, metavar="N", help="inputs to try (default: 100000)")
    parser.add_argument("--seconds", type=int, default=0, metavar="S", help="stop after so long (default: never)")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="keep interesting inputs here from run to run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
