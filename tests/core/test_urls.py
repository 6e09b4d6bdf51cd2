"""URL rules: Safe Exam Browser's simplified syntax, and no spelling that gets around it."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.urls import (
    MAX_RULE_CHARS,
    MAX_URL_CHARS,
    UrlDecision,
    compile_rules,
    decide,
    decide_load,
    exam_urls,
    origin_text,
    parse_url,
)


def allowed(rule: str, url: str) -> bool:
    return decide(compile_rules([rule], []), url).allowed


@pytest.mark.parametrize(
    ("rule", "matching", "others"),
    [
        ("abc", ["http://abc/", "https://ABC/x"], ["http://abc.org/", "http://www.abc/", "http://abcd/"]),
        ("abc.org", ["http://abc.org/x?y", "http://a.b.abc.org"], ["http://xabc.org", "http://abc.org.com"]),
        (".abc.org", ["http://abc.org/"], ["http://www.abc.org/"]),
        ("*.org", ["http://abc.org", "http://a.b.org"], ["http://org", "http://abc.com/x.org"]),
        ("test.*.org", ["http://test.a.org", "http://x.test.a.b.org"], ["http://test.org"]),
        ("ab*", ["http://abc.org", "http://www.ab"], ["http://xab.org"]),
        ("*", ["http://a", "https://b.c/d?e#f"], []),
        ("http*://a.org", ["http://a.org", "https://a.org"], ["ftp://a.org"]),
        ("https://a.org", ["https://a.org", "wss://a.org/socket"], ["http://a.org", "ws://a.org"]),
        ("a.org:8080", ["http://a.org:8080/"], ["http://a.org/", "http://a.org:80/"]),
        ("a.org:80", ["http://a.org/", "http://a.org:80/"], ["https://a.org/"]),
        ("a.org:*", ["http://a.org/", "http://a.org:99"], []),
        ("a.org:80*", ["http://a.org:8080"], ["http://a.org:9080"]),
        ("a.org/", ["http://a.org/any/path"], []),
        ("a.org/x", ["http://a.org/x", "http://a.org/x/", "http://a.org/X?q"], ["http://a.org/x/y", "http://a.org"]),
        ("a.org/x/", ["http://a.org/x", "http://a.org/x/"], ["http://a.org/x/y", "http://a.org/xy"]),
        ("a.org/*/x", ["http://a.org/a/b/x"], ["http://a.org/x"]),
        ("/x", ["http://a.org/x", "http://b/x"], ["http://a.org/y"]),
        ("a.org?a=1", ["http://a.org/x?A=1"], ["http://a.org/", "http://a.org?a=12"]),
        ("a.org?.", ["http://a.org/x", "http://a.org/x?"], ["http://a.org/?a"]),
        ("a.org?", ["http://a.org/", "http://a.org/?a"], []),
        ("a.org#top", ["http://a.org/#top"], ["http://a.org/", "http://a.org/#topper"]),
        ("joe@a.org", ["http://joe@a.org", "http://joe:pw@a.org"], ["http://a.org", "http://ann@a.org"]),
        ("joe:p*@a.org", ["http://joe:pw@a.org"], ["http://joe:x@a.org", "http://joe@a.org"]),
        ("a.org/@joe", ["http://a.org/@joe"], ["http://joe/"]),
        ("//a.org/x", ["http://a.org/x"], ["http://b.org/x"]),
        ("a.org/go?to=http://b.org", ["http://a.org/go?to=http://b.org"], ["http://b.org"]),
        ("[::1]:8000", ["http://[0:0:0::1]:8000/"], ["http://[::1]/", "http://[::2]:8000/"]),
        ("127.0.0.1", ["http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/"], ["http://127.0.0.2/"]),
        ("m\u00fcnchen.de", ["http://xn--mnchen-3ya.de/", "http://www.M\u00dcNCHEN.de"], ["http://munchen.de"]),
        ("a.org/\u00fc b", ["http://a.org/%C3%BC%20b"], []),
    ],
)
def test_a_rule_matches_what_its_syntax_says(rule: str, matching: list[str], others: list[str]) -> None:
    assert [u for u in matching if not allowed(rule, u)] == []
    assert [u for u in others if allowed(rule, u)] == []


def test_block_rules_are_tried_first_then_allow_rules_and_the_rest_is_blocked() -> None:
    rules = compile_rules(allow=["exam.org", "*"], block=["exam.org/admin*"])
    assert decide(rules, "https://exam.org/admin/x") == UrlDecision(False, "exam.org/admin*")
    assert decide(rules, "https://exam.org/") == UrlDecision(True, "exam.org")
    assert decide(rules, "https://other.org/") == UrlDecision(True, "*")
    assert decide(compile_rules(["a.org"], []), "https://b.org/") == UrlDecision(False, None)


@pytest.mark.parametrize(
    "url",
    [
        "", "a.org", "//a.org", "data:text/html,x", "data://a.org/x", "javascript:alert(1)", "javascript://a.org/%0aalert(1)",
        "file:///etc/passwd", "file://a.org/x", "about:blank", "about://a.org", "blob:https://a.org/1", "view-source:https://a.org",
        "chrome://a.org", "devtools://a.org", "mailto:x@a.org", "1http://a.org", "http://", "http://?a.org", "http:// a.org",
        "http://a.org:99999/", "http://a.org:8a/", "http://a..org/", "http://.a.org", "http://[::1", "http://[::zz]/",
        "http://[::1]x/", "http://a.org%00.b.org", "http://256.1.1.1/", "http://1.2.3.4.5/", "http://1.0x.zz.9/",
        "http://" + "9" * 40, "http://stra\u00dfe.de", "http://\u2026\u2026/", "http://\u00fc..de/", "http://" + "a." * 130 + "org",
        "http://a.org/" + "x" * MAX_URL_CHARS,
    ],
)  # fmt: skip
def test_local_script_and_unreadable_addresses_are_never_allowed(url: str) -> None:
    assert decide(compile_rules(["*"], []), url) == UrlDecision(False, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.org./", "HTTPS:\\\\evil.org\\x", "https:evil.org", "https:////evil.org", " https://evil.org",
        "https://good.org@evil.org/", "https://good.org\\@evil.org", "https://good.org%2f@evil.org", "ht\ntps://evil.org",
        "https://ev%69l.org/", "https://\uff45vil.org/",
    ],
)  # fmt: skip
def test_no_spelling_of_a_host_gets_around_a_rule(url: str) -> None:
    rules = compile_rules(["*"], ["evil.org"])
    if url == "https://good.org\\@evil.org":  # to a browser this is a path on good.org
        assert decide(rules, url) == UrlDecision(True, "*")
    else:
        assert decide(rules, url) == UrlDecision(False, "evil.org")


@pytest.mark.parametrize(
    "path", ["/secret", "/%73ecret", "/x/../secret", "/x/%2e%2E/secret", "/./secret/", "\\secret", "/secret/."]
)
def test_no_spelling_of_a_path_gets_around_a_rule(path: str) -> None:
    assert not decide(compile_rules(["*"], ["a.org/secret"]), f"http://a.org{path}").allowed


@pytest.mark.parametrize(
    "rule",
    ["", ".", "?", "/", "\u00e7", "a b.org", "a.org:x", "a.org:99999", "[::1", "[::1]x", "a..org", "<a>", "stra\u00dfe.de", "\u00fc*.\u2026a",
     "a" * (MAX_RULE_CHARS + 1)],
)  # fmt: skip
def test_a_broken_rule_is_refused_with_a_sentence_that_quotes_it(rule: str) -> None:
    with pytest.raises(BadInput, match=r"^The URL rule \u201c.* correct it in the exam's settings\.$") as caught:
        compile_rules(["ok.org"], [rule])
    assert len(str(caught.value)) < 300


def test_a_path_that_climbs_above_the_root_stays_at_the_root() -> None:
    url = parse_url("http://a.org/../../x/..")
    assert url is not None
    assert url.path == "/"


# ---- the exam window


def test_the_start_page_and_its_origin_may_load_without_a_rule() -> None:
    exam = exam_urls("https://exam.org/start?id=1", [], ["exam.org/admin", "exam.org/start"])
    assert decide_load(exam, "https://exam.org/start?id=1#top").allowed
    assert decide_load(exam, "https://exam.org:443/next").allowed
    assert decide_load(exam, "wss://exam.org/socket").allowed
    assert not decide_load(exam, "https://exam.org/admin").allowed
    assert not decide_load(exam, "https://exam.org/start?id=2").allowed
    assert not decide_load(exam, "http://exam.org/next").allowed
    assert not decide_load(exam, "https://exam.org:8443/next").allowed
    assert not decide_load(exam, "https://www.exam.org/").allowed


def test_the_exam_window_loads_web_addresses_only() -> None:
    exam = exam_urls("http://127.0.0.1:8000/", ["*", "ftp://a.org"], [])
    assert decide_load(exam, "http://a.org/") == UrlDecision(True, "*")
    assert not decide_load(exam, "ftp://a.org/").allowed
    assert not decide_load(exam, "data:text/html,x").allowed


@pytest.mark.parametrize("start", ["", "exam.org", "file:///x", "ftp://a.org", "wss://a.org"])
def test_a_start_address_that_is_no_web_page_is_refused(start: str) -> None:
    with pytest.raises(BadInput, match="start address"):
        exam_urls(start, [], [])


def test_origins_are_written_without_the_default_port() -> None:
    assert origin_text("HTTPS://Exam.org:443/x") == "https://exam.org"
    assert origin_text("http://exam.org:8080/x") == "http://exam.org:8080"
    assert origin_text("wss://exam.org/") is None
    assert origin_text("data:x") is None


# ---- properties

names = st.from_regex(r"[a-z][a-z0-9-]{0,5}[a-z](\.[a-z]{2,4}){0,3}", fullmatch=True)
anything = st.text(max_size=60) | st.from_regex(r"[a-zA-Z:/\\@#?.%0-9\[\] -]{0,40}", fullmatch=True)


@given(st.lists(st.sampled_from(["*", "*://*", "a.org", "/*", "?*"])), anything)
def test_judging_never_raises_and_allows_only_what_has_a_host(rules: list[str], url: str) -> None:
    if decide(compile_rules(rules, []), url).allowed:
        parsed = parse_url(url)
        assert parsed is not None
        assert parsed.host


@given(names, names, st.text(alphabet="abc*/.", max_size=12))
def test_a_block_rule_always_wins(blocked: str, other: str, path: str) -> None:
    rules = compile_rules(["*", blocked, other], [blocked])
    assert not decide(rules, f"https://{blocked}/{path}").allowed


@given(names, st.text(alphabet="abcXYZ/-_=&", max_size=20))
def test_case_never_matters(host: str, tail: str) -> None:
    url = f"http://{host}/{tail}"
    assert allowed(url, url.upper())
    assert allowed(url.upper(), url)


@given(st.text(alphabet="ab*", max_size=10), st.text(alphabet="ab", max_size=14))
def test_a_star_stands_for_anything(pattern: str, text: str) -> None:
    expected = re.match(fnmatch.translate(f"q{pattern}"), f"q{text}") is not None
    assert allowed(f"h.org?q{pattern}", f"http://h.org/?q{text}") == expected


@given(names)
def test_a_host_with_a_dot_covers_its_subdomains_and_nothing_else(host: str) -> None:
    dotted = f"{host}.org"
    assert allowed(dotted, f"http://sub.{dotted}/")
    assert not allowed(dotted, f"http://x{dotted}/")
    assert not allowed(dotted, f"http://{dotted}.evil.com/")
    assert not allowed(f".{dotted}", f"http://sub.{dotted}/")


def test_many_stars_take_no_time() -> None:
    assert not allowed("h.org/" + "a*" * 900 + "b", "http://h.org/" + "a" * 60_000)
