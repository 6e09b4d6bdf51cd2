"""Presets and accommodations, with all that they would change before it is changed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from app.core.types import Json
from app.keys.presets import ACCOMMODATIONS, PRESETS, granted_by, laid_over
from app.ui.editor.catalogue import Kind, Setting
from app.ui.editor.controls import Spin
from app.ui.editor.dialogs import DataTable, EditorDialog
from app.ui.editor.model import EditorModel, read
from app.ui.editor.rows import value_words
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, CheckLine, column, frame, label, row

_EXTRA_TIME = "extra-time"
_EXTRA_PERCENT = 25.0
_CHOICES_PX = 410
_PERCENT = Setting("extra", Kind.NUMBER, 0.0, "Extra time in percent", "", bounds=(0, 300), unit="%")


class PresetDialog(EditorDialog):
    """``chosen`` carries the values to be set, by path."""

    chosen = Signal(dict)

    def __init__(self, parent: QWidget, icons: Icons, model: EditorModel) -> None:
        super().__init__(parent, icons, parent.tr("Presets and accommodations"), width_px=900)
        self._model = model
        self.values: dict[str, Json] = {}
        self.presets: dict[str, QRadioButton] = {}
        self.accommodations: dict[str, CheckLine] = {}
        self.percent = Spin(_PERCENT)
        self.table = DataTable(
            self.tr("What would change"), [self.tr("Setting"), self.tr("Now"), self.tr("Then")], [150, 90, 120]
        )
        self.count = label("", "strong")
        self.add_button(Button(self.tr("Cancel")), self.close)
        self.apply_button = self.add_button(Button(self.tr("&Apply"), "primary"), self._apply, default=True)
        across = row(24)
        across.addLayout(self._choices())
        side = column(6)
        side.addWidget(self.count)
        side.addWidget(self.table, 1)
        across.addLayout(side, 1)
        self.body.addLayout(across, 1)
        self._preview()
        self.none.setFocus()

    def _choices(self) -> QVBoxLayout:
        side = column(2)
        self.none = self._radio("", self.tr("Keep the settings as they are"), "")
        side.addWidget(self.none)
        for name, preset in PRESETS.items():
            made = self._radio(name, preset.label, preset.meaning)
            self.presets[name] = made
            side.addWidget(made)
            side.addWidget(_under(preset.meaning))
            side.addSpacing(current().px(4))
        line = frame("line")
        line.setFixedHeight(1)
        side.addSpacing(current().px(6))
        side.addWidget(line)
        side.addSpacing(current().px(6))
        side.addWidget(label(self.tr("Granted to the candidate besides"), "strong"))
        boxes = QGridLayout()
        boxes.setSpacing(0)
        for name, accommodation in ACCOMMODATIONS.items():
            box = CheckLine(accommodation.label)
            box.setToolTip(accommodation.meaning)
            box.setAccessibleDescription(accommodation.meaning)
            box.toggled.connect(self._preview)
            at = len(self.accommodations) - 1  # the first has a line of its own
            self.accommodations[name] = box
            if name == _EXTRA_TIME:
                side.addLayout(self._extra_time(box))
            else:
                boxes.addWidget(box, at // 2, at % 2)
        side.addLayout(boxes)
        side.addStretch(1)
        self.none.setChecked(True)
        return side

    def _radio(self, name: str, title: str, meaning: str) -> QRadioButton:
        made = QRadioButton(title)
        made.setAccessibleDescription(meaning)
        made.toggled.connect(lambda on: self._preview() if on else None)
        return made

    def _extra_time(self, box: CheckLine) -> QHBoxLayout:
        across = row(6)
        self.percent.setValue(_EXTRA_PERCENT)
        self.percent.setAccessibleName(_PERCENT.label)
        self.percent.setEnabled(False)
        self.percent.setMinimumWidth(current().px(96))
        self.percent.valueChanged.connect(lambda _value: self._preview())
        box.toggled.connect(self.percent.setEnabled)
        across.addWidget(box)
        across.addWidget(self.percent, 0, Qt.AlignmentFlag.AlignVCenter)
        across.addStretch(1)
        return across

    def _preview(self, _on: bool = True) -> None:
        self.values = self._chosen_values()
        settings = self._model.settings
        self.table.show_rows(
            [
                (
                    settings[path].label,
                    value_words(settings[path], self._model.value(path)),
                    value_words(settings[path], value),
                )
                for path, value in self.values.items()
            ]
        )
        words = self.tr("%1 settings would change").replace("%1", str(len(self.values)))
        self.count.setText(words if self.values else self.tr("Nothing would change"))
        self.apply_button.setEnabled(bool(self.values))

    def _chosen_values(self) -> dict[str, Json]:
        """What would differ from now: the preset over the present policy, and the accommodations over both."""
        name = next((name for name, button in self.presets.items() if button.isChecked()), "")
        whole: Mapping[str, Json] = self._model.document()
        if name:
            whole = laid_over(whole, PRESETS[name].policy)
        granted = granted_by(self._words())
        if granted:
            whole = laid_over(whole, {"accessibility": granted})
        values, _ = read(self._model.settings, dict(whole))
        return {path: value for path, value in values.items() if value != self._model.value(path)}

    def _words(self) -> list[str]:
        """The ticked accommodations as they are written."""
        percent = f"{_EXTRA_TIME}={min(300.0, max(0.0, self.percent.value())):g}%"
        return [
            percent if name == _EXTRA_TIME else name for name, box in self.accommodations.items() if box.isChecked()
        ]

    def _apply(self) -> None:
        self.close()
        self.chosen.emit(self.values)


def _under(meaning: str) -> QLabel:
    """A sentence that belongs to the choice above it."""
    made = label(meaning, "small")
    made.setIndent(current().px(30))
    made.setFixedWidth(current().px(_CHOICES_PX))
    made.ensurePolished()
    made.setFixedHeight(made.heightForWidth(current().px(_CHOICES_PX)))
    return made
