"""From Safe Exam Browser's settings to a policy's fields. Only what a file says is taken over, never SEB's defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from app.core.errors import BadInput
from app.core.policy import Response
from app.core.types import Json
from app.core.unlock import is_hash
from app.core.urls import compile_rules
from app.keys.imported import Imported, Mapped, Unmapped
from app.keys.seb.plist import Value
from app.keys.seb.reasons import reason_for

MAX_ENTRY = 500
"""Characters in an entry of a policy's list; see ``keys.bounds``."""
SCREEN_FPS = (0.2, 30.0)

NOT_SHOWN = "(not shown)"
_CLIPBOARD = (0, 1, 2)
"""Shared with other programs, blocked, and isolated."""
_OFF = "The program is switched off in this file."
_NAMELESS = "It has no program's name."
_WEAK = (
    "It is a quick hash, which a short password can be guessed from: make a new one with invigil key unlock-password."
)
_NOBODY = (
    "The candidate is told but the exam not held, since nobody could let it go on: set lockdown.unlock_password or "
    "live.endpoint, then detection.rules.5113.response to hold."
)
_WINDOWS: dict[int, Json] = {0: "block", 1: "same_window", 2: "same_window"}
_T = TypeVar("_T", bool, int, str)


def import_settings(settings: Mapping[str, Value]) -> Imported:
    """A part of a policy, and a line for each setting: what it became, or why it became nothing.

    Values of another kind than SEB writes are reported as such. A line for a list or dictionary stands for all in it.
    """
    found = _Findings(settings)
    for step in STEPS:
        step(found)
    for name in settings:
        if name not in found.said:
            found.leave(name, reason_for(name))
    return Imported(found.policy, tuple(found.mapped), tuple(found.unmapped))


class _Findings:
    """What was found so far. ``said`` holds the names of settings that have a line already."""

    def __init__(self, settings: Mapping[str, Value]) -> None:
        self.settings = settings
        self.policy: dict[str, Json] = {}
        self.mapped: list[Mapped] = []
        self.unmapped: list[Unmapped] = []
        self.said: set[str] = set()

    def value(self, name: str, kind: type[_T]) -> _T | None:
        """The setting, if it is there and of its kind; a wrong kind is reported, once."""
        value = self.settings.get(name)
        if type(value) is kind:
            return value
        if value is not None and name not in self.said:
            self.leave(name, f"It is not a {_KINDS[kind]}, which it has to be.")
        return None

    def entries(self, name: str) -> list[Mapping[str, Value]] | None:
        """A list of dictionaries; None when it is not there, or reported as wrong."""
        value = self.settings.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            self.leave(name, "It is not a list of dictionaries, which it has to be.")
            return None
        return [entry for entry in value if isinstance(entry, Mapping)]

    def put(self, name: str, path: str, value: Json, entry: int | None = None, shown: Json = None) -> None:
        """Sets a field, or appends to one whose path ends in ``[]``, and notes where from.

        ``entry`` is the number in the setting's list, ``shown`` what is noted in a secret's place.
        """
        *groups, field = path.removesuffix("[]").split(".")
        holder = self.policy
        for group in groups:
            inner = holder.setdefault(group, {})
            if isinstance(inner, dict):
                holder = inner
        if path.endswith("[]"):
            entries = holder.setdefault(field, [])
            if isinstance(entries, list) and value not in entries:
                entries.append(value)
        else:
            holder[field] = value
        self.said.add(name)
        self.mapped.append(Mapped(_source(name, entry), path.removesuffix("[]"), value if shown is None else shown))

    def leave(self, name: str, reason: str, entry: int | None = None) -> None:
        self.said.add(name)
        self.unmapped.append(Unmapped(_source(name, entry), reason))


def _source(name: str, entry: int | None) -> str:
    return name if entry is None else f"{name}[{entry}]"


_KINDS: dict[type, str] = {bool: "yes or no", int: "whole number", str: "text"}


def _exam(found: _Findings) -> None:
    address = found.value("startURL", str)
    if address:
        found.put("startURL", "exam.start_url", address)
    suffix = found.value("browserUserAgent", str)
    if suffix:
        found.put("browserUserAgent", "browser.user_agent_suffix", suffix)
    quit_allowed = found.value("allowQuit", bool)
    if quit_allowed:
        found.leave("allowQuit", "An exam is ended by handing in; lockdown.quit_always would make it a practice run.")
    elif quit_allowed is not None:
        found.put("allowQuit", "lockdown.quit_always", False)


def _url_rules(found: _Findings) -> None:
    on = found.value("URLFilterEnable", bool)
    rules = found.entries("URLFilterRules")
    if on is not None:
        found.leave(
            "URLFilterEnable",
            "The filter is always on: only the start page's origin and the allowed addresses can be opened.",
        )
    for number, rule in enumerate(rules or []):
        reason = "URLFilterEnable is off in this file, so its rules do not count." if on is not True else _unfit(rule)
        if reason:
            found.leave("URLFilterRules", reason, number)
        else:
            path = "browser.allow[]" if rule["action"] == 1 else "browser.block[]"
            found.put("URLFilterRules", path, str(rule["expression"]), number)


def _unfit(rule: Mapping[str, Value]) -> str | None:
    """Why a rule is not taken over; its words stay out of it."""
    expression = rule.get("expression")
    if rule.get("active") is not True:
        return "The rule is switched off in this file."
    if rule.get("regex") is True:
        return "Regular expressions are not understood; write the rule in the simplified syntax."
    if not isinstance(expression, str) or not expression or rule.get("action") not in (0, 1):
        return "The rule has no expression, or neither allows nor blocks."
    if len(expression) > MAX_ENTRY or not expression.isprintable():
        return "The rule is longer than a policy allows, or has control characters."
    try:
        compile_rules([expression], [])
    except BadInput:
        return "The rule can't be read; try it with invigil url-filter."
    return None


def _new_windows(found: _Findings) -> None:
    for name in ("newBrowserWindowByLinkPolicy", "newBrowserWindowByScriptPolicy"):
        policy = found.value(name, int)
        if policy is None:
            continue
        if "new_windows" in _group(found, "browser"):
            found.leave(name, "Links and scripts are treated alike; newBrowserWindowByLinkPolicy counts.")
        elif policy in _WINDOWS:
            found.put(name, "browser.new_windows", _WINDOWS[policy])
            if policy == 2:
                found.leave(name, "A second window is never opened; the page opens in the same window.")
        else:
            found.leave(name, "It has a value that Safe Exam Browser does not know.")


def _unlock(found: _Findings) -> None:
    """SEB keeps the hexadecimal SHA-256 of a password; nothing slower can be made of it without the password."""
    digest = found.value("hashedQuitPassword", str)
    if not digest:
        return
    stored = f"sha256${digest.lower()}"
    if is_hash(stored):
        found.put("hashedQuitPassword", "lockdown.unlock_password", stored, shown=NOT_SHOWN)
        found.leave("hashedQuitPassword", _WEAK)
    else:
        found.leave("hashedQuitPassword", "It is not the SHA-256 of a password, which it has to be.")


def _lockdown(found: _Findings) -> None:
    kiosks = _flags(found, "createNewDesktop", "killExplorerShell")
    if any(kiosks.values()) or len(kiosks) == 2:
        for name in kiosks:
            found.put(name, "lockdown.kiosk", any(kiosks.values()))
        if "createNewDesktop" in kiosks:
            found.put("createNewDesktop", "lockdown.separate_desktop", kiosks["createNewDesktop"])
    awake = _flags(found, "systemAlwaysOn", "displayAlwaysOn")
    for name in awake:
        found.put(name, "lockdown.keep_awake", any(awake.values()))
    captures = _flags(found, "allowScreenSharing", "allowScreenCapture", "allowWindowCapture")
    for name in captures:
        found.put(name, "lockdown.content_protect", not all(captures.values()))
    for name, hooked in _flags(found, "hookKeys").items():
        found.put(name, "lockdown.grab_keyboard", hooked)
    for name, allowed in _flags(found, "allowScreenSharing").items():
        _respond(found, name, 5112, allowed=allowed, response="hold")
    released = "unlock_password" in _group(found, "lockdown")
    for name, allowed in _flags(found, "allowVirtualMachine").items():
        _respond(found, name, 5113, allowed=allowed, response="hold" if released else "warn")
        if not (allowed or released):
            found.leave(name, _NOBODY)
    displays = found.value("allowedDisplaysMaxNumber", int)
    if displays is not None:
        found.put("allowedDisplaysMaxNumber", "lockdown.single_monitor", displays <= 1)
        if displays > 1:
            found.leave("allowedDisplaysMaxNumber", "More than one monitor means any number of them.")


def _respond(found: _Findings, name: str, code: int, *, allowed: bool, response: Response) -> None:
    if allowed:
        found.put(name, f"detection.rules.{code}.enabled", False)
    else:
        found.put(name, f"detection.rules.{code}.response", response)


def _input(found: _Findings) -> None:
    for name, allowed in _flags(found, "enablePrintScreen").items():
        found.put(name, "detection.rules.5115.enabled", not allowed)
    for name, allowed in _flags(found, "enableInjected").items():
        found.put(name, "detection.rules.5123.enabled", not allowed)
    policy = found.value("clipboardPolicy", int)
    if policy in _CLIPBOARD:
        found.put("clipboardPolicy", "lockdown.clipboard", policy != 0)
        if policy == 1:
            found.leave(
                "clipboardPolicy", "Copying within the exam's page goes on working; page and machine are kept apart."
            )
    elif policy is not None:
        found.leave("clipboardPolicy", "It has a value that Safe Exam Browser does not know.")
    for name, private in _flags(found, "enablePrivateClipboard").items():
        if policy in _CLIPBOARD:
            found.leave(name, "clipboardPolicy counts.")
        else:
            found.put(name, "lockdown.clipboard", private)


def _processes(found: _Findings) -> None:
    for number, process in enumerate(found.entries("prohibitedProcesses") or []):
        names = _names(process, "executable", "originalName") or _names(process, "identifier")
        if process.get("active") is not True:
            found.leave("prohibitedProcesses", _OFF, number)
        elif not names:
            found.leave("prohibitedProcesses", _NAMELESS, number)
        else:
            for name in names:
                found.put("prohibitedProcesses", "lockdown.denied_processes[]", name, number)
            if process.get("strongKill") is True:
                found.put("prohibitedProcesses", "detection.rules.5111.response", "close", number)
                found.put("prohibitedProcesses", "lockdown.kill_processes", True, number)
    for number, process in enumerate(found.entries("permittedProcesses") or []):
        names = _names(process, "executable", "originalName")
        if process.get("active") is not True:
            found.leave("permittedProcesses", _OFF, number)
        elif not names:
            found.leave("permittedProcesses", _NAMELESS, number)
        else:
            for name in names:
                found.put("permittedProcesses", "lockdown.allowed_programs[]", name, number)
            found.leave("permittedProcesses", "Its windows are no violation; the client starts no programs.", number)


def _names(process: Mapping[str, Value], *fields: str) -> list[str]:
    """The program's names in these fields, each once."""
    values = [process.get(field) for field in fields]
    names = [value.strip() for value in values if isinstance(value, str) and value.isprintable()]
    return list(dict.fromkeys(name for name in names if 0 < len(name) <= MAX_ENTRY and not name.startswith("sha256:")))


def _proctoring(found: _Findings) -> None:
    screen = found.value("enableScreenProctoring", bool)
    if screen is not None:
        found.put("enableScreenProctoring", "capture.screen", screen)
    shortest_ms = found.value("screenProctoringScreenshotMinInterval", int)
    if screen and shortest_ms is not None and shortest_ms > 0:
        fps = round(1000 / shortest_ms, 3)
        if SCREEN_FPS[0] <= fps <= SCREEN_FPS[1]:
            found.put("screenProctoringScreenshotMinInterval", "capture.screen_fps", fps)
    judged = found.value("proctoringAIEnable", bool)
    if judged is None:
        return
    found.put("proctoringAIEnable", "detection.enabled", judged)
    if judged:
        found.put("proctoringAIEnable", "capture.camera", True)
        for name, code in _FACE_RULES:
            wanted = found.value(name, bool)
            if wanted is not None:
                found.put(name, f"detection.rules.{code}.enabled", wanted)


_FACE_RULES = (
    ("proctoringDetectFaceCount", 5001),
    ("proctoringDetectFaceCount", 5002),
    ("proctoringDetectFaceYaw", 5101),
    ("proctoringDetectTalking", 5106),
)


def _flags(found: _Findings, *names: str) -> dict[str, bool]:
    """Those of these settings that are there and of their kind."""
    values = {name: found.value(name, bool) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _group(found: _Findings, name: str) -> Mapping[str, Json]:
    group = found.policy.get(name)
    return group if isinstance(group, dict) else {}


STEPS: tuple[Callable[[_Findings], None], ...] = (
    _exam,
    _url_rules,
    _new_windows,
    _unlock,
    _lockdown,
    _input,
    _processes,
    _proctoring,
)
