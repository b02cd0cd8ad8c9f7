"""The table fault × provider × verb: what may go wrong, where, and what must come of it.

Written from design.md, not from bot/domain/reactions: ``test_fault_table.py`` drives the real bot through every row and compares,
and docs/reliability.md shows the same rows to people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from bot.domain.model import State
from bot.providers import domo, salesforce
from bot.sandbox.standins import Fault, FaultKind
from tests.sandbox.standin_world import DOMO_MODEL, FIND_EMAIL

QUEUED, STARTING, RUNNING = State.QUEUED.word, State.STARTING.word, State.RUNNING.word
ATTENTION, IN_DOUBT = State.NEEDS_ATTENTION.word, State.IN_DOUBT.word
SUCCEEDED, FAILED, CANCELLED, ENDED = State.SUCCEEDED.word, State.FAILED.word, State.CANCELLED.word, State.ENDED.word
CANCEL_ASKED, NOT_CANCELLED = "Cancel asked", "Not cancelled"
DO_NOT_LAUNCH = "do not launch it again"
NONE_FOUND = "does not prove that it never ran"
DECIDE = "by the buttons on the card"
RUN_S = 120.0
LATE_S = 40.0


class Means(Enum):
    """What a fault does to the call that it befalls."""

    WAITS = "it says that it did nothing, and to come back"
    UNHEARD = "it did nothing, and nobody can tell"
    UNHEARD_DONE = "it did it, and nobody can tell"
    REPEATED = "nobody can tell, again and again"
    LATE = "it does it later, and nobody can tell"
    EXPIRED = "it no longer accepts the session or credential, once"
    SCOPE = "it refuses the credential the scope"
    CLOSED = "nobody listens there"


class Answer(StrEnum):
    """What the bot makes of the call's outcome, as people may read it."""

    FINE = "mended at once: nobody notices"
    BUSY = "not done, wait"
    NOT_SENT = "not done, nothing arrived"
    POSSIBLY = "perhaps done"
    UNTOLD = "no answer"
    UNAUTHORISED = "not done, not allowed"


@dataclass(frozen=True, kw_only=True)
class Mishap:
    """One fault. Without ``fault`` nobody listens at the provider's address. ``only`` limits it to one provider."""

    name: str
    means: Means
    fault: Fault | None = None
    times: int = 1
    only: str | None = None

    @property
    def is_cut(self) -> bool:
        return self.fault is not None and self.fault.kind is FaultKind.DROP

    @property
    def is_hang(self) -> bool:
        return self.fault is not None and self.fault.kind is FaultKind.HANG

    @property
    def is_redirect(self) -> bool:
        return self.fault is not None and self.fault.kind is FaultKind.REDIRECT

    @property
    def is_lost(self) -> bool:
        return self.means in {Means.UNHEARD, Means.UNHEARD_DONE, Means.LATE}


def _unheard() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for status in (500, 502, 503):
        yield str(status), {"kind": FaultKind.STATUS, "status": status}
    yield "no answer in time", {"kind": FaultKind.HANG}
    yield "connection cut", {"kind": FaultKind.DROP}
    yield "garbage", {"kind": FaultKind.GARBAGE}
    yield "a web page under 200", {"kind": FaultKind.HTML}
    yield "half an answer", {"kind": FaultKind.TRUNCATED}
    yield "an enormous answer", {"kind": FaultKind.ENORMOUS, "size_bytes": 6_000_000}
    yield "a redirect", {"kind": FaultKind.REDIRECT}


def _status(status: int, retry_after_s: float | None = None) -> Fault:
    return Fault(kind=FaultKind.STATUS, status=status, retry_after_s=retry_after_s)


BEFORE = tuple(Mishap(name=name, means=Means.UNHEARD, fault=Fault(**facts)) for name, facts in _unheard())
AFTER = tuple(Mishap(name=name, means=Means.UNHEARD_DONE, fault=Fault(**facts, is_applied=True)) for name, facts in _unheard())
WAITING = (
    Mishap(name="429 with Retry-After", means=Means.WAITS, fault=_status(429, 30)),
    Mishap(name="429 without", means=Means.WAITS, fault=_status(429)),
    Mishap(name="Salesforce's 403 REQUEST_LIMIT_EXCEEDED", means=Means.WAITS, fault=_status(403), only="salesforce"),
)
CREDENTIAL = (
    Mishap(name="session or credential expired once", means=Means.EXPIRED, fault=Fault(kind=FaultKind.EXPIRE)),
    Mishap(name="scope refused", means=Means.SCOPE, fault=Fault(kind=FaultKind.REFUSE_SCOPE)),
)
CLOSED = Mishap(name="connection refused", means=Means.CLOSED)
LATE = Mishap(name="cut, and done later", means=Means.LATE, fault=Fault(kind=FaultKind.LATE, delay_s=LATE_S))
NEVER_AGAIN = Mishap(name="503, every time", means=Means.REPEATED, fault=_status(503), times=99)
OUTAGE = Mishap(name="503, six times running", means=Means.REPEATED, fault=_status(503), times=6)

MISHAPS: Mapping[str, tuple[Mishap, ...]] = {
    "start": (*WAITING, *BEFORE, *AFTER, LATE, *CREDENTIAL, CLOSED),
    "login": (*WAITING, *BEFORE, *AFTER, *CREDENTIAL),
    "track": (*WAITING, *BEFORE, OUTAGE, *CREDENTIAL, CLOSED),
    "cancel": (*WAITING, *BEFORE, *AFTER, *CREDENTIAL, CLOSED),
    "find": (*WAITING, *BEFORE, NEVER_AGAIN, *CREDENTIAL, CLOSED),
    "catalogue": (*WAITING, *BEFORE, *CREDENTIAL, CLOSED),
    "describe": (*WAITING, *BEFORE, *CREDENTIAL, CLOSED),
}


class Rule(StrEnum):
    """What settles a lost start (design.md, section 8)."""

    KEY = "the same start is sent again under its key"
    NAME = "the run that carries the launch id is looked up"
    CIRCUMSTANCES = "the one run of that time, workflow and user is looked up"
    WHILE_IT_RUNS = "the one running run of that time and record is looked up"
    RECORD = "the record that carries the launch id is looked up"
    NOBODY = "only people can settle it"


@dataclass(frozen=True, kw_only=True, eq=False)
class Setup:
    """One provider as a connection has it: what is launched there, how that ends, and by which rule a lost start is settled."""

    key: str
    provider: str
    rule: Rule
    verbs: tuple[str, ...]
    launch: Mapping[str, Any]
    credential: Mapping[str, str]
    tracked: Mapping[str, Any] | None = None
    options: Any = None
    end: str = SUCCEEDED
    ends_at_once: bool = False
    scope: str | None = None
    label: str = ""

    @property
    def has_login(self) -> bool:
        return "client_id" in self.credential

    def launched(self, verb: str) -> Mapping[str, Any]:
        """What to launch for a row of this verb: tracking needs a run that lasts."""
        return self.tracked if verb == "track" and self.tracked is not None else self.launch


_STEP: Mapping[str, Any] = {"step_uid": "11111111-1111-4111-8111-111111111111", "accounts": [], "parameters": {}}
_FLOW = {"workflow_id": "Escalate_to_Case", "inputs": {"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"}}
_APP = {"client_id": "SF_CLIENT_ID", "client_secret": "SF_CLIENT_SECRET"}
_RECORD = salesforce.Options(correlation=salesforce.Correlation(input="RequestId", object="Case", field="Request_Id__c"))

SETUPS = (
    Setup(
        key="zuora",
        provider="zuora",
        rule=Rule.KEY,
        verbs=("login", "start", "track", "cancel", "catalogue", "describe"),
        launch={"workflow_id": "396", "inputs": {"accountId": "4028905f5a87c0ff015a87d25ae90025"}},
        credential={"client_id": "ZUORA_CLIENT_ID", "client_secret": "ZUORA_CLIENT_SECRET"},
        scope="Workflow Run Access",
    ),
    Setup(
        key="captain_data",
        provider="captain_data",
        rule=Rule.NAME,
        verbs=("start", "find", "track", "catalogue", "describe"),
        launch={"workflow_id": FIND_EMAIL, "inputs": {"company_name": "Analytical Engines"}, "extras": {"steps": [_STEP]}},
        credential={"api_key": "CAPTAIN_DATA_KEY", "project_id": "CAPTAIN_DATA_PROJECT"},
    ),
    Setup(
        key="domo",
        provider="domo",
        rule=Rule.CIRCUMSTANCES,
        verbs=("start", "find", "track", "cancel", "catalogue", "describe"),
        launch={
            "workflow_id": DOMO_MODEL,
            "inputs": {"parameter1": 13, "parameter2": 7},
            "extras": {"version": "0.0.1", "message_name": "Start MyWorkflow"},
        },
        credential={"developer_token": "DOMO_TOKEN"},
        options=domo.Options(undocumented_reads=True),
        scope="EXECUTE",
    ),
    Setup(
        key="bitrix24",
        provider="bitrix24",
        rule=Rule.WHILE_IT_RUNS,
        verbs=("start", "find", "track", "cancel"),
        launch={"workflow_id": "713", "inputs": {"entityType": "deal", "entityId": 5141}},
        credential={"api_key": "BITRIX24_API_KEY"},
        end=ENDED,
        scope="bizproc",
    ),
    Setup(
        key="salesforce",
        provider="salesforce",
        rule=Rule.NOBODY,
        verbs=("login", "start", "track", "catalogue", "describe"),
        launch=_FLOW,
        tracked={"workflow_id": "Renewal_Reminder", "inputs": {}},
        credential=_APP,
        ends_at_once=True,
        scope="Run Flows",
        label="without correlation",
    ),
    Setup(
        key="salesforce_correlated",
        provider="salesforce",
        rule=Rule.RECORD,
        verbs=("start", "find"),
        launch=_FLOW,
        credential=_APP,
        options=_RECORD,
        ends_at_once=True,
        scope="Run Flows",
        label="with correlation",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must come of a row: the state words of the thread in order (repeated ones once), runs, and what the thread must say."""

    answer: Answer
    words: tuple[str, ...] = ()
    runs: int = 1
    says: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault at one provider while one verb is under way."""

    setup: Setup
    verb: str
    mishap: Mishap

    @property
    def known_fault(self) -> str | None:
        """Why the bot does not do what the table says, where that is so."""
        return next((why for why, is_of in KNOWN_FAULTS.items() if is_of(self)), None)

    @property
    def name(self) -> str:
        when = {Means.UNHEARD: " before", Means.UNHEARD_DONE: " after"}.get(self.mishap.means, "")
        return f"{self.setup.key}-{self.verb}-{self.mishap.name}{when}".replace(" ", "_")

    @property
    def expected(self) -> Expected:
        """What design.md wants."""
        return _EXPECTED[self.verb](self.setup, self.mishap)


def rows() -> tuple[Row, ...]:
    """The whole table."""
    return tuple(
        Row(setup=setup, verb=verb, mishap=mishap)
        for setup in SETUPS
        for verb in setup.verbs
        for mishap in MISHAPS[verb]
        if mishap.only in {None, setup.provider}
    )


def _kind(mishap: Mishap) -> FaultKind | None:
    return mishap.fault.kind if mishap.fault is not None else None


KNOWN_FAULTS: Mapping[str, Callable[[Row], bool]] = {}
"""What the bot does not do yet although the table says so, and the rows that it holds for."""


def _start(setup: Setup, mishap: Mishap) -> Expected:
    well = (setup.end,) if setup.ends_at_once else (RUNNING, setup.end)
    if mishap.is_lost:
        return _lost_start(setup, well, is_there=mishap.means is not Means.UNHEARD)
    if mishap.means is Means.WAITS:
        return Expected(answer=Answer.BUSY, words=(QUEUED, *well))
    if mishap.means is Means.CLOSED:
        return Expected(answer=Answer.NOT_SENT, words=(QUEUED, *well))
    if mishap.means is Means.EXPIRED and setup.has_login:
        return Expected(answer=Answer.FINE, words=well)
    scope = (setup.scope,) if setup.scope is not None and mishap.means is Means.SCOPE else ()
    return Expected(answer=Answer.UNAUTHORISED, words=(FAILED,), runs=0, says=scope)


def _lost_start(setup: Setup, well: tuple[str, ...], *, is_there: bool) -> Expected:
    if setup.rule is Rule.KEY:
        return Expected(answer=Answer.POSSIBLY, words=(STARTING, *well), says=(DO_NOT_LAUNCH,))
    if setup.rule is Rule.NOBODY:
        return Expected(answer=Answer.POSSIBLY, words=(IN_DOUBT,), runs=int(is_there), says=(DO_NOT_LAUNCH,))
    if is_there:
        return Expected(answer=Answer.POSSIBLY, words=(IN_DOUBT, *well), says=(DO_NOT_LAUNCH,))
    return Expected(answer=Answer.POSSIBLY, words=(IN_DOUBT,), runs=0, says=(DO_NOT_LAUNCH, NONE_FOUND))


def _login(setup: Setup, mishap: Mishap) -> Expected:
    well = (setup.end,) if setup.ends_at_once else (RUNNING, setup.end)
    if mishap.means is Means.WAITS:
        return Expected(answer=Answer.BUSY, words=(QUEUED, *well))
    if mishap.means in {Means.UNHEARD, Means.UNHEARD_DONE}:
        return Expected(answer=Answer.NOT_SENT, words=(QUEUED, *well))
    return Expected(answer=Answer.UNAUTHORISED, words=(FAILED,), runs=0)


def _find(setup: Setup, mishap: Mishap) -> Expected:
    """The start was done and its answer lost; then the first look-up meets the mishap."""
    if mishap.means is Means.REPEATED:
        return Expected(answer=Answer.UNTOLD, words=(IN_DOUBT,), says=(DO_NOT_LAUNCH, DECIDE))
    well = (setup.end,) if setup.ends_at_once else (RUNNING, setup.end)
    return Expected(answer=_read_answer(setup, mishap), words=(IN_DOUBT, *well), says=(DO_NOT_LAUNCH,))


def _track(setup: Setup, mishap: Mishap) -> Expected:
    end = ENDED if setup.tracked is not None else setup.end
    well, told = (RUNNING, end), (RUNNING, ATTENTION, RUNNING, end)
    if mishap.means is Means.REPEATED:
        return Expected(answer=Answer.UNTOLD, words=(RUNNING, ATTENTION, end))
    answer = _read_answer(setup, mishap)
    return Expected(answer=answer, words=told if answer is Answer.UNAUTHORISED else well)


def _cancel(setup: Setup, mishap: Mishap) -> Expected:
    """Bitrix24 answers a stop without a body, so half of it is all of it."""
    asked = (RUNNING, CANCEL_ASKED)
    is_whole = setup.key == "bitrix24" and mishap.means is Means.UNHEARD_DONE and _kind(mishap) is FaultKind.TRUNCATED
    if is_whole or (mishap.means is Means.EXPIRED and setup.has_login):
        return Expected(answer=Answer.FINE, words=(*asked, CANCELLED))
    if mishap.means in {Means.EXPIRED, Means.SCOPE}:
        return Expected(answer=Answer.UNAUTHORISED, words=(*asked, NOT_CANCELLED, setup.end))
    answers = {Means.WAITS: Answer.BUSY, Means.CLOSED: Answer.NOT_SENT}
    return Expected(answer=answers.get(mishap.means, Answer.POSSIBLY), words=(*asked, CANCELLED))


def _read(setup: Setup, mishap: Mishap) -> Expected:
    return Expected(answer=_read_answer(setup, mishap), runs=0)


def _read_answer(setup: Setup, mishap: Mishap) -> Answer:
    """A read may be sent again without harm: a cut connection and an old session are mended before anybody notices."""
    if mishap.is_cut or (mishap.means is Means.EXPIRED and setup.has_login):
        return Answer.FINE
    answers = {Means.WAITS: Answer.BUSY, Means.EXPIRED: Answer.UNAUTHORISED, Means.SCOPE: Answer.UNAUTHORISED}
    return answers.get(mishap.means, Answer.UNTOLD)


_EXPECTED: Mapping[str, Callable[[Setup, Mishap], Expected]] = {
    "start": _start,
    "login": _login,
    "find": _find,
    "track": _track,
    "cancel": _cancel,
    "catalogue": _read,
    "describe": _read,
}
