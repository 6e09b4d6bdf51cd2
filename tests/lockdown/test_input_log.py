"""What a hook swallowed reaches the watcher once."""

from __future__ import annotations

from app.core.key_combinations import KeyPress
from app.lockdown.input_log import InputLog

ALT_TAB = KeyPress("Tab", alt=True)


def test_what_was_swallowed_is_read_once_and_in_order() -> None:
    log = InputLog()
    log.blocked(ALT_TAB)
    log.blocked(KeyPress("PrintScreen"))
    assert log.take() == ((ALT_TAB, KeyPress("PrintScreen")), {})
    assert log.take() == ((), {})


def test_injected_input_is_counted_by_its_source() -> None:
    log = InputLog()
    for source in ("keys", "clicks", "keys"):
        log.injected(source)
    assert log.take() == ((), {"keys": 2, "clicks": 1})


def test_a_flood_of_presses_costs_the_oldest() -> None:
    log = InputLog()
    for number in range(1000):
        log.blocked(KeyPress(str(number)))
    presses, _ = log.take()
    assert [press.key for press in presses] == [str(number) for number in range(744, 1000)]


def test_the_reader_is_woken_by_each_entry_until_it_stops_listening() -> None:
    log, rung = InputLog(), []
    log.listen(lambda: rung.append(1))
    log.blocked(ALT_TAB)
    log.injected("keys")
    log.listen(None)
    log.blocked(ALT_TAB)
    assert len(rung) == 2
