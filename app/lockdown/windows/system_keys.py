"""What Ctrl+Alt+Del offers, and the hot keys of the ease of access, switched off while an exam is locked.

Ctrl+Alt+Del itself can't be blocked by a program, and is not: it is a person's way to safety. What it offers is ruled by
documented policies in the registry, which need the right to write them; where it is missing, they are left alone and the
plan says so. The hot keys (five times Shift) only open a question; a feature that is on stays on, and every feature can
still be switched on in the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import Structure, c_uint, sizeof
from dataclasses import dataclass
from typing import Protocol

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.win32 import user32
from app.lockdown.windows.registry import Place, Registry, Root

_POLICIES = r"Software\Microsoft\Windows\CurrentVersion\Policies"
POLICIES: Mapping[str, Place] = {
    "task_manager": Place(Root.USER, rf"{_POLICIES}\System", "DisableTaskMgr"),
    "lock": Place(Root.USER, rf"{_POLICIES}\System", "DisableLockWorkstation"),
    "password": Place(Root.USER, rf"{_POLICIES}\System", "DisableChangePassword"),
    "sign_out": Place(Root.USER, rf"{_POLICIES}\Explorer", "NoLogoff"),
    "switch_user": Place(Root.MACHINE, rf"{_POLICIES}\System", "HideFastUserSwitching"),
}
"""All are numbers, and 1 switches the entry off."""
OFF = 1
HOT_KEY = 0x4
"""SKF_, FKF_ and TKF_HOTKEYACTIVE are the same bit."""
_MOST = 0xFFFFFFFF


class HotKeys(Protocol):
    """The flags of the three features that have a hot key, in this session only: nothing of it outlasts a logout."""

    def flags(self, feature: str) -> int | None:
        """None where this Windows has no such setting."""

    def set_flags(self, feature: str, flags: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Feature:
    read: int
    write: int
    size_bytes: int


class _AccessibilityFlags(Structure):
    """STICKYKEYS and TOGGLEKEYS are the first two fields; FILTERKEYS has four times in ms behind them."""

    _fields_ = (("size", c_uint), ("flags", c_uint), ("times_ms", c_uint * 4))


FEATURES: Mapping[str, _Feature] = {
    "sticky_keys": _Feature(user32.SPI_GETSTICKYKEYS, user32.SPI_SETSTICKYKEYS, 8),
    "toggle_keys": _Feature(user32.SPI_GETTOGGLEKEYS, user32.SPI_SETTOGGLEKEYS, 8),
    "filter_keys": _Feature(user32.SPI_GETFILTERKEYS, user32.SPI_SETFILTERKEYS, sizeof(_AccessibilityFlags)),
}


class SessionHotKeys:
    """Windows' own (SystemParametersInfo)."""

    def flags(self, feature: str) -> int | None:
        try:
            return int(self._read(FEATURES[feature]).flags)
        except OSError:
            return None

    def set_flags(self, feature: str, flags: int) -> None:
        """All else of the feature stays as it is. Raises LockdownError."""
        of = FEATURES[feature]
        try:
            data = self._read(of)
            data.flags = flags
            user32.system_parameter(of.write, of.size_bytes, data)
        except OSError as error:
            raise LockdownError(
                f"The hot key of {feature.replace('_', ' ')} can't be changed ({error}); see Settings, Accessibility."
            ) from error

    def _read(self, of: _Feature) -> _AccessibilityFlags:
        data = _AccessibilityFlags(size=of.size_bytes)
        user32.system_parameter(of.read, of.size_bytes, data)
        return data


class SystemKeys:
    """The operation. What the user may not change, and hot keys that are off already, are not touched.

    ``keep_hot_keys``: the candidate was granted assistive technology, and may switch it on as they are used to.
    """

    name = lockdown.SYSTEM_KEYS

    def __init__(self, registry: Registry, hot_keys: HotKeys, *, keep_hot_keys: bool = False) -> None:
        self._registry = registry
        self._hot_keys = hot_keys
        self._unwanted = () if keep_hot_keys else tuple(FEATURES)

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        """``policies``: each one that will be changed, None for one that is not there; ``new_keys``: of these, those whose
        key is not there; ``hot_keys``: those that are on."""
        ours = [name for name, place in POLICIES.items() if self._is_ours(place)]
        policies: dict[str, Json] = {name: self._registry.number(POLICIES[name]) for name in ours}
        new_keys: list[Json] = [name for name in ours if not self._registry.has_key(POLICIES[name])]
        hot_keys: list[Json] = [name for name in self._unwanted if (self._hot_keys.flags(name) or 0) & HOT_KEY]
        return {"policies": policies, "new_keys": new_keys, "hot_keys": hot_keys}

    def perform(self) -> None:
        for place in POLICIES.values():
            if self._is_ours(place):
                self._registry.set_number(place, OFF)
        for feature in self._unwanted:
            flags = self._hot_keys.flags(feature) or 0
            if flags & HOT_KEY:
                self._hot_keys.set_flags(feature, flags & ~HOT_KEY)

    def revert(self, before: Mapping[str, Json]) -> None:
        """Past the first refusal, so that one value that can't be given back does not keep the others."""
        policies, new_keys, hot_keys = _checked(before)
        problems = []
        for name, number in policies.items():
            try:
                self._give_back(POLICIES[name], number, is_new_key=name in new_keys)
            except LockdownError as error:
                problems.append(str(error))
        for feature in hot_keys:
            flags = self._hot_keys.flags(feature)
            if flags is not None and not flags & HOT_KEY:
                self._hot_keys.set_flags(feature, flags | HOT_KEY)
        if problems:
            raise LockdownError(" ".join(problems))

    def _is_ours(self, place: Place) -> bool:
        """Not what this user may not set, nor what somebody keeps there in another type than Windows reads."""
        known = self._registry.number(place) is not None or not self._registry.exists(place)
        return known and self._registry.may_write(place)

    def _give_back(self, place: Place, number: int | None, *, is_new_key: bool) -> None:
        if number is not None:
            self._registry.set_number(place, number)
            return
        self._registry.delete(place)
        if is_new_key:
            self._registry.delete_empty_key(place)


def may_set_policies(registry: Registry) -> bool:
    """Whether this user may change all that Ctrl+Alt+Del offers."""
    return all(registry.may_write(place) for place in POLICIES.values())


def _checked(before: Mapping[str, Json]) -> tuple[dict[str, int | None], list[str], list[str]]:
    """The journal is a file that anybody can edit: only what ``before`` can have written is accepted."""
    policies, new_keys, hot_keys = before.get("policies"), before.get("new_keys"), before.get("hot_keys")
    if isinstance(policies, dict) and isinstance(new_keys, list) and isinstance(hot_keys, list):
        numbers = {name: number for name, number in policies.items() if name in POLICIES and _is_number(number)}
        keys = [name for name in new_keys if isinstance(name, str) and name in numbers]
        features = [name for name in hot_keys if isinstance(name, str) and name in FEATURES]
        if (len(numbers), len(keys), len(features)) == (len(policies), len(new_keys), len(hot_keys)):
            return (
                {name: number if isinstance(number, int) else None for name, number in numbers.items()},
                keys,
                features,
            )
    raise LockdownError(
        "The restore journal has no usable system settings; remove what an exam set under "
        f"HKEY_CURRENT_USER\\{_POLICIES} by hand."
    )


def _is_number(value: Json) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST)
