""".seb files that are made to crash, hang or eat the memory of whoever opens them: always one sentence."""

from __future__ import annotations

import functools
import gzip
import itertools
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from build_scripts.fuzz import seb
from tests.fakes.seb_files import HEAD, exam_seb, plain_seb, plist

LIMITED = """
import resource, sys
from app.keys.seb import config_key, read_settings
from app.keys.seb.mapping import import_settings
from app.core.errors import BadInput
import cryptography.hazmat.primitives.ciphers, xml.parsers.expat
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 300 * 1024 * 1024,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
try:
    settings = read_settings(open(sys.argv[1], "rb").read(), "password")
    config_key(settings), import_settings(settings)
except BadInput as refused:
    print(refused)
"""


@functools.cache
def bomb(megabytes: int = 400) -> bytes:
    """More spaces than there is memory for, packed to a thousandth."""
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(b" " * 1_048_576) for _ in range(megabytes)) + packer.flush()


def laughs() -> bytes:
    names = [f"l{number}" for number in range(30)]
    lines = [f'<!ENTITY {name} "{f"&{last};" * 10}">' for last, name in itertools.pairwise(names)]
    return f'<!DOCTYPE plist [<!ENTITY l0 "lol">{"".join(lines)}]><plist><dict><key>&l29;</key><true/></dict></plist>'.encode()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "decompression bomb": bomb,
    "decompression bomb inside": lambda: gzip.compress(b"plnd" + bomb()),
    "decompression bomb with a password": lambda: exam_seb(bomb(), "password"),
    "bomb of members": lambda: gzip.compress(b"") * 500_000,
    "billion laughs": laughs,
    "deep nesting": lambda: f"{HEAD}<dict><key>a</key>{'<array>' * 1_000_000}".encode(),
    "deep nesting of dictionaries": lambda: HEAD.encode() + b"<dict><key>a</key>" * 500_000,
    "unknown elements nested": lambda: HEAD.encode() + b"<x>" * 3_000_000,
    "huge whole number": lambda: plist(f"<key>a</key><integer>{'9' * 10_000_000}</integer>"),
    "huge real": lambda: plist(f"<key>a</key><real>{'9' * 10_000_000}e{'9' * 1_000_000}</real>"),
    "many small elements": lambda: plist(f"<key>a</key><array>{'<dict/>' * 2_000_000}</array>"),
    "many keys twice": lambda: plist("<key>a</key><true/>" * 500_000),
    "endless comment": lambda: HEAD.encode() + b"<!--" + b"-" * 15_000_000,
    "endless tag": lambda: b"<" * 15_000_000,
    "endless entity": lambda: plist(f"<key>a</key><string>{'&' * 10_000_000}</string>"),
    "half of a character": lambda: plist("").replace(b"</dict>", b"\xf0\x9f</dict>"),
}
MERELY_LARGE: dict[str, Callable[[], bytes]] = {
    "many attributes": lambda: (
        b"<plist " + b" ".join(b"a%d='v'" % number for number in range(500_000)) + b"><dict/></plist>"
    ),
    "huge key": lambda: plist(f"<key>{'Kä' * 5_000_000}</key><true/>"),
    "many keys": lambda: plist("".join(f"<key>{number}{'Éa' * 25}</key><true/>" for number in range(99_990))),
    "large text": lambda: plist(f"<key>a</key><string>{'x' * 15_000_000}</string>"),
    "many entities": lambda: plist(f"<key>a</key><string>{'&amp;' * 3_000_000}</string>"),
    "large data": lambda: plist(f"<key>a</key><data>{'AAAA' * 3_000_000}</data>"),
    "as many elements as there may be": lambda: plist(f"<key>a</key><array>{'<true/>' * 199_990}</array>"),
}


def outcome(data: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """Reads the file in a process with 300 MB of memory and 20 s of computing more than it takes to start."""
    file = folder / "exam.seb"
    file.write_bytes(data)
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(file)], capture_output=True, text=True, timeout=110, check=False
    )


@pytest.mark.skipif(sys.platform != "linux", reason="resource limits as Linux has them")
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_with_one_sentence_within_bounds(data: Callable[[], bytes], tmp_path: Path) -> None:
    done = outcome(data(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.strip()
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 400


@pytest.mark.skipif(sys.platform != "linux", reason="resource limits as Linux has them")
@pytest.mark.parametrize("data", MERELY_LARGE.values(), ids=MERELY_LARGE)
def test_large_files_are_read_within_bounds(data: Callable[[], bytes], tmp_path: Path) -> None:
    done = outcome(data(), tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


WORDS = st.sampled_from(
    [b"<plist>", b"</plist>", b"<dict>", b"</dict>", b"<dict/>", b"<array>", b"</array>", b"<key>", b"</key>", b"<true/>",
     b"<string>", b"</string>", b"<integer>", b"</integer>", b"<real>", b"</real>", b"<data>", b"</data>", b"<date>",
     b"</date>", b"1", b"-1e9", b"a", b" ", b"&amp;", b"&#0;", b"&#xD800;", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"\0",
     b"<?xml version='1.0' encoding='utf-7'?>", b"<!DOCTYPE plist>", b"\xff", b"startURL", b"URLFilterRules"]
)  # fmt: skip
PACKED = st.sampled_from([lambda data: data, gzip.compress, plain_seb, lambda data: exam_seb(data, "password")])


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"plnd", b"pswd\x03\x01", b"pwcc\x02\x01", b"pkhs", b"\x1f\x8b", b"bplist00"]),
)
def test_any_bytes_are_read_or_refused_with_a_sentence(data: bytes, prefix: bytes) -> None:
    seb.one(prefix + data)


@given(st.lists(WORDS, max_size=40).map(b"".join), PACKED)
@example(b"<plist><dict></dict></plist>", plain_seb)
def test_any_elements_are_read_or_refused_with_a_sentence(data: bytes, pack: object) -> None:
    assert callable(pack)
    seb.one(pack(data))
    seb.one(pack(b"<plist><dict><key>a</key>" + data + b"</dict></plist>"))


@given(st.randoms(), st.integers(1, 5))
def test_damaged_files_are_read_or_refused_with_a_sentence(order: random.Random, times: int) -> None:
    for whole in (
        plain_seb(plist("<key>a</key><real>0.5</real>")),
        plist("<key>a</key><date>2026-12-01T09:00:00Z</date>"),
    ):
        damaged = bytearray(whole)
        for _ in range(times):
            place = order.randrange(len(damaged))
            damaged[place : place + order.randrange(3)] = order.randbytes(order.randrange(3))
        seb.one(bytes(damaged))
