"""The table of codes, and errors that a person is told of."""

from __future__ import annotations

import pytest

from app.core import codes
from app.core.errors import BackendError, BadInput, EvidenceError, InvigilError, LockdownError, SourceError


@pytest.mark.parametrize("number", sorted(codes.CODES))
def test_every_code_has_a_name_a_fair_severity_and_one_sentence_or_more(number: int) -> None:
    row = codes.code(number)
    assert (row.number, codes.name(number)) == (number, row.name)
    assert row.name
    assert 0 <= row.severity <= 1
    assert row.sentence.endswith(".")


def test_names_are_unique_and_an_unknown_code_is_a_mistake() -> None:
    assert len({row.name for row in codes.CODES.values()}) == len(codes.CODES)
    with pytest.raises(KeyError):
        codes.name(9999)


def test_the_autoproctor_numbers_are_all_there() -> None:
    wanted = {*range(2001, 2004), *range(4001, 4018), *range(5001, 5009), *range(5101, 5124)}
    assert wanted == set(codes.CODES)


def test_errors_carry_what_a_caller_has_to_know() -> None:
    source = SourceError(4010, "No camera was found; connect one.")
    assert (source.code, str(source)) == (4010, "No camera was found; connect one.")
    backend = BackendError("The server is busy.", status=503, retry_after_s=7.0)
    assert (backend.status, backend.retry_after_s, str(backend)) == (503, 7.0, "The server is busy.")
    assert BackendError("No answer.").status is None


@pytest.mark.parametrize(("kind", "code"), [(InvigilError, 1), (BadInput, 2), (EvidenceError, 1), (LockdownError, 1)])
def test_only_bad_input_ends_a_command_with_2(kind: type[InvigilError], code: int) -> None:
    assert kind.exit_code == code
