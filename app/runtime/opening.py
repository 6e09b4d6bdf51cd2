"""From what a candidate has in hand to the key that opens their exam: the steps, on a thread that may wait."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog

from app.core.errors import BackendError, BadInput, InvigilError
from app.core.policy import Candidate
from app.keys.carriers import Carrier, Code, KeyText, SessionToken, read_carrier
from app.keys.protected import WrongPassword, is_protected, key_subject, protected_header, unprotect
from app.keys.tokens import ConfigKey, KeyRefused, clock_sentence, read_claims_unverified, read_header
from app.keys.tries import TooManyTries, Tries
from app.keys.trust import normalised_url
from app.runtime.attempts import attempt_root, is_begun
from app.runtime.open_key import (
    Kept,
    Opened,
    admit,
    completed,
    interrupted_key,
    kept_at,
    kept_of,
    source_of,
    verified,
)
from app.runtime.options import ClientOptions
from app.runtime.trust import MachineTrust
from app.transport.key_service import UntimelyCertificate

log = structlog.get_logger()

TRIES_FILE = "password-tries.json"
_PASSWORD_CHARS_MAX = 10_000


class OpeningLeft(Exception):
    """The person went back, or the window closes; there is nothing to tell."""


class Asker(Protocol):
    """Asks the person, and waits for the answer. Each raises OpeningLeft when there will be none."""

    def password(self, problem: str, wait_s: int) -> str:
        """``problem`` says why it is asked again; for ``wait_s`` seconds no password is taken."""

    def server(self, address: str) -> bool:
        """Whether a server that nobody vouches for may be asked."""

    def issuer(self, name: str, fingerprint: str, address: str) -> bool:
        """Whether to trust an issuer of whom only this server told."""

    def candidate(self, exam: str, group: str, problem: str) -> Candidate:
        """Who takes the exam."""


class Opener:
    """Opens one key after the other. Any one thread, for up to minutes: it asks the network and the person."""

    def __init__(
        self,
        options: ClientOptions,
        machine: MachineTrust,
        ask: Asker,
        now: Callable[[], datetime] = lambda: datetime.now(tz=UTC),
    ) -> None:
        self._options = options
        self._machine = machine
        self._ask = ask
        self._now = now

    def open(self, argument: str) -> Opened:
        """The key, with a candidate. Raises InvigilError with a sentence, and OpeningLeft.

        What was interrupted goes on without asking anything again: after a crash at once, otherwise except for who
        the person is, as the next one may have the same key in hand.
        """
        self._machine.load()
        kept = kept_at(argument, self._options.data_dir)
        if kept is not None:
            return self._again(kept, kept.person)
        try:
            carrier = read_carrier(argument)
        except BadInput:
            kept = self._interrupted()
            if kept is None:
                raise
            return self._again(kept, kept.person)
        source = source_of(carrier)
        kept = kept_of(source, self._options.data_dir)
        if kept is not None and self._options.resume:
            return self._again(kept, kept.person)
        if kept is not None and self._goes_on(kept):
            return self._again(kept, self._named())
        token, backend = self._fetched(carrier)
        if is_protected(token):
            token = self._without_password(token)
        read_header(token)  # nobody is asked for what can't be a key
        self._machine.refresh(self._now())
        key, late = self._verified(token, backend)
        key, person = self._for_person(key, late, self._named())
        admit(key, late, self._options.data_dir)
        return Opened(key, source, person)

    def _interrupted(self) -> Kept | None:
        """After a crash, what it interrupted: the key's file may have gone with the stick that it was on."""
        path = interrupted_key(self._options.data_dir) if self._options.resume else None
        return None if path is None else kept_at(path, self._options.data_dir)

    def _goes_on(self, kept: Kept) -> bool:
        """Whether the kept key would open its attempt: then no server, password or list is needed."""
        try:
            key, _ = verified(kept.token, self._machine, self._now())
            if kept.person is not None:
                key = completed(key, kept.person)
            admit(key, KeyRefused(""), self._options.data_dir)
        except BadInput:
            return False
        return True

    def _again(self, kept: Kept, person: Candidate | None) -> Opened:
        key, late = verified(kept.token, self._machine, self._now())
        key, person = self._for_person(key, None, person)
        if not is_begun(attempt_root(self._options.data_dir, key.policy, key.kid)):
            self._machine.refresh(self._now())
            _, late = self._verified(kept.token, None)
        admit(key, late, self._options.data_dir)
        return Opened(key, kept.source, person)

    # ---- to the token

    def _fetched(self, carrier: Carrier) -> tuple[str, str | None]:
        """The key's text, and the backend that gave it."""
        if isinstance(carrier, KeyText):
            return carrier.token, self._options.backend
        unknown: InvigilError | None = None
        for backend in self._backends(carrier):
            service = self._machine.service(backend)
            try:
                if isinstance(carrier, Code):
                    return service.key_for_code(carrier.code), backend
                return service.key_for_session(carrier.token), backend
            except UntimelyCertificate as error:
                unknown = self._wrong_clock([backend]) or error
            except BackendError as error:
                unknown = error
            except BadInput as error:
                unknown = unknown or error
        raise unknown or BadInput(
            "This code or link does not say which exam server it is from; use the whole link, or give the server's "
            "address with --backend."
        )

    def _backends(self, carrier: Code | SessionToken) -> list[str]:
        """Which servers to ask. A link's own only where somebody vouches for it, or the person does."""
        given = [normalised_url(self._options.backend)] if self._options.backend else []
        if carrier.backend is None:
            return given or [backend.url for backend in self._machine.trust.backends]
        named = normalised_url(carrier.backend)
        if named not in given and not self._machine.vouched(named):
            if not self._machine.trust.first_use:
                raise BadInput(
                    f"Your link names the exam server {named}, which this computer's administrator has not allowed; "
                    "ask your institution, or its IT, to allow it."
                )
            if not self._ask.server(named):
                raise BadInput(f"The exam server {named} was not asked, as you decided; use another link.")
        return [named]

    def _without_password(self, token: str) -> str:
        protected_header(token)
        tries, subject = Tries(self._options.data_dir / TRIES_FILE), key_subject(token)
        given = None if self._options.password_file is None else password_in(self._options.password_file)
        problem = ""
        while True:
            password = given or self._ask.password(problem, self._wait_s(tries, subject))
            given = None
            if self._wait_s(tries, subject):
                continue
            try:
                inner = unprotect(token, password)
            except WrongPassword as error:
                tries.failed(subject, self._now())
                problem = str(error)
            else:
                tries.succeeded(subject)
                return inner

    def _wait_s(self, tries: Tries, subject: str) -> int:
        try:
            tries.check(subject, self._now())
        except TooManyTries as error:
            return max(1, math.ceil(error.wait.total_seconds()))
        return 0

    # ---- from the token to the key

    def _verified(self, token: str, backend: str | None) -> tuple[ConfigKey, KeyRefused | None]:
        if backend is not None and self._machine.trust.first_use:
            self._trust_issuer(token, backend)
        servers = [url for url in (backend, *(one.url for one in self._machine.trust.backends)) if url]
        try:
            key, late = verified(token, self._machine, self._now())
        except KeyRefused as refused:
            if _in_time(token, self._now()):
                raise
            raise (self._wrong_clock(servers) or refused) from None
        if late is not None and not _in_time(token, self._now()):
            late = self._wrong_clock(servers) or late
        return key, late or self._over_by_the_servers_clock(key)

    def _over_by_the_servers_clock(self, key: ConfigKey) -> KeyRefused | None:
        """A clock that was set makes no key valid that a pinned server, which has just answered, knows not to be."""
        now = self._now()
        told = self._machine.told_time(now)
        if told is None or key.not_before <= told < key.expires:
            return None
        sentence = clock_sentence(now, told)
        return None if sentence is None else KeyRefused(sentence)

    def _trust_issuer(self, token: str, backend: str) -> None:
        if self._machine.known().issuers.find(str(read_header(token)["kid"])) is not None:
            return
        asked = self._machine.stranger(token, backend)
        if asked is None:
            return
        if not self._ask.issuer(asked.name, asked.fingerprint, asked.backend):
            raise BadInput("The key was not opened, as you did not trust its issuer; ask your institution about it.")
        self._machine.remember(asked)

    def _wrong_clock(self, servers: list[str]) -> KeyRefused | None:
        """What to say instead of a time that is over or not yet come, where this machine's clock is what is wrong."""
        sentence = self._machine.wrong_clock(servers, self._now())
        return None if sentence is None else KeyRefused(sentence)

    def _for_person(
        self, key: ConfigKey, late: KeyRefused | None, person: Candidate | None
    ) -> tuple[ConfigKey, Candidate | None]:
        """The key with its candidate, and who that said they are. Too late, nobody is asked but the one that began."""
        candidate = key.policy.candidate
        if candidate.id:
            if person is not None and person.id != candidate.id:
                raise BadInput("This key is for another candidate than --candidate names; use the one that is theirs.")
            return key, None
        if late is not None and person is None:
            raise late
        if person is not None:
            return completed(key, person), person
        problem = ""
        while True:
            person = self._ask.candidate(key.policy.exam.title, key.audience.group, problem)
            try:
                return completed(key, person), person
            except BadInput as error:
                problem = str(error)

    def _named(self) -> Candidate | None:
        """Who the command line says that takes the exam."""
        options = self._options
        if options.candidate is None:
            return None
        return Candidate(id=options.candidate, name=options.name or "", group=options.group or "")


class NobodyToAsk:
    """Where there is no window: every question ends the opening with its sentence."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def password(self, problem: str, wait_s: int) -> str:
        raise InvigilError(self.sentence)

    def server(self, address: str) -> bool:
        raise InvigilError(self.sentence)

    def issuer(self, name: str, fingerprint: str, address: str) -> bool:
        raise InvigilError(self.sentence)

    def candidate(self, exam: str, group: str, problem: str) -> Candidate:
        raise InvigilError(self.sentence)


def machine_trust(options: ClientOptions) -> MachineTrust:
    return MachineTrust(options.trust, options.data_dir / "trust")


def password_in(path: Path) -> str:
    """The first line of a file. Raises BadInput."""
    try:
        with path.open(encoding="utf-8") as file:
            password = file.readline(_PASSWORD_CHARS_MAX).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The password file {path} can't be read; give a text file.") from error
    if not password:
        raise BadInput(f"The password file {path} begins with an empty line; write the key's password there.")
    return password


def _in_time(token: str, now: datetime) -> bool:
    """By the token's own word; what has no times is judged by its other faults."""
    try:
        claims = read_claims_unverified(token)
    except KeyRefused:
        return True
    begin, end = claims.get("nbf"), claims.get("exp")
    return not isinstance(begin, int) or not isinstance(end, int) or begin <= now.timestamp() < end
