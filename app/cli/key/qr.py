"""``invigil key qr``: a key, or the link to it, as a picture to print or show."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import BadInput

if TYPE_CHECKING:
    import segno


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "qr",
        help="draw a key, or the link to it, as a QR code",
        description="Writes a QR code that 'invigil take PICTURE' and the start window read. It holds the key itself "
        "where that fits (up to 2953 characters), otherwise the link given with --link: 'key push' stores a key at a "
        "backend and prints such a link.",
    )
    parser.add_argument("key", metavar="KEY", help="a key file, an invigil:// link or the key itself")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="picture to write: .png or .svg")
    parser.add_argument(
        "--link", metavar="LINK", help="draw this instead where the key is too long: invigil://code/... or https://..."
    )
    parser.add_argument("--json", action="store_true", help="print what was drawn as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the picture. A signed key is drawn as it is: whoever photographs it has it."""
    from app.keys.issuers import write_new
    from app.keys.qr import qr_picture

    out: Path = args.out
    kind = out.suffix.lower()
    if kind not in (".png", ".svg"):
        raise BadInput(f"{out} can't be written: the picture's name has to end in .png or .svg.")
    carries, code = _code(args.key, args.link)
    mode = 0o600 if carries == "key" else 0o644
    write_new(out, qr_picture(code, "png" if kind == ".png" else "svg"), mode=mode)
    side = code.symbol_size(scale=1, border=0)[0]
    if args.json:
        print(json.dumps({"file": str(out), "carries": carries, "modules": side}, ensure_ascii=False))
    else:
        print(f"{out}: the {carries}, {side} by {side} modules")
    return 0


def _code(key: str, link: str | None) -> tuple[str, segno.QRCode]:
    """What the picture holds (``key`` or ``link``), and the code."""
    from app.keys.carriers import SCHEME, KeyText, read_carrier
    from app.keys.qr import QR_MAX_BYTES, make_qr

    carrier = read_carrier(key)
    if not isinstance(carrier, KeyText):
        raise BadInput("Only a key can be drawn, and this is a code or a session's link; give the key's file.")
    code = make_qr(f"{SCHEME}key/{carrier.token}")
    if code is not None:
        return "key", code
    if link is None:
        raise BadInput(
            f"The key is {len(carrier.token)} characters long, and a QR code holds {QR_MAX_BYTES} with its link; push "
            "the key to a backend with 'invigil key push', and give the link that it prints with --link."
        )
    code = make_qr(_checked(link))
    if code is None:
        raise BadInput(
            f"The link is too long for a QR code, which holds {QR_MAX_BYTES} characters; give a shorter one."
        )
    return "link", code


def _checked(link: str) -> str:
    from app.keys.carriers import SCHEME, read_link

    if link.isascii() and link.isprintable() and " " not in link:
        if link.lower().startswith("https://"):
            return link
        if link.lower().startswith(SCHEME):
            read_link(link)
            return link
    raise BadInput(f"--link has to begin with {SCHEME}code/ or https://; 'invigil key push' prints such a link.")
