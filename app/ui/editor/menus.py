"""The editor's menus, and with them its keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.ui.editor.window import EditorWindow


def build_menus(window: EditorWindow) -> dict[str, QAction]:
    """Fills the menu bar. The actions that are switched on and off are returned by name."""
    files = window.files
    file = window.menuBar().addMenu(window.tr("&File"))
    _add(file, window.tr("&New…"), "Ctrl+N", files.new)
    _add(file, window.tr("&Open…"), "Ctrl+O", files.open)
    _add(file, window.tr("&Save policy"), "Ctrl+S", files.save)
    _add(file, window.tr("Save policy &as…"), "Ctrl+Shift+S", files.save_as)
    file.addSeparator()
    importing = file.addMenu(window.tr("&Import settings"))
    for name, words in window.desk.vendors().items():
        _add(importing, window.tr("From %1…").replace("%1", words), "", partial(files.choose_import, name))
    _add(file, window.tr("&Compare with…"), "Ctrl+D", files.compare)
    file.addSeparator()
    _add(file, window.tr("Si&gn and save…"), "Ctrl+Return", window.show_sign)
    file.addSeparator()
    _add(file, window.tr("&Close"), "Ctrl+Q", window.close)
    edit = window.menuBar().addMenu(window.tr("&Edit"))
    undo = _add(edit, window.tr("&Undo"), "Ctrl+Z", window.undo)
    redo = _add(edit, window.tr("&Redo"), "Ctrl+Y", window.redo)
    redo.setShortcuts([QKeySequence("Ctrl+Y"), QKeySequence("Ctrl+Shift+Z")])
    edit.addSeparator()
    _add(edit, window.tr("&Find a setting"), "Ctrl+F", window.go_to_search)
    _add(edit, window.tr("&Next problem"), "F8", window.next_problem)
    _add(edit, window.tr("&Presets and accommodations…"), "Ctrl+P", window.show_presets)
    _add(edit, window.tr("Between &groups and settings"), "F6", window.other_side)
    return {"undo": undo, "redo": redo}


def _add(menu: QMenu, words: str, keys: str, then: Callable[[], object]) -> QAction:
    action = menu.addAction(words)
    action.setMenuRole(QAction.MenuRole.NoRole)
    if keys:
        action.setShortcut(QKeySequence(keys))
    action.triggered.connect(lambda: then())
    return action
