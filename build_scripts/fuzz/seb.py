"""Fuzz target: .seb files, with and without a password, up to policy and Config Key."""

from __future__ import annotations

from app.core.errors import BadInput
from app.keys.seb import config_key, read_settings
from app.keys.seb.mapping import import_settings

SEEDS = (
    b'<plist version="1.0"><dict><key>startURL</key><string>https://a.example/</string></dict></plist>',
    b"plnd<plist><dict><key>a</key><array><real>1e5</real><integer>7</integer><true/><data>AAEC</data></array></dict></plist>",
    b"<plist><dict><key>d</key><date>2026-12-01T09:00:00Z</date><key>e</key><dict/></dict></plist>",
    b"pwcc\x02\x01" + bytes(80),
    b"pkhs" + bytes(40),
)


def one(data: bytes) -> None:
    """Raises what the program would: nothing, for any input."""
    try:
        settings = read_settings(data, "password")
    except BadInput as refused:
        said = str(refused)
        if not said.endswith(".") or "\n" in said or len(said) > 400:
            raise AssertionError(said) from refused
        return
    config_key(settings)
    import_settings(settings)
