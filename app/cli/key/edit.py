"""``invigil key edit``: a window for policies and keys."""

from __future__ import annotations

import argparse


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "edit",
        help="open the key editor: change a policy, sign it, show its QR code",
        description="Opens a window with every setting of a policy, explained, and with what is wrong beside it. "
        "Saves the policy as JSON, and signs it into a key file. See docs/key-editor.md.",
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a policy as JSON, or a key (file, QR picture or link) whose policy is taken (default: begin with a preset)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs until the window is closed."""
    from app.runtime.editor import run_editor

    return run_editor(args.file)
