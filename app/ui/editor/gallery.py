"""Pictures of the key editor with sample data, for people to look at and for the documentation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.core.policy_change import differences
from app.core.types import Json
from app.keys.imported import Imported, Mapped, Unmapped
from app.keys.qr import make_qr, qr_picture
from app.ui.editor.desk import Signed
from app.ui.editor.dialogs import CompareDialog, ImportDialog, PasswordDialog, ask
from app.ui.editor.model import check, to_policy
from app.ui.editor.preset_dialog import PresetDialog
from app.ui.editor.sign_dialog import SignDialog
from app.ui.editor.window import EditorWindow
from app.ui.widgets import Button

Show = Callable[[EditorWindow], QWidget]
"""Brings the window into a state, and returns what is to be looked at: the window, or a dialog of it."""

SAMPLE: dict[str, Json] = {
    "exam": {
        "id": "bio-101",
        "title": "Biology 101: final exam",
        "start_url": "https://exam.example.org/bio-101",
        "duration_min": 90,
        "instructions": "You may use a pencil and one sheet of paper.\nAnswers are saved as you go.",
    },
    "candidate": {"id": "c-1", "name": "Sample Candidate", "group": "BIO-A"},
    "identity": {"room_inspection": "recorded"},
    "lockdown": {"denied_processes": ["anydesk", "teamviewer"]},
    "detection": {"sensitivity": "high", "rules": {"5101": {"dwell_s": 4.0}, "5106": {"enabled": False}}},
    "upload": {"endpoint": "https://proctor.example.org", "token": "sample", "exam_id": "bio-101"},
    "privacy": {"institution": "Example University", "contact": "exams@university.example.org"},
}
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_LINK = "invigil://key/" + "eyJhbGciOiJFZERTQSJ9" * 48
_IMPORTED = Imported(
    {"capture": {"camera": True}},
    (
        Mapped("settings.webcam", "capture.camera", True),
        Mapped("settings.aiDetection.sensitivity", "detection.sensitivity", "high"),
        Mapped("duration", "exam.duration_min", 90),
    ),
    (
        Unmapped("settings.moonPhase", "It is not a setting of ProctorAI that is known here."),
        Unmapped(
            "settings.serviceAccessKey", "A credential; it is no part of a policy, and the backend keeps its own."
        ),
    ),
)


def cases() -> dict[str, Show]:
    """Every state by name. Each begins with ``SAMPLE`` and leaves its dialog open."""
    return {
        "new": _new,
        "exam": _group("exam"),
        "capture": _group("capture"),
        "unlock": _unlock,
        "detection": _group("detection"),
        "rules": _rules,
        "score": _group("score"),
        "accessibility": _group("accessibility"),
        "search": _search("camera"),
        "search-vendor": _search("blinkexam"),
        "search-nothing": _search("moon phase"),
        "problem": problem,
        "notes": _notes,
        "unverified": _unverified,
        "preset": _preset,
        "import": _import,
        "compare": _compare,
        "password": _password,
        "question": _question,
        "sign": _sign,
        "sign-refused": _sign_refused,
        "signed": _signed(large=False),
        "signed-large": _signed(large=True),
    }


def problem(window: EditorWindow) -> EditorWindow:
    """A contradiction, with what it is said of in sight."""
    _set(window, {"capture.camera": False})
    window.show_setting("identity.photo")
    return window


def _set(window: EditorWindow, values: dict[str, Json]) -> None:
    window.apply(window.model.change(values))
    window.show_findings(check(window.model.settings, window.model.values))


def _new(window: EditorWindow) -> EditorWindow:
    window.begin()
    window.show_findings(check(window.model.settings, window.model.values))
    return window


def _group(name: str) -> Show:
    def show(window: EditorWindow) -> EditorWindow:
        window.show_group(name)
        window.show_findings(check(window.model.settings, window.model.values))
        return window

    return show


def _unlock(window: EditorWindow) -> EditorWindow:
    _set(window, {"lockdown.unlock_password": f"sha256${'0' * 64}", "lockdown.hold_release": "proctor"})
    window.show_setting("lockdown.unlock_password")
    return window


def _rules(window: EditorWindow) -> EditorWindow:
    _set(window, {"detection.rules": {"5001": {"response": "hold"}, "5101": {"dwell_s": 4.0}}})
    window.show_setting("detection.rules")
    return window


def _search(words: str) -> Show:
    def show(window: EditorWindow) -> EditorWindow:
        window.search.setText(words)
        window.show_found()
        return window

    return show


def _notes(window: EditorWindow) -> EditorWindow:
    window.show_findings(check(window.model.settings, window.model.values))
    window.show_notes()
    return window


def _unverified(window: EditorWindow) -> EditorWindow:
    window.show_document(
        {**SAMPLE, "capture": {"zoom": 3}},
        banner="This policy comes from a key that was not verified: it is the key's own word.",
    )
    return window


def _preset(window: EditorWindow) -> PresetDialog:
    dialog = PresetDialog(window, window.icons, window.model)
    dialog.presets["strict"].setChecked(True)
    dialog.accommodations["extra-time"].setChecked(True)
    dialog.open()
    return dialog


def _import(window: EditorWindow) -> ImportDialog:
    dialog = ImportDialog(window, window.icons, "ProctorAI", _IMPORTED, window.model.settings)
    dialog.open()
    return dialog


def _compare(window: EditorWindow) -> CompareDialog:
    other = to_policy(
        window.model.settings, {**window.model.values, "capture.screen_fps": 2.0, "exam.message": "Hello"}
    )
    found = differences(other, window.model.policy())
    dialog = CompareDialog(window, window.icons, "bio-101.invigil", found, window.model.settings)
    dialog.open()
    return dialog


def _password(window: EditorWindow) -> PasswordDialog:
    dialog = PasswordDialog(window, window.icons, "This key is protected; type its password.")
    dialog.open()
    return dialog


def _question(window: EditorWindow) -> QWidget:
    answers = [
        (Button("Cancel"), lambda: None),
        (Button("Don't save", "danger"), lambda: None),
        (Button("Save", "primary"), lambda: None),
    ]
    return ask(window, window.icons, "Save the changes?", "The policy was changed and is not saved.", answers)


def _sign(window: EditorWindow) -> SignDialog:
    dialog = SignDialog(
        window,
        window.icons,
        window.desk,
        window.background,
        window.model.document(),
        window.model.policy(),
        issuer="example-university.key",
        folder=Path("keys"),
    )
    dialog.open()
    return dialog


def _sign_refused(window: EditorWindow) -> SignDialog:
    dialog = _sign(window)
    dialog.show_refused("example-university.key can't be opened: the password is wrong.")
    return dialog


def _signed(*, large: bool) -> Show:
    def show(window: EditorWindow) -> SignDialog:
        code = None if large else make_qr(_LINK)
        picture = None if code is None else qr_picture(code, "png", scale_px=4)
        end = NOW + timedelta(hours=24)
        dialog = _sign(window)
        dialog.show_signed(
            Signed(
                Path("keys/bio-101.invigil"),
                len(_LINK),
                "Example University",
                "candidate c-1",
                NOW,
                end,
                _LINK,
                picture,
            )
        )
        return dialog

    return show
