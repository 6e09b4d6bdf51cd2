"""Opening a key: verified always, and valid now, unless it continues an attempt that it began in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from app import __version__
from app.core.errors import BadInput, EvidenceError
from app.keys.issuers import TrustedIssuers, default_trust_paths
from app.keys.tokens import ConfigKey, KeyRefused, load_key_text, read_claims_unverified, read_header, read_key
from app.runtime.attempts import attempt_root, is_begun

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
KEPT_KEY = "key.invigil"
"""The key beside its attempt's evidence, so that an interrupted attempt is found without the file. Mode 0600."""


def open_key(text: str, trust: tuple[Path, ...], data_dir: Path, now: datetime) -> ConfigKey:
    """``trust`` are lists of issuers besides this machine's own. An expired key opens only the attempt that it began.

    Raises BadInput with a sentence.
    """
    token = load_key_text(text)
    trusted = TrustedIssuers.load([*default_trust_paths(), *trust])
    try:
        return read_key(token, trusted, now, __version__)
    except KeyRefused:
        key = _as_of_its_end(token, trusted, now)
        if key is None or not is_begun(attempt_root(data_dir, key.policy, key.kid)):
            raise
        return key


def _as_of_its_end(token: str, trusted: TrustedIssuers, now: datetime) -> ConfigKey | None:
    """The key as it was in its last second, if it has expired; its signature is checked all the same."""
    try:
        read_header(token)
        expires = read_claims_unverified(token).get("exp")
        if not isinstance(expires, int) or isinstance(expires, bool) or now.timestamp() < expires:
            return None
        then = datetime.fromtimestamp(expires, UTC) - timedelta(seconds=1)
        return read_key(token, trusted, then, __version__)
    except (KeyRefused, ValueError, OverflowError, OSError):
        return None


def stays_on_loopback(text: str) -> bool:
    """Whether everything that the key names is on this machine, by its own unproven word: enough to shut doors."""
    try:
        token = load_key_text(text)
        read_header(token)
        policy = read_claims_unverified(token).get("policy")
        parts = policy if isinstance(policy, dict) else {}
        exam, upload, browser = (parts.get(name) or {} for name in ("exam", "upload", "browser"))
        if not isinstance(exam, dict) or not isinstance(upload, dict) or not isinstance(browser, dict):
            return False
        hosts = {urlsplit(str(url)).hostname for url in (exam.get("start_url"), upload.get("endpoint"))}
        return hosts <= LOOPBACK and not browser.get("allow")
    except (BadInput, ValueError):
        return False


def keep_key(root: Path, key: ConfigKey) -> None:
    """Raises EvidenceError. The name appears once the whole key is there."""
    path, part = root / KEPT_KEY, root / f"{KEPT_KEY}.tmp"
    if path.exists():
        return
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_text(key.token, encoding="ascii")
        part.replace(path)
    except OSError as error:
        raise EvidenceError(
            f"The exam can't be prepared in {root} ({error.strerror}); free room on that disk."
        ) from error


def interrupted_key(data_dir: Path) -> str | None:
    """The kept key of the newest attempt that was begun and not delivered; None when there is none."""
    kept = sorted((data_dir / "attempts").glob(f"*/{KEPT_KEY}"), key=lambda path: path.stat().st_mtime)
    for path in reversed(kept):
        if is_begun(path.parent):
            return str(path)
    return None
