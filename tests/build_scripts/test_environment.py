"""Set-up does what changed and nothing else."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from build_scripts import checks, environment
from build_scripts.environment import Marks, SetupError, Step


@pytest.fixture
def step(tmp_path: Path) -> Step:
    lock, made = tmp_path / "lock", tmp_path / "made"
    lock.write_text("a==1")
    made.write_text("")
    return Step("packages", "installing", inputs=(lock,), outputs=(made,), commands=(("pip",),))


@pytest.fixture
def marks(tmp_path: Path, step: Step) -> Marks:
    marks = Marks(tmp_path / "marks.json")
    marks.set_done(step)
    return marks


def test_a_finished_step_is_not_done_again(marks: Marks, step: Step) -> None:
    assert marks.is_done(step)


def test_a_changed_input_has_the_step_done_again(marks: Marks, step: Step) -> None:
    step.inputs[0].write_text("a==2")
    assert not marks.is_done(step)


def test_a_lost_output_has_the_step_done_again(marks: Marks, step: Step) -> None:
    step.outputs[0].unlink()
    assert not marks.is_done(step)


def test_another_python_or_another_folder_has_the_step_done_again(marks: Marks, step: Step) -> None:
    assert not marks.is_done(dataclasses.replace(step, context="elsewhere"))


def test_marks_of_one_step_leave_the_others_alone(marks: Marks, step: Step) -> None:
    other = dataclasses.replace(step, name="models")
    assert not marks.is_done(other)
    marks.set_done(other)
    assert marks.is_done(other)
    assert marks.is_done(step)


def test_broken_marks_count_as_none(tmp_path: Path, marks: Marks, step: Step) -> None:
    (tmp_path / "marks.json").write_text("{")
    assert not marks.is_done(step)


def test_every_input_of_the_real_steps_exists() -> None:
    for step in environment.steps():
        assert [path for path in step.inputs if not path.is_file()] == []


def test_a_failing_command_ends_set_up_with_its_output_and_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SetupError, match="installing failed"):
        environment.run([sys.executable, "-c", "print('the reason'); raise SystemExit(3)"], tmp_path, "installing")
    assert "the reason" in capsys.readouterr().err


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no-such-program"):
        environment.run([str(tmp_path / "no-such-program")], tmp_path, "installing")


def test_the_cheap_checks_come_first_and_the_end_to_end_tests_last() -> None:
    titles = [check.title for check in checks.checks(fast=False, in_ci=False)]
    cheap = ["lint", "lint of the program", "format", "types", "types for Windows", "types for macOS", "layers"]
    tests = ["tests of the core", "tests", "tests under Wine", "end-to-end tests, alone", "end-to-end tests"]
    assert titles == cheap + tests


@pytest.mark.parametrize("what", ["end-to-end", "under Wine"])
def test_a_fast_run_leaves_out_the_slow_tests(what: str) -> None:
    assert [check.title for check in checks.checks(fast=False, in_ci=False) if what in check.title]
    assert not [check.title for check in checks.checks(fast=True, in_ci=False) if what in check.title]


def test_every_test_is_in_exactly_one_of_the_runs() -> None:
    words = [" ".join(c.arguments) for c in checks.checks(fast=False, in_ci=False) if c.program == "pytest"]
    core, fast, alone, others = words
    assert "tests/core" in core.split()
    assert "-m not e2e --ignore=tests/core" in fast
    assert "-m e2e and alone" in alone
    assert "-m e2e and not alone" in others


def test_colour_is_off_in_ci() -> None:
    for check in checks.checks(fast=False, in_ci=True):
        assert check.program != "pytest" or "--color=no" in check.arguments


def test_the_first_failing_check_ends_the_run_with_its_exit_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bin_dir = environment.venv_program("python", tmp_path).parent
    bin_dir.mkdir(parents=True)
    for name, code in (("good", 0), ("bad", 4), ("never", 0)):
        program = environment.venv_program(name, tmp_path)
        program.write_text(f"#!/bin/sh\necho {name} ran\nexit {code}\n")
        program.chmod(0o755)
    todo = [checks.Check(name, name, ()) for name in ("good", "bad", "never")]
    assert checks.run_checks(todo, tmp_path) == 4
    shown = capfd.readouterr().out
    assert "bad: FAILED with exit code 4" in shown
    assert "never ran" not in shown


def test_what_was_compiled_is_kept_for_the_next_process_whatever_the_shell_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    folder = environment.venv_program("python", tmp_path).parent
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    todo = [checks.Check("compiling", "python", ("-c", "import sys; sys.exit(3 if sys.dont_write_bytecode else 0)"))]
    assert checks.run_checks(todo, tmp_path) == 0
