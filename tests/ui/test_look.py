"""Readable, reachable and whole: contrast, names for screen readers, nothing cut off."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QProgressBar, QWidget
from pytestqt.qtbot import QtBot

import app.ui
from app.runtime.resources import resources_dir
from app.ui import gallery, samples
from app.ui.icons import Icons
from app.ui.main_window import ClientWindow
from app.ui.picture import PictureView
from app.ui.theme import DARK, LIGHT, Colours, apply_theme, current, scale_for
from app.ui.widgets import Button, CheckLine, ElidedLabel

CASES = dict(gallery._cases())
ICONS = resources_dir() / "ui"


def settle(qapp: QApplication) -> None:
    """Layouts within scroll areas post the next round of layout; three rounds reach the end."""
    for _ in range(3):
        qapp.processEvents()


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    made = QColor(colour)
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
        for part in (made.redF(), made.greenF(), made.blueF())
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_is_readable_on_every_ground_it_lies_on(scheme: Colours) -> None:
    grounds = ("window", "surface", "sunken", "accent_soft", "ok_soft", "warning_soft", "danger_soft")
    pairs = [(ink, ground) for ink in ("text", "muted") for ground in grounds]
    pairs += [(ink, ground) for ink in ("accent", "ok", "warning", "danger") for ground in ("window", "surface")]
    pairs += [(name, f"{name}_soft") for name in ("accent", "ok", "warning", "danger")]
    pairs += [("on_accent", fill) for fill in ("accent", "accent_hover", "accent_press")]
    poor = {p: round(contrast(getattr(scheme, p[0]), getattr(scheme, p[1])), 2) for p in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_controls_and_the_focus_are_found_by_their_outline(scheme: Colours) -> None:
    pairs = [(line, ground) for line in ("control", "accent") for ground in ("window", "surface", "sunken")]
    poor = {p: round(contrast(getattr(scheme, p[0]), getattr(scheme, p[1])), 2) for p in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 3.0} == {}


def test_everything_grows_with_the_screen() -> None:
    scales = [scale_for(*size) for size in ((1024, 600), (1366, 768), (1920, 1080), (2560, 1440), (3840, 2160))]
    assert scales == sorted(scales)
    assert scales[:2] == [1.0, 1.0]
    assert 1.7 < scales[-1] <= 2.0


def test_an_ultra_wide_screen_is_not_taken_for_a_large_one() -> None:
    assert scale_for(1080, 1920) == 1.0


def test_the_scheme_can_be_forced_and_left_to_the_system_again(qapp: QApplication) -> None:
    system_changed = qapp.styleHints().colorSchemeChanged
    apply_theme(qapp, "dark", 1.0)
    system_changed.emit(Qt.ColorScheme.Light)
    assert current().colours == DARK
    apply_theme(qapp, None, 1.0)
    system_changed.emit(Qt.ColorScheme.Dark)
    assert current().colours == DARK
    system_changed.emit(Qt.ColorScheme.Light)
    assert current().colours == LIGHT
    apply_theme(qapp, "light", 1.0)
    system_changed.emit(Qt.ColorScheme.Dark)
    assert current().colours == LIGHT


def test_a_screen_reader_has_a_name_for_every_control(window: ClientWindow) -> None:
    nameless = []
    for case, show in CASES.items():
        show(window)
        nameless += [
            f"{case}: {type(control).__name__}"
            for control in window.findChildren(QWidget)
            if control.isVisible() and _takes_part(control) and not _spoken(control).strip()
        ]
    assert nameless == []


def _takes_part(control: QWidget) -> bool:
    special = isinstance(control, QAbstractButton | QLineEdit | QProgressBar | PictureView)
    return special or control.focusPolicy() is not Qt.FocusPolicy.NoFocus


def _spoken(control: QWidget) -> str:
    own = control.text() if isinstance(control, QAbstractButton) else ""
    return control.accessibleName() or own


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_nothing_is_cut_off_on_the_smallest_screen(
    window: ClientWindow, qapp: QApplication, direction: Qt.LayoutDirection
) -> None:
    window.setLayoutDirection(direction)
    cut = []
    for case, show in CASES.items():
        show(window)
        settle(qapp)
        cut += [
            f"{case}: {type(shown).__name__} {getattr(shown, 'text', str)()!r}: {shown.size().toTuple()}"
            for shown in window.findChildren(QWidget)
            if shown.isVisible() and isinstance(shown, _WORDS) and _is_cut(shown, window)
        ]
    assert cut == []
    assert (window.width(), window.height()) == (1024, 600)


_WORDS = QLabel | Button | CheckLine | QLineEdit


def _is_cut(shown: QWidget, window: ClientWindow) -> bool:
    """Smaller than its words need, or reaching over the window's side."""
    across = QRect(shown.mapTo(window, QPoint(0, 0)), shown.size())
    if across.left() < 0 or across.right() >= window.width():
        return True
    if isinstance(shown, ElidedLabel):
        return shown.height() < shown.minimumSizeHint().height() or shown.width() < 40
    if isinstance(shown, QLabel) and shown.wordWrap():
        words = shown.text().replace("\u200b", " ").split()
        widest = max((shown.fontMetrics().horizontalAdvance(w) for w in words), default=0)
        return shown.height() < shown.heightForWidth(shown.width()) or shown.width() < widest
    hint = shown.minimumSizeHint()
    return shown.height() < hint.height() or shown.width() < hint.width()


def test_the_actions_of_a_page_never_scroll_out_of_sight(window: ClientWindow, qapp: QApplication) -> None:
    hidden = []
    for case, show in CASES.items():
        show(window)
        settle(qapp)
        hidden += [
            f"{case}: {button.text()}"
            for button in window.findChildren(Button)
            if button.isVisible() and button.visibleRegion().isEmpty()
        ]
    assert hidden == []


def test_every_icon_that_is_named_is_there() -> None:
    names = {path.stem for path in ICONS.glob("*.svg")}
    used = {
        node.value
        for module in Path(str(app.ui.__file__)).parent.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    unused = {name for name in names if name not in used and not name.endswith("-off")}
    assert unused == set()
    for name in ("camera", "microphone", "screen", "network"):
        assert f"{name}-off" in names


def test_an_icon_draws_something_in_the_colour_asked_for(qapp: QApplication) -> None:
    icons = Icons(ICONS)
    for name in sorted(path.stem for path in ICONS.glob("*.svg")):
        image = icons.pixmap(name, "#C01020", 32).toImage().convertToFormat(QImage.Format.Format_ARGB32)
        seen = {
            image.pixelColor(x, y).name() for x in range(32) for y in range(32) if image.pixelColor(x, y).alpha() > 250
        }
        assert "#c01020" in seen, name


def test_a_missing_icon_stops_nothing(qapp: QApplication, tmp_path: Path) -> None:
    assert not Icons(tmp_path).pixmap("camera", "#000000", 16).isNull()


def test_the_focus_can_be_seen(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_done("You are done", "https://proctor.example.org/r", [])
    button = window.done_page.report_button
    without = button.grab().toImage()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    assert button.grab().toImage() != without


def test_a_picture_is_mirrored_live_and_shown_as_it_is_when_taken(qapp: QApplication) -> None:
    half = QImage(40, 30, QImage.Format.Format_RGB32)
    half.fill(QColor("#000000"))
    for x in range(20):
        for y in range(30):
            half.setPixelColor(x, y, QColor("#FFFFFF"))
    view = PictureView(Icons(ICONS), "")
    view.resize(400, 300)
    view.show_picture(half, mirrored=True)
    assert QColor(view.grab().toImage().pixel(350, 150)).lightness() > 200
    view.show_picture(half, mirrored=False)
    assert QColor(view.grab().toImage().pixel(350, 150)).lightness() < 50


def test_the_gallery_shows_every_page_and_leaves_the_application_as_it_was(qapp: QApplication, tmp_path: Path) -> None:
    made = gallery.render_gallery(tmp_path, ICONS, [(1024, 600)], ["dark"])
    assert len(made) == len(CASES)
    image = QImage(str(made[0]))
    assert (image.width(), image.height()) == (1024, 600)
    assert qapp.layoutDirection() is Qt.LayoutDirection.LeftToRight
    apply_theme(qapp, "light", 1.0)


def test_all_colours_are_written_as_colours() -> None:
    for scheme in (LIGHT, DARK):
        assert all(QColor(getattr(scheme, field.name)).isValid() for field in fields(scheme))
    assert replace(LIGHT) == LIGHT
    assert samples.PLAIN.capture.camera
