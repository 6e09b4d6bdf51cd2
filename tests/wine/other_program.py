"""A second program for the tests: does what its standard input says, one command per line, and answers each with a line.

``window LEFT TOP WIDTH HEIGHT`` shows a window and answers its number; ``raise NUMBER``, ``hide NUMBER``,
``tell NUMBER`` (raises the event that Windows raises when a window is shown); ``copy`` puts something into the
clipboard; ``exclude NUMBER`` leaves it out of captures and answers what Windows says of it then. Ends with its input.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from ctypes import byref, c_int, c_void_p
from ctypes.wintypes import BOOL, DWORD, HWND, LONG, MSG, UINT
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.lockdown.win32 import user32, user32_messages, user32_placing, user32_windows
from app.lockdown.win32.library import Library

_user32 = Library("user32")
_PeekMessageW = _user32.function("PeekMessageW", BOOL, c_void_p, HWND, UINT, UINT, UINT)
_DispatchMessageW = _user32.function("DispatchMessageW", c_void_p, c_void_p)
_NotifyWinEvent = _user32.function("NotifyWinEvent", None, DWORD, HWND, LONG, LONG)
_SetWindowPos = _user32.function("SetWindowPos", BOOL, HWND, HWND, c_int, c_int, c_int, c_int, UINT)
_TOP_NO_MOVE_NO_SIZE = 0x1 | 0x2
_POPUP_VISIBLE = 0x80000000 | user32_placing.WS_VISIBLE


def main() -> None:
    commands: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(commands,), daemon=True).start()
    print("ready", flush=True)
    message = MSG()
    while True:
        while _PeekMessageW(byref(message), None, 0, 0, 1):
            _DispatchMessageW(byref(message))
        try:
            line = commands.get_nowait()
        except queue.Empty:
            time.sleep(0.005)  # the windows have to be served too
            continue
        if not line:
            return
        print(_do(line.split()), flush=True)


def _read(commands: queue.Queue[str]) -> None:
    for line in sys.stdin:
        commands.put(line)
    commands.put("")


def _do(words: list[str]) -> str:
    match words:
        case ["window", left, top, width, height]:
            place = (int(left), int(top), int(width), int(height))
            return str(user32_placing.create_window("STATIC", _POPUP_VISIBLE, place))
        case ["raise", number]:
            return str(_SetWindowPos(int(number), None, 0, 0, 0, 0, _TOP_NO_MOVE_NO_SIZE))
        case ["hide", number]:
            user32_placing.show(int(number), user32_placing.SW_HIDE)
            return "hidden"
        case ["tell", number]:
            return str(_NotifyWinEvent(user32_messages.EVENT_OBJECT_SHOW, int(number), 0, 0))
        case ["copy"]:
            owner = user32_placing.create_window("STATIC", 0, (0, 0, 0, 0))
            user32.offer_to_clipboard(owner, user32.CF_UNICODETEXT)
            return str(owner)
        case ["exclude", number]:
            with contextlib.suppress(OSError):
                user32_placing.set_display_affinity(int(number), user32_placing.WDA_EXCLUDEFROMCAPTURE)
            return str(user32_windows.display_affinity(int(number)))
    return f"unknown: {words}"


if __name__ == "__main__":
    main()
