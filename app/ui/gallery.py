"""Pictures of every page with sample data, for people to look at before a page is called finished."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication

from app.ui import samples
from app.ui.main_window import ClientWindow
from app.ui.theme import SchemeName, apply_theme, scale_for

Show = Callable[[ClientWindow], None]
SIZES: tuple[tuple[int, int], ...] = ((1366, 768), (1024, 600))
SCHEMES: tuple[SchemeName, ...] = ("light", "dark")


def _checks(running: bool, bad: bool) -> Show:
    def show(window: ClientWindow) -> None:
        window.set_policy(samples.PLAIN)
        results = samples.BAD if bad else samples.GOOD
        window.show_checks(results[:2] if running else results, running)
        if not running:
            if not bad:
                window.set_preview(samples.picture())
            window.set_mic_level(-52.0 if bad else -24.0, not bad)

    return show


def _identity(taken: bool) -> Show:
    def show(window: ClientWindow) -> None:
        window.show_identity(samples.PLAIN)
        window.set_preview(samples.picture())
        window.set_identity_hint("One face, well lit")
        if taken:
            window.set_photo(samples.picture())

    return show


def _exam(after: Show | None = None, *, long: bool = False) -> Show:
    def show(window: ClientWindow) -> None:
        window.show_exam(samples.exam_stand_in(), samples.LONG if long else samples.PLAIN)
        window.set_time_left(42 if long else 4 * 3600 + 1725)
        window.set_indicators(True, True, not long)
        window.set_network(not long, "No network. Go on working: everything is kept here." if long else "Connected")
        window.set_battery(12 if long else 85, False)
        if after is not None:
            after(window)

    return show


def _start_problem(window: ClientWindow) -> None:
    window.start_page.field.setText("eyJhbGciOiJFZERTQSJ9.eyJleGFtIjoiYmlvLTEwMSJ9")
    window.show_start("This exam code was changed after it was issued; ask for a new one.")


def _candidate_long(window: ClientWindow) -> None:
    page = window.candidate_page
    page.name.setText(samples.LONG.candidate.name)
    page.number.setText("c-2")
    page.email.setText("nobody")
    window.show_candidate(samples.LONG.exam.title, "Prüfungsgruppe 7 b, Nachschreibtermin", "")
    page.continue_button.click()


def _consent_long(window: ClientWindow) -> None:
    window.show_consent(samples.LONG)
    window.consent_page.check.setChecked(True)


def _message(window: ClientWindow) -> None:
    window.show_message("Question 3 is withdrawn. Everybody gets its points; go on with question 4.")
    window.show_notice("You have 10 more minutes.", "info")


def _leave_held(window: ClientWindow) -> None:
    window.show_hold(samples.HELD)
    window.exam_page.hold.leave_button.click()


def _cases() -> Iterator[tuple[str, Show]]:
    url = "https://proctor.example.org/exams/bio-101/attempts/7f3c2a9e-41d0/report?lang=en"
    yield "start", lambda w: w.show_start()
    yield "start-problem", _start_problem
    yield "password", lambda w: w.show_password("", 0)
    yield (
        "password-wrong",
        lambda w: w.show_password("The password is wrong; type it exactly as it was given to you.", 0),
    )
    yield "password-wait", lambda w: w.show_password("", 58)
    yield "server", lambda w: w.show_server(samples.SERVER)
    yield "issuer", lambda w: w.show_issuer("Example University", samples.FINGERPRINT, samples.SERVER)
    yield (
        "issuer-long",
        lambda w: w.show_issuer(samples.LONG.privacy.institution, samples.FINGERPRINT, samples.LONG_SERVER),
    )
    yield "candidate", lambda w: w.show_candidate(samples.PLAIN.exam.title, "", "")
    yield "candidate-long", _candidate_long
    yield "opening", lambda w: w.show_opening(samples.PLAIN.exam.title)
    yield "checks-running", _checks(True, False)
    yield "checks-good", _checks(False, False)
    yield "checks-bad", _checks(False, True)
    yield "verdict", lambda w: w.show_verdict(samples.VERDICT)
    yield "verdict-noted", lambda w: w.show_verdict(samples.VERDICT_NOTED)
    yield "verdict-long", lambda w: w.show_verdict(samples.VERDICT_LONG)
    yield "consent", lambda w: w.show_consent(samples.PLAIN)
    yield "consent-long", _consent_long
    yield "consent-granted", lambda w: w.show_consent(samples.GRANTED)
    yield "identity", _identity(False)
    yield "identity-taken", _identity(True)
    yield "exam", _exam()
    yield "exam-long", _exam(long=True)
    yield "exam-notice", _exam(lambda w: w.show_notice("The camera is back. Go on working.", "info"))
    yield (
        "exam-warning",
        _exam(
            lambda w: w.show_notice(
                "The microphone was unplugged. Plug it in again; your answers and your time are not affected.",
                "warning",
            )
        ),
    )
    yield "exam-message", _exam(_message)
    yield "exam-finish", _exam(lambda w: w.exam_page.bar.finish_button.click())
    yield "exam-quit", _exam(lambda w: w.exam_page.bar.quit_button.click(), long=True)
    yield "hold", _exam(lambda w: w.show_hold(samples.HELD))
    yield "hold-ready", _exam(lambda w: w.show_hold(samples.HELD_READY))
    yield "hold-program", _exam(lambda w: w.show_hold(samples.HELD_BY_PROGRAM))
    yield "hold-closing", _exam(lambda w: w.show_hold(samples.HELD_CLOSING))
    yield "hold-long", _exam(lambda w: w.show_hold(samples.HELD_LONG))
    yield "hold-proctor", _exam(lambda w: w.show_hold(samples.HELD_BY_PROCTOR))
    yield "hold-leave", _exam(_leave_held)
    yield "paused", _exam(lambda w: w.show_paused("Your supervisor paused the exam for a fire drill."))
    yield "finishing", lambda w: w.show_finishing("")
    yield "uploading", lambda w: w.show_uploading(14_300_000, 41_900_000, 8, "")
    yield (
        "done",
        lambda w: w.show_done(
            "You are done", url, ["Everything was sent to Example University.", "You can close this window."]
        ),
    )
    yield "done-plain", lambda w: w.show_done("You are done", None, [])
    yield (
        "aborted",
        lambda w: w.show_aborted(
            "You declined to be recorded, so the exam did not start.",
            "Nothing was kept. Ask exams@university.example.org how else you can take the exam.",
        ),
    )
    yield (
        "problem",
        lambda w: w.show_problem(
            "No connection to the exam server",
            "proctor.example.org does not answer.",
            "Check your network connection, then try again. Your time has not started.",
            True,
        ),
    )


def render_gallery(
    out: Path,
    icons: Path,
    sizes: Sequence[tuple[int, int]] = SIZES,
    schemes: Sequence[SchemeName] = SCHEMES,
    direction: Qt.LayoutDirection = Qt.LayoutDirection.LeftToRight,
    only: Collection[str] = (),
) -> list[Path]:
    """Saves a PNG per page, size and scheme as ``PAGE-WIDTHxHEIGHT-SCHEME.png`` and returns their paths.

    ``only`` names the pages that are wanted; empty for all.

    Needs a QApplication, and a display for Qt's platform; no window appears on it. UI thread.
    """
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise TypeError("the gallery needs a QApplication")
    out.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    before = app.layoutDirection()
    app.setLayoutDirection(direction)
    for scheme in schemes:
        for width, height in sizes:
            apply_theme(app, scheme, scale_for(width, height))
            for name, show in _cases():
                if only and name not in only:
                    continue
                path = out / f"{name}-{width}x{height}-{scheme}.png"
                _render(icons, show, (width, height), path)
                made.append(path)
    app.setLayoutDirection(before)
    return made


def _render(icons: Path, show: Show, size: tuple[int, int], path: Path) -> None:
    window = ClientWindow(icons)
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(*size)
    window.show()
    show(window)
    for _ in range(3):
        QCoreApplication.processEvents()
    window.grab().save(str(path))
    window.allow_close = True
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
