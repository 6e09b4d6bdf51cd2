"""Which of the collected files stay out of the frozen application, and what it must not import. Pure."""

from __future__ import annotations

import re

# Qt modules that neither we nor QtWebEngine load. QtWebEngine itself needs Quick, QuickWidgets, Qml, QmlModels,
# WebChannel, Positioning, PrintSupport, Network, OpenGL, Svg for icons, DBus and the XCB and Wayland clients.
UNUSED_QT = re.compile(
    r"(Qt6?|lib[Qq]t6?)"
    r"(3D|Bluetooth|Charts|DataVis|Designer|EglF[sS]|Graphs|Grpc|Help|HttpServer|JsonRpc|LabsA|LabsF|LabsP|LabsQ"
    r"|LabsS|LabsW|LanguageServer|Location|Multimedia|NetworkAuth|Nfc|PdfQuick|PdfWidgets|Protobuf|Quick3D"
    r"|QuickControls|QuickDialogs|QuickEffects|QuickLayouts|QuickParticles|QuickShapes|QuickTemplates|QuickTest"
    r"|QuickTimeline|QuickVectorImage|RemoteObjects|Scxml|Sensors|SerialBus|SerialPort|ShaderTools|SpatialAudio|Sql"
    r"|StateMachine|Test|TextToSpeech|UiTools|VirtualKeyboard|WaylandCompositor|WebEngineQuick|WebView|Canvas|FFmpeg)"
)
UNUSED_PARTS = (
    "PySide6/Qt/qml/",
    "PySide6/Qt/metatypes/",
    "PySide6/Qt/typesystems/",
    "PySide6/Qt/plugins/assetimporters/",
    "PySide6/Qt/plugins/designer/",
    "PySide6/Qt/plugins/egldeviceintegrations/",
    "PySide6/Qt/plugins/multimedia/",
    "PySide6/Qt/plugins/platforms/libqeglfs",
    "PySide6/Qt/plugins/platforms/libqlinuxfb",
    "PySide6/Qt/plugins/platforms/libqminimal",
    "PySide6/Qt/plugins/platforms/libqvkkhrdisplay",
    "PySide6/Qt/plugins/platforms/libqvnc",
    "PySide6/Qt/plugins/platformthemes/libqgtk3",  # would load the system's GTK next to our copies of its libraries
    "PySide6/Qt/plugins/qmltooling/",
    "PySide6/Qt/plugins/sqldrivers/",
    "PySide6/Qt/resources/qtwebengine_devtools_resources",
    "PySide6/Qt/resources/v8_context_snapshot.debug",
)
UNUSED_FFMPEG = re.compile(r"PySide6/Qt/lib/lib(av|sw)[a-z]+\.")  # QtMultimedia's own, PyAV brings others
UNUSED_TRANSLATION = re.compile(r"PySide6/(Qt/)?translations/[^/]+\.qm$")  # our windows bring their own words
DEBUG_RESOURCE = re.compile(r"PySide6/(Qt/)?resources/.*\.debug\.")

EXCLUDED_MODULES = (
    *("tkinter", "matplotlib", "IPython", "pytest", "_pytest", "hypothesis", "mypy", "hatchling", "setuptools", "pip"),
    *("PyInstaller", "xdist", "coverage", "jax", "torch", "tensorflow"),
    *("PySide6.QtMultimedia", "PySide6.QtCharts", "PySide6.QtQuick3D", "PySide6.Qt3DCore", "PySide6.QtDesigner"),
)

# What was compiled with debug information and not repacked by auditwheel, whose libraries strip would break.
WITH_SYMBOLS = re.compile(r"libpython3[^/]*\.so|(python3\.\d+|av|sqlalchemy|cryptography|pydantic_core)/.*\.so(\.|$)")


def may_be_stripped(destination: str) -> bool:
    """Whether debug information may be taken out of a collected file, on Linux."""
    return WITH_SYMBOLS.match(destination) is not None


def is_wanted(destination: str) -> bool:
    """Whether a collected file, named by its path in the application, is needed there."""
    path = destination.replace("\\", "/")
    name = path.rsplit("/", 1)[-1]
    if path.startswith("PySide6/") or name.startswith(("libQt6", "Qt6")):
        unused = any(part in path for part in UNUSED_PARTS) or UNUSED_QT.match(name) is not None
        if unused or any(rule.search(path) for rule in (UNUSED_FFMPEG, UNUSED_TRANSLATION, DEBUG_RESOURCE)):
            return False
    return not (path.startswith("mediapipe/") and name.endswith((".proto", ".h", ".cc")))
