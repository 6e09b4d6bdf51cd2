"""What AppKit and Foundation do for the exam, behind our own small ports."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from AppKit import (
    NSApplication,
    NSPasteboard,
    NSRunningApplication,
    NSWorkspace,
)
from Foundation import NSDistributedNotificationCenter, NSProcessInfo

from app.lockdown.macos import coregraphics
from app.lockdown.macos.kiosk import KIOSK_OPTIONS
from app.lockdown.macos.main_thread import in_main_thread, soon_in_main_thread
from app.lockdown.macos.programs import Application
from app.lockdown.macos.session import DISTRIBUTED, Notice

_DISPLAY_STAYS_ON, _MACHINE_STAYS_AWAKE = 1 << 40, 1 << 20
"""NSActivityIdleDisplaySleepDisabled and NSActivityIdleSystemSleepDisabled (Foundation, NSProcessInfo.h)."""
_SHARED_WITH_NONE, _SHARED_READ_ONLY = 0, 1
"""NSWindowSharingNone and NSWindowSharingReadOnly (AppKit, NSWindow.h)."""


class CocoaPresentation:
    """Answers ``Presentation`` with NSApplication's presentation options and the level of our windows."""

    def __init__(self) -> None:
        self._on = False
        self._options_before = 0
        self._level: int | None = None
        self._levels_before: dict[int, int] = {}

    def enter(self, *, over_everything: bool) -> None:
        self._level = coregraphics.shielding_level() if over_everything else None
        in_main_thread(self._enter)

    def hold(self) -> None:
        soon_in_main_thread(self._hold)

    def leave(self) -> None:
        in_main_thread(self._leave)

    def _enter(self) -> None:
        application = NSApplication.sharedApplication()
        if not self._on:
            self._options_before = application.presentationOptions()
        self._on = True
        application.setPresentationOptions_(KIOSK_OPTIONS)
        self._raise_windows()

    def _hold(self) -> None:
        if not self._on:
            return
        application = NSApplication.sharedApplication()
        if application.presentationOptions() != KIOSK_OPTIONS:
            application.setPresentationOptions_(KIOSK_OPTIONS)
        if not application.isActive():  # the options hold while we are active only
            application.activateIgnoringOtherApps_(True)
        self._raise_windows()

    def _leave(self) -> None:
        if not self._on:
            return
        self._on = False
        application = NSApplication.sharedApplication()
        application.setPresentationOptions_(self._options_before)
        for window in application.windows():
            level = self._levels_before.get(window.windowNumber())
            if level is not None:
                window.setLevel_(level)
        self._levels_before.clear()

    def _raise_windows(self) -> None:
        """Menus and dialogs of ours too, or the exam would cover them."""
        if self._level is None:
            return
        for window in NSApplication.sharedApplication().windows():
            if window.isVisible() and window.level() < self._level:
                self._levels_before.setdefault(window.windowNumber(), window.level())
                window.setLevel_(self._level)


class GeneralPasteboard:
    """Answers ``Pasteboard``."""

    def changes(self) -> int:
        return int(NSPasteboard.generalPasteboard().changeCount())

    def types(self) -> Sequence[str]:
        return [str(kind) for kind in NSPasteboard.generalPasteboard().types() or ()]

    def empty(self) -> int:
        return int(NSPasteboard.generalPasteboard().clearContents())


class RunningApplications:
    """Answers ``Applications``."""

    def quit(self, pid: int) -> bool:
        application = NSRunningApplication.runningApplicationWithProcessIdentifier_(pid)
        return application is not None and bool(application.terminate())

    def hide_owner_of(self, window: int) -> bool:
        pid = coregraphics.owner_of(window)
        if pid is None:
            return True  # it is gone already
        application = NSRunningApplication.runningApplicationWithProcessIdentifier_(pid)
        return application is not None and bool(application.hide())


def applications() -> dict[int, Application]:
    """Those that have a bundle or a window, by process number."""
    found = {}
    for each in NSWorkspace.sharedWorkspace().runningApplications():
        url = each.bundleURL()
        folder = "" if url is None else str(url.path() or "")
        found[int(each.processIdentifier())] = Application(str(each.bundleIdentifier() or ""), folder)
    return found


def in_front() -> tuple[int, str]:
    """Process number and name of the program that is active now; 0 and nothing where none is."""
    application = NSWorkspace.sharedWorkspace().frontmostApplication()
    if application is None:
        return 0, ""
    return int(application.processIdentifier()), str(application.localizedName() or "")


def keep_awake() -> Callable[[], None]:
    """Holds off idle sleep of machine and display until what is returned is called, or this process ends."""
    process = NSProcessInfo.processInfo()
    kinds = _DISPLAY_STAYS_ON | _MACHINE_STAYS_AWAKE
    activity = process.beginActivityWithOptions_reason_(kinds, "An exam is being taken.")
    return lambda: process.endActivity_(activity)


def share_windows(shared: bool) -> int:
    """Whether other programs may read our windows; returns how many windows there are. Waits for the main thread."""
    return in_main_thread(functools.partial(_share, shared))


def share_windows_later(shared: bool) -> None:
    soon_in_main_thread(lambda: _share_those_that_differ(shared))


def _share(shared: bool) -> int:
    windows = NSApplication.sharedApplication().windows()
    for window in windows:
        window.setSharingType_(_sharing(shared))
    return len(windows)


def _share_those_that_differ(shared: bool) -> None:
    for window in NSApplication.sharedApplication().windows():
        if window.sharingType() != _sharing(shared):
            window.setSharingType_(_sharing(shared))


def _sharing(shared: bool) -> int:
    return _SHARED_READ_ONLY if shared else _SHARED_WITH_NONE


def tell_of_session(on_notice: Callable[[Notice], None]) -> Callable[[], None]:
    """``on_notice`` is called on the main thread with each notice, until what is returned is called."""
    between_programs = NSDistributedNotificationCenter.defaultCenter()
    workspace = NSWorkspace.sharedWorkspace().notificationCenter()
    observers = []
    for notice in Notice:
        centre = between_programs if notice in DISTRIBUTED else workspace
        block = _told(on_notice, notice)
        observers.append((centre, centre.addObserverForName_object_queue_usingBlock_(str(notice), None, None, block)))

    def end() -> None:
        for centre, observer in observers:
            centre.removeObserver_(observer)

    return end


def _told(on_notice: Callable[[Notice], None], notice: Notice) -> Callable[[object], None]:
    def block(notification: object) -> None:
        del notification
        on_notice(notice)

    return block
