"""Put ``resources`` into a real wheel, and leave them where they are for an editable install."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelHook(BuildHookInterface[Any]):
    """Hatchling's ``force-include`` would copy the resources, models and all, for editable installs too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"]["resources"] = "app/_resources"
