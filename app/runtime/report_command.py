"""The report again from an attempt's folder, without recording anything anew."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from app.core.codes import EVIDENCE
from app.core.errors import BadInput
from app.core.types import NS_PER_MS, Json
from app.evidence.bundle import open_source
from app.evidence.report_data import build_report
from app.evidence.report_html import render_html
from app.evidence.verify import read_entries, verify
from app.runtime.finish import LocalMedia, verification_json


def report_again(root: Path, weights: Mapping[int, float] | None, *, want_html: bool) -> tuple[dict[str, Json], str]:
    """Report data and, if wanted, its page. Raises BadInput or EvidenceError."""
    if not root.is_dir():
        raise BadInput(f"There is no attempt's folder at {root}.")
    checked = verify(root)
    source = open_source(root)
    try:
        summary = build_report(
            read_entries(source),
            verification=verification_json(checked),
            state="reported again",
            generated_utc_ms=time.time_ns() // NS_PER_MS,
            weights=weights,
        )
    finally:
        source.close()
    return summary.data, render_html(summary.data, LocalMedia(root)) if want_html else ""


def read_weights(path: Path) -> dict[int, float]:
    """Raises BadInput with the entry that is wrong."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"The weights in {path} can't be read: {error}.") from error
    if not isinstance(data, dict):
        raise BadInput(f'{path} has to hold an object such as {{"5101": 2.0}}.')
    weights: dict[int, float] = {}
    for key, value in data.items():
        if not str(key).isdecimal() or int(key) not in EVIDENCE:
            raise BadInput(f"{path}: {key!r} is not an evidence code.")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise BadInput(f"{path}: the weight of {key} has to be a number from 0 to 100.")
        weights[int(key)] = float(value)
    return weights
