"""What a policy gets on which machine."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.lockdown import (
    AUTOSTART,
    CAN,
    CAPTURE_EXCLUSION,
    CLIPBOARD,
    CLIPBOARD_USE,
    DESKTOP,
    DEVICES,
    INPUT,
    KEEP_AWAKE,
    KEYBOARD,
    KIOSK,
    LASTING,
    MACHINE,
    MONITORS,
    NOT_NEEDED,
    OPERATIONS,
    OTHER_WINDOWS,
    PROCESSES,
    SESSION,
    SYSTEM_KEYS,
    SYSTEM_NAMES,
    TELLS_BLOCKED_KEYS,
    WATCHERS,
    WINDOWS,
    MachineFacts,
    System,
    allowed_windows,
    denied_processes,
    plan,
    program_name,
    wanted_operations,
    wanted_watchers,
)
from app.core.policy import Accessibility, Candidate, Exam, Lockdown, Policy, Upload

POLICY = Policy(
    exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
    candidate=Candidate(id="c", name="C"),
    upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
)
WITH_ADAPTER = [system for system in System if CAN[system]]
WITHOUT_ADAPTER = [system for system in System if not CAN[system]]
MEANS = [field.name for field in fields(MachineFacts) if field.name not in ("system", "nested")]

SAID = {
    AUTOSTART: "after a power cut",
    DESKTOP: "desktop of its own",
    CLIPBOARD: "the clipboard is not emptied",
    KEEP_AWAKE: "screen saver",
    SYSTEM_KEYS: "own key combinations",
    OTHER_WINDOWS: "other windows are not put away",
    KIOSK: "other windows can be reached",
    KEYBOARD: "key combinations that leave the exam",
    CAPTURE_EXCLUSION: "screen captures",
    MONITORS: "further monitors",
    PROCESSES: "programs that the exam does not allow",
    WINDOWS: "windows of other programs",
    CLIPBOARD_USE: "clipboard",
    INPUT: "keys and clicks that a program makes",
    SESSION: "screen locks",
    DEVICES: "devices that are plugged in",
    MACHINE: "virtual machines",
}
"""Words by which a sentence on a missing protection is known."""


def complete(system: System, *, without: tuple[str, ...] = ()) -> MachineFacts:
    """A machine of this system that has all there can be, but for the means named."""
    return MachineFacts(system, **{name: name not in without for name in MEANS})


FULL = complete(System.LINUX_X11)

policies = st.builds(
    Lockdown,
    **{field.name: st.booleans() for field in fields(Lockdown) if field.type == "bool"},
    denied_processes=st.sampled_from([(), ("anydesk",)]),
    capture_tools=st.sampled_from([(), ("obs",)]),
).map(lambda lockdown: replace(POLICY, lockdown=lockdown))
machines = st.builds(MachineFacts, st.sampled_from(System), **{name: st.booleans() for name in (*MEANS, "nested")})


@given(policies, machines)
def test_nothing_is_done_that_the_policy_does_not_ask_for(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts)
    assert set(made.operations) <= set(wanted_operations(policy))
    assert set(made.watchers) <= set(wanted_watchers(policy))


@given(policies, machines)
def test_nothing_is_done_that_the_system_can_not_do(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts)
    assert {*made.operations, *made.watchers} <= CAN[facts.system]


@given(policies, machines)
def test_what_is_wanted_and_not_done_is_said_or_not_needed_there(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts)
    undone = {*wanted_operations(policy), *wanted_watchers(policy)} - {*made.operations, *made.watchers}
    if not LASTING & set(made.operations):
        undone -= {AUTOSTART}  # nothing is left to be given back
    for what in undone - NOT_NEEDED.get(facts.system, frozenset()):
        assert any(SAID[what] in sentence for sentence in made.missing), what


@given(policies, machines)
def test_nothing_is_said_to_be_missing_that_is_not_wanted(policy: Policy, facts: MachineFacts) -> None:
    nothing = Lockdown(
        kiosk=False,
        grab_keyboard=False,
        single_monitor=False,
        keep_awake=False,
        watch_devices=False,
        watch_machine=False,
    )
    assert plan(replace(policy, lockdown=nothing), facts).missing == ()


@given(policies, machines)
def test_sentences_end_and_none_is_said_twice(policy: Policy, facts: MachineFacts) -> None:
    missing = plan(policy, facts).missing
    assert len(set(missing)) == len(missing)
    assert all(sentence.endswith(".") for sentence in missing)


@given(policies, machines)
def test_operations_come_in_one_order_and_once_each(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts)
    assert list(made.operations) == [name for name in OPERATIONS if name in made.operations]
    assert list(made.watchers) == [name for name in WATCHERS if name in made.watchers]


@given(policies, machines)
def test_what_may_outlive_the_client_is_preceded_by_what_gives_it_back(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts).operations
    if AUTOSTART in CAN[facts.system]:
        assert (AUTOSTART in made) == bool(LASTING & set(made))
    assert AUTOSTART not in made[1:]


@given(policies, st.sampled_from(WITH_ADAPTER))
def test_all_that_the_system_can_do_is_in_place_on_a_complete_machine(policy: Policy, system: System) -> None:
    made = plan(policy, complete(system))
    wanted = {*wanted_operations(policy), *wanted_watchers(policy)} & CAN[system]
    assert {*made.operations, *made.watchers} | {AUTOSTART} == wanted | {AUTOSTART}


@given(policies)
def test_only_capture_exclusion_is_missing_on_a_complete_x11_desktop_besides_text_consoles(policy: Policy) -> None:
    made = plan(policy, FULL)
    exclusion = CAPTURE_EXCLUSION in wanted_operations(policy)
    consoles = KEYBOARD in wanted_operations(policy)
    assert len(made.missing) == exclusion + consoles


@given(policies)
def test_nothing_is_missing_on_windows(policy: Policy) -> None:
    made = plan(policy, complete(System.WINDOWS))
    assert (made.operations, made.watchers) == (wanted_operations(policy), wanted_watchers(policy))
    assert made.missing == ()


@given(policies, st.sampled_from(WITHOUT_ADAPTER))
def test_a_system_without_an_adapter_is_promised_nothing(policy: Policy, system: System) -> None:
    made = plan(policy, complete(system))
    assert not made.operations
    assert not made.watchers
    assert len(made.missing) == len(wanted_operations(policy)) + len(wanted_watchers(policy))


@pytest.mark.parametrize("system", System)
def test_every_system_has_a_name_and_needs_nothing_that_it_does(system: System) -> None:
    assert SYSTEM_NAMES[system]
    assert not NOT_NEEDED.get(system, frozenset()) & CAN[system]
    assert set(SAID) >= CAN[system]


def test_every_operation_and_watcher_can_be_said_to_be_missing() -> None:
    assert set(SAID) == {*OPERATIONS, *WATCHERS}
    everything = Lockdown(separate_desktop=True, content_protect=True, denied_processes=("anydesk",))
    on_nothing = plan(replace(POLICY, lockdown=everything), MachineFacts(System.OTHER)).missing
    hidden = {OTHER_WINDOWS}  # a desktop of its own makes it needless
    for what in set(SAID) - hidden:
        assert any(SAID[what] in sentence for sentence in on_nothing), what


def test_the_window_covers_the_screen_before_the_keyboard_is_taken() -> None:
    operations = plan(POLICY, FULL).operations
    assert operations.index(KIOSK) < operations.index(KEYBOARD)


@pytest.mark.parametrize("what", [CLIPBOARD, SYSTEM_KEYS, OTHER_WINDOWS])
def test_a_practice_run_leaves_alone_what_it_can_not_give_back_at_once(what: str) -> None:
    practice = replace(POLICY, lockdown=Lockdown(quit_always=True))
    windows = complete(System.WINDOWS)
    assert what in plan(POLICY, windows).operations
    assert what not in plan(practice, windows).operations
    assert CLIPBOARD_USE not in plan(practice, windows).watchers


def test_a_capture_tool_that_is_allowed_sees_the_exam() -> None:
    protected = replace(POLICY, lockdown=Lockdown(content_protect=True))
    recorded = replace(POLICY, lockdown=Lockdown(content_protect=True, capture_tools=("obs",)))
    assert CAPTURE_EXCLUSION in plan(protected, complete(System.WINDOWS)).operations
    assert CAPTURE_EXCLUSION not in plan(recorded, complete(System.WINDOWS)).operations


def test_other_windows_are_put_away_where_the_exam_has_no_desktop_of_its_own() -> None:
    alone = replace(POLICY, lockdown=Lockdown(separate_desktop=True))
    assert OTHER_WINDOWS in wanted_operations(POLICY)
    assert DESKTOP not in wanted_operations(POLICY)
    assert OTHER_WINDOWS not in wanted_operations(alone)
    assert DESKTOP in wanted_operations(alone)


def test_text_consoles_are_admitted_as_a_gap_of_x11() -> None:
    assert any("DontVTSwitch" in sentence for sentence in plan(POLICY, FULL).missing)


@pytest.mark.parametrize("means", MEANS)
def test_each_missing_means_is_said_where_it_matters(means: str) -> None:
    mattering = {
        system
        for system in WITH_ADAPTER
        if len(plan(POLICY, complete(system, without=(means,))).missing)
        == len(plan(POLICY, complete(system)).missing) + 1
    }
    assert mattering == MATTERS[means]


LINUX = {System.LINUX_X11, System.LINUX_KIOSK, System.LINUX_WAYLAND}
MATTERS: dict[str, set[System]] = {
    "window_manager": {System.LINUX_X11},
    "randr": {System.LINUX_X11},
    "screen_saver_control": {System.LINUX_X11},
    "kiosk_compositor": set(),
    "login_session": LINUX,
    "input_devices": {System.LINUX_X11},
    "clipboard_events": {System.LINUX_X11},
    "system_policies": {System.WINDOWS},
    "event_tap": {System.MACOS},
    "assessment": set(),
}


@pytest.mark.parametrize(
    ("system", "means", "what"),
    [
        (System.LINUX_X11, "screen_saver_control", KEEP_AWAKE),
        (System.LINUX_X11, "clipboard_events", CLIPBOARD_USE),
        (System.LINUX_X11, "input_devices", INPUT),
        (System.MACOS, "event_tap", INPUT),
        (System.LINUX_KIOSK, "login_session", SESSION),
        (System.LINUX_WAYLAND, "login_session", SESSION),
    ],
)
def test_what_lacks_its_means_is_not_planned(system: System, means: str, what: str) -> None:
    whole, lacking = plan(POLICY, complete(system)), plan(POLICY, complete(system, without=(means,)))
    assert what in (*whole.operations, *whole.watchers)
    assert what not in (*lacking.operations, *lacking.watchers)


def test_keys_can_be_blocked_on_macos_by_an_event_tap_or_in_assessment_mode() -> None:
    neither = plan(POLICY, complete(System.MACOS, without=("event_tap", "assessment")))
    assert KEYBOARD not in neither.operations
    assert any("Accessibility" in sentence for sentence in neither.missing)
    for means in ("event_tap", "assessment"):
        assert KEYBOARD in plan(POLICY, complete(System.MACOS, without=(means,))).operations


def test_a_nested_kiosk_compositor_is_admitted() -> None:
    nested = replace(complete(System.LINUX_KIOSK), nested=True)
    assert any("window of another session" in sentence for sentence in plan(POLICY, nested).missing)
    assert not any("another session" in sentence for sentence in plan(POLICY, complete(System.LINUX_KIOSK)).missing)


def test_granted_and_allowed_programs_are_not_denied() -> None:
    policy = replace(
        POLICY,
        lockdown=Lockdown(
            denied_processes=("OBS", "anydesk", "C:\\Tools\\NVDA.exe", "zoom"), capture_tools=("obs.exe",)
        ),
        accessibility=Accessibility(assistive_programs=("nvda",)),
    )
    assert denied_processes(policy) == ("anydesk", "zoom")
    assert PROCESSES in wanted_watchers(policy)


@pytest.mark.parametrize(
    "granted",
    [Accessibility(screen_reader=True), Accessibility(assistive_programs=("onboard",))],
    ids=["screen reader", "on-screen keyboard"],
)
def test_where_help_is_granted_that_types_injected_input_is_neither_watched_nor_missing(granted: Accessibility) -> None:
    """But where the same watcher tells of blocked combinations."""
    policy = replace(POLICY, accessibility=granted)
    assert INPUT in wanted_watchers(POLICY)
    assert INPUT not in wanted_watchers(policy)
    for system in WITH_ADAPTER:
        made = plan(policy, complete(system))
        assert (INPUT in made.watchers) == (system in TELLS_BLOCKED_KEYS)
        assert not any(SAID[INPUT] in sentence for sentence in made.missing)


def test_nothing_is_watched_for_when_all_denied_programs_are_granted() -> None:
    policy = replace(
        POLICY,
        lockdown=Lockdown(denied_processes=("nvda",)),
        accessibility=Accessibility(assistive_programs=("NVDA.exe",)),
    )
    assert PROCESSES not in wanted_watchers(policy)


def test_windows_of_allowed_assistive_and_capturing_programs_are_allowed() -> None:
    policy = replace(
        POLICY,
        lockdown=Lockdown(allowed_programs=("/usr/bin/GeoGebra",), capture_tools=("obs64.exe",)),
        accessibility=Accessibility(assistive_programs=("Magnify.EXE",)),
    )
    assert allowed_windows(policy) == {"geogebra", "obs64", "magnify"}


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Skype.exe", "skype"),
        (" /usr/bin/Zoom ", "zoom"),
        ("C:\\Program Files\\A\\B.EXE", "b"),
        ("lm studio", "lm studio"),
        ("exe", "exe"),
        ("", ""),
    ],
)
def test_programs_are_compared_by_base_name_whatever_the_case(written: str, compared: str) -> None:
    assert program_name(written) == compared
