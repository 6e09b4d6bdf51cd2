"""What a session's manifest entry says of the client, the machine and the policy in force."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence

from app import __version__
from app.core.checks import CheckResult
from app.core.policy import Policy
from app.core.types import Json
from app.keys.settings import SECRETS
from app.keys.tokens import ConfigKey
from app.runtime.build import own_build
from app.runtime.checks import result_json


def session_body(
    policy: Policy,
    session: int,
    checks: Sequence[CheckResult],
    missing: Sequence[str],
    key: Mapping[str, Json],
) -> dict[str, Json]:
    """``missing`` are the protections that this machine can't give. Secrets of the policy are left out.

    ``build`` says which program wrote this; a changed one can write what it likes. Reads files: not on the UI thread.

    ``key`` says whose key it was (``key_facts``): a reviewer sees when it was not the institution's.
    """
    return {
        "session": session,
        "client": __version__,
        "build": own_build().to_json(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "key": dict(key),
        "policy": policy_body(policy),
        "checks": [result_json(result) for result in checks],
        "missing_protections": list(missing),
    }


def key_facts(key: ConfigKey) -> dict[str, Json]:
    return {"issuer": key.issuer_name, "kid": key.kid, "id": key.key_id, "serial": key.serial}


def policy_body(policy: Policy) -> dict[str, Json]:
    """The policy as recorded: everything but the secrets, of which a person could guess or use what they hold."""
    body = plain(dataclasses.asdict(policy))
    if not isinstance(body, dict):
        raise TypeError("a policy is an object")
    for path in SECRETS:
        group, _, name = path.partition(".")
        part = body[group]
        if isinstance(part, dict):
            part.pop(name, None)
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
