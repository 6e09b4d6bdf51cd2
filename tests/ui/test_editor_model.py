"""The policy behind the key editor: what is kept, found, undone, and said to be wrong. Without Qt."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.types import Json
from app.keys.policy_model import parse_policy, policy_to_json
from app.keys.presets import PRESETS, laid_over
from app.keys.settings import SETTINGS
from app.ui.editor.catalogue import LARGEST, Kind, Setting, catalogue
from app.ui.editor.history import History
from app.ui.editor.model import EditorModel, check, read
from tests.fakes.policies import small_policy

GROUPS = catalogue({"identity.face_check": ("BlinkExam: faceAuth",)})
ALL = {setting.path: setting for group in GROUPS for setting in group.settings}


def model(**fields: Json) -> EditorModel:
    made = EditorModel(GROUPS)
    assert made.load(dict(small_policy(**fields))) == []
    return made


def problems(edited: EditorModel) -> dict[str, tuple[str, ...]]:
    return dict(check(edited.settings, edited.values).problems)


# ---- the catalogue


def test_every_setting_of_a_policy_can_be_edited_and_is_explained() -> None:
    assert list(ALL) == [path for path in SETTINGS if "*" not in path]
    assert all(setting.label and setting.meaning for setting in ALL.values())
    assert [group.name for group in GROUPS] == [name for name in get_type_hints(Policy) if name in Policy.__slots__]


def test_each_setting_has_the_kind_of_control_that_fits_it() -> None:
    assert ALL["capture.camera"].kind is Kind.YES_NO
    assert (ALL["exam.duration_min"].kind, ALL["exam.duration_min"].optional) == (Kind.WHOLE, True)
    assert (ALL["capture.segment_s"].unit, ALL["capture.segment_s"].bounds) == ("s", (1, 60))
    assert ALL["detection.sensitivity"].choices == ("low", "medium", "high")
    assert ALL["browser.allow"].kind is Kind.LIST
    assert ALL["exam.instructions"].kind is Kind.TEXT
    assert ALL["upload.token"].secret


def test_explanations_are_plain_words() -> None:
    assert [path for path, setting in ALL.items() if "`" in setting.meaning or "*" in setting.meaning] == []


# ---- values


def test_only_what_differs_from_the_defaults_is_kept() -> None:
    edited = model()
    edited.change({"capture.camera_fps": 15.0, "lockdown.kiosk": True})
    assert edited.document() == {**small_policy(), "capture": {"camera_fps": 15.0}}
    edited.change({"capture.camera_fps": 10})
    assert edited.document() == small_policy()


def test_what_is_required_is_written_even_while_it_is_empty() -> None:
    assert EditorModel(GROUPS).document() == {
        "exam": {"id": "", "title": "", "start_url": ""},
        "upload": {"endpoint": "", "token": "", "exam_id": ""},
    }


def test_a_change_to_the_same_value_is_none() -> None:
    edited = model()
    assert edited.change({"capture.camera": True}) is None
    assert edited.change({"capture.camera": False}) is not None
    assert edited.reset(["capture.camera"]) is not None
    assert edited.reset(["capture.camera"]) is None


def test_groups_know_what_was_changed_in_them() -> None:
    edited = model(capture__camera_fps=12.0, browser__allow=["*.example.org"])
    assert edited.changed("capture") == ["capture.camera_fps"]
    assert edited.changed("live") == []
    assert edited.changed() == ["candidate.id", "candidate.name", "browser.allow", "capture.camera_fps"]


def test_what_a_file_holds_that_can_not_be_edited_is_named_and_left_out() -> None:
    edited = EditorModel(GROUPS)
    left_out = edited.load(
        {
            **small_policy(capture__camera="yes", lockdown__denied_processes=[1], exam__duration_min=1.5),
            "capture": {"camera": "yes", "camera_fps": 10**400, "zoom": 1},
            "score": {"weights": {"5001": "many"}},
            "detection": {"rules": {"1": {}, "5001": {"dwell_s": True}}},
            "nonsense": {},
            "live": [],
        }
    )
    named = dict(left_out)
    assert set(named) == {
        "exam.duration_min", "lockdown.denied_processes", "capture.camera", "capture.camera_fps", "capture.zoom",
        "score.weights", "detection.rules", "nonsense", "live",
    }  # fmt: skip
    assert edited.value("exam.id") == "algebra-1"
    assert edited.value("capture.camera") is True


def test_a_policys_version_is_known_and_another_one_is_named() -> None:
    edited = EditorModel(GROUPS)
    assert edited.load({"version": 1, **small_policy()}) == []
    assert [path for path, _ in edited.load({"version": 2, **small_policy()})] == ["version"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(ALL)), _JSON, max_size=6))
def test_any_json_is_held_or_named_and_what_is_held_makes_a_policy(values: dict[str, Json]) -> None:
    data: dict[str, Json] = {}
    for path, value in values.items():
        group, _, name = path.partition(".")
        inner = data.setdefault(group, {})
        assert isinstance(inner, dict)
        inner[name] = value
    held, left_out = read(ALL, data)
    assert set(held) | {path for path, _ in left_out} == set(values)
    check(ALL, held)


@given(st.data())
def test_what_has_no_problems_can_be_signed_and_what_has_some_can_not(data: st.DataObject) -> None:
    edited = model()
    paths = data.draw(st.lists(st.sampled_from(sorted(ALL)), max_size=4, unique=True))
    edited.change({path: data.draw(_value(ALL[path])) for path in paths})
    if problems(edited):
        with pytest.raises(BadInput):
            parse_policy(edited.document())
    else:
        policy = parse_policy(edited.document())
        assert policy == edited.policy()
        again = EditorModel(GROUPS)
        assert again.load(policy_to_json(policy)) == []
        assert again.policy() == policy


def _value(setting: Setting) -> st.SearchStrategy[Json]:
    """Values that the setting's control can give, sensible or not."""
    numbers: dict[Kind, st.SearchStrategy[Json]] = {
        Kind.YES_NO: st.booleans(),
        Kind.WHOLE: st.integers(-LARGEST, LARGEST) | st.integers(0, 60),
        Kind.NUMBER: st.floats(-LARGEST, LARGEST) | st.floats(0, 60),
        Kind.CHOICE: st.sampled_from(setting.choices or ("",)),
        Kind.LIST: st.lists(st.text(min_size=1, max_size=20), max_size=3),
        Kind.WEIGHTS: st.dictionaries(st.sampled_from(["5001", "5120"]), st.floats(-10, 200)),
        Kind.RULES: st.dictionaries(
            st.sampled_from(["5001", "5103", "5106"]),
            st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "dwell_s": st.none() | st.floats(-1, 700)}),
        ),
    }
    values = numbers.get(setting.kind, st.text(max_size=30) | st.just("https://exams.example.org/"))
    return st.none() | values if setting.optional else values


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_needs_only_the_institutions_own_fields(name: str) -> None:
    edited = EditorModel(GROUPS)
    assert edited.load(laid_over({}, PRESETS[name].policy)) == []
    assert {path.partition(".")[0] for path in problems(edited)} == {"exam", "upload"}
    edited.change({path: value for path, value in model().values.items() if not path.startswith("candidate")})
    assert problems(edited) == {}


# ---- what is wrong


def test_a_problem_is_said_at_its_setting_and_names_the_entry() -> None:
    edited = model(browser__page_api_origins=["https://a.example.org", "ftp://b.example.org"])
    [sentence] = problems(edited)["browser.page_api_origins"]
    assert sentence.startswith("Entry 2 ")
    assert sentence.endswith(".")


def test_a_problem_inside_a_rule_names_its_code() -> None:
    edited = model(detection__rules={"5101": {"dwell_s": 7000.0}})
    [sentence] = problems(edited)["detection.rules"]
    assert "5101" in sentence
    assert "dwell_s" in sentence


def test_a_contradiction_names_the_other_setting_as_the_window_does() -> None:
    [sentence] = problems(model(capture__camera=False))["identity.photo"]
    assert "\u201cCamera\u201d (capture.camera)" in sentence
    assert "policy." not in sentence


def test_a_contradiction_goes_away_when_it_is_resolved() -> None:
    edited = model(capture__camera=False)
    assert "identity.photo" in problems(edited)
    edited.change({"identity.photo": False})
    assert problems(edited) == {}


def test_what_this_client_does_not_do_is_a_note_and_no_problem() -> None:
    edited = model(upload__path_prefix="exams/2026")
    found = check(edited.settings, edited.values)
    if found.notes:  # until the client learns it
        assert list(found.notes) == ["upload.path_prefix"]
        assert found.notes["upload.path_prefix"][0].startswith("This client ")
    assert found.problems == {}


def test_a_problem_never_shows_a_value() -> None:
    edited = model(upload__token="s3cret\x07")
    assert "s3cret" not in str(problems(edited))


# ---- search


def test_search_finds_by_name_path_meaning_choice_and_other_products_words() -> None:
    edited = model()
    assert edited.search("camera")[0] == "capture.camera"
    assert "upload.path_prefix" in edited.search("path_prefix")
    assert "capture.keep" not in edited.search("")
    assert "identity.face_check" in edited.search("faceauth")
    assert "evidence.mode" in edited.search("continuous")
    assert edited.search("second CAMERA")[0] == "capture.second_camera"
    assert edited.search("no such thing at all") == []


# ---- undo


def test_undo_goes_back_step_by_step_and_redo_forth_again() -> None:
    edited, history = model(), History()
    states = [edited.document()]
    for values in ({"capture.camera": False}, {"exam.title": "B"}, {"capture.camera": True, "live.chat": True}):
        change = edited.change(values)
        assert change is not None
        history.push(change)
        states.append(edited.document())
    for state in reversed(states[:-1]):
        step = history.undo()
        assert step is not None
        edited.undo(step)
        assert edited.document() == state
    assert history.undo() is None
    assert history.clean
    for state in states[1:]:
        step = history.redo()
        assert step is not None
        edited.redo(step)
        assert edited.document() == state
    assert history.redo() is None


def typed(edited: EditorModel, history: History, path: str, words: str) -> None:
    for end in range(1, len(words) + 1):
        change = edited.change({path: words[:end]})
        assert change is not None
        history.push(change, joins=True)


def test_a_word_that_is_typed_is_one_step() -> None:
    edited, history = model(), History()
    typed(edited, history, "exam.title", "Biology")
    typed(edited, history, "exam.id", "bio")
    for path, before in (("exam.id", "algebra-1"), ("exam.title", "Algebra I")):
        step = history.undo()
        assert step is not None
        edited.undo(step)
        assert edited.value(path) == before
    assert not history.can_undo


def test_what_was_saved_is_clean_again_after_undo_and_redo() -> None:
    edited, history = model(), History()
    typed(edited, history, "exam.title", "Bio")
    history.set_clean()
    typed(edited, history, "exam.title", "Chemistry"[:3])
    assert not history.clean
    step = history.undo()
    assert step is not None
    edited.undo(step)
    assert edited.value("exam.title") == "Bio"
    assert history.clean


def test_a_state_that_was_saved_and_overwritten_is_never_clean_again() -> None:
    edited, history = model(), History()
    typed(edited, history, "exam.title", "Bio")
    history.set_clean()
    step = history.undo()
    assert step is not None
    edited.undo(step)
    typed(edited, history, "exam.title", "Che")
    assert not history.clean
    history.undo()
    assert not history.clean
