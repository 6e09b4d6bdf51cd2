"""Settings in the words of other proctoring systems, and the policies that they mean.

``VENDORS`` has a table for each, from which docs/vendor-settings.md is made as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.imported import Imported
from app.keys.vendors import blinkexam, mettl, proctorai, trustexam
from app.keys.vendors.table import Field, Vendor

__all__ = ["VENDORS", "Field", "Vendor", "import_settings"]

VENDORS: dict[str, Vendor] = {
    "blinkexam": blinkexam.VENDOR,
    "proctorai": proctorai.VENDOR,
    "trustexam": trustexam.VENDOR,
    "mettl": mettl.VENDOR,
}
"""By the name that the command line and the backend use."""


def import_settings(vendor: str, settings: Mapping[str, Json]) -> Imported:
    """Raises BadInput for an unknown vendor, and with one sentence for wrong settings."""
    if vendor not in VENDORS:
        raise BadInput(f"There is no importer for {vendor!r}; choose one of {', '.join(VENDORS)}.")
    return VENDORS[vendor].import_settings(settings)
