"""Another program on the X server, for tests of the lockdown: maps a window, prints its id, ends when its input closes.

Each line on its input is a command and gets one line in answer:
``open [override] [inputonly] [transparent] [type=NOTIFICATION] [at=x,y,w,h]`` (a window's id), ``raise ID``, ``unmap ID``,
``copy SELECTION`` (takes it, and has nothing to give).
"""

from __future__ import annotations

import sys

from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.xobject.drawable import Window


class Program:
    def __init__(self) -> None:
        self.display = Display()

    def open(self, *words: str) -> Window:
        screen = self.display.screen()
        place = next((word[3:] for word in words if word.startswith("at=")), "50,50,400,300")
        x, y, width, height = map(int, place.split(","))
        input_only = "inputonly" in words
        window: Window = screen.root.create_window(
            x, y, width, height, 0, 0 if input_only else screen.root_depth,
            X.InputOnly if input_only else X.InputOutput, X.CopyFromParent, override_redirect="override" in words,
        )  # fmt: skip
        window.set_wm_class("otherprogram", "OtherProgram")
        window.set_wm_name("secret title")
        atom = self.display.intern_atom
        for word in words:
            if word.startswith("type="):
                kind = atom(f"_NET_WM_WINDOW_TYPE_{word[5:]}")
                window.change_property(atom("_NET_WM_WINDOW_TYPE"), Xatom.ATOM, 32, [kind])
        if "transparent" in words:
            window.change_property(atom("_NET_WM_WINDOW_OPACITY"), Xatom.CARDINAL, 32, [0])
        window.map()
        self.display.sync()
        return window

    def obey(self, line: str) -> str:
        command, *words = line.split()
        if command == "open":
            return str(self.open(*words).id)
        if command == "copy":
            owner = self.display.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
            owner.set_selection_owner(self.display.intern_atom(words[0]), X.CurrentTime)
            self.display.sync()
            return "copied"
        window = self.display.create_resource_object("window", int(words[0]))
        if command == "raise":
            window.raise_window()
        else:
            window.unmap()
        self.display.sync()
        return "done"


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    program = Program()
    display = program.display
    window = program.open("override" if "override" in sys.argv else "")
    say(str(window.id))
    if "grab" in sys.argv:
        while window.get_attributes().map_state != X.IsViewable:
            display.sync()
        window.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        display.sync()
        say("grabbed")
    if "closable" in sys.argv:
        window.set_wm_protocols([display.intern_atom("WM_DELETE_WINDOW")])
        display.sync()
        say("waits")
        while display.next_event().type != X.ClientMessage:
            pass
        return
    for line in sys.stdin:
        say(program.obey(line))


if __name__ == "__main__":
    main()
