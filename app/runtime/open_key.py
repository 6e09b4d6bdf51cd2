"""Which keys open an exam: verified always, and valid now, unless they continue an attempt that they began in time.

And what is kept of a key beside its attempt, so that after a crash nothing has to be asked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from app.core.errors import BadInput, EvidenceError
from app.core.policy import Candidate
from app.keys.carriers import Carrier
from app.keys.policy_model import parse_policy, policy_to_json
from app.keys.tokens import ConfigKey, KeyRefused, load_key_text, read_claims_unverified, read_header
from app.runtime.attempts import attempt_root, is_begun
from app.runtime.trust import MachineTrust

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
KEPT_KEY = "key.invigil"
"""The key beside its attempt's evidence, so that an interrupted attempt is found without the file. Mode 0600."""
KEPT_OPENING = "opened.json"
"""What the person had in hand (a hash of it) and who they said they are, beside the key."""
_KEPT_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A key that opens an exam, its policy naming the candidate.

    ``source`` names what it came from, without saying anything of it; ``person`` is who they said they are, None
    where the key knew.
    """

    key: ConfigKey
    source: str = ""
    person: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of an opening in an attempt's folder."""

    root: Path
    token: str
    source: str
    person: Candidate | None


def open_key(text: str, trust: tuple[Path, ...], data_dir: Path, now: datetime) -> ConfigKey:
    """A signed key that names its candidate, by what this machine has on its disk; nobody is asked.

    ``trust`` are lists of issuers besides this machine's own. Raises BadInput with a sentence.
    """
    machine = MachineTrust(trust, data_dir / "trust")
    machine.load()
    key, late = verified(load_key_text(text), machine, now)
    admit(key, late, data_dir)
    return key


def verified(token: str, machine: MachineTrust, now: datetime) -> tuple[ConfigKey, KeyRefused | None]:
    """The key, and why it may only go on with an attempt that it began; None when it is good for any.

    Too late for a new attempt are keys that have expired, and those of whose revocation nothing was heard for long.
    Raises BadInput for all else that speaks against it.
    """
    try:
        return machine.verify(token, now), None
    except KeyRefused as refused:
        try:
            return machine.verify_begun(token, _as_of_its_end(token, now)), refused
        except BadInput:
            raise refused from None


def admit(key: ConfigKey, late: KeyRefused | None, data_dir: Path) -> None:
    """Raises ``late`` when the attempt of this key and candidate was not begun."""
    if late is not None and not is_begun(attempt_root(data_dir, key.policy, key.kid)):
        raise late


def completed(key: ConfigKey, person: Candidate) -> ConfigKey:
    """The key of a whole exam or group, for this candidate. Raises BadInput: not for them, or no such name can be."""
    was = key.policy.candidate
    group = person.group or key.audience.group or was.group
    candidate = replace(was, id=person.id, name=person.name, email=person.email, group=group)
    policy = parse_policy(policy_to_json(replace(key.policy, candidate=candidate)))
    refusal = key.audience.refusal(policy.exam.id, policy.candidate)
    if refusal is not None:
        raise BadInput(f"You can't use this key: {refusal}; ask for the one that is for you.")
    return replace(key, policy=policy)


def _as_of_its_end(token: str, now: datetime) -> datetime:
    """The last second of an expired key by its own word; otherwise now."""
    expires = read_claims_unverified(token).get("exp")
    if not isinstance(expires, int) or isinstance(expires, bool) or now.timestamp() < expires:
        return now
    try:
        return datetime.fromtimestamp(expires, UTC) - timedelta(seconds=1)
    except (ValueError, OverflowError, OSError):
        return now


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


# ---- what is kept


def source_of(carrier: Carrier) -> str:
    """Names what a person has in hand, so that it is known again."""
    return hashlib.sha256(repr(carrier).encode()).hexdigest()


def keep_key(root: Path, opened: Opened) -> None:
    """Raises EvidenceError. The key's name appears once everything is there; that of a begun attempt stays."""
    path = root / KEPT_KEY
    if path.exists() and is_begun(root):
        return
    told = {"source": opened.source, "person": None if opened.person is None else asdict(opened.person)}
    try:
        _write(root / KEPT_OPENING, json.dumps(told))
        _write(path, opened.key.token)
    except OSError as error:
        raise EvidenceError(
            f"The exam can't be prepared in {root} ({error.strerror}); free room on that disk."
        ) from error


def forget_key(root: Path) -> None:
    """Once everything is delivered, the upload token and who the person is have served. Raises OSError."""
    for name in (KEPT_KEY, KEPT_OPENING):
        (root / name).unlink(missing_ok=True)


def interrupted_key(data_dir: Path) -> str | None:
    """The kept key of the newest attempt that was begun and not delivered; None when there is none."""
    return next((str(path) for path in _newest(data_dir) if is_begun(path.parent)), None)


def newest_key(data_dir: Path) -> str | None:
    """The key that was kept last, begun or not: where the client was just started again for it."""
    return next((str(path) for path in _newest(data_dir)), None)


def kept_at(argument: str, data_dir: Path) -> Kept | None:
    """What is kept beside an attempt's key, when the argument is the path of one."""
    path = Path(argument)
    if path.name != KEPT_KEY or path.parent.parent != data_dir / "attempts":
        return None
    return _kept(path)


def kept_of(source: str, data_dir: Path) -> Kept | None:
    """What is kept of the newest opening of the same key file, link, code or session."""
    found = (_kept(path) for path in _newest(data_dir))
    return next((kept for kept in found if kept is not None and kept.source == source), None)


def _newest(data_dir: Path) -> Iterator[Path]:
    found = (data_dir / "attempts").glob(f"*/{KEPT_KEY}")
    return iter(sorted(found, key=lambda path: path.stat().st_mtime, reverse=True))


def _kept(path: Path) -> Kept | None:
    """None when the key can't be read; a damaged file beside it only means that things are asked again."""
    try:
        with path.open(encoding="ascii") as file:
            token = file.read(_KEPT_MAX_BYTES).strip()
    except (OSError, UnicodeDecodeError):
        return None
    source, person = "", None
    try:
        with path.with_name(KEPT_OPENING).open(encoding="utf-8") as file:
            told = json.loads(file.read(_KEPT_MAX_BYTES))
        source = str(told["source"])
        person = None if told["person"] is None else Candidate(**told["person"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Kept(path.parent, token, source, person)


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.tmp")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)
