"""How the editor's own kinds of controls look, beside the style sheet that all windows share."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme, current


def dress(window: QWidget) -> None:
    """Gives a window or dialog of the editor its style sheet, from the present theme. UI thread."""
    sheet = _sheet(current())
    if window.styleSheet() != sheet:  # setting it changes the palette, which may be why this was called
        window.setStyleSheet(sheet)


def _sheet(theme: Theme) -> str:
    c = theme.colours
    chosen = f"selection-background-color: {c.accent}; selection-color: {c.on_accent};"
    return _inputs(theme, chosen) + _choices(theme, chosen) + _menus(theme) + _tables(theme)


def _inputs(theme: Theme, chosen: str) -> str:
    c, px = theme.colours, theme.px
    box = f"background: {c.surface}; color: {c.text}; border: 1px solid {c.control}; border-radius: {px(7)}px;"
    pad = f"padding: {px(5)}px {px(10)}px; margin: 1px;"
    inputs = ("QLineEdit", "QComboBox", "QAbstractSpinBox", "QPlainTextEdit", "QDateTimeEdit")
    return f"""
QDialog {{ background: {c.window}; }}
{", ".join(inputs)} {{ {box} {pad} {chosen} }}
{", ".join(f"{name}:focus" for name in inputs)} {{ border: 2px solid {c.accent}; margin: 0; }}
{", ".join(f'{name}[problem="true"]' for name in inputs)} {{ border-color: {c.danger}; }}
{", ".join(f"{name}:disabled" for name in inputs)} {{ background: {c.sunken}; color: {c.muted}; }}
QPlainTextEdit {{ padding: {px(3)}px {px(6)}px; }}
"""


def _choices(theme: Theme, chosen: str) -> str:
    c, px = theme.colours, theme.px
    return f"""
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {{ border: none; margin: 0; background: transparent;
    padding: 0; }}
QRadioButton {{ color: {c.text}; spacing: {px(10)}px; padding: {px(3)}px {px(4)}px; border-radius: {px(6)}px; }}
QRadioButton:focus {{ border: 2px solid {c.accent}; padding: {px(1)}px {px(2)}px; }}
QRadioButton::indicator {{ width: {px(14)}px; height: {px(14)}px; border: 2px solid {c.control};
    border-radius: {px(9)}px; background: {c.surface}; }}
QRadioButton::indicator:checked {{ border: {px(5)}px solid {c.accent}; width: {px(8)}px; height: {px(8)}px; }}
QLabel[role="problem"] {{ color: {c.danger}; font-weight: 600; }}
QLabel[role="note"] {{ color: {c.muted}; }}
QComboBox::drop-down {{ border: none; width: {px(26)}px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.control};
    outline: none; {chosen} padding: {px(4)}px; }}
QComboBox QAbstractItemView::item {{ min-height: {px(28)}px; padding: 0 {px(6)}px; }}
"""


def _menus(theme: Theme) -> str:
    c, px = theme.colours, theme.px
    return f"""
QMenuBar {{ background: {c.surface}; color: {c.text}; padding: {px(2)}px {px(8)}px; }}
QMenuBar::item {{ padding: {px(5)}px {px(10)}px; border-radius: {px(6)}px; background: transparent; }}
QMenuBar::item:selected {{ background: {c.accent_soft}; }}
QMenu {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.control}; padding: {px(5)}px; }}
QMenu::item {{ padding: {px(6)}px {px(26)}px {px(6)}px {px(14)}px; border-radius: {px(6)}px; }}
QMenu::item:selected {{ background: {c.accent}; color: {c.on_accent}; }}
QMenu::item:disabled {{ color: {c.muted}; background: transparent; }}
QMenu::separator {{ height: 1px; background: {c.border}; margin: {px(5)}px {px(8)}px; }}
QListView[role="groups"] {{ background: {c.surface}; border: none; border-right: 1px solid {c.border};
    outline: none; padding: {px(8)}px {px(6)}px; }}
"""


def _tables(theme: Theme) -> str:
    c, px = theme.colours, theme.px
    return f"""
QTableView {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.control}; margin: 1px;
    selection-background-color: {c.accent_soft}; selection-color: {c.text}; }}
QTableView:focus {{ border: 2px solid {c.accent}; margin: 0; }}
QTableView::item {{ padding: 0 {px(6)}px; }}
QTableView QLineEdit {{ border-radius: 0; padding: 0 {px(4)}px; margin: 0; }}
QHeaderView {{ background: transparent; }}
QHeaderView::section {{ background: {c.sunken}; color: {c.muted}; border: none; border-bottom: 1px solid {c.border};
    padding: {px(5)}px {px(6)}px; }}
QTableCornerButton::section {{ background: {c.sunken}; border: none; }}
QScrollBar:horizontal {{ background: transparent; height: {px(12)}px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {c.control}; min-width: {px(32)}px; border-radius: {px(4)}px;
    margin: {px(2)}px; }}
QScrollBar::add-line:horizontal, QScrollBar::sub-line:horizontal {{ width: 0; }}
QScrollBar::add-page:horizontal, QScrollBar::sub-page:horizontal {{ background: transparent; }}
"""
