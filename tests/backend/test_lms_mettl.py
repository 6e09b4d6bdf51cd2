"""Mettl's API: signed as its integrators sign it, or as we would have it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from app.backend.lms_mettl import MSB_KEY_MAX
from app.core.short_codes import new_code
from tests.fakes.lms import LmsBackend, mettl_signed, signed

PATH = "/v1/init"
DOCUMENT = Path(__file__).parents[2] / "docs" / "lms.md"
OLD_PAIR = {"publicKey": "894929d4-0000-424a-8ffb-3fb08f54d347", "privateKey": "0db1242e-0000-4375-89ad-584e9618e7b7"}
DEMO: dict[str, Any] = {
    "pauseResume": True,
    "initialState": "paused",
    "endTest": True,
    "msb": True,
    "navigationControl": True,
    "skipId": True,
    "skipIdAndPhoto": False,
    "candidatePhotoUrl": "https://lms.example.org/photos/s1234.jpg",
}


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmsBackend]:
    with LmsBackend(tmp_path / "data") as running:
        yield running


@pytest.fixture
def pair(backend: LmsBackend) -> dict[str, Any]:
    return backend.admit("mettl")


def body_of(pair: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The Init body that public integrations send."""
    return {
        "publicKey": pair["publicKey"],
        "userId": "s1234",
        "groupName": "algebra-1",
        "proctoringSettings": {
            "screenCapture": True,
            "recording": True,
            "audioProctoring": True,
            "authorization": False,
        },
        "expiryTime": 6,
        "userMetaData": {"name": "Sample Candidate", "email": "sample@example.org", "courseId": 7},
        "external_url": "https://lms.example.org/algebra",
    } | fields


def init(backend: LmsBackend, pair: dict[str, Any], **fields: Any) -> requests.Response:
    return backend.ask("POST", PATH, key=None, **mettl_signed(body_of(pair, **fields), pair["privateKey"]))


def data_of(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"data"}
    found: dict[str, Any] = json.loads(answer.json()["data"])
    return found


def now_s(backend: LmsBackend) -> int:
    return backend.clock.now().utc_ns // 10**9


def test_a_body_signed_the_vendors_way_opens_a_session(backend: LmsBackend, pair: dict[str, Any]) -> None:
    policy = backend.key_of(data_of(init(backend, pair))["token"]).policy
    assert (policy.exam.id, policy.exam.start_url) == ("algebra-1", "https://lms.example.org/algebra")
    assert (policy.candidate.id, policy.candidate.name) == ("s1234", "Sample Candidate")
    assert (policy.candidate.email, policy.candidate.group) == ("sample@example.org", "algebra-1")
    assert (policy.capture.screen, policy.evidence.mode, policy.upload.offline_limit_min) == (True, "continuous", 6)
    assert policy.live.endpoint == backend.url


def test_an_existing_pair_of_keys_goes_on_working(backend: LmsBackend) -> None:
    made = backend.admit("mettl", **OLD_PAIR)
    assert (made["publicKey"], made["privateKey"]) == (OLD_PAIR["publicKey"], OLD_PAIR["privateKey"])
    assert init(backend, OLD_PAIR).status_code == 200


def test_all_settings_of_the_demonstration_are_taken(backend: LmsBackend, pair: dict[str, Any]) -> None:
    answer = data_of(init(backend, pair, **DEMO))
    policy = backend.key_of(answer["token"]).policy
    assert (policy.live.pause_resume, policy.live.initial_state, policy.live.end_test) == (True, "paused", True)
    assert policy.live.endpoint == backend.url
    assert (policy.lockdown.kiosk, policy.lockdown.grab_keyboard) == (True, True)
    assert (policy.identity.id_document, policy.identity.photo) == (False, True)
    assert policy.identity.reference_photo_url == DEMO["candidatePhotoUrl"]
    assert any("policy.live.pause_resume" in note for note in answer["notes"])
    assert any(one["source"] == "userMetaData.courseId" for one in answer["unmapped"])


def test_the_same_request_again_gives_the_same_session(backend: LmsBackend, pair: dict[str, Any]) -> None:
    assert data_of(init(backend, pair)) == data_of(init(backend, pair))


@pytest.mark.parametrize("how", ["body", "signature", "key", "none", "length"])
def test_a_signature_that_does_not_fit_is_refused(backend: LmsBackend, pair: dict[str, Any], how: str) -> None:
    request = mettl_signed(body_of(pair), pair["privateKey"])
    if how == "body":
        request["data"] = request["data"].replace("s1234", "s9999")
    elif how == "signature":
        first = request["headers"]["Authorization"][0]
        request["headers"]["Authorization"] = ("0" if first != "0" else "1") + request["headers"]["Authorization"][1:]
    elif how == "key":
        request = mettl_signed(body_of(pair | {"publicKey": "pk_unknown"}), pair["privateKey"])
    elif how == "none":
        del request["headers"]["Authorization"]
    else:
        request["headers"]["Authorization"] = request["headers"]["Authorization"][:-2]
    answer = backend.ask("POST", PATH, key=None, **request)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert pair["privateKey"] not in answer.text


def test_the_vendors_signature_can_be_switched_off(backend: LmsBackend) -> None:
    pair = backend.admit("mettl", legacySignature=False)
    answer = init(backend, pair)
    assert answer.status_code == 401
    assert "HMAC-SHA256" in answer.json()["error"]["message"]
    request = signed("POST", PATH, body_of(pair), pair, now_s(backend))
    assert backend.ask("POST", PATH, key=None, **request).status_code == 200


@pytest.mark.parametrize("kind", ["mettl", "invigil"])
def test_a_new_pair_signs_with_hmac_sha256(backend: LmsBackend, kind: str) -> None:
    pair = backend.admit(kind)
    request = signed("POST", PATH, body_of(pair), pair, now_s(backend))
    assert data_of(backend.ask("POST", PATH, key=None, **request))["token"]


def test_an_invigil_pair_does_not_sign_the_older_way(backend: LmsBackend) -> None:
    assert init(backend, backend.admit("invigil")).status_code == 401


def test_a_signed_request_is_accepted_once(backend: LmsBackend, pair: dict[str, Any]) -> None:
    request = signed("POST", PATH, body_of(pair), pair, now_s(backend))
    assert backend.ask("POST", PATH, key=None, **request).status_code == 200
    again = backend.ask("POST", PATH, key=None, **request)
    assert again.status_code == 401
    assert "before" in again.json()["error"]["message"]
    other_case = request | {
        "headers": request["headers"]
        | {"Authorization": request["headers"]["Authorization"].replace("HMAC-SHA256 ", "HMAC-SHA256  ").upper()}
    }
    assert backend.ask("POST", PATH, key=None, **other_case).status_code == 401
    backend.clock.ahead_s = 200
    assert backend.ask("POST", PATH, key=None, **request).status_code == 401


def test_a_parameter_makes_a_request_of_the_same_second_another_one(backend: LmsBackend, pair: dict[str, Any]) -> None:
    at_s = now_s(backend)
    for nonce in ("nonce=1", "nonce=2"):
        request = signed("POST", PATH, body_of(pair), pair, at_s, nonce)
        assert backend.ask("POST", f"{PATH}?{nonce}", key=None, **request).status_code == 200


@pytest.mark.parametrize("off_s", [-3600, -301, 302])
def test_a_request_of_another_time_is_refused_with_the_servers(
    backend: LmsBackend, pair: dict[str, Any], off_s: int
) -> None:
    request = signed("POST", PATH, body_of(pair), pair, now_s(backend) + off_s)
    answer = backend.ask("POST", PATH, key=None, **request)
    assert answer.status_code == 401
    year = backend.ask("GET", "/health", key=None).json()["time"][:13]
    assert year in answer.json()["error"]["message"]


@pytest.mark.parametrize("off_s", [-290, 290])
def test_a_clock_that_is_a_little_off_does_not_matter(backend: LmsBackend, pair: dict[str, Any], off_s: int) -> None:
    request = signed("POST", PATH, body_of(pair), pair, now_s(backend) + off_s)
    assert backend.ask("POST", PATH, key=None, **request).status_code == 200


@pytest.mark.parametrize("how", ["method", "path", "query", "body", "time", "no time", "odd time"])
def test_each_part_of_a_request_is_covered(backend: LmsBackend, pair: dict[str, Any], how: str) -> None:
    at_s = now_s(backend)
    method = "PUT" if how == "method" else "POST"
    request = signed(method, "/v1/other" if how == "path" else PATH, body_of(pair), pair, at_s)
    path = f"{PATH}?a=1" if how == "query" else PATH
    if how == "body":
        request["data"] += " "
    if how == "time":
        request["headers"]["X-Invigil-Timestamp"] = str(at_s + 1)
    if how == "no time":
        del request["headers"]["X-Invigil-Timestamp"]
    if how == "odd time":
        request["headers"]["X-Invigil-Timestamp"] = "9" * 400
    assert backend.ask("POST", path, key=None, **request).status_code == 401


def test_an_msb_key_names_a_config_key_that_is_kept(backend: LmsBackend, pair: dict[str, Any]) -> None:
    stored = backend.store_key("algebra-final", exam__instructions="Calculators are allowed.")
    for reference in (stored["id"], stored["code"], stored["code"].lower().replace("-", " "), stored["token"]):
        fields = {"msbKey": reference, "external_url": ""}
        answer = data_of(init(backend, pair, **fields))
        policy = backend.key_of(answer["token"]).policy
        assert policy.exam.instructions == "Calculators are allowed."
        assert (policy.exam.id, policy.exam.title) == ("algebra-final", "Algebra I")
        assert policy.exam.start_url == "https://exams.example.org/algebra"
        assert not any(one["source"].endswith("msbKey") for one in answer["unmapped"])


def test_an_msb_key_stands_for_its_successors_too(backend: LmsBackend, pair: dict[str, Any]) -> None:
    stored = backend.store_key("algebra-final")
    token = data_of(init(backend, pair, msbKey=stored["id"]))["token"]
    backend.store_key("algebra-final", serial=2, exam__instructions="Bring a pen.")
    assert backend.key_of(token).policy.exam.instructions == "Bring a pen."


@pytest.mark.parametrize("reference", ["key_unknown", "2222-2222-9", "eyJhbGciOiJFZERTQSJ9.e30.AAAA", "x" * 5000])
def test_an_msb_key_that_is_not_known_is_refused(backend: LmsBackend, pair: dict[str, Any], reference: str) -> None:
    answer = init(backend, pair, msbKey=reference)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["msbKey"]


@pytest.mark.parametrize("path", ["userId", "groupName"])
def test_what_is_mandatory_in_the_demonstration_is_mandatory(
    backend: LmsBackend, pair: dict[str, Any], path: str
) -> None:
    body = body_of(pair)
    del body[path]
    answer = backend.ask("POST", PATH, key=None, **mettl_signed(body, pair["privateKey"]))
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == [path]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"[" * 50_000, b'{"publicKey": 1}'])
def test_a_body_that_is_no_request_is_refused(backend: LmsBackend, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "A" * 50}
    answer = backend.ask("POST", PATH, key=None, data=body, headers=headers)
    assert answer.status_code in (400, 401)


def test_a_body_that_is_far_too_long_is_not_hashed(backend: LmsBackend, pair: dict[str, Any]) -> None:
    answer = init(backend, pair, userMetaData={"name": "x" * 300_000})
    assert answer.status_code == 400
    assert "kB" in answer.json()["error"]["message"]


def test_an_msb_key_may_be_as_long_as_it_is_said_to_be(backend: LmsBackend, pair: dict[str, Any]) -> None:
    said = [
        init(backend, pair, msbKey="x" * length).json()["error"]["details"][0]
        for length in (MSB_KEY_MAX, MSB_KEY_MAX + 1)
    ]
    assert [one["field"] for one in said] == ["msbKey", "msbKey"]
    assert ["is kept here" in one["issue"] for one in said] == [True, False]
    assert f"{MSB_KEY_MAX:,}".replace(",", " ") in DOCUMENT.read_text(encoding="utf-8")


def test_codes_cannot_be_guessed_as_msb_keys(backend: LmsBackend, pair: dict[str, Any]) -> None:
    statuses = [init(backend, pair, msbKey=new_code(secrets.randbelow)).status_code for _ in range(12)]
    assert statuses == [400] * 10 + [429] * 2
    stored = backend.store_key("algebra-9")
    assert init(backend, pair, msbKey=stored["code"]).status_code == 429, "a right one has to wait as well"
