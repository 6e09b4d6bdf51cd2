"""Apple's assessment mode: macOS itself keeps the person in the exam. Only for programs that Apple granted an entitlement."""

from __future__ import annotations

import logging
import threading

import objc
from Foundation import NSObject

from app.core.errors import LockdownError
from app.lockdown.macos.kiosk import Presentation
from app.lockdown.macos.main_thread import in_main_thread
from app.lockdown.macos.system import ASSESSMENT_ENTITLEMENT, has_entitlement

logger = logging.getLogger(__name__)

_FRAMEWORK = "/System/Library/Frameworks/AutomaticAssessmentConfiguration.framework"
_BEGIN_WAIT_S = 60.0
_END_WAIT_S = 10.0


def is_granted() -> bool:
    """Whether our program was signed with the entitlement; a program that is run from source never is."""
    return has_entitlement(ASSESSMENT_ENTITLEMENT)


class AssessmentDelegate(NSObject):
    """AEAssessmentSessionDelegate: what macOS tells of the session, on the main thread."""

    mode: AssessmentMode

    def assessmentSessionDidBegin_(self, session: object) -> None:
        self.mode.begun("")

    def assessmentSession_failedToBeginWithError_(self, session: object, error: object) -> None:
        self.mode.begun(str(error) or "no reason given")

    def assessmentSession_wasInterruptedWithError_(self, session: object, error: object) -> None:
        self.mode.interrupted(str(error))

    def assessmentSessionDidEnd_(self, session: object) -> None:
        self.mode.over()


class AssessmentMode:
    """Answers ``Presentation`` with AEAssessmentSession. One session at a time; it ends with the program.

    When macOS interrupts it, it is ended, as Apple asks, and ``otherwise`` takes over, so that the exam stays locked.
    """

    def __init__(self, otherwise: Presentation) -> None:
        self._otherwise = otherwise
        self._over_everything = True
        self._session: objc.AEAssessmentSession | None = None
        self._delegate: AssessmentDelegate | None = None
        self._told = threading.Event()
        self._ended = threading.Event()
        self._problem = ""
        self._interrupted = False

    def enter(self, *, over_everything: bool) -> None:
        self._over_everything = over_everything
        self._told.clear()
        self._problem = "macOS did not answer"
        in_main_thread(self._begin)
        if not self._told.wait(_BEGIN_WAIT_S) or self._problem:
            in_main_thread(self._finish)
            raise LockdownError(
                f"macOS did not start its assessment mode ({self._problem}); close other exams and try again."
            )

    def hold(self) -> None:
        if self._interrupted:
            self._otherwise.hold()

    def leave(self) -> None:
        """Returns when macOS has told that the session is over, or after 10 s."""
        if self._interrupted:
            self._interrupted = False
            self._otherwise.leave()
        if self._session is not None:
            in_main_thread(self._finish)
            self._ended.wait(_END_WAIT_S)

    def begun(self, problem: str) -> None:
        """The delegate's: it began, or did not because of ``problem``."""
        self._problem = problem
        self._told.set()

    def interrupted(self, problem: str) -> None:
        """The delegate's. Main thread."""
        logger.warning("macOS interrupted the assessment mode: %s", problem)
        self._finish()
        self._interrupted = True
        self._otherwise.enter(over_everything=self._over_everything)

    def over(self) -> None:
        """The delegate's."""
        self._ended.set()

    def _begin(self) -> None:
        objc.loadBundle("AutomaticAssessmentConfiguration", {}, bundle_path=_FRAMEWORK, scan_classes=False)
        configuration = objc.lookUpClass("AEAssessmentConfiguration").alloc().init()
        session = objc.lookUpClass("AEAssessmentSession").alloc().initWithConfiguration_(configuration)
        self._ended.clear()
        self._delegate = AssessmentDelegate.alloc().init()  # the session does not keep it alive
        self._delegate.mode = self
        session.setDelegate_(self._delegate)
        self._session = session  # macOS ends a session that nobody holds
        session.begin()

    def _finish(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()
