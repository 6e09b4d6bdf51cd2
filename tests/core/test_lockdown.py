"""What a policy gets on which machine."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.core.lockdown import (
    CLIPBOARD,
    KEYBOARD,
    KIOSK,
    OPERATIONS,
    WATCHERS,
    MachineFacts,
    System,
    plan,
    wanted_operations,
    wanted_watchers,
)
from app.core.policy import Candidate, Exam, Lockdown, Policy, Upload

POLICY = Policy(
    exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
    candidate=Candidate(id="c", name="C"),
    upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
)
FULL = MachineFacts(System.LINUX_X11, window_manager=True, randr=True, screen_saver_control=True)

policies = st.builds(
    Lockdown,
    kiosk=st.booleans(),
    grab_keyboard=st.booleans(),
    single_monitor=st.booleans(),
    keep_awake=st.booleans(),
    denied_processes=st.sampled_from([(), ("anydesk",)]),
    quit_always=st.booleans(),
).map(lambda lockdown: replace(POLICY, lockdown=lockdown))
machines = st.builds(
    MachineFacts,
    st.sampled_from(System),
    window_manager=st.booleans(),
    randr=st.booleans(),
    screen_saver_control=st.booleans(),
)


@given(policies, machines)
def test_nothing_is_done_that_the_policy_does_not_ask_for(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts)
    assert set(made.operations) <= set(wanted_operations(policy))
    assert set(made.watchers) <= set(wanted_watchers(policy))


@given(policies, machines)
def test_what_is_wanted_and_not_done_is_said(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts)
    undone = len(wanted_operations(policy)) + len(wanted_watchers(policy)) - len(made.operations) - len(made.watchers)
    assert len(made.missing) >= undone
    assert len(set(made.missing)) == len(made.missing)
    assert all(sentence.endswith(".") for sentence in made.missing)


@given(policies, machines)
def test_operations_come_in_one_order_and_once_each(policy: Policy, facts: MachineFacts) -> None:
    made = plan(policy, facts)
    assert list(made.operations) == [name for name in OPERATIONS if name in made.operations]
    assert list(made.watchers) == [name for name in WATCHERS if name in made.watchers]


@given(policies)
def test_every_wanted_protection_is_in_place_on_a_complete_x11_desktop(policy: Policy) -> None:
    made = plan(policy, FULL)
    assert made.operations == wanted_operations(policy)
    assert made.watchers == wanted_watchers(policy)


@given(policies, st.sampled_from([s for s in System if s is not System.LINUX_X11]))
def test_a_system_without_an_adapter_is_promised_nothing(policy: Policy, system: System) -> None:
    made = plan(policy, MachineFacts(system, window_manager=True, randr=True, screen_saver_control=True))
    assert not made.operations
    assert not made.watchers
    assert len(made.missing) == len(wanted_operations(policy)) + len(wanted_watchers(policy))


def test_the_window_covers_the_screen_before_the_keyboard_is_taken() -> None:
    operations = plan(POLICY, FULL).operations
    assert operations.index(KIOSK) < operations.index(KEYBOARD)


def test_a_practice_run_leaves_the_clipboard_alone() -> None:
    practice = replace(POLICY, lockdown=Lockdown(quit_always=True))
    assert CLIPBOARD in plan(POLICY, FULL).operations
    assert CLIPBOARD not in plan(practice, FULL).operations


def test_text_consoles_are_admitted_as_a_gap_of_x11() -> None:
    assert any("DontVTSwitch" in sentence for sentence in plan(POLICY, FULL).missing)


def test_no_window_manager_no_randr_and_no_screen_saver_are_each_said() -> None:
    bare = plan(POLICY, MachineFacts(System.LINUX_X11))
    assert len(bare.missing) == len(plan(POLICY, FULL).missing) + 3
