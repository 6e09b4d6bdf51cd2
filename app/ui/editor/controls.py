"""One control for each kind of setting. They show a value and say what a person made of it; they judge nothing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.core.types import Json
from app.ui.editor.catalogue import LARGEST, Kind, Setting
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, CheckLine, row

_LIST_LINES = 4
_TEXT_LINES = 5
_MOST_LINES = 12


class Control(QWidget):
    """What all controls have in common. ``edited`` carries the new value, and only when a person changed it."""

    edited = Signal(object)

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.focus: QWidget = self
        self.filling = False
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setSizePolicy(policy)

    def hold(self, inner: QWidget, *, wide: bool = True) -> None:
        """Makes ``inner`` the control's content and the one that takes the focus."""
        across = row(0)
        across.addWidget(inner, 1 if wide else 0)
        if not wide:
            across.addStretch(1)
        self.setLayout(across)
        self.take(inner)

    def take(self, inner: QWidget) -> None:
        self.focus = inner
        self.setFocusProxy(inner)
        inner.setAccessibleName(self.setting.label)

    def show_value(self, value: Json) -> None:
        """Shows a value without saying that it was edited."""
        self.filling = True
        self.fill(value)
        self.filling = False

    def fill(self, value: Json) -> None:
        """Each control's own way to show a value."""
        raise NotImplementedError

    def tell(self, value: Json) -> None:
        if not self.filling:
            self.edited.emit(value)

    def describe(self, text: str, *, wrong: bool) -> None:
        """What a screen reader adds to the name, and whether the outline says that something is wrong."""
        self.focus.setAccessibleDescription(text)
        if bool(self.focus.property("problem")) != wrong:
            self.focus.setProperty("problem", wrong)
            self.focus.style().unpolish(self.focus)
            self.focus.style().polish(self.focus)


class YesNo(Control):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.box = CheckLine(self.tr("On"))
        self.hold(self.box, wide=False)
        self.box.toggled.connect(self.tell)

    def fill(self, value: Json) -> None:
        self.box.setChecked(value is True)


class Number(Control):
    """Steps stay within the bounds; what is typed may lie outside, and is then said to be wrong."""

    def __init__(self, setting: Setting, icons: Icons) -> None:
        super().__init__(setting)
        self.spin = Spin(setting)
        self.none = CheckLine(self.tr("No limit"))
        self.none.setAccessibleName(self.tr("%s: no limit").replace("%s", setting.label))
        self.none.setFixedWidth(self.none.sizeHint().width())
        across = row(6)
        across.addWidget(self.spin)
        for icon, steps in (("minus", -1), ("plus", 1)):
            across.addWidget(self._step_button(icons, icon, steps))
        if setting.bounds is not None:
            across.addSpacing(current().px(6))
        if setting.optional:
            across.addWidget(self.none)
        across.addStretch(1)
        self.setLayout(across)
        self.take(self.spin)
        self.spin.valueChanged.connect(lambda _value: self._tell())
        self.none.toggled.connect(self._toggled)

    def _step_button(self, icons: Icons, icon: str, steps: int) -> Button:
        words = self.tr("Less") if steps < 0 else self.tr("More")
        button = Button("", "quiet", icons, icon, small=True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the arrow keys do the same
        button.setAutoRepeat(True)
        button.setAccessibleName(f"{self.setting.label}: {words}")
        button.setToolTip(words)
        button.clicked.connect(lambda: self.spin.stepBy(steps))
        self.none.toggled.connect(button.setDisabled)
        return button

    def fill(self, value: Json) -> None:
        self.none.setChecked(value is None)
        self.spin.setEnabled(value is not None)
        if isinstance(value, int | float):
            self.spin.setValue(value)
        elif self.setting.bounds is not None:
            self.spin.setValue(max(self.setting.bounds[0], min(60.0, self.setting.bounds[1])))

    def _toggled(self, none: bool) -> None:
        self.spin.setEnabled(not none)
        self._tell()

    def _tell(self) -> None:
        if self.setting.optional and self.none.isChecked():
            self.tell(None)
        else:
            value = self.spin.value()
            self.tell(round(value) if self.setting.kind is Kind.WHOLE else value)


class Spin(QDoubleSpinBox):
    """A number with its unit. The wheel turns it only while it has the focus, so that scrolling changes nothing."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        whole = setting.kind is Kind.WHOLE
        self._bounds = setting.bounds or (0.0 if whole else -LARGEST, LARGEST)
        self.setDecimals(0 if whole else 3)
        self.setRange(-LARGEST, LARGEST)
        self.setSingleStep(_step(self._bounds, whole=whole))
        self.setSuffix(f" {setting.unit}" if setting.unit else "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(True)
        self.setMinimumWidth(current().px(150))
        self.setMaximumWidth(current().px(190))
        self.lineEdit().setTextMargins(current().px(9), 0, current().px(9), 0)
        leave_undo_to_the_window(self)

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(round(value)) if self.decimals() == 0 else f"{value:.3f}".rstrip("0").rstrip(".")

    def stepBy(self, steps: int) -> None:
        least, most = self._bounds
        self.setValue(min(most, max(least, self.value() + steps * self.singleStep())))
        self.selectAll()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Choice(Control):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.box = ChoiceBox()
        for choice in setting.choices:
            self.box.addItem(choice.replace("_", " ").replace("-", " ").capitalize(), choice)
        self.hold(self.box, wide=False)
        self.box.currentIndexChanged.connect(lambda _index: self.tell(self.box.currentData()))

    def fill(self, value: Json) -> None:
        self.box.setCurrentIndex(max(0, self.box.findData(value)))


class ChoiceBox(QComboBox):
    """A list to choose from, with an arrow in the theme's colour. The wheel turns it only while it has the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(current().px(220))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = QColor(theme.colours.text if self.isEnabled() else theme.colours.muted)
        painter.setPen(QPen(ink, theme.px(2), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        x = theme.px(18) if mirrored else self.width() - theme.px(18)
        y, half = self.height() / 2, theme.px(4)
        painter.drawPolyline(
            [QPointF(x - half, y - half / 2), QPointF(x, y + half / 2), QPointF(x + half, y - half / 2)]
        )
        painter.end()


class Line(Control):
    """One line. A secret is shown as dots until it is asked for."""

    def __init__(self, setting: Setting, icons: Icons) -> None:
        super().__init__(setting)
        self.line = QLineEdit()
        self.line.setMaxLength(1_000_000)
        leave_undo_to_the_window(self.line)
        self.hold(self.line)
        self.line.textEdited.connect(self.tell)
        if setting.secret:
            self.line.setEchoMode(QLineEdit.EchoMode.Password)
            reveal = Button("", "quiet", icons, "eye", small=True)
            reveal.setCheckable(True)
            reveal.setToolTip(self.tr("Show what is written here"))
            reveal.setAccessibleName(self.tr("Show %s").replace("%s", setting.label))
            reveal.toggled.connect(self._reveal)
            across = self.layout()
            if across is not None:
                across.addWidget(reveal)

    def fill(self, value: Json) -> None:
        text = str(value or "")
        if text != self.line.text():
            self.line.setText(text)
            self.line.setCursorPosition(0)

    def _reveal(self, shown: bool) -> None:
        self.line.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)


class Text(Control):
    """Several lines; Tab leaves the field."""

    lines = _TEXT_LINES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        self.text.setUndoRedoEnabled(False)
        leave_undo_to_the_window(self.text)
        self._grow()
        down = QVBoxLayout(self)
        down.setContentsMargins(0, 0, 0, 0)
        down.addWidget(self.text)
        self.take(self.text)
        self.text.textChanged.connect(self._changed)

    def fill(self, value: Json) -> None:
        text = self.to_text(value)
        if self.to_value(text) != self.to_value(self.text.toPlainText()):
            self.text.setPlainText(text)
            self._grow()

    def to_text(self, value: Json) -> str:
        return str(value or "")

    def to_value(self, text: str) -> Json:
        return text

    def _changed(self) -> None:
        self._grow()
        self.tell(self.to_value(self.text.toPlainText()))

    def _grow(self) -> None:
        lines = min(_MOST_LINES, max(self.lines, self.text.blockCount() + 1))
        height = lines * self.text.fontMetrics().lineSpacing() + current().px(20)
        if self.text.height() != height:
            self.text.setFixedHeight(height)


class List(Text):
    """A list of texts, one a line; empty lines are no entries."""

    lines = _LIST_LINES

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.text.setPlaceholderText(self.tr("One per line"))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)

    def to_text(self, value: Json) -> str:
        return "\n".join(str(entry) for entry in value) if isinstance(value, list) else ""

    def to_value(self, text: str) -> Json:
        return [line.strip() for line in text.split("\n") if line.strip()]


class _UndoFilter(QObject):
    """Qt's fields would undo by themselves; here one stack undoes everything, in the order in which it was done."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            standard = QKeySequence.StandardKey
            if any(event.matches(key) for key in (standard.Undo, standard.Redo)):
                event.ignore()
                return True
        return False


def leave_undo_to_the_window(field: QWidget) -> None:
    """For every field that a person types into."""
    field.installEventFilter(_UndoFilter(field))


def _step(bounds: tuple[float, float], *, whole: bool) -> float:
    span = bounds[1] - bounds[0]
    if whole:
        return 1 if span <= 2000 else 10
    return 0.05 if span <= 1 else 0.5
