"""Which addresses a backend may have."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from app.core.errors import BadInput


def checked_endpoint(endpoint: str) -> str:
    """The address without a closing slash. BadInput when it is none, or when the token would travel unencrypted."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"The exam server's address {endpoint!r} can't be read; ask for a new key.") from error
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise BadInput(f"The exam server's address {endpoint!r} is not an https address; ask for a new key.")
    if parts.username is not None or parts.query or parts.fragment:
        raise BadInput("The exam server's address carries more than host, port and path; ask for a new key.")
    if parts.scheme == "http" and not is_loopback(host):
        raise BadInput(f"The exam server {host} is given without encryption; its address must begin with https.")
    return endpoint.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host never leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
