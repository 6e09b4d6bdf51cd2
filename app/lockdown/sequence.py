"""Performing and reverting protections: in order, and back in reverse order past every error."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence

from app.core.errors import LockdownError
from app.core.lockdown import AUTOSTART
from app.core.ports import LockdownOperation
from app.core.types import Json
from app.lockdown.journal import Intent, RestoreJournal

logger = logging.getLogger(__name__)

Performed = tuple[LockdownOperation, Mapping[str, Json]]
"""What was put in place, and the state to go back to."""


def perform_all(operations: Sequence[LockdownOperation], journal: RestoreJournal) -> list[Performed]:
    """Performs each in order; its state before is on disk before it is changed.

    When one can't be performed, that one and all earlier ones are reverted in reverse order, past
    errors, and LockdownError says what failed. What could not be reverted stays in the journal, and ``AUTOSTART`` with it.
    """
    performed: list[Performed] = []
    for operation in operations:
        problem = _perform(operation, journal, performed)
        if problem is not None:
            left = False
            for done, before in reversed(performed):
                if done.name != AUTOSTART or not left:
                    left = _revert(done, before, journal) is not None or left
            with contextlib.suppress(LockdownError):
                journal.clear()
            raise LockdownError(problem)
    return performed


def _perform(
    operation: LockdownOperation,
    journal: RestoreJournal,
    performed: list[Performed],
) -> str | None:
    try:
        problem = operation.check()
        if problem is not None:
            return problem
        before = journal.intend(operation.name, operation.before())
        performed.append((operation, before))
        operation.perform()
    except LockdownError as error:
        return str(error)
    except Exception as error:
        # Whatever an adapter raises, the machine has to be given back as it was.
        logger.exception("performing %s failed", operation.name)
        return f"The protection '{operation.name}' can't be put in place ({error}); close other programs and try again."
    return None


def revert_all(
    journal: RestoreJournal,
    operations: Mapping[str, LockdownOperation],
    spare: Callable[[Intent], bool] | None = None,
    performed: Sequence[Performed] = (),
) -> list[str]:
    """Restores what the journal holds, newest first, past errors; returns a sentence for each problem.

    Any number of times, in any process. What can't be restored stays in the journal, and with it what was put there
    for that case (``AUTOSTART``). ``spare`` names intents to leave alone; unless told, those of another process that still
    runs. ``performed`` is what this process did and has not reverted: it is given back even if the journal is lost.
    """
    leave = spare if spare is not None else owned_by_another(journal)
    problems, intents = _read(journal)
    left = False
    for intent in intents:
        if leave(intent) or (intent.op == AUTOSTART and left):
            continue
        operation = operations.get(intent.op)
        if operation is None:
            problem: str | None = f"The journal names the protection '{intent.op}', which this version can't restore."
        else:
            problem = _revert(operation, intent.before, journal)
            left = left or problem is not None
        problems += [problem] if problem is not None else []
    named = {intent.op for intent in intents}
    for operation, before in reversed(performed):
        if operation.name not in named:
            problem = _revert(operation, before, None)
            problems += [problem] if problem is not None else []
    with contextlib.suppress(LockdownError):
        journal.clear()
    return problems


def _read(journal: RestoreJournal) -> tuple[list[str], list[Intent]]:
    try:
        return journal.problems(), journal.intents()
    except LockdownError as error:
        return [str(error)], []


def owned_by_another(journal: RestoreJournal) -> Callable[[Intent], bool]:
    """True for changes made by another process that still runs: they are in use, not left over."""
    us = journal.owner()
    return lambda intent: intent.owner.pid != us.pid and intent.owner.alive()


def _revert(operation: LockdownOperation, before: Mapping[str, Json], journal: RestoreJournal | None) -> str | None:
    try:
        operation.revert(before)
        if journal is not None:
            journal.reverted(operation.name)
    except Exception as error:
        # The other protections have to be reverted whatever this adapter raised.
        logger.exception("reverting %s failed", operation.name)
        return (
            f"The protection '{operation.name}' could not be reverted ({error}); run 'invigil lockdown restore' again."
        )
    return None
