"""Devices that fail while the exam runs: a code for the proctor, a gap in the record, and no accusation."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import psutil
import pytest

from app.core.types import NS_PER_MS, NS_PER_S, EntryKind, Json
from app.runtime.clock import passed_ns
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import FILM, Backend, Client, make_key, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FROZEN_S = 7.0
STREAMS = ("camera", "microphone", "screen")
PICTURE_NS = NS_PER_S
"""How far apart the screen's pictures lie; the camera's lie closer."""


def gaps(client: Client, stream: str) -> list[dict[str, Json]]:
    return [gap for gap in client.gaps() if gap["stream"] == stream]


def length_s(gap: dict[str, Json]) -> float:
    return (int(str(gap["end_ms"])) - int(str(gap["start_ms"]))) / 1000


def ns(instant: Json) -> int:
    assert isinstance(instant, dict)
    return int(str(instant["mono_ns"]))


def spans(client: Client, stream: str) -> list[tuple[int, int]]:
    """From when to when each segment of the stream shows it, in order."""
    found = [e.body for e in client.entries() if e.kind is EntryKind.SEGMENT and e.body["stream"] == stream]
    return sorted((ns(body["start"]), ns(body["end"])) for body in found)


def segments(client: Client, stream: str) -> int:
    return len(spans(client, stream))


def has_event(client: Client, name: str) -> bool:
    return any(e.body.get("event") == name for e in client.entries())


def test_a_sound_server_that_dies_costs_a_gap_and_is_used_again_when_it_is_back(
    backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    with (
        VirtualDesktop(sound=True) as desktop,
        running(Client(desktop, tmp_path / "run", key, trust, microphone="pulse")) as client,
    ):
        client.reach_exam()
        until("sound to be recorded", lambda: segments(client, "microphone"))
        desktop.stop_sound()
        client.await_fact("error", 4005)
        client.await_fact("violation", 5119)
        until("the microphone's sign to go out", lambda: client.indicators() == {"camera", "screen"})
        desktop.start_sound()
        until("the microphone to be back", lambda: has_event(client, "stream_back"))
        until("all signs to be on", lambda: client.indicators() == {"camera", "microphone", "screen"})
        before = segments(client, "microphone")
        until("sound to be recorded again", lambda: segments(client, "microphone") > before + 1)
        client.finish()
        assert client.close() == 0
    (gap,) = gaps(client, "microphone")
    assert length_s(gap) > 1
    assert gaps(client, "camera") == []
    assert not {5004, 5106} & set(client.codes())
    assert client.verified().ok


def test_a_camera_file_that_goes_bad_is_an_error_and_a_gap_but_no_end(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    film, good = tmp_path / "film.webm", tmp_path / "good.webm"
    _short_film(good)
    shutil.copy(good, film)
    key, trust = make_key(backend, tmp_path)
    with running(Client(own_desktop, tmp_path / "run", key, trust, camera=f"file:{film}")) as client:
        client.reach_exam()
        harms: list[Callable[[], object]] = [film.unlink, lambda: film.write_bytes(os.urandom(100_000))]
        for times, harm in enumerate(harms, start=1):
            until("the camera's sign to be on", lambda: "camera" in client.indicators())
            harm()
            until("the camera's sign to go out", lambda: "camera" not in client.indicators())
            until("the error to be journalled", client.error_codes)
            client.await_fact("violation", 5119, times=times)
            shutil.copy(good, film)
        assert client.page() == "exam"
        client.finish()
        assert client.close() == 0
    assert client.error_codes() <= {4005, 4008, 4010}
    assert [gap["stream"] for gap in client.gaps()] == ["camera"] * 2
    assert 5001 not in client.codes()
    assert client.verified().ok


def test_a_client_that_was_stopped_goes_on_with_a_gap_and_nothing_is_told_but_the_stop(
    backend: Backend, tmp_path: Path
) -> None:
    film = tmp_path / "film.webm"
    _short_film(film)
    key, trust = make_key(backend, tmp_path, {"capture": {"segment_s": 2.0}})
    with (
        VirtualDesktop(sound=True) as desktop,
        running(Client(desktop, tmp_path / "run", key, trust, camera=f"file:{film}", microphone="pulse")) as client,
    ):
        client.reach_exam()
        until("something to be recorded", lambda: segments(client, "camera"))
        frozen = client.inner()
        frozen.send_signal(signal.SIGSTOP)
        until("the client to stop", lambda: frozen.status() == psutil.STATUS_STOPPED)
        stopped_ns = passed_ns()
        time.sleep(FROZEN_S)  # what is tested is that this time passes
        frozen.send_signal(signal.SIGCONT)
        span = (stopped_ns, stopped_ns + round(FROZEN_S * NS_PER_S))
        until("recording to go on", lambda: all(_recorded_after(client, stream, span[1]) for stream in STREAMS))
        client.finish()
        assert client.close() == 0
    for stream in ("camera", "screen"):
        (gap,) = gaps(client, stream)
        assert gap["cause"] == "stalled"
        _assert_gap_is_what_was_missed(client, stream, span)
    assert gaps(client, "microphone") == []  # the sound server kept it
    heard = spans(client, "microphone")
    assert all(one[1] <= other[0] + 250 * NS_PER_MS for one, other in pairwise(heard))
    assert sum(max(0, min(end, span[1]) - max(start, span[0])) for start, end in heard) > (FROZEN_S - 1) * NS_PER_S
    assert client.error_codes() == set()
    assert not {5001, 5002, 5004, 5106, 5119} & set(client.codes())
    assert client.codes().count(5120) == 1
    assert client.count("command", "start_monitoring") == 1
    assert client.verified().ok


def _recorded_after(client: Client, stream: str, at_ns: int) -> bool:
    return any(start > at_ns for start, _ in spans(client, stream))


def _assert_gap_is_what_was_missed(client: Client, stream: str, span: tuple[int, int]) -> None:
    """The one stall covers the span but for a picture's time, and no more than what lies between two segments."""
    stalls = [
        entry.body for entry in client.entries() if entry.kind is EntryKind.GAP and entry.body["stream"] == stream
    ]
    [(start, end)] = [(ns(gap["start"]), ns(gap["end"])) for gap in stalls if gap["cause"] == "stalled"]
    assert start <= span[0] + PICTURE_NS
    assert end >= span[1] - PICTURE_NS
    recorded = spans(client, stream)
    assert start >= max(until_ns for from_ns, until_ns in recorded if from_ns < span[0] + PICTURE_NS) - 2 * PICTURE_NS
    assert end <= min(from_ns for from_ns, _ in recorded if from_ns >= span[1] - PICTURE_NS) + PICTURE_NS


def _short_film(path: Path) -> None:
    """The film's first seconds, so that the file is read anew soon."""
    with av.open(str(FILM)) as source, av.open(str(path), "w", format="webm") as out:
        stream = source.streams.video[0]
        copied = out.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.pts is None or float(packet.pts * packet.time_base) > 6:
                break
            packet.stream = copied
            out.mux(packet)
