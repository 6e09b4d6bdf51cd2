"""What a session's entry says of policy and machine, and what it never says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.core.checks import CheckResult
from app.core.policy import Detection, Lockdown, RuleSetting
from app.runtime.build import own_build
from app.runtime.session_facts import key_facts, plain, policy_body, session_body
from tests.fakes.session import TOKEN, exam_policy
from tests.fakes.shell import config_key

KEY = key_facts(config_key(exam_policy(), 7))


def test_the_upload_token_and_the_unlock_password_are_never_in() -> None:
    policy = replace(exam_policy(), lockdown=Lockdown(unlock_password="sha256$5ecret"))
    body = session_body(policy, 1, [CheckResult("system", True, True, "Linux")], ["no grab"], KEY)
    assert TOKEN not in json.dumps(body)
    assert "5ecret" not in json.dumps(body)
    upload = policy_body(exam_policy())["upload"]
    assert isinstance(upload, dict)
    assert "token" not in upload
    assert (upload["endpoint"], upload["exam_id"]) == ("https://api.example", "e")


def test_policy_checks_and_missing_protections_are_in() -> None:
    policy = replace(exam_policy(), detection=Detection(rules={5001: RuleSetting(dwell_s=3.0)}))
    body = session_body(policy, 2, [CheckResult("camera", False, True, "none", "Connect one.", 4010)], ["no grab"], KEY)
    recorded = json.loads(json.dumps(body))
    assert recorded["session"] == 2
    assert recorded["key"] == {"issuer": "Example University", "kid": "kid", "id": "key-7", "serial": 7}
    assert recorded["policy"]["detection"]["rules"]["5001"]["dwell_s"] == 3.0
    assert recorded["policy"]["candidate"]["id"] == "c"
    assert recorded["missing_protections"] == ["no grab"]
    assert recorded["checks"][0]["code"] == 4010


def test_what_has_no_json_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="bytes"):
        plain({"a": (b"x",)})


def test_the_build_that_wrote_it_is_in() -> None:
    body = session_body(exam_policy(), 1, [], [], KEY)
    assert body["build"] == own_build().to_json()
