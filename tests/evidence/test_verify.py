"""Verification is offline, finds one changed byte anywhere, and names the first bad entry."""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.cli import evidence as command
from app.core.errors import BadInput
from app.core.manifest import Seal, seal_from_json, seal_to_json
from app.core.types import EntryKind, Gap, GapCause, Stream
from app.evidence.attempt_key import AttemptKey
from app.evidence.bundle import export_bundle, open_source
from app.evidence.seal import sign
from app.evidence.store import SqliteEvidenceStore
from app.evidence.verify import Verification, verify
from tests.fakes.evidence import after, open_store, record_audio, record_video


def record_attempt(root: Path) -> SqliteEvidenceStore:
    """A short attempt with every kind of entry; the store is still open."""
    store = open_store(root)
    store.append(EntryKind.ATTEMPT, {"exam": "algebra", "candidate": "Zoë"}, after(0))
    store.append(EntryKind.SESSION, {"session": 1}, after(0))
    record_video(store, 3)
    record_audio(store, 1)
    store.keep(after(0.5).utc_ns, after(1.5).utc_ns)
    store.append(EntryKind.VIOLATION, {"code": 5001, "severity": 0.5, "detail": "\x1b[2J"}, after(1))
    store.add_file(EntryKind.SNAPSHOT, Stream.CAMERA, b"picture", ".jpg", "image/jpeg", after(1), {"violation": 1})
    store.add_gap(Gap(Stream.SCREEN, after(1), after(2), GapCause.DEVICE_LOST))
    store.discard_unkept(after(60).utc_ns)
    return store


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original") / "evidence"
    store = record_attempt(root)
    store.seal(AttemptKey.load_or_create(root).private_key)
    store.close()
    return root


@pytest.fixture
def sealed(original: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(original, tmp_path / "evidence"))


def what(result: Verification) -> list[str]:
    return [str(problem) for problem in result.problems]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def media_of(root: Path, kind: EntryKind) -> tuple[int, Path]:
    """Number and file of the first entry of a kind whose file is there."""
    for line in (root / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] == kind.value:
            for path in (root / "files").glob(f"{entry['body']['sha256']}.*"):
                return entry["seq"], path
    raise AssertionError(f"no {kind}")


def test_untouched_evidence_is_verified_with_all_its_media(sealed: Path) -> None:
    result = verify(sealed, AttemptKey.load_or_create(sealed).public_key_hex)
    assert what(result) == []
    assert (result.ok, result.sealed, result.signature_ok) == (True, True, True)
    assert (result.entries, result.media_checked, result.media_missing) == (11, 4, 0)


def test_verification_needs_no_more_than_manifest_seal_and_files(sealed: Path) -> None:
    for path in (*sealed.glob("journal.*"), *sealed.glob("owner.*"), *sealed.glob("reserve"), sealed / "attempt.key"):
        path.unlink()
    assert verify(sealed).ok


def test_verification_writes_nothing(sealed: Path) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in sealed.rglob("*"))
    verify(sealed)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in sealed.rglob("*")) == before


@pytest.mark.parametrize("seq", [1, 3, 7, 11])
def test_one_flipped_byte_in_the_manifest_is_found_and_its_entry_named(sealed: Path, seq: int) -> None:
    manifest = sealed / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    begin = sum(len(line) for line in lines[: seq - 1])
    whole = manifest.read_bytes()
    for place in range(begin, begin + len(lines[seq - 1]) - 1, 7):
        flip(manifest, place)
        result = verify(sealed)
        assert not result.ok
        assert result.problems[0].seq == seq
        manifest.write_bytes(whole)


def test_a_removed_line_is_found(sealed: Path) -> None:
    manifest = sealed / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(lines[:4] + lines[5:]))
    assert "entry is missing" in what(verify(sealed))[0]
    assert verify(sealed).problems[0].seq == 5
    manifest.write_text("".join(lines[:-1]))
    assert verify(sealed).problems[0].seq == 11


@pytest.mark.parametrize("kind", [EntryKind.SEGMENT, EntryKind.SNAPSHOT])
@pytest.mark.parametrize("place", [0, 3, -1])
def test_one_flipped_byte_in_media_is_found_and_its_entry_named(sealed: Path, kind: EntryKind, place: int) -> None:
    seq, path = media_of(sealed, kind)
    flip(path, place)
    result = verify(sealed)
    assert [problem.seq for problem in result.problems] == [seq]
    assert what(result)[0] == (
        f"Entry {seq} ({result.problems[0].entry}): file {path.name} does not have the recorded SHA-256"
    )


def test_the_sentence_says_stream_and_time(sealed: Path) -> None:
    _, path = media_of(sealed, EntryKind.SEGMENT)
    flip(path, 0)
    assert what(verify(sealed))[0].startswith("Entry 3 (segment camera, 14:13:20): file ")


@pytest.mark.parametrize("longer", [True, False])
def test_media_of_another_length_is_found(sealed: Path, longer: bool) -> None:
    _, path = media_of(sealed, EntryKind.SEGMENT)
    data = path.read_bytes()
    path.write_bytes(data + b"\0" if longer else data[:-1])
    assert "does not have the recorded SHA-256" in what(verify(sealed))[0]


def test_missing_media_is_found(sealed: Path) -> None:
    seq, path = media_of(sealed, EntryKind.SEGMENT)
    path.unlink()
    assert what(verify(sealed)) == [f"Entry {seq} (segment camera, 14:13:20): file {path.stem} is missing"]


def test_every_flipped_byte_in_the_seal_is_found(sealed: Path) -> None:
    seal = sealed / "seal.json"
    whole = seal.read_bytes()
    for place in range(len(whole) - 1):
        flip(seal, place)
        result = verify(sealed)
        assert not result.ok, f"byte {place}"
        seal.write_bytes(whole)


def test_a_seal_by_another_key_is_found(sealed: Path) -> None:
    text = (sealed / "seal.json").read_text().rstrip()
    head = seal_from_json(text).head
    forged = sign(Ed25519PrivateKey.generate(), head)
    (sealed / "seal.json").write_text(seal_to_json(forged))
    result = verify(sealed)
    assert what(result) == [f"Entry 11 ({result.problems[0].entry}): the seal was signed with another key"]


def test_evidence_sealed_anew_with_another_key_is_found_by_who_knows_the_key(original: Path, tmp_path: Path) -> None:
    store = record_attempt(tmp_path / "forged")
    store.seal(Ed25519PrivateKey.generate())
    store.close()
    known = AttemptKey.load_or_create(original).public_key_hex
    assert verify(tmp_path / "forged").ok
    assert what(verify(tmp_path / "forged", known)) == ["The evidence is sealed with a key that is not the attempt's."]


def test_a_key_that_is_no_point_of_the_curve_is_no_valid_signature(sealed: Path) -> None:
    head = seal_from_json((sealed / "seal.json").read_text().rstrip()).head
    (sealed / "seal.json").write_text(seal_to_json(Seal(head, "0" * 128, "f" * 64)))
    assert "The seal's signature is not valid." in what(verify(sealed))


def test_a_removed_signature_is_found(sealed: Path) -> None:
    (sealed / "seal.json").unlink()
    assert what(verify(sealed))[0].endswith("its signature is missing")


def test_a_removed_manifest_is_found(sealed: Path) -> None:
    (sealed / "manifest.jsonl").unlink()
    assert any("no manifest.jsonl" in one for one in what(verify(sealed)))


def test_an_attempt_under_way_is_verified_from_its_journal_while_it_runs(tmp_path: Path) -> None:
    store = record_attempt(tmp_path)
    result = verify(tmp_path)
    assert (what(result), result.sealed, result.signature_ok, result.entries) == ([], False, None, 10)
    store.append(EntryKind.EVENT, {}, after(70))
    assert verify(tmp_path).entries == 11
    assert what(verify(tmp_path, "0" * 64)) == ["The evidence is not sealed, so no key can vouch for it."]
    store.close()
    assert verify(tmp_path).ok


def test_a_change_in_the_journal_is_found(tmp_path: Path) -> None:
    record_attempt(tmp_path).close()
    db = sqlite3.connect(tmp_path / "journal.sqlite")
    db.execute("UPDATE entries SET line = replace(line, '5001', '5002') WHERE kind = 'violation'")
    db.commit()
    db.close()
    result = verify(tmp_path)
    assert what(result)[0].startswith("Entry 7 (violation, 14:13:21): the entry was changed")


def test_delivered_media_that_is_not_here_is_counted_and_no_problem(tmp_path: Path) -> None:
    store = record_attempt(tmp_path)
    store.seal(AttemptKey.load_or_create(tmp_path).private_key)
    while (job := store.next_job(after(100).utc_ns)) is not None:
        store.job_done(job.id, job.sha256)
    store.drop_delivered()
    store.close()
    result = verify(tmp_path)
    assert (what(result), result.media_checked, result.media_missing) == ([], 0, 4)
    source = open_source(tmp_path)
    export_bundle(source, tmp_path / "out.zip")
    source.close()
    assert verify(tmp_path / "out.zip") == result


# ---- bundles


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    out = tmp_path / "bundle.zip"
    source = open_source(original)
    export_bundle(source, out)
    source.close()
    return out


def rewrite(path: Path, changes: dict[str, bytes | None], compression: int = zipfile.ZIP_STORED) -> None:
    """The same ZIP with members replaced, added or (None) left out."""
    with zipfile.ZipFile(path) as old:
        members: dict[str, bytes | None] = {info.filename: old.read(info) for info in old.infolist()}
    with zipfile.ZipFile(path, "w", compression) as new:
        for name, data in {**members, **changes}.items():
            if data is not None:
                new.writestr(name, data)


def test_a_bundle_verifies_like_its_folder(original: Path, bundle: Path) -> None:
    assert verify(bundle) == verify(original)


def test_the_same_evidence_gives_the_same_bundle(original: Path, bundle: Path, tmp_path: Path) -> None:
    source = open_source(original)
    export_bundle(source, tmp_path / "again.zip")
    source.close()
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()


def test_a_bundle_never_holds_the_key(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as members:
        names = members.namelist()
    assert {name.split("/")[0] for name in names} == {"manifest.jsonl", "seal.json", "bundle.json", "files"}


def test_a_change_in_a_bundle_is_found(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as members:
        name = next(one for one in members.namelist() if one.endswith(".jpg"))
    rewrite(bundle, {name: b"another"})
    assert f"file {name.removeprefix('files/')} does not have the recorded SHA-256" in what(verify(bundle))[0]
    rewrite(bundle, {name: None})
    assert "is missing" in what(verify(bundle))[0]


def test_a_byte_flipped_in_the_zip_file_itself_is_found(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as members:
        info = next(one for one in members.infolist() if one.filename.endswith(".jpg"))
    flip(bundle, info.header_offset + 30 + len(info.filename))
    assert "does not have the recorded SHA-256" in what(verify(bundle))[0]


def test_a_zip_bomb_is_read_no_further_than_the_recorded_size(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as members:
        name = next(one for one in members.namelist() if one.endswith(".jpg"))
    rewrite(bundle, {name: b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED)
    assert "does not have the recorded SHA-256" in what(verify(bundle))[0]


def test_an_endless_line_is_refused(bundle: Path) -> None:
    rewrite(bundle, {"manifest.jsonl": b"x" * 50_000_000}, zipfile.ZIP_DEFLATED)
    assert what(verify(bundle))[0].startswith("Entry 1: it can't be read")


def test_a_manifest_that_unfolds_without_end_is_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.evidence.bundle.MAX_MANIFEST_BYTES", 1000)
    verification = verify(bundle)
    assert not verification.ok
    assert "larger than" in str(verification.problems[0])


def test_members_with_foreign_paths_are_ignored_and_never_written(bundle: Path, tmp_path: Path) -> None:
    rewrite(bundle, {"../../evil": b"x", "files/../../evil": b"x", "/evil": b"x"})
    assert verify(bundle).ok
    assert list(tmp_path.parent.rglob("evil")) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(bundle: Path) -> None:
    with zipfile.ZipFile(bundle, "a") as members:
        members.writestr("manifest.jsonl", "")
    with pytest.raises(BadInput, match="two of the same name"):
        verify(bundle)


def test_what_is_no_evidence_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no evidence"):
        verify(tmp_path)
    with pytest.raises(BadInput, match="neither a folder nor a ZIP"):
        verify(tmp_path / "nothing")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("readme", "")
    with pytest.raises(BadInput, match="not an evidence bundle"):
        verify(tmp_path / "other.zip")


# ---- the command


def invigil(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["evidence", *arguments])
    code: int = args.run(args)
    return code


def test_verify_exits_0_and_says_so(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invigil("verify", str(sealed)) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Evidence verified."
    assert said[1].startswith("11 entries, 4 media files checked, head ")


def test_verify_exits_1_and_names_the_first_bad_entry_first(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, path = media_of(sealed, EntryKind.SEGMENT)
    flip(path, 9)
    assert invigil("verify", str(sealed)) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Entry 3 (segment camera, 14:13:20): file ")
    assert said[1] == "Evidence NOT verified: 1 problem."


def test_verify_compares_the_key_it_is_given(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invigil("verify", str(sealed), "--public-key", "0" * 64) == 1
    assert invigil("verify", str(sealed), "--public-key", AttemptKey.load_or_create(sealed).public_key_hex) == 0
    with pytest.raises(BadInput, match="64 hexadecimal digits"):
        invigil("verify", str(sealed), "--public-key", "zz")
    assert "the key you gave" in capsys.readouterr().out


def test_verify_as_json(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flip(sealed / "seal.json", 30)
    assert invigil("verify", str(sealed), "--json") == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["ok"], result["entries"]) == (False, 11)
    assert set(result["problems"][0]) == {"seq", "what", "entry"}


def test_show_lists_every_entry_and_lets_no_control_character_through(
    sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invigil("show", str(sealed)) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 11
    assert "violation, 14:13:21" in said
    assert "\x1b" not in said
    assert invigil("show", str(sealed), "--json") == 0
    assert capsys.readouterr().out == (sealed / "manifest.jsonl").read_text()


def test_export_writes_a_bundle_that_verifies(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = sealed.parent / "out.zip"
    assert invigil("export", str(sealed), str(out)) == 0
    assert "4 media files" in capsys.readouterr().out
    assert verify(out).ok
