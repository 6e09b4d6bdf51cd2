"""What is recorded reaches the server, whatever becomes of the network, and the candidate knows how things stand."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from app.core.types import EntryKind, Json
from app.keys.tokens import read_claims_unverified
from app.lockdown.journal import RestoreJournal
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, make_key, rows, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def attempt_on(backend: Backend, client: Client) -> dict[str, Json]:
    [begin] = [e for e in client.entries() if e.kind is EntryKind.ATTEMPT]
    return backend.get(f"/attempts/{begin.body['attempt']}")


def kept_files(client: Client) -> set[str]:
    """The hashes of all media that the evidence names and did not discard."""
    media = {EntryKind.SEGMENT, EntryKind.SNAPSHOT, EntryKind.CLIP}
    named = {str(e.body["sha256"]) for e in client.entries() if e.kind in media}
    return named - {str(e.body["sha256"]) for e in client.entries() if e.kind is EntryKind.DISCARD}


def assert_delivered(backend: Backend, client: Client) -> None:
    """Every kept file is on the server byte for byte, the manifest is verified there, the report can be read."""
    attempt = attempt_on(backend, client)
    assert attempt["status"] == "submitted"
    [submission] = rows(attempt, "submissions")
    assert isinstance(submission["verification"], dict)
    assert submission["verification"]["verified"] is True
    recordings = rows(attempt, "recordings")
    assert kept_files(client) == {str(r["sha256"]) for r in recordings}
    for recording in recordings:
        data = requests.get(
            f"{backend.url}/recordings/{recording['id']}/download",
            headers={"Authorization": f"Bearer {backend.admin_key}"},
            timeout=30,
        )
        assert hashlib.sha256(data.content).hexdigest() == recording["sha256"]


def assert_report_opens(url: str) -> None:
    """Without an API key; and what it shows plays from any point."""
    page = requests.get(url, timeout=30)
    assert page.status_code == 200
    media = set(re.findall(r'(?:src|href)="([^"]*/media/[^"]+)"', page.text))
    assert media
    for link in media:
        part = requests.get(link.replace("&amp;", "&"), headers={"Range": "bytes=0-9"}, timeout=30)
        assert part.status_code == 206
        assert len(part.content) == 10
    bare = requests.get(url.split("?")[0], timeout=30)
    assert bare.status_code == 401


def assert_little_is_left(client: Client) -> None:
    """What was delivered is gone from here, nothing points to it, and neither key nor upload token stays."""
    root = client.attempt_root()
    assert list((root / "files").iterdir()) == []
    assert "files/" not in (root / "report.html").read_text(encoding="utf-8")
    assert not (root / "key.invigil").exists()


def has_expired(key: Path) -> bool:
    expires = read_claims_unverified(key.read_text(encoding="ascii"))["exp"]
    assert isinstance(expires, int)
    return time.time() >= expires


def test_an_outage_during_the_exam_costs_nothing_and_the_candidate_knows_of_it(
    own_desktop: VirtualDesktop, own_backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(own_backend, tmp_path, {"evidence": {"mode": "continuous", "keep_after_upload": False}})
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.reach_exam()
        own_backend.stop()
        client.await_fact("network", "offline")
        client.press("alt+Tab")
        client.await_fact("violation", 5121)  # keys are answered while nothing answers the client
        until("recordings during the outage", lambda: len(list(client.attempt_root().glob("files/*.webm"))) >= 3)
        own_backend.start()
        client.await_fact("network", "online")
        client.finish()
        [done] = [fact for fact in client.read() if fact.get("done")]
        exam = own_backend.exam(key)
        assert_delivered(own_backend, client)
        assert_report_opens(str(done["report_url"]))
        assert client.close() == 0
    assert_little_is_left(client)
    assert client.gaps() == []
    [participant] = rows(exam, "participants")
    assert (participant["id"], participant["status"]) == ("demo-candidate", "submitted")
    assert exam["status"] == "completed"
    assert "blocked_key_or_gesture" in {str(w["type"]) for w in rows(exam, "warnings")}
    assert len(rows(exam, "warnings")) == len(rows(client.report(), "violations"))
    assert client.logged("can't be reached")
    assert "Traceback" not in client.said() + str(client.log())


def test_an_exam_that_ends_without_a_server_is_delivered_by_later_starts_even_with_the_key_expired(
    own_desktop: VirtualDesktop, own_backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(own_backend, tmp_path, {"evidence": {"keep_after_upload": False}}, life=timedelta(seconds=20))
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.reach_exam()
        client.press("alt+Tab")
        client.await_fact("violation", 5121)
        own_backend.stop()
        client.hand_in()
        client.await_page("uploading")
        client.await_fact("upload", "waits")
        assert RestoreJournal(client.data / "restore.jsonl").outstanding() == []
        client.press("Return")  # pressed once too often, it must not close the page
        assert client.page() == "uploading"
        client.press("Tab", "Return")
        assert client.wait() == 0

        client.key = None
        client.start()
        client.await_fact("upload", "waits", times=2)
        client.press("alt+F4")
        assert client.wait() == 0

        until("the key to expire", lambda: has_expired(key))
        own_backend.start()
        client.key = key
        client.start()
        client.await_page("done")
        [done] = [fact for fact in client.read() if fact.get("done")]
        assert_delivered(own_backend, client)
        assert_report_opens(str(done["report_url"]))
        assert client.close() == 0
    assert client.verified().ok
    assert client.codes()
    with running(Client(own_desktop, tmp_path / "fresh", key, trust)) as fresh:
        fresh.await_problem("expired")
        fresh.press("alt+F4")
        assert fresh.wait() == 2


def test_declining_leaves_nothing_on_this_machine_nor_on_the_server(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.await_fact("checks", "passed")
        client.press("Return")
        client.await_page("consent")
        client.press("shift+Tab", "shift+Tab", "Return")
        client.await_page("aborted")
        assert client.close() == 0
    assert list((client.data / "attempts").iterdir()) == []
    exam = backend.exam(key)
    assert (exam["status"], exam["participants"]) == ("created", [])
