"""TrustExam's proctoring settings, and what may stand around them."""

from __future__ import annotations

import pytest

from app.core.errors import BadInput
from app.core.policy import Policy, RuleSetting
from app.core.types import Json
from app.keys.policy_model import parse_policy
from app.keys.vendors.trustexam import import_settings
from tests.keys.vendors.samples import TRUSTEXAM, completed

SEED = (
    "main_camera_record", "main_camera_upload", "second_camera_record", "second_camera_upload", "screen_share_record",
    "screen_share_upload", "photo_head_identity", "video_head_identity", "id_verification", "noise_detector",
    "speech_detector", "second_microphone_record", "second_microphone_upload", "second_microphone_label",
    "head_tracking_client", "head_tracking_server", "head_tracking_server_post", "head_tracking_server_realtime",
    "object_detect", "face_landmarker", "proctoring_mobile_restrict", "proctoring_fallback_allow", "content_protect",
)  # fmt: skip
"""Every setting that the vendor's article on integration names."""


def policy_of(**settings: Json) -> Policy:
    return parse_policy(completed(import_settings(settings).policy))


def reasons(source: str, **settings: Json) -> list[str]:
    return [line.reason for line in import_settings(settings).unmapped if line.source == source]


def test_the_sample_asks_for_the_screen_only() -> None:
    policy = parse_policy(completed(import_settings(TRUSTEXAM).policy))
    capture = policy.capture
    assert (capture.camera, capture.second_camera, capture.microphone, capture.screen) == (False, False, False, True)
    assert not policy.detection.enabled
    assert not policy.lockdown.kiosk


@pytest.mark.parametrize("name", SEED)
def test_every_setting_of_the_vendors_article_is_known(name: str) -> None:
    value: Json = "usb" if name == "second_microphone_label" else True
    found = import_settings({name: value, "second_microphone_record": True})
    assert [line for line in found.unmapped if "not a setting" in line.reason.lower()] == []
    assert name in {line.source for line in found.mapped} | {line.source for line in found.unmapped}


def test_what_is_not_given_is_what_the_vendor_presumes_and_that_is_told() -> None:
    found = import_settings({"proctoring_settings": {"check_env": True}})
    capture, upload = found.policy["capture"], found.policy["upload"]
    assert capture == {"camera": True, "screen": True}
    assert upload == {"camera": False, "microphone": False, "screen": False}
    assert "proctoring_settings.main_camera_record (not given)" in {line.source for line in found.mapped}


@pytest.mark.parametrize(
    ("theirs", "ours"), [("main_camera", "camera"), ("second_camera", "second_camera"), ("screen_share", "screen")]
)
@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("upload", [True, False])
def test_a_stream_is_recorded_where_it_is_recorded_or_uploaded(
    theirs: str, ours: str, record: bool, upload: bool
) -> None:
    policy = policy_of(**{f"{theirs}_record": record, f"{theirs}_upload": upload})
    assert getattr(policy.capture, ours) == (record or upload)
    assert getattr(policy.upload, ours) == upload


def test_the_second_microphone_is_chosen_by_its_label() -> None:
    capture = policy_of(second_microphone_record=1, second_microphone_label="^USB (Audio|Mic)").capture
    assert (capture.second_microphone, capture.second_microphone_label) == (True, "^USB (Audio|Mic)")


def test_a_label_without_the_second_microphone_is_left_out_and_that_is_told() -> None:
    assert policy_of(second_microphone_label="^USB").capture.second_microphone_label == ""
    assert "No second microphone" in reasons("second_microphone_label", second_microphone_label="^USB")[0]


@pytest.mark.parametrize("label", ["(", "[a-", "*", "a" * 201, 5])
def test_a_label_that_is_no_regular_expression_is_refused(label: Json) -> None:
    with pytest.raises(BadInput, match="second_microphone_label has to be a regular expression"):
        import_settings({"second_microphone_label": label})


@pytest.mark.parametrize("value", [True, 1, "1", "true", 1.0])
def test_a_switch_may_be_written_in_the_vendors_ways(value: Json) -> None:
    assert policy_of(proctoring_fallback_allow=value).exam.allow_fallback


@pytest.mark.parametrize("value", [2, "yes", [1], -1])
def test_a_switch_of_another_value_is_refused(value: Json) -> None:
    with pytest.raises(BadInput, match="proctoring_fallback_allow has to be true, false, 0 or 1"):
        import_settings({"proctoring_fallback_allow": value})


def test_a_verified_document_is_compared_with_the_photo() -> None:
    identity = policy_of(photo_head_identity=1, id_verification=True).identity
    assert (identity.photo, identity.id_document, identity.face_check) == (True, True, True)


def test_a_photo_without_a_document_needs_another_picture_and_that_is_told() -> None:
    identity = policy_of(photo_head_identity=1).identity
    assert (identity.photo, identity.face_check) == (True, False)
    assert "identity.reference_photo_url" in reasons("photo_head_identity", photo_head_identity=1)[0]


def test_comparing_during_the_exam_takes_a_photo_before_it() -> None:
    identity = policy_of(photo_head_identity=0, video_head_identity=True).identity
    assert (identity.photo, identity.ongoing) == (True, True)


def test_no_identity_setting_takes_no_photo() -> None:
    assert not policy_of(photo_head_identity=0).identity.photo


def test_the_camera_switched_off_takes_with_it_what_needs_it_and_that_is_told() -> None:
    asked: dict[str, Json] = {"id_verification": True, "object_detect": True, "head_tolerance_seconds": 1500}
    policy = policy_of(main_camera_record=False, **asked)
    assert not policy.capture.camera
    assert not policy.identity.id_document
    assert not policy.detection.objects
    for name in asked:
        assert reasons(name, main_camera_record=False, **asked)[0].startswith("It needs the camera")


@pytest.mark.parametrize(
    ("noise", "speech", "listening"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_the_microphone_is_on_where_something_listens(noise: bool, speech: bool, listening: bool) -> None:
    policy = policy_of(noise_detector=noise, speech_detector=speech)
    assert policy.capture.microphone == listening
    assert policy.detection.rules[5004].enabled == noise
    assert policy.detection.rules[5106].enabled == speech


@pytest.mark.parametrize(
    "name", ["noise_detector", "head_tracking_client", "face_landmarker", "video_head_identity", "object_detect"]
)
def test_whatever_is_judged_on_the_device_switches_detection_on(name: str) -> None:
    detection = import_settings({name: True}).policy["detection"]
    assert isinstance(detection, dict)
    assert detection["enabled"] is True


def test_tolerances_are_milliseconds_whatever_their_names_say() -> None:
    rules = policy_of(
        head_tolerance_seconds="1500",
        noise_tolerance_seconds=2500,
        speech_tolerance_seconds=3000,
        focus_tolerance_seconds="2000",
        speech_positive_threshold=0.8,
    ).detection.rules
    assert rules[5101] == rules[5001] == RuleSetting(dwell_s=1.5)
    assert rules[5004] == RuleSetting(dwell_s=2.5)
    assert rules[5106] == RuleSetting(dwell_s=3.0, threshold=0.8)
    assert rules[5005] == RuleSetting(dwell_s=2.0)


@pytest.mark.parametrize("value", [1.5, 2, 99, -1500, 700_000, "soon", float("nan")])
def test_a_tolerance_that_looks_like_seconds_is_refused_rather_than_guessed(value: Json) -> None:
    with pytest.raises(BadInput, match="head_tolerance_seconds has to be a number of milliseconds"):
        import_settings({"head_tolerance_seconds": value})


def test_a_number_that_nobody_filled_in_says_nothing() -> None:
    assert policy_of(head_tolerance_seconds="").detection.rules == {}
    assert reasons("head_tolerance_seconds", head_tolerance_seconds="") == ["It is empty, which says nothing."]


def test_the_interval_between_pictures_is_a_rate() -> None:
    assert policy_of(head_recognize_interval="200").detection.faces_per_second == 5.0


def test_a_rate_below_the_policys_least_becomes_that_and_is_told() -> None:
    assert policy_of(head_recognize_interval=3000).detection.faces_per_second == 0.5
    assert "Taken as 0.5" in reasons("head_recognize_interval", head_recognize_interval=3000)[0]


@pytest.mark.parametrize(
    ("post", "realtime", "upload", "server", "mode"),
    [
        (True, False, True, "after", "recorded"),
        (False, True, True, "live", "combo"),
        (False, True, False, "live", "live"),
        (True, False, False, "off", "recorded"),
        (False, False, True, "off", "recorded"),
    ],
)
def test_the_backend_looks_at_what_it_gets(post: bool, realtime: bool, upload: bool, server: str, mode: str) -> None:
    policy = policy_of(
        head_tracking_server_post=post, head_tracking_server_realtime=realtime, main_camera_upload=upload
    )
    assert (policy.detection.server, policy.live.mode) == (server, mode)


def test_looking_away_is_judged_where_head_or_eyes_are_tracked() -> None:
    rules = policy_of(head_tracking_client=0, face_landmarker=True).detection.rules
    assert (rules[5001].enabled, rules[5002].enabled, rules[5101].enabled) == (False, False, True)


def test_things_are_looked_for_by_name_and_certainty() -> None:
    detection = policy_of(
        object_detect=1,
        object_detect_threshold=0.5,
        object_detect_categories={
            "cell phone": {"count": 1, "score": 0.6, "action": "warning"},
            "laptop": {"count": 1},
            "person": {"count": 2},
            "crib sheet": {"score": 0.3},
        },
    ).detection
    assert detection.object_categories == ("cell phone", "laptop")
    assert (detection.rules[5103].threshold, detection.rules[5104].threshold) == (0.6, 0.5)


def test_things_that_the_client_does_not_know_are_named() -> None:
    categories: Json = ["book", "crib sheet", "person"]
    told = reasons("object_detect_categories", object_detect=True, object_detect_categories=categories)
    assert told == [
        "Not things that this client knows: 'crib sheet'.",
        "People are counted by rule 5002, not looked for as things.",
    ]


def test_several_scores_of_other_things_are_told_of() -> None:
    told = reasons(
        "object_detect_categories",
        object_detect=True,
        object_detect_categories={"laptop": {"score": 0.4}, "cup": {"score": 0.7}},
    )
    assert told == ["Other things have one score here: set detection.rules.5105.threshold."]


def test_a_things_own_score_is_told_in_the_place_of_the_threshold_for_all() -> None:
    settings: dict[str, Json] = {"object_detect": True, "object_detect_threshold": 0.5}
    settings["object_detect_categories"] = {"cell phone": {"score": 0.6}}
    told = {
        line.path: (line.source, line.value) for line in import_settings(settings).mapped if "threshold" in line.path
    }
    assert told == {
        "detection.rules.5103.threshold": ("object_detect_categories", 0.6),
        "detection.rules.5104.threshold": ("object_detect_threshold", 0.5),
        "detection.rules.5105.threshold": ("object_detect_threshold", 0.5),
    }
    settings["object_detect_categories"] = {name: {"score": 0.6} for name in ("cell phone", "book", "laptop")}
    assert reasons("object_detect_threshold", **settings) == [
        "Each thing has a score of its own in object_detect_categories, which counts."
    ]


def test_thresholds_of_things_that_nobody_looks_for_are_left_out() -> None:
    assert policy_of(object_detect=False, object_detect_threshold=0.5).detection.rules == {}


@pytest.mark.parametrize("score", [1.5, -0.1, "high", True])
def test_a_certainty_that_is_none_is_refused(score: Json) -> None:
    with pytest.raises(BadInput, match="object_detect_categories has to be names"):
        import_settings({"object_detect_categories": {"book": {"score": score}}})


@pytest.mark.parametrize("name", ["displays_check", "display_checks"])
def test_one_monitor_by_either_name(name: str) -> None:
    assert policy_of(**{name: 0}).lockdown.single_monitor is False


def test_timeouts_are_milliseconds_and_kept_within_the_policys_bounds() -> None:
    policy = policy_of(rtc_connection_timeout="15000", facemodel_init_timeout=2000)
    assert (policy.upload.connection_timeout_s, policy.capture.start_timeout_s) == (15.0, 5)


@pytest.mark.parametrize("browser", ["*", "Chrome", "Safari", "Edge", "Yandex"])
def test_browsers_have_no_meaning_here_and_that_is_told(browser: str) -> None:
    assert reasons("browser_type", browser_type=browser) == ["The exam runs in this client's own browser."]


def test_the_whole_assignment_settings_are_read() -> None:
    found = import_settings(
        {
            "proctoring_settings": {"fullscreen_mode": True},
            "webhook": {"start_url": "https://lms.example.org/s", "headers": {"Authorization": "Bearer secret-4711"}},
            "exit_url": "https://lms.example.org/done",
        }
    )
    policy = parse_policy(completed(found.policy))
    assert policy.exam.exit_url == "https://lms.example.org/done"
    assert policy.lockdown.kiosk
    assert {line.source for line in found.unmapped} == {"webhook.start_url", "webhook.headers"}
    assert "secret-4711" not in str(found.to_json())


def test_a_sessions_whole_payload_is_read() -> None:
    found = import_settings(
        {
            "assignment": {
                "external_id": "quiz-27",
                "name": "Algebra I",
                "external_url": "https://lms.example.org/quiz/27",
                "settings": {"proctoring_settings": {"content_protect": True}},
            },
            "student": {"external_id": "1349", "firstname": "Sample", "lastname": "Candidate"},
            "application": "desktop",
            "session_data": {"external_id": "attempt-1"},
        }
    )
    policy = parse_policy(completed(found.policy))
    assert (policy.exam.id, policy.exam.title) == ("quiz-27", "Algebra I")
    assert policy.exam.start_url == "https://lms.example.org/quiz/27"
    assert (policy.candidate.id, policy.candidate.name) == ("1349", "Sample Candidate")
    assert policy.lockdown.content_protect
    assert {line.source for line in found.unmapped} == {"application", "session_data.external_id"}


def test_the_same_setting_in_all_its_places_means_the_same() -> None:
    inner: dict[str, Json] = {"proctoring_settings": {"read_clipboard": 1}}
    alone = import_settings({"read_clipboard": 1}).policy
    assert alone == import_settings(inner).policy == import_settings({"assignment": {"settings": inner}}).policy
