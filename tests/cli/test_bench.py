"""Benchmarks print each figure beside its baseline. Nothing here depends on how fast anything was."""

from __future__ import annotations

import importlib
import json

import pytest

from app.cli.bench import BENCHES
from app.cli.main import main
from app.runtime.benches import keys, lockdown
from app.runtime.benches.figures import Figure, interleaved_medians, percentile


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "ROUNDS", 10)
    monkeypatch.setattr(keys, "STARTS", 1)
    monkeypatch.setattr(lockdown, "ROUNDS", 1)


def test_every_benchmark_can_be_named() -> None:
    modules = [importlib.import_module(f"app.runtime.benches.{name}") for name in BENCHES]
    assert [module.NAME for module in modules] == list(BENCHES)


def test_keys_are_measured_against_the_bare_signature_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "keys", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "keys"
    assert [(figure["aim"], figure["unit"]) for figure in told["figures"]] == [
        (10.0, "µs"),
        (None, "µs"),
        (50.0, "ms"),
        (None, "ms"),
        (None, "ms"),
    ]
    for figure in told["figures"]:
        assert set(figure) == {"what", "value", "unit", "baseline", "ratio", "aim", "ok"}
        assert figure["baseline"] > 0
        assert (figure["ok"] is None) == (figure["aim"] is None)
    read = told["figures"][0]
    assert read["ratio"] == pytest.approx(read["value"] / read["baseline"], rel=0.01)


def test_people_read_whether_the_aim_was_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "keys"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("keys: ")
    assert "; aim ratio 10: m" in lines[1]
    assert "; aim 50 ms: m" in lines[3]


def test_the_watchers_are_measured_against_an_idle_window_and_bare_events(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "lockdown", "--seconds", "0.2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "lockdown"
    assert all(set(figure) == {"what", "value", "unit", "baseline", "ratio", "aim", "ok"} for figure in told["figures"])
    cost, *reactions = told["figures"]
    assert (cost["unit"], cost["aim"]) == ("% of one core", 1.0)
    assert [(one["what"].split(":")[0], one["aim"]) for one in reactions[::2]] == [
        ("the focus is taken", 100.0),
        ("a window over the exam", 100.0),
        ("a monitor is added", 100.0),
        ("another program copies", 100.0),
        ("a denied program starts", 1500.0),
    ]
    assert all(one["value"] > 0 and one["baseline"] > 0 for one in reactions)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "x", "1e9"])
def test_a_span_that_nothing_can_be_measured_over_is_bad_input(seconds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "lockdown", "--seconds", seconds])
    assert ended.value.code == 2


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(20, 0, -1)]
    assert (percentile(values, 50), percentile(values, 95), percentile([7.0], 95)) == (10.0, 19.0, 7.0)


def test_an_unknown_benchmark_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "nothing"])
    assert ended.value.code == 2
    assert "keys" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("figure", "ok"),
    [
        (Figure("x", 30.0, "µs", 10.0, 3.0, aims_at_ratio=True), True),
        (Figure("x", 31.0, "µs", 10.0, 3.0, aims_at_ratio=True), False),
        (Figure("x", 50.0, "ms", 10.0, 50.0), True),
        (Figure("x", 51.0, "ms", 10.0, 50.0), False),
        (Figure("x", 51.0, "ms", 10.0), None),
    ],
)
def test_an_aim_is_the_most_that_a_value_or_ratio_may_be(figure: Figure, ok: bool | None) -> None:
    assert figure.ok is ok


def test_calls_take_turns() -> None:
    order: list[str] = []
    times = interleaved_medians([lambda: order.append("a"), lambda: order.append("b")], 3)
    assert order == ["a", "b"] * 3
    assert len(times) == 2
