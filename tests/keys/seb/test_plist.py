"""Property lists: read as Safe Exam Browser writes them, and nothing else."""

from __future__ import annotations

import plistlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.keys.seb.plist import Value, parse_plist
from tests.fakes.seb_files import HEAD, plist

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))
LEAVES: st.SearchStrategy[Value] = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


def _for_plistlib(value: Value) -> Any:
    """plistlib writes dates without a time zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, list):
        return [_for_plistlib(item) for item in value]
    return {key: _for_plistlib(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(st.dictionaries(TEXTS, VALUES))
def test_whatever_pythons_own_library_writes_is_read_as_it_was(settings: dict[str, Value]) -> None:
    assert parse_plist(plistlib.dumps(_for_plistlib(settings))) == settings


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<string/>", ""),
        ("<string></string>", ""),
        ("<string> two\r\nlines\t </string>", " two\nlines\t "),
        ("<string><![CDATA[a<b>&amp;]]></string>", "a<b>&amp;"),
        ("<string>&lt;&gt;&amp;&quot;&apos;&#65;&#x20AC;</string>", "<>&\"'A€"),
        ("<string>a<!-- said by nobody -->b<?skip it?>c</string>", "abc"),
        ('<string lang="en">a</string>', "a"),
        ("<integer> +007\n</integer>", 7),
        ("<integer>-9223372036854775808</integer>", -(2**63)),
        ("<integer>18446744073709551615</integer>", 2**64 - 1),
        ("<integer>0xfF</integer>", 255),
        ("<real>1</real>", 1.0),
        ("<real>-.5e-3</real>", -0.0005),
        ("<true />", True),
        ("<false></false>", False),
        ("<data>\n\tAAEC\n\tAw==\n</data>", b"\0\1\2\3"),
        ("<data/>", b""),
        ("<date>2026-12-01T09:00:00Z</date>", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("<date>2026-12-01T09:00:00.75+01:00</date>", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("<array><dict/><array/></array>", [{}, []]),
    ],
)
def test_each_element_has_its_value(xml: str, value: Value) -> None:
    found = parse_plist(plist(f"<key>a</key>{xml}"))["a"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ("<key>a</key>", "no value"),
        ("<key>a</key><key>b</key><true/>", "take turns"),
        ("<true/>", "take turns"),
        ("<key>a</key><true/><key>a</key><true/>", "'a' is there twice"),
        ("<key>a</key><array><key>b</key></array>", "not in a dictionary"),
        ("<key>a</key><null/>", "<null> is not an element"),
        ("<key>a</key><string>x<true/></string>", "another element inside"),
        ("<key>a</key><true>yes</true>", "has text inside"),
        ("text", "text between the elements"),
        ("<key>a</key><integer>1.5</integer>", "not a whole number"),
        ("<key>a</key><integer></integer>", "not a whole number"),
        ("<key>a</key><integer>1_000</integer>", "not a whole number"),
        ("<key>a</key><integer>\u0663</integer>", "not a whole number"),
        ("<key>a</key><integer>18446744073709551616</integer>", "64 bits"),
        (f"<key>a</key><integer>{'9' * 100_000}</integer>", "not a whole number"),
        ("<key>a</key><real>nan</real>", "not a number"),
        ("<key>a</key><real>1e999</real>", "too large"),
        (f"<key>a</key><real>1e{'9' * 100_000}</real>", "not a number"),
        ("<key>a</key><date>yesterday</date>", "not a date"),
        ("<key>a</key><date>2026-02-30T09:00:00Z</date>", "not a date"),
        ("<key>a</key><date>0001-01-01T00:00:00+09:00</date>", "not a date"),
        ("<key>a</key><data>AAE</data>", "not Base64"),
        ("<key>a</key><data>AA*=</data>", "not Base64"),
        ("<key>a</key><string>&undefined;</string>", "an entity"),
        ("<key>a</key><string>\x01</string>", "not well-formed"),
        ("<key>a</key><string>", "mismatched tag"),
    ],
)
def test_what_is_wrong_inside_is_said_with_its_line(inner: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        parse_plist(plist(inner))
    assert "(line 4)" in str(refused.value)


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (b"<dict/>", "no property list"),
        (b"<plist></plist>", "no dictionary"),
        (b"<plist><array/></plist>", "one dictionary"),
        (b"<plist><dict/><dict/></plist>", "one dictionary"),
        (b"<html><body>Please log in</body></html>", "no property list"),
        (b"<plist><dict/>", "no element found|unclosed"),
        (b"<plist><dict/></plist>garbage", "junk after document element"),
        (b'<?xml version="1.0" encoding="UTF-16"?><plist><dict/></plist>', "UTF-8"),
        (b"<plist><dict><key>\xff</key><true/></dict></plist>", "not well-formed"),
        (b"<plist><dict><key>\xc3\x28</key><true/></dict></plist>", "not well-formed"),
        (b"<!DOCTYPE plist [<!ELEMENT plist ANY>]><plist><dict/></plist>", "DOCTYPE"),
        (b'<!DOCTYPE p [<!ENTITY a "aaa">]><plist><dict><key>&a;</key><true/></dict></plist>', "DOCTYPE"),
        (b'<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]><plist><dict/></plist>', "DOCTYPE"),
        (b'<!DOCTYPE p [<!ENTITY % a SYSTEM "http://example.org/"> %a;]><plist><dict/></plist>', "DOCTYPE"),
    ],
)
def test_what_is_no_property_list_is_refused(xml: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse_plist(xml)


def test_depth_and_number_of_elements_are_bounded() -> None:
    deep = "<array>" * 62 + "</array>" * 62
    assert parse_plist(plist(f"<key>a</key>{deep}"))
    with pytest.raises(BadInput, match="nested more than 64 deep"):
        parse_plist(plist(f"<key>a</key><array>{deep}</array>"))
    with pytest.raises(BadInput, match="more than 200000 elements"):
        parse_plist(plist(f"<key>a</key><array>{'<true/>' * 200_000}</array>"))


def test_messages_do_not_tell_values() -> None:
    with pytest.raises(BadInput) as refused:
        parse_plist(f"{HEAD}<dict><key>a</key><integer>hunter2</integer></dict></plist>".encode())
    assert "hunter2" not in str(refused.value)
