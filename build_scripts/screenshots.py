"""The pictures of README.md, made anew from a headless demo so that they stay true: ``dev.py screenshots``.

Runs one whole demo on its virtual desktop, keeps what its screen shows at four moments, then has the web engine draw
the report, and the key editor and other pages themselves. Writes ``docs/images/*.png`` in at most 256 colours.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import mss
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QImage
from PySide6.QtWebEngineCore import QWebEngineSettings
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication

from app.browser.environment import prepare_environment
from app.core.errors import InvigilError
from app.keys.tries import Tries
from app.runtime.demo import Demo, QuitDemo
from app.runtime.editor import EditorDesk, vendor_names
from app.runtime.resources import resources_dir
from app.runtime.virtual_desktop import VirtualDesktop
from app.ui.editor import gallery
from app.ui.editor.catalogue import catalogue
from app.ui.editor.window import EditorWindow
from app.ui.gallery import render_gallery
from app.ui.theme import apply_theme

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SCENES: Mapping[str, str] = {"checks": "check", "consent": "consent", "tries PrintScreen": "exam"}
"""What the demo shows -> the picture that is made of it."""
SETTLE_S = 0.8
"""Until a page that was just opened is painted, and its fade is over."""
REPORT_PX = (1280, 1400)
EDITOR_PX = (1180, 720)
PAGE_PX = (1024, 600)
PAGES: Mapping[str, str] = {"hold": "lock", "verdict": "verdict"}
"""The gallery's page -> the picture that is made of it."""
COLOURS = 256

Bgr = NDArray[np.uint8]


class Photographer:
    """Keeps the wanted scenes of a demo."""

    def __init__(self, scenes: Mapping[str, str]) -> None:
        self._scenes = scenes
        self.pictures: dict[str, Bgr] = {}

    def __call__(self, scene: str, desktop: VirtualDesktop) -> None:
        name = self._scenes.get(scene)
        if name is None:
            return
        time.sleep(SETTLE_S)
        self.pictures[name] = grab(desktop)


def grab(desktop: VirtualDesktop) -> Bgr:
    """Everything that the desktop shows now."""
    with mss.MSS(display=desktop.environment["DISPLAY"]) as screen:
        shot = screen.grab(screen.monitors[0])
    return np.frombuffer(shot.bgra, np.uint8).reshape(shot.height, shot.width, 4)[:, :, :3].copy()


def main() -> int:
    """Writes every picture, and prints their names and sizes."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    photographer = Photographer(SCENES)
    with tempfile.TemporaryDirectory(prefix="invigil-screenshots-") as folder:
        result = Demo(Path(folder), headless=True, quiet=False, look=photographer).run()
        if isinstance(result, QuitDemo):
            raise InvigilError(result.sentence)
        with VirtualDesktop(*REPORT_PX) as desktop:
            pictures = photographer.pictures | {"report": picture_of_page(result.report_path, desktop)}
            pictures["editor"] = picture_of_editor(Path(folder))
            pictures |= pictures_of_pages(Path(folder))
    for name, picture in sorted(pictures.items()):
        path = IMAGES / f"{name}.png"
        save_small(picture, path)
        print(f"{path.relative_to(IMAGES.parent.parent)}  {path.stat().st_size // 1000} kB")
    return 0


def picture_of_page(page: Path, desktop: VirtualDesktop) -> Bgr:
    """The top of a local HTML page, as large as the desktop. Once in a process: Qt starts but once."""
    prepare_environment(os.environ, is_root=os.geteuid() == 0)
    os.environ.update(desktop.environment)
    application = QApplication(["screenshots"])
    view = QWebEngineView()
    view.resize(*REPORT_PX)
    view.settings().setAttribute(QWebEngineSettings.WebAttribute.ShowScrollBars, False)
    seen: list[QImage] = []

    def look() -> None:
        """Ends with two equal pictures, before the application quits: the web engine takes its page away then."""
        seen.append(view.grab().toImage())
        if len(seen) > 1 and seen[-1] == seen[-2]:
            application.quit()

    timer = QTimer()
    timer.timeout.connect(look)
    view.loadFinished.connect(lambda _ok: timer.start(int(SETTLE_S * 1000)))
    view.show()
    view.load(QUrl.fromLocalFile(str(page)))
    application.exec()
    timer.stop()
    return pixels(seen[-1])


def picture_of_editor(folder: Path) -> Bgr:
    """The key editor with a contradiction in a policy. Needs the QApplication, and a display for it."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        raise TypeError("the editor needs a QApplication")
    apply_theme(application, "light", 1.0)
    desk = EditorDesk(Tries(folder / "tries.json"), lambda: gallery.NOW)
    window = EditorWindow(resources_dir() / "ui", desk, catalogue(vendor_names()))
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(*EDITOR_PX)
    window.show()
    window.show_document(gallery.SAMPLE)
    gallery.problem(window)
    for _ in range(6):
        application.processEvents()
    image = window.grab().toImage()
    window.history.set_clean()
    window.close()
    return pixels(image)


def pictures_of_pages(folder: Path) -> dict[str, Bgr]:
    """Pages that the demo does not come to. Needs the QApplication, and a display for it."""
    made = render_gallery(folder / "pages", resources_dir() / "ui", [PAGE_PX], ["light"], only=PAGES)
    names = [PAGES[path.name.partition("-")[0]] for path in made]
    return {name: pixels(QImage(str(path))) for name, path in zip(names, made, strict=True)}


def pixels(picture: QImage) -> Bgr:
    image = picture.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width(), :3].copy()


def save_small(picture: Bgr, path: Path) -> None:
    """A PNG with a palette: screens have few colours, and a photograph in one bears 256."""
    colours, index = palette(picture, COLOURS)
    height, width = picture.shape[:2]
    packed = np.ascontiguousarray(index)
    image = QImage(packed.data, width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable([0xFF000000 | int(r) << 16 | int(g) << 8 | int(b) for b, g, r in colours])
    image.save(str(path), quality=0)


def palette(picture: Bgr, count: int) -> tuple[Bgr, NDArray[np.uint8]]:
    """At most ``count`` colours by median cut, and each pixel's index into them."""
    flat = picture.reshape(-1, 3)
    packed = flat.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    unique, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    points = np.stack([unique >> 16, (unique >> 8) & 255, unique & 255], axis=1).astype(np.int32)
    boxes = _median_cut(points, counts, count)
    colours = np.array([np.average(points[box], axis=0, weights=counts[box]).round() for box in boxes], np.uint8)
    of_point = np.zeros(len(points), np.uint8)
    for number, box in enumerate(boxes):
        of_point[box] = number
    return colours, of_point[inverse].reshape(picture.shape[:2])


def _median_cut(points: NDArray[np.int32], counts: NDArray[np.intp], count: int) -> list[NDArray[np.intp]]:
    """Indices of the points in each box; the box with the largest error is cut next, at the mean of its widest side."""
    boxes = [np.arange(len(points))]
    errors = [_error(points, counts, boxes[0])]
    while len(boxes) < count and max(errors) > 0:
        worst = int(np.argmax(errors))
        box = boxes[worst]
        spread = np.ptp(points[box], axis=0)
        side = points[box, int(np.argmax(spread))]
        low = side <= np.average(side, weights=counts[box])
        boxes[worst], errors[worst] = box[low], _error(points, counts, box[low])
        boxes.append(box[~low])
        errors.append(_error(points, counts, box[~low]))
    return boxes


def _error(points: NDArray[np.int32], counts: NDArray[np.intp], box: NDArray[np.intp]) -> float:
    mean = np.average(points[box], axis=0, weights=counts[box])
    return float((((points[box] - mean) ** 2).sum(axis=1) * np.sqrt(counts[box])).sum())


if __name__ == "__main__":
    raise SystemExit(main())
