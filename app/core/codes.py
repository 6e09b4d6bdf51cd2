"""The one table of codes: what each means, how much it weighs, and what a candidate is told.

2001-2003 and 4001-4017 and 5001-5008 are AutoProctor's numbers and meanings;
5101 and on are what a native client sees besides.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """``severity`` is the default of a violation (0 = for information). ``sentence`` is for the candidate."""

    number: int
    name: str
    severity: float
    sentence: str


def _table(*rows: tuple[int, str, float, str]) -> dict[int, Code]:
    return {row[0]: Code(*row) for row in rows}


SUCCESS = _table(
    (2001, "permissions granted", 0.0, "Camera, microphone and system were checked."),
    (2002, "ready to load", 0.0, "The exam window is ready."),
    (2003, "detection ready", 0.0, "Monitoring is ready to start."),
)

ERRORS = _table(
    (
        4001,
        "incompatible client",
        0.0,
        "This system can't run the exam. Use a supported version of Windows, macOS or Linux.",
    ),
    (
        4002,
        "camera blocked",
        0.0,
        "The camera is blocked for this application. Allow it in the system's privacy settings.",
    ),
    (
        4003,
        "microphone blocked",
        0.0,
        "The microphone is blocked for this application. Allow it in the system's privacy settings.",
    ),
    (4004, "access declined", 0.0, "Access to camera or microphone was declined. Start again and allow it."),
    (4005, "hardware error", 0.0, "A device failed. Unplug it, plug it in again, and wait a few seconds."),
    (
        4006,
        "camera and microphone blocked",
        0.0,
        "Camera and microphone are blocked for this application. Allow them in the system's privacy settings.",
    ),
    (4007, "microphone not readable", 0.0, "The microphone can't be read. Close other programs that use it."),
    (4008, "camera not readable", 0.0, "The camera can't be read. Close other programs that use it."),
    (4009, "no microphone", 0.0, "No microphone was found. Connect or enable one."),
    (4010, "no camera", 0.0, "No camera was found. Connect or enable one."),
    (4011, "screen capture denied", 0.0, "Screen capture was denied. Allow it in the system's privacy settings."),
    (
        4012,
        "screen not readable",
        0.0,
        "The screen can't be captured because of a system error. Restart the machine if it goes on.",
    ),
    (4013, "no screen to capture", 0.0, "There is no screen that can be captured."),
    (4014, "whole screen needed", 0.0, "The entire screen has to be shared, not a single window."),
    (
        4015,
        "several monitors",
        0.0,
        "More than one monitor is connected. Disconnect the others, screens cast to televisions included.",
    ),
    (4016, "unsupported device", 0.0, "This kind of device can't be used for the exam. Use a computer."),
    (4017, "unsupported client", 0.0, "This client can't record what the exam asks for. Use a supported system."),
)

EVIDENCE = _table(
    (5001, "no face", 0.5, "Nobody was seen in front of the camera."),
    (5002, "more than one face", 0.8, "More than one person was seen by the camera."),
    (5003, "random photo", 0.0, "A photo was taken at a random time."),
    (5004, "audio above background", 0.3, "There was sound well above the room's background."),
    (5005, "focus lost", 0.4, "The exam window was left."),
    (5006, "focus gained", 0.0, "The exam window was returned to."),
    (5007, "multiple monitors", 0.7, "More than one monitor was connected."),
    (5008, "multiple monitors suspected", 0.0, "A second monitor may have been connected."),
    (5101, "looking away", 0.3, "The gaze left the screen for some time."),
    (5102, "different person", 0.9, "The person seen did not look like the enrolled one."),
    (5103, "phone", 0.8, "A phone was seen."),
    (5104, "book", 0.4, "A book was seen."),
    (5105, "other object", 0.3, "An object that the exam does not allow was seen."),
    (5106, "speech", 0.4, "Speech was heard."),
    (5107, "second voice", 0.6, "A second voice was heard."),
    (5108, "frozen camera feed", 0.5, "The camera's picture stood still."),
    (5109, "covered or black camera", 0.5, "The camera was covered or dark."),
    (5110, "virtual camera", 0.6, "The camera seems to be a program rather than a device."),
    (5111, "blocked process", 0.6, "A program was running that the exam does not allow."),
    (5112, "remote session or remote control", 0.7, "The machine seems to be controlled from elsewhere."),
    (5113, "virtual machine", 0.4, "The exam seems to run in a virtual machine."),
    (5114, "clipboard", 0.2, "The clipboard was used in a way the exam does not allow."),
    (5115, "capture attempt", 0.4, "A screenshot key was pressed."),
    (5116, "display changed", 0.2, "A display was connected, removed or changed."),
    (5117, "device plugged or unplugged", 0.1, "A device was plugged in or out."),
    (5118, "clock changed", 0.3, "The machine's clock was changed."),
    (5119, "monitoring gap", 0.2, "Part of the monitoring is missing."),
    (5120, "tampering", 1.0, "The client, its guardian or what they rely on was stopped or altered."),
    (5121, "blocked key or gesture", 0.2, "A key combination was pressed that the exam does not allow."),
    (5122, "foreign window", 0.5, "A window of another program was shown over the exam."),
    (5123, "injected input", 0.3, "Keys or clicks came from a program rather than from the keyboard or mouse."),
)

CAMERA_CODES = frozenset({5001, 5002, 5003, 5101, 5102, 5103, 5104, 5105, 5108, 5109})
MICROPHONE_CODES = frozenset({5004, 5106, 5107})
"""Evidence that only the camera's pictures, or only the microphone's sound, can give. What a camera is (5110) is told by its name."""
SCREEN_CODES = frozenset({5005, 5007, 5008, 5111, 5114, 5115, 5116, 5121, 5122, 5123})
"""Evidence that a picture of the screen shows better than one of the candidate."""

CODES: dict[int, Code] = SUCCESS | ERRORS | EVIDENCE


def code(number: int) -> Code:
    """The code with this number; KeyError when there is none."""
    return CODES[number]


def name(number: int) -> str:
    return CODES[number].name
