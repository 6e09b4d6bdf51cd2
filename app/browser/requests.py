"""Every request of the exam window goes through the URL rules: pages, frames and what they load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QObject, QUrl
from PySide6.QtWebEngineCore import QWebEngineUrlRequestInfo, QWebEngineUrlRequestInterceptor

from app.core.urls import ExamUrls, decide_load

Kind = Literal["page", "frame", "content", "refused"]
_Type = QWebEngineUrlRequestInfo.ResourceType

KIND_OF: dict[_Type, Kind] = {
    _Type.ResourceTypeMainFrame: "page",
    _Type.ResourceTypeNavigationPreloadMainFrame: "page",
    _Type.ResourceTypeSubFrame: "frame",
    _Type.ResourceTypeNavigationPreloadSubFrame: "frame",
    _Type.ResourceTypeStylesheet: "content",
    _Type.ResourceTypeScript: "content",
    _Type.ResourceTypeImage: "content",
    _Type.ResourceTypeFontResource: "content",
    _Type.ResourceTypeSubResource: "content",
    _Type.ResourceTypeMedia: "content",
    _Type.ResourceTypeWorker: "content",
    _Type.ResourceTypeSharedWorker: "content",
    _Type.ResourceTypeServiceWorker: "content",
    _Type.ResourceTypeFavicon: "content",
    _Type.ResourceTypeXhr: "content",
    _Type.ResourceTypeJson: "content",
    _Type.ResourceTypeWebSocket: "content",
    _Type.ResourceTypeUnknown: "content",
    _Type.ResourceTypeObject: "content",
    _Type.ResourceTypePing: "content",  # navigator.sendBeacon: pages save answers with it when they are left
    _Type.ResourceTypePrefetch: "content",
    _Type.ResourceTypeCspReport: "content",
    _Type.ResourceTypePluginResource: "refused",
}


def may_load(exam: ExamUrls, url: str, kind: Kind) -> bool:
    """``data:`` and ``blob:`` carry the page's own content, so they are fine anywhere but as the page itself."""
    if kind == "refused":
        return False
    if kind != "page" and url[:5].lower() in ("data:", "blob:"):
        return True
    if kind == "frame" and url.lower() in ("about:blank", "about:srcdoc"):
        return True
    return decide_load(exam, url).allowed


def encoded(url: QUrl) -> str:
    """The address as it goes over the wire; QUrl would show a prettier one."""
    return url.toString(QUrl.ComponentFormattingOption.FullyEncoded)


class RequestFilter(QWebEngineUrlRequestInterceptor):
    """Blocks what the rules do not allow and hands its address to ``on_blocked``. UI thread."""

    def __init__(self, exam: ExamUrls, on_blocked: Callable[[str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._exam = exam
        self._on_blocked = on_blocked

    def interceptRequest(self, info: QWebEngineUrlRequestInfo) -> None:
        url = encoded(info.requestUrl())
        if not may_load(self._exam, url, KIND_OF.get(info.resourceType(), "refused")):
            info.block(True)
            self._on_blocked(url)
