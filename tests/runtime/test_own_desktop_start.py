"""A client whose exam wants a desktop of its own ends to be started there, and goes on there with the same key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.lockdown import MachineFacts, System
from app.keys.issuers import Issuer
from app.keys.policy_model import parse_policy
from app.keys.tokens import issue
from app.lockdown import platform
from app.runtime import client
from app.runtime.guardian import ELSEWHERE
from app.runtime.open_key import interrupted_key
from app.runtime.options import ClientOptions
from tests.e2e.harness import trust_file
from tests.fakes.policies import small_policy

UNIVERSITY = Issuer.create("Example University")


@pytest.fixture
def options(tmp_path: Path) -> ClientOptions:
    data = tmp_path / "data"
    data.mkdir()
    return ClientOptions(None, data, data / "restore.jsonl", trust=(trust_file(tmp_path, UNIVERSITY),))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    now = datetime.now(UTC)
    policy = small_policy(
        capture={"camera": False, "microphone": False, "screen": False},
        identity={"photo": False},
        detection={"enabled": False},
    )
    token = issue(
        policy, UNIVERSITY, now=now, not_before=now, expires=now + timedelta(days=1), serial=1, min_client="0.1.0"
    )
    path = tmp_path / "exam.invigil"
    path.write_text(token, encoding="ascii")
    return path


@contextmanager
def opened(options: ClientOptions) -> Iterator[client.Client]:
    made = client.Client(options)
    try:
        made.open()
        yield made
    finally:
        made.close()


def test_a_client_that_belongs_elsewhere_says_so_and_goes_on_there_with_the_key_that_was_chosen(
    qtbot: QtBot, options: ClientOptions, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as windows:
        windows.setattr(client, "belongs_elsewhere", lambda _: True)
        with opened(options) as here:
            here._window.key_chosen.emit(str(key))
            qtbot.waitUntil(lambda: here.exit_code == ELSEWHERE, timeout=20_000)
    key.unlink()
    assert interrupted_key(options.data_dir) is None
    monkeypatch.setattr(client, "is_elsewhere", lambda: True)
    with opened(options) as there:
        qtbot.waitUntil(lambda: there._running is not None, timeout=20_000)
        assert there.exit_code != ELSEWHERE


def test_only_windows_has_such_a_place_and_only_where_the_exam_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    policies = [parse_policy(small_policy(lockdown__separate_desktop=wanted)) for wanted in (True, False)]
    for system, expected in ((System.WINDOWS, [True, False]), (System.LINUX_X11, [False, False])):
        facts = MachineFacts(system)
        monkeypatch.setattr(platform, "machine_facts", lambda facts=facts: facts)
        assert [platform.belongs_elsewhere(policy) for policy in policies] == expected
    assert platform.start_elsewhere(platform.all_operations(), Path("journal")) is None
    assert not platform.is_elsewhere()
