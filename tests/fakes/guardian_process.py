"""A guardian over the tests' client, in a process of its own, since it handles signals. Argument: folder, actions."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.runtime.guardian import Guardian
from tests.fakes.guarded_client import operations

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    client = str(Path(__file__).with_name("guarded_client.py"))
    command = [sys.executable, client, *sys.argv[1:]]
    stop_wait_s = 0.3 if "deaf" in sys.argv else 10.0
    sys.exit(Guardian(command, folder / "restore.jsonl", operations(folder), stop_wait_s=stop_wait_s).run())
