"""The page API's native side believes nothing that comes from the renderer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.browser.bridge import CALLS_MAX, CALLS_WINDOW_MS, QUEUE_MAX, PageBridge


class Given:
    """A bridge whose page and time the test sets, and what it sent."""

    def __init__(self, url: str = "https://exam.org/x") -> None:
        self.url = url
        self.now_ms = 0
        self.bridge = PageBridge(["https://exam.org"], lambda: self.url, lambda: self.now_ms)
        self.finished: list[str] = []
        self.told: list[str] = []
        self.bridge.finish_asked.connect(self.finished.append)
        self.bridge.told.connect(lambda text: self.told.append(json.loads(text)["name"]))

    def finish(self, reason: str = "done") -> str | None:
        answer = json.loads(self.bridge.call(json.dumps({"id": 1, "method": "finish", "reason": reason})))
        error = answer["error"]
        assert error is None or isinstance(error, str)
        return error


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "1e999", "[" * 4000, "x" * 5000, '{"id":1,"method":"finish"}',
        '{"id":1,"method":"close","reason":""}', '{"id":true,"method":"finish","reason":""}',
        '{"id":"1","method":"finish","reason":""}', '{"id":1,"method":"finish","reason":7}',
        '{"id":1,"method":"finish","reason":"","more":1}', '{"id":1,"method":["finish"],"reason":""}',
    ],
)  # fmt: skip
def test_what_is_no_call_is_refused(text: str) -> None:
    given_ = Given()
    assert json.loads(given_.bridge.call(text)) == {"id": 0, "error": "The call can't be read."}
    assert given_.finished == []
    assert given_.bridge.refused_calls == 1


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_message_makes_the_bridge_fail(text: str) -> None:
    given_ = Given()
    assert json.loads(given_.bridge.call(text))["error"] is not None


def test_calls_are_limited_in_time() -> None:
    given_ = Given()
    assert [given_.finish() for _ in range(CALLS_MAX)] == [None] * CALLS_MAX
    assert "Too many" in (given_.finish() or "")
    given_.now_ms = CALLS_WINDOW_MS
    assert given_.finish() is None


def test_only_pages_of_the_exams_origins_are_heard() -> None:
    given_ = Given("https://evil.org/")
    given_.bridge.emit_event("apMonitoringStarted")
    given_.bridge.pageReady("https://exam.org")
    assert "may not finish" in (given_.finish() or "")
    assert given_.told == []
    given_.url = "https://exam.org/"
    given_.bridge.pageReady("https://evil.org")
    assert given_.told == []
    given_.bridge.pageReady("https://exam.org")
    assert given_.told == ["apMonitoringStarted"]


def test_events_that_no_page_hears_are_kept_up_to_a_bound_and_the_rest_is_counted() -> None:
    given_ = Given()
    given_.bridge.emit_event("apSetupComplete")
    for number in range(QUEUE_MAX + 7):
        given_.bridge.emit_event("apEvidenceEvent", {"evidenceCode": number})
    assert given_.bridge.dropped_events == 7
    given_.bridge.pageReady("https://exam.org")
    assert given_.told == ["apSetupComplete", "apSetupCompleted", *["apEvidenceEvent"] * QUEUE_MAX]


def test_what_was_heard_is_not_told_to_the_next_page() -> None:
    given_ = Given()
    given_.bridge.emit_event("apErrorEvent", {"errorCode": 4009})
    given_.bridge.heard(1)
    given_.bridge.heard(99)
    given_.bridge.pageReady("https://exam.org")
    assert given_.told == []


@pytest.mark.parametrize(("name", "detail"), [("apNothing", None), ("apMonitoringStarted", {"x": 1}), ("click", {})])
def test_only_events_of_the_page_api_can_be_told(name: str, detail: dict[str, object] | None) -> None:
    with pytest.raises(ValueError, match=name):
        Given().bridge.emit_event(name, None if detail is None else {key: str(value) for key, value in detail.items()})
