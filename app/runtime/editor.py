"""The key editor's process: its window, and the desk that reads, signs and writes for it."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import QApplication

from app.core.audience import Audience
from app.core.errors import BadInput, InvigilError
from app.core.lockdown import System
from app.core.types import Json
from app.keys.carriers import KeyText, read_carrier
from app.keys.imported import Imported
from app.keys.issuers import load_issuer, read_bounded, replace_file, write_new
from app.keys.protected import WrongPassword, is_protected, key_subject, protect, unprotect
from app.keys.qr import make_qr, qr_picture
from app.keys.signed import json_object
from app.keys.tokens import LINK, issue, read_claims_unverified, read_header
from app.keys.tries import Tries, default_tries_path
from app.lockdown.platform import machine_facts
from app.runtime.resources import resources_dir
from app.ui.editor.catalogue import catalogue
from app.ui.editor.desk import SEB, AudienceKind, Opened, PasswordWanted, Signed, SignOrder
from app.ui.editor.window import EditorWindow
from app.ui.interpreter import keep_singletons_alive
from app.ui.theme import apply_theme

T = TypeVar("T")
MIN_CLIENT = "0.1.0"
_OWNERS = 0o600
"""Policies and keys hold an upload token."""
_FRAME = QSize(16, 56)


class EditorDesk:
    """The ``Desk`` of the real world. ``tries`` counts wrong passwords over all runs, as the command line does."""

    def __init__(self, tries: Tries, now: Callable[[], datetime]) -> None:
        self._tries = tries
        self._now = now

    def now(self) -> datetime:
        return self._now()

    def open(self, argument: str, password: str = "") -> Opened:
        path = _policy_path(argument)
        if path is not None:
            return Opened(_policy(path), path.name, path)
        carrier = read_carrier(argument)
        if not isinstance(carrier, KeyText):
            raise BadInput("This is a code or a session's link, which a backend resolves; open the key itself.")
        token = carrier.token
        if is_protected(token):
            token = self._with_password(
                "This key is protected; type its password.",
                key_subject(token),
                password,
                lambda: unprotect(carrier.token, password),
            )
        read_header(token)
        name = Path(argument).name if len(argument) < 200 else "key"
        return Opened(read_claims_unverified(token).get("policy"), name, None)

    def save(self, path: Path, document: dict[str, Json]) -> None:
        replace_file(path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(), mode=_OWNERS)

    def sign(self, order: SignOrder) -> Signed:
        subject = hashlib.sha256(read_bounded(order.issuer, "issuer's file")).hexdigest()
        issuer = self._with_password(
            "The issuer's password is missing; type it.",
            subject,
            order.issuer_password,
            lambda: load_issuer(order.issuer, order.issuer_password),
        )
        document, audience = for_audience(order.document, order.audience)
        expires = _after(order.not_before, order.hours)
        token = issue(
            document,
            issuer,
            now=self._now(),
            not_before=order.not_before,
            expires=expires,
            serial=order.serial,
            min_client=MIN_CLIENT,
            audience=audience,
        )
        text = protect(token, order.key_password) if order.key_password else token
        write_new(order.out, (text + "\n").encode(), mode=_OWNERS)
        code = make_qr(LINK + text)
        return Signed(
            order.out,
            len(text),
            issuer.name,
            _audience_words(audience),
            order.not_before,
            expires,
            LINK + text,
            None if code is None else qr_picture(code, "png", scale_px=4),
        )

    def vendors(self) -> Mapping[str, str]:
        from app.keys.vendors import VENDORS

        return {name: vendor.name for name, vendor in VENDORS.items()} | {SEB: "Safe Exam Browser (.seb)"}

    def import_settings(self, vendor: str, path: Path, password: str = "") -> Imported:
        if vendor != SEB:
            from app.keys.vendors import import_settings

            return import_settings(vendor, _policy(path))
        from app.keys import seb
        from app.keys.seb.mapping import import_settings as import_seb

        data = seb.load(path)
        try:
            return import_seb(seb.read_settings(data))
        except seb.PasswordNeeded as error:
            subject = hashlib.sha256(data).hexdigest()
            return import_seb(
                self._with_password(str(error), subject, password, lambda: seb.read_settings(data, password))
            )

    def _with_password(self, wanted: str, subject: str, password: str, work: Callable[[], T]) -> T:
        """``work`` with a password that was given. Raises PasswordWanted without one and for a wrong one, which counts."""
        if not password:
            raise PasswordWanted(wanted)
        self._tries.check(subject, self._now())
        try:
            result = work()
        except BadInput as error:
            if not isinstance(error, WrongPassword) and not isinstance(error.__cause__, WrongPassword):
                raise
            self._tries.failed(subject, self._now())
            raise PasswordWanted(str(error)) from error
        self._tries.succeeded(subject)
        return result


def for_audience(document: dict[str, Json], kind: AudienceKind) -> tuple[dict[str, Json], Audience]:
    """The policy of a key for this audience: one for many leaves the candidate's own fields out.

    Raises BadInput where the policy does not name what the audience needs.
    """
    exam, candidate = document.get("exam"), document.get("candidate")
    exam_id = str(exam.get("id", "")) if isinstance(exam, dict) else ""
    person = dict(candidate) if isinstance(candidate, dict) else {}
    if kind == "candidate":
        if not person.get("id"):
            raise BadInput("A key for a candidate needs the candidate's number.")
        return document, Audience(exam_id, candidate=str(person["id"]))
    if kind == "group" and not person.get("group"):
        raise BadInput("A key for a group needs the group's name.")
    kept = {name: value for name, value in person.items() if name == "group" and kind == "group"}
    rest = {name: value for name, value in document.items() if name != "candidate"}
    return rest | ({"candidate": kept} if kept else {}), Audience(exam_id, group=str(kept.get("group", "")))


def vendor_names() -> dict[str, tuple[str, ...]]:
    """What other systems call a setting, by the policy's path: for the editor's search."""
    from app.keys.vendors import VENDORS

    found: dict[str, list[str]] = {}
    for vendor in VENDORS.values():
        for field in vendor.fields:
            for path in field.paths:
                found.setdefault(path, []).append(f"{vendor.name}: {field.source}")
    return {path: tuple(dict.fromkeys(names)) for path, names in found.items()}


def run_editor(argument: str | None) -> int:
    """Runs until the window is closed. Raises BadInput for a file that can't be used, InvigilError without a display."""
    desk = EditorDesk(Tries(default_tries_path()), lambda: datetime.now(UTC))
    opened = _opened(desk, argument)
    if machine_facts().system is System.LINUX_NO_DISPLAY:
        raise InvigilError("There is no display that answers; start the editor in a desktop session.")
    keep_singletons_alive()
    application = QApplication(["invigil"])
    application.setApplicationName("Invigil key editor")
    apply_theme(application, None)
    window = EditorWindow(resources_dir() / "ui", desk, catalogue(vendor_names()))
    window.closed.connect(application.quit)
    beat = QTimer()  # lets Python see SIGTERM and SIGINT while Qt waits
    beat.start(200)
    beat.timeout.connect(lambda: None)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: QTimer.singleShot(0, lambda: application.exit(0)))
    try:
        _show(window, argument, opened)
        return application.exec()
    finally:
        beat.stop()
        window.background.close()


def _opened(desk: EditorDesk, argument: str | None) -> Opened | None:
    """What the editor was started with; None where there is nothing, or where a password has to be asked for first."""
    try:
        return None if argument is None else desk.open(argument)
    except PasswordWanted:
        return None


def _show(window: EditorWindow, argument: str | None, opened: Opened | None) -> None:
    window.resize(window.size().boundedTo(window.screen().availableSize() - _FRAME))
    window.show()
    if opened is not None:
        window.files.show(opened)
    elif argument is not None:
        window.files.open_argument(argument)
    else:
        window.begin()


def _policy_path(argument: str) -> Path | None:
    """The path of a policy's JSON; None for anything that may be a key."""
    path = Path(argument)
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except (OSError, ValueError):
        if argument.lower().endswith(".json"):
            raise BadInput(f"The policy {argument} can't be read; check its name and place.") from None
        return None
    return path if head.startswith(b"{") or path.suffix.lower() == ".json" else None


def _policy(path: Path) -> dict[str, Json]:
    try:
        return json_object(read_bounded(path, "file"))
    except ValueError as error:
        raise BadInput(f"{path} is not a JSON object; choose a file that holds one.") from error


def _after(begin: datetime, hours: float) -> datetime:
    try:
        return begin + timedelta(hours=hours)
    except (OverflowError, ValueError) as error:
        raise BadInput("A key can't be valid for so many hours; give a smaller number.") from error


def _audience_words(audience: Audience) -> str:
    if audience.candidate:
        return f"candidate {audience.candidate}"
    return f"group {audience.group}" if audience.group else f"everybody in {audience.exam}"
