"""``invigil key import``, as a person or a script uses it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.cli.main import main
from app.core.types import Json
from app.keys.policy_model import parse_policy
from app.keys.presets import combined
from app.keys.vendors import VENDORS
from tests.fakes.policies import small_policy
from tests.keys.vendors.samples import BLINKEXAM, PROCTORAI, SAMPLES


def written(path: Path, data: Json) -> str:
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_each_vendors_sample_is_imported(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "import", "--from", name, written(tmp_path / "s.json", SAMPLES[name])]) == 0
    assert "Taken over:" in capsys.readouterr().out


def test_a_person_reads_two_tables_and_the_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "import", "--from", "blinkexam", written(tmp_path / "s.json", BLINKEXAM)]) == 0
    told = capsys.readouterr()
    taken, _, left = told.out.partition("Not taken over:")
    assert re.search(r'^  proctorMode +live\.mode = "combo"$', taken, re.MULTILINE)
    assert re.search(r"^  serviceAccessKey +A credential: ", left, re.MULTILINE)
    assert '"file_name_prefix": "596_323_1"' in left
    assert "your-secret-key" not in told.out + told.err
    assert "note: before a key can be issued: policy.exam.title: is missing" in told.err


def test_a_script_reads_policy_lines_and_notes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "import", "--from", "proctorai", "--json", written(tmp_path / "s.json", PROCTORAI)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"policy", "mapped", "unmapped", "notes"}
    assert {"source": "duration", "path": "exam.duration_min", "value": 180} in told["mapped"]


def test_settings_win_over_a_base_and_the_result_can_be_issued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = written(tmp_path / "base.json", small_policy(exam__duration_min=60, exam__message="Good luck"))
    settings, out = written(tmp_path / "s.json", PROCTORAI), tmp_path / "policy.json"
    assert main(["key", "import", "--from", "proctorai", settings, "--base", base, "--out", str(out)]) == 0
    policy = parse_policy(json.loads(out.read_text(encoding="utf-8")))
    assert (policy.exam.duration_min, policy.exam.message) == (180, "Good luck")
    told = capsys.readouterr()
    assert told.err == ""
    assert f"Written to {out}." in told.out


def test_settings_win_over_a_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = written(tmp_path / "s.json", {"aiDetection": {"sensitivity": "low"}})
    assert main(["key", "import", "--from", "proctorai", settings, "--preset", "strict", "--json"]) == 0
    policy = json.loads(capsys.readouterr().out)["policy"]
    assert policy == combined("strict", (), {"detection": {"sensitivity": "low"}})


def test_what_the_client_does_not_do_yet_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = written(tmp_path / "base.json", small_policy(live__endpoint="https://proctoring.example.org"))
    settings = written(tmp_path / "s.json", {"head_tracking_server_post": True, "main_camera_upload": True})
    assert main(["key", "import", "--from", "trustexam", settings, "--base", base]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert "note: set exam.allow_fallback if the exam may start without it" in notes
    assert len(notes) > 1


def test_characters_that_a_terminal_could_obey_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = written(tmp_path / "s.json", {"title": "Algebra \u202e", "\x9b31m": 1})
    assert main(["key", "import", "--from", "proctorai", settings]) == 0
    told = capsys.readouterr()
    assert (told.out + told.err).replace("\n", "").isprintable()


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, out = written(tmp_path / "s.json", PROCTORAI), tmp_path / "policy.json"
    out.write_text("precious", encoding="utf-8")
    assert main(["key", "import", "--from", "proctorai", settings, "--out", str(out)]) == 2
    assert out.read_text(encoding="utf-8") == "precious"
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            b"{ serviceAccessKey: 'your-secret-key' }",
            "has to be a JSON object, with names in double quotes and each once",
        ),
        (b"[1, 2]", "has to be a JSON object"),
        (b"\xff\xfe\x00", "has to be a JSON object"),
        (b"[" * 100_000, "has to be a JSON object"),
        (b'{"duration": ' + b"9" * 5000 + b"}", "has to be a JSON object"),
        (b'{"title": "' + b"x" * 1_000_000 + b'"}', "more than 1000000 bytes"),
        (b'{"duration": "soon"}', "duration has to be a whole number of minutes"),
        (
            b'{"settings": {"webcam": true, "webcam": false}}',
            "has to be a JSON object, with names in double quotes and each once",
        ),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_in_a_sentence(
    content: bytes, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(content)
    assert main(["key", "import", "--from", "proctorai", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert what in told.err
    assert len(told.err.splitlines()) == 1
    assert "your-secret-key" not in told.err


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "import", "--from", "mettl", str(tmp_path / "none.json")]) == 2
    assert "can't be read" in capsys.readouterr().err


def test_an_unknown_preset_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = written(tmp_path / "s.json", PROCTORAI)
    assert main(["key", "import", "--from", "proctorai", settings, "--preset", "lenient"]) == 2
    assert "choose one of practice, standard, strict" in capsys.readouterr().err


def test_the_command_knows_the_vendors_that_there_are() -> None:
    from app.cli.key.import_settings import SYSTEMS

    assert set(SYSTEMS) == set(VENDORS)
