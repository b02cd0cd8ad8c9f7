"""The contract between the house and a provider file.

A provider is a translator, not a client: a verb *yields* calls, receives replies, and *returns* an answer. One gateway does the
sending, so a verb reads like I/O, is pure, and a test drives it with ``.send(Reply(...))``. Answers are instructions: each
type says
what the caller does next.

What a gateway does around a verb (bot/gateways/http.py), so that no provider repeats it:

- asks ``sign`` for what proves who we are and adds it last: a ``Call`` never holds a secret;
- runs ``login`` when there is no session yet, or when ``is_session_over(reply)``: once, then sends that same call again
  (a rejected credential means that nothing was applied);
- answers ``Unreachable`` itself when the network fails: ``is_possibly_applied`` is true when the call in flight ``changes``
something
  and may have arrived. A provider answers ``Unreachable`` for a reply that proves nothing (5xx, unreadable body);
- marks a ``Refused`` that is not the provider's answer to the call itself (``is_answer``).
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, TypeAlias, TypeVar

from bot.domain.holdings import WHOLE
from bot.domain.model import NOTHING, Connection, Json, Launch, Problem, Workflow


@dataclass(frozen=True)
class Secret:
    """A value that never shows: ``repr`` and ``str`` are stars. ``reveal`` is called in gateways only."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def as_bearer(self) -> Secret:
        """The value as an ``Authorization`` header carries it."""
        return Secret(f"Bearer {self._value}")

    def after(self, words: str) -> Secret:
        """The value behind ``words``, as some providers want it in a header."""
        return Secret(f"{words}{self._value}")

    def starts_with(self, prefix: str) -> bool:
        """Whether it is of the kind that ``prefix`` marks; keys of some providers say so openly."""
        return self._value.startswith(prefix)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return "****"

    def __repr__(self) -> str:
        return "Secret(****)"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One HTTP request as plain values, without what proves who we are.

    ``path`` starts with a slash and is appended to the connection's base URL. ``json`` and ``form`` exclude each other; with
    neither
    there is no body. ``is_login`` marks the call that fetches a session: it is signed with the credential, not with the session.
    ``is_question`` marks one that changes nothing although its method could: only probes and searches make such.
    ``sent_before``: it must not leave later, since who sends it may have been paused, and another have taken over.
    """

    method: str
    path: str
    headers: Mapping[str, str] = NOTHING
    query: Mapping[str, str] = NOTHING
    json: Json = None
    form: Mapping[str, str] | None = None
    is_login: bool = False
    is_question: bool = False
    sent_before: datetime | None = field(default=None, compare=False)

    @property
    def changes(self) -> bool:
        """True when this call may cause something at the provider."""
        return self.method not in {"GET", "HEAD"} and not self.is_login and not self.is_question


UNREADABLE: Any = object()
"""What ``Reply.json()`` gives for a body that is no JSON."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One HTTP response as plain values; header names in lower case."""

    status: int
    headers: Mapping[str, str] = NOTHING
    body: str = ""

    @cached_property
    def _parsed(self) -> Json:
        """Parsed once: a verb may ask several times, and a body may be megabytes."""
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ArithmeticError, ValueError, RecursionError):  # arithmetic: an exponent beyond what Decimal holds
            return UNREADABLE

    def json(self) -> Json:
        """The body as JSON, numbers with a point as ``Decimal``; ``UNREADABLE`` when it is none."""
        return self._parsed

    def object(self) -> Mapping[str, Json]:
        """The body as a JSON object; empty when it is something else."""
        value: Mapping[str, Json] | None = self.json()
        return value if isinstance(value, dict) else NOTHING

    @property
    def is_page(self) -> bool:
        """True for a web page: what a proxy or a balancer says in the provider's place."""
        return self.body.lstrip().startswith("<")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What proves who we are, added to a call by the gateway: headers, and form fields of a login call."""

    headers: Mapping[str, Secret] = NOTHING
    form: Mapping[str, Secret] = NOTHING


@dataclass(frozen=True, kw_only=True)
class Session:
    """A token that a login brought. ``lives_s``: seconds until it is better renewed; None: until a call is refused."""

    token: Secret
    lives_s: float | None = None


class Outcome(StrEnum):
    """How a run ended. ENDED: the provider says that it no longer runs and does not tell how it went."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The start was taken: track it. ``version`` is the workflow version that runs, where the provider tells."""

    run_id: str
    provider_status: str | None = None
    version: str | None = None
    outputs: Mapping[str, Json] = NOTHING


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The run goes on: ask again later. ``attention`` says why people must look (paused there), None when all is well.

    ``progress`` is a short plain phrase for people (``3 of 4 tasks done``).
    """

    provider_status: str | None = None
    attention: str | None = None
    progress: str | None = None


@dataclass(frozen=True, kw_only=True)
class Completed:
    """The run is over: close the launch. ``detail`` is what the provider said about it; ``code`` its error word, if any."""

    outcome: Outcome
    run_id: str | None = None
    provider_status: str | None = None
    outputs: Mapping[str, Json] = NOTHING
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Not applied, and the same call would be refused again: tell the requester.

    ``code`` is the provider's own error word (or ``HTTP 404``), ``meaning`` our plain sentence for it, ``detail`` the
    provider's text. ``is_answer``: False where it is not what the provider said to that very call, but to a login before it, or
    what a proxy said, or our own word that nothing was sent. It then tells nothing of an earlier send of the same call.
    """

    code: str
    meaning: str
    detail: str | None = None
    is_answer: bool = True


@dataclass(frozen=True, kw_only=True)
class Unauthorised:
    """Not applied: the credential is not accepted or lacks a scope.

    The operators' turn; ``scope`` in the provider's own spelling. ``held_as``: the scope of ``Provider.scopes`` under which the
    mirror keeps it, where that is another word; ``is_of_workflow``: it is missing on this workflow, not on the whole credential.
    """

    code: str
    meaning: str
    scope: str | None = None
    detail: str | None = None
    held_as: str | None = None
    is_of_workflow: bool = False


@dataclass(frozen=True, kw_only=True)
class Busy:
    """Not applied: send the same later, after ``retry_after_s`` seconds where the provider named them."""

    code: str
    meaning: str
    retry_after_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Unreachable:
    """No readable answer. ``is_possibly_applied``: the provider may have done it all the same."""

    is_possibly_applied: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """The provider took the wish to stop: go on tracking until it says that the run stopped."""

    provider_status: str | None = None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The workflows that the credential may see; ``inputs`` of each may be None (ask ``describe``)."""

    workflows: tuple[Workflow, ...]


@dataclass(frozen=True, kw_only=True)
class Described:
    """One workflow with its inputs."""

    workflow: Workflow


@dataclass(frozen=True, kw_only=True)
class FoundRecord:
    """One record that a workflow can be started on. ``record_id`` is what the input takes; ``title`` what people call it."""

    record_id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class FoundRecords:
    """The records that fit what was searched for, as many as a person can choose from."""

    records: tuple[FoundRecord, ...]


@dataclass(frozen=True, kw_only=True)
class ScopeSeen:
    """What a probe learnt of one scope: held (True), missing (False), not to be learnt by this probe (None).

    ``evidence`` is a sentence: which call said so, and how. ``workflow_id`` is set where the provider answers per workflow.
    """

    scope: str
    is_held: bool | None
    evidence: str
    workflow_id: str = WHOLE


@dataclass(frozen=True, kw_only=True)
class Held:
    """The credential works, and holds these scopes as far as could be asked. ``identity``: whose it is, where that is told.

    ``is_complete``: of a scope that is told per workflow, every workflow that it is held for was told.
    """

    scopes: tuple[ScopeSeen, ...] = ()
    identity: str | None = None
    is_complete: bool = False

    def of(self, scope: str, workflow_id: str = WHOLE) -> bool | None:
        """Whether this scope is held; None also where nothing was learnt of it."""
        return next((seen.is_held for seen in self.scopes if (seen.scope, seen.workflow_id) == (scope, workflow_id)), None)


@dataclass(frozen=True, kw_only=True)
class LoggedIn:
    """A login brought a session."""

    session: Session


@dataclass(frozen=True, kw_only=True)
class Unsupported:
    """The provider has no such verb; ``meaning`` says so to people."""

    meaning: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A run that may be the one whose start was lost. ``started_at`` is the provider's own text.

    ``outcome`` is set where finding it already tells how it ended (then there is nothing to track).
    """

    run_id: str
    provider_status: str | None = None
    started_at: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What a look-up brought: every run that may be ours. None does not prove that it never ran.

    ``doubt`` says, in a sentence for people, why even a single candidate is not certain to be ours (None: it fits in every way
    that can be asked): it is not adopted then, and people decide. It also tells of runs that may be ours and could not be told
    apart, which are then no candidates. ``unverified``: what could not be asked of a single candidate that is adopted all the same,
    and is told with it.
    """

    candidates: tuple[Candidate, ...]
    doubt: str | None = None
    unverified: str | None = None


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The run that a person named exists and is one of this workflow."""

    run_id: str
    provider_status: str | None = None


@dataclass(frozen=True, kw_only=True)
class Denied:
    """The provider does not know that run, or it is one of another workflow; ``meaning`` says which."""

    meaning: str


@dataclass(frozen=True, kw_only=True)
class Unverifiable:
    """The provider cannot tell about that run any more; ``meaning`` says why. The person's word stands, and says so."""

    meaning: str


@dataclass(frozen=True, kw_only=True)
class TrackedMany:
    """How many runs stand, by run id, as far as lists told. A run that is not in it is asked about by itself: nothing is known of it.

    So whoever answers for a run that a list lacks must be as sure of it as ``track`` would be. ``more``: the exchange that goes on,
    as with the next page, so that what is known is recorded before the rest is asked; None where that is all.
    """

    answers: Mapping[str, TrackAnswer] = NOTHING
    more: Exchange[TrackedMany] | None = field(default=None, repr=False, compare=False)


Trouble: TypeAlias = Refused | Unauthorised | Busy | Unreachable
StartAnswer: TypeAlias = Accepted | Completed | Trouble
TrackAnswer: TypeAlias = Observed | Completed | Trouble
CancelAnswer: TypeAlias = Stopping | Completed | Unsupported | Trouble
CatalogueAnswer: TypeAlias = Listed | Unsupported | Trouble
DescribeAnswer: TypeAlias = Described | Unsupported | Trouble
ProbeAnswer: TypeAlias = Held | Unsupported | Trouble
RecordsAnswer: TypeAlias = FoundRecords | Unsupported | Trouble
LoginAnswer: TypeAlias = LoggedIn | Trouble
FindAnswer: TypeAlias = Matches | Unsupported | Trouble
ConfirmAnswer: TypeAlias = Confirmed | Denied | Unverifiable | Trouble
Answer: TypeAlias = (
    StartAnswer
    | TrackAnswer
    | TrackedMany
    | CancelAnswer
    | CatalogueAnswer
    | DescribeAnswer
    | ProbeAnswer
    | LoginAnswer
    | FindAnswer
    | ConfirmAnswer
)

AnswerT = TypeVar("AnswerT")
Exchange: TypeAlias = Generator[Call, Reply, AnswerT]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One documented exchange of the provider: test, stand-in and documentation at once.

    ``verb`` is start, track, track_many, cancel, catalogue, describe, probe, find, confirm or login. ``call`` is the call that the verb
    yields last, ``reply``
    what the document says comes back, ``answer`` what that means. ``launch`` is the launch (or the workflow id in it) that
    the verb is
    driven with, and ``connection`` its connection. ``is_documented``: printed there as such; else put together from its
    description.
    ``before`` are replies to calls that come before ``call`` in the same exchange. ``run_id`` is what a person named, for confirm.
    ``others`` are the launches that are asked about together with ``launch``, for track_many.
    """

    name: str
    verb: str
    source: str
    call: Call
    reply: Reply
    answer: Answer
    launch: Launch | None = None
    connection: Connection | None = None
    is_documented: bool = True
    before: tuple[Reply, ...] = ()
    run_id: str | None = None
    others: tuple[Launch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One access right in the provider's own spelling: which verbs it allows, what it is, and where that stands.

    ``asked_by`` says in a sentence how the credential can be asked whether it holds it, or that it cannot.
    """

    name: str
    allows: tuple[str, ...]
    meaning: str
    source: str
    asked_by: str = "It cannot be asked: only a refusal tells."


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often to ask about a run, in seconds: first after ``first_s``, growing to ``most_s``. ``source``: who advises it."""

    first_s: float
    most_s: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """How many calls a minute may be spent on asking about runs, over one connection. ``source``: whose limit that is a part of.

    Starts and stops are not counted: what the provider allows beyond this is theirs.
    """

    calls_a_minute: float
    source: str


class Provider:
    """Base of every provider file. Optional verbs default to the cautious answer.

    Subclasses set the facts and override the verbs that their system has. Verbs never raise on what a provider sends.
    """

    name: ClassVar[str]
    """What configuration calls it (``zuora``)."""
    title: ClassVar[str]
    """What people call it (``Zuora Workflow``)."""
    documents: ClassVar[str]
    """Link to the start call's documentation."""
    scopes: ClassVar[tuple[Scope, ...]] = ()
    is_scope_free_text: ClassVar[bool] = False
    """True where scopes of a grant are not words from ``scopes`` but ids (Captain Data's account uids)."""
    free_scope: ClassVar[Scope | None] = None
    """What such an id stands for, as a ``Scope`` whose name says which kind of id it is."""
    resend_window_s: ClassVar[float | None] = None
    """Seconds within which the same start with the same key cannot cause a second run; None: never resend."""
    pace: ClassVar[Pace]
    allowance: ClassVar[Allowance] = Allowance(calls_a_minute=60.0, source="")
    """Where the provider names no limit: one call a second, which no system minds."""
    can_track_many: ClassVar[bool] = False
    """True where lists answer for many runs at once, by ``track_many``."""
    timeout_s: ClassVar[float] = 30.0
    """How long a call may take, in seconds, unless the connection says otherwise."""
    can_cancel: ClassVar[bool] = False
    has_catalogue: ClassVar[bool] = False
    has_describe: ClassVar[bool] = False
    lost_start_settled_by: ClassVar[str | None] = None
    """How a lost start is looked up, in a few words for people (design.md, 8); None: no look-up, a person settles it."""
    is_find_proof: ClassVar[bool] = False
    """True where what ``find`` brings carries the launch id, so that it can be no other launch's."""
    credential: ClassVar[type[Any]]
    """A frozen dataclass whose fields are ``str`` (required) or ``str | None``; each annotated with one sentence."""
    options: ClassVar[type[Any]]
    """A frozen dataclass of the connection's own settings, each annotated with one sentence."""
    workflow_options: ClassVar[type[Any]]
    """A frozen dataclass of what a workflow entry in the configuration may say beyond name and inputs; stored in ``extras``."""
    not_built: ClassVar[tuple[str, ...]] = ()
    """Fields of ``options`` or ``workflow_options`` that nothing uses yet: a configuration that fills one is refused at start."""
    examples: ClassVar[tuple[Example, ...]] = ()

    def credential_problems(self, credential: Mapping[str, Secret], connection: Connection) -> tuple[str, ...]:
        """What is wrong with which credential fields were given, in sentences; read at start."""
        del credential, connection
        return ()

    def check(self, launch_inputs: Mapping[str, Json], workflow: Workflow, connection: Connection) -> tuple[Problem, ...]:
        """This provider's own rules on typed inputs (reserved names, record types), before anything is sent."""
        del launch_inputs, workflow, connection
        return ()

    def needed_scopes(self, verb: str, workflow: Workflow) -> tuple[str, ...]:
        """The scopes that a grant must all name for this verb on this workflow, in the provider's spelling.

        Verbs are launch, cancel, list, describe, records. By default the first (least) scope that allows the verb.
        """
        del workflow
        return tuple(scope.name for scope in self.scopes if verb in scope.allows)[:1]

    def fixed_inputs(self, workflow: Workflow) -> tuple[Any, ...]:
        """``InputSpec``s that every workflow of this provider takes besides its own (Bitrix24's record)."""
        del workflow
        return ()

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        """What to add to ``call`` to prove who we are."""
        raise NotImplementedError

    def login(self, connection: Connection) -> Exchange[LoginAnswer] | None:
        """The exchange that brings a session, or None where the credential itself signs every call."""
        del connection
        return None

    def needs_login(self, credential: Mapping[str, Secret]) -> bool:
        """True when calls are signed with a session from ``login``; False when these fields of the credential sign them."""
        del credential
        return True

    def is_session_over(self, reply: Reply) -> bool:
        """True when the reply says that the session is no longer good, so that a new one may help."""
        return reply.status == 401  # noqa: PLR2004 - HTTP's own number

    def start(self, launch: Launch, connection: Connection) -> Exchange[StartAnswer]:
        """Start the workflow of ``launch`` once."""
        raise NotImplementedError

    def track(self, launch: Launch, connection: Connection) -> Exchange[TrackAnswer]:
        """Ask how the run of ``launch`` (``run_id`` is set) stands."""
        raise NotImplementedError

    def track_many(self, launches: Sequence[Launch], connection: Connection) -> Exchange[TrackedMany]:
        """Ask by lists how the runs of these launches (all of ``connection``, each with its ``run_id``) stand.

        A list of many pages answers page by page: nobody waits for the last one, and none of ``launches`` is held until then.
        """
        del launches, connection
        return unsupported(TrackedMany())

    def cancel(self, launch: Launch, connection: Connection) -> Exchange[CancelAnswer]:
        """Ask the provider to stop the run of ``launch``."""
        del launch, connection
        return unsupported(Unsupported(meaning=f"{self.title} cannot stop a run."))

    def cancels(self, connection: Connection) -> bool:
        """Whether a run can be stopped over this connection."""
        del connection
        return self.can_cancel

    def catalogue(self, connection: Connection) -> Exchange[CatalogueAnswer]:
        """Ask which workflows there are."""
        del connection
        return unsupported(Unsupported(meaning=f"{self.title} does not list its workflows."))

    def describe(self, workflow: Workflow, connection: Connection) -> Exchange[DescribeAnswer]:
        """Ask which inputs ``workflow`` takes."""
        del workflow, connection
        return unsupported(Unsupported(meaning=f"{self.title} does not tell which inputs a workflow takes."))

    def record_kind(self, name: str, inputs: Mapping[str, str], workflow: Workflow) -> str | None:
        """Which kind of record this input of ``workflow`` takes the id of, by what else is given; None: it takes none.

        ``inputs`` are texts as they would be typed; those that are not given yet are left out.
        """
        del name, inputs, workflow
        return None

    def records(self, kind: str, search: str, connection: Connection) -> Exchange[RecordsAnswer]:
        """Ask for records of that kind in whose name ``search`` stands, or with that id; the newest where it is empty."""
        del kind, search, connection
        return unsupported(Unsupported(meaning=f"{self.title} has no records to choose from."))

    def probe(self, connection: Connection) -> Exchange[ProbeAnswer]:
        """Harmless calls that show whether the credential works and what it holds, scope by scope, each with its evidence.

        They start and change nothing. A scope that no harmless call decides is None: not verified. Where the provider is in
        trouble, that is the answer: what was known before then stands. A credential that lacks a scope is ``Held`` without it.
        """
        del connection
        return unsupported(Unsupported(meaning=f"{self.title} offers no harmless call to try the credential with."))

    def can_find(self, connection: Connection) -> bool:
        """Whether ``find`` can look anything up over this connection."""
        del connection
        return self.lost_start_settled_by is not None

    def find(self, launch: Launch, connection: Connection) -> Exchange[FindAnswer]:
        """Look for the run of a start whose answer was lost: sent at ``launch.sent_at``, perhaps applied some minutes later."""
        del launch, connection
        return unsupported(Unsupported(meaning=f"{self.title} offers no way to look up a lost start."))

    def confirm(self, launch: Launch, run_id: str, connection: Connection) -> Exchange[ConfirmAnswer]:
        """Whether the run that a person named exists and is one of this launch's workflow."""
        del launch, run_id, connection
        return unsupported(Unverifiable(meaning=f"{self.title} cannot be asked about that run."))

    def link(self, launch: Launch, connection: Connection) -> str | None:
        """Where people see the run (or its record) at the provider; None where no address is known."""
        del launch, connection
        return None


U = TypeVar("U")


def unsupported(answer: U) -> Generator[Call, Reply, U]:
    """An exchange that sends nothing and answers at once."""
    return answer
    yield  # pyright: ignore[reportUnreachable]  # makes this a generator
