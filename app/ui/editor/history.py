"""What was done to a policy, to be undone and done again. Pure."""

from __future__ import annotations

from app.ui.editor.model import Change


class History:
    """Steps in their order. What is pushed after an undo takes the place of what was undone.

    ``clean`` is whether the policy is as it was when ``set_clean`` was called last.
    """

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._clean: int | None = 0
        self._open = False

    @property
    def clean(self) -> bool:
        return self._clean == len(self._done)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def push(self, change: Change, *, joins: bool = False) -> None:
        """With ``joins`` it becomes one step with the last, if that joined too and touched the same settings:
        a word that is typed is one step, not one for each letter.
        """
        if self._clean is not None and self._clean > len(self._done):
            self._clean = None
        last = self._done[-1] if self._done and self._open and joins and not self.clean else None
        if last is not None and last.paths == change.paths:
            self._done[-1] = Change(change.paths, last.before, change.after)
        else:
            self._done.append(change)
        self._undone.clear()
        self._open = joins

    def close_step(self) -> None:
        """What is pushed next begins a step of its own."""
        self._open = False

    def undo(self) -> Change | None:
        """The step that has to be taken back now; None when there is none."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        self._open = False
        return self._undone[-1]

    def redo(self) -> Change | None:
        """The step that has to be done again now; None when there is none."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        self._open = False
        return self._done[-1]

    def set_clean(self) -> None:
        self._clean = len(self._done)
        self._open = False
