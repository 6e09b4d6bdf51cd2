"""``invigil key preset``: from a preset to a policy that only has to be completed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.types import Json
from app.keys.policy_model import parse_policy
from app.keys.presets import ACCOMMODATIONS, PRESETS, combined, laid_over
from tests.fakes.policies import small_policy

REQUIRED = ["exam.id", "exam.title", "exam.start_url", "upload.endpoint", "upload.token", "upload.exam_id"]


def test_the_policy_is_printed_alone_and_what_is_missing_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "preset", "strict", "--with", "extra-time=25%", "--with", "looking-away"]) == 0
    out, err = capsys.readouterr()
    printed = json.loads(out)
    assert err == f"Still to be filled in: {', '.join(REQUIRED)}.\n"
    assert printed["accessibility"] == {"extra_time_percent": 25.0, "looking_away": True}
    policy = parse_policy(laid_over(printed, small_policy(exam__duration_min=60)))
    assert policy == parse_policy(
        laid_over(combined("strict", ["extra-time=25%", "looking-away"]), small_policy(exam__duration_min=60))
    )


def test_a_policy_keeps_its_own_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps(small_policy(detection__sensitivity="low")), encoding="utf-8")
    assert main(["key", "preset", "strict", "--policy", str(own), "--out", str(tmp_path / "whole.json")]) == 0
    assert capsys.readouterr() == ("", "")
    policy = parse_policy(json.loads((tmp_path / "whole.json").read_text(encoding="utf-8")))
    assert (policy.exam.id, policy.detection.sensitivity, policy.evidence.mode) == ("algebra-1", "low", "continuous")


def test_as_json_the_missing_fields_are_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "preset", "practice", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert err == ""
    assert answer["missing"] == REQUIRED
    assert answer["policy"]["lockdown"]["quit_always"] is True


def test_without_a_name_it_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "preset"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in [*PRESETS, *ACCOMMODATIONS])
    assert main(["key", "preset", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert (list(listed["presets"]), list(listed["accommodations"])) == (list(PRESETS), list(ACCOMMODATIONS))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lenient"], "There is no preset 'lenient'; choose one of practice, standard, strict."),
        (["strict", "--with", "more-time"], "There is no accommodation 'more-time'"),
        (["--with", "looking-away"], "Say which preset to begin with: practice, standard, strict."),
        (["strict", "--policy", "not-there.json"], "The policy not-there.json can't be read"),
    ],
)
def test_what_can_not_be_used_is_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "preset", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert sentence in err


@pytest.mark.parametrize("text", ["[1]", "{", "\udcff", '{"exam": {}, "exam": {}}'])
def test_a_file_that_is_no_policy_is_one_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert main(["key", "preset", "strict", "--policy", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_existing_file_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.json"
    file.write_text("mine", encoding="utf-8")
    assert main(["key", "preset", "strict", "--out", str(file)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "mine"


def test_the_output_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "preset", "standard"]) == 0
    printed: dict[str, Json] = json.loads(capsys.readouterr().out)
    assert next(iter(printed.items())) == ("version", 1)
