"""What each setting of a policy is called and what it does: for docs/policy.md, the JSON Schema and the key editor.

A label is a few words without a full stop, a meaning one or two sentences for a proctor who reads no code. What this
client does not do yet is not said here but in ``core.abilities``, so that it is said wherever it matters.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import get_type_hints

from app.core.policy import Policy, Response, RuleSetting


@dataclass(frozen=True, slots=True)
class Setting:
    label: str
    meaning: str


SECRETS = frozenset({"upload.token", "lockdown.unlock_password"})
"""Settings that are not shown unless they are asked for."""


def _table(*rows: tuple[str, str, str]) -> dict[str, Setting]:
    return {path: Setting(label, meaning) for path, label, meaning in rows}


def paths() -> list[str]:
    """Every field of a policy in its order; then those of a rule, where ``*`` stands for an evidence code."""
    hints = get_type_hints(Policy)
    found = [f"{group.name}.{field.name}" for group in fields(Policy) for field in fields(hints[group.name])]
    return [*found, *(f"detection.rules.*.{field.name}" for field in fields(RuleSetting))]


GROUPS = _table(
    ("exam", "Exam", "Which exam it is, where its page is, and how long it takes."),
    ("candidate", "Candidate", "Who takes it. Left out, the key is for everybody and the person is asked."),
    ("identity", "Identity", "How the candidate shows who they are, before the exam and during it."),
    ("lockdown", "Lockdown", "What the machine may not do while the exam runs."),
    ("browser", "Browser", "Which pages may be opened, and what they may do."),
    ("capture", "Recording", "Which devices are watched and recorded, and how finely."),
    ("detection", "Detection", "What is judged in pictures and sound."),
    ("evidence", "Evidence", "What is kept of the recordings."),
    ("upload", "Delivery", "Where evidence is sent, and which recordings are."),
    ("live", "Live proctoring", "The line to a proctor while the exam runs."),
    ("privacy", "Privacy", "What the candidate is told before agreeing."),
    ("score", "Trust score", "How much each kind of violation weighs."),
    ("accessibility", "Accommodations", "What this candidate is granted."),
)

SETTINGS = _table(
    ("exam.id", "Exam number", "The exam's name in the institution's system; newer keys for it carry the same."),
    ("exam.title", "Title", "What the candidate sees above the exam."),
    ("exam.start_url", "Start page", "The page that opens first: https, or http on this machine itself."),
    ("exam.duration_min", "Duration in minutes", "Until the client ends the exam; without it the page alone keeps the time."),
    ("exam.instructions", "Instructions", "Text that the candidate reads before agreeing to the exam; each line is a paragraph."),
    ("exam.message", "Message", "A sentence for the candidate, shown in the exam; a newer key changes it while the exam runs."),
    ("exam.client_id", "Client number", "The institution's number in the system that made the key; kept with the evidence."),
    ("exam.exit_url", "Page after the exam", "Opens once the exam is handed in."),
    ("exam.allow_fallback", "Start although something is missing", "What this client can't do on this machine becomes a warning in the system check; otherwise it keeps the exam from starting. Missing devices always do."),
    ("candidate.id", "Candidate number", "The candidate's name in the institution's system. Empty: the person is asked for it."),
    ("candidate.name", "Name", "The candidate's name as people write it."),
    ("candidate.email", "E-mail address", "For the report only; the client sends no mail."),
    ("candidate.group", "Group", "Class or group. Without a candidate number the key is for everybody in it."),
    ("candidate.attempt_number", "Attempt", "Which try at this exam it is; another number is a new attempt."),
    ("identity.photo", "Photo", "A photo of the candidate is taken before the exam."),
    ("identity.id_document", "Identity document", "A picture of the candidate's identity document is taken before the exam."),
    ("identity.reference_photo_url", "Reference photo", "Address of a picture of the candidate, to compare faces with."),
    ("identity.face_check", "Face check", "Before the exam the photo is compared with the reference photo, or with the one on the document."),
    ("identity.ongoing", "Ongoing face check", "While the exam runs, the person in front of the camera is compared with the photo."),
    ("identity.room_inspection", "Room inspection", "The candidate shows the room with the camera: `recorded` for later, `live` to a proctor."),
    ("identity.authorization", "Admission by a proctor", "The exam begins when a proctor has admitted the candidate."),
    ("lockdown.kiosk", "Full screen", "The exam fills the screen and stays in front."),
    ("lockdown.grab_keyboard", "Block key combinations", "Key combinations that leave the exam are swallowed."),
    ("lockdown.single_monitor", "One monitor only", "A second monitor keeps the exam from starting and is reported while it runs. Off: monitors are not watched, rule 5007 included."),
    ("lockdown.keep_awake", "Keep the machine awake", "The machine does not fall asleep and shows no screen saver."),
    ("lockdown.clipboard", "Isolate the clipboard", "The clipboard is emptied before and after the exam, and its use by other programs is reported. Needs *Full screen*; left alone where Quit works at any time."),
    ("lockdown.watch_windows", "Watch windows", "Windows of other programs over the exam are reported: rule 5122."),
    ("lockdown.watch_devices", "Watch devices", "Devices that are plugged in or out are reported: rule 5117."),
    ("lockdown.watch_machine", "Judge the machine", "Signs of a virtual machine, remote control or a virtual camera are gathered and weighed: rules 5110, 5112 and 5113. No single sign decides."),
    ("lockdown.denied_processes", "Programs that may not run", "Names of programs, or `sha256:` and the hash of a program's file; one that runs keeps the exam from starting and is reported while it runs."),
    ("lockdown.allowed_programs", "Programs that may show windows", "Names of programs whose windows over the exam are no violation."),
    ("lockdown.allowed_signers", "Trusted publishers", "Publishers whose signed programs are never denied, on systems where programs are signed."),
    ("lockdown.capture_tools", "Allowed capture tools", "Names of programs that may record the screen: they are never denied, may show windows, and content is not protected from them."),
    ("lockdown.kill_processes", "End programs that do not close", "Where a rule closes programs: what does not close when it is asked is ended, and may lose unsaved work."),
    ("lockdown.content_protect", "Protect content", "The exam's window is left out of screenshots and of other programs' recordings, where the system can do so."),
    ("lockdown.separate_desktop", "Desktop of its own", "On Windows the exam gets a desktop of its own, which other programs can't reach. Other systems do without."),
    ("lockdown.hold_release", "A held exam goes on", "`cause_gone`: when the cause is gone and the candidate continues, or by password or proctor. `proctor`: by password or proctor only."),
    ("lockdown.unlock_password", "Unlock password", "Lets a held exam go on. Kept as a hash (`invigil key unlock-password`), which whoever has the key can try to guess: take a long one."),
    ("lockdown.restart_client", "Start again after a crash", "After a crash the exam goes on by itself; otherwise the candidate starts it again."),
    ("lockdown.refuse_mobile", "No phones or tablets", "The exam can't be taken on a phone or tablet. This client runs on neither."),
    ("lockdown.quit_always", "Quit at any time", "A Quit button and Ctrl+Alt+Shift+Q end the exam: for practice only."),
    ("browser.allow", "Allowed addresses", "Addresses that may be opened, in Safe Exam Browser's simplified syntax; the start page's origin always may."),
    ("browser.block", "Blocked addresses", "Addresses that may not be opened, stronger than the allowed ones."),
    ("browser.new_windows", "New windows", "What becomes of links that want a new window: `block` opens nothing, `same_window` opens them in the exam's."),
    ("browser.user_agent_suffix", "User agent suffix", "Added to the browser's user agent, so that the exam server knows the client."),
    ("browser.page_api_origins", "Origins with the page API", "Origins besides the start page's that may use the page API."),
    ("browser.container_id", "Container element", "Id of the page's element in which the client shows itself."),
    ("browser.verification_position", "Place of the photo dialog", "Where on the page the photo is taken."),
    ("browser.id_position", "Place of the document dialog", "Where on the page the identity document is taken."),
    ("browser.live_camera_position", "Place of the camera picture", "Where on the page the candidate sees themselves."),
    ("capture.camera", "Camera", "The camera is watched and recorded."),
    ("capture.microphone", "Microphone", "The microphone is listened to and recorded."),
    ("capture.screen", "Screen", "The screen is recorded."),
    ("capture.second_camera", "Second camera", "A second camera, for the room or the desk, is recorded."),
    ("capture.second_microphone", "Second microphone", "A second microphone is recorded."),
    ("capture.second_microphone_label", "Second microphone's name", "Regular expression; only a device whose name contains a match may be the second microphone."),
    ("capture.allow_file_sources", "Files in place of devices", "`file:PATH` may stand in for a device: for demonstrations and tests, never in a real exam."),
    ("capture.camera_width_px", "Camera width", "Largest width of the camera's pictures, in pixels."),
    ("capture.camera_height_px", "Camera height", "Largest height of the camera's pictures, in pixels."),
    ("capture.camera_fps", "Camera pictures a second", "More of them are smoother, and more to store and to send."),
    ("capture.screen_fps", "Screen pictures a second", "More of them are smoother, and more to store and to send."),
    ("capture.screen_max_width_px", "Screen width", "Wider screens are scaled down to this many pixels."),
    ("capture.segment_s", "Seconds in a file", "Length of one recorded file, which is also how much a crash can cost at most."),
    ("capture.start_timeout_s", "Wait for devices", "Seconds that a device may take in the system check to give its first picture or sound."),
    ("detection.enabled", "Judge pictures and sound", "Pictures and sound are judged on the device. Rules that need neither, such as leaving the window, go on without it."),
    ("detection.sensitivity", "Sensitivity", "Moves dwell times and thresholds of all rules that set none of their own."),
    ("detection.faces_per_second", "Pictures judged a second", "How many camera pictures a second are searched for faces."),
    ("detection.objects", "Look for objects", "The camera's pictures are searched for things such as phones and books."),
    ("detection.object_categories", "Objects to look for", "Names of things, from the list under *Objects*."),
    ("detection.server", "Detection by the backend", "The backend judges the recordings too: `after` the exam, or `live` while they arrive."),
    ("detection.rules", "Rules", "Settings of single rules by evidence code: see *Rules*."),
    ("evidence.mode", "Keep", "`snapshots` keeps single pictures, `clips` what lies around violations, `continuous` everything."),
    ("evidence.pre_roll_s", "Seconds before", "Seconds kept before a violation."),
    ("evidence.post_roll_s", "Seconds after", "Seconds kept after a violation."),
    ("evidence.quota_mb", "Space on the disk", "Megabytes on the candidate's disk that evidence may take."),
    ("evidence.keep_after_upload", "Keep local copies", "Local copies stay after the server acknowledged them."),
    ("upload.endpoint", "Backend", "The backend's address: https, or http on this machine itself."),
    ("upload.token", "Token", "Bearer token for the backend; it should be allowed to deliver to this one exam, nothing else."),
    ("upload.exam_id", "Exam number at the backend", "The exam's id at the backend."),
    ("upload.camera", "Send the camera's recording", "Off: the camera is judged on the device, and nothing of its recording leaves it or is kept."),
    ("upload.microphone", "Send the microphone's recording", "Off: sound is judged on the device, and nothing of its recording leaves it or is kept."),
    ("upload.screen", "Send the screen's recording", "Off: nothing of the screen's recording leaves the device or is kept."),
    ("upload.second_camera", "Send the second camera's recording", "Off: nothing of the second camera's recording leaves the device or is kept."),
    ("upload.second_microphone", "Send the second microphone's recording", "Off: nothing of the second microphone's recording leaves the device or is kept."),
    ("upload.file_name_prefix", "File name prefix", "What the names of files at the backend begin with."),
    ("upload.path_prefix", "Folder", "Folder for the files at the backend, such as `exams/2026`."),
    ("upload.connection_timeout_s", "Wait for the backend", "Seconds without an answer after which a request to the backend is given up and tried again later."),
    ("upload.offline_limit_min", "Minutes without network", "How long the network may be away before the exam ends; without it there is no limit, and everything is delivered later."),
    ("live.endpoint", "Address", "The backend's address for the line to a proctor: https or wss, or http or ws on this machine itself. Newer keys come over it."),
    ("live.mode", "Streams", "`recorded` keeps evidence only, `live` shows the streams to a proctor, `combo` does both."),
    ("live.room_id", "Room", "The proctor's room that the candidate is in."),
    ("live.chat", "Chat", "Candidate and proctor can write to each other."),
    ("live.pause_resume", "Pause and resume", "A proctor can pause the exam and let it go on."),
    ("live.initial_state", "State at the start", "`paused`: the exam waits until a proctor lets it run."),
    ("live.end_test", "End by a proctor", "A proctor can end the exam."),
    ("live.auto_acknowledge", "Acknowledge by itself", "The client acknowledges pause, resume and end; otherwise the exam's page does."),
    ("privacy.institution", "Institution", "Who is responsible for the data: shown in the consent."),
    ("privacy.contact", "Contact", "Whom the candidate can ask: shown in the consent."),
    ("privacy.purpose", "Purpose", "What the data is for: shown in the consent."),
    ("privacy.viewers", "Who sees it", "Who sees the data: shown in the consent."),
    ("privacy.retention_days", "Days until deletion", "After how many days the backend's operator deletes the data, which it does not do by itself: shown in the consent."),
    ("score.weights", "Weights", "Trust points by evidence code, in the place of the built-in ones."),
    ("accessibility.extra_time_min", "Extra minutes", "Minutes that this candidate has beyond the exam's duration."),
    ("accessibility.extra_time_percent", "Extra time in percent", "Share of the exam's duration that this candidate has beyond it; added to the extra minutes."),
    ("accessibility.screen_reader", "Screen reader", "Its voice is in the room, so sound, speech and a second voice are no violation."),
    ("accessibility.looking_away", "Looking away is permitted", "Looking away is no violation."),
    ("accessibility.second_person", "Second person is permitted", "An assistant may be there: a second face, speech and a second voice are no violation."),
    ("accessibility.reading_aloud", "Reading aloud is permitted", "Speech is no violation; other sound still is."),
    ("accessibility.assistive_programs", "Assistive programs", "Names of programs that may run although they are denied."),
    ("detection.rules.*.enabled", "Apply", "The rule is applied."),
    ("detection.rules.*.dwell_s", "Dwell", "For how many seconds a signal has to be there before it is a violation."),
    ("detection.rules.*.release_s", "Release", "For how many seconds it has to be gone before the violation ends."),
    ("detection.rules.*.merge_s", "Merge", "Violations closer together than these seconds are one."),
    ("detection.rules.*.cooldown_s", "Cool-down", "After its end, no new one begins for these seconds."),
    ("detection.rules.*.threshold", "Threshold", "In the rule's own unit: see *Rules*. A rule without a unit there takes none."),
    ("detection.rules.*.severity", "Severity", "0 is for information, 1 the gravest."),
    ("detection.rules.*.response", "Response", "What follows a violation: see *Responses*."),
)  # fmt: skip
"""By path, in the policy's order."""

THRESHOLDS: dict[int, str] = {
    5002: "least certainty of a face",
    5004: "dB above the background",
    5007: "monitors allowed",
    5101: "degrees of gaze to the side",
    5102: "least likeness to the enrolled face",
    5106: "probability of speech",
    5110: "score; without it, where a virtual camera is likely",
    5112: "score; without it, where remote control is likely",
    5113: "score; without it, where a virtual machine is likely",
}
"""What a rule's threshold is, by evidence code; the other rules have none."""

RESPONSES: dict[Response, Setting] = {
    "ignore": Setting("Ignore", "Nothing, and there is no violation: as if the rule were switched off."),
    "record": Setting("Record", "It is written down; the candidate is told nothing while the exam runs."),
    "warn": Setting("Warn", "It is written down, and the candidate is told."),
    "hold": Setting("Hold", "The exam is held on a lock screen, which says why and what to do: see `lockdown.hold_release`."),
    "close": Setting("Close", "The program is asked to close; while it stays, the exam is held."),
    "end": Setting("End", "The exam ends, and what was recorded is handed in."),
}  # fmt: skip
"""What follows a violation, the mildest first."""
