"""What each sign of a machine weighs, held against machines as they are: nobody honest is refused by what many computers show."""

from __future__ import annotations

import pytest

from app.core.machine import MAX_WEIGHT, POSSIBLE_FROM, FoundSignal, Suspicion, Verdict, judge
from app.core.machine_signals import BY_PROGRAM, KNOWN

CLEAR, POSSIBLE, LIKELY = Verdict.CLEAR, Verdict.POSSIBLE, Verdict.LIKELY
FIRMWARE = ("vm_bios_vendor", "vm_product", "vm_board")

REAL = {
    "an ordinary PC": ((), (CLEAR, CLEAR, CLEAR)),
    "a Mac": ((), (CLEAR, CLEAR, CLEAR)),
    "a gaming PC with Hyper-V on, and OBS with its camera installed": (
        ("hypervisor_bit", "virtual_camera_name"),
        (CLEAR, CLEAR, POSSIBLE),
    ),
    "a gaming PC that streams with OBS right now": (
        ("hypervisor_bit", "virtual_camera_name", "virtual_camera_program"),
        (CLEAR, CLEAR, LIKELY),
    ),
    "a laptop of a firm, with its VPN and TeamViewer's idle service": (
        ("remote_control_program", "remote_control_connected"),
        (CLEAR, CLEAR, CLEAR),
    ),
    "a laptop whose owner looks at it over the network": (
        ("vnc_server_running", "vnc_connected"),
        (CLEAR, LIKELY, CLEAR),
    ),
    "a laptop that shares its desktop with nobody": (("vnc_server_running",), (CLEAR, POSSIBLE, CLEAR)),
    "a laptop with someone connected by TeamViewer": (
        ("remote_control_program", "remote_control_connected", "remote_control_session"),
        (CLEAR, LIKELY, CLEAR),
    ),
    "a desktop whose only camera is a phone": (("phone_camera",), (CLEAR, CLEAR, CLEAR)),
    "a developer's laptop, the exam in a container": (("container",), (CLEAR, CLEAR, CLEAR)),
    "a laptop, the exam started by SSH": (("ssh_session",), (CLEAR, CLEAR, CLEAR)),
    "a former virtual machine on a disk of its own, tools left behind": (("vm_service",), (POSSIBLE, CLEAR, CLEAR)),
    "a Linux laptop whose maker relays the built-in camera": ((), (CLEAR, CLEAR, CLEAR)),
}
VIRTUAL = {
    "a Chromebook's Linux": (("container", "hypervisor_bit", "vm_device"), (POSSIBLE, CLEAR, CLEAR)),
    "VirtualBox": ((*FIRMWARE, "vm_device", "vm_disk", "vm_mac", "hypervisor_bit"), (LIKELY, CLEAR, CLEAR)),
    "VMware with its tools": ((*FIRMWARE, "vm_device", "vm_service", "vm_mac"), (LIKELY, CLEAR, CLEAR)),
    "Hyper-V": (("vm_product", "vm_device", "vm_mac"), (LIKELY, CLEAR, CLEAR)),
    "QEMU that hides its firmware": (("vm_device", "hypervisor_bit"), (POSSIBLE, CLEAR, CLEAR)),
    "QEMU that hides its firmware, not its network": (
        ("vm_device", "hypervisor_bit", "vm_mac"),
        (LIKELY, CLEAR, CLEAR),
    ),
    "a classroom's desktop in a cloud, by Remote Desktop": (
        (*FIRMWARE, "vm_device", "vm_service", "remote_session"),
        (LIKELY, POSSIBLE, CLEAR),
    ),
    "a classroom's desktop in a cloud, by xrdp": (
        ("vm_product", "vm_device", "remote_session", "remote_control_session"),
        (LIKELY, LIKELY, CLEAR),
    ),
    "Wine": (("wine",), (POSSIBLE, CLEAR, CLEAR)),
    "a picture made up by a loopback camera and its program": (
        ("virtual_camera_driver", "virtual_camera_name", "virtual_camera_program"),
        (CLEAR, CLEAR, LIKELY),
    ),
}


def verdicts(names: tuple[str, ...]) -> tuple[Verdict, ...]:
    return tuple(one.verdict for one in judge([FoundSignal(name) for name in names], KNOWN))


@pytest.mark.parametrize("machine", [*REAL, *VIRTUAL])
def test_a_machine_gets_the_verdict_that_is_right_for_it(machine: str) -> None:
    names, right = {**REAL, **VIRTUAL}[machine]
    assert set(names) <= {signal.name for signal in KNOWN}
    assert verdicts(names) == right


def test_no_sign_alone_makes_anything_likely_and_the_weak_ones_not_even_possible() -> None:
    for signal in KNOWN:
        alone = {one.about: one.verdict for one in judge([FoundSignal(signal.name)], KNOWN)}
        assert alone[signal.about] is (POSSIBLE if signal.weight >= POSSIBLE_FROM else CLEAR), signal.name


@pytest.mark.parametrize(
    "weak",
    [
        "hypervisor_bit",
        "container",
        "remote_control_program",
        "remote_control_connected",
        "ssh_session",
        "phone_camera",
    ],
)
def test_what_many_honest_machines_show_is_weak(weak: str) -> None:
    assert {signal.name: signal.weight for signal in KNOWN}[weak] < POSSIBLE_FROM


def test_the_weak_signs_together_make_no_suspicion_likely() -> None:
    weak = tuple(signal.name for signal in KNOWN if signal.weight < POSSIBLE_FROM)
    assert LIKELY not in verdicts(weak)


def test_the_firmwares_names_count_once() -> None:
    one, all_of_them = (judge([FoundSignal(n) for n in names], KNOWN)[0].score for names in (FIRMWARE[:1], FIRMWARE))
    assert one == all_of_them


def test_every_sign_is_named_once_weighed_and_explained() -> None:
    assert len({signal.name for signal in KNOWN}) == len(KNOWN)
    assert {signal.name for signal in KNOWN} >= BY_PROGRAM
    assert {signal.about for signal in KNOWN} == set(Suspicion)
    for signal in KNOWN:
        assert 0.0 < signal.weight <= MAX_WEIGHT
        assert signal.words[0].isupper()
        assert not signal.words.endswith(".")
        assert signal.advice.endswith(".")
