"""The key editor's window with its real desk: keys, files, dialogs, and what a person sees of them."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
import zxingcpp
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app import __version__
from app.core.types import Json
from app.core.unlock import matches
from app.keys.issuers import Issuer, TrustedIssuers, save_issuer
from app.keys.protected import is_protected, unprotect
from app.keys.tokens import LINK, ConfigKey, issue, read_key
from app.runtime.editor import EditorDesk
from app.ui.editor.controls import Number, YesNo
from app.ui.editor.desk import AudienceKind, Opened, SignOrder
from app.ui.editor.dialogs import CompareDialog, DataTable, EditorDialog, ImportDialog, PasswordDialog
from app.ui.editor.password_control import Password
from app.ui.editor.preset_dialog import PresetDialog
from app.ui.editor.sign_dialog import ResultPage, SignDialog
from app.ui.editor.tables import Table
from app.ui.editor.window import EditorWindow
from app.ui.theme import apply_theme
from app.ui.widgets import Button
from tests.fakes.editor import destroy_editor, make_editor
from tests.fakes.policies import small_policy

Press = Callable[..., None]
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse"
ISSUER = Issuer.create("Example University")
LEFT = Qt.MouseButton.LeftButton
T = TypeVar("T", bound=QWidget)

QR = zxingcpp.barcode_formats_from_str("QRCode")


class Clock:
    def __init__(self) -> None:
        self.now = NOW


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encrypting it takes a while, so once."""
    path = tmp_path_factory.mktemp("issuer") / "issuer.key"
    save_issuer(path, ISSUER, PASSWORD)
    return path


@pytest.fixture
def editor(qtbot: QtBot, qapp: QApplication, tmp_path: Path, clock: Clock) -> Iterator[EditorWindow]:
    """The smallest window, with a small policy, that the window manager has given the focus to."""
    apply_theme(qapp, "light", 1.0)
    window = make_editor(tmp_path, lambda: clock.now)
    window.resize(1024, 600)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    with qtbot.waitSignal(window.checked):
        window.show_document(dict(small_policy()))
    yield window
    destroy_editor(window)


def type_text(text: str) -> None:
    """As real key events."""
    subprocess.run(["xdotool", "type", "--delay", "4", text], check=True, timeout=20)


def shown(window: EditorWindow, kind: type[T], qtbot: QtBot) -> T:
    """The open dialog of this kind, once the window manager has given it the keyboard."""

    def found() -> T | None:
        return next((one for one in window.findChildren(kind) if one.isActiveWindow()), None)

    qtbot.waitUntil(lambda: found() is not None)
    dialog = found()
    assert dialog is not None
    return dialog


def settled(window: EditorWindow, qtbot: QtBot, act: Callable[[], object]) -> None:
    """Does something that changes the policy, and waits until the newest state was judged."""
    with qtbot.waitSignal(window.checked):
        act()


def _is_right(window: EditorWindow, path: str) -> bool:
    return path not in window.findings.problems


def set_value(window: EditorWindow, qtbot: QtBot, path: str, value: Json) -> None:
    settled(window, qtbot, lambda: window.apply(window.model.change({path: value})))


def line_of(window: EditorWindow, path: str) -> QLineEdit:
    found = window.form.row(path).control.focus
    assert isinstance(found, QLineEdit)
    return found


def verified(text: str) -> ConfigKey:
    return read_key(text, TrustedIssuers.of([ISSUER.public()]), NOW + timedelta(minutes=1), __version__)


# ---- by keyboard alone


def test_a_key_is_made_from_nothing_with_the_keyboard_alone(
    editor: EditorWindow, qtbot: QtBot, press: Press, issuer: Path, tmp_path: Path
) -> None:
    settled(editor, qtbot, editor.begin)
    for path, words in (
        ("exam.id", "bio-101"),
        ("exam.title", "Biology 101"),
        ("exam.start_url", "https://exam.example.org/bio"),
        ("upload.endpoint", "https://proctor.example.org"),
        ("upload.token", "t0ken"),
        ("upload.exam_id", "bio-101"),
    ):
        press("F8")
        qtbot.waitUntil(line_of(editor, path).hasFocus)
        settled(editor, qtbot, partial(type_text, words))
        qtbot.waitUntil(partial(_is_right, editor, path))
    assert "No problems" in editor.problems_button.text()
    press("ctrl+f")
    qtbot.waitUntil(editor.search.hasFocus)
    type_text("camera")
    press("Down")
    camera = editor.form.row("capture.camera").control.focus
    qtbot.waitUntil(camera.hasFocus)
    press("space")
    qtbot.waitUntil(lambda: "identity.photo" in editor.findings.problems)
    press("F8")
    qtbot.waitUntil(editor.form.row("identity.photo").control.focus.hasFocus)
    press("space")
    qtbot.waitUntil(lambda: not editor.findings.problems)
    press("ctrl+p")
    presets = shown(editor, PresetDialog, qtbot)
    qtbot.waitUntil(presets.none.hasFocus)
    press("Down", "Down", "Down")
    qtbot.waitUntil(presets.presets["strict"].isChecked)
    press("Return")
    qtbot.waitUntil(lambda: editor.model.value("evidence.mode") == "continuous")
    press("ctrl+Return")
    dialog = shown(editor, SignDialog, qtbot)
    qtbot.waitUntil(dialog.issuer.line.hasFocus)
    type_text(str(issuer))
    press("alt+p")
    qtbot.waitUntil(dialog.password.hasFocus)
    type_text(PASSWORD)
    press("alt+l")
    qtbot.waitUntil(dialog.out.line.hasFocus)
    out = tmp_path / "made.invigil"
    type_text(str(out))
    qtbot.waitUntil(lambda: dialog.out.line.text() == str(out))
    with qtbot.waitSignal(dialog.signed):
        press("Return")
    key = verified(out.read_text())
    assert (key.policy.exam.title, key.policy.evidence.mode, key.policy.capture.camera) == (
        "Biology 101",
        "continuous",
        True,
    )
    assert key.audience.to_json() == {"exam": "bio-101"}
    press("Return")
    qtbot.waitUntil(lambda: not editor.findChildren(SignDialog))


def test_f6_goes_between_the_groups_and_the_settings(editor: EditorWindow, qtbot: QtBot, press: Press) -> None:
    press("F6")
    qtbot.waitUntil(line_of(editor, "exam.id").hasFocus)
    press("F6")
    qtbot.waitUntil(editor.groups.hasFocus)
    press("Down", "Down")
    qtbot.waitUntil(lambda: editor.form.shown[0] == "identity.photo")
    press("F6")
    qtbot.waitUntil(editor.form.row("identity.photo").control.focus.hasFocus)


@pytest.mark.parametrize("group", ["exam", "capture", "detection", "upload"])
def test_tab_goes_through_the_settings_from_top_to_bottom(editor: EditorWindow, qtbot: QtBot, group: str) -> None:
    editor.show_group("privacy")  # whose rows were made first, for once
    editor.show_group(group)
    editor.form.take_focus()
    rows: list[str] = []
    for _ in range(80):
        focus = QApplication.focusWidget()
        owner = editor.form.row_of(focus) if focus is not None else None
        if owner is None:
            break
        if not rows or rows[-1] != owner.setting.path:
            rows.append(owner.setting.path)
        assert focus is not None
        assert not focus.visibleRegion().isEmpty(), "the focus is out of sight"
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    assert rows == editor.form.shown


def test_escape_ends_a_search_and_leads_back_to_the_group(editor: EditorWindow, qtbot: QtBot, press: Press) -> None:
    editor.show_group("browser")
    press("ctrl+f")
    qtbot.waitUntil(editor.search.hasFocus)
    type_text("faceauth")
    qtbot.waitUntil(lambda: editor.form.shown[:1] == ["identity.face_check"])
    assert editor.groups.group() == ""
    press("Escape")
    qtbot.waitUntil(lambda: editor.form.shown[0] == "browser.allow")
    assert editor.groups.group() == "browser"


def test_undo_works_while_a_field_has_the_focus(editor: EditorWindow, qtbot: QtBot, press: Press) -> None:
    set_value(editor, qtbot, "capture.camera_fps", 15.0)
    editor.show_setting("exam.title")
    type_text("Biology")
    qtbot.waitUntil(lambda: editor.model.value("exam.title") == "Biology")
    press("ctrl+z")
    qtbot.waitUntil(lambda: line_of(editor, "exam.title").text() == "Algebra I")
    press("ctrl+z")
    qtbot.waitUntil(lambda: editor.model.value("capture.camera_fps") == 10.0)
    assert "capture.camera_fps" in editor.form.shown  # so that one sees what was undone
    press("ctrl+y")
    qtbot.waitUntil(lambda: editor.model.value("capture.camera_fps") == 15.0)
    press("ctrl+shift+z")
    qtbot.waitUntil(lambda: editor.model.value("exam.title") == "Biology")
    assert line_of(editor, "exam.title").text() == "Biology"


def test_rules_are_set_switched_and_reset_by_keys(editor: EditorWindow, qtbot: QtBot, press: Press) -> None:
    editor.show_setting("detection.rules")
    table = editor.form.row("detection.rules").control
    assert isinstance(table, Table)
    qtbot.waitUntil(table.table.hasFocus)
    press("space")
    qtbot.waitUntil(lambda: editor.model.value("detection.rules") == {"5001": {"enabled": False}})
    press("space", "Right")
    qtbot.waitUntil(lambda: editor.model.is_default("detection.rules"))
    type_text("4,5")
    press("Return")
    qtbot.waitUntil(lambda: editor.model.value("detection.rules") == {"5001": {"dwell_s": 4.5}})
    press("Delete")
    qtbot.waitUntil(lambda: editor.model.is_default("detection.rules"))
    press("Tab")
    qtbot.waitUntil(lambda: not table.table.hasFocus())


def test_what_follows_a_violation_is_chosen_by_its_first_letter(
    editor: EditorWindow, qtbot: QtBot, press: Press
) -> None:
    editor.show_setting("detection.rules")
    table = editor.form.row("detection.rules").control
    assert isinstance(table, Table)
    qtbot.waitUntil(table.table.hasFocus)
    cell = table.model.index(table.model.codes.index(5007), table.model.columnCount() - 1)
    table.table.setCurrentIndex(cell)
    assert cell.data() == "Warn"
    type_text("h")
    qtbot.waitUntil(lambda: editor.model.value("detection.rules") == {"5007": {"response": "hold"}})
    assert cell.data() == "Hold"
    qtbot.waitUntil(table.table.hasFocus)
    press("Delete")
    qtbot.waitUntil(lambda: editor.model.is_default("detection.rules"))


def test_an_unlock_password_is_typed_and_only_its_hash_is_kept(
    editor: EditorWindow, qtbot: QtBot, press: Press
) -> None:
    editor.show_setting("lockdown.unlock_password")
    control = editor.form.row("lockdown.unlock_password").control
    assert isinstance(control, Password)
    qtbot.waitUntil(control.line.hasFocus)
    assert control.line.echoMode() is QLineEdit.EchoMode.Password
    assert control.state.text() == "No password is set."
    type_text("long enough")
    qtbot.waitUntil(lambda: control.state.text() == "Not set yet: press Return.")
    assert editor.model.is_default("lockdown.unlock_password")
    press("Return")
    qtbot.waitUntil(lambda: matches(str(editor.model.value("lockdown.unlock_password")), "long enough"))
    assert (control.line.text(), control.state.text()) == ("", "A password is set.")
    press("ctrl+z")
    qtbot.waitUntil(lambda: control.state.text() == "No password is set.")
    press("ctrl+y")
    qtbot.waitUntil(lambda: control.state.text() == "A password is set.")
    type_text("another one")
    press("Tab")
    qtbot.waitUntil(lambda: matches(str(editor.model.value("lockdown.unlock_password")), "another one"))
    QTest.mouseClick(control.remove_button, LEFT)
    qtbot.waitUntil(lambda: editor.model.is_default("lockdown.unlock_password"))


def test_a_quick_hash_of_another_product_is_pointed_out(editor: EditorWindow, qtbot: QtBot) -> None:
    editor.show_setting("lockdown.unlock_password")
    control = editor.form.row("lockdown.unlock_password").control
    assert isinstance(control, Password)
    set_value(editor, qtbot, "lockdown.unlock_password", f"sha256${'0' * 64}")
    assert "easily guessed" in control.state.text()


def test_the_menus_open_by_their_letters(editor: EditorWindow, qtbot: QtBot, press: Press) -> None:
    press("alt+e")
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    press("p")
    shown(editor, PresetDialog, qtbot)
    press("Escape")
    qtbot.waitUntil(lambda: not editor.findChildren(PresetDialog))


# ---- settings


def test_a_problem_is_said_under_its_setting_at_its_group_and_at_the_foot(editor: EditorWindow, qtbot: QtBot) -> None:
    editor.show_setting("exam.start_url")
    settled(editor, qtbot, lambda: QTest.keyClicks(line_of(editor, "exam.start_url"), "x y"))
    made = editor.form.row("exam.start_url")
    assert made.problem.isVisible()
    assert made.problem.words.text() in made.control.focus.accessibleDescription()
    assert "Problems: 1" in editor.problems_button.text()
    words = editor.groups.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert words == "Exam, problems: 1"
    settled(editor, qtbot, editor.undo)
    assert not made.problem.isVisible()


def test_reset_is_offered_where_a_setting_differs_and_gives_the_default_back(
    editor: EditorWindow, qtbot: QtBot
) -> None:
    editor.show_group("capture")
    made = editor.form.row("capture.camera_fps")
    assert not made.reset_button.isVisible()
    assert isinstance(made.control, Number)
    made.control.spin.setValue(12)
    assert made.reset_button.isVisible()
    assert "10" in made.reset_button.toolTip()
    QTest.mouseClick(made.reset_button, LEFT)
    assert editor.model.is_default("capture.camera_fps")
    assert made.control.spin.value() == 10
    assert not made.reset_button.isVisible()


def test_a_number_steps_within_its_bounds_and_is_judged_when_typed_beyond(editor: EditorWindow, qtbot: QtBot) -> None:
    editor.show_group("capture")
    control = editor.form.row("capture.camera_fps").control
    assert isinstance(control, Number)
    for _ in range(100):
        control.spin.stepBy(1)
    assert editor.model.value("capture.camera_fps") == 30.0
    settled(editor, qtbot, lambda: control.spin.setValue(31))
    assert "capture.camera_fps" in editor.findings.problems


def test_a_duration_can_be_taken_away_again(editor: EditorWindow, qtbot: QtBot) -> None:
    editor.show_group("exam")
    control = editor.form.row("exam.duration_min").control
    assert isinstance(control, Number)
    assert control.none.isChecked()
    QTest.mouseClick(control.none, LEFT)
    assert editor.model.value("exam.duration_min") == 60
    QTest.mouseClick(control.none, LEFT)
    assert editor.model.is_default("exam.duration_min")


def test_every_control_shows_what_the_policy_says_and_changes_nothing_by_showing_it(
    editor: EditorWindow, qtbot: QtBot
) -> None:
    values: dict[str, Json] = {
        "exam.duration_min": 90, "exam.instructions": "One.\nTwo.", "browser.allow": ["a.example.org", "b.example.org"],
        "detection.sensitivity": "high", "detection.rules": {"5101": {"dwell_s": 3.0}}, "score.weights": {"5001": 2.5},
        "capture.segment_s": 7.5, "lockdown.kiosk": False, "privacy.retention_days": 99999,
    }  # fmt: skip
    document = {**small_policy()}
    for path, value in values.items():
        group, _, name = path.partition(".")
        inner = document.setdefault(group, {})
        assert isinstance(inner, dict)
        inner[name] = value
    settled(editor, qtbot, lambda: editor.show_document(dict(document)))
    for shown_group in editor.model.groups:
        editor.show_group(shown_group.name)
    assert editor.model.document() == document
    assert editor.history.clean
    days = editor.form.row("privacy.retention_days").control
    assert isinstance(days, Number)
    assert days.spin.value() == 99999  # out of bounds, and shown as it is


def test_the_wheel_over_the_form_changes_nothing(editor: EditorWindow, qtbot: QtBot) -> None:
    editor.show_group("detection")
    box = editor.form.row("detection.sensitivity").control.focus
    assert isinstance(box, QComboBox)
    before = box.currentIndex()
    subprocess.run(["xdotool", "mousemove", *map(str, box.mapToGlobal(box.rect().center()).toTuple())], check=True)
    scroll = editor.form.verticalScrollBar()
    subprocess.run(["xdotool", "click", "5"], check=True, timeout=10)
    qtbot.waitUntil(lambda: scroll.value() > 0)
    assert box.currentIndex() == before


def test_rule_defaults_follow_the_sensitivity(editor: EditorWindow, qtbot: QtBot) -> None:
    editor.show_group("detection")
    table = editor.form.row("detection.rules").control
    assert isinstance(table, Table)
    row = table.model.codes.index(5101)
    dwell = table.model.index(row, 2)
    assert table.model.data(dwell) == "2"
    set_value(editor, qtbot, "detection.sensitivity", "high")
    assert table.model.data(dwell) == "1.2"


def test_a_secret_is_shown_only_when_asked_for(editor: EditorWindow) -> None:
    editor.show_group("upload")
    token = line_of(editor, "upload.token")
    assert token.echoMode() is QLineEdit.EchoMode.Password
    reveal = next(b for b in editor.form.row("upload.token").control.findChildren(Button) if b.isCheckable())
    QTest.mouseClick(reveal, LEFT)
    assert token.echoMode() is QLineEdit.EchoMode.Normal


def test_notes_lead_to_what_the_client_does_not_do_yet(editor: EditorWindow, qtbot: QtBot) -> None:
    set_value(editor, qtbot, "upload.path_prefix", "exams/2026")
    if editor.findings.notes:  # until the client learns it
        QTest.mouseClick(editor.notes_button, LEFT)
        assert editor.form.shown == ["upload.path_prefix"]
        assert editor.form.row("upload.path_prefix").note.isVisible()
        assert not editor.findings.problems


# ---- presets


def test_a_preset_shows_what_it_would_change_and_is_one_step(editor: EditorWindow, qtbot: QtBot) -> None:
    set_value(editor, qtbot, "exam.title", "Kept")
    editor.show_presets()
    dialog = shown(editor, PresetDialog, qtbot)
    assert not dialog.apply_button.isEnabled()
    dialog.presets["practice"].setChecked(True)
    dialog.accommodations["extra-time"].setChecked(True)
    dialog.percent.setValue(50)
    listed = words_of(dialog).split("\n")
    assert {"Quit at any time", "Extra time in percent", "50 %"} <= set(listed)
    assert dialog.table.rowCount() == len(dialog.values)
    assert editor.model.value("lockdown.quit_always") is False
    QTest.mouseClick(dialog.apply_button, LEFT)
    assert editor.model.value("lockdown.quit_always") is True
    assert editor.model.value("accessibility.extra_time_percent") == 50.0
    assert editor.model.value("exam.title") == "Kept"
    editor.undo()
    assert editor.model.value("lockdown.quit_always") is False
    assert editor.model.value("exam.title") == "Kept"


# ---- files


def test_a_policy_is_opened_changed_and_saved_small(
    editor: EditorWindow, qtbot: QtBot, press: Press, tmp_path: Path
) -> None:
    path = tmp_path / "algebra.json"
    path.write_text(json.dumps(small_policy(capture__camera_fps=10.0)))
    with qtbot.waitSignal(editor.checked):
        editor.files.open_argument(str(path))
    assert "algebra.json" in editor.windowTitle()
    set_value(editor, qtbot, "evidence.keep_after_upload", True)
    assert editor.isWindowModified()
    press("ctrl+s")
    qtbot.waitUntil(lambda: not editor.isWindowModified())
    assert json.loads(path.read_text()) == small_policy(evidence__keep_after_upload=True)


def test_what_a_file_holds_that_is_unknown_is_named(editor: EditorWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({**small_policy(), "capture": {"zoom": 3}}))
    with qtbot.waitSignal(editor.checked):
        editor.files.open_argument(str(path))
    assert editor.banner.isVisible()
    assert "capture.zoom is not a known field" in editor.banner.words.text()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"exam": ' + b"[" * 100_000])
def test_a_file_that_is_no_policy_is_refused_in_a_sentence(
    editor: EditorWindow, qtbot: QtBot, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    editor.files.open_argument(str(path))
    dialog = shown(editor, EditorDialog, qtbot)
    assert dialog.lead.text().endswith(".")
    assert "Traceback" not in dialog.lead.text()
    assert editor.model.value("exam.id") == "algebra-1"
    dialog.close()


def key_text() -> str:
    return issue(
        small_policy(evidence__keep_after_upload=True), ISSUER, now=NOW, not_before=NOW, expires=NOW + timedelta(hours=1), serial=1,
        min_client="0.1.0",
    )  # fmt: skip


def test_a_keys_policy_is_taken_and_said_to_be_unverified(editor: EditorWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "exam.invigil"
    path.write_text(key_text())
    with qtbot.waitSignal(editor.checked):
        editor.files.open_argument(str(path))
    assert editor.model.value("evidence.keep_after_upload") is True
    assert "not verified" in editor.banner.words.text()
    assert editor.files.path is None  # saving asks for a name, and never writes over the key


def test_a_protected_key_asks_for_its_password_until_it_is_right(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "locked.invigil"
    editor.desk.sign(order(issuer, out, key_password="eight chars"))
    editor.files.open_argument(str(out))
    first = shown(editor, PasswordDialog, qtbot)
    assert "type its password" in first.lead.text()
    assert not first.open_button.isEnabled()
    first.field.setText("not this one")
    first.open_button.click()
    qtbot.waitUntil(lambda: any("wrong" in one.lead.text() for one in editor.findChildren(PasswordDialog)))
    again = shown(editor, PasswordDialog, qtbot)
    again.field.setText("eight chars")
    editor.show_document({})
    with qtbot.waitSignal(editor.checked):
        again.open_button.click()
    qtbot.waitUntil(lambda: editor.model.value("exam.id") == "algebra-1")


def order(
    issuer: Path,
    out: Path,
    *,
    document: dict[str, Json] | None = None,
    audience: AudienceKind = "candidate",
    key_password: str = "",
) -> SignOrder:
    whole = small_policy() if document is None else document
    return SignOrder(whole, issuer, PASSWORD, NOW, 24.0, 7, audience, key_password, out)


def test_closing_with_changes_asks_and_goes_back_by_escape(
    editor: EditorWindow, qtbot: QtBot, press: Press, tmp_path: Path
) -> None:
    editor.files.path = tmp_path / "kept.json"
    set_value(editor, qtbot, "exam.title", "New")
    editor.close()
    assert editor.isVisible()
    shown(editor, EditorDialog, qtbot)
    press("Escape")
    qtbot.waitUntil(lambda: not editor.findChildren(EditorDialog))
    assert editor.isVisible()
    editor.close()
    shown(editor, EditorDialog, qtbot)
    with qtbot.waitSignal(editor.closed):
        press("Return")  # saves, then closes
    assert json.loads((tmp_path / "kept.json").read_text())["exam"]["title"] == "New"


def test_changes_can_be_dropped(editor: EditorWindow, qtbot: QtBot, press: Press) -> None:
    set_value(editor, qtbot, "exam.title", "New")
    editor.close()
    shown(editor, EditorDialog, qtbot)
    with qtbot.waitSignal(editor.closed):
        press("alt+d")


# ---- import and compare


def words_of(dialog: QDialog) -> str:
    return "\n".join(
        item.text()
        for table in dialog.findChildren(DataTable)
        for at in range(table.rowCount())
        for column in range(table.columnCount())
        if (item := table.item(at, column)) is not None
    )


def test_a_vendors_settings_are_shown_with_what_became_of_them_before_they_are_taken_over(
    editor: EditorWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "exam.json"
    settings = {"webcam": False, "aiDetection": {"enabled": False, "sensitivity": "high"}, "moonPhase": "full"}
    path.write_text(json.dumps({"title": "Imported", "settings": settings}))
    editor.files.import_settings("proctorai", path)
    dialog = shown(editor, ImportDialog, qtbot)
    words = words_of(dialog)
    assert "capture.camera" in words
    assert "moonPhase" in words
    assert editor.model.value("capture.camera") is True
    settled(editor, qtbot, lambda: dialog.take_button.click())
    assert (editor.model.value("exam.title"), editor.model.value("capture.camera")) == ("Imported", False)
    settled(editor, qtbot, editor.undo)
    assert editor.model.document() == small_policy()


def test_a_seb_file_is_imported(editor: EditorWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "exam.seb"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>'
        "<key>startURL</key><string>https://seb.example.org/quiz</string></dict></plist>"
    )
    editor.files.import_settings("seb", path)
    dialog = shown(editor, ImportDialog, qtbot)
    dialog.take_button.click()
    assert editor.model.value("exam.start_url") == "https://seb.example.org/quiz"


def test_a_comparison_lists_what_differs_and_what_a_running_exam_takes_over(
    editor: EditorWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "exam.invigil"
    path.write_text(key_text())
    set_value(editor, qtbot, "exam.message", "Ten minutes more.")
    set_value(editor, qtbot, "upload.token", "an0ther")
    editor.files.compare_with(str(path))
    words = words_of(shown(editor, CompareDialog, qtbot))
    assert "Ten minutes more." in words
    assert "Taken over" in words
    assert "Can't change while the exam runs" in words
    assert "t0ken" not in words
    assert "an0ther" not in words


# ---- signing


def open_sign(editor: EditorWindow, qtbot: QtBot, issuer: Path, out: Path, password: str = PASSWORD) -> SignDialog:
    editor.show_sign()
    dialog = shown(editor, SignDialog, qtbot)
    dialog.issuer.line.setText(str(issuer))
    dialog.password.setText(password)
    dialog.out.line.setText(str(out))
    return dialog


def test_a_signed_key_is_shown_with_its_facts_link_and_a_qr_code_that_can_be_read(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "exam.invigil"
    dialog = open_sign(editor, qtbot, issuer, out)
    with qtbot.waitSignal(dialog.signed):
        dialog.sign()
    text = out.read_text().strip()
    assert verified(text).audience.candidate == "s1234"
    page = dialog.findChild(ResultPage)
    assert page is not None
    page.copy_button.click()
    assert QApplication.clipboard().text() == LINK + text
    assert read_codes(dialog.grab().toImage()) == [LINK + text]
    page.save_qr(str(tmp_path / "code.png"))
    assert read_codes(QImage(str(tmp_path / "code.png"))) == [LINK + text]
    assert dialog.password.text() == ""


def read_codes(image: QImage) -> list[str]:
    """QR codes alone: among the dots of a large one a reader may see the bars of another kind."""
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    import numpy as np

    pixels = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())[:, : grey.width()]
    return [code.text for code in zxingcpp.read_barcodes(np.ascontiguousarray(pixels), formats=QR)]


def test_a_wrong_password_writes_nothing_and_five_bring_a_wait(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path, clock: Clock
) -> None:
    out = tmp_path / "exam.invigil"
    dialog = open_sign(editor, qtbot, issuer, out)
    for _ in range(5):
        dialog.password.setText("wrong horse")
        dialog.sign()
        qtbot.waitUntil(dialog.sign_button.isEnabled)
        assert "the password is wrong" in dialog.message.words.text()
        assert dialog.password.text() == ""
    dialog.password.setText(PASSWORD)
    dialog.sign()
    qtbot.waitUntil(dialog.sign_button.isEnabled)
    assert "wait" in dialog.message.words.text()
    assert not out.exists()
    clock.now += timedelta(minutes=2)
    dialog.password.setText(PASSWORD)
    with qtbot.waitSignal(dialog.signed):
        dialog.sign()
    assert out.exists()


def test_a_key_for_everybody_carries_no_candidate(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path
) -> None:
    dialog = open_sign(editor, qtbot, issuer, tmp_path / "all.invigil")
    dialog.audience.setCurrentIndex(dialog.audience.findData("exam"))
    with qtbot.waitSignal(dialog.signed):
        dialog.sign()
    key = verified((tmp_path / "all.invigil").read_text())
    assert (key.policy.candidate.id, key.policy.candidate.name) == ("", "")
    assert key.audience.to_json() == {"exam": "algebra-1"}


def test_a_key_for_a_group_keeps_the_group(editor: EditorWindow, issuer: Path, tmp_path: Path) -> None:
    out = tmp_path / "group.invigil"
    document = small_policy(candidate__group="A")
    signed = editor.desk.sign(order(issuer, out, document=document, audience="group"))
    key = verified(out.read_text())
    assert (key.policy.candidate.group, key.policy.candidate.id, key.audience.group) == ("A", "", "A")
    assert "group A" in signed.audience


def test_a_key_can_have_a_password_of_its_own_typed_twice(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "locked.invigil"
    dialog = open_sign(editor, qtbot, issuer, out)
    dialog.key_password.setText("eight chars")
    dialog.key_password_again.setText("eight charts")
    dialog.sign()
    assert "not the same" in dialog.message.words.text()
    assert not out.exists()
    dialog.key_password_again.setText("eight chars")
    with qtbot.waitSignal(dialog.signed):
        dialog.sign()
    text = out.read_text().strip()
    assert is_protected(text)
    assert verified(unprotect(text, "eight chars")).serial > 0


def test_a_file_that_exists_is_never_written_over(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "exam.invigil"
    out.write_text("mine")
    dialog = open_sign(editor, qtbot, issuer, out)
    dialog.sign()
    qtbot.waitUntil(dialog.sign_button.isEnabled)
    assert "exists already" in dialog.message.words.text()
    assert out.read_text() == "mine"


@pytest.mark.parametrize("serial", ["", "-1", "1.5", "٣", "9" * 30])
def test_a_serial_number_that_is_none_is_refused(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path, serial: str
) -> None:
    dialog = open_sign(editor, qtbot, issuer, tmp_path / "exam.invigil")
    dialog.serial.setText(serial)
    dialog.sign()
    assert "serial number" in dialog.message.words.text()


def test_a_key_too_large_for_a_qr_code_says_what_to_do(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path
) -> None:
    set_value(editor, qtbot, "lockdown.denied_processes", [f"program-number-{n}" for n in range(300)])
    dialog = open_sign(editor, qtbot, issuer, tmp_path / "large.invigil")
    with qtbot.waitSignal(dialog.signed):
        dialog.sign()
    page = dialog.findChild(ResultPage)
    assert page is not None
    assert not page.save_button.isVisible()
    assert "invigil key push" in "\n".join(each.text() for each in page.findChildren(QLabel))


def test_a_policy_with_problems_is_not_signed_but_led_to_them(editor: EditorWindow, qtbot: QtBot) -> None:
    set_value(editor, qtbot, "exam.title", "")
    editor.show_group("live")
    editor.show_sign()
    assert editor.findChildren(SignDialog) == []
    assert line_of(editor, "exam.title").hasFocus()
    assert "can't be signed yet" in editor.banner.words.text()


def test_a_dialog_that_is_signing_can_not_be_closed(
    editor: EditorWindow, qtbot: QtBot, issuer: Path, tmp_path: Path
) -> None:
    dialog = open_sign(editor, qtbot, issuer, tmp_path / "exam.invigil")
    with qtbot.waitSignal(dialog.signed):
        dialog.sign()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        dialog.close()
        assert dialog.isVisible()


# ---- the UI thread


def test_checking_opening_and_signing_happen_beside_the_ui_thread(
    editor: EditorWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    threads: list[str] = []
    original = EditorDesk.open

    def noting(self: EditorDesk, argument: str, password: str = "") -> Opened:
        threads.append(threading.current_thread().name)
        return original(self, argument, password)

    monkeypatch.setattr(EditorDesk, "open", noting)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(small_policy()))
    with qtbot.waitSignal(editor.checked):
        editor.files.open_argument(str(path))
    assert threads
    assert all(name.startswith("editor") for name in threads)


def test_the_window_takes_a_change_of_theme(editor: EditorWindow, qapp: QApplication) -> None:
    before = editor.grab().toImage().pixelColor(500, 300)
    apply_theme(qapp, "dark", 1.0)
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
    after = editor.grab().toImage().pixelColor(500, 300)
    assert before.lightness() > 200 > after.lightness()
    apply_theme(qapp, "light", 1.0)


def test_yes_and_no_are_said_to_screen_readers_with_their_setting(editor: EditorWindow) -> None:
    editor.show_group("capture")
    control = editor.form.row("capture.camera").control
    assert isinstance(control, YesNo)
    assert control.box.accessibleName() == "Camera"
    assert "watched and recorded" in control.box.accessibleDescription()
