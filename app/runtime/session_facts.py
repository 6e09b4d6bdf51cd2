"""What a session's manifest entry says of the client, the machine and the policy in force."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Sequence

from app import __version__
from app.core.policy import Policy
from app.core.types import CheckResult, Json
from app.runtime.checks import result_json


def session_body(
    policy: Policy, session: int, checks: Sequence[CheckResult], missing: Sequence[str]
) -> dict[str, Json]:
    """``missing`` are the protections that this machine can't give. The upload token is left out."""
    return {
        "session": session,
        "client": __version__,
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "policy": policy_body(policy),
        "checks": [result_json(result) for result in checks],
        "missing_protections": list(missing),
    }


def policy_body(policy: Policy) -> dict[str, Json]:
    """The policy as recorded: everything but the secret."""
    body = plain(dataclasses.asdict(policy))
    if not isinstance(body, dict):
        raise TypeError("a policy is an object")
    upload = body["upload"]
    if isinstance(upload, dict):
        upload.pop("token", None)
    return body


def plain(value: object) -> Json:
    """JSON of dataclass fields: tuples become lists, keys strings."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")
