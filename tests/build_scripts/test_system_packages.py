"""Which system packages are missing, and what apt is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from build_scripts import system_packages


def test_a_package_is_there_when_any_of_its_names_is_installed() -> None:
    assert system_packages.missing(["libasound2t64 | libasound2"], {"libasound2"}) == []
    assert system_packages.missing(["libasound2t64 | libasound2"], {"libasound2t64"}) == []


def test_missing_packages_are_named_in_the_lists_order() -> None:
    assert system_packages.missing(["c", "a | b", "d"], {"d"}) == ["c", "a | b"]


def test_apt_is_asked_for_the_name_that_this_release_knows() -> None:
    known = {"libasound2", "xvfb"}
    assert system_packages.choose(["libasound2t64 | libasound2", "xvfb"], known.__contains__) == ["libasound2", "xvfb"]


def test_a_name_that_no_release_knows_still_reaches_apt_which_says_so() -> None:
    assert system_packages.choose(["a | b"], lambda _: False) == ["b"]


def test_the_list_covers_the_libraries_that_the_wheels_expect_of_the_system() -> None:
    groups = system_packages.read_groups()
    assert {"libegl1", "libgles2", "libportaudio2", "libnss3"} <= set(groups["runtime"])
    assert {"xvfb", "openbox", "xdotool", "pulseaudio", "espeak-ng"} <= set(groups["virtual_desktop"])
    every_entry = [entry for entries in groups.values() for entry in entries]
    assert len(every_entry) == len(set(every_entry))


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system on whose PATH apt's programs only write down what they were asked for; returns that file."""
    asked = tmp_path / "asked"
    programs = {
        "dpkg-query": "echo 'xvfb installed'; echo 'openbox not-installed'; exit 1",
        "apt-cache": 'case $2 in *t64) ;; *) echo "  Candidate: 1.0";; esac',
        "apt-get": f'echo "$@" >> {asked}; case "$*" in *no-such*) echo "E: Unable to locate" >&2; exit 100;; esac',
        "sudo": f'echo sudo "$@" >> {asked}; exit 1',
    }
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return asked


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)


@pytest.mark.usefixtures("as_root")
def test_missing_packages_are_installed_after_the_lists_are_read_anew(debian: Path) -> None:
    system_packages.ensure(["xvfb", "openbox"], ["libasound2t64 | libasound2"], lambda _: None)
    update, install = debian.read_text().splitlines()
    assert update.endswith("update")
    assert install.endswith("--no-install-recommends openbox libasound2")


def test_nothing_is_asked_of_apt_when_nothing_is_missing(debian: Path) -> None:
    system_packages.ensure(["xvfb"], [], lambda _: None)
    assert not debian.exists()


@pytest.mark.usefixtures("as_root")
def test_a_failing_apt_ends_in_a_sentence_with_its_reason(debian: Path) -> None:
    with pytest.raises(system_packages.MissingPackages, match=r"Unable to locate.*apt-get install -y no-such"):
        system_packages.ensure(["no-such"], [], lambda _: None)


@pytest.mark.usefixtures("as_nobody")
def test_without_root_the_required_packages_are_named_in_a_sentence(debian: Path) -> None:
    with pytest.raises(system_packages.MissingPackages, match="sudo apt-get install -y openbox "):
        system_packages.ensure(["openbox"], ["xdotool"], lambda _: None)
