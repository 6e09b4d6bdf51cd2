"""Whether a manifest looks as an unchanged client would have written it. Pure; findings for people, never a verdict.

Client and manifest are in the candidate's hands: a changed client can write what an unchanged one would. So nothing here
proves anything either way, and each finding comes with what explains it innocently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.backend import plausible_time
from app.backend.plausible_time import NOT_SEEN, Span, longest_left, words
from app.core.lockdown import wanted_watchers
from app.core.policy import Accessibility, Exam, Lockdown, Policy, Upload
from app.core.types import NS_PER_S, Entry, EntryKind, Json, Stream

SILENT_AFTER_NS = 180 * NS_PER_S
"""The client says once a minute that it watches."""
UNRECORDED_AFTER_NS = 120 * NS_PER_S
ALWAYS_FAILED_FROM = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """``weight`` 0..1: how rarely an unchanged client on a usual computer leaves this. ``entries``: numbers in the manifest."""

    what: str
    sentence: str
    innocent: str
    weight: float
    entries: tuple[int, ...] = ()


@dataclass(slots=True)
class Session:
    """One run of the client: its own entry (None where there is none) and what it said afterwards."""

    number: int
    entry: Entry | None = None
    watching: list[Entry] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    """When the exam was watched, by the client's own phases."""

    @property
    def body(self) -> Mapping[str, Json]:
        return {} if self.entry is None else self.entry.body

    @property
    def build(self) -> Mapping[str, Json]:
        return _object(self.body.get("build"))


def findings(entries: Sequence[Entry], known_builds: Mapping[str, str]) -> list[Finding]:
    """The heaviest first. ``known_builds``: version by hash; empty means that none are known, so none is unknown.

    Any body of an entry is survived.
    """
    sessions = sessions_of(entries)
    found = [
        *_builds(sessions, known_builds),
        *_silence(sessions, entries),
        *_watchers(sessions),
        *_recordings(sessions, entries),
        *_events(entries),
        *(Finding(*each) for each in plausible_time.disorder(entries)),
    ]
    return sorted(found, key=lambda each: -each.weight)


def sessions_of(entries: Sequence[Entry]) -> list[Session]:
    """In the order of the manifest."""
    made: dict[int, Session] = {}
    for entry in entries:
        if entry.kind is EntryKind.SESSION:
            session = made.setdefault(number := _int(entry.body.get("session")), Session(number))
            session.entry = entry
        elif entry.body.get("event") == "watching" and entry.kind is EntryKind.EVENT and made:
            made[next(reversed(made))].watching.append(entry)
    for number, spans in plausible_time.watched(entries).items():
        made.setdefault(number, Session(number)).spans = spans
    return list(made.values())


# ---- which program wrote it


def _builds(sessions: Sequence[Session], known: Mapping[str, str]) -> Iterator[Finding]:
    before: Mapping[str, Json] = {}
    for session in sessions:
        seq = _seqs(session.entry)
        digest, version = str(session.build.get("hash") or ""), str(session.build.get("version") or "")
        if not digest:
            yield Finding(
                "build_missing",
                f"Session {session.number} does not say which build of the client it was.",
                "Clients before this was introduced don't, and one whose files could not be read can't.",
                0.4,
                seq,
            )
            continue
        if known and digest not in known:
            yield Finding(
                "build_unknown",
                f"Session {session.number} was written by a build that is not among the known ones ({digest[:16]}…).",
                "A newer release, a build for another system, or one that somebody made of the published source.",
                0.5,
                seq,
            )
        elif known and known[digest] != version:
            yield Finding(
                "build_version",
                f"Session {session.number} calls itself version {version}, but its build is known as {known[digest]}.",
                "The list of known builds may be wrong.",
                0.6,
                seq,
            )
        if before and before.get("hash") != digest:
            updated = before.get("version") != version
            yield Finding(
                "build_changed",
                f"Session {session.number} was written by another build than the session before.",
                "The client was updated meanwhile." if updated else "The client was installed anew meanwhile.",
                0.3 if updated else 0.6,
                seq,
            )
        before = session.build


# ---- whether it watched


def _silence(sessions: Sequence[Session], entries: Sequence[Entry]) -> Iterator[Finding]:
    excused = plausible_time.not_running(entries)
    for session in sessions:
        signs = [Span(each.at.utc_ns, each.at.utc_ns) for each in session.watching]
        longest_ns = max((longest_left(span, signs, excused) for span in session.spans), default=0)
        if longest_ns > SILENT_AFTER_NS:
            yield Finding(
                "watching_missing",
                f"In session {session.number} the client did not say for {words(longest_ns)} that it watches, "
                "though the exam ran.",
                "A computer that was asleep or very busy can't say it.",
                0.6,
                _seqs(session.entry),
            )


def _watchers(sessions: Sequence[Session]) -> Iterator[Finding]:
    for session in sessions:
        if session.watching:
            yield from _of_watchers(session, asked_for(session.body))


def _of_watchers(session: Session, asked: Sequence[str]) -> Iterator[Finding]:
    last = session.watching[-1]
    polls = {name: _polls(told) for name, told in _object(last.body.get("watchers")).items()}
    admitted = set(_texts(last.body.get("missing")))
    seq, where = (last.seq,), f"in session {session.number}"
    never = [name for name in asked if not polls.get(name, (0, 0))[0] and name not in admitted]
    if never:
        yield Finding(
            "watcher_never_polled",
            f"The key asks to watch {_list(never)}; {where} that was neither done nor said to be impossible.",
            "None is known for this client; a version of its own may name its watchers differently.",
            0.7,
            seq,
        )
    if lacking := [name for name in asked if name in admitted]:
        yield Finding(
            "watcher_missing",
            f"The key asks to watch {_list(lacking)}; {where} the computer could not.",
            "Not every system can watch everything; the session's entry says why.",
            0.1,
            seq,
        )
    if failed := [name for name, (looks, failures) in polls.items() if failures == looks >= ALWAYS_FAILED_FROM]:
        yield Finding(
            "watcher_failed",
            f"Watching {_list(failed)} failed each time {where}.",
            "A service of the system was not running.",
            0.3,
            seq,
        )
    if still := sorted(_stood_still(session.watching)):
        yield Finding(
            "watcher_stood_still",
            f"Watching {_list(still)} stood still for a minute or more {where}.",
            "A computer that hangs looks the same.",
            0.4,
            seq,
        )


def _stood_still(watching: Sequence[Entry]) -> set[str]:
    still: set[str] = set()
    before: dict[str, int] = {}
    for entry in watching:
        for name, told in _object(entry.body.get("watchers")).items():
            looks, _ = _polls(told)
            if before.get(name, -1) >= looks:
                still.add(name)
            before[name] = looks
    return still


def asked_for(session_body: Mapping[str, Json]) -> tuple[str, ...]:
    """The watchers that the recorded policy asks for; empty where it can't be read."""
    policy = _object(session_body.get("policy"))
    lockdown, granted = _object(policy.get("lockdown")), _object(policy.get("accessibility"))
    if not lockdown:
        return ()
    return wanted_watchers(
        Policy(
            exam=Exam(id="", title="", start_url=""),
            upload=Upload(endpoint="", token="", exam_id=""),
            lockdown=Lockdown(
                kiosk=lockdown.get("kiosk") is True,
                grab_keyboard=lockdown.get("grab_keyboard") is True,
                single_monitor=lockdown.get("single_monitor") is True,
                clipboard=lockdown.get("clipboard") is True,
                watch_windows=lockdown.get("watch_windows") is True,
                watch_devices=lockdown.get("watch_devices") is True,
                watch_machine=lockdown.get("watch_machine") is True,
                quit_always=lockdown.get("quit_always") is True,
                denied_processes=_texts(lockdown.get("denied_processes")),
                capture_tools=_texts(lockdown.get("capture_tools")),
            ),
            accessibility=Accessibility(
                screen_reader=granted.get("screen_reader") is True,
                assistive_programs=_texts(granted.get("assistive_programs")),
            ),
        )
    )


# ---- whether it recorded


def _recordings(sessions: Sequence[Session], entries: Sequence[Entry]) -> Iterator[Finding]:
    media = plausible_time.media(entries)
    excused = plausible_time.not_running(entries)
    for session in sessions:
        capture = _object(_object(session.body.get("policy")).get("capture"))
        for stream in (Stream.CAMERA, Stream.MICROPHONE, Stream.SCREEN):
            if capture.get(stream.value) is not True:
                continue
            known = media.get(stream.value, [])
            longest_ns = max((longest_left(span, known, excused) for span in session.spans), default=0)
            if longest_ns > UNRECORDED_AFTER_NS:
                yield Finding(
                    "recording_missing",
                    f"In session {session.number} the {stream.value} left neither a recording nor a gap for "
                    f"{words(longest_ns)}, though the key asks for it and the exam ran.",
                    "A disk that takes nothing can look the same.",
                    0.6,
                    _seqs(session.entry),
                )


# ---- what it said of itself


def _events(entries: Sequence[Entry]) -> Iterator[Finding]:
    unguarded = [e.seq for e in entries if e.kind is EntryKind.EVENT and e.body.get("event") == "unguarded"]
    if unguarded:
        yield Finding(
            "unguarded",
            "The client ran without its guardian, which gives the machine back and tells of stops.",
            "Somebody started it by hand for a trial.",
            0.3,
            tuple(unguarded),
        )
    dropped = [e for e in entries if e.kind is EntryKind.EVENT and _int(e.body.get("dropped")) > 0]
    if dropped:
        yield Finding(
            "observations_dropped",
            f"The client dropped {max(_int(e.body.get('dropped')) for e in dropped)} observations that it had no time for.",
            "The computer was too slow or very busy.",
            0.2,
            (dropped[-1].seq,),
        )


# ---- reading any JSON


def _object(value: object) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _int(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _polls(told: Json) -> tuple[int, int]:
    """Polls, and how many of them failed."""
    body = _object(told)
    return _int(body.get("polls")), _int(body.get("failures"))


def _seqs(entry: Entry | None) -> tuple[int, ...]:
    return () if entry is None else (entry.seq,)


def _list(names: Iterable[str]) -> str:
    return ", ".join(NOT_SEEN.get(name, name) for name in names)
