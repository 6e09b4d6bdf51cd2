"""Every parser of what strangers send withstands a short run of the fuzzer; longer ones are made by hand."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from build_scripts.fuzz.run import ROOT, TARGETS

RUNS = 3000

needs_atheris = pytest.mark.skipif(sys.platform != "linux", reason="atheris is for Linux")


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_is_taken_or_refused_in_a_sentence(target: str) -> None:
    module = importlib.import_module(f"build_scripts.fuzz.{target}")
    assert len(module.SEEDS) >= 4
    for seed in (*module.SEEDS, b"", b"\x00", b"\xff" * 100):
        module.one(seed)


@needs_atheris
@pytest.mark.parametrize("target", TARGETS)
def test_no_input_crashes_hangs_or_fills_the_memory(target: str, tmp_path: Path) -> None:
    script = ROOT / "build_scripts" / "fuzz" / "run.py"
    words = [sys.executable, str(script), target, "--runs", str(RUNS), "--corpus", str(tmp_path / "corpus")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert executed is not None
    assert int(executed[1]) >= RUNS
