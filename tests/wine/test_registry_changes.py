"""What an exam writes into the registry, and that it is as it was afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.ports import LockdownOperation
from app.core.types import Json
from app.lockdown.journal import Owner, RestoreJournal
from app.lockdown.sequence import perform_all, revert_all
from app.lockdown.win32 import advapi32, user32
from app.lockdown.windows.autostart import RUN, AutostartEntry
from app.lockdown.windows.awake import KeepAwake
from app.lockdown.windows.clipboard_emptied import SERVICES, ClipboardEmptied
from app.lockdown.windows.registry import Place, Registry, Root
from app.lockdown.windows.system_keys import OFF, POLICIES, SessionHotKeys, SystemKeys, may_set_policies
from tests.wine.helpers import OtherProgram

COMMAND = (
    r"C:\Program Files\Invigil\invigil.exe",
    "lockdown",
    "restore",
    "--quiet",
    "--journal",
    r"C:\a b\restore.jsonl",
)
SCRATCH = Place(Root.USER, r"Software\Example University\Tests", "value")


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    for place in (*POLICIES.values(), *SERVICES.values(), SCRATCH):
        made.delete(place)
        made.delete_empty_key(place)


@pytest.fixture
def system_keys(registry: Registry) -> SystemKeys:
    return SystemKeys(registry, SessionHotKeys())


def policies(registry: Registry) -> dict[str, int | None]:
    return {name: registry.number(place) for name, place in POLICIES.items()}


def test_numbers_and_texts_are_read_as_they_were_written(registry: Registry) -> None:
    registry.set_number(SCRATCH, 0xFFFFFFFF)
    assert (registry.number(SCRATCH), registry.text(SCRATCH)) == (0xFFFFFFFF, None)
    registry.set_text(SCRATCH, "a text, even with an umlaut: ü")
    assert (registry.number(SCRATCH), registry.text(SCRATCH)) == (None, "a text, even with an umlaut: ü")
    registry.delete(SCRATCH)
    registry.delete(SCRATCH)
    assert not registry.exists(SCRATCH)


def test_a_key_goes_only_when_nothing_is_left_in_it(registry: Registry) -> None:
    registry.set_number(SCRATCH, 1)
    registry.delete_empty_key(SCRATCH)
    assert registry.has_key(SCRATCH)
    registry.delete(SCRATCH)
    registry.delete_empty_key(SCRATCH)
    assert not registry.has_key(SCRATCH)


def test_asking_for_the_right_to_write_changes_nothing(registry: Registry) -> None:
    assert registry.may_write(SCRATCH)
    assert not registry.has_key(SCRATCH)


def test_what_windows_refuses_is_a_sentence_with_the_value(registry: Registry) -> None:
    impossible = Place(Root.USER, "x" * 300, "value")
    with pytest.raises(LockdownError, match=r"HKEY_CURRENT_USER\\x+\\value can't be read or changed"):
        registry.set_number(impossible, 1)


def test_what_ctrl_alt_del_offers_is_off_during_the_exam_and_as_it_was_after(
    registry: Registry, system_keys: SystemKeys
) -> None:
    assert may_set_policies(registry)
    registry.set_number(POLICIES["lock"], 0)
    before = system_keys.before()
    system_keys.perform()
    assert policies(registry) == dict.fromkeys(POLICIES, OFF)
    for _ in range(2):
        system_keys.revert(before)
        assert policies(registry) == dict.fromkeys(POLICIES, None) | {"lock": 0}
    assert not registry.has_key(POLICIES["sign_out"])


def test_what_an_institution_has_set_stays_set(registry: Registry, system_keys: SystemKeys) -> None:
    registry.set_number(POLICIES["task_manager"], 1)
    before = system_keys.before()
    system_keys.perform()
    system_keys.revert(before)
    assert registry.number(POLICIES["task_manager"]) == 1


def test_a_value_of_another_type_is_left_alone(registry: Registry, system_keys: SystemKeys) -> None:
    registry.set_text(POLICIES["task_manager"], "set by hand")
    before = system_keys.before()
    system_keys.perform()
    assert registry.text(POLICIES["task_manager"]) == "set by hand"
    system_keys.revert(before)
    assert registry.text(POLICIES["task_manager"]) == "set by hand"


def test_hot_keys_that_this_windows_does_not_keep_are_left_alone(system_keys: SystemKeys) -> None:
    """Wine 8 tells the flags, all 0, and can't set them; what Windows is asked for is in the tests of the operation."""
    assert [SessionHotKeys().flags(feature) for feature in ("sticky_keys", "toggle_keys", "filter_keys")] == [0, 0, 0]
    assert system_keys.before()["hot_keys"] == []


def test_the_clipboard_is_emptied_and_its_history_off_until_the_end(registry: Registry) -> None:
    registry.set_number(SERVICES["history"], 1)
    registry.set_number(SERVICES["cloud"], 0)
    operation = ClipboardEmptied(registry)
    with OtherProgram() as other:
        other.ask("copy")
        assert user32.clipboard_formats() > 0
        before = operation.before()
        operation.perform()
        assert user32.clipboard_formats() == 0
        assert [registry.number(place) for place in SERVICES.values()] == [0, 0]
        other.ask("copy")
        operation.revert(before)
        assert user32.clipboard_formats() == 0
    assert [registry.number(place) for place in SERVICES.values()] == [1, 0]


def test_the_screen_saver_is_off_until_the_end_and_then_as_it_was() -> None:
    def is_on() -> Json:
        return KeepAwake().before()["screen_saver"]

    for before in (True, False):
        user32.system_parameter(user32.SPI_SETSCREENSAVEACTIVE, int(before))
        operation = KeepAwake()
        state = operation.before()
        operation.perform()
        assert is_on() is False
        operation.revert(state)
        operation.revert(state)
        assert is_on() is before


def test_the_start_entry_gives_the_machine_back_at_the_next_login(registry: Registry) -> None:
    entry = AutostartEntry(registry, COMMAND)
    before = entry.before()
    assert entry.check() is None
    entry.perform()
    place = Place(Root.USER, RUN, str(before["value"]))
    assert registry.text(place) == (
        r'"C:\Program Files\Invigil\invigil.exe" lockdown restore --quiet --journal "C:\a b\restore.jsonl"'
    )
    AutostartEntry(Registry(), ()).revert(before)
    assert not registry.exists(place)
    assert registry.has_key(place)


def test_the_journal_alone_gives_everything_back_after_the_power_went(registry: Registry, tmp_path: Path) -> None:
    made: list[LockdownOperation] = [
        AutostartEntry(registry, COMMAND),
        ClipboardEmptied(registry),
        SystemKeys(registry, SessionHotKeys()),
    ]
    registry.set_number(SERVICES["history"], 1)
    perform_all(made, RestoreJournal(tmp_path / "journal", owner=lambda: Owner(1, 0.0)))
    assert policies(registry) == dict.fromkeys(POLICIES, OFF)
    anew: list[LockdownOperation] = [
        AutostartEntry(registry, ()),
        ClipboardEmptied(registry),
        SystemKeys(registry, SessionHotKeys()),
    ]
    assert revert_all(RestoreJournal(tmp_path / "journal"), {each.name: each for each in anew}) == []
    assert policies(registry) == dict.fromkeys(POLICIES, None)
    assert registry.number(SERVICES["history"]) == 1
    assert _values_of_run() == []


def _values_of_run() -> list[str]:
    """Whether Run holds anything: it is empty in a new Windows of Wine."""
    key = advapi32.open_key(Root.USER, RUN, advapi32.KEY_QUERY_VALUE)
    try:
        return [] if advapi32.is_empty(key) else ["something"]
    finally:
        advapi32.close_key(key)
