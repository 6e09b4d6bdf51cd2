"""Policy: the immutable configuration of one exam, compiled from a config key.

Plain frozen dataclasses, so that every layer can read a policy without a validation
library; ``keys`` validates untrusted input against these same classes. Fields are
grouped as a person thinks of an exam. Unknown fields are refused. What each field means
to people, its bounds and the vendors' names for it are in ``keys.settings``, from which
docs/policy.md is made. What this client can't do yet is listed in ``core.abilities``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Sensitivity = Literal["low", "medium", "high"]
Response = Literal["ignore", "record", "warn", "hold", "close", "end"]
"""What follows a violation: nothing and no violation; recorded; and the candidate told; and the exam held on the lock
screen; and the offending program closed (held, if it stays); and the attempt ended."""
Position = Literal["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]
_STRICT: dict[str, object] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """``duration_min`` None means that the page alone keeps the time.

    ``message`` is shown to the candidate; a newer key brings another one while the exam runs.
    ``allow_fallback``: the exam may start although this client or machine can't do all that the policy asks.
    """

    __pydantic_config__: ClassVar = _STRICT
    id: str
    title: str
    start_url: str
    duration_min: int | None = None
    instructions: str = ""
    message: str = ""
    client_id: str = ""
    exit_url: str = ""
    allow_fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """``id`` empty: the key is for a whole exam or group, and the person is asked who they are."""

    __pydantic_config__: ClassVar = _STRICT
    id: str = ""
    name: str = ""
    email: str = ""
    group: str = ""
    attempt_number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Before the exam: ``photo`` and ``id_document`` are taken, ``face_check`` compares the photo with the picture at
    ``reference_photo_url`` or on the document, ``authorization`` waits for a proctor. ``ongoing`` compares meanwhile.
    """

    __pydantic_config__: ClassVar = _STRICT
    photo: bool = True
    id_document: bool = False
    reference_photo_url: str = ""
    face_check: bool = False
    ongoing: bool = False
    room_inspection: Literal["off", "recorded", "live"] = "off"
    authorization: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockdown:
    """``quit_always`` shows a Quit button and keeps Ctrl+Alt+Shift+Q alive at any time (demo, practice).

    ``denied_processes`` are names, or ``sha256:`` and the hash of a program's file. ``allowed_programs`` may show windows,
    ``allowed_signers`` are publishers whose programs are never denied, ``capture_tools`` may record the screen.
    ``kill_processes``: what does not close when it is asked is ended. ``hold_release``: how a held exam goes on when the
    policy held it: once the cause is gone, or by password or proctor only. ``unlock_password`` is a hash (``core.unlock``).
    ``separate_desktop``: on Windows the exam has a desktop of its own. ``restart_client``: after a crash the exam goes on
    by itself; otherwise the candidate starts it again.
    """

    __pydantic_config__: ClassVar = _STRICT
    kiosk: bool = True
    grab_keyboard: bool = True
    single_monitor: bool = True
    keep_awake: bool = True
    clipboard: bool = True
    watch_windows: bool = True
    watch_devices: bool = True
    watch_machine: bool = True
    denied_processes: tuple[str, ...] = ()
    allowed_programs: tuple[str, ...] = ()
    allowed_signers: tuple[str, ...] = ()
    capture_tools: tuple[str, ...] = ()
    kill_processes: bool = False
    content_protect: bool = False
    separate_desktop: bool = False
    hold_release: Literal["cause_gone", "proctor"] = "cause_gone"
    unlock_password: str = ""
    restart_client: bool = True
    refuse_mobile: bool = True
    quit_always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """URL rules in Safe Exam Browser's simplified syntax. The start URL's origin is always allowed.

    ``page_api_origins``: origins besides the start URL's that may use the page API. ``container_id`` is the element in
    which a page lets the proctoring show itself, the positions say where.
    """

    __pydantic_config__: ClassVar = _STRICT
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    new_windows: Literal["block", "same_window"] = "block"
    user_agent_suffix: str = "Invigil"
    page_api_origins: tuple[str, ...] = ()
    container_id: str = ""
    verification_position: Position = "center"
    id_position: Position = "center"
    live_camera_position: Position = "top-right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Which streams are recorded and judged on the device; whether recordings leave it is in ``Upload``.

    ``second_microphone_label`` is a regular expression that the device's name has to contain a match of.
    """

    __pydantic_config__: ClassVar = _STRICT
    camera: bool = True
    microphone: bool = True
    screen: bool = True
    second_camera: bool = False
    second_microphone: bool = False
    second_microphone_label: str = ""
    allow_file_sources: bool = False
    camera_width_px: int = 640
    camera_height_px: int = 480
    camera_fps: float = 10.0
    screen_fps: float = 1.0
    screen_max_width_px: int = 1366
    segment_s: float = 5.0
    start_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetting:
    """How observations become a violation.

    It opens when its signal was active for ``dwell_s``, closes when it was inactive for
    ``release_s``; spans closer than ``merge_s`` are one; after it closed, no new one opens
    for ``cooldown_s``. ``threshold`` is the rule's own unit (see docs/policy.md), None = default. ``response`` is what
    follows a violation, None = the rule's default (``core.rule_table``).
    """

    __pydantic_config__: ClassVar = _STRICT
    enabled: bool = True
    dwell_s: float | None = None
    release_s: float | None = None
    merge_s: float | None = None
    cooldown_s: float | None = None
    threshold: float | None = None
    severity: float | None = None
    response: Response | None = None

    @property
    def applied(self) -> bool:
        """Whether there can be a violation at all."""
        return self.enabled and self.response != "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """``rules`` overrides the defaults of ``core.rules`` by evidence code.

    ``objects`` looks for things of ``object_categories`` (COCO names). ``server``: the backend looks at the
    recordings too, afterwards or while they arrive.
    """

    __pydantic_config__: ClassVar = _STRICT
    enabled: bool = True
    sensitivity: Sensitivity = "medium"
    faces_per_second: float = 5.0
    objects: bool = False
    object_categories: tuple[str, ...] = ("cell phone", "book", "laptop")
    server: Literal["off", "after", "live"] = "off"
    rules: Mapping[int, RuleSetting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """``snapshots`` keeps single pictures, ``clips`` the segments around violations, ``continuous`` all of them."""

    __pydantic_config__: ClassVar = _STRICT
    mode: Literal["snapshots", "clips", "continuous"] = "clips"
    pre_roll_s: float = 5.0
    post_roll_s: float = 5.0
    quota_mb: int = 2048
    keep_after_upload: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """``token`` is a Bearer token that may only deliver to this exam.

    A stream that is captured but not uploaded is judged on the device; its recordings never leave it, and are deleted.
    ``offline_limit_min``: how long the network may be away before the exam ends; None for no limit.
    """

    __pydantic_config__: ClassVar = _STRICT
    endpoint: str
    token: str
    exam_id: str
    camera: bool = True
    microphone: bool = True
    screen: bool = True
    second_camera: bool = True
    second_microphone: bool = True
    file_name_prefix: str = ""
    path_prefix: str = ""
    connection_timeout_s: float = 20.0
    offline_limit_min: int | None = None

    def sends(self, stream: str) -> bool:
        """Whether recordings of this stream (by the value of ``core.types.Stream``) go to the backend."""
        return bool(getattr(self, stream))


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The line to a proctor. ``endpoint`` is the backend's address for it; empty means none.

    ``mode``: ``recorded`` keeps evidence only, ``live`` shows the streams to a proctor only, ``combo`` does both.
    """

    __pydantic_config__: ClassVar = _STRICT
    endpoint: str = ""
    mode: Literal["recorded", "live", "combo"] = "recorded"
    room_id: str = ""
    chat: bool = False
    pause_resume: bool = False
    initial_state: Literal["running", "paused"] = "running"
    end_test: bool = False
    auto_acknowledge: bool = True


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
class Accessibility:
    """What this candidate is granted. Extra time is added up: minutes, and percent of the exam's duration.

    ``screen_reader``: its voice is in the room, so sound is not judged. ``looking_away``, ``second_person`` and
    ``reading_aloud`` are permitted, so nothing of the kind is a violation. ``assistive_programs`` are never denied.
    """

    __pydantic_config__: ClassVar = _STRICT
    extra_time_min: int = 0
    extra_time_percent: float = 0.0
    screen_reader: bool = False
    looking_away: bool = False
    second_person: bool = False
    reading_aloud: bool = False
    assistive_programs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    __pydantic_config__: ClassVar = _STRICT
    exam: Exam
    candidate: Candidate = Candidate()
    identity: Identity = Identity()
    lockdown: Lockdown = Lockdown()
    browser: Browser = Browser()
    capture: Capture = Capture()
    detection: Detection = Detection()
    evidence: Evidence = Evidence()
    upload: Upload
    live: Live = Live()
    privacy: Privacy = Privacy()
    score: Score = Score()
    accessibility: Accessibility = Accessibility()
