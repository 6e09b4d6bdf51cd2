"""The reference backend as a process: wires its services and serves it."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.analysis.identity import FaceVerifier
from app.backend.application import create_app
from app.backend.auth import ensure_admin_key
from app.backend.database import open_once
from app.backend.known_builds import load_known_builds
from app.backend.server import serve
from app.backend.settings import CODE_MISSES_PER_MIN, BackendServices, BackendSettings
from app.core.errors import BadInput
from app.core.ports import KeyDesk
from app.core.types import Json
from app.evidence.report_html import render_html
from app.evidence.submitted import report_of_submitted, verify_submitted
from app.keys.trust import normalised_url
from app.runtime.clock import SystemClock
from app.runtime.key_desk import open_desk
from app.runtime.resources import model_path, resources_dir

VERIFIER_MODELS = ("face_detection_yunet_2023mar_int8bq.onnx", "face_recognition_sface_2021dec_int8bq.onnx")


@dataclass(frozen=True, slots=True)
class HostOptions:
    folder: Path
    database: str | None
    storage: str | None
    host: str
    port: int
    demo: bool
    ready_file: Path | None
    name: str | None = None
    trust: tuple[Path, ...] = ()
    public_url: str = ""
    code_misses_per_min: int = CODE_MISSES_PER_MIN
    known_builds: tuple[Path, ...] = ()


def run_backend(options: HostOptions) -> int:
    """Serves until a signal ends it. Prints the address, and the first API key when it was made just now."""
    if options.storage is not None and not options.storage.startswith("file://"):
        raise BadInput(f"The storage {options.storage} is not supported; use a file:/// address.")
    folder = Path(options.storage.removeprefix("file://")) if options.storage else options.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = BackendSettings(
        data_dir=folder,
        database_url=options.database or "",
        public_url=options.public_url and normalised_url(options.public_url),
        demo_dir=resources_dir() / "demo" if options.demo else None,
        code_misses_per_min=options.code_misses_per_min,
        known_builds=load_known_builds(options.known_builds),
    )
    open_once(settings.database)
    services = backend_services(open_desk(folder, options.name, options.trust))
    wanted = secrets.token_urlsafe(32) if options.ready_file is not None else ""

    def on_ready(port: int) -> None:
        key = ensure_admin_key(settings, services, wanted)  # only now: a start that fails would keep it to itself
        host = f"[{options.host}]" if ":" in options.host else options.host
        url = f"http://{host}:{port}"
        print(f"Serving at {url}", flush=True)
        if options.ready_file is not None:
            _write_ready(options.ready_file, {"url": url, "admin_key": key})
        elif key is not None:
            print(f"First API key, shown only now: {key}", flush=True)

    serve(create_app(settings, services), options.host, options.port, on_ready)
    return 0


def backend_services(keys: KeyDesk) -> BackendServices:
    """Face comparison, where its models are there; reports, manifests and config keys always."""
    yunet, sface = (model_path(name) for name in VERIFIER_MODELS)
    verifier = FaceVerifier(yunet, sface) if yunet.is_file() and sface.is_file() else None
    return BackendServices(
        clock=SystemClock(),
        verify_faces=None if verifier is None else _comparison(verifier),
        render_report=render_html,
        verify_manifest=verify_submitted,
        report_of_manifest=report_of_submitted,
        keys=keys,
    )


def _comparison(verifier: FaceVerifier) -> Callable[[bytes, bytes], Mapping[str, Json]]:
    lock = threading.Lock()

    def compare(reference: bytes, candidate: bytes) -> Mapping[str, Json]:
        with lock:
            return verifier.compare_bytes(reference, candidate).to_json()

    return compare


def _write_ready(path: Path, data: Mapping[str, Json]) -> None:
    """Whole or not at all, and for this user only: it holds a key."""
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(data), encoding="utf-8")
    part.replace(path)
