"""What neighbours hand each other over the ports."""

from __future__ import annotations

import dataclasses

import pytest

from app.core.audience import Audience
from app.core.ports import KeyFacts, RevocationFacts, UploadTotals

RECORDS = (
    KeyFacts("t", "id", "kid", "Example University", 1, Audience("e"), 0, 1, {}),
    RevocationFacts("t", "kid", 1),
    UploadTotals(0, 0, 0, 0),
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_goes_over_a_port_can_not_be_changed_by_who_gets_it(
    record: KeyFacts | RevocationFacts | UploadTotals,
) -> None:
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)
