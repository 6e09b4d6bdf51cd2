"""The key editor is readable, reachable and whole in both schemes, on the smallest screen and a large one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PySide6.QtCore import QCoreApplication, QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.ui.editor import gallery
from app.ui.editor.window import EditorWindow
from app.ui.theme import SchemeName, apply_theme, scale_for
from app.ui.widgets import Button, CheckLine, ElidedLabel
from tests.fakes.editor import destroy_editor, make_editor

FIELDS = QAbstractButton | QLineEdit | QComboBox | QAbstractSpinBox | QPlainTextEdit | QAbstractItemView
WORDS = QLabel | Button | CheckLine | QLineEdit | QComboBox
States = Callable[..., Iterator[tuple[str, QWidget]]]


@pytest.fixture(params=[("light", 1024, 600), ("dark", 1600, 1000)], ids=["light-1024x600", "dark-1600x1000"])
def editor(request: pytest.FixtureRequest, qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[EditorWindow]:
    """A window that is drawn, but not on the screen."""
    scheme: SchemeName
    scheme, width, height = request.param
    apply_theme(qapp, scheme, scale_for(width, height))
    window = make_editor(tmp_path, lambda: gallery.NOW)
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(width, height)
    window.show()
    yield window
    destroy_editor(window)
    apply_theme(qapp, "light", 1.0)


def states(editor: EditorWindow, *names: str) -> Iterator[tuple[str, QWidget]]:
    """Each state of the gallery with what is to be looked at; a dialog is closed before the next one."""
    for name, show in gallery.cases().items():
        if names and name not in names:
            continue
        editor.search.clear()
        editor.show_document(gallery.SAMPLE)
        editor.show_group("exam")
        seen = show(editor)
        for _ in range(6):
            QCoreApplication.processEvents()
        yield name, seen
        if seen is not editor:
            seen.close()


def visible(seen: QWidget) -> list[QWidget]:
    return [one for one in seen.findChildren(QWidget) if one.isVisible() and one.window() is seen]


def test_a_screen_reader_has_a_name_for_every_control(editor: EditorWindow) -> None:
    nameless = [
        f"{name}: {type(one).__name__}"
        for name, seen in states(editor)
        for one in visible(seen)
        if isinstance(one, FIELDS) and one.focusProxy() is None and not _inner(one) and not _spoken(one).strip()
    ]
    assert nameless == []


def _inner(one: QWidget) -> bool:
    """Parts of Qt's own controls, which speak for them."""
    return isinstance(one.parentWidget(), QAbstractSpinBox | QComboBox | QAbstractItemView)


def _spoken(one: QWidget) -> str:
    own = one.text() if isinstance(one, QAbstractButton) else ""
    return one.accessibleName() or own


def test_nothing_is_cut_off(editor: EditorWindow, qtbot: QtBot) -> None:
    for name, seen in states(editor):

        def nothing_is_cut(name: str = name, seen: QWidget = seen) -> None:
            cut = [
                f"{name}: {type(one).__name__} {getattr(one, 'text', str)()!r} {one.size().toTuple()}"
                for one in visible(seen)
                if isinstance(one, WORDS) and not _inner(one) and _is_cut(one, seen)
            ]
            assert cut == []

        qtbot.waitUntil(nothing_is_cut, timeout=10_000)  # lay-outs settle over several turns of the event loop


def _is_cut(one: QWidget, seen: QWidget) -> bool:
    """Smaller than its words need, or reaching over the window's side."""
    across = QRect(one.mapTo(seen, QPoint(0, 0)), one.size())
    if across.left() < 0 or across.right() >= seen.width():
        return True
    if isinstance(one, ElidedLabel):
        return one.height() < one.minimumSizeHint().height() or one.width() < 40
    if isinstance(one, QLabel) and one.wordWrap():
        widest = max((one.fontMetrics().horizontalAdvance(word) for word in one.text().split()), default=0)
        return one.height() < one.heightForWidth(one.width()) or one.width() < widest
    if isinstance(one, QLabel):
        return one.width() < one.sizeHint().width()
    hint, chosen = one.minimumSizeHint(), one.minimumSize()
    low = min(chosen.height() or hint.height(), one.maximumHeight())
    return one.height() < low or one.width() < (chosen.width() or hint.width())


def test_every_dialog_fits_the_smallest_screen_with_its_frame(editor: EditorWindow) -> None:
    scale = scale_for(editor.width(), editor.height())
    sizes = {name: (seen.width(), seen.height()) for name, seen in states(editor) if seen is not editor}
    assert {name: size for name, size in sizes.items() if size[0] > 1000 * scale or size[1] > 572 * scale} == {}
    assert len(sizes) >= 8


def test_text_from_outside_is_never_mark_up(editor: EditorWindow) -> None:
    rich = [
        f"{name}: {one.text()}"
        for name, seen in states(editor)
        for one in visible(seen)
        if isinstance(one, QLabel) and one.textFormat() is not Qt.TextFormat.PlainText and not _is_field_name(one)
    ]
    assert rich == []


def _is_field_name(one: QLabel) -> bool:
    """Our own words with a letter for Alt, or a picture."""
    return one.buddy() is not None or not one.text()


def test_the_qr_code_on_the_screen_can_be_read(editor: EditorWindow) -> None:
    for _, seen in states(editor, "signed"):
        image = seen.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        [code] = zxingcpp.read_barcodes(
            np.ascontiguousarray(pixels[:, : image.width()]), formats=zxingcpp.barcode_formats_from_str("QRCode")
        )
        assert code.text.startswith("invigil://key/")


def test_a_key_that_is_too_large_says_so_in_the_codes_place(editor: EditorWindow) -> None:
    for _, seen in states(editor, "signed-large"):
        assert any("too large for a QR code" in one.text() for one in visible(seen) if isinstance(one, QLabel))


def test_the_focus_can_be_seen(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    """Each control that Tab stops at looks different with the focus than without."""
    apply_theme(qapp, "light", 1.0)
    window = make_editor(tmp_path, lambda: gallery.NOW)
    window.resize(1024, 600)
    with qtbot.waitExposed(window):
        window.show()
    blind = []
    for name, seen in states(window, "exam", "detection", "preset", "sign"):
        seen.activateWindow()
        qtbot.waitUntil(seen.isActiveWindow)
        blind += [f"{name}: {type(one).__name__} {_spoken(one)!r}" for one in _stops(seen) if _looks_the_same(one)]
    destroy_editor(window)
    assert blind == []


def _stops(seen: QWidget) -> list[QWidget]:
    return [
        one
        for one in visible(seen)
        if isinstance(one, FIELDS)
        and one.focusPolicy() & Qt.FocusPolicy.TabFocus
        and one.focusProxy() is None
        and one.isEnabled()
        and not _inner(one)
        and not one.visibleRegion().isEmpty()
    ]


def _looks_the_same(one: QWidget) -> bool:
    one.clearFocus()
    without = one.grab().toImage()
    one.setFocus(Qt.FocusReason.TabFocusReason)
    return one.grab().toImage() == without
