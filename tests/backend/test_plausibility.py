"""What in a manifest is unusual: found where it is, and never where an honest exam was merely interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import pytest

from app.backend.plausibility import Finding, asked_for, findings, sessions_of
from app.core.lockdown import wanted_watchers
from app.core.policy import Accessibility, Lockdown
from app.core.types import NS_PER_S, Entry, EntryKind, Instant, Json
from app.runtime.session_facts import policy_body
from tests.fakes.session import exam_policy

OURS, OTHER = "aa" * 32, "bb" * 32
KNOWN = {OURS: "0.1.0"}
UTC_NS = 1_800_000_000 * NS_PER_S
POLICY = replace(exam_policy(), lockdown=Lockdown(watch_machine=False, watch_devices=False))
ASKED = wanted_watchers(POLICY)


class Manifest:
    """An exam as an unchanged client writes it, in seconds since its start."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.ahead_s = 0.0
        self.session = 0

    def at(self, seconds: float) -> Instant:
        return Instant(round(seconds * NS_PER_S), round((seconds + self.ahead_s) * NS_PER_S) + UTC_NS, "boot")

    def add(self, seconds: float, kind: EntryKind, /, **body: Json) -> None:
        self.entries.append(Entry(len(self.entries) + 1, kind, self.at(seconds), body, "", ""))

    def event(self, seconds: float, name: str, /, **body: Json) -> None:
        self.add(seconds, EntryKind.EVENT, event=name, **body)

    def phase(self, seconds: float, phase: str, because: str = "") -> None:
        self.event(seconds, "phase", phase=phase, because=because, session=self.session)

    def begin(self, seconds: float, build: Mapping[str, Json] | None = None) -> None:
        self.session += 1
        told = {"version": "0.1.0", "hash": OURS, "kind": "packaged"} | dict(build or {})
        policy = policy_body(POLICY)
        self.add(seconds, EntryKind.SESSION, session=self.session, build=told, policy=policy)
        self.phase(seconds, "locked", "lockdown_performed")
        self.phase(seconds, "running", "capture_started")
        self.event(seconds, "monitoring_started", session=self.session)

    def watch(self, start: int, end: int, **changed: Json) -> None:
        """Says so each minute, and records all streams in segments of five seconds."""
        for second in range(start, end):
            if second % 5 == 0:
                self.record(second, second + 5)
            if second > start and (second - start) % 60 == 0:
                polls: dict[str, Json] = {name: {"polls": second, "failures": 0} for name in ASKED}
                said: dict[str, Json] = {"watchers": polls, "missing": [], "dropped": 0}
                self.event(second, "watching", **(said | changed))

    def record(self, start: float, end: float) -> None:
        for stream in ("camera", "microphone", "screen"):
            self.span(EntryKind.SEGMENT, stream, start, end)

    def span(self, kind: EntryKind, stream: str, start: float, end: float, **more: Json) -> None:
        times: dict[str, Json] = {
            name: {"utc_ns": str(self.at(each).utc_ns)} for name, each in (("start", start), ("end", end))
        }
        self.add(end, kind, stream=stream, **(times | more))

    def gap(self, cause: str, start: float, end: float) -> None:
        for stream in ("camera", "microphone", "screen"):
            self.span(EntryKind.GAP, stream, start, end, cause=cause)

    def end(self, seconds: float) -> None:
        self.phase(seconds, "finishing", "finish_requested")
        self.add(seconds, EntryKind.SEAL)

    def found(self, known: Mapping[str, str] = KNOWN) -> dict[str, Finding]:
        return {each.what: each for each in findings(self.entries, known)}


def exam(minutes: int = 10, **changed: Json) -> Manifest:
    made = Manifest()
    made.begin(0)
    made.watch(0, minutes * 60, **changed)
    made.end(minutes * 60)
    return made


def test_an_exam_as_our_client_writes_it_leaves_nothing_to_look_at() -> None:
    assert exam().found() == {}


# ---- what interrupts an honest exam


def slept(made: Manifest) -> None:
    made.event(300, "session", state="asleep")
    made.event(2000, "session", state="here")


def hung(made: Manifest) -> None:
    made.event(2000, "stalled", seconds=1700.0)


def paused(made: Manifest) -> None:
    made.phase(300, "paused", "pause_requested")
    made.gap("paused", 300, 2000)
    made.phase(2000, "running", "resume_requested")


def crashed(made: Manifest) -> None:
    made.gap("client_down", 300, 2000)
    made.phase(2000, "verified", "restarted")
    made.begin(2000)


@pytest.mark.parametrize("interrupted", [slept, hung, paused, crashed], ids=lambda each: each.__name__)
def test_silence_that_the_manifest_explains_is_no_finding(interrupted: Callable[[Manifest], None]) -> None:
    made = Manifest()
    made.begin(0)
    made.watch(0, 300)
    interrupted(made)
    made.watch(2000, 2300)
    made.end(2300)
    assert made.found() == {}


def test_a_session_that_ended_with_the_power_is_judged_up_to_its_last_sign() -> None:
    made = Manifest()
    made.begin(0)
    made.watch(0, 300)
    assert made.found() == {}


# ---- builds


def test_an_unknown_build_is_named_with_its_session() -> None:
    found = exam().found({OTHER: "0.1.0"})
    assert list(found) == ["build_unknown"]
    assert found["build_unknown"].sentence.startswith("Session 1 was written by a build that is not among the known")
    assert found["build_unknown"].entries == (1,)


def test_where_no_builds_are_known_none_is_unknown() -> None:
    assert exam().found({}) == {}


def test_a_known_build_that_calls_itself_another_version_is_found() -> None:
    assert list(exam().found({OURS: "0.2.0"})) == ["build_version"]


@pytest.mark.parametrize(("version", "weight"), [("0.1.0", 0.6), ("0.2.0", 0.3)], ids=["same version", "an update"])
def test_another_build_after_a_restart_weighs_less_where_the_version_says_so(version: str, weight: float) -> None:
    made = Manifest()
    made.begin(0)
    made.watch(0, 120)
    made.phase(121, "verified", "restarted")
    made.begin(122, {"hash": OTHER, "version": version})
    made.watch(122, 240)
    made.end(240)
    assert made.found({})["build_changed"].weight == weight


def test_a_session_without_a_build_is_found() -> None:
    made = Manifest()
    made.begin(0, {"hash": ""})
    made.end(60)
    assert list(made.found()) == ["build_missing"]


# ---- watching


def test_a_client_that_never_says_that_it_watches_is_found() -> None:
    made = Manifest()
    made.begin(0)
    made.record(0, 600)
    made.end(600)
    assert list(made.found()) == ["watching_missing"]
    assert "for 10 min" in made.found()["watching_missing"].sentence


def test_a_watcher_that_was_asked_for_and_is_not_even_admitted_to_be_missing_is_found() -> None:
    found = exam(watchers={name: {"polls": 9, "failures": 0} for name in ASKED if name != "windows"}).found()
    assert found["watcher_never_polled"].sentence.startswith("The key asks to watch windows of other programs;")


def test_a_watcher_that_the_machine_lacks_weighs_little() -> None:
    polls: dict[str, Json] = {name: {"polls": 9, "failures": 0} for name in ASKED if name != "session"}
    found = exam(2, watchers=polls, missing=["session"]).found()
    assert [(each.what, each.weight) for each in found.values()] == [("watcher_missing", 0.1)]


def test_a_watcher_that_always_failed_and_one_that_stood_still_are_found() -> None:
    assert "watcher_failed" in exam(watchers={name: {"polls": 60, "failures": 60} for name in ASKED}).found()
    assert "watcher_stood_still" in exam(watchers={name: {"polls": 60, "failures": 0} for name in ASKED}).found()


@pytest.mark.parametrize("flag", [each.name for each in fields(Lockdown) if isinstance(each.default, bool)])
def test_the_recorded_policy_asks_for_what_the_key_asked_for(flag: str) -> None:
    lock = Lockdown(denied_processes=("obs",))
    turned: dict[str, Any] = {flag: not getattr(lock, flag)}
    policy = replace(exam_policy(), lockdown=replace(lock, **turned))
    assert asked_for({"policy": policy_body(policy)}) == wanted_watchers(policy)


@pytest.mark.parametrize("granted", [Accessibility(screen_reader=True), Accessibility(assistive_programs=("osk",))])
def test_what_granted_help_leaves_unwatched_is_not_asked_for(granted: Accessibility) -> None:
    policy = replace(exam_policy(), accessibility=granted)
    assert asked_for({"policy": policy_body(policy)}) == wanted_watchers(policy)


# ---- recordings, time, and what the client says of itself


def test_a_stream_without_recordings_and_gaps_is_found() -> None:
    made = exam()
    made.entries = [each for each in made.entries if each.body.get("stream") != "camera"]
    assert list(made.found()) == ["recording_missing"]
    assert "the camera left neither a recording nor a gap for 10 min" in made.found()["recording_missing"].sentence


def test_a_gap_that_is_owned_up_to_is_none() -> None:
    made = exam()
    made.entries = [each for each in made.entries if each.body.get("stream") != "camera"]
    made.span(EntryKind.GAP, "camera", 0, 600, cause="device_lost")
    assert made.found() == {}


def test_time_that_runs_backwards_is_found() -> None:
    made = exam()
    made.event(60, "error", code=1)
    assert list(made.found()) == ["time_backwards"]
    assert made.found()["time_backwards"].entries == (len(made.entries),)


def test_two_clocks_that_part_within_a_session_are_found() -> None:
    made = Manifest()
    made.begin(0)
    made.watch(0, 120)
    made.ahead_s = 60
    made.watch(120, 240)
    made.end(240)
    assert "clocks_apart" in made.found()


def test_a_client_without_its_guardian_and_dropped_observations_weigh_little() -> None:
    made = exam(2, dropped=7)
    made.event(120, "unguarded")
    found = made.found()
    assert {name: each.weight for name, each in found.items()} == {"unguarded": 0.3, "observations_dropped": 0.2}
    assert " 7 observations" in found["observations_dropped"].sentence


def test_the_heaviest_stands_first_and_each_has_an_innocent_explanation() -> None:
    made = Manifest()
    made.begin(0, {"hash": ""})
    made.event(1, "unguarded")
    made.record(0, 600)
    made.end(600)
    found = findings(made.entries, KNOWN)
    assert [each.what for each in found] == ["watching_missing", "build_missing", "unguarded"]
    assert all(each.innocent for each in found)


@pytest.mark.parametrize(
    "body",
    [
        {"session": "1", "build": "x", "policy": {"lockdown": []}},
        {"event": "watching", "watchers": [1], "missing": 3, "dropped": "x"},
        {"event": "watching", "watchers": {"windows": [], "x": {"polls": True}}},
        {"event": "phase", "phase": 7, "session": None},
        {"event": "stalled", "seconds": "long"},
        {"stream": 3, "start": {"utc_ns": "x"}, "end": None, "cause": "paused"},
    ],
    ids=range(6),
)
def test_any_body_of_an_entry_is_survived(body: dict[str, Json]) -> None:
    made = exam(2)
    for kind in EntryKind:
        made.add(120, kind, **body)
    assert sessions_of(made.entries)
    assert made.found()
