"""What the lock screen says: why the exam is held, what to do, what is still open, and every way on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.core import codes
from app.core.policy import Policy
from app.core.responses import CLOSABLE, Cause, Following, Program, blocking, closable, closing, offered
from app.core.session import By, State
from app.core.types import NS_PER_S

FREE_TRIES = 3
"""Wrong passwords before the first wait."""
_WAITS_S = (5, 15, 30, 60, 120, 300)
"""After each further wrong password; the last one from there on."""

_NOW: Mapping[int, tuple[str, str]] = {
    5001: ("Nobody is seen by the camera.", "Sit so that the camera sees your face."),
    5002: ("More than one person is seen by the camera.", "Ask everybody else to leave the camera's view."),
    5004: ("There is sound well above the room's background.", "Switch off what makes the sound."),
    5005: ("The exam window is not in front.", "Come back to the exam window and stay there."),
    5007: (
        "More than one monitor is connected.",
        "Disconnect every monitor but one, and stop casting to a television.",
    ),
    5008: (
        "A second monitor may be connected.",
        "Disconnect every monitor but one, docking stations and adapters included.",
    ),
    5101: ("The gaze is away from the screen.", "Look at the screen."),
    5102: ("The person seen does not look like the enrolled one.", "Sit upright in good light, facing the camera."),
    5106: ("Speech is heard.", "Stop speaking, and switch off what speaks."),
    5110: ("The camera seems to be a program.", "Close programs that change the camera's picture."),
    5111: ("A program runs that the exam does not allow.", "Save your work in it and close it."),
    5112: ("The machine seems to be controlled from elsewhere.", "End remote control and screen sharing."),
    5113: ("The exam seems to run in a virtual machine.", "Start the exam outside of the virtual machine."),
    5119: ("Part of the monitoring is missing.", "Plug the camera and the microphone in again, and wait a moment."),
    5122: ("A window of another program lies over the exam.", "Close that program."),
}
"""Of what lasts: what is so now, and what to do about it."""
_BY_BUTTON = "Close it with the button below. What is not saved in it may be lost."
_IT_CLOSES = "It was asked to close; that takes a few seconds."
_IT_STAYS = "It was asked to close, but is still there. Ask for help, or hand in."


@dataclass(frozen=True, slots=True)
class StillOpen:
    """One thing that has to change before the exam goes on. ``names`` says which: programs, displays."""

    what: str
    names: str
    advice: str


@dataclass(frozen=True, slots=True)
class HoldView:
    """The lock screen. ``continues``: the candidate may go on as soon as nothing is ``still_open``.

    ``password``: there is a field for the supervisor's password; nothing can be entered for ``wait_s`` more seconds, and
    ``problem`` says what was wrong with the last one. ``proctor``: a proctor is told over the line to the backend.
    ``by_proctor``: a proctor held the exam; ``line_down``: and can't be reached now. ``time_runs``: the exam's time goes on.
    ``to_close`` names the programs that can be closed for the candidate, "" for one without a name; while ``closing``, those
    that were asked to.
    """

    reason: str
    still_open: tuple[StillOpen, ...] = ()
    continues: bool = False
    password: bool = False
    proctor: bool = False
    by_proctor: bool = False
    line_down: bool = False
    time_runs: bool = True
    to_close: tuple[str, ...] = ()
    closing: bool = False
    problem: str = ""
    wait_s: int = 0


def may_continue(state: State, policy: Policy) -> bool:
    """Whether the candidate alone may let the exam go on once the cause is gone.

    Where the policy wants a proctor and names no way to one, neither a line nor a password, the cause decides: an exam
    that nobody could ever release would punish what is over.
    """
    if state.held is None or state.held_by is By.PROCTOR:
        return False
    nobody = not policy.live.endpoint and not policy.lockdown.unlock_password
    return policy.lockdown.hold_release == "cause_gone" or nobody


def hold_view(
    state: State, following: Following, policy: Policy, *, problem: str = "", wait_ns: int = 0, line_down: bool = False
) -> HoldView:
    by_proctor, now_closing = state.held_by is By.PROCTOR, closing(following)
    return HoldView(
        reason=state.held or "",
        still_open=tuple(_still_open(cause, following) for cause in blocking(following)),
        continues=may_continue(state, policy),
        password=bool(policy.lockdown.unlock_password),
        proctor=bool(policy.live.endpoint),
        by_proctor=by_proctor,
        line_down=by_proctor and line_down,
        time_runs=not state.paused,
        to_close=_names(now_closing or offered(following)),
        closing=bool(now_closing),
        problem=problem,
        wait_s=-(-max(0, wait_ns) // NS_PER_S),
    )


def hold_reason(cause: Cause) -> str:
    """Why the exam is held, for the candidate and the report."""
    sentence = codes.code(cause.code).sentence
    return f"{sentence.removesuffix('.')}: {cause.detail}." if cause.detail else sentence


def wait_after(failures: int) -> int:
    """Seconds for which no password is taken after so many wrong ones."""
    return 0 if failures < FREE_TRIES else _WAITS_S[min(failures - FREE_TRIES, len(_WAITS_S) - 1)]


def _still_open(cause: Cause, following: Following) -> StillOpen:
    what, advice = _NOW.get(cause.code, (codes.code(cause.code).sentence, "Do as the exam's rules say."))
    if cause.code not in CLOSABLE:
        return StillOpen(what, cause.detail, advice)
    there = following.programs.get(cause.code, ())
    names = ", ".join(_once(program.name for program in there)) or cause.detail
    return StillOpen(what, names, " ".join(_once(_outlook(one, following) for one in there)) or advice)


def _outlook(program: Program, following: Following) -> str:
    """What was done or can be done about a program; empty for one that nobody can ask."""
    effort = following.efforts.get(program)
    if effort is not None:
        return effort.refusal or (_IT_STAYS if effort.over else _IT_CLOSES)
    return _BY_BUTTON if program in closable(following) else ""


def _names(programs: Iterable[Program]) -> tuple[str, ...]:
    """Processes that were found together have their names together."""
    return tuple(dict.fromkeys(name for program in programs for name in program.name.split(", ")))


def _once(words: Iterable[str]) -> list[str]:
    return [word for word in dict.fromkeys(words) if word]
