"""Which environment variables may reach the client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.environment import KEPT, PREFIXES, REASONS, harm, scrubbed

HARMFUL = (
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP",
    "PYTHONINSPECT", "PYTHONBREAKPOINT", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "QT_DEBUG_PLUGINS",
    "QT_LOGGING_RULES", "QML2_IMPORT_PATH", "QMLSCENE_DEVICE", "QSG_INFO", "QTWEBENGINE_REMOTE_DEBUGGING",
    "QTWEBENGINE_CHROMIUM_FLAGS", "QTWEBENGINE_DISABLE_SANDBOX", "QTWEBENGINE_RESOURCES_PATH", "QTWEBENGINEPROCESS_PATH",
    "CHROME_DEVEL_SANDBOX", "CHROME_LOG_FILE", "NODE_OPTIONS", "SSLKEYLOGFILE", "VK_INSTANCE_LAYERS", "qt_plugin_path",
)  # fmt: skip
HARMLESS = (
    "PATH",
    "HOME",
    "DISPLAY",
    "LANG",
    "LC_ALL",
    "XDG_RUNTIME_DIR",
    "LD",
    "TZ",
    "GTK_THEME",
    "INVIGIL_GUARDIAN_PID",
)


@pytest.mark.parametrize("name", HARMFUL)
def test_a_variable_that_opens_the_client_is_taken_out_with_a_reason(name: str) -> None:
    why = harm(name, "/x")
    assert why is not None
    assert why[0].islower()
    assert scrubbed({name: "/x", "PATH": "/bin"}) == ({"PATH": "/bin"}, (name,))


@pytest.mark.parametrize("name", [*HARMLESS, *sorted(KEPT - {"QT_QPA_PLATFORM"})])
def test_what_is_a_persons_own_business_stays(name: str) -> None:
    assert scrubbed({name: "1"}) == ({name: "1"}, ())


@pytest.mark.parametrize(
    ("platform", "stays"),
    [("xcb", True), ("wayland;xcb", True), ("vnc", False), ("vnc:port=5900", False), ("xcb;vnc", False), ("", False)],
)
def test_the_window_is_on_the_screen_that_is_recorded_and_nowhere_else(platform: str, *, stays: bool) -> None:
    assert (harm("QT_QPA_PLATFORM", platform) is None) is stays


@pytest.mark.parametrize(
    ("value", "kept", "told"),
    [
        ("/opt/invigil/_internal", "/opt/invigil/_internal", ()),
        ("/opt/invigil/_internal/lib:/home/me/evil", "/opt/invigil/_internal/lib", ("LD_LIBRARY_PATH",)),
        ("/opt/invigil/_internal_/lib", None, ("LD_LIBRARY_PATH",)),
        ("/opt/invigil/_internal/../../../home/me/evil", None, ("LD_LIBRARY_PATH",)),
    ],
    ids=["its own", "something added", "something like it", "out of it again"],
)
def test_of_a_frozen_applications_own_paths_only_those_stay(
    value: str, kept: str | None, told: tuple[str, ...]
) -> None:
    left, taken = scrubbed({"LD_LIBRARY_PATH": value}, "/opt/invigil/_internal")
    assert left.get("LD_LIBRARY_PATH") == kept
    assert taken == told


def test_windows_paths_are_told_apart_at_the_semicolon() -> None:
    left, taken = scrubbed({"QT_PLUGIN_PATH": r"C:\Invigil\_internal\plugins;D:\evil"}, r"C:\Invigil\_internal")
    assert left == {"QT_PLUGIN_PATH": r"C:\Invigil\_internal\plugins"}
    assert taken == ("QT_PLUGIN_PATH",)
    assert scrubbed({"QT_PLUGIN_PATH": r"C:\Invigil\_internal\..\evil"}, r"C:\Invigil\_internal")[0] == {}


@given(st.dictionaries(st.sampled_from([*HARMFUL, *HARMLESS, *REASONS, *PREFIXES]), st.text(max_size=8)))
def test_nothing_harmful_is_left_and_nothing_else_is_touched(environ: dict[str, str]) -> None:
    left, taken = scrubbed(environ)
    assert all(harm(name, value) is None for name, value in left.items())
    assert {**left, **{name: environ[name] for name in taken}} == environ
    assert scrubbed(left) == (left, ())
