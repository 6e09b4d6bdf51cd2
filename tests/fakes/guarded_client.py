"""A client for the guardian's tests: locks a file through the journal, then does what it is told.

Arguments: the folder it works in, then actions, one for each run of the client.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.lockdown.journal import RestoreJournal
from app.lockdown.sequence import perform_all, revert_all
from app.runtime.run_book import RunBook
from tests.fakes.lockdown import FileOperation

SETTINGS = ("brightness", "shortcuts", "saver")


def operations(folder: Path) -> dict[str, FileOperation]:
    made = [FileOperation(folder / name) for name in SETTINGS]
    return {operation.name: operation for operation in made}


def end(how: str, code: int, book: RunBook) -> int:
    """``exit`` without having an exam, ``ends`` an exam, ``ended`` by somebody who chooses the code."""
    if how != "exit":
        book.set_restart(wanted=True)
    if how == "ends":
        book.end_client()
    return code


def main() -> int:
    folder, actions = Path(sys.argv[1]), [a for a in sys.argv[2:] if a != "--resume"]
    runs = folder / "runs"
    past = runs.read_text().splitlines() if runs.exists() else []
    action = actions[min(len(past), len(actions) - 1)]
    state = ",".join((folder / name).read_text() for name in SETTINGS)
    with runs.open("a") as file:
        file.write(f"{state} {sys.argv.count('--resume')} {os.environ['INVIGIL_GUARDIAN_PID']} {os.getpid()}\n")
    journal, every = RestoreJournal(folder / "restore.jsonl"), operations(folder)
    if action == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    perform_all(list(every.values()), journal)
    (folder / "locked").touch()
    book = RunBook(journal.path, int(os.environ["INVIGIL_GUARDIAN_PID"]))
    if ":" in action:
        how, _, code = action.partition(":")
        return end(how, int(code), book)
    if action == "environ":
        (folder / "environ").write_text(json.dumps(dict(os.environ)))
        return 0
    if action == "alone":
        book.set_restart(wanted=False)
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "freeze":
        os.kill(os.getpid(), signal.SIGSTOP)
    if action in ("freeze", "notes"):
        while not (notes := book.take()):
            time.sleep(0.01)
        (folder / "notes").write_text("\n".join(note.sentence for note in notes))
        return 0
    if action == "tidy":
        revert_all(journal, every)
        return 0
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "torn":
        with journal.path.open("ab") as file:
            file.write(b'{"do": "intend", "op": "fil')
        os.kill(os.getpid(), signal.SIGKILL)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(main())
