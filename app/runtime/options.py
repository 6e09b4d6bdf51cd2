"""What one run of the client was asked for on the command line, passed on from guardian to client."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """``key`` is a key file, link or token; None opens the start window.

    ``camera``, ``microphone`` and ``screen`` name a device or ``file:PATH``. ``data_dir`` holds the
    attempts; ``trust`` names files of trusted issuers besides the installed ones. ``status`` is a file
    that gets one JSON line per change of page or phase, for scripts that drive the client. ``loopback``
    says that exam and backend are on this very machine, so that nothing needs to look outside.
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

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> ClientOptions:
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
        )

    def to_words(self) -> list[str]:
        """The same options as command-line words."""
        words = ["--data-dir", str(self.data_dir)]
        for name in ("camera", "microphone", "screen", "status", "problem"):
            value = getattr(self, name)
            if value is not None:
                words += [f"--{name}", str(value)]
        for path in self.trust:
            words += ["--trust", str(path)]
        if self.resume:
            words.append("--resume")
        if self.loopback:
            words.append("--loopback")
        if self.key is not None:
            words.append(f"--key={self.key}")
        return words


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
    parser.add_argument("--data-dir", metavar="DIR", help="folder for attempts (default: in the user's data folder)")
    parser.add_argument(
        "--status", metavar="FILE", help="append a JSON line for each change of page or phase, for scripts"
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
