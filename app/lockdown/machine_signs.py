"""What virtual machines and virtual cameras are known by: lists of data that ship, and that IT extends. Pure but for reading."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from app.core.errors import BadInput

_PAIR = " / "
_ANYWHERE = frozenset({"vmware", "virtualbox", "parallels"})
"""Made-up words, which makers also write into longer ones: VMware7,1."""
_PREFIX_CHARS = len("00-00-00")


@dataclass(frozen=True, slots=True)
class MachineSigns:
    """Each section has what is looked for, in small letters but for ``services`` and ``network_addresses``, and the product
    that it stands for.

    ``firmware``: words in the names of maker, model and board; ``maker / model`` stands for both, exactly.
    ``devices``: ``pci:VENDOR`` or ``pci:VENDOR:DEVICE`` in hexadecimal, or ``vmbus``. ``disks``: how maker and model of a disk
    begin. ``modules``: of a guest's Linux kernel. ``services``: of Windows, that run in guests only. ``network_addresses``:
    the maker's three bytes. ``cameras`` and ``phone_cameras``: how a word of a camera's name, and what follows, begins.
    ``relayed_cameras``: of real cameras whose own driver offers them like a program's.
    """

    firmware: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    disks: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    network_addresses: Mapping[str, str] = field(default_factory=dict)
    cameras: Mapping[str, str] = field(default_factory=dict)
    phone_cameras: Mapping[str, str] = field(default_factory=dict)
    relayed_cameras: Mapping[str, str] = field(default_factory=dict)

    def and_those(self, other: MachineSigns) -> MachineSigns:
        """Both; where they have the same entry, ``other`` names the product."""
        return MachineSigns(
            **{one.name: {**getattr(self, one.name), **getattr(other, one.name)} for one in fields(self)}
        )

    def makers(self, *names: str) -> str:
        """The makers of virtual machines in the firmware's names, as one detail; empty for none."""
        texts = [name.lower() for name in names]
        return joined(
            product
            for part, product in self.firmware.items()
            if _PAIR not in part and any(_has_word(text, part) for text in texts)
        )

    def model(self, maker: str, model: str) -> str:
        """The same for a maker and its model, some of which count together only: Microsoft makes real computers too."""
        both = self.firmware.get(f"{maker.strip().lower()}{_PAIR}{model.strip().lower()}", "")
        return both or self.makers(model)

    def parts(self, devices: Iterable[str]) -> str:
        """Of ``pci:VENDOR:DEVICE`` and buses, in small letters."""
        seen = set(devices)
        seen |= {device.rpartition(":")[0] for device in seen if device.count(":") == 2}
        return joined(product for sign, product in self.devices.items() if sign in seen)

    def disk(self, names: Iterable[str]) -> str:
        texts = [_words(name.lower()) for name in names]
        return joined(
            product for part, product in self.disks.items() if any(text.startswith(_words(part)) for text in texts)
        )

    def network(self, addresses: Iterable[str]) -> str:
        """Only where no adapter is another maker's: hosts of virtual machines have adapters for them beside their own."""
        makers = [
            self.network_addresses.get(address[:_PREFIX_CHARS].upper().replace(":", "-"), "") for address in addresses
        ]
        return joined(makers) if makers and all(makers) else ""

    def virtual_cameras(self, names: Iterable[str]) -> str:
        return _known_cameras(self.cameras, names)

    def phones(self, names: Iterable[str]) -> str:
        return _known_cameras(self.phone_cameras, names)

    def is_relayed(self, name: str) -> bool:
        return bool(_known_cameras(self.relayed_cameras, [name]))


def joined(words: Iterable[str]) -> str:
    """Each once, in an order of their own."""
    return ", ".join(sorted({word for word in words if word}))


def read_signs(data: object, where: str) -> MachineSigns:
    """A list's content. Raises BadInput that begins with ``where`` and names the section and the entry."""
    if not isinstance(data, dict):
        raise BadInput(f"{where} is neither a list of programs nor an object of signs; see docs/lockdown.md.")
    known = {one.name for one in fields(MachineSigns)}
    for section, entries in data.items():
        if section not in known:
            raise BadInput(f"{where}: there is no section {section!r}; there are {', '.join(sorted(known))}.")
        if not isinstance(entries, dict):
            raise BadInput(f"{where}: {section} has to be an object of signs and products.")
        for sign, product in entries.items():
            if not sign.strip() or not isinstance(product, str) or not product.strip():
                raise BadInput(f"{where}: the entry {sign!r} of {section} needs a sign and the product's name.")
    return MachineSigns(**{name: _spelled(name, entries) for name, entries in data.items()})


def load_signs(path: Path) -> MachineSigns:
    """Raises BadInput that names the file, the section and the entry."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} can't be read ({error}); correct or restore the file.") from error
    return read_signs(data, str(path))


def _spelled(section: str, entries: Mapping[str, str]) -> dict[str, str]:
    if section == "services":
        return dict(entries)
    if section == "network_addresses":
        return {sign.upper().replace(":", "-"): product for sign, product in entries.items()}
    return {sign.strip().lower(): product for sign, product in entries.items()}


def _known_cameras(known: Mapping[str, str], names: Iterable[str]) -> str:
    texts = [f" {_words(name.lower())}" for name in names]
    return joined(product for part, product in known.items() if any(f" {_words(part)}" in text for text in texts))


def _has_word(text: str, part: str) -> bool:
    """As a word of its own: "Xen" is not in "Xenon"."""
    return f" {_words(part)} " in f" {_words(text)} " or (part in _ANYWHERE and part in text)


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text).split())
