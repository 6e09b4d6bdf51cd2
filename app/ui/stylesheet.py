"""The style sheet: what Qt's own widgets look like. Our own controls paint themselves (widgets.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.theme import Colours


def stylesheet(c: Colours, px: Callable[[float], int], font_px: int) -> str:
    """QSS for the whole application, with lengths already scaled."""
    return _texts(c, font_px) + _surfaces(c, px) + _inputs(c, px) + _scrolling(c, px)


def _texts(c: Colours, font_px: int) -> str:
    def size(factor: float) -> int:
        return round(font_px * factor)

    return f"""
QLabel {{ background: transparent; color: {c.text}; }}
QLabel[role="title"] {{ font-size: {size(1.75)}px; font-weight: 700; }}
QLabel[role="heading"] {{ font-size: {size(1.07)}px; font-weight: 700; }}
QLabel[role="lead"] {{ font-size: {size(1.13)}px; color: {c.muted}; }}
QLabel[role="muted"] {{ color: {c.muted}; }}
QLabel[role="small"] {{ font-size: {size(0.9)}px; color: {c.muted}; }}
QLabel[role="strong"] {{ font-weight: 700; }}
QLabel[role="code"] {{ font-family: "Cascadia Mono", "Consolas", "Menlo", "DejaVu Sans Mono", "Liberation Mono",
    monospace; }}
QLabel[role="ok"] {{ color: {c.ok}; font-weight: 700; }}
QLabel[role="warning"] {{ color: {c.warning}; font-weight: 700; }}
QLabel[role="danger"] {{ color: {c.danger}; font-weight: 700; }}
QLabel[role="advice"] {{ color: {c.text}; }}
"""


def _surfaces(c: Colours, px: Callable[[float], int]) -> str:
    radius = px(14)
    return f"""
QMainWindow, QWidget[surface="window"] {{ background: {c.window}; }}
QWidget[surface="bar"] {{ background: {c.surface}; }}
QWidget[surface="header"] {{ background: {c.surface}; border-bottom: 1px solid {c.border}; }}
QWidget[surface="footer"] {{ background: {c.surface}; border-top: 1px solid {c.border}; }}
QFrame[surface="card"] {{ background: {c.surface}; border: 1px solid {c.border}; border-radius: {radius}px; }}
QFrame[surface="info"] {{ background: {c.accent_soft}; border: 1px solid {c.accent}; border-radius: {px(10)}px; }}
QFrame[surface="warning"] {{ background: {c.warning_soft}; border: 1px solid {c.warning};
    border-radius: {px(10)}px; }}
QFrame[surface="danger"] {{ background: {c.danger_soft}; border: 1px solid {c.danger}; border-radius: {px(10)}px; }}
QFrame[surface="ok"] {{ background: {c.ok_soft}; border: 1px solid {c.ok}; border-radius: {px(10)}px; }}
QFrame[surface="pill"] {{ background: {c.window}; border: 1px solid {c.border}; border-radius: {px(16)}px; }}
QFrame[surface="line"] {{ background: {c.border}; border: none; }}
QToolTip {{ background: {c.text}; color: {c.surface}; border: none; padding: {px(6)}px {px(8)}px; }}
"""


def _inputs(c: Colours, px: Callable[[float], int]) -> str:
    return f"""
QLineEdit {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.control}; border-radius: {px(8)}px;
    padding: {px(9)}px {px(12)}px; margin: 1px; selection-background-color: {c.accent};
    selection-color: {c.on_accent}; placeholder-text-color: {c.muted}; }}
QLineEdit:focus {{ border: 2px solid {c.accent}; margin: 0; }}
QLineEdit[problem="true"] {{ border-color: {c.danger}; }}
QProgressBar {{ background: {c.sunken}; border: 1px solid {c.control}; border-radius: {px(6)}px;
    min-height: {px(10)}px; max-height: {px(10)}px; text-align: center; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: {px(5)}px; }}
"""


def _scrolling(c: Colours, px: Callable[[float], int]) -> str:
    return f"""
QScrollArea, QScrollArea > QWidget > QWidget[surface="column"] {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: {px(12)}px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {c.control}; min-height: {px(32)}px; border-radius: {px(4)}px;
    margin: {px(2)}px; }}
QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{ background: transparent; }}
"""
