"""What is recorded, why, for how long and who sees it; and the candidate's answer."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout

from app.core.lockdown import denied_processes
from app.core.policy import Policy
from app.core.policy_change import extra_time_s
from app.ui.icons import Icons
from app.ui.page import ContentPage
from app.ui.theme import current
from app.ui.widgets import Button, CheckLine, IconView, column, frame, label, row

Section = tuple[str, str, tuple[str, ...]]
"""Icon, heading, sentences."""


def sections(policy: Policy) -> tuple[Section, ...]:
    """Everything the candidate has to know before agreeing, in plain words and from the policy alone."""
    translate = QCoreApplication.translate
    privacy = policy.privacy
    days = max(0, privacy.retention_days)
    one_day = translate("Consent", "It is deleted after one day.")
    kept = one_day if days == 1 else translate("Consent", "It is deleted after %n days.", "", days)
    who = [privacy.institution.strip(), privacy.contact.strip()]
    return (
        *_instructions(policy),
        ("camera", translate("Consent", "What is recorded"), _recorded(policy)),
        ("lock", translate("Consent", "What happens on this computer"), _locked(policy)),
        *_granted(policy),
        ("info", translate("Consent", "Why"), (_sentence(privacy.purpose),)),
        ("eye", translate("Consent", "Who sees it"), (_sentence(privacy.viewers),)),
        ("calendar", translate("Consent", "How long it is kept"), (kept,)),
        ("shield", translate("Consent", "What is not done"), _not_done(policy)),
        (
            "question",
            translate("Consent", "Who to ask"),
            tuple(w for w in who if w) or (translate("Consent", "The people who invited you to this exam."),),
        ),
    )


def _instructions(policy: Policy) -> tuple[Section, ...]:
    lines = tuple(line.strip() for line in policy.exam.instructions.splitlines() if line.strip())
    return (("flag", QCoreApplication.translate("Consent", "Instructions for this exam"), lines),) if lines else ()


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    ends = text[-1] in ".!?。؟" or "@" in text.split()[-1] or "://" in text
    return text[0].upper() + text[1:] + ("" if ends else ".")


def _recorded(policy: Policy) -> tuple[str, ...]:
    translate = QCoreApplication.translate
    capture = policy.capture
    lines = []
    if policy.identity.photo:
        lines.append(translate("Consent", "One photo of you before the exam."))
    streams = (
        (
            capture.camera,
            policy.upload.camera,
            translate("Consent", "Your camera, while you work."),
            translate("Consent", "Your camera is watched by this computer alone; no picture of it is kept."),
        ),
        (
            capture.microphone,
            policy.upload.microphone,
            translate("Consent", "Your microphone, while you work."),
            translate("Consent", "Your microphone is heard by this computer alone; no sound of it is kept."),
        ),
        (
            capture.screen,
            policy.upload.screen,
            translate("Consent", "Your screen, while you work."),
            translate("Consent", "Your screen is watched by this computer alone; no picture of it is kept."),
        ),
    )
    lines += [sent if sends else private for captured, sends, sent, private in streams if captured]
    lines.append(translate("Consent", "Whether you leave the exam, and which keys that are not allowed you press."))
    if any(captured and sends for captured, sends, _, _ in streams):
        lines.append(
            translate("Consent", "Only short clips are kept: those around moments that a person may want to look at.")
            if policy.evidence.mode != "continuous"
            else translate("Consent", "The whole recording is kept, from start to finish.")
        )
    return tuple(lines)


def _locked(policy: Policy) -> tuple[str, ...]:
    translate = QCoreApplication.translate
    lock = policy.lockdown
    lines = []
    if lock.kiosk:
        lines.append(translate("Consent", "The exam fills the screen until you finish."))
    if lock.grab_keyboard:
        lines.append(translate("Consent", "Keys that leave the exam, such as Alt+Tab, do nothing."))
    if lock.single_monitor:
        lines.append(translate("Consent", "Only one monitor may be connected."))
    if denied_processes(policy):
        lines.append(translate("Consent", "It looks for running programs that the exam does not allow."))
    lines.append(translate("Consent", "When the exam ends, everything is as it was before."))
    return tuple(lines)


def _granted(policy: Policy) -> tuple[Section, ...]:
    """A section of its own, for candidates who were granted something."""
    translate = QCoreApplication.translate
    given = policy.accessibility
    minutes, more_s = policy.exam.duration_min, 0
    if minutes is not None:
        more_s = extra_time_s(minutes, given)
    lines = []
    if more_s:
        one = translate("Consent", "You have one more minute for the exam.")
        more = round(more_s / 60)
        lines.append(one if more == 1 else translate("Consent", "You have %n more minutes for the exam.", "", more))
    if given.screen_reader:
        lines.append(translate("Consent", "You may use a screen reader; sound in your room is not judged."))
    if given.looking_away:
        lines.append(translate("Consent", "You may look away from the screen."))
    if given.second_person:
        lines.append(translate("Consent", "A second person may be with you and speak."))
    if given.reading_aloud:
        lines.append(translate("Consent", "You may read aloud."))
    if given.assistive_programs:
        names = ", ".join(given.assistive_programs)
        lines.append(translate("Consent", "You may use {programs}.").format(programs=names))
    return (("ok", translate("Consent", "What you were granted"), tuple(lines)),) if lines else ()


def _not_done(policy: Policy) -> tuple[str, ...]:
    translate = QCoreApplication.translate
    lines = []
    if policy.capture.camera:
        lines.append(translate("Consent", "No measurements of your face or voice leave this computer."))
    lines.append(translate("Consent", "Your files are not read, and nothing is recorded after you finish."))
    lines.append(translate("Consent", "No computer decides about you: people look at what was noted."))
    return tuple(lines)


class ConsentPage(ContentPage):
    """Signals: ``given`` and ``declined``. The focus starts on the check box; Return agrees once it is ticked."""

    given = Signal()
    declined = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, self.tr("Before you start"), width_px=1040)
        self._cards: QFrame | None = None
        self.check = CheckLine(self.tr("I have read this and agree to be recorded in this way."))
        self.check.setAccessibleDescription(self.tr("Needed before you can agree"))
        self.decline_button = Button(self.tr("Decline"))
        self.decline_button.setAccessibleDescription(self.tr("Nothing is recorded and the exam does not start"))
        self.agree_button = Button(self.tr("Agree and continue"), "primary")
        self.agree_button.setEnabled(False)
        self.choices.addWidget(self.check, 1, Qt.AlignmentFlag.AlignVCenter)
        self.choices.addWidget(self.decline_button)
        self.choices.addWidget(self.agree_button)
        self.set_default(self.agree_button)
        self.first_focus = self.check
        self.body.addStretch(1)
        self.check.toggled.connect(self.agree_button.setEnabled)
        self.agree_button.clicked.connect(self.given)
        self.decline_button.clicked.connect(self.declined)

    def show_policy(self, policy: Policy) -> None:
        self.check.setChecked(False)
        self.set_lead(
            self.tr("“{exam}” is taken under supervision. Please read what that means for you.").format(
                exam=policy.exam.title
            )
        )
        if self._cards is not None:
            self.body.removeWidget(self._cards)
            self._cards.deleteLater()
        self._cards = self._build(policy)
        self.body.insertWidget(0, self._cards)
        self.scroller.verticalScrollBar().setValue(0)

    def return_pressed(self, event: QKeyEvent) -> None:
        if self.agree_button.isEnabled():
            super().return_pressed(event)
        else:
            self.check.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build(self, policy: Policy) -> QFrame:
        """Two columns that read down: instructions and what is done with you, then why, who, how long and what not."""
        theme = current()
        card = frame("card")
        grid = QGridLayout(card)
        grid.setContentsMargins(theme.px(22), theme.px(18), theme.px(22), theme.px(18))
        grid.setHorizontalSpacing(theme.px(36))
        made = [self._section(section) for section in sections(policy)]
        first = len(_instructions(policy)) + 2 + len(_granted(policy))
        for index, chosen in enumerate((made[:first], made[first:])):
            side = column(16)
            for section in chosen:
                side.addLayout(section)
            side.addStretch(1)
            grid.addLayout(side, 0, index)
            grid.setColumnStretch(index, 1)
        return card

    def _section(self, section: Section) -> QVBoxLayout:
        icon, heading, lines = section
        head = row(10)
        head.addWidget(IconView(self.icons, icon, "accent", 20))
        head.addWidget(label(heading, "heading"), 1)
        made = column(5)
        made.addLayout(head)
        inside = column(4)
        inside.setContentsMargins(0, 0, 0, 0)
        for line in lines:
            inside.addWidget(label(line))
        indented = row(0)
        indented.addSpacing(current().px(30))
        indented.addLayout(inside, 1)
        made.addLayout(indented)
        return made
