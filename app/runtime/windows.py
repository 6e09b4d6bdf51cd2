"""The client's windows as the session sees them: every call is queued to the UI thread, none waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from PySide6.QtCore import QTimer

from app.browser.exam_view import ExamView
from app.core.checks import CheckResult
from app.core.hold import HoldView
from app.core.policy import Policy
from app.core.types import Frame, Json, Stream
from app.core.verdict import VerdictView
from app.runtime.bridge import LatestOnly, UiBridge, to_image
from app.runtime.checks import required_failed, result_json
from app.runtime.status import StatusFile
from app.ui.kiosk import Kiosk
from app.ui.main_window import ClientWindow

BATTERY_INTERVAL_MS = 30_000


class Windows:
    """Implements the shell's ``Face`` and the identity step's. Built on the UI thread; any thread may call."""

    def __init__(self, window: ClientWindow, kiosk: Kiosk, page_script: Path, status: StatusFile) -> None:
        self._window = window
        self._kiosk = kiosk
        self._page_script = page_script
        self._status = status
        self._bridge = UiBridge()
        self._picture = LatestOnly(self._bridge, window.set_preview)
        self._view: ExamView | None = None
        self._pages: Path | None = None
        self._upload_trouble = ""
        self._battery = QTimer()
        self._battery.timeout.connect(self._show_battery)
        self.on_page_finished: Callable[[str], None] = lambda _reason: None
        self.on_url_blocked: Callable[[str], None] = lambda _url: None
        window.page_changed.connect(lambda page: status.write(page=page))
        window.zoom_changed.connect(self._zoom)

    def keep_pages_in(self, folder: Path) -> None:
        """Where a restarted client finds again what the exam's pages had stored."""
        self._pages = folder

    def run(self, work: Callable[[], None]) -> None:
        self._bridge.run(work)

    # ---- Face

    def show_opening(self, title: str) -> None:
        self.run(lambda: self._window.show_opening(title))

    def show_start(self, problem: str) -> None:
        self.run(lambda: self._window.show_start(problem))

    def show_checks(self, results: list[CheckResult], running: bool) -> None:
        self.run(lambda: self._show_checks(results, running))

    def show_verdict(self, view: VerdictView) -> None:
        self.run(lambda: self._verdict(view))

    def show_consent(self, policy: Policy) -> None:
        self.run(lambda: self._window.show_consent(policy))

    def show_identity(self, policy: Policy) -> None:
        self.run(lambda: self._window.show_identity(policy))

    def show_picture(self, frame: Frame) -> None:
        self._picture.offer(frame.pixels)

    def show_level(self, dbfs: float, speech: bool) -> None:
        self.run(lambda: self._window.set_mic_level(dbfs, speech))

    def show_hint(self, hint: str) -> None:
        self.run(lambda: self._window.set_identity_hint(hint))

    def show_photo(self, frame: Frame) -> None:
        image = to_image(frame.pixels)
        self.run(lambda: self._window.set_photo(image))

    def show_exam(self, policy: Policy) -> None:
        self.run(lambda: self._open_exam(policy))

    def show_lockdown_problem(self, sentence: str) -> None:
        advice = "Close other programs and try again. If it goes on, ask your institution for help."
        self.run(lambda: self._window.show_lockdown_problem(sentence, advice))

    def show_paused(self, reason: str) -> None:
        self.run(lambda: self._window.show_paused(reason))

    def hide_paused(self) -> None:
        self.run(self._window.hide_paused)

    def show_hold(self, view: HoldView) -> None:
        self.run(lambda: self._hold(view))

    def hide_hold(self) -> None:
        self.run(self._window.hide_hold)

    def show_finishing(self) -> None:
        self.run(self._close_exam)

    def show_uploading(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None:
        self.run(lambda: self._uploading(done_bytes, total_bytes, files_left, sentence))

    def show_done(self, report_url: str | None, lines: list[str], left: bool) -> None:
        title = "You left the exam" if left else "Your exam is handed in"
        self.run(lambda: self._window.show_done(title, report_url, lines))

    def show_aborted(self, reason: str) -> None:
        advice = "Nothing was kept or sent. You can close this window."
        self.run(lambda: self._window.show_aborted(reason, advice))

    def show_failure(self, sentence: str) -> None:
        advice = "Nothing is lost. It is tried again every few seconds; you can also close the window and start again."
        title = "Your exam can't be handed in yet"
        self.run(lambda: self._window.show_problem(title, sentence, advice, retry=True))

    def notice(self, text: str, warning: bool) -> None:
        self.run(lambda: self._notice(text, warning))

    def message(self, text: str) -> None:
        self.run(lambda: self._message(text))

    def indicators(self, streams: frozenset[Stream]) -> None:
        self._status.write(indicators=[stream.value for stream in sorted(streams)])
        self.run(
            lambda: self._window.set_indicators(
                Stream.CAMERA in streams, Stream.MICROPHONE in streams, Stream.SCREEN in streams
            )
        )

    def time_left(self, seconds: int | None) -> None:
        self.run(lambda: self._window.set_time_left(seconds))

    def network(self, online: bool, sentence: str) -> None:
        self.run(lambda: self._network(online, sentence))

    def page_event(self, name: str, detail: Mapping[str, Json] | None = None) -> None:
        self.run(lambda: self._emit(name, detail))

    # ---- UI thread

    def close(self) -> None:
        """On the UI thread, before the application ends."""
        self._battery.stop()
        self._drop_view()

    def _show_checks(self, results: list[CheckResult], running: bool) -> None:
        """Whoever reads the status may press Continue at once, so it is written when the page is ready for that."""
        self._window.show_checks(results, running)
        if not running:
            said = "failed" if required_failed(results) else "passed"
            self._status.write(checks=said, results=[result_json(r) for r in results])

    def _verdict(self, view: VerdictView) -> None:
        self._window.show_verdict(view)
        self._status.write(verdict="refused" if view.refused else "noted", problem=view.problem)

    def _open_exam(self, policy: Policy) -> None:
        script = self._page_script.read_text(encoding="utf-8")
        view = ExamView(policy.browser, policy.exam.start_url, script, storage_dir=self._pages)
        view.finished_by_page.connect(lambda reason: self.on_page_finished(reason))
        view.load_failed.connect(self._load_failed)
        view.blocked.connect(self._url_blocked)
        view.page_ready.connect(lambda: self._status.write(page_ready=True))
        view.renderer_crashed.connect(lambda: self._window.show_notice("The exam page was restored.", "warning"))
        self._view = view
        self._window.show_exam(view, policy)
        view.load()
        view.setFocus()
        self._show_battery()
        self._battery.start(BATTERY_INTERVAL_MS)

    def _close_exam(self) -> None:
        self._window.show_finishing("Saving what was recorded …")
        # The page gets its last event before it goes.
        QTimer.singleShot(300, self._drop_view)

    def _drop_view(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            view.close_browser()

    def _url_blocked(self, url: str) -> None:
        self._status.write(blocked_url=url)
        self.on_url_blocked(url)

    def _load_failed(self, sentence: str) -> None:
        self._status.write(problem=sentence)
        self._window.show_notice(sentence, "warning")

    def _emit(self, name: str, detail: Mapping[str, Json] | None) -> None:
        if self._view is not None:
            self._view.emit_event(name, dict(detail) if detail is not None else None)

    def _uploading(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None:
        if self._window.current_page() not in ("done", "aborted"):
            self._window.show_uploading(done_bytes, total_bytes, files_left, sentence)
        if bool(sentence) != bool(self._upload_trouble):
            self._upload_trouble = sentence
            self._status.write(upload="waits" if sentence else "goes on", sentence=sentence)

    def _notice(self, text: str, warning: bool) -> None:
        self._window.show_notice(text, "warning" if warning else "info")
        self._status.write(notice=text)

    def _message(self, text: str) -> None:
        self._window.show_message(text)
        self._status.write(message=text)

    def _network(self, online: bool, sentence: str) -> None:
        self._window.set_network(online, sentence)
        self._status.write(network="online" if online else "offline", sentence=sentence)

    def _hold(self, view: HoldView) -> None:
        self._window.show_hold(view)
        self._status.write(still_open=[one.what for one in view.still_open], can_continue=view.continues)

    def _zoom(self, factor: float) -> None:
        if self._view is not None:
            self._view.set_zoom(factor)

    def _show_battery(self) -> None:
        battery = psutil.sensors_battery()
        self._window.set_battery(round(battery.percent) if battery else None, bool(battery and battery.power_plugged))
