"""AutoProctor's ``trackingOptions`` in a policy's words; the other vendors' importers are in ``keys``.

Options, types and defaults are those of the vendor's page on default options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.backend.errors import invalid
from app.backend.lms_policy import NOT_GIVEN

JsonObject = dict[str, Any]

_OPTIONS = "trackingOptions"

SWITCHES: dict[str, tuple[bool, tuple[tuple[str, Any, Any], ...]]] = {
    "audio": (
        True,
        (("capture.microphone", True, False), ("detection.rules.5004.enabled", True, False)),
    ),
    "numHumans": (
        True,
        (("detection.rules.5001.enabled", True, False), ("detection.rules.5002.enabled", True, False)),
    ),
    "tabSwitch": (True, (("detection.rules.5005.enabled", True, False),)),
    "captureSwitchedTab": (True, (("capture.screen", True, False),)),
    "detectMultipleScreens": (True, (("detection.rules.5007.enabled", True, False),)),
    "recordSession": (False, (("evidence.mode", "continuous", "clips"),)),
    "testTakerPhoto": (False, (("identity.photo", True, False),)),
    "forceDesktop": (False, (("lockdown.refuse_mobile", True, False),)),
    "auxiliaryDevice": (False, (("capture.second_camera", True, False),)),
    "impersonation": (False, (("identity.ongoing", True, False),)),
}
"""By option: its default, and the policy's fields with their values for true and for false."""

REASONS: dict[str, str] = {
    "photosAtRandom": "Clips around violations, or everything, are kept in place of random photos: see evidence.mode.",
    "numPhotosAtRandom": "No random photos are taken.",
    "forceFullScreen": "The exam is in full screen where policy.lockdown.kiosk says so, which it does by default.",
    "multiSessionAttempt": "An attempt is bound to its token and to the key that its client made.",
    "idCardVerification": "What is in it is not published; set policy.identity.id_document in a config key.",
    "showCamPreview": "The client shows the camera's picture before the exam.",
}


def import_options(body: Mapping[str, Any]) -> JsonObject:
    """``policy``, ``mapped`` and ``unmapped``, as the importers in ``keys`` give them. ApiError 400 for wrong types.

    ``track`` is an older name of ``trackingOptions``.
    """
    rest = dict(body)
    named = next((name for name in (_OPTIONS, "track") if name in rest), _OPTIONS)
    options = rest.pop(named, None) or {}
    if not isinstance(options, dict):
        raise invalid(named, "An object is needed")
    policy: JsonObject = {}
    mapped: list[JsonObject] = []
    unmapped = [_unmapped(path, "This has no meaning here.") for path in rest]
    for name, (default, fields) in SWITCHES.items():
        value = options.get(name, default)
        if not isinstance(value, bool):
            raise invalid(f"{named}.{name}", "true or false is needed")
        source = f"{named}.{name}" + ("" if name in options else NOT_GIVEN)
        for path, if_true, if_false in fields:
            _put(policy, path, if_true if value else if_false)
            mapped.append({"source": source, "path": path, "value": if_true if value else if_false})
    if policy["identity"]["ongoing"]:
        _put(policy, "identity.photo", True)  # what later pictures are compared with
        mapped.append({"source": f"{named}.impersonation", "path": "identity.photo", "value": True})
    others = (name for name in options if name not in SWITCHES)
    unmapped += [_unmapped(f"{named}.{one}", REASONS.get(one, "Not an option that is known here.")) for one in others]
    return {"policy": policy, "mapped": mapped, "unmapped": unmapped}


def _unmapped(source: str, reason: str) -> dict[str, str]:
    return {"source": source[:200], "reason": reason}


def _put(policy: JsonObject, path: str, value: Any) -> None:
    *groups, name = path.split(".")
    for group in groups:
        policy = policy.setdefault(group, {})
    policy[name] = value
