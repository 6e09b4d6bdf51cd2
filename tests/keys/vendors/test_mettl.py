"""Mettl's Init body and the fields of its demonstration page."""

from __future__ import annotations

import pytest

from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.types import Json
from app.keys.policy_model import parse_policy
from app.keys.vendors.mettl import import_settings
from tests.keys.vendors.samples import METTL, completed

LABELS: dict[str, Json] = {
    "Public Key": "public-key-of-the-platform",
    "Private Key": "private-key-of-the-platform",
    "User ID": "1349",
    "Group Name": "course-27",
    "User Name": "Sample Candidate",
    "User Email": "candidate@example.org",
    "Proctoring Settings": {
        "Screen Capture": True,
        "Recording On": True,
        "Audio Proctoring": True,
        "Authorization On": True,
        "Session Expiry Time": 6,
        "Pause/Resume test on": True,
        "Initial State:": "Paused",
        "End test on": True,
        "MSB": True,
        "MSB Key": "msb-key-of-the-vendor",
    },
    "Advanced Settings": {
        "Enable Navigation Control": True,
        "Skip ID": True,
        "Skip ID and Photo": False,
        "Candidate Photo URL": "https://photos.example.org/1349.jpg",
    },
    "Enable Auto Acknowledgement": False,
}


def policy_of(**settings: Json) -> Policy:
    return parse_policy(completed(import_settings(settings).policy))


def reasons(source: str, **settings: Json) -> list[str]:
    return [line.reason for line in import_settings(settings).unmapped if line.source == source]


@pytest.mark.parametrize("code", [0x00, 0x1F, 0x7F, 0x80, 0x85, 0x9B, 0x9F])
@pytest.mark.parametrize(
    ("group", "name"),
    [("userMetaData", "name"), ("userMetaData", "email"), (None, "userId"), (None, "groupName")],
)
def test_control_characters_in_names_and_addresses_are_refused(code: int, group: str | None, name: str) -> None:
    settings: dict[str, Json] = {name: f"Sample{chr(code)}Candidate"}
    with pytest.raises(BadInput, match=name):
        import_settings(settings if group is None else {group: settings})


def test_the_init_body_becomes_the_policy_that_it_means() -> None:
    assert import_settings(METTL).policy == {
        "candidate": {"id": "1349", "group": "course-27", "name": "Sample Candidate", "email": "candidate@example.org"},
        "identity": {"authorization": False},
        "capture": {"screen": True, "microphone": True},
        "detection": {"enabled": True},
        "evidence": {"mode": "continuous"},
        "upload": {"offline_limit_min": 6},
    }


def test_the_demonstration_pages_labels_are_read_as_well() -> None:
    policy = parse_policy(completed(import_settings(LABELS).policy))
    assert (policy.candidate.id, policy.candidate.group) == ("1349", "course-27")
    assert (policy.live.pause_resume, policy.live.initial_state, policy.live.end_test) == (True, "paused", True)
    assert not policy.live.auto_acknowledge
    assert (policy.lockdown.kiosk, policy.lockdown.grab_keyboard) == (True, True)
    assert (policy.identity.authorization, policy.identity.photo, policy.identity.id_document) == (True, True, False)
    assert policy.identity.reference_photo_url == "https://photos.example.org/1349.jpg"
    assert policy.identity.face_check


def test_no_label_of_the_demonstration_page_is_unknown() -> None:
    unmapped = {line.source: line.reason for line in import_settings(LABELS).unmapped}
    assert set(unmapped) == {"Public Key", "Private Key", "Proctoring Settings.MSB Key"}
    assert all(reason.startswith("A credential") for reason in unmapped.values())


@pytest.mark.parametrize(
    ("group", "inner"), [("Proctoring Settings", "Advanced Settings"), ("proctoringSettings", "advancedSettings")]
)
def test_the_advanced_settings_may_stand_inside_the_proctoring_settings_too(group: str, inner: str) -> None:
    found = import_settings({group: {inner: LABELS["Advanced Settings"]}})
    apart = import_settings({"Advanced Settings": LABELS["Advanced Settings"]})
    assert found.policy == apart.policy
    assert not [line for line in found.unmapped if "known here" in line.reason]


def test_without_recording_only_what_lies_around_violations_is_kept() -> None:
    assert policy_of(proctoringSettings={"recording": False}).evidence.mode == "clips"


def test_authorization_is_by_photo_and_document() -> None:
    identity = policy_of(proctoringSettings={"authorization": True}).identity
    assert (identity.authorization, identity.photo, identity.id_document) == (True, True, True)


def test_skip_id_leaves_the_photo() -> None:
    identity = policy_of(proctoringSettings={"authorization": True}, skipId=True).identity
    assert (identity.photo, identity.id_document) == (True, False)


def test_skip_id_and_photo_leaves_neither_and_compares_no_faces() -> None:
    address = "https://photos.example.org/1349.jpg"
    identity = policy_of(
        proctoringSettings={"authorization": True}, skipIdAndPhoto=True, candidatePhotoUrl=address
    ).identity
    assert (identity.photo, identity.id_document, identity.face_check) == (False, False, False)
    assert identity.reference_photo_url == address


def test_a_photo_to_compare_with_means_that_faces_are_compared() -> None:
    identity = policy_of(candidatePhotoUrl="https://photos.example.org/1349.jpg").identity
    assert (identity.photo, identity.face_check) == (True, True)


@pytest.mark.parametrize(
    "address", ["http://photos.example.org/a.jpg", "ftp://photos.example.org", "photo.jpg", "https://u:p@example.org/"]
)
def test_a_photo_at_an_unsafe_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(BadInput, match="candidatePhotoUrl has to be an address that begins with https://") as refused:
        import_settings({"candidatePhotoUrl": address})
    assert address not in str(refused.value)


@pytest.mark.parametrize("state", ["Paused", "paused", "PAUSED"])
def test_a_paused_start_needs_somebody_who_can_resume(state: str) -> None:
    assert policy_of(pauseResume=True, initialState=state).live.initial_state == "paused"
    assert policy_of(pauseResume=False, initialState=state).live.initial_state == "running"
    assert reasons("initialState", initialState=state) == ["Nobody could resume: pauseResume is not true."]


@pytest.mark.parametrize(
    ("msb", "navigation", "locked"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_either_lock_locks(msb: bool, navigation: bool, locked: bool) -> None:
    lockdown = policy_of(msb=msb, navigationControl=navigation).lockdown
    assert (lockdown.kiosk, lockdown.grab_keyboard) == (locked, locked)


def test_a_name_without_the_person_is_left_out_and_that_is_told() -> None:
    assert policy_of(userMetaData={"name": "Sample Candidate"}).candidate.name == ""
    assert "userId is missing" in reasons("userMetaData.name", userMetaData={"name": "Sample Candidate"})[0]


def test_one_setting_by_two_names_is_refused_where_they_differ() -> None:
    import_settings({"skipId": True, "Skip ID": True})
    with pytest.raises(BadInput, match="Skip ID and skipId are the same setting with different values"):
        import_settings({"skipId": True, "Skip ID": False})


def test_settings_may_stand_beside_the_group_or_in_it() -> None:
    beside = import_settings({"pauseResume": True, "endTest": True}).policy
    assert beside == import_settings({"proctoringSettings": {"pauseResume": True, "endTest": True}}).policy


@pytest.mark.parametrize("time", [0, -1, 1441, "soon", 2.5])
def test_an_expiry_time_that_is_none_is_refused(time: Json) -> None:
    with pytest.raises(BadInput, match="expiryTime has to be a whole number of minutes from 1 to 1440"):
        import_settings({"expiryTime": time})
