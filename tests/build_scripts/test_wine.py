"""What the tests under Wine are given: pinned files, an environment of their own, a small prefix."""

from __future__ import annotations

from pathlib import Path

import pytest

from build_scripts import windows_python, wine
from build_scripts.environment import SetupError

LOCK = """\
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via pytest
numpy==2.4.6 \\
    --hash=sha256:cc
    # via
    #   invigil (pyproject.toml)
"""


def test_a_package_for_windows_only_is_fetched_with_its_hashes() -> None:
    assert windows_python.locked(["colorama"], LOCK) == (
        "colorama==0.4.6 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    )


def test_packages_come_in_the_order_of_the_names() -> None:
    assert windows_python.locked(["numpy", "colorama"], LOCK).startswith("numpy==2.4.6 \\\n    --hash=sha256:cc\ncolor")


def test_a_package_that_is_not_locked_is_refused_by_name() -> None:
    with pytest.raises(SetupError, match="does not hold left-pad"):
        windows_python.locked(["colorama", "left-pad"], LOCK)


def test_the_lock_file_holds_every_wheel_of_the_list() -> None:
    names = windows_python.read_list().wheels
    lines = windows_python.locked(names, windows_python.LOCK.read_text(encoding="utf-8")).splitlines()
    assert [line.split("==")[0] for line in lines if not line.startswith(" ")] == list(names)


def test_windows_python_is_not_fetched_again_while_its_pins_are_the_same(tmp_path: Path) -> None:
    wanted = windows_python.read_list()
    wheels = windows_python.locked(wanted.wheels, windows_python.LOCK.read_text(encoding="utf-8"))
    (tmp_path / "python.exe").touch()
    (tmp_path / "pins.sha256").write_text(windows_python.pins(wanted, wheels))
    no_python = str(tmp_path / "not started")
    assert windows_python.ensure(tmp_path, no_python) == tmp_path / "python.exe"
    (tmp_path / "pins.sha256").write_text("of another version")
    with pytest.raises(SetupError, match="not started can't be started"):
        windows_python.ensure(tmp_path, no_python)


def test_a_windows_program_gets_nothing_of_the_persons_own_session(tmp_path: Path) -> None:
    outer = {
        "PATH": "/bin",
        "HOME": "/home/sample",
        "DBUS_SESSION_BUS_ADDRESS": "unix:",
        "PYTHONPATH": "/x",
        "DISPLAY": ":0",
    }
    inner = wine.environment(outer, {"DISPLAY": ":9"}, tmp_path / "prefix")
    assert inner["DISPLAY"] == ":9"
    assert inner["PATH"] == "/bin"
    assert not Path(inner["HOME"]).exists()
    assert not {"DBUS_SESSION_BUS_ADDRESS", "PYTHONPATH"} & inner.keys()


def test_copies_of_wines_own_files_become_links_and_others_stay(tmp_path: Path) -> None:
    wines, prefix = tmp_path / "wines", tmp_path / "prefix"
    for path, text in (
        (wines / "a.dll", "a"),
        (wines / "b.dll", "b"),
        (prefix / "a.dll", "a"),
        (prefix / "b.dll", "own"),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert wine.link_system_files(prefix, [wines]) == 1
    assert (prefix / "a.dll").readlink() == wines / "a.dll"
    assert not (prefix / "b.dll").is_symlink()


def test_without_wine_the_run_fails_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wine.main([]) == 1
    assert "install Wine (Debian, Ubuntu: wine wine64)" in capsys.readouterr().err
