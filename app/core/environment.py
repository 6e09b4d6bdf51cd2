"""Which environment variables a client under exam must not be started with, and why. Pure.

Whoever starts a program chooses its environment, and much of what this client is made of obeys it: the loader takes
libraries from it, Python modules, Qt plug-ins, Chromium its switches and a port for debuggers.
"""

from __future__ import annotations

from collections.abc import Mapping

_LIBRARY = "loads other code into the client"
_PYTHON = "changes which modules Python loads, or what it does with them"
_QT = "loads Qt plug-ins from elsewhere, or changes what Qt draws and where"
_BROWSER = "opens the browser to a debugger, or changes its switches, helper programs or sandbox"
_DRAWN = "draws over the window or takes its pictures"
_SECRETS = "writes the keys of encrypted connections to a file"

REASONS: Mapping[str, str] = {
    "LD_AUDIT": _LIBRARY,
    "LD_DEBUG": "makes the loader report to a file of somebody's choice",
    "LD_DEBUG_OUTPUT": "makes the loader report to a file of somebody's choice",
    "LD_LIBRARY_PATH": _LIBRARY,
    "LD_PRELOAD": _LIBRARY,
    "LD_PROFILE": "makes the loader report to a file of somebody's choice",
    "ALSA_CONFIG_PATH": _LIBRARY,
    "ALSA_PLUGIN_DIR": _LIBRARY,
    "GBM_BACKENDS_PATH": _LIBRARY,
    "GCONV_PATH": _LIBRARY,
    "GDK_PIXBUF_MODULE_FILE": _LIBRARY,
    "GIO_EXTRA_MODULES": _LIBRARY,
    "GIO_MODULE_DIR": _LIBRARY,
    "GLIBC_TUNABLES": "changes how the C library guards memory",
    "GST_PLUGIN_PATH": _LIBRARY,
    "GST_PLUGIN_SYSTEM_PATH": _LIBRARY,
    "GTK_IM_MODULE_FILE": _LIBRARY,
    "GTK_MODULES": _LIBRARY,
    "GTK_PATH": _LIBRARY,
    "LIBGL_DRIVERS_PATH": _LIBRARY,
    "LIBVA_DRIVERS_PATH": _LIBRARY,
    "PIPEWIRE_MODULE_DIR": _LIBRARY,
    "SPA_PLUGIN_DIR": _LIBRARY,
    "VDPAU_DRIVER_PATH": _LIBRARY,
    "__EGL_VENDOR_LIBRARY_DIRS": _LIBRARY,
    "__EGL_VENDOR_LIBRARY_FILENAMES": _LIBRARY,
    "VK_ADD_DRIVER_FILES": _LIBRARY,
    "VK_ADD_IMPLICIT_LAYER_PATH": _DRAWN,
    "VK_DRIVER_FILES": _LIBRARY,
    "VK_ICD_FILENAMES": _LIBRARY,
    "VK_IMPLICIT_LAYER_PATH": _DRAWN,
    "VK_ADD_LAYER_PATH": _DRAWN,
    "VK_INSTANCE_LAYERS": _DRAWN,
    "VK_LAYER_PATH": _DRAWN,
    "SSLKEYLOGFILE": _SECRETS,
    "OPENSSL_CONF": _LIBRARY,
    "OPENSSL_MODULES": _LIBRARY,
    "DBUS_SYSTEM_BUS_ADDRESS": "lets another program tell of screen locks and sleep in the login manager's place",
    "BREAKPAD_DUMP_LOCATION": "writes the browser's memory to a file",
    "GOOGLE_API_KEY": "gives the browser somebody's account for services",
    "NSS_SSL_CBC_RANDOM_IV": "weakens encrypted connections",
}
"""By name, and below by how the name begins."""

PREFIXES: Mapping[str, str] = {
    "DYLD_": _LIBRARY,
    "PYTHON": _PYTHON,
    "QT_": _QT,
    "QML": _QT,
    "QSG_": _QT,
    "QTWEBENGINE": _BROWSER,
    "CHROME_": _BROWSER,
    "CHROMIUM_": _BROWSER,
    "NODE_": _BROWSER,
}

KEPT = frozenset(
    {
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONFAULTHANDLER",
        "PYTHONIOENCODING",
        "PYTHONNOUSERSITE",
        "PYTHONUNBUFFERED",
        "PYTHONUTF8",
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
"""What a person may decide about how Qt looks, reads aloud and talks to the desktop, and about Python's output."""

PLATFORMS = frozenset({"xcb", "wayland", "wayland-egl", "windows", "cocoa"})
"""Of ``QT_QPA_PLATFORM``: those that show windows on the screen that is recorded. Others draw into memory, or serve VNC."""

SANDBOX_OFF = "QTWEBENGINE_DISABLE_SANDBOX"
"""Chromium refuses its sandbox to root, so for root the client sets this itself."""


def harm(name: str, value: str) -> str | None:
    """Why a variable may not reach the client; None for what may. Windows does not tell upper from lower case."""
    upper = name.upper()
    if upper == "QT_QPA_PLATFORM":
        return None if set(value.split(";")) <= PLATFORMS else "shows the window elsewhere than on the recorded screen"
    if upper in KEPT:
        return None
    return REASONS.get(upper) or next((why for prefix, why in PREFIXES.items() if upper.startswith(prefix)), None)


def scrubbed(environ: Mapping[str, str], bundle: str | None = None) -> tuple[dict[str, str], tuple[str, ...]]:
    """A copy without what is harmful, and the names of what was taken out, in order.

    ``bundle`` is a frozen application's own folder: what it set to point into that stays, alone and unreported.
    """
    kept: dict[str, str] = {}
    taken: list[str] = []
    for name, value in environ.items():
        if harm(name, value) is None:
            kept[name] = value
            continue
        ours = _inside(value, bundle)
        if ours:
            kept[name] = ours
        if not ours or ours != value:
            taken.append(name)
    return kept, tuple(sorted(taken))


def _inside(value: str, bundle: str | None) -> str:
    """The part of a path or list of paths that leads into the folder; a Windows path has a colon of its own."""
    if not bundle:
        return ""
    separator = ";" if "\\" in bundle else ":"
    parts = (part for part in value.split(separator) if ".." not in part.replace("\\", "/").split("/"))
    return separator.join(part for part in parts if part == bundle or part.startswith((f"{bundle}/", f"{bundle}\\")))
