"""The environment that Chromium starts in: nothing a candidate set in it may open the exam window.

``prepare_environment`` has to run before the QApplication; Chromium reads its switches once. What is harmful, and why:
``app.core.environment``.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

from app.core.environment import SANDBOX_OFF, scrubbed

# Chrome's own services (sync, component update, domain reliability, metrics, safe browsing) are not
# compiled into QtWebEngine. These are the parts that are, and that would talk to someone else than
# the exam's hosts, or reach devices.
_FEATURES_OFF = (
    "AsyncDns",
    "BrowsingTopics",
    "ComputePressure",
    "DirectSockets",
    "DnsOverHttpsUpgrade",
    "DocumentPictureInPictureAPI",
    "FedCm",
    "FetchLaterAPI",
    "Fledge",
    "GlobalMediaControls",
    "HardwareMediaKeyHandling",
    "IdleDetection",
    "InterestGroupStorage",
    "MediaSessionService",
    "NetworkErrorLogging",
    "PictureInPicture",
    "PrivateStateTokens",
    "Reporting",
    "Serial",
    "SharedStorageAPI",
    "SpeculationRules",
    "UseDnsHttpsSvcb",
    "WebBluetooth",
    "WebHID",
    "WebNfc",
    "WebOTP",
    "WebRtcHideLocalIpsWithMdns",  # with the policy below WebRTC sends no datagram, so there is nothing to hide
    "WebShare",
    "WebUSB",
)
_SWITCHES = (
    "--disable-breakpad",
    "--disable-file-system",
    "--disable-notifications",
    "--disable-presentation-api",
    "--disable-quic",
    "--disable-remote-playback-api",
    "--disable-speech-api",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-pings",
    "--disable-features=" + ",".join(_FEATURES_OFF),
)


def prepare_environment(environ: MutableMapping[str, str], *, is_root: bool) -> tuple[str, ...]:
    """Removes what could open the client and sets Chromium's switches; returns the names of what was removed.

    Chromium's sandbox stays on, except for root, to whom Chromium refuses it. Variables that a
    frozen application set to point into its own folder stay.
    """
    kept, taken = scrubbed(environ, getattr(sys, "_MEIPASS", None))
    for name in taken:
        del environ[name]
    environ.update({name: value for name, value in kept.items() if environ.get(name) != value})
    environ["QTWEBENGINE_CHROMIUM_FLAGS"] = " ".join(_SWITCHES)
    if is_root:
        environ[SANDBOX_OFF] = "1"
    return taken
