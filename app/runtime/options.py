"""What one run of the client was asked for on the command line, passed on from guardian to client."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from app.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """``key`` is a key file, QR picture, link, code or token; None opens the start window.

    ``password_file`` holds the password of a protected key. ``candidate``, ``name`` and ``group`` say who takes the
    exam, for a key that does not; ``backend`` is the server that a code is from.

    ``camera``, ``microphone`` and ``screen`` name a device or ``file:PATH``. ``data_dir`` holds the
    attempts; ``trust`` names files of trusted issuers besides the installed ones. ``status`` is a file
    that gets one JSON line per change of page or phase, for scripts that drive the client. ``loopback``
    says that exam and backend are on this very machine, so that nothing needs to look outside.
    ``kiosk_compositor`` has the client started inside one.
    """

    key: str | None
    data_dir: Path
    journal: Path
    camera: str | None = None
    microphone: str | None = None
    screen: str | None = None
    trust: tuple[Path, ...] = ()
    status: Path | None = None
    resume: bool = False
    problem: str | None = None
    loopback: bool = False
    password_file: Path | None = None
    candidate: str | None = None
    name: str | None = None
    group: str | None = None
    backend: str | None = None
    kiosk_compositor: bool = False

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> ClientOptions:
        """Raises BadInput for options that don't belong together."""
        if (args.candidate is None) != (args.name is None) or (args.group is not None and args.candidate is None):
            raise BadInput("--candidate and --name belong together, and --group needs both; give all that you use.")
        data_dir = Path(args.data_dir) if args.data_dir else default_data_dir()
        return cls(
            key=args.key,
            data_dir=data_dir,
            journal=data_dir / "restore.jsonl",
            camera=args.camera,
            microphone=args.microphone,
            screen=args.screen,
            trust=tuple(Path(p) for p in args.trust),
            status=Path(args.status) if args.status else None,
            resume=args.resume,
            problem=args.problem,
            loopback=args.loopback,
            password_file=Path(args.password_file) if args.password_file else None,
            candidate=args.candidate,
            name=args.name,
            group=args.group,
            backend=args.backend,
            kiosk_compositor=args.kiosk_compositor,
        )

    def to_words(self) -> list[str]:
        """The same options as command-line words."""
        words = ["--data-dir", str(self.data_dir)]
        for name in ("camera", "microphone", "screen", "status", "problem", *_ASKED):
            value = getattr(self, name)
            if value is not None:
                words.append(f"--{name.replace('_', '-')}={value}")
        for path in self.trust:
            words += ["--trust", str(path)]
        if self.resume:
            words.append("--resume")
        if self.loopback:
            words.append("--loopback")
        if self.kiosk_compositor:
            words.append("--kiosk-compositor")
        if self.key is not None:
            words.append(f"--key={self.key}")
        return words


_ASKED = ("password_file", "candidate", "name", "group", "backend")
"""What the window asks for where the command line does not say it."""


def add_client_arguments(parser: argparse.ArgumentParser) -> None:
    for name in ("camera", "microphone", "screen"):
        parser.add_argument(
            f"--{name}", metavar="DEVICE", help="a device's number or name, or file:PATH where the key allows it"
        )
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="FILE",
        help="trust these issuers too: FILE is what 'key new-issuer' wrote",
    )
    parser.add_argument("--password-file", metavar="FILE", help="its first line is the password of a protected key")
    parser.add_argument("--candidate", metavar="ID", help="who takes the exam, for a key that does not say it")
    parser.add_argument("--name", metavar="NAME", help="the candidate's name; goes with --candidate")
    parser.add_argument("--group", metavar="GROUP", help="the candidate's group, for a key that is for one")
    parser.add_argument(
        "--backend", metavar="URL", help="the server that a code is from (default: those that this machine trusts)"
    )
    parser.add_argument("--data-dir", metavar="DIR", help="folder for attempts (default: in the user's data folder)")
    parser.add_argument(
        "--status", metavar="FILE", help="append a JSON line for each change of page or phase, for scripts"
    )
    parser.add_argument(
        "--kiosk-compositor",
        action="store_true",
        help="on Linux, show the exam alone in the Wayland compositor 'cage', from a text console or the login screen "
        "(INVIGIL_KIOSK_COMPOSITOR=1 does so always)",
    )
    parser.add_argument("--resume", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--problem", help=argparse.SUPPRESS)
    parser.add_argument("--loopback", action="store_true", help=argparse.SUPPRESS)


def default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("invigil", appauthor=False))


def self_command(*words: str) -> Sequence[str]:
    """How this very program starts a command of its own, frozen or not."""
    if getattr(sys, "frozen", False):
        return [sys.executable, *words]
    return [sys.executable, "-m", "app", *words]
