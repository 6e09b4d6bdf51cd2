"""``invigil compare``: are two pictures of the same person?"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.analysis.identity import Comparison


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "compare",
        help="say whether two pictures show the same person",
        description="Compares the faces of two pictures, or of many pairs, on this machine. Exit code 0 when all pairs "
        "were compared, whatever the outcome.",
    )
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help="two pictures")
    parser.add_argument("--pairs", metavar="FILE.csv", help="many pairs: a CSV file with the columns a and b")
    parser.add_argument("--json", action="store_true", help="print one JSON object per pair, in the file's order")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when every pair was compared, whatever the outcome; 1 when pictures of --pairs could not be used."""
    from app.analysis.identity import FaceVerifier
    from app.analysis.native_log import native_log_silenced
    from app.analysis.portraits import PortraitFiles
    from app.runtime.resources import model_path

    if (args.pairs is None and len(args.pictures) != 2) or (args.pairs is not None and args.pictures):
        raise BadInput("Give either two pictures, or --pairs with a CSV file.")
    pairs = [(args.pictures[0], args.pictures[1])] if args.pairs is None else _read_pairs(Path(args.pairs))
    verifier = FaceVerifier(
        model_path("face_detection_yunet_2023mar_int8bq.onnx"),
        model_path("face_recognition_sface_2021dec_int8bq.onnx"),
    )
    failed = False
    with native_log_silenced():
        try:
            verifier.start()
            portraits = PortraitFiles(verifier)
            for a, b in pairs:
                comparison, problems = portraits.compare(Path(a), Path(b))
                if problems and args.pairs is None:
                    raise problems[0]
                for problem in problems:
                    failed = True
                    print(f"invigil: {problem}", file=sys.stderr)
                print(json.dumps(comparison.to_json()) if args.json else _sentence(comparison, a, b), flush=True)
        finally:
            verifier.close()
    return int(failed)


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            rows = csv.DictReader(handle)
            if not {"a", "b"} <= set(rows.fieldnames or ()):
                raise BadInput(f"{path} has no columns a and b; name them in its first line.")
            return [(row["a"] or "", row["b"] or "") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} can't be read as a CSV file ({error}); check the name and its contents.") from error


def _sentence(comparison: Comparison, a: str, b: str) -> str:
    if not comparison.face_detected:
        answer = "not compared: no face"
    else:
        answer = "same person" if comparison.verified else "different persons"
        answer += f" (score {comparison.match_score:.2f}, {comparison.confidence:.0%} sure)"
    notes = f" [{', '.join(comparison.warnings)}]" if comparison.warnings else ""
    return f"{a}  {b}: {answer}{notes}"
