"""Attempts on this machine: found again by their key, remembered, forgotten."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import __version__
from app.core.errors import BadInput, EvidenceError
from app.core.session import Phase, State
from app.core.types import EntryKind
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.tokens import issue
from app.runtime.attempts import Attempt, attempt_root, is_begun, open_attempt
from app.runtime.open_key import Opened, interrupted_key, keep_key, open_key
from tests.fakes.policies import small_policy
from tests.fakes.session import exam_policy
from tests.fakes.sources import ManualClock

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CLOCK = ManualClock()


@contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    attempt = open_attempt(folder, exam_policy(), "kid", CLOCK.now())
    try:
        yield attempt
    finally:
        attempt.store.close()


class KeyMaker:
    """Issues keys and says which of them this machine trusts."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.issuer = Issuer.create("University")
        self.trust = folder / "issuers.json"
        self.trust.write_text(json.dumps(TrustedIssuers.of([self.issuer.public()]).to_json()), encoding="utf-8")

    def token(self, candidate: str = "c", life: timedelta = timedelta(hours=1), by: Issuer | None = None) -> str:
        return issue(
            small_policy(candidate__id=candidate), by or self.issuer, now=NOW, not_before=NOW, expires=NOW + life,
            serial=1, min_client=__version__,
        )  # fmt: skip

    def begin(self, token: str, phase: Phase) -> Path:
        """Opens the key and brings its attempt to a phase."""
        key = open_key(token, (self.trust,), self.data, NOW)
        attempt = open_attempt(self.data, key.policy, key.kid, CLOCK.now())
        keep_key(attempt.root, Opened(key))
        attempt.save_state(State(phase))
        attempt.store.close()
        return attempt.root

    def open_at(self, token: str, later: timedelta) -> str:
        return open_key(token, (self.trust,), self.data, NOW + later).policy.candidate.id


@pytest.fixture
def keys(tmp_path: Path) -> KeyMaker:
    return KeyMaker(tmp_path)


def test_another_exam_candidate_number_or_issuer_is_another_attempt(tmp_path: Path) -> None:
    policy = exam_policy()
    others = [
        replace(policy, exam=replace(policy.exam, id="other")),
        replace(policy, candidate=replace(policy.candidate, id="other")),
        replace(policy, candidate=replace(policy.candidate, attempt_number=2)),
    ]
    roots = {attempt_root(tmp_path, one, "kid") for one in [policy, *others]} | {attempt_root(tmp_path, policy, "k")}
    assert len(roots) == 5
    assert attempt_root(tmp_path, exam_policy(), "kid") in roots


def test_an_attempt_is_found_again_with_its_state_and_the_last_moment_it_lived(tmp_path: Path) -> None:
    state = State(Phase.PAUSED, session=2, paused=True, reason="a break")
    with opened(tmp_path) as first:
        assert first.fresh
        first.save_state(state)
        first.mark_alive(CLOCK.now())
    with opened(tmp_path) as again:
        assert not again.fresh
        assert (again.id, again.state, again.alive) == (first.id, state, CLOCK.now())
        assert again.key.public_key_hex == first.key.public_key_hex
    assert stat.S_IMODE(first.root.stat().st_mode) == 0o700


def test_a_forgotten_attempt_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as attempt:
        attempt.store.append(EntryKind.EVENT, {"event": "checks"}, CLOCK.now())
        attempt.forget()
    assert list((tmp_path / "attempts").iterdir()) == []


def test_entries_that_the_disk_did_not_take_are_written_in_order_as_soon_as_it_does(tmp_path: Path) -> None:
    with opened(tmp_path) as attempt:
        attempt.store.close()  # stands for a disk that takes nothing
        attempt.note(EntryKind.EVENT, {"event": "one"}, CLOCK.now())
        attempt.note(EntryKind.EVENT, {"event": "two"}, CLOCK.now())
        with pytest.raises(EvidenceError):
            attempt.write_waiting()
        attempt.store.open(CLOCK.now())
        attempt.note(EntryKind.EVENT, {"event": "three"}, CLOCK.now())
        told = [e.body.get("event") for e in attempt.store.entries()][-3:]
    assert told == ["one", "two", "three"]


def test_a_place_that_is_no_folder_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="can't be written to"), opened(tmp_path / "file"):
        pass


@pytest.mark.parametrize("phase", Phase)
def test_only_what_was_locked_and_not_delivered_counts_as_begun(tmp_path: Path, phase: Phase) -> None:
    with opened(tmp_path) as attempt:
        attempt.save_state(State(phase))
    before = {Phase.CREATED, Phase.CONFIGURED, Phase.CHECKED, Phase.CONSENTED}
    assert is_begun(attempt.root) == (phase not in before | {Phase.DONE, Phase.ABORTED})


def test_a_damaged_journal_is_no_begun_attempt(tmp_path: Path) -> None:
    assert not is_begun(tmp_path)
    (tmp_path / "journal.sqlite").write_bytes(b"no database, but long enough to be looked at" * 100)
    assert not is_begun(tmp_path)


def test_an_expired_key_opens_the_attempt_it_began_and_nothing_else(keys: KeyMaker) -> None:
    begun, fresh, done = keys.token("begun"), keys.token("fresh"), keys.token("done")
    keys.begin(begun, Phase.UPLOADING)
    keys.begin(done, Phase.DONE)
    assert keys.open_at(begun, timedelta(days=3)) == "begun"
    for token in (fresh, done):
        with pytest.raises(BadInput, match="expired"):
            keys.open_at(token, timedelta(days=3))


def test_an_expired_key_of_a_stranger_opens_nothing(keys: KeyMaker) -> None:
    keys.begin(keys.token("begun"), Phase.RUNNING)
    with pytest.raises(BadInput, match="trust"):
        keys.open_at(keys.token("begun", by=Issuer.create("Stranger")), timedelta(days=3))


def test_an_expired_key_with_another_signature_opens_nothing(keys: KeyMaker) -> None:
    token = keys.token("begun")
    keys.begin(token, Phase.RUNNING)
    signature = keys.token("other").rsplit(".", 1)[1]
    with pytest.raises(BadInput, match="altered"):
        keys.open_at(f"{token.rsplit('.', 1)[0]}.{signature}", timedelta(days=3))


def test_the_newest_interrupted_attempt_is_found_without_its_key(keys: KeyMaker) -> None:
    assert interrupted_key(keys.data) is None
    root = keys.begin(keys.token("left"), Phase.UPLOADING)
    keys.begin(keys.token("done"), Phase.DONE)
    found = interrupted_key(keys.data)
    assert found is not None
    assert Path(found).parent == root
    assert keys.open_at(found, timedelta(days=3)) == "left"
    assert stat.S_IMODE(Path(found).stat().st_mode) == 0o600


def test_a_kept_key_stays_the_one_that_began_the_attempt(keys: KeyMaker) -> None:
    first = keys.token("c")
    root = keys.begin(first, Phase.RUNNING)
    keys.begin(keys.token("c", life=timedelta(hours=2)), Phase.RUNNING)
    assert (root / "key.invigil").read_text(encoding="ascii") == first


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state", "nonsense"),
        ("state", "[]"),
        ("state", '{"phase": ["running"]}'),
        ("state", '{"phase": "running"}'),
        ("alive", "[1]"),
        ("alive", '[1, 99999999999999999999999, "boot"]'),
    ],
)
def test_an_attempt_whose_memory_was_damaged_is_told_in_a_sentence(tmp_path: Path, key: str, value: str) -> None:
    with opened(tmp_path) as attempt:
        attempt.store.set_meta(key, value)
    is_begun(attempt.root)
    with pytest.raises(EvidenceError, match="is damaged"), opened(tmp_path):
        pass
