"""What the exam page is told, what it may ask for, and what a hostile page gets."""

from __future__ import annotations

import threading

import pytest

from app.core.policy import Browser
from tests.fakes import exam_view
from tests.fakes.exam_view import Open, Site

pytestmark = exam_view.NO_GPU
site = exam_view.site
open_view = exam_view.open_view

LISTENING = """<title>exam</title><script>
window.log = [];
for (const name of ["apSetupComplete", "apMonitoringStarted", "apMonitoringStopped", "apSuccessEvent", "apErrorEvent",
                    "apEvidenceEvent"])
  addEventListener(name, (e) => log.push(name + (e instanceof CustomEvent ? JSON.stringify(e.detail) : "")));
</script>"""


def test_a_page_is_told_in_order_what_happened_before_it_was_ready(site: Site, open_view: Open) -> None:
    site.pages["/"] = LISTENING
    shown = open_view(load=False)
    shown.view.emit_event("apSetupComplete")
    shown.view.emit_event("apSuccessEvent", {"successCode": 2001})
    shown.load()
    shown.view.emit_event("apMonitoringStarted")
    shown.view.emit_event("apEvidenceEvent", {"evidenceCode": 5001, "message": "Nobody \u2026 </script>"})
    shown.until_js("log.length", 4.0)
    assert shown.js("log.join(' ')") == (
        'apSetupComplete apSuccessEvent{"successCode":2001} apMonitoringStarted '
        'apEvidenceEvent{"evidenceCode":5001,"message":"Nobody \u2026 </script>"}'
    )


def test_a_page_whose_deferred_script_is_slow_misses_nothing(site: Site, open_view: Open) -> None:
    site.pages["/"] = "<title>exam</title><script defer src='/slow.js'></script><p>Question</p>"
    site.pages["/slow.js"] = "addEventListener('apMonitoringStarted', () => { document.title = 'heard'; });"
    site.held["/slow.js"] = threading.Event()
    shown = open_view(load=False)
    shown.view.emit_event("apMonitoringStarted")
    shown.view.load()
    shown.until_js("document.readyState", "interactive")
    site.held["/slow.js"].set()
    shown.until(lambda: shown.view.title() == "heard")


def test_each_new_page_learns_where_the_attempt_stands_but_not_old_evidence(site: Site, open_view: Open) -> None:
    site.pages["/"] = site.pages["/2"] = LISTENING
    shown = open_view()
    shown.view.emit_event("apMonitoringStarted")
    shown.view.emit_event("apEvidenceEvent", {"evidenceCode": 5005})
    shown.until_js("log.length", 2.0)
    shown.go("/2")
    shown.until_js("log.length", 1.0)
    assert shown.js("log[0]") == "apMonitoringStarted"


def test_a_page_finishes_the_attempt_with_a_reason(site: Site, open_view: Open) -> None:
    site.pages["/"] = "<title>x</title>"
    shown = open_view()
    shown.js("invigil.finish('all\\u0000 done ' + 'x'.repeat(1e6)).then((ok) => { document.title = String(ok); })")
    shown.until(lambda: shown.view.title() == "true")
    (reason,) = shown.of("finished")
    assert reason.startswith("all done xxx")
    assert len(reason) <= 200
    shown.js("invigil.finish()")
    shown.until(lambda: shown.of("finished")[1:] == [""])


def test_a_storm_of_calls_is_limited_and_told_so(site: Site, open_view: Open) -> None:
    site.pages["/"] = "<title>x</title>"
    shown = open_view()
    shown.js(
        "window.refused = 0; for (let i = 0; i < 2000; i++) invigil.finish('no ' + i)"
        ".catch((e) => { refused += e.message.startsWith('Too many calls'); });"
    )
    shown.until_js("refused", 1995.0)
    assert len(shown.of("finished")) == 5


def test_the_page_api_can_not_be_replaced_and_the_channel_is_out_of_reach(site: Site, open_view: Open) -> None:
    site.pages["/"] = "<title>x</title>"
    shown = open_view()
    assert (
        shown.js(
            "'use strict'; let n = 0;"
            "for (const f of [() => { window.invigil = 1 }, () => { delete window.invigil }, () => { invigil.finish = 1 },"
            "  () => { invigil.finish.x = 1 }, () => Object.defineProperty(window, 'invigil', {value: 1})])"
            "  try { f() } catch (e) { n += e instanceof TypeError }"
            "n + ' ' + typeof qt + ' ' + typeof QWebChannel + ' ' + typeof invigilPageApi + ' ' + invigil.version"
        )
        == "5 undefined undefined undefined 1.0"
    )


HOSTILE = """<title>x</title><script>
window.leaked = []; window.told = [];
const leak = (what) => leaked.push(String(what));
for (const p of [Event.prototype, CustomEvent.prototype, UIEvent.prototype])
  for (const [key, d] of Object.entries(Object.getOwnPropertyDescriptors(p)))
    if (d.get && d.configurable) Object.defineProperty(p, key, { get() { leak(d.get.call(this)); return d.get.call(this); } });
for (const key of ["dispatchEvent", "addEventListener"]) {
  const real = EventTarget.prototype[key];
  EventTarget.prototype[key] = function (...args) { leak(args[0]?.type ?? args[0]); return real.apply(this, args); };
  window[key] = EventTarget.prototype[key];
}
JSON.parse = JSON.stringify = (x) => { leak(x); return {}; };
Reflect.apply = Function.prototype.apply = Function.prototype.call = (...a) => leak(a);
window.setTimeout = (f) => leak(f);
window.CustomEvent = window.Event = class { constructor(n) { leak(n); } };
Promise.prototype.then = function () { leak(window.event?.type); };
for (const key of ["toJSON", "then", "get", "detail", "bubbles", "error", "id", "reason"])
  Object.defineProperty(Object.prototype, key, { configurable: true, get() { leak(window.event?.type); return undefined; } });
window.onapEvidenceEvent = null;
const note = (n) => told.push(n);
document.addEventListener = null;
</script>"""


def test_a_hostile_page_never_learns_the_channel_and_still_can_only_finish(site: Site, open_view: Open) -> None:
    site.pages["/"] = HOSTILE
    shown = open_view()
    shown.view.emit_event("apMonitoringStarted")
    shown.view.emit_event("apEvidenceEvent", {"evidenceCode": 5001, "message": "x"})
    shown.js("try { invigil.finish('mine') } catch (e) {} 0")
    shown.until(lambda: bool(shown.of("finished")))
    shown.until(lambda: shown.view._bridge._unheard.maxlen == 100 and not shown.view._bridge._unheard)
    assert shown.of("finished") == ["mine"]
    assert "invigil-" not in str(shown.js("leaked.map(String).join(' ')"))


def test_garbage_under_guessed_names_and_huge_arguments_change_nothing(site: Site, open_view: Open) -> None:
    site.pages["/"] = "<title>x</title>"
    shown = open_view()
    shown.js(
        "for (const n of ['invigil:call', ':call', 'invigil-:call', 'call'])"
        '  for (let i = 0; i < 500; i++) dispatchEvent(new CustomEvent(n, {detail: \'{"id":1,"method":"finish"}\'}));'
        "for (const bad of [Symbol(), {toString() { throw 1 }}, Object.create(null)])"
        "  try { invigil.finish(bad) } catch (e) {}"
        "0"
    )
    shown.js("invigil.finish({toString: () => 'y'.repeat(5e7)}); 0")
    shown.until(lambda: len(shown.of("finished")) == 2)
    assert shown.of("finished") == ["Symbol()", "y" * 200]


def test_other_origins_and_frames_have_no_page_api(site: Site, open_view: Open) -> None:
    other = site.url("/other", host="localhost")
    site.pages["/"] = (
        "<title>x</title><script>window.seen = []; onmessage = (e) => seen.push(e.origin + e.data);</script>"
        f"<iframe src=/frame></iframe><iframe src={other}></iframe>"
    )
    site.pages["/frame"] = site.pages["/other"] = (
        "<title>x</title><script>parent.postMessage(' ' + typeof invigil, '*')</script>"
    )
    shown = open_view(policy=Browser(allow=("localhost",)))
    shown.until_js("seen.length", 2.0)
    assert shown.js("seen.sort().join()") == f"{site.url('')} undefined,{site.url('', host='localhost')} undefined"
    shown.go(other)
    assert shown.js("typeof invigil + location.hostname") == "undefinedlocalhost"
    shown.view._bridge.finish_asked.connect(lambda _: pytest.fail("finished from another origin"))
    assert "may not finish" in shown.view._bridge.call('{"id":1,"method":"finish","reason":""}')


def test_an_origin_that_the_policy_names_has_the_page_api(site: Site, open_view: Open) -> None:
    site.pages["/"] = site.pages["/other"] = LISTENING
    other = site.url("/other", host="localhost")
    shown = open_view(policy=Browser(allow=("localhost",), page_api_origins=(site.url("", host="localhost"),)))
    shown.view.emit_event("apMonitoringStarted")
    shown.go(other)
    shown.until_js("log.join()", "apMonitoringStarted")
    assert shown.js("typeof invigil.finish") == "function"
