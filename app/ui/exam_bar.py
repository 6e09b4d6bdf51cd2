"""The bar above the exam: what is running, how long still, what is recorded, and the way out."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from app.core.policy import Capture, Policy
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, ElidedLabel, IconView, column, frame, label, row, set_role

ZOOM_STEPS = (0.5, 0.67, 0.75, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
SHORT_S = 300
VERY_SHORT_S = 60
LOW_BATTERY_PERCENT = 20
_NAME_FROM_PX = 900


class TimeLeft(QWidget):
    """A clock with its colour, weight and words turning as the end comes near."""

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self._icon = IconView(icons, "clock", "muted", 20)
        self.words = label("", "strong", wrap=False)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        line = row(7)
        line.addWidget(self._icon)
        line.addWidget(self.words)
        self.setLayout(line)
        self.hide()

    def show_seconds(self, seconds: int | None) -> None:
        self.setVisible(seconds is not None)
        if seconds is None:
            return
        left = max(0, seconds)
        hours, minutes, rest = left // 3600, left % 3600 // 60, left % 60
        shown = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
        if len(shown) != len(self.words.text()):
            self.words.setFixedWidth(self.words.fontMetrics().horizontalAdvance("0" * len(shown)) + current().px(6))
        self.words.setText(shown)
        colour = "danger" if left <= VERY_SHORT_S else "warning" if left <= SHORT_S else "muted"
        self._icon.show_icon("clock", colour)
        set_role(self.words, "strong" if colour == "muted" else "danger" if colour == "danger" else "warning")
        if not self.accessibleName() or rest == 0 or left <= 10:
            spoken = self.tr("Time left: {hours} hours, {minutes} minutes, {seconds} seconds")
            self.setAccessibleName(spoken.format(hours=hours, minutes=minutes, seconds=rest))
            self.setToolTip(self.tr("Time left"))


class Indicators(QFrame):
    """Camera, microphone and screen behind the red dot of recording; struck through where a wanted one is not."""

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self._wanted = {"camera": False, "microphone": False, "screen": False}
        self.setProperty("surface", "pill")
        self._icons = {name: IconView(icons, name, "text", 20) for name in self._wanted}
        self._dot = IconView(icons, "recording", "danger", 14)
        line = row(8)
        line.setContentsMargins(current().px(10), current().px(6), current().px(10), current().px(6))
        line.addWidget(self._dot)
        for icon in self._icons.values():
            line.addWidget(icon)
        self.setLayout(line)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_capture(False, False, False)

    def want(self, capture: Capture) -> None:
        self._wanted = {"camera": capture.camera, "microphone": capture.microphone, "screen": capture.screen}

    def show_capture(self, camera: bool, microphone: bool, screen: bool) -> None:
        names = {"camera": self.tr("Camera"), "microphone": self.tr("Microphone"), "screen": self.tr("Screen")}
        for name, on in (("camera", camera), ("microphone", microphone), ("screen", screen)):
            icon = self._icons[name]
            words = self.tr("{device}: recording") if on else self.tr("{device}: not recording")
            icon.show_icon(name if on else f"{name}-off", "text" if on else "warning")
            icon.setAccessibleName(words.format(device=names[name]))
            icon.setToolTip(icon.accessibleName())
            icon.setVisible(on or self._wanted[name])
        self._dot.setVisible(camera or microphone or screen)
        self.setVisible(any(icon.isVisibleTo(self) for icon in self._icons.values()))


class Sign(QWidget):
    """An icon with a short word, for network and battery."""

    def __init__(self, icons: Icons, icon: str) -> None:
        super().__init__()
        self._icon = IconView(icons, icon, "muted", 20)
        self._words = label("", "muted", wrap=False)
        line = row(5)
        line.addWidget(self._icon)
        line.addWidget(self._words)
        self.setLayout(line)

    def show_state(self, icon: str, colour: str, words: str, spoken: str) -> None:
        """``spoken`` is what the tooltip and a screen reader say."""
        self._icon.show_icon(icon, colour)
        set_role(self._words, "warning" if colour == "warning" else "muted")
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self.setToolTip(spoken)
        self.setAccessibleName(spoken)


class ExamBar(QFrame):
    """Signals: ``finish_pressed``, ``quit_pressed``, ``zoom_changed`` (a factor, 1.0 = as designed)."""

    finish_pressed = Signal()
    quit_pressed = Signal()
    zoom_changed = Signal(float)

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self.setProperty("surface", "header")
        self._zoom = 1.0
        self.title = ElidedLabel("strong", min_px=110)
        self.name = ElidedLabel("small", min_px=80)
        self.time = TimeLeft(icons)
        self.indicators = Indicators(icons)
        self.network = Sign(icons, "network")
        self.battery = Sign(icons, "battery")
        self.battery.hide()
        self.zoom_out = self._small(Button("", "quiet", icons, "minus", small=True), self.tr("Smaller (Ctrl+Minus)"))
        self.zoom_reset = Button("", "quiet", small=True)
        self.zoom_in = self._small(Button("", "quiet", icons, "plus", small=True), self.tr("Larger (Ctrl+Plus)"))
        self.quit_button = Button(self.tr("Quit"), "quiet", icons, "leave")
        self.quit_button.setAccessibleDescription(self.tr("Leaves the exam before it is finished"))
        self.finish_button = Button(self.tr("Finish"), "primary", icons, "flag")
        self.finish_button.setAccessibleDescription(self.tr("Asks once more before the exam ends"))
        self._lay_out()
        self._connect()
        self.show_network(True, self.tr("Connected"))
        self._show_zoom()

    def _lay_out(self) -> None:
        theme = current()
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.px(18), theme.px(3), theme.px(12), theme.px(3))
        line.setSpacing(theme.px(14))
        words = column(0)
        words.addStretch(1)
        words.addWidget(self.title)
        words.addWidget(self.name)
        words.addStretch(1)
        line.addLayout(words, 1)
        line.addWidget(self.time)
        line.addWidget(self.indicators)
        line.addWidget(self.network)
        line.addWidget(self.battery)
        line.addWidget(self._divider())
        zoom = row(0)
        for button in (self.zoom_out, self.zoom_reset, self.zoom_in):
            zoom.addWidget(button)
        line.addLayout(zoom)
        ends = row(4)
        ends.addWidget(self.quit_button)
        ends.addWidget(self.finish_button)
        line.addLayout(ends)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _connect(self) -> None:
        self.finish_button.clicked.connect(self.finish_pressed)
        self.quit_button.clicked.connect(self.quit_pressed)
        self.zoom_in.clicked.connect(lambda: self.step_zoom(1))
        self.zoom_out.clicked.connect(lambda: self.step_zoom(-1))
        self.zoom_reset.clicked.connect(lambda: self.step_zoom(0))

    def show_policy(self, policy: Policy) -> None:
        self.title.show_text(policy.exam.title)
        self.name.show_text(policy.candidate.name)
        self.quit_button.setVisible(policy.lockdown.quit_always)
        self.indicators.want(policy.capture)

    def set_working(self, working: bool) -> None:
        """Off while something lies over the exam. Quit stays: it is there to be always there."""
        for button in (self.finish_button, self.zoom_reset):
            button.setEnabled(working)
        self.zoom_in.setEnabled(working and self._zoom < ZOOM_STEPS[-1])
        self.zoom_out.setEnabled(working and self._zoom > ZOOM_STEPS[0])

    def show_network(self, online: bool, sentence: str) -> None:
        icon, colour = ("network", "muted") if online else ("network-off", "warning")
        self.network.show_state(icon, colour, "" if online else self.tr("Offline"), sentence)

    def show_battery(self, percent: int | None, charging: bool) -> None:
        self.battery.setVisible(percent is not None)
        if percent is None:
            return
        low = percent <= LOW_BATTERY_PERCENT and not charging
        icon = "battery-charging" if charging else "battery-low" if low else "battery"
        spoken = self.tr("Battery: {percent} %, charging") if charging else self.tr("Battery: {percent} %")
        words = self.tr("{percent} %").format(percent=percent)
        self.battery.show_state(icon, "warning" if low else "muted", words, spoken.format(percent=percent))

    def step_zoom(self, by: int) -> None:
        """One step larger (1) or smaller (-1), or back to 100 % (0)."""
        now = min(range(len(ZOOM_STEPS)), key=lambda i: abs(ZOOM_STEPS[i] - self._zoom))
        wanted = ZOOM_STEPS[max(0, min(len(ZOOM_STEPS) - 1, now + by))] if by else 1.0
        if wanted != self._zoom:
            self._zoom = wanted
            self._show_zoom()
            self.zoom_changed.emit(wanted)

    def reset_zoom(self) -> None:
        """Back to 100 % without a word: another page is shown."""
        self._zoom = 1.0
        self._show_zoom()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.name.setVisible(self.width() >= current().px(_NAME_FROM_PX))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def _show_zoom(self) -> None:
        words = self.tr("{percent} %").format(percent=round(self._zoom * 100))
        self.zoom_reset.setText(words)
        self.zoom_reset.setAccessibleName(self.tr("Size of the page: {zoom}. Press for 100 %.").format(zoom=words))
        self.zoom_reset.setToolTip(self.tr("Size of the page. Press for 100 % (Ctrl+0)."))
        self.set_working(self.finish_button.isEnabled())

    def _divider(self) -> QFrame:
        made = frame("line")
        made.setFixedSize(1, current().px(22))
        return made

    @staticmethod
    def _small(button: Button, name: str) -> Button:
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button
