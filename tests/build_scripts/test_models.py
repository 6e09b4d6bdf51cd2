"""Models come out of packages, and only with the right bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from build_scripts.models import Carrier, Fetcher, FetchError, Wanted, fetch_missing, is_present, read_list


def _wanted(data: bytes, *carriers: Carrier) -> Wanted:
    return Wanted("models/inner.bin", hashlib.sha256(data).hexdigest(), "MIT", "https://example.org", carriers)


def _archive(resources: Path, name: str, data: bytes) -> Carrier:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inner", data)
    path = resources / "models" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return Carrier(kind="member", file=f"models/{name}", member="inner")


def test_every_listed_file_has_hash_licence_source_and_carrier() -> None:
    wanted = read_list()
    for entry in wanted:
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.licence
        assert entry.source.startswith("https://")
        assert entry.carriers
        for carrier in entry.carriers:
            assert carrier.member
            assert (carrier.package and carrier.version) or carrier.kind == "member"
    assert len({entry.file for entry in wanted}) == len(wanted)


def test_a_file_inside_another_comes_after_it_in_the_list() -> None:
    names = [entry.file for entry in read_list()]
    for number, entry in enumerate(read_list()):
        for carrier in entry.carriers:
            assert carrier.kind != "member" or carrier.file in names[:number]


def test_the_right_bytes_are_put_in_place(tmp_path: Path) -> None:
    wanted = _wanted(b"right", _archive(tmp_path, "outer.task", b"right"))
    assert fetch_missing(tmp_path, [wanted]) == ["models/inner.bin"]
    assert (tmp_path / "models/inner.bin").read_bytes() == b"right"
    assert fetch_missing(tmp_path, [wanted]) == []


def test_other_bytes_are_refused_with_a_sentence_and_leave_nothing(tmp_path: Path) -> None:
    wanted = _wanted(b"right", _archive(tmp_path, "outer.task", b"wrong"))
    with pytest.raises(FetchError, match=r"models/inner\.bin could not be fetched .*other bytes.*https://example\.org"):
        fetch_missing(tmp_path, [wanted])
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["outer.task"]


def test_the_next_carrier_is_tried_when_one_fails(tmp_path: Path) -> None:
    gone = Carrier(kind="member", file="models/gone.task", member="inner")
    wrong, right = _archive(tmp_path, "a.task", b"wrong"), _archive(tmp_path, "b.task", b"right")
    wanted = _wanted(b"right", gone, wrong, right)
    with Fetcher(tmp_path) as fetcher:
        fetcher.fetch(wanted)
    assert is_present(wanted, tmp_path)


def test_a_file_with_one_flipped_byte_is_not_present(tmp_path: Path) -> None:
    wanted = _wanted(b"right", _archive(tmp_path, "outer.task", b"right"))
    fetch_missing(tmp_path, [wanted])
    (tmp_path / "models/inner.bin").write_bytes(b"rigHt")
    assert not is_present(wanted, tmp_path)


def test_a_package_that_no_index_has_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    absent = Carrier(kind="pypi", package="invigil-no-such-package", version="1", member="x")
    with pytest.raises(FetchError, match="invigil-no-such-package"):
        fetch_missing(tmp_path, [_wanted(b"right", absent)])
