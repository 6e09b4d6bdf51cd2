"""Wayland's wire format: what is sent, and what is read from what is received."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.wayland_wire import DISPLAY, Event, Events, Global, Registry, request

NUMBERS = st.integers(0, 2**32 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


def test_a_request_is_a_header_and_words_and_texts_padded_to_words() -> None:
    assert request(3, 2, 7, "ab") == struct.pack("=IHHIII", 3, 2, 20, 7, 3, 0)[:16] + b"ab\0\0"


@given(st.lists(st.tuples(NUMBERS, TEXTS), max_size=4), st.integers(1, 9))
def test_events_are_read_whole_however_they_are_cut(sent: list[tuple[int, str]], piece: int) -> None:
    data = b"".join(request(5, 1, number, text) for number, text in sent)
    events, found = Events(), []
    for at in range(0, len(data), piece):
        found += list(events.feed(data[at : at + piece]))
    assert [event.fields("us") for event in found] == sent
    assert {(event.sender, event.number) for event in found} <= {(5, 1)}


def test_signed_numbers_are_read_as_such() -> None:
    (event,) = Events().feed(request(5, 0, -3))
    assert event.fields("i") == (-3,)
    assert event.number_at(0) == 2**32 - 3


@pytest.mark.parametrize("word", [4 << 16, 10 << 16], ids=["too short", "no whole words"])
def test_what_is_no_event_is_refused(word: int) -> None:
    with pytest.raises(BadInput, match="no event"):
        list(Events().feed(struct.pack("=II", 1, word)))


@pytest.mark.parametrize(
    ("body", "shape"),
    [(b"", "u"), (b"\0\0\0\0", "s"), (struct.pack("=I", 9) + b"abcd", "s")],
    ids=["no number", "no text", "cut text"],
)
def test_an_event_that_lacks_its_arguments_is_refused(body: bytes, shape: str) -> None:
    with pytest.raises(BadInput, match="shorter"):
        Event(1, 0, body).fields(shape)


def test_a_number_that_an_event_lacks_is_refused() -> None:
    with pytest.raises(BadInput, match="shorter"):
        Event(1, 0, b"").number_at(0)


def offered(name: int, interface: str, version: int) -> Event:
    (event,) = Events().feed(request(DISPLAY + 1, 0, name, interface, version))
    return event


def test_the_registry_follows_what_is_offered() -> None:
    registry = Registry()
    assert registry.take(offered(4, "wl_output", 3))
    assert registry.take(offered(6, "wl_output", 4))
    assert registry.take(offered(5, "wl_shm", 1))
    assert registry.all_of("wl_output") == (Global(4, "wl_output", 3), Global(6, "wl_output", 4))
    (gone,) = Events().feed(request(DISPLAY + 1, 1, 4))
    assert registry.take(gone)
    assert registry.all_of("wl_output") == (Global(6, "wl_output", 4),)


def test_events_of_others_and_unknown_ones_change_nothing() -> None:
    registry = Registry()
    assert not registry.take(Event(9, 0, b""))
    assert registry.take(Event(DISPLAY + 1, 7, b""))
    assert not registry.take(Event(DISPLAY, 1, struct.pack("=I", 3)))
    assert registry.offered == {}


def test_each_object_of_ours_has_a_number_of_its_own() -> None:
    registry = Registry()
    callback, words = registry.sync()
    made, bound = registry.bind(Global(4, "wl_shm", 1), 1)
    assert len({DISPLAY, DISPLAY + 1, callback, made, registry.new_id()}) == 5
    assert words == request(DISPLAY, 0, callback)
    assert bound == request(DISPLAY + 1, 0, 4, "wl_shm", 1, made)
    assert registry.hello() == request(DISPLAY, 1, DISPLAY + 1)


def test_an_error_of_ours_is_said_in_the_compositors_words() -> None:
    (event,) = Events().feed(request(DISPLAY, 0, 3, 1, "invalid object"))
    with pytest.raises(BadInput, match="invalid object"):
        Registry().take(event)
