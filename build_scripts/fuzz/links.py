"""Fuzz target: whatever a person may paste or open, pictures included."""

from __future__ import annotations

from app.keys.carriers import read_carrier, read_link
from app.keys.qr import read_qr
from build_scripts.fuzz.outcome import taken

SEEDS = (
    b"\x00eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJYIn0.AAAA",
    b"\x00ABCD-EFGH-J",
    b"\x01key/eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJYIn0.AAAA",
    b"\x01code/ABCD-EFGH-J?backend=https%3A%2F%2Fproctoring.example.org",
    b"\x01session/0123456789abcdef?backend=https://proctoring.example.org:8443/x",
    b"\x02\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00",
    b"\x02\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
)


def one(data: bytes) -> None:
    """Raises nothing, for any input."""
    kind, rest = data[0] % 3 if data else 0, data[1:]
    text = rest.decode("utf-8", errors="surrogateescape")
    if kind == 0:
        taken(lambda: read_carrier(text))
    elif kind == 1:
        taken(lambda: read_link(f"invigil://{text}"))
    else:
        taken(lambda: read_qr(rest))
