"""What the system's programs get of a frozen application's environment."""

from __future__ import annotations

from app.runtime.foreign import foreign_environment

BUNDLE = "/opt/Invigil app/_internal"


def test_what_leads_into_the_application_is_left_out() -> None:
    ours = {"LD_LIBRARY_PATH": BUNDLE, "QT_PLUGIN_PATH": f"{BUNDLE}/PySide6/Qt/plugins", "HOME": "/home/a"}

    assert foreign_environment(ours, BUNDLE) == {"HOME": "/home/a"}


def test_what_stood_there_before_comes_back() -> None:
    ours = {"LD_LIBRARY_PATH": f"{BUNDLE}:/usr/local/lib", "LD_LIBRARY_PATH_ORIG": "/usr/local/lib"}

    assert foreign_environment(ours, BUNDLE)["LD_LIBRARY_PATH"] == "/usr/local/lib"


def test_what_one_process_of_the_application_set_for_another_does_not_come_back() -> None:
    ours = {"LD_LIBRARY_PATH": BUNDLE, "LD_LIBRARY_PATH_ORIG": BUNDLE, "HOME": "/home/a"}

    assert foreign_environment(ours, BUNDLE) == {"HOME": "/home/a"}


def test_a_folder_that_only_begins_alike_is_not_the_applications() -> None:
    assert foreign_environment({"PLACE": f"{BUNDLE}-old/bin"}, BUNDLE) == {"PLACE": f"{BUNDLE}-old/bin"}


def test_nothing_changes_where_nothing_is_frozen() -> None:
    assert foreign_environment({"LD_LIBRARY_PATH": "/usr/local/lib"}) == {"LD_LIBRARY_PATH": "/usr/local/lib"}
