"""Colours, sizes and fonts of the windows, in a light and a dark scheme.

One accent colour. Every text colour has a contrast of at least 4.5 to every ground it is used
on, and every outline that a control needs to be found by at least 3 (WCAG 2.2, 1.4.3 and 1.4.11);
the tests compute it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.ui.interpreter import keep_singletons_alive
from app.ui.stylesheet import stylesheet

SchemeName = Literal["light", "dark"]

_SCHEME_PROPERTY = "invigilScheme"
_SCALE_PROPERTY = "invigilScale"
_FOLLOWER = "invigilSchemeFollower"
_BASE_FONT_PX = 15.0
_PLAIN_LINUX_FONTS = frozenset({"DejaVu Sans", "Bitstream Vera Sans", "Sans Serif"})
_NICER_LINUX_FONTS = ("Inter", "Noto Sans", "Cantarell", "Ubuntu", "Open Sans", "Liberation Sans", "Nimbus Sans")


@dataclass(frozen=True, slots=True)
class Colours:
    """Grounds (window, surface, sunken, ``*_soft``), texts (text, muted) and meanings."""

    window: str
    surface: str
    sunken: str
    text: str
    muted: str
    border: str
    control: str
    accent: str
    accent_hover: str
    accent_press: str
    on_accent: str
    accent_soft: str
    ok: str
    ok_soft: str
    warning: str
    warning_soft: str
    danger: str
    danger_soft: str


LIGHT = Colours(
    window="#F4F6F9",
    surface="#FFFFFF",
    sunken="#EAEDF2",
    text="#12161F",
    muted="#4A5264",
    border="#D8DDE6",
    control="#767F92",
    accent="#2B50D9",
    accent_hover="#2243BC",
    accent_press="#1A3699",
    on_accent="#FFFFFF",
    accent_soft="#E7ECFD",
    ok="#146C36",
    ok_soft="#E3F4E9",
    warning="#7D5000",
    warning_soft="#FFF2D6",
    danger="#B3261E",
    danger_soft="#FCEBE9",
)
DARK = Colours(
    window="#0F1218",
    surface="#191D26",
    sunken="#0A0C11",
    text="#F1F3F8",
    muted="#B4BBCA",
    border="#2F3645",
    control="#858EA2",
    accent="#90A8FF",
    accent_hover="#AABCFF",
    accent_press="#C0CDFF",
    on_accent="#0A1130",
    accent_soft="#202B4F",
    ok="#74D99A",
    ok_soft="#14311F",
    warning="#F3C56B",
    warning_soft="#372B10",
    danger="#FFA198",
    danger_soft="#401F1D",
)


@dataclass(frozen=True, slots=True)
class Theme:
    """What a widget needs to paint itself. ``scale`` is 1 on a laptop and grows with the screen."""

    colours: Colours
    scale: float

    def px(self, size_px: float) -> int:
        """A length drawn for a laptop screen, on this one; at least one pixel."""
        return max(1, round(size_px * self.scale))


def scale_for(width_px: int, height_px: int) -> float:
    """How much larger than on a laptop everything is drawn on a screen of this logical size: 1.0 to 2.0."""
    height = min(float(height_px), width_px * 9 / 16)
    return min(2.0, max(1.0, 1.0 + (height - 900.0) / 1500.0))


def current() -> Theme:
    """The theme that was applied last; light at scale 1 before that. UI thread."""
    app = QCoreApplication.instance()
    scheme = app.property(_SCHEME_PROPERTY) if app is not None else None
    scale = app.property(_SCALE_PROPERTY) if app is not None else None
    return Theme(DARK if scheme == "dark" else LIGHT, float(scale) if isinstance(scale, float | int) else 1.0)


def apply_theme(app: QApplication, scheme: SchemeName | None, scale: float | None = None) -> None:
    """Gives the whole application its look. UI thread.

    ``scheme`` None follows the system's light or dark setting, now and when it changes.
    ``scale`` None is taken from the primary screen. A look that the application has already is left as it is:
    to style every widget anew takes a quarter of a second.
    """
    keep_singletons_alive()
    hints = app.styleHints()
    if scheme is None:
        hints.unsetColorScheme()
        _follow_system(app, scale)
        scheme = "dark" if hints.colorScheme() is Qt.ColorScheme.Dark else "light"
    else:
        _unfollow_system(app)
        hints.setColorScheme(Qt.ColorScheme.Dark if scheme == "dark" else Qt.ColorScheme.Light)
    _apply(app, scheme, _screen_scale() if scale is None else scale)


def _apply(app: QApplication, scheme: SchemeName, scale: float) -> None:
    if (app.property(_SCHEME_PROPERTY), app.property(_SCALE_PROPERTY)) == (scheme, scale):
        return
    app.setProperty(_SCHEME_PROPERTY, scheme)
    app.setProperty(_SCALE_PROPERTY, scale)
    theme = current()
    app.setStyle("Fusion")
    font = _font(scale)
    app.setFont(font)
    app.setPalette(_palette(theme.colours))
    app.setStyleSheet(stylesheet(theme.colours, theme.px, font.pixelSize()))


def _screen_scale() -> float:
    if not QGuiApplication.screens():
        return 1.0
    size = QGuiApplication.primaryScreen().size()
    return scale_for(size.width(), size.height())


def _font(scale: float) -> QFont:
    """The system's own font, a little larger; on a Linux without a desktop's settings, the best one installed."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    wanted_px = max(_BASE_FONT_PX, QFontInfo(font).pixelSize() * 1.1)
    if QFontInfo(font).family().split(" [")[0] in _PLAIN_LINUX_FONTS:
        installed = {family.split(" [")[0] for family in QFontDatabase.families()}
        nicer = [family for family in _NICER_LINUX_FONTS if family in installed]
        font.setFamilies([*nicer[:1], *font.families()])
    font.setPixelSize(round(wanted_px * scale))
    return font


def _palette(c: Colours) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for name, colour in (
        (role.Window, c.window),
        (role.WindowText, c.text),
        (role.Base, c.surface),
        (role.AlternateBase, c.sunken),
        (role.Text, c.text),
        (role.Button, c.surface),
        (role.ButtonText, c.text),
        (role.ToolTipBase, c.text),
        (role.ToolTipText, c.surface),
        (role.PlaceholderText, c.muted),
        (role.Highlight, c.accent),
        (role.HighlightedText, c.on_accent),
        (role.Accent, c.accent),
        (role.Link, c.accent),
        (role.Mid, c.border),
        (role.BrightText, c.danger),
    ):
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(c.muted))
    return palette


class _Follower(QObject):
    """Applies the theme again when the system changes between light and dark."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName(_FOLLOWER)
        self._app = app
        self.scale: float | None = None

    def follow(self, scheme: Qt.ColorScheme) -> None:
        name: SchemeName = "dark" if scheme is Qt.ColorScheme.Dark else "light"
        _apply(self._app, name, _screen_scale() if self.scale is None else self.scale)


def _follow_system(app: QApplication, scale: float | None) -> None:
    follower = app.findChild(_Follower, _FOLLOWER)
    if follower is None:
        follower = _Follower(app)
        app.styleHints().colorSchemeChanged.connect(follower.follow)
    follower.scale = scale


def _unfollow_system(app: QApplication) -> None:
    follower = app.findChild(_Follower, _FOLLOWER)
    if follower is not None:
        app.styleHints().colorSchemeChanged.disconnect(follower.follow)
        follower.setParent(None)
        follower.deleteLater()
