"""Which keys open an exam on this machine."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import __version__
from app.core.errors import BadInput
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.tokens import issue
from app.runtime.open_key import KEPT_KEY, KEPT_OPENING, kept_at, open_key
from tests.fakes.policies import small_policy

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration folder, empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def token_of(issuer: Issuer) -> str:
    return issue(
        small_policy(), issuer, now=NOW, not_before=NOW, expires=NOW + timedelta(hours=1), serial=1,
        min_client=__version__,
    )  # fmt: skip


def trust_list(path: Path, issuer: Issuer) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(TrustedIssuers.of([issuer.public()]).to_json()), encoding="utf-8")
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is set as Linux sets it")
def test_an_issuer_of_the_list_installed_on_this_machine_is_trusted(home: Path, tmp_path: Path) -> None:
    issuer = Issuer.create("University")
    trust_list(home / "invigil" / "issuers.json", issuer)
    assert open_key(token_of(issuer), (), tmp_path, NOW).issuer_name == "University"


def test_a_list_given_on_the_command_line_is_trusted_too(home: Path, tmp_path: Path) -> None:
    issuer = Issuer.create("University")
    listed = trust_list(tmp_path / "given.json", issuer)
    assert open_key(token_of(issuer), (listed,), tmp_path, NOW).issuer_name == "University"


def test_an_issuer_of_no_list_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="trust"):
        open_key(token_of(Issuer.create("Stranger")), (), tmp_path, NOW)


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "{" * 900_000 + '"source"', '{"source": 1, "person": {"id": []}}', "\0"]
)
def test_what_is_kept_beside_a_key_and_was_tampered_with_is_only_asked_again(content: str, tmp_path: Path) -> None:
    root = tmp_path / "attempts" / "one"
    root.mkdir(parents=True)
    (root / KEPT_KEY).write_text("token", encoding="ascii")
    (root / KEPT_OPENING).write_text(content, encoding="utf-8")
    kept = kept_at(str(root / KEPT_KEY), tmp_path)
    assert kept is not None
    assert kept.token == "token"
