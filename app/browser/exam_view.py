"""The exam window's browser: one page, its own profile, and no way out of what the policy allows."""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QContextMenuEvent, QKeySequence, QShortcut
from PySide6.QtWebChannel import QWebChannel
from PySide6.QtWebEngineCore import (
    QWebEngineDownloadRequest,
    QWebEngineLoadingInfo,
    QWebEnginePage,
    QWebEngineProfile,
    QWebEngineProfileBuilder,
    QWebEngineScript,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.browser.bridge import PageBridge, page_scripts
from app.browser.dialogs import PageDialogs
from app.browser.page import ExamPage
from app.browser.requests import RequestFilter, encoded
from app.core.policy import Browser
from app.core.types import Json
from app.core.urls import exam_urls, origin_text

ZOOM_MIN, ZOOM_MAX = 0.5, 3.0
_ZOOM_STEPS = (0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
_RELOADS_MAX, _RELOADS_WINDOW_MS, _RELOAD_AFTER_MS = 5, 60_000, 300
_BLOCKED_BY_CLIENT = -20  # Chromium's net error for what the request filter refuses
_BLOCKED_MAX, _BLOCKED_WINDOW_MS = 20, 10_000


class ExamView(QWidget):
    """Shows the exam. UI thread only; made before ``load()``, given back by ``close_browser()``.

    ``finished_by_page``: the page asked to finish, with its reason (at most 5 times in 10 s).
    ``load_failed``: a sentence for the candidate; ``load()`` tries again.
    ``page_ready``: a page can be told events. ``blocked``: an address was refused (at most 20 in 10 s).
    ``renderer_crashed``: the page is loaded again by itself. ``closed``: page and profile are gone.

    With ``storage_dir`` the page's local storage lives there, so that a restarted client finds the
    answers again; whoever gave it deletes it when the attempt is over. Without it nothing is kept.
    Raises BadInput for broken URL rules or a start address that is no web page.
    """

    finished_by_page = Signal(str)
    load_failed = Signal(str)
    page_ready = Signal()
    blocked = Signal(str)
    renderer_crashed = Signal()
    closed = Signal()

    def __init__(
        self,
        policy: Browser,
        start_url: str,
        page_script: str,
        parent: QWidget | None = None,
        *,
        storage_dir: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self._exam = exam_urls(start_url, policy.allow, policy.block)
        self._start_url = QUrl(start_url)
        self._time = QElapsedTimer()
        self._time.start()
        self._reloads: deque[int] = deque(maxlen=_RELOADS_MAX)
        self._blocked: deque[int] = deque(maxlen=_BLOCKED_MAX)
        self._closing = False
        self._api_origins = [o for o in map(origin_text, (start_url, *policy.page_api_origins)) if o is not None]

        self._profile = _profile(storage_dir)
        self._profile.setHttpUserAgent(_user_agent(self._profile.httpUserAgent(), policy.user_agent_suffix))
        self._filter = RequestFilter(self._exam, self._on_blocked, self._profile)
        self._profile.setUrlRequestInterceptor(self._filter)
        self._profile.downloadRequested.connect(_cancel_download)
        self._dialogs = PageDialogs(self, self._now_ms)
        self._page = ExamPage(self._profile, self._exam, policy.new_windows, self._dialogs)
        self._bridge = PageBridge(self._api_origins, self._shown_url, self._now_ms, self._page)
        self._channel = QWebChannel(self._page)
        self._install_page_api(page_script)
        self._view = _View(self._page, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.setFocusProxy(self._view)
        self._connect()
        self._add_zoom_keys()

    # ---- what the window's owner calls

    def load(self) -> None:
        """Opens the start page."""
        if not self._closing:
            self._page.load(self._start_url)

    def title(self) -> str:
        """The title of the page that is shown."""
        return "" if self._closing else self._page.title()

    def emit_event(self, name: str, detail: Mapping[str, Json] | None = None) -> None:
        """Tells the page; waits until one is ready. Raises ValueError for what the page API does not have."""
        self._bridge.emit_event(name, detail)

    def close_browser(self) -> None:
        """Tears down the page, then its profile with cookies and cache; ``closed`` says when. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        self._dialogs.close()
        self._channel.deregisterObject(self._bridge)
        page, profile = self._page, self._profile
        profile.cookieStore().deleteAllCookies()
        profile.clearHttpCache()
        profile.clearAllVisitedLinks()
        page.destroyed.connect(profile.deleteLater)
        profile.destroyed.connect(self.closed)
        self._view.hide()
        self._view.deleteLater()
        page.deleteLater()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.close_browser()
        super().closeEvent(event)

    # ---- set-up

    def _install_page_api(self, page_script: str) -> None:
        self._channel.registerObject("invigil", self._bridge)
        self._page.setWebChannel(self._channel, QWebEngineScript.ScriptWorldId.ApplicationWorld.value)
        # Made anew for each use: QtWebEngine forgets all copies of a script where it forgets one.
        self._new_scripts = partial(page_scripts, page_script, self._api_origins, f"invigil-{secrets.token_hex(16)}")
        self._profile.scripts().insert(self._new_scripts())
        self._page.scripts().insert(self._new_scripts())

    def _restore_page_api(self) -> None:
        """WORKAROUND(Qt 6.12): a renderer that is started again after a crash knows none of the profile's
        scripts, and a page forgets its own when it refuses a navigation to another site. So both have them,
        the script runs once in each document, and after a crash the page's are inserted anew.
        """
        self._page.scripts().clear()
        self._page.scripts().insert(self._new_scripts())

    def _connect(self) -> None:
        self._bridge.finish_asked.connect(self.finished_by_page)
        self._bridge.page_ready.connect(self.page_ready)
        self._page.blocked.connect(self._on_blocked)
        self._page.untrusted.connect(self._on_untrusted)
        self._page.loadingChanged.connect(self._on_loading)
        self._page.renderProcessTerminated.connect(self._on_renderer_gone)

    def _add_zoom_keys(self) -> None:
        for keys, step in (("Ctrl++", 1), ("Ctrl+=", 1), ("Ctrl+-", -1), ("Ctrl+0", 0)):
            shortcut = QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self.zoom, step))

    def zoom(self, step: int) -> None:
        """One step larger (1) or smaller (-1), or back to 100 % (0)."""
        self._page.setZoomFactor(next_zoom(self._page.zoomFactor(), step))

    def set_zoom(self, factor: float) -> None:
        """Shows the page at ``factor``, within 50-300 %."""
        self._page.setZoomFactor(min(ZOOM_MAX, max(ZOOM_MIN, factor)))

    # ---- what the browser reports

    def _on_loading(self, info: QWebEngineLoadingInfo) -> None:
        status = info.status()
        if status == QWebEngineLoadingInfo.LoadStatus.LoadSucceededStatus:
            if origin_text(self._shown_url()) not in self._api_origins:
                self.page_ready.emit()
        elif status == QWebEngineLoadingInfo.LoadStatus.LoadFailedStatus and not self._closing:
            sentence = _failure(info, self._start_url)
            if sentence is not None:
                self.load_failed.emit(sentence)

    def _on_blocked(self, url: str) -> None:
        now = self._now_ms()
        if len(self._blocked) == _BLOCKED_MAX and now - self._blocked[0] < _BLOCKED_WINDOW_MS:
            return
        self._blocked.append(now)
        self.blocked.emit(url)

    def _on_untrusted(self, problem: str) -> None:
        self.load_failed.emit(
            f"The certificate of the exam page at {self._start_url.host()} can't be trusted ({problem}); "
            "tell your institution."
        )

    def _on_renderer_gone(self, status: QWebEnginePage.RenderProcessTerminationStatus, code: int) -> None:
        if self._closing:
            return
        self.renderer_crashed.emit()
        now = self._now_ms()
        if len(self._reloads) == _RELOADS_MAX and now - self._reloads[0] < _RELOADS_WINDOW_MS:
            self.load_failed.emit("The exam page keeps crashing; wait for help, your answers so far are on the server.")
            return
        self._reloads.append(now)
        QTimer.singleShot(_RELOAD_AFTER_MS, self, self._reload)

    def _reload(self) -> None:
        if not self._closing:
            self._restore_page_api()
            shown = self._page.url()
            self._page.load(shown if shown.scheme() in ("http", "https") else self._start_url)

    def _shown_url(self) -> str:
        return encoded(self._page.url())

    def _now_ms(self) -> int:
        return self._time.elapsed()


class _View(QWebEngineView):
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()


def next_zoom(factor: float, step: int) -> float:
    """The neighbour of ``factor`` in the table of zoom steps, within 50-300 %."""
    if step == 0:
        return 1.0
    if step > 0:
        return next((f for f in _ZOOM_STEPS if f > factor + 0.01), ZOOM_MAX)
    return next((f for f in reversed(_ZOOM_STEPS) if f < factor - 0.01), ZOOM_MIN)


def _profile(storage_dir: Path | None) -> QWebEngineProfile:
    if storage_dir is None:
        profile = QWebEngineProfileBuilder.createOffTheRecordProfile()
    else:
        builder = QWebEngineProfileBuilder()
        builder.setPersistentStoragePath(str(storage_dir / "storage"))
        builder.setCachePath(str(storage_dir / "cache"))
        builder.setPersistentCookiesPolicy(QWebEngineProfile.PersistentCookiesPolicy.ForcePersistentCookies)
        profile = builder.createProfile("exam")
    profile.setHttpCacheType(QWebEngineProfile.HttpCacheType.MemoryHttpCache)
    profile.setPersistentPermissionsPolicy(QWebEngineProfile.PersistentPermissionsPolicy.AskEveryTime)
    profile.setSpellCheckEnabled(False)
    profile.setPushServiceEnabled(False)
    return profile


def _user_agent(engine: str, suffix: str) -> str:
    """The engine's own name with the policy's suffix, as far as a header can carry it."""
    return f"{engine} {re.sub(r'[^ -~]', '', suffix)[:80]}".strip()


def _cancel_download(download: QWebEngineDownloadRequest) -> None:
    download.cancel()


def _failure(info: QWebEngineLoadingInfo, start_url: QUrl) -> str | None:
    """What to tell the candidate; None where a rule or a certificate stopped the page, which others tell."""
    domain, code = info.errorDomain(), info.errorCode()
    host = info.url().host() or start_url.host()
    if domain == QWebEngineLoadingInfo.ErrorDomain.CertificateErrorDomain or code == _BLOCKED_BY_CLIENT:
        return None
    if domain == QWebEngineLoadingInfo.ErrorDomain.HttpStatusCodeDomain:
        return f"The exam server {host} answered with error {code}; wait a moment, then try again."
    if domain == QWebEngineLoadingInfo.ErrorDomain.DnsErrorDomain:
        return f"The exam server {host} can't be found; check the network connection, then try again."
    return (
        f"The exam page at {host} can't be opened ({info.errorString()}); check the network connection, then try again."
    )
