"""TrustExam's search for things: which, and how certain the client has to be of each."""

from __future__ import annotations

from app.core.coco import CATEGORIES
from app.core.types import Json
from app.keys.vendors.table import Reading

_SWITCH = "proctoring_settings.object_detect"
_THRESHOLD = "proctoring_settings.object_detect_threshold"
_CATEGORIES = "proctoring_settings.object_detect_categories"
_PERSON = "person"
_PHONE, _BOOK, _OTHER = 5103, 5104, 5105
_CODES = {"cell phone": _PHONE, "book": _BOOK}


def read_objects(reading: Reading) -> None:
    """Decides on categories and thresholds; a category's own score comes before the threshold for all."""
    if reading.has(_SWITCH):
        reading.become("detection.objects", reading.get(_SWITCH), _SWITCH)
    if not reading.get(_SWITCH):
        for source in (_THRESHOLD, _CATEGORIES):
            reading.drop(source, "Nothing is looked for: object_detect is not true.")
        return
    categories = reading.get(_CATEGORIES)
    scored = _read_categories(reading, categories) if isinstance(categories, dict) else frozenset()
    if not reading.has(_THRESHOLD):
        return
    for code in sorted({_PHONE, _BOOK, _OTHER} - scored):
        reading.become(_threshold(code), reading.get(_THRESHOLD), _THRESHOLD)
    if len(scored) == len((_PHONE, _BOOK, _OTHER)):
        reading.drop(_THRESHOLD, "Each thing has a score of its own in object_detect_categories, which counts.")


def _threshold(code: int) -> str:
    return f"detection.rules.{code}.threshold"


def _read_categories(reading: Reading, categories: dict[str, Json]) -> frozenset[int]:
    """The codes whose threshold is a category's own score."""
    known = [name for name in categories if name in CATEGORIES and name != _PERSON]
    if known:
        reading.become("detection.object_categories", list(known), _CATEGORIES)
    if unknown := [name for name in categories if name not in CATEGORIES]:
        reading.drop(_CATEGORIES, f"Not things that this client knows: {', '.join(map(ascii, unknown))}.")
    if _PERSON in categories:
        reading.drop(_CATEGORIES, "People are counted by rule 5002, not looked for as things.")
    scores: dict[int, set[Json]] = {}
    for name in known:
        if categories[name] is not None:
            scores.setdefault(_CODES.get(name, _OTHER), set()).add(categories[name])
    own = {code: found.pop() for code, found in scores.items() if len(found) == 1}
    for code, score in own.items():
        reading.become(_threshold(code), score, _CATEGORIES)
    for code in scores.keys() - own.keys():
        reading.drop(_CATEGORIES, f"Other things have one score here: set {_threshold(code)}.")
    if not known and _PERSON not in categories and not unknown:
        reading.drop(_CATEGORIES, "It names nothing; the policy's own categories are looked for.")
    return frozenset(own)
