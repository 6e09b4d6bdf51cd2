"""AutoProctor: an attempt is opened by its id and the hash that only the institution can make."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from app.backend.errors import ApiError
from app.backend.lms_autoproctor_options import REASONS, SWITCHES, import_options
from tests.fakes.lms import LmsBackend

PATH = "/api/v2/test-attempts/"
OPTIONS = {
    "audio": True,
    "numHumans": True,
    "tabSwitch": True,
    "captureSwitchedTab": True,
    "photosAtRandom": True,
    "numPhotosAtRandom": 25,
    "detectMultipleScreens": True,
    "recordSession": True,
    "testTakerPhoto": True,
    "forceDesktop": False,
    "auxiliaryDevice": False,
    "multiSessionAttempt": False,
    "impersonation": False,
    "idCardVerification": None,
}
"""The vendor's published options."""


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmsBackend]:
    with LmsBackend(tmp_path / "data") as running:
        yield running


@pytest.fixture
def client(backend: LmsBackend) -> dict[str, Any]:
    return backend.admit("autoproctor")


def hashed(attempt_id: str, secret: str, *, as_hex: bool = False) -> str:
    digest = hmac.new(secret.encode(), attempt_id.encode(), hashlib.sha256)
    return digest.hexdigest() if as_hex else base64.b64encode(digest.digest()).decode()


def post(
    backend: LmsBackend, client: dict[str, Any], attempt_id: str = "attempt-42", **fields: Any
) -> requests.Response:
    body = {
        "clientId": client["clientId"],
        "testAttemptId": attempt_id,
        "hashedTestAttemptId": hashed(attempt_id, client["clientSecret"]),
        "trackingOptions": OPTIONS,
        "userDetails": {"name": "Sample Candidate", "email": "sample@example.org"},
        "external_url": "https://lms.example.org/quiz",
    } | fields
    return backend.ask("POST", PATH, key=None, json=body)


@pytest.mark.parametrize("as_hex", [False, True])
def test_the_hash_is_accepted_in_base64_and_in_hex(backend: LmsBackend, client: dict[str, Any], as_hex: bool) -> None:
    given = hashed("attempt-42", client["clientSecret"], as_hex=as_hex)
    answer = post(backend, client, hashedTestAttemptId=given)
    assert answer.status_code == 200, answer.text
    assert answer.json()["testAttemptId"] == "attempt-42"
    policy = backend.key_of(answer.json()["external_session"]["token"]).policy
    assert (policy.candidate.name, policy.candidate.email) == ("Sample Candidate", "sample@example.org")
    assert (policy.evidence.mode, policy.identity.photo, policy.capture.second_camera) == ("continuous", True, False)
    assert policy.exam.start_url == "https://lms.example.org/quiz"


def test_a_hash_of_something_else_opens_nothing(backend: LmsBackend, client: dict[str, Any]) -> None:
    secret = client["clientSecret"]
    wrong = [
        hashed("attempt-43", secret),
        hashed("attempt-42", "another-secret-0123"),
        hashlib.sha256(f"attempt-42{secret}".encode()).hexdigest(),
        "",
        "x",
    ]
    for given in wrong:
        assert post(backend, client, hashedTestAttemptId=given).status_code == 401
    assert post(backend, client, clientId="unknown").status_code == 401
    for name in ("clientId", "testAttemptId", "hashedTestAttemptId"):
        nothing: dict[str, Any] = {name: None}
        assert post(backend, client, **nothing).status_code == 401


def test_another_kind_of_pair_opens_no_attempt(backend: LmsBackend) -> None:
    pair = backend.admit("invigil")
    assert post(backend, {"clientId": pair["publicKey"], "clientSecret": pair["privateKey"]}).status_code == 401


def test_the_attempt_is_resumed_and_cannot_be_loosened(backend: LmsBackend, client: dict[str, Any]) -> None:
    """Id and hash are on the candidate's page: whoever has them may come back, and change nothing."""
    first = post(backend, client, lookupKey="algebra").json()
    key = backend.key_of(first["access_token"])
    loose: dict[str, Any] = {
        "trackingOptions": {"audio": False, "recordSession": False},
        "external_url": "https://example.org/",
    }
    again = post(backend, client, **loose, userDetails={"name": "Somebody Else"}, lookupKey="other").json()
    assert again["access_token"] == first["access_token"]
    assert backend.key_of(again["access_token"]).token == key.token
    assert any("keeps the settings" in note for note in again["notes"])


def test_only_the_first_answer_leads_to_the_report(backend: LmsBackend, client: dict[str, Any]) -> None:
    first = post(backend, client).json()
    assert backend.ask("GET", first["report_url"], key=None).status_code == 200
    report_token = first["report_url"].split("token=")[1]
    for again in (post(backend, client), post(backend, client, lookupKey="other")):
        assert again.json()["report_url"] is None
        assert report_token not in again.text
    backend.hand_in(backend.key_of(first["access_token"]), "attempt-of-the-client")
    assert post(backend, client).json()["report_url"] is None


def test_each_attempt_has_a_report_of_its_own(backend: LmsBackend, client: dict[str, Any]) -> None:
    links = {post(backend, client, attempt).json()["report_url"] for attempt in ("attempt-42", "attempt-43")}
    assert None not in links
    assert len(links) == 2


def test_a_lookup_key_names_the_exam(backend: LmsBackend, client: dict[str, Any]) -> None:
    backend.store_key("algebra", exam__instructions="Calculators are allowed.")
    body = post(backend, client, lookupKey="algebra", trackingOptions={}).json()
    policy = backend.key_of(body["access_token"]).policy
    assert (policy.exam.id, policy.exam.instructions) == ("algebra", "Calculators are allowed.")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"trackingOptions": {"audio": "yes"}}, "trackingOptions.audio"),
        ({"trackingOptions": [1]}, "trackingOptions"),
        ({"userDetails": "me"}, "userDetails"),
    ],
)
def test_wrong_options_are_named(
    backend: LmsBackend, client: dict[str, Any], fields: dict[str, Any], path: str
) -> None:
    answer = post(backend, client, **fields)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == [path]


def test_an_attempts_id_has_at_most_forty_characters(backend: LmsBackend, client: dict[str, Any]) -> None:
    assert post(backend, client, "a" * 40).status_code == 200
    assert post(backend, client, "a" * 41).status_code == 400


def test_every_published_option_is_mapped_or_has_a_reason() -> None:
    result = import_options({"trackingOptions": OPTIONS | {"forceFullScreen": False, "novelty": 1}})
    told = {line["source"].removeprefix("trackingOptions.") for line in [*result["mapped"], *result["unmapped"]]}
    assert told == set(OPTIONS) | {"forceFullScreen", "novelty"}
    assert not set(SWITCHES) & set(REASONS)


def test_the_vendors_defaults_apply_where_nothing_is_said() -> None:
    policy = import_options({})["policy"]
    assert policy["capture"] == {"microphone": True, "screen": True, "second_camera": False}
    assert policy["evidence"]["mode"] == "clips"
    assert import_options({"track": {"audio": False}})["policy"]["capture"]["microphone"] is False


def test_comparing_faces_needs_the_photo() -> None:
    assert import_options({"trackingOptions": {"impersonation": True}})["policy"]["identity"] == {
        "photo": True,
        "ongoing": True,
    }
    with pytest.raises(ApiError):
        import_options({"trackingOptions": {"impersonation": 1}})
