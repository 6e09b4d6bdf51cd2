"""From what a candidate has in hand to the key of their exam: what is fetched, asked, refused and remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import BackendError, BadInput, InvigilError
from app.core.policy import Candidate
from app.core.session import Phase, State
from app.core.short_codes import new_code
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuers, fingerprint
from app.keys.jwks import to_jwks
from app.keys.protected import protect
from app.keys.revocation import Revoked, make_list
from app.keys.tokens import issue, read_claims_unverified
from app.runtime.attempts import open_attempt
from app.runtime.open_key import Opened, interrupted_key, keep_key
from app.runtime.opening import NobodyToAsk, Opener, OpeningLeft
from app.runtime.options import ClientOptions
from app.runtime.trust import MachineTrust
from app.transport.key_service import KeyService
from tests.fakes.policies import small_policy
from tests.fakes.scripted_server import Answer, ScriptedServer
from tests.fakes.sentences import is_one_sentence
from tests.fakes.sources import ManualClock
from tests.fakes.tls import make_certificate, server_context

UNIVERSITY = Issuer.create("Example University")
STRANGER = Issuer.create("Example College")
CODE = new_code(lambda n: 4711 % n)
NAMED = "https://proctor.example.org"
LINK = f"invigil://code/{CODE}?backend={NAMED}"
SESSION = f"invigil://session/s_0123456789?backend={NAMED}"
PASSWORD = "correct horse"
ME = Candidate(id="c-1", name="Sample Candidate")


def token(issuer: Issuer = UNIVERSITY, *, days: float = 1, ago_days: float = 0, **fields: Json) -> str:
    """Issued that many days ago, and good for ``days`` from then on."""
    now = datetime.now(UTC) - timedelta(days=ago_days)
    return issue(
        small_policy(**fields), issuer, now=now, not_before=now, expires=now + timedelta(days=days), serial=1,
        min_client="0.1.0",
    )  # fmt: skip


def for_everybody(group: str = "") -> str:
    return token(candidate={"group": group} if group else {})


class Person:
    """Answers what is asked with what the test gave; asked for more, they go back."""

    def __init__(self, *answers: str | bool | Candidate) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[object, ...]] = []

    def _answer(self, *question: object) -> str | bool | Candidate:
        self.asked.append(question)
        if not self._answers:
            raise OpeningLeft
        return self._answers.pop(0)

    def password(self, problem: str, wait_s: int) -> str:
        return str(self._answer("password", problem, wait_s))

    def server(self, address: str) -> bool:
        return self._answer("server", address) is True

    def issuer(self, name: str, fingerprint: str, address: str) -> bool:
        return self._answer("issuer", name, fingerprint, address) is True

    def candidate(self, exam: str, group: str, problem: str) -> Candidate:
        answer = self._answer("candidate", exam, group, problem)
        assert isinstance(answer, Candidate)
        return answer


class Machine:
    """One computer: IT's list, the user's folder, its clock, and where the names of servers lead."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.list = folder / "machine" / "issuers.json"
        self.data = folder / "data"
        self.ahead = timedelta()
        self.servers: dict[str, str] = {}
        self.ca_file: Path | None = None
        self.pins: list[str] = []
        self.options = ClientOptions(None, self.data, self.data / "restore.jsonl")
        self.trusts(UNIVERSITY)

    def trusts(self, *issuers: Issuer, backends: tuple[str, ...] = (), **fields: Json) -> None:
        """What IT writes down."""
        data: dict[str, Json] = {"issuers": [issuer.public().to_json() for issuer in issuers]}
        data["backends"] = [{"url": url, "name": "Example University"} for url in backends]
        self.list.parent.mkdir(exist_ok=True)
        self.list.write_text(json.dumps(data | fields), encoding="utf-8")

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def service(self, url: str, pin: str, limit_s: float) -> KeyService:
        self.pins.append(pin)
        return KeyService(self.servers.get(url, url), ca_file=self.ca_file, limit_s=limit_s)

    def open(self, argument: str | Path, *answers: str | bool | Candidate, **options: Any) -> Opened:
        return self.open_as(Person(*answers), argument, **options)

    def open_as(self, person: Person | NobodyToAsk, argument: str | Path, **options: Any) -> Opened:
        chosen = replace(self.options, **options)
        trust = MachineTrust((), self.data / "trust", self.service)
        return Opener(chosen, trust, person, self.now).open(str(argument))

    def refusal(self, argument: str | Path, *answers: str | bool | Candidate, **options: Any) -> str:
        with pytest.raises(InvigilError) as refused:
            self.open(argument, *answers, **options)
        assert is_one_sentence(str(refused.value))
        return str(refused.value)

    def begin(self, opened: Opened, phase: Phase = Phase.RUNNING) -> Path:
        """As a client does that then dies."""
        attempt = open_attempt(self.data, opened.key.policy, opened.key.kid, ManualClock().now())
        attempt.save_state(State(phase))
        keep_key(attempt.root, opened)
        attempt.store.close()
        return attempt.root

    def file(self, text: str, name: str = "exam.invigil") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="ascii")
        return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr("app.runtime.trust.machine_trust_paths", lambda: [made.list])
    monkeypatch.setattr("app.runtime.trust.user_trust_paths", list)
    return made


@pytest.fixture
def server(machine: Machine) -> Iterator[ScriptedServer]:
    """The exam server that links name; it gives out a key for the code and for the session."""
    answers = {f"/v1/keys/codes/{CODE}": Answer(body={"key": token()})}
    answers["/v1/sessions/exchange"] = Answer(body={"key": token()})
    with ScriptedServer(Answer(404), by_path=answers) as running:
        machine.servers[NAMED] = running.url
        yield running


def publish(server: ScriptedServer, *issuers: Issuer, lists: tuple[str, ...] = ()) -> None:
    """What the server says of issuers and revoked keys from now on."""
    keys = to_jwks(TrustedIssuers.of(issuer.public() for issuer in issuers))
    server.by_path["/.well-known/jwks.json"] = Answer(body=keys)
    server.by_path["/v1/keys/revocations"] = Answer(body={"lists": list(lists)})


def paths(server: ScriptedServer) -> list[str]:
    return [heard.path for heard in server.heard]


# ---- codes and sessions


def test_a_key_that_names_its_candidate_opens_without_a_question(machine: Machine) -> None:
    opened = machine.open(machine.file(token()))
    assert opened.key.policy.candidate.id == "s1234"
    assert opened.person is None


@pytest.mark.parametrize("argument", [LINK, SESSION])
def test_a_link_of_a_pinned_server_is_fetched_there(machine: Machine, server: ScriptedServer, argument: str) -> None:
    publish(server, UNIVERSITY)
    machine.trusts(backends=(NAMED,))
    assert machine.open(argument).key.issuer_name == "Example University"


def test_a_bare_code_is_asked_of_the_pinned_servers_in_turn(machine: Machine, server: ScriptedServer) -> None:
    with ScriptedServer(Answer(404)) as other:
        machine.servers["https://other.example.org"] = other.url
        machine.trusts(UNIVERSITY, backends=("https://other.example.org", NAMED))
        publish(server, UNIVERSITY)
        assert machine.open(CODE.lower()).key.kid == UNIVERSITY.kid
        assert f"/v1/keys/codes/{CODE}" in paths(other)


def test_a_server_given_on_the_command_line_is_asked(machine: Machine, server: ScriptedServer) -> None:
    assert machine.open(CODE, backend=NAMED + "/").key.kid == UNIVERSITY.kid
    assert machine.open(LINK, backend=NAMED).key.kid == UNIVERSITY.kid


def test_a_code_without_any_server_to_ask_is_explained(machine: Machine) -> None:
    assert "--backend" in machine.refusal(CODE)


def test_a_code_that_no_server_knows_is_refused_and_a_silent_server_is_named(machine: Machine) -> None:
    with ScriptedServer(Answer(404)) as server:
        machine.servers[NAMED] = server.url
        assert "does not know this code" in machine.refusal(CODE, backend=NAMED)
    with pytest.raises(BackendError, match="can't be reached"):
        machine.open(CODE, backend=NAMED)


def test_a_server_that_nobody_vouches_for_is_not_even_asked(machine: Machine, server: ScriptedServer) -> None:
    assert "administrator has not allowed" in machine.refusal(LINK)
    machine.trusts(UNIVERSITY, first_use=True)
    assert "as you decided" in machine.refusal(LINK, False)
    assert server.heard == []


def test_where_it_allows_it_the_person_may_let_a_server_be_asked(machine: Machine, server: ScriptedServer) -> None:
    machine.trusts(UNIVERSITY, first_use=True)
    person = Person(True)
    assert machine.open_as(person, LINK).key.kid == UNIVERSITY.kid
    assert person.asked == [("server", NAMED)]


def test_the_pin_of_a_server_is_used(machine: Machine, server: ScriptedServer) -> None:
    publish(server, UNIVERSITY)
    pinned: Json = [{"url": NAMED, "name": "Example University", "certificate_sha256": "AB:" * 31 + "CD"}]
    data = json.loads(machine.list.read_text(encoding="utf-8"))
    machine.list.write_text(json.dumps(data | {"backends": pinned}), encoding="utf-8")
    machine.open(LINK)
    assert set(machine.pins) == {"ab" * 31 + "cd"}


# ---- whom to trust


def test_an_issuer_of_the_server_is_trusted_once_the_person_compared_its_fingerprint(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.trusts(first_use=True)
    publish(server, UNIVERSITY)
    person = Person(True, True)
    assert machine.open_as(person, LINK).key.kid == UNIVERSITY.kid
    assert person.asked[1] == ("issuer", "Example University", fingerprint(UNIVERSITY.kid), NAMED)
    again = Person(True)
    machine.open_as(again, LINK)
    assert again.asked == [("server", NAMED)]


def test_whoever_does_not_trust_the_issuer_opens_nothing_and_is_asked_again(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.trusts(first_use=True)
    publish(server, UNIVERSITY)
    assert "did not trust" in machine.refusal(LINK, True, False)
    assert "did not trust" in machine.refusal(LINK, True, False)


def test_without_it_s_leave_nobody_is_asked_about_an_issuer(machine: Machine, server: ScriptedServer) -> None:
    machine.trusts()
    publish(server, UNIVERSITY)
    assert "does not trust" in machine.refusal(LINK, backend=NAMED)


def test_the_issuers_of_a_pinned_server_are_remembered_while_it_can_t_be_asked(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.trusts(backends=(NAMED,), offline_grace_hours=48)
    publish(server, UNIVERSITY)
    key = machine.file(token(days=9))
    machine.open(key)
    server.by_path.clear()
    machine.ahead = timedelta(hours=40)
    assert machine.open(key).key.kid == UNIVERSITY.kid
    machine.ahead = timedelta(hours=50)
    assert "could not ask since" in machine.refusal(key)


def test_a_key_that_was_revoked_opens_nothing_more(machine: Machine, server: ScriptedServer) -> None:
    machine.trusts(UNIVERSITY, backends=(NAMED,))
    publish(server, UNIVERSITY)
    key = token()
    machine.open(key)
    now = datetime.now(UTC)
    revoked = Revoked(now, jti=str(read_claims_unverified(key)["jti"]), reason="lost")
    publish(server, UNIVERSITY, lists=(make_list([revoked], UNIVERSITY, now=now, serial=2),))
    assert "revoked" in machine.refusal(key)


# ---- passwords


def test_a_protected_key_asks_for_its_password_and_says_what_was_wrong(machine: Machine) -> None:
    person = Person("wrong", PASSWORD)
    opened = machine.open_as(person, protect(token(), PASSWORD))
    assert opened.key.policy.candidate.id == "s1234"
    [first, second] = person.asked
    assert first == ("password", "", 0)
    assert second[0] == "password"
    assert "wrong" in str(second[1])


def test_after_five_wrong_passwords_none_is_looked_at_for_a_minute(machine: Machine) -> None:
    key = protect(token(), PASSWORD)
    person = Person(*["wrong"] * 5, PASSWORD)
    with pytest.raises(OpeningLeft):
        machine.open_as(person, key)
    waits = [question[2] for question in person.asked]
    assert waits[:5] == [0] * 5
    assert all(58 <= int(str(wait)) <= 60 for wait in waits[5:])
    assert len(waits) == 7
    machine.ahead = timedelta(seconds=61)
    assert machine.open(key, PASSWORD).key.kid == UNIVERSITY.kid


def test_a_password_comes_from_a_file_and_a_wrong_one_there_is_asked_for(machine: Machine) -> None:
    key = protect(token(), PASSWORD)
    good, bad = machine.file(f"{PASSWORD}\nmore\n", "good"), machine.file("nonsense\n", "bad")
    assert machine.open(key, password_file=good).key.kid == UNIVERSITY.kid
    person = Person(PASSWORD)
    machine.open_as(person, key, password_file=bad)
    assert "wrong" in str(person.asked[0][1])
    assert "can't be read" in machine.refusal(key, password_file=machine.folder / "none")
    assert "empty line" in machine.refusal(key, password_file=machine.file("\n", "empty"))


def test_nobody_is_asked_for_the_password_of_what_is_no_key(machine: Machine) -> None:
    assert "not" in machine.refusal("eyJhbGciOiJkaXIifQ.a.a.a.a")


# ---- who takes the exam


def test_a_key_for_everybody_asks_who_takes_the_exam(machine: Machine) -> None:
    person = Person(ME)
    opened = machine.open_as(person, for_everybody())
    assert opened.key.policy.candidate == ME
    assert opened.person == ME
    assert person.asked == [("candidate", "Algebra I", "", "")]


def test_a_key_for_a_group_puts_the_candidate_into_it(machine: Machine) -> None:
    person = Person(ME)
    opened = machine.open_as(person, for_everybody("B-2"))
    assert opened.key.policy.candidate == replace(ME, group="B-2")
    assert person.asked[0][2] == "B-2"


def test_a_name_that_no_policy_takes_is_asked_for_again_with_the_reason(machine: Machine) -> None:
    person = Person(replace(ME, name="x" * 501), ME)
    assert machine.open_as(person, for_everybody()).person == ME
    assert "candidate.name" in str(person.asked[1][3])


def test_the_command_line_names_the_candidate(machine: Machine) -> None:
    opened = machine.open(for_everybody(), candidate="c-1", name="Sample Candidate", group="A")
    assert opened.key.policy.candidate == replace(ME, group="A")
    group = for_everybody("B-2")
    assert "B-2" in machine.refusal(group, candidate="c-1", name="Sample Candidate", group="A")
    assert "another candidate" in machine.refusal(token(), candidate="c-1", name="Sample Candidate")
    assert machine.open(token(), candidate="s1234", name="X").key.policy.candidate.name == "Sample Candidate"


# ---- times


def test_an_expired_key_is_refused_without_asking_anything(machine: Machine) -> None:
    machine.ahead = timedelta(days=3)
    assert "expired" in machine.refusal(for_everybody())


def test_a_wrong_clock_is_told_with_the_server_s_time(machine: Machine, server: ScriptedServer) -> None:
    machine.trusts(UNIVERSITY, backends=(NAMED,))
    publish(server, UNIVERSITY)
    key = token()
    for ahead in (timedelta(days=3), timedelta(days=-3)):
        machine.ahead = ahead
        assert "set this computer's clock" in machine.refusal(key)
    machine.ahead = timedelta()
    assert "expired" in machine.refusal(token(ago_days=2))


def test_setting_the_clock_does_not_help_a_key_that_is_over_or_not_yet_valid(
    machine: Machine, server: ScriptedServer
) -> None:
    over, early = token(ago_days=2), token(ago_days=-2)
    machine.ahead = timedelta(days=-1.5)
    machine.open(over)  # nobody is there to ask
    machine.trusts(UNIVERSITY, backends=(NAMED,))
    publish(server, UNIVERSITY)
    assert "set this computer's clock" in machine.refusal(over)
    machine.ahead = timedelta(days=2.5)
    assert "set this computer's clock" in machine.refusal(early)


def test_an_exam_that_goes_on_is_not_ended_by_the_servers_clock(machine: Machine, server: ScriptedServer) -> None:
    key = token(ago_days=2)
    machine.ahead = timedelta(days=-1.5)
    machine.begin(machine.open(key))
    machine.trusts(UNIVERSITY, backends=(NAMED,))
    publish(server, UNIVERSITY)
    assert machine.open(key).key.token == key
    assert machine.open(key, resume=True).key.token == key


def test_a_certificate_out_of_its_time_is_told_as_a_wrong_clock_where_it_is_one(
    machine: Machine, tmp_path: Path
) -> None:
    machine.ca_file = tmp_path / "server.pem"
    make_certificate(machine.ca_file, timedelta(days=8), timedelta(days=9))
    with ScriptedServer(Answer(), tls=server_context(machine.ca_file)) as server:
        machine.servers[NAMED] = server.url
        assert "no valid certificate" in machine.refusal(CODE, backend=NAMED)
        machine.ahead = timedelta(days=-8)
        assert "set this computer's clock" in machine.refusal(CODE, backend=NAMED)


# ---- going on


def test_after_a_crash_nothing_is_asked_or_fetched_again(machine: Machine, server: ScriptedServer) -> None:
    server.by_path[f"/v1/keys/codes/{CODE}"] = Answer(body={"key": protect(for_everybody(), PASSWORD)})
    opened = machine.open(CODE, PASSWORD, ME, backend=NAMED)
    machine.begin(opened, Phase.CONSENTED)
    server.by_path.clear()
    asked = len(server.heard)
    again = machine.open_as(Person(), CODE, backend=NAMED, resume=True)
    assert again == opened
    assert len(server.heard) == asked


def test_an_interrupted_exam_goes_on_with_its_code_though_the_server_is_away_and_the_key_has_expired(
    machine: Machine, server: ScriptedServer
) -> None:
    opened = machine.open(CODE, backend=NAMED)
    machine.begin(opened)
    server.by_path.clear()
    machine.ahead = timedelta(days=30)
    assert machine.open(CODE, backend=NAMED).key.policy == opened.key.policy


def test_an_interrupted_exam_goes_on_though_nothing_was_heard_of_revocations_for_long(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.trusts(UNIVERSITY, backends=(NAMED,))
    publish(server, UNIVERSITY)
    key = machine.file(token(days=90))
    machine.begin(machine.open(key))
    server.by_path.clear()
    machine.ahead = timedelta(days=20)
    assert machine.open(key).key.kid == UNIVERSITY.kid
    assert "could not ask since" in machine.refusal(token(days=90, candidate__id="other"))


def test_with_a_key_for_everybody_the_next_person_does_not_land_in_the_last_one_s_exam(machine: Machine) -> None:
    key = machine.file(protect(for_everybody(), PASSWORD))
    machine.begin(machine.open(key, PASSWORD, ME))
    other = replace(ME, id="c-2", name="Other")
    person = Person(other)
    assert machine.open_as(person, key).key.policy.candidate == other
    assert [question[0] for question in person.asked] == ["candidate"]
    assert machine.open(key, ME).key.policy.candidate == ME


def test_an_expired_key_for_everybody_opens_the_exam_of_the_one_who_began_it_alone(machine: Machine) -> None:
    key = machine.file(for_everybody())
    machine.begin(machine.open(key, ME))
    machine.ahead = timedelta(days=3)
    assert machine.open(key, ME).person == ME
    assert "expired" in machine.refusal(key, replace(ME, id="c-2"))


def test_without_any_key_the_interrupted_exam_goes_on_as_the_same_person(machine: Machine) -> None:
    machine.begin(machine.open(protect(for_everybody(), PASSWORD), PASSWORD, ME))
    found = interrupted_key(machine.data)
    assert found is not None
    assert machine.open(found).person == ME


def test_a_key_file_that_went_with_its_stick_is_not_needed_after_a_crash(machine: Machine) -> None:
    path = machine.file(token())
    machine.begin(machine.open(path))
    path.unlink()
    assert machine.open(path, resume=True).key.policy.candidate.id == "s1234"
    assert "No such file" in machine.refusal(path)


def test_what_is_kept_but_was_altered_opens_nothing(machine: Machine) -> None:
    root = machine.begin(machine.open(machine.file(token())))
    machine.trusts(STRANGER)
    (root / "opened.json").write_text("{", encoding="ascii")
    assert "does not trust" in machine.refusal(root / "key.invigil")


def test_where_there_is_no_window_a_question_ends_the_opening(machine: Machine) -> None:
    nobody = NobodyToAsk("There is no display.")
    assert machine.open_as(nobody, token()).key.kid == UNIVERSITY.kid
    for key in (for_everybody(), protect(token(), PASSWORD)):
        with pytest.raises(InvigilError, match="no display"):
            machine.open_as(nobody, key)
    with pytest.raises(BadInput, match="trust"):
        machine.open_as(nobody, token(STRANGER))
