"""``invigil analyze`` and ``invigil compare`` on real files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.cli import analyze, compare
from app.core.errors import BadInput

Pixels = NDArray[np.uint8]
Outcome = tuple[int, str, str]
FACE_KEYS = {"box", "score", "yaw_deg", "pitch_deg", "roll_deg", "gaze_yaw_deg", "gaze_pitch_deg", "on_screen"}


@pytest.fixture
def invoked(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a command with these words: exit code, standard output, standard error."""
    parser = argparse.ArgumentParser()
    sub = parser.add_subparsers()
    analyze.add_parser(sub)
    compare.add_parser(sub)

    def run(*words: str | Path) -> Outcome:
        args = parser.parse_args([str(w) for w in words])
        code = args.run(args)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def write_movie(path: Path, pictures: Iterator[Pixels], fps: int, sound: NDArray[np.int16] | None = None) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps)
        video.width, video.height, video.pix_fmt, video.bit_rate = 320, 320, "yuv420p", 4_000_000
        audio = container.add_stream("aac", rate=16000) if sound is not None else None
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(video.encode(None))
        if audio is not None and sound is not None:
            frame = av.AudioFrame.from_ndarray(sound[None, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16000, 0
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory, astronaut: Pixels, empty_room: Pixels) -> Path:
    """Three seconds of a person, then four of an empty room, at 10 pictures a second, with a quiet tone."""
    person = np.asarray(cv2.resize(astronaut, (320, 320)), dtype=np.uint8)
    room = np.ascontiguousarray(empty_room[:320, :320])
    tone = (300 * np.sin(np.arange(7 * 16000) / 8)).astype(np.int16)
    pictures = (person if n < 30 else room for n in range(70))
    return write_movie(tmp_path_factory.mktemp("movie") / "movie.mp4", pictures, 10, tone)


def test_an_image_gives_its_faces_and_objects_then_a_summary(
    invoked: Callable[..., Outcome], astronaut_path: Path
) -> None:
    code, out, err = invoked("analyze", astronaut_path, "--json")
    frame, last = lines(out)
    assert (code, err) == (0, "")
    assert frame["source"] == last["source"] == str(astronaut_path)
    assert frame["t_ms"] == 0
    assert [set(face) for face in frame["faces"]] == [FACE_KEYS]
    assert "person" in {o["label"] for o in frame["objects"]}
    summary = last["summary"]
    assert (summary["kind"], summary["face_count"], summary["violations"]) == ("image", 1, [])
    assert "person" in summary["objects"]


def test_a_video_is_judged_by_the_live_rules_with_its_own_time(invoked: Callable[..., Outcome], movie: Path) -> None:
    code, out, err = invoked("analyze", movie, "--json")
    found = lines(out)
    assert (code, err) == (0, "")
    frames = [line for line in found if "faces" in line]
    sounds = [line for line in found if "dbfs" in line]
    assert len(frames) == pytest.approx(35, abs=1)
    assert len(sounds) == pytest.approx(27, abs=2)
    assert [len(f["faces"]) for f in frames if f["t_ms"] < 2900] == [1] * 15
    summary = found[-1]["summary"]
    assert (summary["kind"], summary["face_count"]) == ("video", 0)
    (violation,) = summary["violations"]
    assert violation["code"] == 5001
    assert violation["start_ms"] == pytest.approx(3000, abs=250)
    assert violation["end_ms"] == pytest.approx(6900, abs=250)


def test_sound_is_judged_too(invoked: Callable[..., Outcome], speech_path: Path) -> None:
    _, out, _ = invoked("analyze", speech_path, "--json")
    found = lines(out)
    assert all(set(line) == {"source", "t_ms", "dbfs", "speech"} for line in found[:-1])
    summary = found[-1]["summary"]
    assert summary["kind"] == "audio"
    assert summary["speech_ratio"] > 0.5
    assert 5106 in {v["code"] for v in summary["violations"]}


def test_bad_files_get_a_sentence_each_and_the_others_are_done(
    invoked: Callable[..., Outcome], astronaut_path: Path, tmp_path: Path
) -> None:
    empty, text, folder = tmp_path / "empty.png", tmp_path / "notes.txt", tmp_path
    empty.touch()
    text.write_text("hello\n" * 50)
    cut = tmp_path / "cut.png"
    cut.write_bytes(astronaut_path.read_bytes()[:60])
    code, out, err = invoked("analyze", empty, text, folder, cut, tmp_path / "gone.mp4", astronaut_path, "--json")
    assert code == 1
    assert [line.split(" ")[1].rsplit("/", 1)[-1] for line in err.splitlines()] == [
        "empty.png", "notes.txt", folder.name, "cut.png", "gone.mp4",
    ]  # fmt: skip
    assert [line["source"] for line in lines(out)] == [str(astronaut_path)] * 2


def test_odd_images_are_done(invoked: Callable[..., Outcome], astronaut: Pixels, tmp_path: Path) -> None:
    odd = {
        "dot.png": np.zeros((1, 1, 3), np.uint8),
        "line.bmp": np.zeros((1, 3000, 3), np.uint8),
        "grey.jpg": cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY),
        "deep.png": astronaut.astype(np.uint16) * 257,
        "alpha.png": cv2.cvtColor(astronaut, cv2.COLOR_BGR2BGRA),
        "huge.jpg": cv2.resize(astronaut, (7000, 7000)),
    }
    for name, pixels in odd.items():
        cv2.imwrite(str(tmp_path / name), pixels)
    code, out, err = invoked("analyze", *(tmp_path / name for name in odd), "--json")
    assert (code, err) == (0, "")
    counts = [line["summary"]["face_count"] for line in lines(out) if "summary" in line]
    assert counts == [0, 0, 1, 1, 1, 1]


def test_a_truncated_video_is_done_as_far_as_it_goes(
    invoked: Callable[..., Outcome], movie: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.ts"  # a format without an index at its end
    write_movie(whole, (np.full((320, 320, 3), 90, np.uint8) for _ in range(30)), 10)
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    code, out, _ = invoked("analyze", cut, "--json")
    assert code in {0, 1}
    assert lines(out)[-1]["summary"]["kind"] == "video"


def test_a_reference_tells_who_should_be_seen(
    invoked: Callable[..., Outcome], astronaut_path: Path, tmp_path: Path
) -> None:
    _, out, _ = invoked("analyze", astronaut_path, "--reference", astronaut_path, "--json")
    assert lines(out)[-1]["summary"]["violations"] == []
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.full((200, 200, 3), 128, np.uint8))
    with pytest.raises(BadInput, match="No face was found in the reference picture"):
        invoked("analyze", astronaut_path, "--reference", blank, "--json")


def test_people_get_a_table(invoked: Callable[..., Outcome], movie: Path) -> None:
    _, out, _ = invoked("analyze", movie)
    assert f"{movie}: video" in out
    assert "no face" in out
    assert "3.0 s" in out


def test_two_pictures_are_compared(invoked: Callable[..., Outcome], astronaut_path: Path) -> None:
    code, out, _ = invoked("compare", astronaut_path, astronaut_path, "--json")
    (answer,) = lines(out)
    assert code == 0
    assert set(answer) == {"verified", "confidence", "matchScore", "faceDetected", "warnings"}
    assert answer["verified"] is True
    _, out, _ = invoked("compare", astronaut_path, astronaut_path)
    assert "same person" in out


def test_pairs_are_answered_in_order_even_where_a_file_is_bad(
    invoked: Callable[..., Outcome], astronaut_path: Path, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.csv"
    gone = tmp_path / "gone.jpg"
    pairs.write_text(f"a,b\n{gone},{astronaut_path}\n{astronaut_path},{astronaut_path}\n")
    code, out, err = invoked("compare", "--pairs", pairs, "--json")
    assert code == 1
    assert [a["verified"] for a in lines(out)] == [False, True]
    assert "gone.jpg can't be read" in err


@pytest.mark.parametrize("words", [["one.jpg"], [], ["a.jpg", "b.jpg", "c.jpg"], ["gone-a.jpg", "gone-b.jpg"]])
def test_anything_else_than_two_pictures_is_bad_input(invoked: Callable[..., Outcome], words: list[str]) -> None:
    with pytest.raises(BadInput):
        invoked("compare", *words)


@pytest.mark.parametrize("text", ["x,y\n1,2\n", ""])
def test_a_pairs_file_without_its_columns_is_bad_input(
    invoked: Callable[..., Outcome], tmp_path: Path, text: str
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(text)
    with pytest.raises(BadInput, match="has no columns a and b"):
        invoked("compare", "--pairs", pairs)
    with pytest.raises(BadInput, match="can't be read as a CSV file"):
        invoked("compare", "--pairs", tmp_path / "gone.csv")
