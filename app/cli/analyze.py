"""``invigil analyze``: the live detectors and rules over recorded images, video and audio."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.types import Json


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "analyze",
        help="run detection and rules over images, video and audio files",
        description="Runs the detectors and rules of an exam over recorded files, on this machine. Exit code 1 when a "
        "file could not be used; the others are analysed all the same.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="images, videos (with sound) or audio")
    parser.add_argument(
        "--reference",
        metavar="IMAGE",
        help="a portrait of the person who should be seen (default: who a video's first seconds show)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON lines, the summary last per file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 1 when a file could not be used, or only in parts; the others are analysed all the same."""
    from app.analysis.faces import FaceAnalyzer
    from app.analysis.identity import FaceVerifier
    from app.analysis.native_log import native_log_silenced
    from app.analysis.objects import ObjectFinder
    from app.analysis.offline import Detectors, analyze_file
    from app.core.errors import BadInput
    from app.runtime.resources import model_path

    yunet = model_path("face_detection_yunet_2023mar_int8bq.onnx")
    detectors = Detectors(
        FaceAnalyzer(model_path("face_landmarker.task"), yunet),
        ObjectFinder(model_path("efficientdet_lite2.tflite")),
        FaceVerifier(yunet, model_path("face_recognition_sface_2021dec_int8bq.onnx")),
    )
    failed = False
    with native_log_silenced():
        try:
            detectors.start()
            if args.reference is not None:
                detectors.enrol(Path(args.reference))
            for name in args.files:
                lines: list[Mapping[str, Json]] = []
                try:
                    analyze_file(Path(name), name, detectors, _print_json if args.json else lines.append)
                except BadInput as error:
                    failed = True
                    print(f"invigil: {error}", file=sys.stderr)
                if lines:
                    _print_table(name, lines)
                sys.stdout.flush()
        finally:
            detectors.close()
    return int(failed)


def _print_json(line: Mapping[str, Json]) -> None:
    print(json.dumps(line))


def _print_table(name: str, lines: list[Mapping[str, Json]]) -> None:
    from app.core.codes import code

    summary = next((line["summary"] for line in lines if "summary" in line), None)
    if not isinstance(summary, dict):
        return
    print(f"{name}: {summary['kind']}")
    if summary["kind"] != "audio":
        objects = summary["objects"]
        print(f"  faces     {summary['face_count']}")
        print(f"  objects   {', '.join(str(o) for o in objects) if isinstance(objects, list) and objects else '-'}")
    if any("speech" in line for line in lines):
        print(f"  speech    {float(str(summary['speech_ratio'])):.0%} of the time")
    violations = summary["violations"]
    if not isinstance(violations, list) or not violations:
        print("  no violations\n")
        return
    print(f"  {'code':<6}{'what':<24}{'from':>9}{'to':>9}{'severity':>10}")
    for v in violations:
        if isinstance(v, dict):
            start, end = (f"{float(str(v[k])) / 1000:.1f} s" for k in ("start_ms", "end_ms"))
            what = code(int(str(v["code"]))).name
            print(f"  {v['code']!s:<6}{what:<24}{start:>9}{end:>9}{float(str(v['severity'])):>10.2f}")
    print()
