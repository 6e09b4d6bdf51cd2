"""Signing a policy: who signs, for how long, for whom, under which password, into which file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QDateTime, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import (
    QDateTimeEdit,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QStackedWidget,
    QWidget,
)

from app.core.policy import Policy
from app.core.types import Json
from app.ui.editor.background import Background
from app.ui.editor.catalogue import Kind, Setting
from app.ui.editor.controls import ChoiceBox, Spin
from app.ui.editor.desk import AudienceKind, Desk, Signed, SignOrder
from app.ui.editor.dialogs import EditorDialog
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, ElidedLabel, Message, announce, column, label, row

_HOURS = Setting("hours", Kind.NUMBER, 24.0, "Valid for", "", bounds=(0.5, 8760), unit="hours")
_DEFAULT_HOURS = 24.0
_QR_PX = 300
_MOST_SERIAL = 2**53


class FileField(QWidget):
    """A path that can be typed, or chosen in the system's dialog."""

    def __init__(self, name: str, browse_words: str, filter_words: str, *, save: bool) -> None:
        super().__init__()
        self._name, self._filter, self._save = name, filter_words, save
        self.line = QLineEdit()
        self.line.setAccessibleName(name)
        self.browse = Button(browse_words, small=True)
        self.browse.setAutoDefault(False)
        self.browse.setAccessibleName(f"{name}: {browse_words}")
        across = row(4)
        across.addWidget(self.line, 1)
        across.addWidget(self.browse)
        self.setLayout(across)
        self.setFocusProxy(self.line)
        self.browse.clicked.connect(self._browse)

    def path(self) -> Path | None:
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def _browse(self) -> None:
        dialog = QFileDialog(self, self._name, str(self.path() or ""), self._filter)
        if self._save:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # signing refuses a file that exists
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()


class SignDialog(EditorDialog):
    """Makes the order, has it carried out, and shows the key. Passwords are cleared as soon as they were used."""

    signed = Signal(object)

    def __init__(
        self,
        parent: QWidget,
        icons: Icons,
        desk: Desk,
        background: Background,
        document: dict[str, Json],
        policy: Policy,
        *,
        issuer: str = "",
        folder: Path,
    ) -> None:
        super().__init__(parent, icons, parent.tr("Sign and save a key"), width_px=760)
        self._desk, self._background = desk, background
        self._document, self._policy = document, policy
        self._busy = False
        self.stack = QStackedWidget()
        self.body.addWidget(self.stack, 1)
        self._make_fields(issuer, folder)
        self.stack.addWidget(self._order_page())
        self.cancel_button = self.add_button(Button(self.tr("Cancel")), self.close)
        self.sign_button = self.add_button(
            Button(self.tr("&Sign and save"), "primary", icons, "lock"), self.sign, default=True
        )
        self._show_end()
        (self.password if issuer else self.issuer).setFocus()

    def _make_fields(self, issuer: str, folder: Path) -> None:
        now = self._desk.now()
        self.issuer = FileField(
            self.tr("Issuer's private key"), self.tr("&Browse…"), self.tr("All files (*)"), save=False
        )
        self.issuer.line.setText(issuer)
        self.password = _password_field(self.tr("Issuer's password"))
        self.begin = QDateTimeEdit(QDateTime.fromSecsSinceEpoch(int(now.timestamp()) // 60 * 60))
        self.begin.setDisplayFormat("yyyy-MM-dd HH:mm")
        self.begin.setMinimumWidth(current().px(170))
        self.begin.lineEdit().setTextMargins(current().px(9), 0, current().px(9), 0)
        self.begin.setAccessibleName(self.tr("Valid from"))
        self.hours = Spin(_HOURS)
        self.hours.setValue(_DEFAULT_HOURS)
        self.hours.setAccessibleName(self.tr("Valid for hours"))
        self.hours.setMinimumWidth(current().px(120))
        self.end = label("", "muted", wrap=False)
        self.serial = QLineEdit(str(int(now.timestamp())))
        self.serial.setAccessibleName(self.tr("Serial number"))
        self.serial.setMaximumWidth(current().px(190))
        self.audience = ChoiceBox()
        self.audience.setAccessibleName(self.tr("Who may use it"))
        for kind, words in self._audiences():
            self.audience.addItem(words, kind)
        self.key_password = _password_field(self.tr("Password for the key"))
        self.key_password.setPlaceholderText(self.tr("None"))
        self.key_password_again = _password_field(self.tr("Password for the key, again"))
        self.key_password_again.setPlaceholderText(self.tr("The same again"))
        self.out = FileField(self.tr("Key file"), self.tr("B&rowse…"), self.tr("Keys (*.invigil)"), save=True)
        self.out.line.setText(str(folder / f"{_file_name(self._policy.exam.id)}.invigil"))
        self.begin.dateTimeChanged.connect(lambda _at: self._show_end())
        self.hours.valueChanged.connect(lambda _hours: self._show_end())

    def _order_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(current().px(7))
        form.setHorizontalSpacing(current().px(16))
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: Sequence[tuple[str, QWidget | QHBoxLayout, QWidget]] = (
            (self.tr("&Issuer's private key"), self.issuer, self.issuer.line),
            (self.tr("Issuer's &password"), self.password, self.password),
            (
                self.tr("Valid &from"),
                _beside(self.begin, label(self.tr("for"), wrap=False), self.hours, self.end),
                self.begin,
            ),
            (
                self.tr("Serial &number"),
                _beside(self.serial, label(self.tr("has to rise with each key for this exam"), "muted", wrap=False)),
                self.serial,
            ),
            (self.tr("&Who may use it"), self.audience, self.audience),
            (self.tr("Password for the &key"), _pair(self.key_password, self.key_password_again), self.key_password),
            (self.tr("Key fi&le"), self.out, self.out.line),
        )
        for words, field, buddy in rows:
            name = QLabel(words)
            name.setBuddy(buddy)
            form.addRow(name, field)
        return page

    def _audiences(self) -> list[tuple[AudienceKind, str]]:
        """The narrowest first, which is the one that is chosen."""
        exam, person = self._policy.exam, self._policy.candidate
        found: list[tuple[AudienceKind, str]] = []
        if person.id:
            found.append(("candidate", self.tr("The candidate %1").replace("%1", person.name or person.id)))
        if person.group:
            found.append(("group", self.tr("Everybody in the group %1").replace("%1", person.group)))
        found.append(("exam", self.tr("Everybody who takes %1").replace("%1", exam.title or exam.id)))
        return found

    def _show_end(self) -> None:
        at = self.begin.dateTime().addSecs(round(self.hours.value() * 3600))
        self.end.setText(self.tr("until %1").replace("%1", at.toString("yyyy-MM-dd HH:mm")))

    # ---- signing

    def sign(self) -> None:
        """Checks what can be said at once, and has the rest done beside the UI thread."""
        order = self._order()
        if isinstance(order, str):
            self.say(order)
            return
        self.say(self.tr("Signing…"), "info")
        self._set_busy(True)
        self._background.run(
            lambda: self._desk.sign(order), self.show_signed, lambda error: self.show_refused(str(error))
        )

    def _set_busy(self, busy: bool) -> None:
        """A key that is being written can't be called back, so the dialog stays until it is there."""
        self._busy = busy
        for part in (self.stack, self.sign_button, self.cancel_button):
            part.setEnabled(not busy)

    def reject(self) -> None:
        if not self._busy:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._busy:
            event.ignore()
        else:
            super().closeEvent(event)

    def _order(self) -> SignOrder | str:
        """The order, or a sentence on what is missing."""
        issuer, out, serial = self.issuer.path(), self.out.path(), self.serial.text().strip()
        if issuer is None or not self.password.text():
            return self.tr("Choose the issuer's private key and type its password.")
        if self.key_password.text() != self.key_password_again.text():
            return self.tr("The two passwords for the key are not the same; type them again.")
        if not (serial.isascii() and serial.isdecimal() and int(serial[:20]) < _MOST_SERIAL):
            return self.tr("The serial number has to be a whole number of 0 or more.")
        if out is None:
            return self.tr("Choose a file for the key.")
        begin = datetime.fromtimestamp(self.begin.dateTime().toSecsSinceEpoch(), UTC)
        return SignOrder(
            self._document,
            issuer,
            self.password.text(),
            begin,
            self.hours.value(),
            int(serial),
            self.audience.currentData(),
            self.key_password.text(),
            out,
        )

    def show_refused(self, sentence: str) -> None:
        """Why no key was written; the password has to be typed again."""
        self._set_busy(False)
        self.say(sentence)
        self.password.clear()
        self.password.setFocus()

    def show_signed(self, signed: Signed) -> None:
        """The key in the place of the order."""
        for field in (self.password, self.key_password, self.key_password_again):
            field.clear()
        self.say("")
        self.title.setText(self.tr("The key is signed and saved"))
        result = ResultPage(self.icons, signed)
        self.stack.addWidget(result)
        self.stack.setCurrentWidget(result)
        self._set_busy(False)
        self.sign_button.hide()
        self.cancel_button.setText(self.tr("&Close"))
        self.cancel_button.set_kind("primary")
        self.cancel_button.setDefault(True)
        self.cancel_button.setFocus()
        announce(self, self.title.text())
        self.signed.emit(signed)


class ResultPage(QWidget):
    """What was made: where it is, for whom and how long, its link and its QR code."""

    def __init__(self, icons: Icons, signed: Signed) -> None:
        super().__init__()
        self._signed = signed
        side = column(4)
        for title, words in (
            (self.tr("File"), str(signed.path)),
            (self.tr("Size"), self.tr("%1 bytes").replace("%1", f"{signed.size_bytes:,}")),
            (self.tr("Signed by"), signed.issuer),
            (self.tr("For"), signed.audience),
            (self.tr("Valid"), f"{_local(signed.not_before)} – {_local(signed.expires)}"),
        ):
            side.addWidget(label(title, "small"))
            value = ElidedLabel("strong")
            value.show_text(words)
            side.addWidget(value)
            side.addSpacing(current().px(4))
        self.copy_button = Button(self.tr("&Copy link"), "secondary", icons, "report", small=True)
        self.save_button = Button(self.tr("Save &QR code…"), "secondary", icons, "folder", small=True)
        side.addStretch(1)
        buttons = row(4)
        buttons.addWidget(self.copy_button)
        buttons.addWidget(self.save_button)
        buttons.addStretch(1)
        side.addLayout(buttons)
        self.said = Message(icons, "ok")
        side.addWidget(self.said)
        across = row(20)
        across.addLayout(side, 1)
        across.addWidget(self._picture(), 0, Qt.AlignmentFlag.AlignTop)
        self.setLayout(across)
        self.save_button.setVisible(signed.qr_png is not None)
        self.copy_button.clicked.connect(self._copy)
        self.save_button.clicked.connect(self._save)

    def _picture(self) -> QWidget:
        """The code in whole pixels for each module, black on white in every theme, as cameras need it."""
        if self._signed.qr_png is None:
            words = label(
                self.tr(
                    "This key is too large for a QR code. Give it to a backend first (invigil key push): that answers "
                    "with a short code, whose QR code is small."
                ),
                "muted",
            )
            words.setFixedWidth(current().px(_QR_PX))
            return words
        image = QImage.fromData(self._signed.qr_png)
        picture = QLabel()
        picture.setAccessibleName(self.tr("QR code of the key's link"))
        ratio = max(1, round(current().px(_QR_PX) * 2 / image.width()))
        pixmap = QPixmap.fromImage(image.scaledToWidth(image.width() * ratio))
        pixmap.setDevicePixelRatio(max(1.0, pixmap.width() / current().px(_QR_PX * 1.3)))
        picture.setPixmap(pixmap)
        return picture

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._signed.link)
        self.said.show_text(self.tr("The link is on the clipboard."))

    def _save(self) -> None:
        dialog = QFileDialog(
            self, self.tr("Save the QR code"), str(self._signed.path.with_suffix(".png")), "PNG (*.png)"
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.save_qr)
        dialog.open()

    def save_qr(self, path: str) -> None:
        try:
            Path(path).touch(mode=0o600)  # the picture is the key
            Path(path).write_bytes(self._signed.qr_png or b"")
        except OSError as error:
            sentence = self.tr("%1 can't be written: %2.").replace("%1", path).replace("%2", str(error.strerror))
            self.said.show_text(sentence, "danger")
            return
        self.said.show_text(self.tr("Saved as %1").replace("%1", path), "ok")


def _password_field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setAccessibleName(name)
    return field


def _beside(*widgets: QWidget) -> QHBoxLayout:
    across = row(8)
    for widget in widgets:
        across.addWidget(widget)
    across.addStretch(1)
    return across


def _pair(one: QWidget, other: QWidget) -> QHBoxLayout:
    across = row(8)
    across.addWidget(one, 1)
    across.addWidget(other, 1)
    return across


def _file_name(exam_id: str) -> str:
    """The exam's number with what file systems dislike taken out."""
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in exam_id).strip("-.")
    return kept[:80] or "exam"


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
