"""Parts of the key editor by themselves: what they show as it is, and what they write."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.codes import EVIDENCE
from app.core.policy import Response
from app.core.response_rules import unfit
from app.keys.qr import make_qr, qr_picture
from app.runtime.resources import resources_dir
from app.ui.editor.catalogue import catalogue
from app.ui.editor.desk import Signed
from app.ui.editor.dialogs import DataTable
from app.ui.editor.sign_dialog import ResultPage
from app.ui.editor.tables import Table, fitting_responses
from app.ui.icons import Icons
from app.ui.theme import apply_theme

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _theme(qapp: QApplication) -> None:
    apply_theme(qapp, "light", 1.0)


def tip_of(table: DataTable) -> str:
    """The tooltip as its source."""
    item = table.item(0, 0)
    assert item is not None
    return item.toolTip()


@pytest.mark.parametrize(
    "name", ["<b>Bold</b> <img src='file:///secret.png'> and some more words", "A & B " * 10 + "\nsecond <i>line</i>"]
)
def test_a_long_name_from_outside_is_never_mark_up_in_its_tooltip(qtbot: QtBot, name: str) -> None:
    table = DataTable("Names", ["Name"], [200])
    qtbot.addWidget(table)
    table.show_rows([[name]])
    shown = QTextDocument()
    shown.setHtml(tip_of(table))
    assert "<img" not in tip_of(table)
    assert [" ".join(line.split()) for line in shown.toPlainText().splitlines()] == [
        " ".join(line.split()) for line in name.splitlines()
    ]


def test_a_short_name_has_no_tooltip(qtbot: QtBot) -> None:
    table = DataTable("Names", ["Name"], [200])
    qtbot.addWidget(table)
    table.show_rows([["<b>Bold</b>"]])
    assert tip_of(table) == ""


@pytest.mark.parametrize("code", sorted(EVIDENCE))
def test_a_rule_is_offered_the_responses_that_a_policy_takes(code: int) -> None:
    offered = fitting_responses(code)
    assert set(offered) == {response for response in get_args(Response) if not unfit(code, response)}
    assert {"ignore", "record", "warn"} <= set(offered)


def responses(qtbot: QtBot) -> tuple[Table, QModelIndex]:
    """The rules' table and the cell of what follows 5007."""
    table = Table(next(s for group in catalogue() for s in group.settings if s.path == "detection.rules"))
    qtbot.addWidget(table)
    column = [column.name for column in table.model.columns].index("response") + 1
    return table, table.model.index(table.model.codes.index(5007), column)


def test_a_response_is_taken_by_its_word_and_nothing_else_is(qtbot: QtBot) -> None:
    table, cell = responses(qtbot)
    assert table.model.setData(cell, "End")
    assert table.model.rows == {"5007": {"response": "end"}}
    assert not table.model.setData(cell, "Close"), "there is nothing to close"
    assert not table.model.setData(cell, "5")
    assert table.model.rows == {"5007": {"response": "end"}}
    assert table.model.setData(cell, "")
    assert table.model.rows == {}


def test_a_response_out_of_a_file_that_does_not_fit_is_shown_as_it_is(qtbot: QtBot) -> None:
    table, cell = responses(qtbot)
    table.show_value({"5007": {"response": "close"}})
    assert cell.data() == "close"
    assert cell.data(Qt.ItemDataRole.AccessibleTextRole) == "multiple monitors, Response: close"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the folder's permissions hold")
def test_a_saved_picture_of_a_key_is_its_owners_alone(qtbot: QtBot, tmp_path: Path) -> None:
    code = make_qr("invigil://key/a.b.c")
    assert code is not None
    picture = qr_picture(code, "png", scale_px=4)
    signed = Signed(tmp_path / "exam.invigil", 5, "Example University", "everybody", NOW, NOW, "invigil://", picture)
    page = ResultPage(Icons(resources_dir() / "ui" / "icons"), signed)
    qtbot.addWidget(page)
    page.save_qr(str(tmp_path / "code.png"))
    assert (tmp_path / "code.png").read_bytes() == picture
    assert stat.S_IMODE((tmp_path / "code.png").stat().st_mode) == 0o600
