"""The page API's native side: what the page is told, and the one thing that it may ask for.

``resources/sdk/page_api.js`` is the other side. Everything that comes from there is checked again
here: a renderer that was taken over can say anything.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QFile, QIODevice, QObject, Signal, Slot
from PySide6.QtWebEngineCore import QWebEngineScript

from app.core.types import Json
from app.core.urls import origin_text

API_VERSION = "1.0"
CALLS_MAX = 5
CALLS_WINDOW_MS = 10_000
REASON_MAX_CHARS = 200
QUEUE_MAX = 100
_CALL_MAX_CHARS = 4_096

# Events that say where the attempt stands: each new page gets them again. They carry no detail.
# Newer AutoProctor pages listen for apSetupCompleted.
_STANDING = {
    "apSetupComplete": ("apSetupComplete", "apSetupCompleted"),
    "apMonitoringStarted": ("apMonitoringStarted",),
    "apMonitoringStopped": ("apMonitoringStopped",),
}
_DETAILED = frozenset({"apSuccessEvent", "apErrorEvent", "apEvidenceEvent"})


@dataclass(frozen=True, slots=True)
class _Message:
    seq: int
    name: str
    detail: dict[str, Json] | None

    def text(self) -> str:
        return json.dumps({"seq": self.seq, "name": self.name, "detail": self.detail})


class PageBridge(QObject):
    """Registered on the QWebChannel as ``invigil``, in our isolated world. UI thread only.

    ``now_ms`` is monotonic; ``page_url`` gives the address of the page that is shown now.
    """

    told = Signal(str)
    finish_asked = Signal(str)
    page_ready = Signal()

    def __init__(
        self,
        origins: Sequence[str],
        page_url: Callable[[], str],
        now_ms: Callable[[], int],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._origins = frozenset(origins)
        self._page_url = page_url
        self._now_ms = now_ms
        self._seq = 0
        self._standing: list[_Message] = []
        self._unheard: deque[_Message] = deque(maxlen=QUEUE_MAX)
        self._calls: deque[int] = deque(maxlen=CALLS_MAX)
        self._ready = False
        self.dropped_events = 0
        self.refused_calls = 0

    def emit_event(self, name: str, detail: Mapping[str, Json] | None = None) -> None:
        """Tells the page, once one is ready. Raises ValueError for a name or detail that the API does not have."""
        if name in _STANDING:
            if detail is not None:
                raise ValueError(f"{name} has no detail")
            messages = [self._message(native, None) for native in _STANDING[name]]
            self._standing.extend(messages)
        elif name in _DETAILED:
            messages = [self._message(name, dict(detail or {}))]
            self.dropped_events += len(self._unheard) == QUEUE_MAX
            self._unheard.extend(messages)
        else:
            raise ValueError(f"the page API has no event {name}")
        if self._ready:
            self._tell(messages)

    # ---- called by our script in the isolated world; the names are the ones JavaScript sees

    @Slot(str, result=str)
    def call(self, text: str) -> str:
        """Answers ``{"id","error"}``; ``error`` is null when it was accepted."""
        call_id, reason = _read_call(text)
        error = self._refusal(reason)
        if error is None and reason is not None:
            self.finish_asked.emit(reason)
        else:
            self.refused_calls += 1
        return json.dumps({"id": call_id, "error": error})

    @Slot(int)
    def heard(self, seq: int) -> None:
        """The page was told this message; it need not be told again."""
        kept = [message for message in self._unheard if message.seq != seq]
        self._unheard = deque(kept, maxlen=QUEUE_MAX)

    @Slot(str)
    def pageReady(self, origin: str) -> None:
        """A new page's own scripts have run."""
        if origin not in self._origins or origin != origin_text(self._page_url()):
            return
        self._ready = True
        self._tell(sorted([*self._standing, *self._unheard], key=lambda message: message.seq))
        self.page_ready.emit()

    def _refusal(self, reason: str | None) -> str | None:
        if reason is None:
            return "The call can't be read."
        if origin_text(self._page_url()) not in self._origins:
            return "This page may not finish the exam."
        now = self._now_ms()
        if len(self._calls) == CALLS_MAX and now - self._calls[0] < CALLS_WINDOW_MS:
            return "Too many calls; wait a few seconds and try again."
        self._calls.append(now)
        return None

    def _message(self, name: str, detail: dict[str, Json] | None) -> _Message:
        self._seq += 1
        return _Message(self._seq, name, detail)

    def _tell(self, messages: Sequence[_Message]) -> None:
        for message in messages:
            self.told.emit(message.text())


def _read_call(text: str) -> tuple[int, str | None]:
    """The call's number and the reason given for finishing; None when it is not a call of ours."""
    if len(text) > _CALL_MAX_CHARS:
        return 0, None
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        return 0, None
    if not isinstance(call, dict) or set(call) != {"id", "method", "reason"} or call["method"] != "finish":
        return 0, None
    call_id, reason = call["id"], call["reason"]
    if not isinstance(call_id, int) or isinstance(call_id, bool) or not isinstance(reason, str):
        return 0, None
    printable = "".join(c if c.isprintable() else " " for c in reason[:REASON_MAX_CHARS])
    return call_id, " ".join(printable.split())


def page_scripts(page_script: str, origins: Sequence[str], channel: str) -> list[QWebEngineScript]:
    """The scripts to insert, all run before any script of the page. ``channel`` must be unguessable."""
    common: dict[str, Json] = {
        "version": API_VERSION,
        "channel": channel,
        "origins": list(origins),
        "reasonMax": REASON_MAX_CHARS,
        "callsMax": CALLS_MAX,
        "windowMs": CALLS_WINDOW_MS,
    }
    page_world, app_world = QWebEngineScript.ScriptWorldId.MainWorld, QWebEngineScript.ScriptWorldId.ApplicationWorld
    return [
        _script("invigil-frame", page_script, {"world": "page-frame"}, page_world, frames=True),
        _script("invigil-drag", page_script, {"world": "app-frame"}, app_world, frames=True),
        _script("invigil-page", page_script, {**common, "world": "page"}, page_world),
        _script("invigil-app", f"{_web_channel_script()}\n{page_script}", {**common, "world": "app"}, app_world),
    ]


def _script(
    name: str, source: str, config: dict[str, Json], world: QWebEngineScript.ScriptWorldId, *, frames: bool = False
) -> QWebEngineScript:
    script = QWebEngineScript()
    script.setName(name)
    script.setInjectionPoint(QWebEngineScript.InjectionPoint.DocumentCreation)
    script.setWorldId(world)
    script.setRunsOnSubFrames(frames)
    script.setSourceCode(f"(() => {{\n{source}\ninvigilPageApi({json.dumps(config)});\n}})();")
    return script


def _web_channel_script() -> str:
    file = QFile(":/qtwebchannel/qwebchannel.js")
    if not file.open(QIODevice.OpenModeFlag.ReadOnly):
        raise RuntimeError("Qt's qwebchannel.js is missing from QtWebChannel")
    try:
        return bytes(file.readAll().data()).decode("utf-8")
    finally:
        file.close()
