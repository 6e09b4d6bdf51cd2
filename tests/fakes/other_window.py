"""Another program with a window, for tests of the kiosk: maps it, prints its id, ends when its input closes."""

from __future__ import annotations

import sys

from Xlib import X
from Xlib.display import Display


def main() -> None:
    display = Display()
    screen = display.screen()
    window = screen.root.create_window(50, 50, 400, 300, 0, screen.root_depth, X.InputOutput, X.CopyFromParent)
    window.set_wm_class("otherprogram", "OtherProgram")
    window.set_wm_name("secret title")
    window.map()
    display.sync()
    sys.stdout.write(f"{window.id}\n")
    sys.stdout.flush()
    if "grab" in sys.argv:
        while window.get_attributes().map_state != X.IsViewable:
            display.sync()
        window.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        display.sync()
        sys.stdout.write("grabbed\n")
        sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
