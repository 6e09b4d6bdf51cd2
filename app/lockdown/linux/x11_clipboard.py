"""The selections of an X server: emptied, kept empty of what others put there, and watched. Contents are never read."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import xfixes
from Xlib.protocol import event
from Xlib.protocol.rq import Event
from Xlib.xobject.drawable import Window

from app.core import lockdown
from app.core.lockdown import program_name
from app.core.policy import Policy
from app.core.ports import KioskWindow
from app.core.types import NS_PER_S, ClipboardUsed, Json, Observation
from app.lockdown.linux.x11 import connection, display_problem
from app.lockdown.linux.x11_clients import client_of, is_our_process, pid_of, program_names, program_of
from app.lockdown.linux.x11_events import EventConnection, Keeper, drained

_SELECTIONS = ("CLIPBOARD", "PRIMARY", "SECONDARY")
_MANAGERS = frozenset(
    {
        "clipit", "clipman", "clipmenud", "copyq", "diodon", "gpaste-daemon", "greenclip", "gsd-clipboard", "klipper",
        "mate-settings-daemon", "parcellite", "plasmashell", "qlipper", "xfce4-clipman", "xfsettingsd",
    }
)  # fmt: skip
_MANAGER_EVERY_NS = 60 * NS_PER_S
_ROUNDS = 3
_TRIES = 5
_TRIES_WITHIN_S = 10.0
_PAUSE_S = 2.0


def assistive_names(policy: Policy | None) -> frozenset[str]:
    """Programs that may use the clipboard, by ``program_name``: dictation hands over its text so."""
    names = () if policy is None else policy.accessibility.assistive_programs
    return frozenset(map(program_name, names))


def has_selection_events(display: Display) -> bool:
    return display.has_extension(xfixes.extname)


class ClipboardEmptied:
    """What was copied before the exam can't be pasted in it, what another program copies meanwhile neither, and
    nothing of the exam afterwards.

    While it is performed, a keeper owns the selections and answers every request with nothing; what another program puts
    there is taken away again, five times in 10 s at once and then every 2 s, so that a clipboard manager does not keep
    both busy. What the exam itself copies is left to it, and what an assistive program copies.
    """

    name = lockdown.CLIPBOARD

    def __init__(self, window: KioskWindow | None = None, policy: Policy | None = None) -> None:
        self._owners = _Owners(window, assistive_names(policy))
        self._keeper = Keeper("lockdown-clipboard", self._begin, self._heard)
        self._window: Window | None = None
        self._tries: deque[float] = deque()
        self._foreign: set[int] = set()

    def check(self) -> str | None:
        return display_problem()

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        self._keeper.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        self._keeper.stop()
        with connection() as display:
            window = _hidden_window(display)
            for selection in _atoms(display):
                window.set_selection_owner(selection, X.CurrentTime)
            window.destroy()  # a selection whose owner is destroyed has none

    def _begin(self, display: Display) -> None:
        self._window = _hidden_window(display)
        if has_selection_events(display):
            _select_events(display)
        for selection in _atoms(display):
            self._window.set_selection_owner(selection, X.CurrentTime)

    def _heard(self, display: Display, events: list[Event]) -> float | None:
        for each in events:
            if isinstance(each, event.SelectionRequest):
                _refuse(each)
            elif isinstance(each, xfixes.SelectionNotify):
                self._note(display, each)
        if self._foreign and self._may_try():
            for selection in self._foreign:
                self._take(selection)
            self._foreign.clear()
        display.sync()
        return _PAUSE_S if self._foreign else None

    def _note(self, display: Display, notice: Event) -> None:
        owner = _id(notice.owner)
        if self._window is not None and owner != self._window.id and not self._owners.may(display, owner):
            self._foreign.add(int(notice.selection))
        else:
            self._foreign.discard(int(notice.selection))

    def _take(self, selection: int) -> None:
        if self._window is not None:
            self._window.set_selection_owner(selection, X.CurrentTime)

    def _may_try(self) -> bool:
        now_s = time.monotonic()
        while self._tries and now_s - self._tries[0] > _TRIES_WITHIN_S:
            self._tries.popleft()
        if len(self._tries) >= _TRIES and now_s - self._tries[-1] < _PAUSE_S:
            return False
        self._tries.append(now_s)
        return True


class ClipboardUse:
    """Reports each time another program takes CLIPBOARD or PRIMARY, with its name, once per poll. One thread.

    Ours and those of assistive programs are not reported. A clipboard manager that puts its last entry back does so by
    itself: it is named as one, and told once a minute. Raises LockdownError when the X server is gone.
    """

    name = lockdown.CLIPBOARD_USE

    def __init__(
        self, window: KioskWindow | None, assistive: Collection[str] = (), own_pids: Collection[int] = ()
    ) -> None:
        self._owners = _Owners(window, assistive, own_pids)
        self._events = EventConnection(_select_events)
        self._told_ns: dict[str, int] = {}

    def poll(self, now_ns: int) -> Sequence[Observation]:
        with self._events.answering("the clipboard") as display:
            found: list[Observation] = []
            for _ in range(_ROUNDS):  # what comes while it is looked whose the first are; a flood has no end
                events = drained(display)
                for owner in dict.fromkeys(_owners_told(events)):
                    found += self._observed(display, owner, now_ns)
                if not events:
                    break
            return tuple(dict.fromkeys(found))

    def listen(self, wake: Callable[[], None]) -> int | None:
        with self._events.answering("the clipboard") as display:
            return int(display.fileno())

    def close(self) -> None:
        self._events.close()

    def _observed(self, display: Display, owner: int, now_ns: int) -> list[Observation]:
        if not owner or self._owners.may(display, owner):
            return []
        program, is_manager = _program(display, owner)
        told_ns = self._told_ns.get(program)
        if is_manager and told_ns is not None and now_ns - told_ns < _MANAGER_EVERY_NS:
            return []
        self._told_ns[program] = now_ns
        return [ClipboardUsed(now_ns, program)]


class _Owners:
    """Who may put something into the clipboard: the exam, and assistive programs. Who is gone has put nothing there."""

    def __init__(self, window: KioskWindow | None, assistive: Collection[str], own_pids: Collection[int] = ()) -> None:
        self._window = window
        self._assistive = frozenset(assistive)
        self._own_pids = frozenset(own_pids)

    def may(self, display: Display, owner: int) -> bool:
        if not owner:
            return True
        ours = 0 if self._window is None else self._window.handle()
        if ours and client_of(display, ours) == client_of(display, owner):
            return True
        window = display.create_resource_object("window", owner)
        try:
            window.get_attributes()  # its number may be another client's by now
            pid = pid_of(display, window)
        except XError:  # gone already, and its selection with it
            return True
        return is_our_process(pid, self._own_pids) or bool(program_names(pid) & self._assistive)


def _owners_told(events: Sequence[Event]) -> list[int]:
    return [_id(each.owner) for each in events if isinstance(each, xfixes.SelectionNotify)]


def _program(display: Display, owner: int) -> tuple[str, bool]:
    """Its name for people, and whether it is a clipboard manager."""
    window = display.create_resource_object("window", owner)
    try:
        program = program_of(display, window)
        is_manager = bool(program_names(pid_of(display, window)) & _MANAGERS)
    except XError:
        return "another program", False
    return f"{program}, a clipboard manager" if is_manager else program or "another program", is_manager


def _select_events(display: Display) -> None:
    xfixes.query_version(display)
    root = display.screen().root
    for selection in _atoms(display):
        xfixes.select_selection_input(display, root.id, selection, xfixes.XFixesSetSelectionOwnerNotifyMask)


def _refuse(request: Event) -> None:
    """As ICCCM 2.2 has it: an answer without a property."""
    request.requestor.send_event(
        event.SelectionNotify(
            time=request.time,
            requestor=request.requestor,
            selection=request.selection,
            target=request.target,
            property=X.NONE,
        )
    )


def _atoms(display: Display) -> list[int]:
    return [display.intern_atom(name) for name in _SELECTIONS]


def _hidden_window(display: Display) -> Window:
    made: Window = display.screen().root.create_window(-1, -1, 1, 1, 0, X.CopyFromParent)
    return made


def _id(window: Window | int) -> int:
    return window if isinstance(window, int) else int(window.id)
