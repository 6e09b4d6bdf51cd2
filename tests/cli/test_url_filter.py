"""``invigil url-filter`` prints one line for each address."""

from __future__ import annotations

import argparse
import io
import json

import pytest

from app.cli import url_filter
from app.core.errors import BadInput


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    url_filter.add_parser(parser.add_subparsers())
    args: argparse.Namespace = parser.parse_args(["url-filter", *words])
    assert args.run is url_filter.run
    code: int = args.run(args)
    return code


def test_each_address_gets_its_decision_and_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--allow", "a.org", "b.org", "--allow", "c.org", "--block", "a.org/x", "--json"]
    assert run(*words, "http://a.org/", "http://a.org/x", "http://d.org/") == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"url": "http://a.org/", "allowed": True, "rule": "a.org"},
        {"url": "http://a.org/x", "allowed": False, "rule": "a.org/x"},
        {"url": "http://d.org/", "allowed": False, "rule": None},
    ]


def test_addresses_come_from_standard_input_where_none_is_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"http://a.org\r\n\n\xff\n")))
    run("--allow", "*", "--json")
    assert [json.loads(line)["allowed"] for line in capsys.readouterr().out.splitlines()] == [True, False]


def test_without_json_a_person_can_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    run("--allow", "a.org", "--", "http://a.org", "x:y")
    assert capsys.readouterr().out == "allowed  http://a.org  (a.org)\nblocked  x:y  (no rule matches)\n"


def test_a_broken_rule_is_bad_input() -> None:
    with pytest.raises(BadInput):
        run("--allow", "a b", "--json", "http://a.org")
