"""The values that travel through the house, all frozen. Words: style guide, section 3.

Times are timezone-aware UTC. Inputs and outputs hold plain JSON values, with ``Decimal`` for every number that is not whole,
so that
what a person typed leaves for the provider digit by digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""None, bool, int, Decimal, str, or lists and string-keyed mappings of these; among inputs also ``SecretName``."""


@dataclass(frozen=True)
class SecretName:
    """The value of an input of the type secret: the name of an entry of its connection's ``secrets``, never what that stands for.

    Stands in inputs among plain JSON values; gateways put the secret itself in its place when a call leaves.
    """

    name: str

    def __str__(self) -> str:
        return self.name


class _Nothing(Mapping[str, Any]):
    """A mapping without entries. Hashable, since a dataclass of Python 3.11 takes no default that is not (a mappingproxy)."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict(other)

    __ror__ = __or__

    def __repr__(self) -> str:
        return "{}"


NOTHING: Mapping[str, Any] = _Nothing()


RESERVED_WORDS = frozenset({"help", "list", "status", "cancel", "again", "why", "access", "approve", "reject"})
"""The subcommand words of ``/launch`` (design.md, section 4), built or not: no connection may be called so."""


class State(StrEnum):
    """Where a launch stands. ``word`` is what people read (design.md, section 4)."""

    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    NEEDS_ATTENTION = "needs_attention"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ENDED = "ended"
    IN_DOUBT = "in_doubt"

    @property
    def word(self) -> str:
        """The state word: spelt and capitalised as people read it."""
        return self.value.replace("_", " ").capitalize()

    @property
    def is_final(self) -> bool:
        """True when nothing can happen to the launch any more."""
        return self in FINAL_STATES


FINAL_STATES = frozenset(
    {State.SUCCEEDED, State.FAILED, State.CANCELLED, State.REJECTED, State.EXPIRED, State.ENDED},
)


class InputType(StrEnum):
    """What an input takes (design.md, section 3)."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    EMAIL = "email"
    URL = "url"
    JSON = "json"
    SECRET = "secret"  # noqa: S105 - the name of a type, not a secret


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """One input that a workflow takes. ``many`` means a list of such values.

    ``is_default_ours``: the default stands in our configuration, so we send it; one that the provider told it fills in itself,
    and we send it only where the input is required.
    """

    name: str
    type: InputType = InputType.TEXT
    required: bool = False
    label: str | None = None
    hint: str | None = None
    default: Json = None
    is_default_ours: bool = False
    options: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A definition at the provider, as far as we know it.

    ``inputs`` is None while nobody has told which inputs it takes; an empty tuple means that it takes none.
    ``obstacle`` says in the provider's terms why it cannot be launched at all (inactive, trigger switched off).
    ``extras`` are the provider's own facts that its start needs (message name, steps, entity type), as plain JSON.
    """

    workflow_id: str
    name: str | None = None
    version: str | None = None
    inputs: tuple[InputSpec, ...] | None = None
    obstacle: str | None = None
    extras: Mapping[str, Json] = NOTHING

    @property
    def label(self) -> str:
        """Its name, or its id where it has none."""
        return self.name or self.workflow_id


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One credential at one provider, by the name that people type. The credential itself is not in here.

    ``options`` are the provider's own settings (a value of its ``Options`` class); ``workflows`` the configuration's own entries,
    by id. ``poll_every_s`` and ``timeout_s`` are in seconds; None means what the provider advises. ``credential_mark`` differs when
    the credential does, and tells nothing of it: an approval is bound to the identity under which something will run.
    """

    name: str
    provider: str
    base_url: str
    options: Any = None
    workflows: Mapping[str, Workflow] = NOTHING
    poll_every_s: float | None = None
    timeout_s: float | None = None
    secret_names: tuple[str, ...] = ()
    credential_mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who asks, as Slack describes them (``users.info``)."""

    user_id: str
    team_id: str
    name: str
    is_guest: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    is_deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Where somebody asks, as Slack describes it (``conversations.info``). ``is_shared``: with another organisation."""

    channel_id: str
    name: str
    is_member: bool = False
    is_archived: bool = False
    is_shared: bool = False


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One inbound Slack payload, reduced to what we act on; ``key`` is equal for every copy of it (slack.md, section 1).

    ``kind`` is ``command``, ``button``, ``shortcut``, ``form`` or ``event``; ``name`` the command word, the button's action id, the
    shortcut's or form's callback id or the event's type; ``text`` what was typed, the button's opaque value, what a message offers,
    the form's values, or nothing. In memory only, never
    stored: ``reply_url`` (Slack's short-lived answer address), ``trigger_id`` (opens one form within three seconds), ``message_ts``
    (the message that the button stands on).
    """

    key: str
    kind: str
    name: str
    team_id: str
    channel_id: str
    user_id: str
    text: str
    received_at: datetime
    reply_url: str | None = field(default=None, repr=False, compare=False)
    trigger_id: str | None = field(default=None, repr=False, compare=False)
    message_ts: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """Our durable record: start this workflow once.

    ``version`` counts changes and guards every write. ``due_at`` is when a worker has something to do next (None: nothing).
    ``sent_at`` is when the first byte of the start may have left, ``attempts`` counts the starts sent since then; both begin anew
    once it is certain that nothing arrived. ``grant_key`` and ``quota_key`` are those of the grant that allowed it, ``digest`` is over
    all that an approval is bound to, and ``approval`` the rule that was shown to approvers (empty: none was needed).
    ``looks`` counts questions about the run, ``misses`` calls in a row that brought no
    usable answer. ``run_id`` is the provider's own id of the run.

    Slots, as Python shares the keys of at most 30 fields between objects: a launch with a dictionary of its own takes 1.6 kB instead
    of 0.3, and thousands are held while lists are asked.
    """

    launch_id: str
    team_id: str
    channel_id: str
    requester_id: str
    connection: str
    provider: str
    workflow_id: str
    workflow_name: str | None = None
    workflow_version: str | None = None
    extras: Mapping[str, Json] = NOTHING
    inputs: Mapping[str, Json] = NOTHING
    policy_digest: str = ""
    grant_key: str = ""
    quota_key: str = ""
    digest: str = ""
    approval: Mapping[str, Json] = NOTHING
    state: State = State.QUEUED
    version: int = 1
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None = None
    sent_at: datetime | None = None
    attempts: int = 0
    looks: int = 0
    misses: int = 0
    cancel_asked_by: str | None = None
    is_cancel_sent: bool = False
    run_id: str | None = None
    run_url: str | None = None
    provider_status: str | None = None
    outputs: Mapping[str, Json] = NOTHING
    detail: str | None = None

    @property
    def workflow_label(self) -> str:
        """The workflow's name, or its id where it has none."""
        return self.workflow_name or self.workflow_id


class EventKind(StrEnum):
    """What can happen to a launch."""

    REQUESTED = "requested"
    APPROVED = "approved"
    CLEARED = "cleared"
    REJECTED = "rejected"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    EXPIRED = "expired"
    REOPENED = "reopened"
    STARTING = "starting"
    DELAYED = "delayed"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    PROGRESSED = "progressed"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCEL_ASKED = "cancel_asked"
    CANCEL_REFUSED = "cancel_refused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENDED = "ended"
    LOST = "lost"
    LOOKED_UP = "looked_up"
    LOOK_ASKED = "look_asked"
    ADOPTED = "adopted"


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact that happened to a launch; appended, never edited. ``seq`` counts from 1 within its launch; 0 until it is stored.

    ``actor`` is a Slack user id, or ``gonogo`` for the bot itself. ``facts`` are plain JSON.
    """

    launch_id: str
    kind: EventKind
    at: datetime
    actor: str = "gonogo"
    facts: Mapping[str, Json] = NOTHING
    seq: int = 0


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a decision fell: a code that surfaces have words for, the facts in it, where they came from and when they were seen."""

    code: str
    facts: Mapping[str, str] = NOTHING
    source: str = "configuration"
    seen_at: datetime | None = None


def distinct(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each reason once, in order (their facts are mappings, so they cannot be put into a set)."""
    kept: list[Reason] = []
    for reason in reasons:
        if reason not in kept:
            kept.append(reason)
    return tuple(kept)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that the requester can correct: a code that surfaces have words for, and the facts in it."""

    code: str
    facts: Mapping[str, str] = NOTHING
