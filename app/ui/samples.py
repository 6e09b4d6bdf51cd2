"""Made-up exams, people and results with which the gallery and the tests show the pages."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.checks import CheckResult
from app.core.hold import HoldView, StillOpen
from app.core.machine import Judgement, Suspicion, Verdict, WeighedSignal
from app.core.policy import Accessibility, Candidate, Exam, Lockdown, Policy, Privacy, Upload
from app.core.verdict import Sign, VerdictPart, VerdictView
from app.ui.theme import current
from app.ui.widgets import column, frame, label

_SAMPLE = "sample"
_UPLOAD = Upload(endpoint="https://proctor.example.org", exam_id="bio-101", token=_SAMPLE)
PLAIN = Policy(
    exam=Exam(id="bio-101", title="Biology 101: final exam", start_url="https://exam.example.org/bio-101"),
    candidate=Candidate(id="c-1", name="Sample Candidate"),
    upload=_UPLOAD,
    privacy=Privacy(institution="Example University", contact="exams@university.example.org"),
)
GRANTED = replace(
    PLAIN,
    exam=replace(PLAIN.exam, duration_min=120),
    accessibility=Accessibility(
        extra_time_percent=25.0, looking_away=True, second_person=True, assistive_programs=("Dragon",)
    ),
)
LONG = Policy(
    exam=Exam(
        id="law-9",
        title="Staatsexamen Rechtswissenschaften: Verwaltungsverfahrensrecht und Europäische Grundrechte (Wiederholung)",
        start_url="https://exam.example.org/law-9",
    ),
    candidate=Candidate(id="c-2", name="Candidate-With-A-Very-Long-Double-Barrelled-Surname, And-Several-First-Names"),
    upload=_UPLOAD,
    privacy=Privacy(
        institution="Gemeinsames Prüfungsamt der Länder für das juristische Vorbereitungswesen, Außenstelle Süd",
        contact="Telephone the number on your invitation, on weekdays from nine to five, or pruefungsamt@juristische.example.org",
        purpose="to check that the exam was taken by you, alone, without help that the examination rules of the "
        "faculty don't allow, and under the same conditions as everybody else's",
        viewers="two proctors of the examination office and, only where they disagree, the examination board",
        retention_days=365,
    ),
    lockdown=Lockdown(denied_processes=("teamviewer",), quit_always=True),
)
HELD = HoldView(
    reason="More than one monitor was connected: HDMI-A-2.",
    still_open=(
        StillOpen(
            "More than one monitor is connected.",
            "eDP-1, HDMI-A-2",
            "Disconnect every monitor but one, and stop casting to a television.",
        ),
    ),
    continues=True,
)
HELD_READY = replace(HELD, still_open=())
HELD_BY_PROGRAM = HoldView(
    reason="A program was running that the exam does not allow: telegram (messenger).",
    still_open=(
        StillOpen(
            "A program runs that the exam does not allow.",
            "telegram",
            "Close it with the button below. What is not saved in it may be lost.",
        ),
    ),
    continues=True,
    to_close=("telegram",),
)
HELD_CLOSING = replace(
    HELD_BY_PROGRAM,
    still_open=(replace(HELD_BY_PROGRAM.still_open[0], advice="It was asked to close; that takes a few seconds."),),
    closing=True,
)
HELD_LONG = HoldView(
    reason="A program was running that the exam does not allow: anydesk (remote control: another person can see the "
    "screen and use the keyboard); obs64 (screen recording: the exam's questions can be copied).",
    still_open=(
        StillOpen(
            "A program runs that the exam does not allow.",
            "anydesk, obs64, a-program-with-a-very-long-name-that-no-line-of-the-card-has-enough-room-for",
            "This user may not close the program with process number 4242; ask whoever runs the machine.",
        ),
        *HELD.still_open,
        StillOpen("Speech is heard.", "", "Stop speaking, and switch off what speaks."),
    ),
    continues=True,
    password=True,
    proctor=True,
    to_close=("obs64", "a-program-with-a-very-long-name-that-no-line-of-the-card-has-enough-room-for"),
    problem="That password is wrong.",
    wait_s=15,
)
HELD_BY_PROCTOR = HoldView(
    reason="Please wait: your proctor speaks with the institution.",
    password=True,
    proctor=True,
    by_proctor=True,
    line_down=True,
    time_runs=False,
)
_END_REMOTE = (
    "End remote control and screen sharing, and close the program, also its icon beside the clock; then check again."
)
VERDICT = VerdictView(
    parts=(
        VerdictPart(
            "Remote control",
            "It is likely that this computer is seen or controlled from elsewhere.",
            90,
            True,
            (
                Sign(
                    "Another computer is connected to the program that shares this desktop (VNC)",
                    "counts for much",
                    _END_REMOTE,
                ),
                Sign("A program shares this desktop (x11vnc)", "counts for something", ""),
            ),
        ),
    ),
    refused=True,
    password=True,
)
VERDICT_NOTED = VerdictView(
    parts=(
        VerdictPart(
            "Virtual machine",
            "It is possible that this is a virtual machine.",
            76,
            False,
            (
                Sign(
                    "The hardware has parts that virtual machines only have (virtio)",
                    "counts for much",
                    "Start the exam on the computer itself, outside of the virtual machine.",
                ),
                Sign(
                    "The processor says that a hypervisor runs below",
                    "counts for little",
                    "An ordinary computer can show this too; alone it counts for little.",
                ),
            ),
        ),
    ),
    refused=False,
)
VERDICT_LONG = VerdictView(
    parts=(
        *VERDICT.parts,
        replace(
            VERDICT_NOTED.parts[0],
            refused=True,
            points=98,
            words="It is likely that this is a virtual machine.",
            signs=(
                Sign(
                    "The computer's model is the name of a virtual machine "
                    "(Prüfungsarbeitsplatzvirtualisierungsumgebung-Donaudampfschifffahrtsgesellschaft-Standard-PC)",
                    "counts for much",
                    "Start the exam on the computer itself, outside of the virtual machine.",
                ),
                *VERDICT_NOTED.parts[0].signs,
            ),
        ),
    ),
    refused=True,
    password=True,
    problem="That password is wrong.",
    wait_s=15,
)
JUDGED = Judgement(
    Suspicion.REMOTE_CONTROL, 0.9, Verdict.LIKELY, (WeighedSignal("vnc_connected", "connection", 0.8, "", ""),)
)
SERVER = "https://proctor.example.org"
LONG_SERVER = "https://pruefungen.juristischer-vorbereitungsdienst.example.org:8443/aufsicht/nord"
FINGERPRINT = " ".join(["9F3A", "22C1", "07BE", "D4E8", "51A6", "C0F9", "3B7D", "8E24"] * 2)
GOOD = (
    CheckResult("camera", True, True, "Integrated camera, 640 by 480 at 30 pictures a second"),
    CheckResult("microphone", True, True, "Built-in microphone"),
    CheckResult("screen", True, True, "One monitor, 1366 by 768"),
    CheckResult("network", True, True, "The exam server answers in 24 ms"),
    CheckResult("disk", True, True, "41 GB free"),
    CheckResult("programs", True, True, "Nothing is running that the exam does not allow"),
)
BAD = (
    CheckResult(
        "camera",
        False,
        True,
        "The camera can't be read.",
        "Close other programs that use the camera, such as video calls, then check again.",
        4008,
    ),
    GOOD[1],
    CheckResult(
        "screen",
        False,
        True,
        "Two monitors are connected: eDP-1 and HDMI-A-2.",
        "Unplug the second monitor, and stop casting to a television. Then check again.",
        4015,
    ),
    CheckResult(
        "remote_control",
        False,
        True,
        "It is likely that this computer is seen or controlled from elsewhere: 90 of 100.",
        "The exam does not start like this. See why, and what to do.",
        judgement=JUDGED,
    ),
    CheckResult("disk", False, False, "Only 2.1 GB are free.", "Empty the bin to be on the safe side."),
    GOOD[3],
)


def picture(width_px: int = 640, height_px: int = 480) -> QImage:
    """A drawn person before a wall: enough to judge the page around it."""
    image = QImage(width_px, height_px, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    wall = QLinearGradient(QPointF(0, 0), QPointF(width_px, height_px))
    wall.setColorAt(0, QColor("#C9D3DE"))
    wall.setColorAt(1, QColor("#8A99AB"))
    painter.fillRect(image.rect(), wall)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#3E5C76"))
    painter.drawEllipse(QRectF(width_px * 0.24, height_px * 0.72, width_px * 0.52, height_px * 0.7))
    painter.setBrush(QColor("#B98563"))
    painter.drawEllipse(QRectF(width_px * 0.38, height_px * 0.2, width_px * 0.24, height_px * 0.46))
    painter.setBrush(QColor("#2B211C"))
    painter.drawChord(QRectF(width_px * 0.37, height_px * 0.15, width_px * 0.26, height_px * 0.34), 0, 180 * 16)
    painter.end()
    return image


def exam_stand_in() -> QWidget:
    """A page of questions in place of the web view, which the gallery does without."""
    sheet = QWidget()
    sheet.setAccessibleName("Exam page")
    sheet.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    down = QVBoxLayout(sheet)
    down.setContentsMargins(*[current().px(40)] * 4)
    down.addWidget(label("Question 3 of 12", "small"))
    down.addWidget(label("Which part of the cell makes most of its energy?", "title"))
    for answer in ("The nucleus", "The mitochondria", "The cell wall", "The ribosomes"):
        box = frame("card")
        inside = column(0)
        inside.setContentsMargins(*[current().px(16)] * 4)
        inside.addWidget(label(answer))
        box.setLayout(inside)
        down.addWidget(box)
    down.addStretch(1)
    return sheet
