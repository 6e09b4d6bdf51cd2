"""``invigil key``: makes issuers, issues config keys, shows, verifies and hands them out."""

from __future__ import annotations

import argparse
import importlib

ACTIONS = (
    "new_issuer",
    "issue",
    "inspect",
    "verify",
    "diff",
    "revoke",
    "push",
    "qr",
    "import_settings",
    "import_seb",
    "config_key",
    "edit",
    "preset",
    "unlock_password",
    "schema",
)
"""Modules of this package; each has ``add_parser(sub)`` and loads what is heavy only when it runs."""


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "key",
        help="make issuers, and issue, inspect, verify, compare and revoke config keys",
        description="Config keys carry the policy of one exam, signed by an issuer that the client "
        "trusts. Their form: docs/config-key.md; policies: docs/policy.md.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name in ACTIONS:
        importlib.import_module(f"app.cli.key.{name}").add_parser(actions)
