"""``invigil serve``: the reference backend."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.extras import require_backend


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "serve",
        help="run the reference backend",
        description="Runs the reference backend until it is interrupted. The first start prints the admin key, once. "
        "Its interface: docs/backend-api.md.",
    )
    parser.add_argument(
        "--dir", default="invigil-backend", metavar="DIR", help="database and files (default: invigil-backend, here)"
    )
    parser.add_argument("--database", metavar="URL", help="an SQLAlchemy URL (default: SQLite in --dir)")
    parser.add_argument("--storage", metavar="URL", help="a file:/// address of a folder (default: --dir)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8440, help="default: 8440; 0 takes a free one")
    parser.add_argument("--demo", action="store_true", help="also serve the sample exam under /demo/exam/")
    parser.add_argument("--ready-file", metavar="FILE", help="write address and admin key there once it serves")
    parser.add_argument(
        "--public-url", default="", metavar="URL", help="the address in links, where it is not the one that is asked"
    )
    parser.add_argument(
        "--name", help="who issues the keys that this backend makes, for its first start (default: Invigil backend)"
    )
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a list of issuers whose config keys are kept here; may be repeated",
    )
    parser.add_argument(
        "--known-builds",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="builds of the client that are published: build.json of a release, or an array of such; may be repeated",
    )
    parser.add_argument(
        "--code-misses",
        type=int,
        default=10,
        metavar="N",
        help="wrong short codes a minute from one address (default: 10; 0: no limit); behind a proxy all are one address",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    require_backend()
    from app.runtime.backend_host import HostOptions, run_backend

    return run_backend(
        HostOptions(
            folder=Path(args.dir),
            database=args.database,
            storage=args.storage,
            host=args.host,
            port=args.port,
            demo=args.demo,
            ready_file=Path(args.ready_file) if args.ready_file else None,
            name=args.name,
            trust=tuple(args.trust),
            public_url=args.public_url,
            code_misses_per_min=max(0, args.code_misses),
            known_builds=tuple(args.known_builds),
        )
    )
