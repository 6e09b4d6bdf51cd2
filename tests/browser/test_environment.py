"""What a candidate set in the environment does not reach the exam window."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.browser.environment import prepare_environment

HARMFUL = {
    "QTWEBENGINE_REMOTE_DEBUGGING": "9222",
    "QTWEBENGINE_CHROMIUM_FLAGS": "--remote-debugging-port=1",
    "QTWEBENGINE_DICTIONARIES_PATH": "/x",
    "QTWEBENGINEPROCESS_PATH": "/home/me/mine",
    "QTWEBENGINE_DISABLE_SANDBOX": "1",
    "QT_PLUGIN_PATH": "/x",
    "QT_DEBUG_PLUGINS": "1",
    "QML2_IMPORT_PATH": "/x",
    "CHROME_DEVEL_SANDBOX": "/x",
    "SSLKEYLOGFILE": "/home/me/keys",
    "LD_PRELOAD": "/x.so",
}


def test_variables_that_open_the_browser_are_removed_and_harmless_ones_stay() -> None:
    environ = HARMFUL | {"QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "2", "PATH": "/bin"}
    taken = prepare_environment(environ, is_root=False)
    assert taken == tuple(sorted(set(HARMFUL)))
    flags = environ.pop("QTWEBENGINE_CHROMIUM_FLAGS")
    assert environ == {"QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "2", "PATH": "/bin"}
    assert "remote-debugging" not in flags
    assert "--force-webrtc-ip-handling-policy=disable_non_proxied_udp" in flags.split()
    assert "sandbox" not in flags


def test_the_sandbox_is_off_for_root_only() -> None:
    environ: dict[str, str] = {}
    prepare_environment(environ, is_root=True)
    assert environ["QTWEBENGINE_DISABLE_SANDBOX"] == "1"


def test_what_a_frozen_application_set_for_itself_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", "/opt/invigil/_internal", raising=False)
    environ = {"QT_PLUGIN_PATH": "/opt/invigil/_internal/plugins", "QML2_IMPORT_PATH": "/opt/invigil/_internal_/qml"}
    prepare_environment(environ, is_root=False)
    assert "QT_PLUGIN_PATH" in environ
    assert "QML2_IMPORT_PATH" not in environ


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp is Linux's")
def test_ipv6_datagrams_are_refused_to_the_process_and_its_threads_and_nothing_else_is() -> None:
    code = (
        "import socket, threading\n"
        "from app.browser.loopback import refuse_ipv6_datagrams\n"
        "go, seen = threading.Event(), []\n"
        "def make(family, kind):\n"
        "    try:\n"
        "        socket.socket(family, kind).close(); return 'yes'\n"
        "    except OSError as error:\n"
        "        return error.errno\n"
        "def other():\n"
        "    go.wait(); seen.append(make(socket.AF_INET6, socket.SOCK_DGRAM))\n"
        "thread = threading.Thread(target=other); thread.start()\n"
        "done = refuse_ipv6_datagrams()\n"
        "go.set(); thread.join()\n"
        "print(done, seen[0], make(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK), "
        "make(socket.AF_INET, socket.SOCK_DGRAM), make(socket.AF_INET, socket.SOCK_STREAM), "
        "make(socket.AF_UNIX, socket.SOCK_DGRAM))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "97", "97", "yes", "yes", "yes"]
