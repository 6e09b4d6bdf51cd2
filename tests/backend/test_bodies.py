"""Request bodies: whatever way they are cut into chunks, they are read the same."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backend.base64_files import decode, decode_bytes
from app.backend.errors import ApiError
from app.backend.files import FileStore, kind_of
from app.backend.json_body import DEPTH_MAX, JsonReader, is_deep
from app.backend.multipart import Form, FormReader
from app.core.types import NS_PER_S

quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    made = FileStore(tmp_path)
    made.start(0)
    return made


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """``data`` in chunks of the given sizes, over and over."""
    at, turn = 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


sizes_of_chunks = st.lists(st.integers(1, 300), min_size=1, max_size=5)


@quick
@given(json_values, sizes_of_chunks, st.booleans())
def test_json_is_read_as_it_was_written(store: FileStore, value: object, sizes: list[int], ascii_only: bool) -> None:
    reader = JsonReader(store, 1_000_000, 1_000_000)
    for chunk in cut(json.dumps(value, ensure_ascii=ascii_only).encode(), sizes):
        reader.feed(chunk)
    assert reader.restored(reader.value()) == value


@quick
@given(st.binary(min_size=1, max_size=30), st.lists(st.integers(500, 70_000), min_size=1, max_size=4))
def test_long_texts_and_files_go_over_the_disk_and_come_back_whole(
    store: FileStore, data: bytes, sizes: list[int]
) -> None:
    data = (data * 100_000)[:99_999]
    text = base64.b64encode(data).decode()
    long_line = 'quote " and \\ and \n' * 5000
    reader = JsonReader(store, 1_000_000, 1_000_000)
    try:
        for chunk in cut(json.dumps({"webcam": text, "manifest": [long_line]}).encode(), sizes):
            reader.feed(chunk)
        value = reader.value()
        assert isinstance(value, dict)
        assert len(json.dumps(value)) < 1000
        assert reader.restored(value["manifest"]) == [long_line]
        file = reader.file(str(value["webcam"]), "webcam", 100_000)
        assert file.path.read_bytes() == data
    finally:
        reader.close()
    assert not list(file.path.parent.iterdir())


def test_a_client_cannot_pass_its_own_text_off_as_a_file_on_disk(store: FileStore) -> None:
    reader = JsonReader(store, 1_000_000, 1_000_000)
    reader.feed(b'{"webcam": "spill-0"}')
    with pytest.raises(ApiError):
        reader.file("spill-0", "webcam", 1000)
    reader.close()


@pytest.mark.parametrize("body", [b'{"a": "', b'{"a": "' + b"x" * 70_000, b"[1, 2", b""])
def test_json_that_ends_too_early_is_refused(store: FileStore, body: bytes) -> None:
    reader = JsonReader(store, 1_000_000, 1_000_000)
    reader.feed(body)
    with pytest.raises(ApiError):
        reader.value()
    reader.close()


def test_many_small_values_do_not_grow_beyond_the_limit(store: FileStore) -> None:
    reader = JsonReader(store, 10_000, 10_000)
    reader.feed(b"[" + b"1," * 10_000 + b"1]")
    with pytest.raises(ApiError, match="400"):
        reader.value()


@quick
@given(
    st.binary(max_size=2000),
    sizes_of_chunks,
    st.sampled_from(["plain", "data url", "escaped", "lines", "unpadded", "html-safe"]),
)
def test_base64_is_decoded_in_all_its_spellings(store: FileStore, data: bytes, sizes: list[int], spelling: str) -> None:
    text = base64.b64encode(data).decode()
    text = {
        "plain": text,
        "data url": "data:video/webm;codecs=vp9;base64," + text,
        "escaped": "data:video\\/webm;base64," + text.replace("/", "\\/"),
        "lines": re.sub("(.{76})", "\\1\\\\r\\\\n", text) + "\n",
        "unpadded": text.rstrip("="),
        "html-safe": text.replace("=", "\\u003d").replace("+", "\\u002B"),
    }[spelling]
    part = store.new_part()
    assert decode(cut(text.encode(), sizes), part, 5000)
    part.close()
    assert part.path.read_bytes() == data
    part.discard()


@pytest.mark.parametrize("text", ["?", "AAAA!", "A", "data:text/plain,hello", "тест"])
def test_what_is_not_base64_is_refused(store: FileStore, text: str) -> None:
    part = store.new_part()
    with pytest.raises(ValueError, match="base64"):
        decode([text.encode()], part, 100)
    part.discard()
    with pytest.raises(ValueError, match="base64"):
        decode_bytes(text, 100)


def test_base64_over_the_limit_is_noticed(store: FileStore) -> None:
    part = store.new_part()
    assert not decode([base64.b64encode(b"x" * 101)], part, 100)
    part.discard()
    with pytest.raises(OverflowError):
        decode_bytes(base64.b64encode(b"x" * 101).decode(), 100)


@contextmanager
def form(store: FileStore, body: bytes, sizes: list[int]) -> Iterator[Form]:
    reader = FormReader("multipart/form-data; boundary=b", store, frozenset({"file"}), 5000, 5000)
    try:
        for chunk in cut(body, sizes):
            reader.feed(chunk)
        yield reader.finish()
    finally:
        reader.close()


def part_of(name: str, data: bytes, more: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"


@quick
@given(st.binary(max_size=2000), st.text(max_size=50), sizes_of_chunks)
def test_a_form_is_read_as_it_was_sent(store: FileStore, data: bytes, text: str, sizes: list[int]) -> None:
    data, text = data.replace(b"--b", b"--c"), text.replace("--b", "--c")
    body = part_of("text", text.encode()) + part_of("file", data, '; filename="../x"') + b"--b--\r\n"
    with form(store, body, sizes) as read:
        assert read.texts == {"text": text}
        assert read.files["file"].sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "body",
    [
        part_of("file", b"x" * 5001, '; filename="x"'),
        part_of("text", b"x" * 5001),
        part_of("a", b"x" * 3000) + part_of("b", b"x" * 3000),
        part_of("twice", b"1") + part_of("twice", b"2"),
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n",
        b"--b\r\nX: " + b"y" * 5000 + b"\r\n\r\nx\r\n",
        b"".join(part_of(f"n{i}", b"") for i in range(101)),
        b"no form at all",
    ],
)
def test_a_form_that_is_too_much_or_malformed_is_refused(store: FileStore, tmp_path: Path, body: bytes) -> None:
    with pytest.raises(ApiError), form(store, body + b"--b--\r\n", [1000]):
        pass
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_needs_its_boundary(store: FileStore, kind: str) -> None:
    with pytest.raises(ApiError):
        FormReader(kind, store, frozenset(), 10, 10)


def test_a_stored_file_is_found_by_its_content_and_is_never_half_there(store: FileStore, tmp_path: Path) -> None:
    part = store.new_part()
    part.write(b"RIFF....WAVE")
    assert not list((tmp_path / "files").iterdir())
    kept = part.keep()
    assert store.path(kept.sha256).read_bytes() == b"RIFF....WAVE"
    assert (kept.format, kept.mime, kept.size_bytes) == ("wav", "audio/wav", 12)
    assert store.put(b"RIFF....WAVE") == kept
    part.discard()
    assert store.path(kept.sha256).is_file()


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_hashes_are_names_of_files(store: FileStore, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        store.path(name)


def test_parts_that_a_crash_left_are_removed_after_a_day(store: FileStore) -> None:
    part = store.new_part()
    part.close()
    written_ns = part.path.stat().st_mtime_ns
    store.start(written_ns + 3600 * NS_PER_S)
    assert part.path.exists()
    store.start(written_ns + 25 * 3600 * NS_PER_S)
    assert not part.path.exists()


def test_types_are_told_from_the_content() -> None:
    assert kind_of(b"<script>") == ("bin", "application/octet-stream")
    assert kind_of(b"\x00\x00\x00\x18ftypmp42")[0] == "mp4"


def levels_of(value: object) -> int:
    if not isinstance(value, (list, dict)):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((levels_of(one) for one in inner), default=0)


@quick
@given(json_values, st.integers(0, 110), st.text(alphabet='[]{}"\\a', max_size=30))
def test_depth_is_told_whatever_the_texts_inside_are(value: object, around: int, text: str) -> None:
    deep: object = [value, text]
    for _ in range(around):
        deep = {text: deep}
    assert is_deep(json.dumps(deep).encode()) == (levels_of(deep) > DEPTH_MAX)


@pytest.mark.parametrize("part", [b'"', b'\\"', b'"\\', b"[", b"{}", b'["'])
def test_depth_is_told_in_time_for_what_is_no_json(part: bytes) -> None:
    start = time.perf_counter()
    is_deep(b"[" * (DEPTH_MAX + 1) + b'"' + part * (2_000_000 // len(part)))
    assert time.perf_counter() - start < 5
