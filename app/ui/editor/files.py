"""The editor's files: new, open, save, import and compare, each with the questions that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from app.core.errors import InvigilError
from app.core.policy_change import differences
from app.keys.imported import Imported
from app.keys.presets import laid_over
from app.ui.editor.desk import Opened, PasswordWanted
from app.ui.editor.dialogs import CompareDialog, ImportDialog, PasswordDialog, ask
from app.ui.editor.model import read, to_policy
from app.ui.widgets import Button

if TYPE_CHECKING:
    from app.ui.editor.window import EditorWindow

Then = Callable[[], object]


class EditorFiles(QObject):
    """What the policy is called and where it is kept. Reading and writing happen beside the UI thread."""

    def __init__(self, window: EditorWindow) -> None:
        super().__init__(window)
        self._window = window
        self.name = ""
        self.path: Path | None = None
        self.folder = Path.cwd()

    # ---- new and open

    def new(self) -> None:
        """An empty policy, and the presets to begin it with."""
        self.ask_to_save(self._new)

    def _new(self) -> None:
        self.name, self.path = "", None
        self._window.show_document({})
        self._window.show_presets()

    def open(self) -> None:
        self.ask_to_save(lambda: self._choose(self.tr("Open a policy or key"), self.tr(_POLICIES), self.open_argument))

    def open_argument(self, argument: str, password: str = "") -> None:
        """A path, a link or a key's text."""
        self._window.background.run(
            lambda: self._window.desk.open(argument, password),
            self.show,
            lambda error: self._failed(error, lambda given: self.open_argument(argument, given)),
        )

    def show(self, opened: Opened) -> None:
        """In the place of what was edited."""
        self.name, self.path = opened.name, opened.path
        self.folder = opened.path.parent if opened.path is not None else self.folder
        banner = (
            ""
            if opened.path is not None
            else self.tr("This policy comes from a key that was not verified: it is the key's own word.")
        )
        self._window.show_document(opened.document, banner=banner)

    # ---- save

    def save(self, then: Then | None = None) -> None:
        if self.path is None:
            self.save_as(then)
        else:
            self._save(self.path, then)

    def save_as(self, then: Then | None = None) -> None:
        dialog = QFileDialog(
            self._window, self.tr("Save the policy"), str(self.path or self.folder / "policy.json"), self.tr(_JSON)
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self._save(Path(chosen), then))
        dialog.open()

    def _save(self, path: Path, then: Then | None) -> None:
        document = self._window.model.document()

        def saved(_nothing: None) -> None:
            self.name, self.path, self.folder = path.name, path, path.parent
            if self._window.model.document() == document:
                self._window.history.set_clean()
            self._window.show_banner("")
            self._window.show_title()
            if then is not None:
                then()

        self._window.background.run(lambda: self._window.desk.save(path, document), saved, self._failed)

    def ask_to_save(self, then: Then) -> None:
        """Goes on at once where nothing would be lost, otherwise once the person has decided."""
        if self._window.history.clean:
            then()
            return
        ask(
            self._window,
            self._window.icons,
            self.tr("Save the changes?"),
            self.tr("The policy was changed and is not saved."),
            (
                (Button(self.tr("Cancel")), lambda: None),
                (Button(self.tr("&Don't save"), "danger"), then),
                (Button(self.tr("&Save"), "primary"), lambda: self.save(then)),
            ),
        )

    # ---- import and compare

    def choose_import(self, vendor: str) -> None:
        words = self._window.desk.vendors()[vendor]
        title = self.tr("Import settings from %1").replace("%1", words)
        self._choose(title, self.tr("All files (*)"), lambda path: self.import_settings(vendor, Path(path)))

    def import_settings(self, vendor: str, path: Path, password: str = "") -> None:
        self._window.background.run(
            lambda: self._window.desk.import_settings(vendor, path, password),
            lambda imported: self._show_import(vendor, imported),
            lambda error: self._failed(error, lambda given: self.import_settings(vendor, path, given)),
        )

    def _show_import(self, vendor: str, imported: Imported) -> None:
        window = self._window
        dialog = ImportDialog(window, window.icons, window.desk.vendors()[vendor], imported, window.model.settings)
        dialog.accepted_import.connect(lambda: self._take_over(imported))
        dialog.open()

    def _take_over(self, imported: Imported) -> None:
        model = self._window.model
        values, _ = read(model.settings, laid_over(model.document(), imported.policy))
        self._window.apply(model.change(values))

    def compare(self) -> None:
        self._choose(self.tr("Compare with a policy or key"), self.tr(_POLICIES), self.compare_with)

    def compare_with(self, argument: str, password: str = "") -> None:
        self._window.background.run(
            lambda: self._window.desk.open(argument, password),
            self._show_comparison,
            lambda error: self._failed(error, lambda given: self.compare_with(argument, given)),
        )

    def _show_comparison(self, opened: Opened) -> None:
        window = self._window
        settings = window.model.settings
        values, _ = read(settings, opened.document)
        found = differences(to_policy(settings, values), window.model.policy())
        CompareDialog(window, window.icons, opened.name, found, settings).open()

    # ---- what they share

    def _choose(self, title: str, filters: str, then: Callable[[str], object]) -> None:
        dialog = QFileDialog(self._window, title, str(self.folder), filters)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(then)
        dialog.open()

    def _failed(self, error: InvigilError, with_password: Callable[[str], object] | None = None) -> None:
        if isinstance(error, PasswordWanted) and with_password is not None:
            dialog = PasswordDialog(self._window, self._window.icons, str(error))
            dialog.entered.connect(with_password)
            dialog.open()
            return
        close = (Button(self.tr("Close"), "primary"), lambda: None)
        ask(self._window, self._window.icons, self.tr("That did not work"), str(error), (close,))


_POLICIES = "Policies and keys (*.json *.invigil);;All files (*)"
_JSON = "Policies (*.json)"
