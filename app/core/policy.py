"""Policy: the immutable configuration of one exam, compiled from a config key.

Plain frozen dataclasses, so that every layer can read a policy without a validation
library; ``keys`` validates untrusted input against these same classes. Fields are
grouped as a person thinks of an exam. Unknown fields are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Sensitivity = Literal["low", "medium", "high"]
_STRICT: dict[str, object] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """``duration_min`` None means that the page alone keeps the time."""

    __pydantic_config__: ClassVar = _STRICT
    id: str
    title: str
    start_url: str
    duration_min: int | None = None
    instructions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    __pydantic_config__: ClassVar = _STRICT
    id: str
    name: str
    email: str = ""
    group: str = ""
    attempt_number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``photo``: the candidate's picture is taken before the exam."""

    __pydantic_config__: ClassVar = _STRICT
    photo: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockdown:
    """``quit_always`` shows a Quit button and keeps Ctrl+Alt+Shift+Q alive at any time (demo, practice)."""

    __pydantic_config__: ClassVar = _STRICT
    kiosk: bool = True
    grab_keyboard: bool = True
    single_monitor: bool = True
    keep_awake: bool = True
    denied_processes: tuple[str, ...] = ()
    quit_always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """URL rules in Safe Exam Browser's simplified syntax. The start URL's origin is always allowed.

    ``page_api_origins``: origins besides the start URL's that may use the page API.
    """

    __pydantic_config__: ClassVar = _STRICT
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    new_windows: Literal["block", "same_window"] = "block"
    user_agent_suffix: str = "Invigil"
    page_api_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    __pydantic_config__: ClassVar = _STRICT
    camera: bool = True
    microphone: bool = True
    screen: bool = True
    allow_file_sources: bool = False
    camera_width_px: int = 640
    camera_height_px: int = 480
    camera_fps: float = 10.0
    screen_fps: float = 1.0
    screen_max_width_px: int = 1366
    segment_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetting:
    """How observations become a violation.

    It opens when its signal was active for ``dwell_s``, closes when it was inactive for
    ``release_s``; spans closer than ``merge_s`` are one; after it closed, no new one opens
    for ``cooldown_s``. ``threshold`` is the rule's own unit (see docs/policy.md), None = default.
    """

    __pydantic_config__: ClassVar = _STRICT
    enabled: bool = True
    dwell_s: float | None = None
    release_s: float | None = None
    merge_s: float | None = None
    cooldown_s: float | None = None
    threshold: float | None = None
    severity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """``rules`` overrides the defaults of ``core.rules`` by evidence code."""

    __pydantic_config__: ClassVar = _STRICT
    enabled: bool = True
    sensitivity: Sensitivity = "medium"
    faces_per_second: float = 5.0
    rules: Mapping[int, RuleSetting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """``clips`` keeps segments around violations only; ``continuous`` keeps all."""

    __pydantic_config__: ClassVar = _STRICT
    mode: Literal["clips", "continuous"] = "clips"
    pre_roll_s: float = 5.0
    post_roll_s: float = 5.0
    quota_mb: int = 2048
    keep_after_upload: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """``token`` is a Bearer token that may only deliver to this exam."""

    __pydantic_config__: ClassVar = _STRICT
    endpoint: str
    token: str
    exam_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    __pydantic_config__: ClassVar = _STRICT
    institution: str = ""
    contact: str = ""
    purpose: str = "to check that the exam was taken by you and under its rules"
    viewers: str = "proctors of the institution"
    retention_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """``weights``: trust points lost per minute-equivalent of a violation, by evidence code; see core.trust."""

    __pydantic_config__: ClassVar = _STRICT
    weights: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    __pydantic_config__: ClassVar = _STRICT
    exam: Exam
    candidate: Candidate
    upload: Upload
    identity: Identity = Identity()
    lockdown: Lockdown = Lockdown()
    browser: Browser = Browser()
    capture: Capture = Capture()
    detection: Detection = Detection()
    evidence: Evidence = Evidence()
    privacy: Privacy = Privacy()
    score: Score = Score()
