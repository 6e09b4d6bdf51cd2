"""The environment that Chromium starts in: nothing a candidate set in it may open the exam window.

``prepare_environment`` has to run before the QApplication; Chromium reads its switches once.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

# What a user may decide about how Qt looks and talks to the desktop. Every other QT_ variable can
# load code (plug-in paths), show logs, or change what is drawn, and is removed.
_KEPT = frozenset(
    {
        "QT_ACCESSIBILITY",
        "QT_AUTO_SCREEN_SCALE_FACTOR",
        "QT_ENABLE_HIGHDPI_SCALING",
        "QT_FONT_DPI",
        "QT_IM_MODULE",
        "QT_IM_MODULES",
        "QT_LINUX_ACCESSIBILITY_ALWAYS_ON",
        "QT_QPA_PLATFORM",
        "QT_SCALE_FACTOR",
        "QT_SCALE_FACTOR_ROUNDING_POLICY",
        "QT_SCREEN_SCALE_FACTORS",
        "QT_WAYLAND_DISABLE_WINDOWDECORATION",
        "QT_XCB_GL_INTEGRATION",
    }
)
# Those that show windows on the screen that is recorded. Others draw them into memory, or serve them over VNC.
_PLATFORMS = frozenset({"xcb", "wayland", "wayland-egl", "windows", "cocoa"})
# CHROME_ and SSLKEYLOGFILE are read by Chromium itself: sandbox helper, log file, TLS keys in clear.
_DANGEROUS_PREFIXES = ("QT_", "QTWEBENGINE", "QML", "QSG_", "CHROME_", "CHROMIUM_", "NODE_")
_DANGEROUS_NAMES = frozenset({"SSLKEYLOGFILE", "GOOGLE_API_KEY", "BREAKPAD_DUMP_LOCATION", "NSS_SSL_CBC_RANDOM_IV"})

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


def prepare_environment(environ: MutableMapping[str, str], *, is_root: bool) -> None:
    """Removes what could open the exam window and sets Chromium's switches.

    Chromium's sandbox stays on, except for root, to whom Chromium refuses it. Variables that a
    frozen application set to point into its own folder stay.
    """
    bundle = getattr(sys, "_MEIPASS", None)
    for name in [n for n in environ if _is_dangerous(n)]:
        if not (bundle and environ[name].startswith((f"{bundle}/", f"{bundle}\\"))):
            del environ[name]
    if not set(environ.get("QT_QPA_PLATFORM", "").split(";")) <= _PLATFORMS:
        environ.pop("QT_QPA_PLATFORM", None)
    environ["QTWEBENGINE_CHROMIUM_FLAGS"] = " ".join(_SWITCHES)
    if is_root:
        environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"


def _is_dangerous(name: str) -> bool:
    upper = name.upper()
    return upper in _DANGEROUS_NAMES or (upper.startswith(_DANGEROUS_PREFIXES) and upper not in _KEPT)
