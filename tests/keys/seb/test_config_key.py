"""Safe Exam Browser's Config Key.

Each vector spells out the SEB-JSON text as it follows from the published rules (safeexambrowser.org, "Config Key";
numbered in docs/seb.md); the key is that text's SHA-256, calculated here without the program.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QCollator, QLocale

from app.keys.seb import config_key, read_settings, seb_json
from app.keys.seb.config_key import sort_key
from app.keys.seb.plist import Value
from tests.fakes.seb_files import plain_seb, plist

VECTORS = {
    "nothing at all": ("", "[]"),
    "only what does not count": (
        "<key>originatorVersion</key><string>SEB_Win_3.10</string><key>proxies</key><dict/>",
        "[]",
    ),
    "booleans and whole numbers": (
        "<key>c</key><integer>-42</integer><key>b</key><false/><key>a</key><true/><key>d</key><integer>0</integer>",
        '{"a":true,"b":false,"c":-42,"d":0}',
    ),
    "large whole numbers, and numbers as texts": (
        "<key>a</key><integer>18446744073709551615</integer><key>b</key><string>007</string><key>c</key><integer>007</integer>",
        '{"a":18446744073709551615,"b":"007","c":7}',
    ),
    "reals, to fifteen digits": (
        ("<key>a</key><real>0.10000000000000001</real><key>b</key><real>1.0</real><key>c</key><real>0.333333333333333333</real>"
        "<key>d</key><real>1.2345678901234567</real><key>e</key><real>100000000000000</real><key>f</key><real>-2.50</real>"),
        '{"a":0.1,"b":1,"c":0.333333333333333,"d":1.23456789012346,"e":100000000000000,"f":-2.5}',
    ),
    "both zeros, and reals with an exponent": (
        ("<key>a</key><real>-0.0</real><key>b</key><real>0</real><key>c</key><real>1e20</real><key>d</key><real>0.0001</real>"
        "<key>e</key><real>0.00001</real>"),
        '{"a":0,"b":0,"c":1e+20,"d":0.0001,"e":1e-05}',
    ),
    "data, in Base64 on one line": (
        f"<key>salt</key><data>\n\t{'AAEC' * 17}\n\t{'AwQF' * 17}\n\t</data><key>none</key><data></data>",
        f'{{"none":"","salt":"{"AAEC" * 17}{"AwQF" * 17}"}}',
    ),
    "dates, in UTC": (
        "<key>date</key><date>2026-12-01T09:00:00Z</date><key>old</key><date>0099-01-02T03:04:05Z</date>",
        '{"date":"2026-12-01T09:00:00+00:00","old":"0099-01-02T03:04:05+00:00"}',
    ),
    "texts without a text": ("<key>a</key><string/><key>b</key><string></string>", '{"a":"","b":""}'),
    "nothing is escaped": (
        "<key>rule</key><string>^https?:\\/\\/(a|b)\\.org/&quot;x&quot;\n\tend </string><key>q&quot;\\</key><string>/&lt;&amp;</string>",
        '{"q"\\":"/<&","rule":"^https?:\\/\\/(a|b)\\.org/"x"\n\tend "}',
    ),
    "all of Unicode as it is": (
        "<key>title</key><string>Prüfung “A” 考试 😀</string>",
        '{"title":"Prüfung “A” 考试 😀"}',
    ),
    "case counts last, lower before upper": (
        ("<key>allowWLAN</key><integer>2</integer><key>URLFilterEnable</key><true/><key>allowWlan</key><integer>1</integer>"
        "<key>allowedDisplaysMaxNumber</key><integer>3</integer><key>urlFilterRegex</key><true/><key>URLFilterRules</key><array/>"
        "<key>allowFlashFullscreen</key><false/>"),
        ('{"allowedDisplaysMaxNumber":3,"allowFlashFullscreen":false,"allowWlan":1,"allowWLAN":2,"URLFilterEnable":true,'
        '"urlFilterRegex":true,"URLFilterRules":[]}'),
    ),
    "punctuation, digits, letters": (
        ("<key>exitKeyA</key><true/><key>exitKey10</key><true/><key>exitKey_1</key><true/><key>exitKey-1</key><true/>"
        "<key>exitKey2</key><true/><key>exitKey</key><true/><key>exitKey1</key><true/>"),
        '{"exitKey":true,"exitKey_1":true,"exitKey-1":true,"exitKey1":true,"exitKey10":true,"exitKey2":true,"exitKeyA":true}',
    ),
    "dictionaries in arrays are sorted too": (
        ("<key>rules</key><array><dict><key>regex</key><false/><key>active</key><true/></dict>"
        "<array><dict><key>b</key><integer>2</integer><key>A</key><integer>1</integer></dict></array>"
        "<string>z</string><integer>1</integer></array>"),
        '{"rules":[{"active":true,"regex":false},[{"A":1,"b":2}],"z",1]}',
    ),
    "empty dictionaries go, empty arrays stay": (
        ("<key>a</key><dict/><key>b</key><array/><key>c</key><dict><key>d</key><dict><key>e</key><dict/></dict></dict>"
        "<key>f</key><dict><key>g</key><array/></dict><key>h</key><array><dict/><true/><array/></array>"),
        '{"b":[],"f":{"g":[]},"h":[true,[]]}',
    ),
    "originatorVersion goes at any depth": (
        ("<key>originatorVersion</key><string>1</string><key>a</key><dict><key>originatorVersion</key><string>2</string></dict>"
        "<key>b</key><array><dict><key>x</key><true/><key>originatorVersion</key><array/></dict>"
        "<dict><key>originatorVersion</key><true/></dict></array><key>originatorVersions</key><true/>"),
        '{"b":[{"x":true}],"originatorVersions":true}',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("inner", "text"), VECTORS.values(), ids=VECTORS)
def test_the_config_key_follows_the_published_rules(inner: str, text: str) -> None:
    settings = read_settings(plist(inner))
    assert seb_json(settings) == text
    assert config_key(settings) == hashlib.sha256(text.encode()).hexdigest()


def test_the_empty_configuration_has_the_key_that_learning_platforms_give_it() -> None:
    """It is Moodle's, in its tests of quizaccess_seb."""
    assert config_key({}) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def test_the_key_does_not_depend_on_how_the_file_is_packed_or_ordered() -> None:
    one = plist("<key>b</key><true/><key>a</key><dict><key>d</key><true/><key>c</key><true/></dict>")
    other = plist("<key>a</key>\n\n<dict><key>c</key><true/>  <key>d</key><true/></dict><key>b</key><true/>")
    assert config_key(read_settings(plain_seb(one))) == config_key(read_settings(other))


def test_the_documented_example_has_the_documented_text_and_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "seb.md").read_text(encoding="utf-8")
    example = re.search(
        r"```xml\n<dict>(.*)</dict>\n```\n\nis\n\n```\n(.*)\n```\n\n.*`([0-9a-f]{64})`", page, re.DOTALL
    )
    assert example is not None
    settings = read_settings(plist(example[1]))
    assert (seb_json(settings), config_key(settings)) == (example[2], example[3])


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), min_size=2, max_size=2))
def test_ascii_names_are_ordered_as_the_unicode_collation_does_it(names: list[str]) -> None:
    """Qt brings ICU, whose collation for English is the root's."""
    collator = QCollator(QLocale("en_US"))
    one, two = names
    expected = collator.compare(one, two)
    ours = (sort_key(one)[:3] > sort_key(two)[:3]) - (sort_key(one)[:3] < sort_key(two)[:3])
    assert ours == (expected > 0) - (expected < 0)


def test_accents_count_after_letters_and_before_case() -> None:
    names = ["_", "-x", "1", "9", "cote", "Cote", "coté", "côte", "D", "Ω", "考"]
    assert sorted(names, key=sort_key) == names


SIMPLE: st.SearchStrategy[Value] = st.recursive(
    st.booleans() | st.integers() | st.text() | st.binary() | st.just(datetime(2026, 12, 1, tzinfo=UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=3), SIMPLE, max_size=4), st.randoms())
def test_any_order_of_keys_has_the_same_key(settings: dict[str, Value], order: random.Random) -> None:
    shuffled = dict(order.sample(list(settings.items()), len(settings)))
    assert config_key(shuffled) == config_key(settings)
    assert config_key(settings | {"originatorVersion": "x", "empty": {}}) == config_key(
        {name: value for name, value in settings.items() if name not in ("originatorVersion", "empty")}
    )


@given(st.lists(st.text(), min_size=3, max_size=3, unique=True))
def test_the_order_of_names_is_total(names: list[str]) -> None:
    orders = {tuple(sorted(order, key=sort_key)) for order in itertools.permutations(names)}
    assert len(orders) == 1
