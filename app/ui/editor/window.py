"""The key editor's window: which settings are shown, and what is done to the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMainWindow, QVBoxLayout, QWidget

from app.core.types import Json
from app.keys.presets import PRESETS, laid_over
from app.ui.editor.background import Background
from app.ui.editor.catalogue import Group, Kind
from app.ui.editor.desk import Desk
from app.ui.editor.files import EditorFiles
from app.ui.editor.form import Form
from app.ui.editor.groups import GroupList
from app.ui.editor.history import History
from app.ui.editor.look import dress
from app.ui.editor.menus import build_menus
from app.ui.editor.model import Change, EditorModel, Findings, check
from app.ui.editor.preset_dialog import PresetDialog
from app.ui.editor.sign_dialog import SignDialog
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, Message, announce, frame, label, row
from app.ui.widgets import Kind as ButtonKind

CHECK_DELAY_MS = 120
SEARCH_DELAY_MS = 90
MOST_FOUND = 30
BEGIN_WITH = "standard"
_MIN_SIZE_PX = (860, 540)
_TYPED = frozenset({Kind.LINE, Kind.TEXT, Kind.LIST, Kind.WHOLE, Kind.NUMBER})


class EditorWindow(QMainWindow):
    """Edits one policy at a time. Nothing is written but by Save and by signing. UI thread only.

    ``checked`` tells that the newest state was judged; ``closed`` that the window is gone for good.
    """

    checked = Signal(object)
    closed = Signal()

    def __init__(self, icons: Path, desk: Desk, groups: tuple[Group, ...]) -> None:
        super().__init__()
        self.icons = Icons(icons)
        self.desk = desk
        self.model = EditorModel(groups)
        self.history = History()
        self.background = Background(self)
        self.findings = Findings()
        self.files = EditorFiles(self)
        self._group = groups[0].name
        self._round = 0
        self._closing = False
        self._last_problem = ""
        self._issuer = ""
        self.search = QLineEdit()
        self.presets_button = Button(self.tr("&Presets…"), "secondary", small=True)
        self.sign_button = Button(self.tr("Sign and save…"), "primary", self.icons, "lock", small=True)
        self.banner = Message(self.icons, "warning")
        self.groups = GroupList(groups)
        self.form = Form(self.model, self.icons)
        self.problems_button = StateButton("", "quiet", self.icons, "ok", small=True)
        self.notes_button = Button("", "quiet", self.icons, "info", small=True)
        self.count = label("", "small", wrap=False)
        self._check_timer = _timer(self, CHECK_DELAY_MS, self._check)
        self._search_timer = _timer(self, SEARCH_DELAY_MS, self.show_found)
        self._lay_out()
        self.actions_by_name = build_menus(self)
        self._connect()
        self.show_group(self._group)
        self._changed()

    # ---- what is shown

    def begin(self) -> None:
        """A new policy in the standard preset, as nothing was asked for."""
        self.show_document(laid_over({}, PRESETS[BEGIN_WITH].policy))

    def _lay_out(self) -> None:
        theme = current()
        self.search.setPlaceholderText(self.tr("Search settings"))
        self.search.setAccessibleName(self.tr("Search settings"))
        self.search.setAccessibleDescription(self.tr("By name, meaning, path, or what other products call it"))
        self.search.setClearButtonEnabled(False)
        self.search.setMaximumWidth(theme.px(520))
        whole = QWidget()
        whole.setProperty("surface", "window")
        down = QVBoxLayout(whole)
        down.setContentsMargins(0, 0, 0, 0)
        down.setSpacing(0)
        down.addWidget(_bar("header", self.search, None, self.presets_button, self.sign_button))
        holder = QVBoxLayout()
        holder.setContentsMargins(theme.px(14), theme.px(10), theme.px(14), theme.px(4))
        holder.addWidget(self.banner)
        self._banner_holder = QWidget()
        self._banner_holder.setLayout(holder)
        self._banner_holder.hide()
        down.addWidget(self._banner_holder)
        across = row(0)
        across.addWidget(self.groups)
        across.addWidget(self.form, 1)
        down.addLayout(across, 1)
        down.addWidget(_bar("footer", self.problems_button, self.notes_button, None, self.count))
        self.setCentralWidget(whole)
        self.setMinimumSize(*_MIN_SIZE_PX)
        self.resize(theme.px(1180), theme.px(760))
        self.setWindowIcon(self.icons.icon("shield", theme.colours.accent))
        dress(self)

    def _connect(self) -> None:
        self.groups.currentRowChanged.connect(lambda at: self.show_group(self.groups.group()) if at >= 0 else None)
        self.search.textChanged.connect(lambda _text: self._search_timer.start())
        self.search.returnPressed.connect(self._first_result)
        self.search.installEventFilter(self)
        self.form.edited.connect(self._edited)
        self.form.reset_requested.connect(lambda path: self.apply(self.model.reset([path])))
        self.presets_button.clicked.connect(self.show_presets)
        self.sign_button.clicked.connect(self.show_sign)
        self.problems_button.clicked.connect(self.next_problem)
        self.notes_button.clicked.connect(self.show_notes)
        QTimer.singleShot(0, self.form.make_ahead)

    def show_document(self, document: Json, *, banner: str = "") -> None:
        """A policy in the place of the present one, with nothing to undo. What can't be held is named in the banner."""
        left_out = self.model.load(document)
        self.history = History()
        sentences = [banner] if banner else []
        if left_out:
            named = "; ".join(f"{path or self.tr('the whole')} {words}" for path, words in left_out[:5])
            more = self.tr("; and %1 more").replace("%1", str(len(left_out) - 5)) if len(left_out) > 5 else ""
            sentences.append(self.tr("Left out, as it can't be edited: %1.").replace("%1", named + more))
        self.show_banner(" ".join(sentences))
        self.form.refresh()
        self._changed()

    def show_banner(self, text: str) -> None:
        self.banner.show_text(text)
        self._banner_holder.setVisible(bool(text))

    def show_title(self) -> None:
        self.setWindowTitle(f"{self.files.name or self.tr('New policy')}[*] – {self.tr('Invigil key editor')}")
        self.setWindowModified(not self.history.clean)

    def show_group(self, name: str) -> None:
        """All settings of one group; a search ends."""
        self._group = name
        self._search_timer.stop()
        with QSignalBlocker(self.search), QSignalBlocker(self.groups):
            self.search.clear()
            self.groups.choose(name)
        self.form.show_paths([s.path for s in self.model.settings.values() if s.group == name])

    def _show_across(self, paths: Sequence[str], title: str, words: Sequence[str] = ()) -> None:
        """Settings of several groups."""
        with QSignalBlocker(self.groups):
            self.groups.choose("")
        self.form.show_paths(paths, title, words)

    def show_found(self) -> None:
        """What is searched for, or the group again where nothing is."""
        words = self.search.text().casefold().split()
        if not words:
            self.show_group(self._group)
            return
        found = self.model.search(self.search.text())
        self._show_across(found[:MOST_FOUND], self.tr("Found"), words)
        announce(self, self.tr("Settings found: %1").replace("%1", str(len(found))))

    def _first_result(self) -> None:
        self._search_timer.stop()
        self.show_found()
        self.form.take_focus()

    # ---- editing

    def _edited(self, path: str, value: Json) -> None:
        change = self.model.change({path: value})
        if change is None:
            return
        self.history.push(change, joins=self.model.settings[path].kind in _TYPED)
        self.form.show_edited(path)
        self._changed()

    def apply(self, change: Change | None) -> None:
        """Takes a change that was made to the model into the history, and shows it."""
        if change is None:
            return
        self.history.push(change)
        self.form.refresh()
        self._changed()

    def undo(self) -> None:
        self._step(self.history.undo(), self.model.undo)

    def redo(self) -> None:
        self._step(self.history.redo(), self.model.redo)

    def _step(self, change: Change | None, take: Callable[[Change], None]) -> None:
        if change is None:
            return
        take(change)
        if change.paths[0] not in self.form.shown:
            self.show_setting(change.paths[0])
        self.form.refresh()
        self._changed()

    def _changed(self) -> None:
        """After every change: what depends on the values, and a look at them once they rest for a moment."""
        self._show_marks()
        total = len(self.model.changed())
        self.count.setText(self.tr("Settings that differ from the default: %1").replace("%1", str(total)))
        self.actions_by_name["undo"].setEnabled(self.history.can_undo)
        self.actions_by_name["redo"].setEnabled(self.history.can_redo)
        self.show_title()
        self._check_timer.start()

    # ---- judging

    def _check(self) -> None:
        """Beside the UI thread, as a large policy takes its time; only the newest result is shown."""
        self._round += 1
        asked, settings, values = self._round, self.model.settings, self.model.values
        self.background.run(
            lambda: check(settings, values), lambda found: self.show_findings(found) if asked == self._round else None
        )

    def show_findings(self, findings: Findings) -> None:
        """What is wrong and worth knowing, at the settings, their groups and the foot."""
        self.findings = findings
        problems = sum(len(sentences) for sentences in findings.problems.values())
        notes = sum(len(sentences) for sentences in findings.notes.values())
        self.form.show_findings(findings)
        self._show_marks()
        if problems:
            self.problems_button.show_state("failed", "danger", self.tr("Problems: %1").replace("%1", str(problems)))
        else:
            self.problems_button.show_state("ok", "quiet", self.tr("No problems"))
        self.notes_button.setText(self.tr("Notes: %1").replace("%1", str(notes)))
        self.notes_button.setVisible(bool(notes))
        self.checked.emit(findings)

    def _show_marks(self) -> None:
        """At the groups: how much was changed in each, and how much is wrong."""
        changed = Counter(self.model.settings[path].group for path in self.model.changed())
        wrong: Counter[str] = Counter()
        for path, sentences in self.findings.problems.items():
            wrong[self.model.settings[path].group] += len(sentences)
        self.groups.show_marks(changed, wrong)

    def next_problem(self) -> None:
        """Goes to the first setting that is wrong; pressed again, to the one after it."""
        wrong = [path for path in self.model.settings if path in self.findings.problems]
        if not wrong:
            return
        at = wrong.index(self._last_problem) + 1 if self._last_problem in wrong else 0
        self._last_problem = wrong[at % len(wrong)]
        self.show_setting(self._last_problem)

    def show_notes(self) -> None:
        """The settings that this client does not do yet."""
        noted = [path for path in self.model.settings if path in self.findings.notes]
        self._show_across(noted, self.tr("What this version of Invigil does not do yet"))
        self.form.take_focus()

    def show_setting(self, path: str) -> None:
        """Turns to a setting's group and gives it the keyboard."""
        if path not in self.form.shown:
            self.show_group(self.model.settings[path].group)
        self.form.reveal(path)

    # ---- dialogs

    def show_presets(self) -> None:
        dialog = PresetDialog(self, self.icons, self.model)
        dialog.chosen.connect(lambda values: self.apply(self.model.change(values)))
        dialog.open()

    def show_sign(self) -> None:
        """Signing needs a policy without problems; with some, it goes to the first of them."""
        findings = check(self.model.settings, self.model.values)
        if findings.problems:
            self.show_findings(findings)
            self._last_problem = ""
            self.show_banner(self.tr("The policy can't be signed yet: correct what is marked in red."))
            self.next_problem()
            return
        self.show_banner("")
        dialog = SignDialog(
            self,
            self.icons,
            self.desk,
            self.background,
            self.model.document(),
            self.model.policy(),
            issuer=self._issuer,
            folder=self.files.folder,
        )
        dialog.signed.connect(lambda _signed: self._remember(dialog.issuer.line.text()))
        dialog.open()

    def _remember(self, issuer: str) -> None:
        """Where the issuer's file is, for the next key of this sitting; never its password."""
        self._issuer = issuer

    # ---- keys and the window

    def go_to_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def other_side(self) -> None:
        """From the list of groups to the settings, and back."""
        if self.form.has_focus():
            if self.groups.currentRow() < 0:
                self.groups.setCurrentRow(0)
            self.groups.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self.form.take_focus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
            if event.key() == Qt.Key.Key_Down:
                self._first_result()
                return True
        return False

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and not self._closing:
            dress(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.history.clean and not self._closing:
            event.ignore()
            self.files.ask_to_save(self._close_now)
            return
        self._closing = True
        self._check_timer.stop()
        self.background.close()
        event.accept()
        self.closed.emit()

    def _close_now(self) -> None:
        self._closing = True
        self.close()


class StateButton(Button):
    """A button that tells how things are, and leads to what it tells of."""

    def show_state(self, icon: str, kind: ButtonKind, text: str) -> None:
        self._icon = icon
        self.set_kind(kind)
        self.setText(text)


def _timer(parent: QWidget, delay_ms: int, then: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(delay_ms)
    timer.timeout.connect(then)
    return timer


def _bar(surface: str, *parts: QWidget | None) -> QWidget:
    """A bar across the window; None is the gap that grows."""
    theme = current()
    made = frame("header" if surface == "header" else "footer")
    across = QHBoxLayout(made)
    across.setContentsMargins(theme.px(14), theme.px(6), theme.px(14), theme.px(6))
    across.setSpacing(theme.px(4))
    for part in parts:
        if part is None:
            across.addStretch(1)
        else:
            across.addWidget(part, 3 if isinstance(part, QLineEdit) else 0)
    return made
