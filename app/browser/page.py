"""The page of the exam window: what it may do besides showing the exam is, by default, nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtWebEngineCore import (
    QWebEngineCertificateError,
    QWebEngineClientCertificateSelection,
    QWebEngineDesktopMediaRequest,
    QWebEngineFileSystemAccessRequest,
    QWebEngineFullScreenRequest,
    QWebEngineNewWindowRequest,
    QWebEnginePage,
    QWebEnginePermission,
    QWebEngineProfile,
    QWebEngineRegisterProtocolHandlerRequest,
    QWebEngineSettings,
    QWebEngineWebAuthUxRequest,
)

from app.browser.dialogs import PageDialogs
from app.browser.requests import encoded, may_load
from app.core.urls import ExamUrls

_Permission = QWebEnginePermission.PermissionType
_Attribute = QWebEngineSettings.WebAttribute

# Whether the exam page gets it. The client has camera, microphone and screen; a page needs none.
PERMISSIONS: dict[_Permission, bool] = {
    _Permission.Unsupported: False,
    _Permission.MediaAudioCapture: False,
    _Permission.MediaVideoCapture: False,
    _Permission.MediaAudioVideoCapture: False,
    _Permission.DesktopVideoCapture: False,
    _Permission.DesktopAudioVideoCapture: False,
    _Permission.MouseLock: False,
    _Permission.Notifications: False,
    _Permission.Geolocation: False,
    _Permission.ClipboardReadWrite: False,
    _Permission.LocalFontsAccess: False,
}

ATTRIBUTES: dict[_Attribute, bool] = {
    _Attribute.AutoLoadImages: True,
    _Attribute.JavascriptEnabled: True,
    _Attribute.JavascriptCanOpenWindows: True,  # asks us; the policy decides
    _Attribute.JavascriptCanAccessClipboard: False,
    _Attribute.LinksIncludedInFocusChain: True,
    _Attribute.LocalStorageEnabled: True,
    _Attribute.LocalContentCanAccessRemoteUrls: False,
    _Attribute.XSSAuditingEnabled: False,
    _Attribute.SpatialNavigationEnabled: False,
    _Attribute.LocalContentCanAccessFileUrls: False,
    _Attribute.HyperlinkAuditingEnabled: False,
    _Attribute.ScrollAnimatorEnabled: False,
    _Attribute.ErrorPageEnabled: False,
    _Attribute.PluginsEnabled: False,
    _Attribute.FullScreenSupportEnabled: False,
    _Attribute.ScreenCaptureEnabled: False,
    _Attribute.WebGLEnabled: True,
    _Attribute.Accelerated2dCanvasEnabled: True,
    _Attribute.AutoLoadIconsForPage: False,
    _Attribute.TouchIconsEnabled: False,
    _Attribute.FocusOnNavigationEnabled: True,
    _Attribute.PrintElementBackgrounds: False,
    _Attribute.AllowRunningInsecureContent: False,
    _Attribute.AllowGeolocationOnInsecureOrigins: False,
    _Attribute.AllowWindowActivationFromJavaScript: False,
    _Attribute.ShowScrollBars: True,
    _Attribute.PlaybackRequiresUserGesture: False,
    _Attribute.WebRTCPublicInterfacesOnly: True,
    _Attribute.JavascriptCanPaste: False,
    _Attribute.DnsPrefetchEnabled: False,
    _Attribute.PdfViewerEnabled: False,
    _Attribute.NavigateOnDropEnabled: False,
    _Attribute.ReadingFromCanvasEnabled: True,
    _Attribute.ForceDarkMode: False,
    _Attribute.PrintHeaderAndFooter: False,
    _Attribute.PreferCSSMarginsForPrinting: False,
    _Attribute.TouchEventsApiEnabled: False,
    _Attribute.BackForwardCacheEnabled: False,
    _Attribute.TrimAccessibilityIdentifiers: False,
}


class ExamPage(QWebEnginePage):
    """Signals: ``blocked`` with an address, ``untrusted`` with what is wrong with the certificate."""

    blocked = Signal(str)
    untrusted = Signal(str)

    def __init__(
        self,
        profile: QWebEngineProfile,
        exam: ExamUrls,
        new_windows: Literal["block", "same_window"],
        dialogs: PageDialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(profile, parent)
        self._exam = exam
        self._new_windows = new_windows
        self._dialogs = dialogs
        for attribute, on in ATTRIBUTES.items():
            self.settings().setAttribute(attribute, on)
        self.settings().setUnknownUrlSchemePolicy(QWebEngineSettings.UnknownUrlSchemePolicy.DisallowUnknownUrlSchemes)
        self._connect_requests()

    def _connect_requests(self) -> None:
        self.permissionRequested.connect(self._on_permission)
        self.newWindowRequested.connect(self._on_new_window)
        self.certificateError.connect(self._on_certificate)
        for signal in (self.fullScreenRequested, self.fileSystemAccessRequested, self.registerProtocolHandlerRequested):
            signal.connect(_reject)
        for signal in (self.desktopMediaRequested, self.webAuthUxRequested):
            signal.connect(_cancel)
        self.selectClientCertificate.connect(_select_none)

    # ---- Qt asks

    def acceptNavigationRequest(
        self, url: QUrl | str, kind: QWebEnginePage.NavigationType, main_frame: bool, /
    ) -> bool:
        address = encoded(QUrl(url))
        allowed = may_load(self._exam, address, "page" if main_frame else "frame")
        if not allowed:
            self.blocked.emit(address)
        return allowed

    def chooseFiles(
        self, mode: QWebEnginePage.FileSelectionMode, old_files: Sequence[str], mime_types: Sequence[str], /
    ) -> list[str]:
        return []

    def javaScriptAlert(self, origin: QUrl | str, message: str, /) -> None:
        self._dialogs.alert(message)

    def javaScriptConfirm(self, origin: QUrl | str, message: str, /) -> bool:
        return self._dialogs.confirm(message)

    def javaScriptPrompt(self, origin: QUrl | str, message: str, default: str, /) -> tuple[bool, str]:
        return self._dialogs.prompt(message, default)

    def javaScriptConsoleMessage(
        self, level: QWebEnginePage.JavaScriptConsoleMessageLevel, message: str, line: int, source: str, /
    ) -> None:
        """Drops it: a page's console is the page's, and may hold answers."""

    # ---- the page asks

    def _on_permission(self, permission: QWebEnginePermission) -> None:
        if PERMISSIONS.get(permission.permissionType(), False):
            permission.grant()
        else:
            permission.deny()

    def _on_new_window(self, request: QWebEngineNewWindowRequest) -> None:
        url = request.requestedUrl()
        if self._new_windows == "same_window" and may_load(self._exam, encoded(url), "page"):
            self.setUrl(url)
        else:
            self.blocked.emit(encoded(url))

    def _on_certificate(self, error: QWebEngineCertificateError) -> None:
        error.rejectCertificate()
        if error.isMainFrame():
            self.untrusted.emit(error.description())


def _reject(
    request: QWebEngineFullScreenRequest | QWebEngineFileSystemAccessRequest | QWebEngineRegisterProtocolHandlerRequest,
) -> None:
    request.reject()


def _cancel(request: QWebEngineDesktopMediaRequest | QWebEngineWebAuthUxRequest) -> None:
    request.cancel()


def _select_none(selection: QWebEngineClientCertificateSelection) -> None:
    selection.selectNone()
