"""The exam window's browser: what a page may load and do, and how the window comes and goes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWebEngineCore import QWebEnginePage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.browser.dialogs import PageDialog
from app.browser.exam_view import ZOOM_MAX, ZOOM_MIN, ExamView, next_zoom
from app.core.errors import BadInput
from app.core.policy import Browser
from tests.fakes import exam_view
from tests.fakes.exam_view import Open, Shown, Site

pytestmark = exam_view.NO_GPU
site = exam_view.site
open_view = exam_view.open_view

EMPTY = "<title>exam</title><p>Exam"  # Chromium drops keys until something is painted


@pytest.fixture
def shown(site: Site, open_view: Open) -> Shown:
    site.pages["/"] = EMPTY
    return open_view()


def press(*keys: str) -> None:
    subprocess.run(["xdotool", "key", *keys], check=True)


# ---- what may be loaded


def test_a_link_to_another_host_is_refused_and_the_exam_goes_on(site: Site, shown: Shown) -> None:
    site.pages["/2"] = EMPTY
    shown.js("location.href = 'http://127.0.0.2/x'; 0")
    shown.until(lambda: shown.of("blocked") == ["http://127.0.0.2/x"])
    assert shown.js("document.title") == "exam"
    shown.go("/2")
    assert shown.js("typeof invigil.finish") == "function"
    assert shown.of("failed") == []


def test_a_redirect_to_another_host_is_refused_and_the_page_stays(site: Site, shown: Shown) -> None:
    site.pages["/away"] = (302, {"Location": "http://127.0.0.2/x"})
    shown.js("location.href = '/away'; 0")
    shown.until(lambda: shown.of("blocked") == ["http://127.0.0.2/x"])
    assert shown.js("document.title") == "exam"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "view-source:http://127.0.0.1/", "data:text/html,x", "mailto:a@b", "chrome://gpu"])  # fmt: skip
def test_a_page_can_not_leave_the_web(shown: Shown, url: str) -> None:
    shown.js(f"const a = document.createElement('a'); a.href = {url!r}; document.body.append(a); a.click(); 0")
    assert shown.js("document.title") == "exam"
    assert str(shown.js("location.href")).startswith("http://127.0.0.1")


def test_content_from_hosts_that_no_rule_names_is_refused(shown: Shown) -> None:
    shown.js(
        "fetch('http://127.0.0.2/fetch').catch(() => 0); new Image().src = 'http://127.0.0.2/image';"
        "new WebSocket('ws://127.0.0.2/socket'); navigator.sendBeacon('http://127.0.0.2/beacon');"
        "const f = document.createElement('iframe'); f.src = 'http://127.0.0.2/frame'; document.body.append(f); 0"
    )
    wanted = {"http://127.0.0.2/" + p for p in ("fetch", "image", "beacon", "frame")} | {"ws://127.0.0.2/socket"}
    shown.until(lambda: set(shown.of("blocked")) == wanted)


def test_the_pages_own_data_and_its_origin_are_fine(site: Site, shown: Shown) -> None:
    site.pages["/x"] = EMPTY
    shown.js(
        "window.got = []; const i = new Image(); i.onload = () => got.push('data');"
        "i.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==';"
        "const j = new Image(); j.onerror = () => got.push('blob'); j.src = URL.createObjectURL(new Blob(['x']));"
        "const f = document.createElement('iframe'); f.srcdoc = '<p>x'; f.onload = () => got.push('frame');"
        "document.body.append(f); fetch('/x').then(() => got.push('fetch')); 0"
    )
    shown.until_js("got.sort().join()", "blob,data,fetch,frame")
    assert shown.of("blocked") == []


def test_an_allow_rule_opens_another_host_and_a_block_rule_closes_part_of_the_exams(
    site: Site, open_view: Open
) -> None:
    site.pages["/"] = site.pages["/other"] = EMPTY
    shown = open_view(policy=Browser(allow=("localhost",), block=("127.0.0.1/secret",)))
    shown.js("location.href = '/secret'; 0")
    shown.until(lambda: shown.of("blocked") == [site.url("/secret")])
    shown.go(site.url("/other", host="localhost"))
    assert shown.js("location.hostname") == "localhost"


def test_new_windows_are_blocked_or_open_in_the_same_view_by_policy(site: Site, open_view: Open) -> None:
    site.pages["/"] = EMPTY
    site.pages["/new"] = "<title>new</title>"
    blocking = open_view()
    blocking.js("open('/new'); 0")
    blocking.until(lambda: blocking.of("blocked") == [site.url("/new")])
    same = open_view(policy=Browser(new_windows="same_window"))
    same.js("open('http://127.0.0.2/'); open('/new'); 0")
    same.until(lambda: same.view.title() == "new")
    assert same.of("blocked") == ["http://127.0.0.2/"]


def test_a_storm_of_refused_requests_is_reported_in_part(shown: Shown) -> None:
    shown.js("Promise.allSettled([...Array(300).keys()].map((i) => fetch('http://127.0.0.2/' + i))).then(() => { document.title = 'done'; }); 0")  # fmt: skip
    shown.until(lambda: shown.view.title() == "done")
    assert len(shown.of("blocked")) == 20


# ---- what a page may do


def test_a_page_gets_no_permission_and_no_peer_connection(shown: Shown) -> None:
    shown.js(
        "window.got = []; navigator.mediaDevices.getUserMedia({audio: true}).catch((e) => got.push(e.name));"
        "navigator.mediaDevices.getDisplayMedia().catch((e) => got.push(e.name));"
        "navigator.geolocation.getCurrentPosition(() => got.push('?'), (e) => got.push('geo' + e.code));"
        "0"
    )
    shown.until_js("got.length", 3.0)
    assert "?" not in str(shown.js("got.join()"))
    assert shown.js("typeof RTCPeerConnection + typeof Notification") == "undefinedundefined"


def test_a_page_gets_no_full_screen_no_download_and_no_clipboard(site: Site, shown: Shown, tmp_path: Path) -> None:
    site.pages["/file"] = (200, {"Content-Disposition": "attachment; filename=x.bin"})
    shown.js(
        "window.got = []; document.body.requestFullscreen().catch((e) => got.push(e.name)); "
        "navigator.clipboard.readText().catch((e) => got.push(e.name)); location.href = '/file'; 0"
    )
    shown.until_js("got.length", 2.0)
    shown.until(lambda: "/file" in site.asked)
    assert shown.js("document.title") == "exam"


def test_there_is_no_context_menu(shown: Shown) -> None:
    corner = shown.view.mapToGlobal(QPoint(200, 200))
    subprocess.run(["xdotool", "mousemove", str(corner.x()), str(corner.y()), "click", "3"], check=True)
    shown.js("0")
    shown.js("0")
    assert QApplication.activePopupWidget() is None


def test_the_policys_suffix_is_in_the_user_agent(site: Site, open_view: Open) -> None:
    site.pages["/"] = EMPTY
    open_view(policy=Browser(user_agent_suffix="Exam\r\nX: 1/\u00fc2"))
    (agent,) = site.user_agents
    assert agent.endswith(" ExamX: 1/2")
    assert "Chrome/" in agent


# ---- dialogs


class Answering:
    """A person in front of the dialogs: ``act`` is called once for each that is shown.

    The page's dialogs run their own event loop, so whoever answers them has to live on a timer.
    """

    def __init__(self, view: ExamView, act: Callable[[PageDialog], None]) -> None:
        self._view = view
        self._act = act
        self._last: PageDialog | None = None
        self._timer = QTimer(view)
        self._timer.timeout.connect(self._look)
        self._timer.start(20)

    def _look(self) -> None:
        dialog = self._view._dialogs._open
        if dialog is not None and dialog is not self._last and dialog.isVisible():
            self._last = dialog
            self._act(dialog)


def test_dialogs_show_the_pages_words_as_plain_text_and_take_keys(shown: Shown) -> None:
    seen: list[object] = []

    def act(dialog: PageDialog) -> None:
        seen.append((dialog.message.text(), dialog.message.textFormat(), shown.view.isActiveWindow()))
        press(*(["Return"], ["Tab", "Tab", "Tab", "B", "o", "b", "Return"], ["Escape"])[len(seen) - 1])

    person = Answering(shown.view, act)
    shown.view.activateWindow()
    shown.until(shown.view.isActiveWindow)
    shown.js("setTimeout(() => { document.title = confirm('<b>Sure?') + prompt('<i>Name?', 'Ann') + confirm('') }); 0")
    shown.until(lambda: shown.view.title() == "trueBobfalse")
    plain = Qt.TextFormat.PlainText
    assert seen == [("<b>Sure?", plain, True), ("<i>Name?", plain, True), ("", plain, True)]
    assert person is not None


def test_a_storm_of_dialogs_ends_by_itself(shown: Shown) -> None:
    person = Answering(shown.view, PageDialog.cancel)
    shown.js("setTimeout(() => { for (let i = 0; i < 500; i++) alert(i); document.title = confirm('x') + '!' }); 0")
    shown.until(lambda: shown.view.title() == "false!")
    assert shown.view._dialogs.suppressed == 496
    assert person is not None


def test_closing_the_browser_ends_an_open_dialog(shown: Shown) -> None:
    gone: list[bool] = []
    shown.view.closed.connect(lambda: gone.append(True))
    person = Answering(shown.view, lambda _: shown.view.close_browser())
    shown.js("setTimeout(() => alert('x')); 0")
    shown.until(lambda: bool(gone))
    assert person is not None


def test_a_dialog_covers_the_window_and_the_page_has_the_keys_again_after_it(shown: Shown) -> None:
    covered: list[bool] = []

    def act(dialog: PageDialog) -> None:
        shown.view.resize(900, 500)
        covered.append(dialog.geometry() == shown.view.rect())
        press("Return")

    person = Answering(shown.view, act)
    shown.view.activateWindow()
    shown.view.setFocus()
    shown.until(shown.view.isActiveWindow)
    shown.js("onkeydown = (e) => { document.title = e.key }; setTimeout(() => alert('x')); 0")
    shown.until(lambda: bool(covered) and shown.view._dialogs._open is None)
    shown.until_js("document.hasFocus()")
    press("k")
    shown.until(lambda: shown.view.title() == "k")
    assert covered == [True]
    assert person is not None


# ---- failures


def test_a_server_that_does_not_answer_gets_a_sentence_and_can_be_tried_again(site: Site, open_view: Open) -> None:
    site.pages["/"] = (503, {})
    shown = open_view(load=False)
    shown.view.load()
    shown.until(lambda: bool(shown.of("failed")))
    assert shown.of("failed") == ["The exam server 127.0.0.1 answered with error 503; wait a moment, then try again."]
    site.pages["/"] = EMPTY
    shown.load()
    site.stop()
    shown.view.load()
    shown.until(lambda: len(shown.of("failed")) == 2)
    assert shown.of("failed")[1] == (
        "The exam page at 127.0.0.1 can't be opened (net::ERR_CONNECTION_REFUSED); "
        "check the network connection, then try again."
    )


@pytest.mark.parametrize("refused_before", [False, True])
def test_a_page_that_crashes_is_loaded_again_and_learns_where_it_stands(
    site: Site, open_view: Open, refused_before: bool
) -> None:
    site.pages["/"] = (
        "<title>exam</title><script>addEventListener('apMonitoringStarted', () => { document.title += '+'; })</script>"
    )
    shown = open_view()
    shown.view.emit_event("apMonitoringStarted")
    shown.until(lambda: shown.view.title() == "exam+")
    if refused_before:
        shown.js("location.href = 'http://127.0.0.2/'; 0")
        shown.until(lambda: bool(shown.of("blocked")))
    for _ in range(2):
        ready = shown.ready
        subprocess.run(["kill", "-9", str(shown.view._page.renderProcessPid())], check=True)
        shown.until_ready_after(ready)
        shown.until(lambda: shown.view.title() == "exam+")
    assert shown.of("crashed") == ["", ""]


def test_a_page_that_keeps_crashing_is_given_up_with_a_sentence(shown: Shown) -> None:
    for _ in range(6):
        shown.view._on_renderer_gone(QWebEnginePage.RenderProcessTerminationStatus.CrashedTerminationStatus, 1)
    assert len(shown.of("crashed")) == 6
    assert len(shown.of("failed")) == 1


@pytest.mark.parametrize(("start", "rules"), [("file:///x", ()), ("http://a.org", ("a b",))])
def test_a_broken_policy_is_refused(qtbot: QtBot, start: str, rules: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        ExamView(Browser(allow=rules), start, exam_view.PAGE_SCRIPT)


# ---- zoom


def test_zoom_keys_stay_within_50_and_300_percent(shown: Shown) -> None:
    shown.view.activateWindow()
    shown.view.setFocus()
    shown.until(shown.view.isActiveWindow)
    press(*["ctrl+plus"] * 12)
    shown.until(lambda: shown.view._page.zoomFactor() == ZOOM_MAX)
    press(*["ctrl+minus"] * 14)
    shown.until(lambda: shown.view._page.zoomFactor() == ZOOM_MIN)
    press("ctrl+0")
    shown.until(lambda: shown.view._page.zoomFactor() == 1.0)


def test_zoom_goes_step_by_step_from_any_factor() -> None:
    assert next_zoom(1.0, 1) == 1.1
    assert next_zoom(1.03, -1) == 1.0
    assert next_zoom(9.0, 1) == ZOOM_MAX
    assert next_zoom(0.1, -1) == ZOOM_MIN
    assert next_zoom(2.5, 0) == 1.0


# ---- what is kept


def test_nothing_of_the_page_is_kept_unless_a_folder_is_given(site: Site, open_view: Open, tmp_path: Path) -> None:
    site.pages["/"] = EMPTY
    for folder, kept in ((None, "null"), (tmp_path, "42")):
        first = open_view(storage_dir=folder)
        first.js("localStorage.setItem('answer', '42'); 0")
        first.close()
        assert open_view(storage_dir=folder).js("String(localStorage.getItem('answer'))") == kept


def test_after_closing_calls_are_harmless(shown: Shown) -> None:
    shown.close()
    shown.view.load()
    shown.view.close_browser()
    assert shown.view.title() == ""


def test_a_certificate_that_nobody_vouches_for_is_refused_with_a_sentence(qtbot: QtBot, tmp_path: Path) -> None:
    with exam_view.untrusted_server(tmp_path) as url:
        shown = Shown(ExamView(Browser(), url, exam_view.PAGE_SCRIPT), qtbot)
        shown.view.load()
        shown.until(lambda: bool(shown.of("failed")))
        shown.close()
    (sentence,) = shown.of("failed")
    assert sentence.startswith("The certificate of the exam page at 127.0.0.1 can't be trusted (")
    assert sentence.endswith("; tell your institution.")
