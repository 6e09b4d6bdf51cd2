"""What goes into the frozen application."""

from __future__ import annotations

import pytest

from build_scripts.frozen_files import is_wanted, may_be_stripped


@pytest.mark.parametrize(
    "path",
    [
        "PySide6/Qt/lib/libQt6WebEngineCore.so.6",
        "PySide6/Qt/lib/libQt6Quick.so.6",
        "PySide6/Qt/lib/libQt6QuickWidgets.so.6",
        "PySide6/Qt/lib/libQt6Qml.so.6",
        "PySide6/Qt/lib/libQt6WebChannel.so.6",
        "PySide6/Qt/lib/libQt6Positioning.so.6",
        "PySide6/Qt/lib/libQt6XcbQpa.so.6",
        "PySide6/Qt/lib/libQt6WaylandClient.so.6",
        "PySide6/Qt/libexec/QtWebEngineProcess",
        "PySide6/Qt/resources/qtwebengine_resources.pak",
        "PySide6/QtWebEngineWidgets.abi3.so",
        "PySide6\\Qt6WebEngineCore.dll",
        "mediapipe/tasks/c/libmediapipe.so",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/translations/qtwebengine_locales/de.pak",
        "resources/models/face_landmarker.task",
        "resources/media/demo_camera.webm",
    ],
)
def test_what_the_client_loads_is_kept(path: str) -> None:
    assert is_wanted(path)


@pytest.mark.parametrize(
    "path",
    [
        "PySide6/Qt/lib/libQt6Charts.so.6",
        "PySide6/Qt/lib/libQt6Quick3DRuntimeRender.so.6",
        "PySide6/Qt/lib/libQt63DCore.so.6",
        "PySide6/Qt/lib/libQt6Designer.so.6",
        "PySide6/Qt/lib/libQt6Multimedia.so.6",
        "PySide6/Qt/lib/libavcodec.so.61",
        "PySide6/Qt/qml/QtQuick/Controls/libqtquickcontrols2plugin.so",
        "PySide6/Qt/resources/qtwebengine_devtools_resources.pak",
        "PySide6\\Qt6Charts.dll",
        "PySide6/Qt/lib/libQt6EglFsKmsSupport.so.6",
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/translations/qtbase_de.qm",
    ],
)
def test_what_nobody_loads_is_left_out(path: str) -> None:
    assert not is_wanted(path)


@pytest.mark.parametrize("path", ["libpython3.11.so.1.0", "av/video/frame.abi3.so", "python3.11/lib-dynload/math.so"])
def test_debug_information_comes_out_of_what_we_know_to_bear_it(path: str) -> None:
    assert may_be_stripped(path)


@pytest.mark.parametrize(
    "path", ["numpy.libs/libopenblas.so", "av.libs/libx264.so.165", "cv2/cv2.abi3.so", "libX11.so.6"]
)
def test_repacked_libraries_are_left_as_they_came(path: str) -> None:
    assert not may_be_stripped(path)
