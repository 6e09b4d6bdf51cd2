"""The icons: small line drawings in SVG, drawn in whatever colour the theme asks for."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer


class Icons:
    """Pictures from one folder of SVG files. UI thread.

    Files are read when first asked for and kept. A file that can't be read gives an empty
    picture: an exam must not stop for a missing drawing, and everything has words besides.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._sources: dict[str, str] = {}
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}

    def pixmap(self, name: str, colour: str, size_px: int, ratio: float = 1.0) -> QPixmap:
        """The icon, square, ``size_px`` logical pixels wide on a screen with the given device pixel ratio."""
        key = (name, colour, size_px, ratio)
        if key not in self._pixmaps:
            self._pixmaps[key] = self._draw(name, colour, size_px, ratio)
        return self._pixmaps[key]

    def icon(self, name: str, colour: str) -> QIcon:
        """For the window's own icon, in the sizes that desktops ask for."""
        icon = QIcon()
        for size_px in (16, 32, 64, 128):
            icon.addPixmap(self.pixmap(name, colour, size_px))
        return icon

    def _draw(self, name: str, colour: str, size_px: int, ratio: float) -> QPixmap:
        pixmap = QPixmap(round(size_px * ratio), round(size_px * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        source = self._source(name)
        if source:
            renderer = QSvgRenderer(QByteArray(source.replace("currentColor", colour).encode()))
            painter = QPainter(pixmap)
            renderer.render(painter, QRectF(0, 0, size_px, size_px))
            painter.end()
        return pixmap

    def _source(self, name: str) -> str:
        if name not in self._sources:
            try:
                self._sources[name] = (self._directory / f"{name}.svg").read_text(encoding="utf-8")
            except OSError:
                self._sources[name] = ""
        return self._sources[name]
