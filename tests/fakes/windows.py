"""A Windows of dictionaries: its registry, and the flags of its ease of access."""

from __future__ import annotations

from app.core.errors import LockdownError
from app.lockdown.windows.registry import Place, Registry, Root


class FakeRegistry(Registry):
    """``locked``: places that this user may read only."""

    def __init__(self, values: dict[Place, int | str] | None = None, locked: tuple[Place, ...] = ()) -> None:
        self.values: dict[Place, int | str] = dict(values or {})
        self.keys: set[tuple[Root, str]] = {(place.root, place.path) for place in self.values}
        self.locked = set(locked)

    def number(self, place: Place) -> int | None:
        value = self.values.get(place)
        return value if isinstance(value, int) else None

    def text(self, place: Place) -> str | None:
        value = self.values.get(place)
        return value if isinstance(value, str) else None

    def exists(self, place: Place) -> bool:
        return place in self.values

    def set_number(self, place: Place, value: int) -> None:
        self._set(place, value)

    def set_text(self, place: Place, value: str) -> None:
        self._set(place, value)

    def delete(self, place: Place) -> None:
        self._refuse_locked(place)
        self.values.pop(place, None)

    def has_key(self, place: Place) -> bool:
        return (place.root, place.path) in self.keys

    def delete_empty_key(self, place: Place) -> None:
        if not any((other.root, other.path) == (place.root, place.path) for other in self.values):
            self.keys.discard((place.root, place.path))

    def may_write(self, place: Place) -> bool:
        return place not in self.locked

    def _set(self, place: Place, value: int | str) -> None:
        self._refuse_locked(place)
        self.values[place] = value
        self.keys.add((place.root, place.path))

    def _refuse_locked(self, place: Place) -> None:
        if place in self.locked:
            raise LockdownError(f"The registry value {place} can't be changed.")


class FakeHotKeys:
    """Flags by feature; a feature that is not there is one that this Windows lacks."""

    def __init__(self, **flags: int) -> None:
        self.kept = dict(flags)

    def flags(self, feature: str) -> int | None:
        return self.kept.get(feature)

    def set_flags(self, feature: str, flags: int) -> None:
        self.kept[feature] = flags
