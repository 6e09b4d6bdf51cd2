"""Tables over Qt's enums name every member, so that a new Qt breaks a test and not an exam."""

from __future__ import annotations

import pytest
from PySide6.QtWebEngineCore import QWebEnginePermission, QWebEngineSettings, QWebEngineUrlRequestInfo

from app.browser.page import ATTRIBUTES, PERMISSIONS
from app.browser.requests import KIND_OF, Kind, may_load
from app.core.urls import exam_urls


def test_every_resource_type_has_a_kind() -> None:
    assert set(KIND_OF) == set(QWebEngineUrlRequestInfo.ResourceType)


def test_every_permission_is_decided_and_none_is_granted() -> None:
    assert set(PERMISSIONS) == set(QWebEnginePermission.PermissionType)
    assert not any(PERMISSIONS.values())


def test_every_setting_is_decided() -> None:
    assert set(ATTRIBUTES) == set(QWebEngineSettings.WebAttribute)


@pytest.mark.parametrize(
    ("url", "kind", "allowed"),
    [
        ("http://exam.org/x", "page", True),
        ("http://other.org/x", "page", False),
        ("http://other.org/x", "content", False),
        ("data:text/html,x", "page", False),
        ("DATA:text/html,x", "frame", True),
        ("blob:http://exam.org/1", "content", True),
        ("blob:http://exam.org/1", "page", False),
        ("about:blank", "frame", True),
        ("about:blank", "page", False),
        ("about:srcdoc", "frame", True),
        ("about:config", "frame", False),
        ("file:///x", "content", False),
        ("http://exam.org/x", "refused", False),
        ("", "page", False),
    ],
)
def test_what_may_load_as_what(url: str, kind: Kind, allowed: bool) -> None:
    assert may_load(exam_urls("http://exam.org/", [], []), url, kind) is allowed
