"""``invigil bench keys``: what a config key costs beyond its signature, and what the keys package costs a start."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app import __version__
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.policy_model import parse_policy
from app.keys.tokens import issue, read_key
from app.runtime.benches.figures import Figure, interleaved_medians

NAME = "keys"
ABOUT = "verify and compile a key, against the bare signature check; and the import of the keys package"
RATIO_AIM = 10.0
IMPORT_AIM_MS = 50.0
ROUNDS = 400
STARTS = 15
_MODULES = ("tokens", "protected", "tries", "trust", "trust_store", "revocation", "jwks", "carriers")
_IMPORT = "; ".join(f"import app.keys.{name}" for name in _MODULES)
_FIRST_KEY = "import app.keys.policy_model, joserfc.jws"
_PROGRAM = "import app.cli.main; app.cli.main.build_parser()"
_ROOT = Path(__file__).resolve().parents[3]

_TYPICAL: dict[str, Json] = {
    "exam": {
        "id": "algebra-1",
        "title": "Algebra I",
        "start_url": "https://exams.example.org/algebra",
        "duration_min": 90,
        "instructions": "Answer all questions. A calculator is on the page. " * 8,
    },
    "candidate": {"id": "s1234", "name": "Sample Candidate", "email": "s1234@example.org"},
    "browser": {"allow": ["exams.example.org/*", "cdn.example.org/*"], "block": ["*.example.org/admin/*"]},
    "lockdown": {"denied_processes": ["anydesk", "teamviewer", "obs", "discord"]},
    "detection": {
        "sensitivity": "high",
        "rules": {"5001": {"dwell_s": 3}, "5101": {"dwell_s": 4, "severity": 0.4}, "5106": {"enabled": False}},
    },
    "privacy": {"institution": "Example University", "contact": "exams@example.org", "retention_days": 60},
    "score": {"weights": {"5001": 6, "5002": 20}},
    "accessibility": {"extra_time_percent": 25},
    "upload": {"endpoint": "https://proctoring.example.org", "token": "t" * 43, "exam_id": "algebra-1"},
}


def run(seconds: float | None = None) -> list[Figure]:
    """All figures, in about ten seconds: nothing here is measured over a span."""
    del seconds
    return [*_reading(), *_starting()]


def _reading() -> list[Figure]:
    """The same bytes twice: from text to policy, and the library's signature check alone."""
    issuer, now = Issuer.create("Example University"), datetime.now(UTC)
    token = issue(
        _TYPICAL, issuer, now=now, not_before=now, expires=now + timedelta(hours=2), serial=1, min_client="0.1.0"
    )
    trusted = TrustedIssuers.of([issuer.public()])
    public = Ed25519PublicKey.from_public_bytes(_decoded(str(issuer.public().jwk()["x"])))
    signed, _, signature = token.rpartition(".")
    message, raw = signed.encode(), _decoded(signature)
    calls: tuple[Callable[[], object], ...] = (
        lambda: read_key(token, trusted, now, __version__),
        lambda: parse_policy(_TYPICAL),
        lambda: public.verify(raw, message),
    )
    interleaved_medians(calls, ROUNDS // 10)
    read, compiled, bare = interleaved_medians(calls, ROUNDS)
    size = f"{len(token)} bytes"
    return [
        Figure(f"verify and compile a key of {size}", read, "µs", bare, RATIO_AIM, aims_at_ratio=True),
        Figure("of this, compile the policy", compiled, "µs", bare),
    ]


def _starting() -> list[Figure]:
    """What the import adds to the program's own start, and to a bare interpreter, each in fresh ones."""
    own, added = _imports(_PROGRAM, _IMPORT)
    nothing, bare = _imports("pass", _IMPORT)
    _, ready = _imports("pass", f"{_IMPORT}; {_FIRST_KEY}")
    return [
        Figure("import of the keys package, beyond the program's own start", added, "ms", own, IMPORT_AIM_MS),
        Figure("the same in a bare interpreter, standard library included", bare, "ms", nothing),
        Figure("the same with all that the first key loads", ready, "ms", nothing),
    ]


def _imports(before: str, code: str) -> tuple[float, float]:
    """Processor time in ms of a start with ``before``, and of ``code`` after it; the least of several interpreters.

    Other programs only add to it, by whatever they take of the processor's caches.
    """
    timed = f"{before}; import time; a = time.process_time(); {code}; print(a, time.process_time() - a)"
    times = []
    for _ in range(STARTS):
        words = [sys.executable, "-c", timed]
        told = subprocess.run(words, check=True, cwd=_ROOT, stdin=subprocess.DEVNULL, capture_output=True).stdout
        times.append([float(part) * 1000 for part in told.split()])
    return min(start for start, _ in times), min(taken for _, taken in times)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
