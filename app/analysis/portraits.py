"""Comparing picture files, each read once however many pairs it is in."""

from __future__ import annotations

from pathlib import Path

from app.analysis.identity import Comparison, FaceVerifier, Portrait, judge
from app.analysis.pictures import PictureError, decode_picture

_REMEMBERED = 4096


def read_picture_bytes(path: Path) -> bytes:
    """The file's bytes; PictureError when it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path} can't be read ({error.strerror}); check the name and its permissions.") from error


def reference_portrait(verifier: FaceVerifier, path: Path) -> Portrait:
    """The one face of a reference picture. PictureError when there is none or more than one."""
    portrait = verifier.portrait(decode_picture(read_picture_bytes(path), str(path)))
    if portrait.feature is None:
        raise PictureError(f"No face was found in the reference picture {path}; use a clear portrait.")
    if "several_faces" in portrait.warnings:
        raise PictureError(f"More than one face was found in the reference picture {path}; use a portrait of one.")
    return portrait


class PortraitFiles:
    """One thread at a time. ``verifier`` must outlive it."""

    def __init__(self, verifier: FaceVerifier) -> None:
        self._verifier = verifier
        self._known: dict[Path, Portrait | PictureError] = {}

    def compare(self, a: Path, b: Path) -> tuple[Comparison, list[PictureError]]:
        """The decision, and the files that could not be used; with such a file nobody is verified."""
        first, second = self._portrait(a), self._portrait(b)
        if isinstance(first, Portrait) and isinstance(second, Portrait):
            return judge(first, second), []
        problems = [p for p in (first, second) if isinstance(p, PictureError)]
        sides = (("unreadable_first", first), ("unreadable_second", second))
        warnings = tuple(word for word, side in sides if isinstance(side, PictureError))
        return Comparison(False, 0.0, 0.0, False, warnings), problems

    def _portrait(self, path: Path) -> Portrait | PictureError:
        known = self._known.get(path)
        if known is None:
            known = self._read(path)
            if len(self._known) < _REMEMBERED:
                self._known[path] = known
        return known

    def _read(self, path: Path) -> Portrait | PictureError:
        try:
            return self._verifier.portrait(decode_picture(read_picture_bytes(path), str(path)))
        except PictureError as error:
            return error
