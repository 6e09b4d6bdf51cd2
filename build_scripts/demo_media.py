"""Compose the demo's camera film and speech from a public-domain photograph and a speech synthesiser.

The photograph is a real one, so that detectors meet a real face. The film is made at set-up, is the same on each run
of one machine, and its scenes are written beside it (``demo_camera.json``) for the tests.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import av
import cv2
import mediapipe
import numpy as np
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions

from build_scripts.demo_layers import cut_out, empty_room, second_person
from build_scripts.demo_scenes import DURATION_MS, FPS, HEIGHT_PX, SPANS, WIDTH_PX, candidate_pose, visitor_pose
from build_scripts.portrait import Pixels, Points, Portrait

ROOT = Path(__file__).resolve().parent.parent
PHOTOGRAPH, FILM, SCENES, SPEECH = "astronaut.png", "demo_camera.webm", "demo_camera.json", "demo_speech.wav"
BIT_RATE = 900_000
NOISE_FRAMES, NOISE_SEED = 7, 5
SENTENCES = "The answer to question three is the second one. Now scroll down and pick the last option."
SPEECH_RATE_HZ, VOICE, WORDS_PER_MINUTE = 16_000, "en+f2", "150"


class MediaError(Exception):
    """The demo's media can't be made; the message is one sentence."""


def compose(resources: Path) -> None:
    """Write the film, its scenes and the speech under ``resources/media``. MediaError says what is missing."""
    media = resources / "media"
    photograph = cv2.imread(str(media / PHOTOGRAPH))
    if photograph is None:
        raise MediaError(f"resources/media/{PHOTOGRAPH} can't be read: run build_scripts/models.py first.")
    pixels = photograph.astype(np.uint8)
    landmarks = face_points(pixels, resources / "models" / "face_landmarker.task")
    part = media / f"{FILM}.part"
    _encode(part, _frames(pixels, landmarks))
    part.replace(media / FILM)
    scenes = {
        "width_px": WIDTH_PX,
        "height_px": HEIGHT_PX,
        "fps": FPS,
        "duration_ms": DURATION_MS,
        "spans": [asdict(span) for span in SPANS],
    }
    (media / SCENES).write_text(json.dumps(scenes, indent=1) + "\n", encoding="utf-8")
    compose_speech(media / SPEECH)


def face_points(photograph: Pixels, model: Path) -> Points:
    """The photograph's 478 face points in pixels, with depth. MediaError when no face is found."""
    options = vision.FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(model)))
    picture = mediapipe.Image(
        image_format=mediapipe.ImageFormat.SRGB, data=cv2.cvtColor(photograph, cv2.COLOR_BGR2RGB).astype(np.uint8)
    )
    with closing(vision.FaceLandmarker.create_from_options(options)) as landmarker:
        faces = landmarker.detect(picture).face_landmarks
    if not faces:
        raise MediaError(f"no face was found in resources/media/{PHOTOGRAPH}: fetch it again.")
    width = photograph.shape[1]
    return np.array([[point.x * width, point.y * photograph.shape[0], point.z * width] for point in faces[0]])


def _frames(photograph: Pixels, landmarks: Points) -> Iterator[Pixels]:
    """The film's pictures, BGR, in order."""
    person = cut_out(photograph, landmarks)
    room = empty_room(photograph, person[:, :, 3])
    candidate = Portrait(person, landmarks)
    visitor = Portrait(*second_person(person, landmarks))
    noise = _noise()
    random = np.random.default_rng(NOISE_SEED)
    for number in range(DURATION_MS * FPS // 1000):
        t_ms = number * 1000 / FPS
        canvas = _room_at(room, t_ms)
        visitor_now = visitor_pose(t_ms)
        if visitor_now is not None:
            visitor.draw(canvas, visitor_now)
        candidate.draw(canvas, candidate_pose(t_ms))
        grain = np.roll(noise[random.integers(NOISE_FRAMES)], int(random.integers(WIDTH_PX)), axis=1)
        yield cv2.add(canvas, grain, dtype=cv2.CV_8U).astype(np.uint8)


def _room_at(room: Pixels, t_ms: float) -> Pixels:
    """The room as a hand-set camera sees it: it drifts a little, less than the candidate does."""
    drift = candidate_pose((t_ms * 0.5) % SPANS[0].end_ms)
    scale = 1.62
    left = WIDTH_PX / 2 - scale * 226 + (drift.x_px - WIDTH_PX / 2) * 0.3
    top = -scale * 8 + (drift.y_px - 192) * 0.3
    placed = np.array([[scale, 0, left], [0, scale, top]])
    seen = cv2.warpAffine(room, placed, (WIDTH_PX, HEIGHT_PX), None, cv2.INTER_LINEAR, cv2.BORDER_REFLECT)
    return seen.astype(np.uint8)


def _noise() -> list[np.ndarray[tuple[int, ...], np.dtype[np.int16]]]:
    """A sensor's grain: mostly brightness, some colour."""
    random = np.random.default_rng(NOISE_SEED)
    size = (HEIGHT_PX, WIDTH_PX)
    return [
        (random.normal(0, 2.6, (*size, 1)) + random.normal(0, 1.2, (*size, 3))).round().astype(np.int16)
        for _ in range(NOISE_FRAMES)
    ]


def _encode(path: Path, frames: Iterator[Pixels]) -> None:
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.bit_rate = BIT_RATE
        stream.options = {"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "g": str(FPS * 2)}
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def compose_speech(path: Path) -> bool:
    """Speak two sentences into a 16 kHz mono WAV. False, and a printed sentence, where espeak-ng is missing."""
    program = shutil.which("espeak-ng")
    if program is None:
        print(
            f"espeak-ng is missing, so {path.name} is not made and the headless demo's candidate stays silent.",
            file=sys.stderr,
        )
        return False
    raw, part = path.with_suffix(".raw.wav"), path.with_suffix(".part.wav")
    try:
        subprocess.run(
            [program, "-v", VOICE, "-s", WORDS_PER_MINUTE, "-w", str(raw), SENTENCES], check=True, timeout=60
        )
        samples = _resampled(raw)
        with wave.open(str(part), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(SPEECH_RATE_HZ)
            out.writeframes(samples)
        part.replace(path)
    except (OSError, subprocess.SubprocessError) as error:
        raise MediaError(f"resources/media/{path.name} could not be spoken by espeak-ng: {error}.") from error
    finally:
        raw.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    return True


def _resampled(path: Path) -> bytes:
    resampler = av.AudioResampler("s16", "mono", SPEECH_RATE_HZ)
    with av.open(str(path)) as container:
        heard = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return b"".join(frame.to_ndarray().tobytes() for frame in [*heard, *resampler.resample(None)])


def main() -> int:
    """Compose everything; 1 and a sentence when it can't be done."""
    try:
        compose(ROOT / "resources")
    except MediaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
