"""One cell of the access matrix, played at the real door: who, where, over which provider, doing what, through which door.

Real: the door, every use case, the policy, the store (in memory). From tables: Slack's people, channels and groups, the providers'
workflows. What a use case answers is noted on its way to the door, so that reason codes can be compared and not only words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from inspect import iscoroutinefunction
from itertools import count
from typing import Any, TypeAlias

import commands
from bot import providers
from bot.domain.approval_digest import Bound
from bot.domain.approval_terms import asked
from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, Limits, Policy
from bot.domain.holdings import Holding
from bot.domain.model import Channel, Connection, Delivery, InputSpec, InputType, Launch, Person, State, Workflow
from bot.domain.policy import Deny
from bot.domain.standing import Standing
from bot.launching import Decided, Launching, Ports, Refusal, Setup
from bot.sandbox.slack.filling import fill
from bot.sandbox.slack.forms import initial_state
from bot.store.sqlite import SqliteStore
from bot.surfaces.cards import APPROVE_ACTION, CANCEL_ACTION, IT_DID_NOT_ACTION, REJECT_ACTION
from bot.surfaces.form_choosing import Choice
from bot.surfaces.form_fields import Asked as AskedFor
from bot.surfaces.form_fields import digest_in, name_digest
from bot.surfaces.form_options import Choosable
from bot.surfaces.form_reading import kept_submission
from bot.surfaces.forms import REJECT_FORM, form_text
from bot.surfaces.launch_form import LAUNCH_FORM, form
from bot.surfaces.preview import Preview
from bot.surfaces.say import Say
from bot.surfaces.why import Why
from tests.builders import NOON, FrozenClock, a_connection, a_delivery, a_launch, an_event
from tests.ports import ListedWire, RecordingThread, TableDefinitions, TableDirectory
from tests.why_parts import demo_configuration

Outcome: TypeAlias = tuple[str, frozenset[str]]
"""``allowed``, ``ended`` (a yes that found the launch no longer allowed) or ``refused``; and the codes of a refusal."""

TEAM = "S0TEAM"
LISTED = "U0LISTED"
ASKED_FOR = "U0ASKED"
"""Who asked for the launches that the others approve, reject, stop and settle: in the team, named where one must be."""
ACCOUNT = "22222222-2222-4222-8222-222222222222"
DM = "D0PERSON"
HOME_OF_LAUNCHES = "C0MEMBERS"
"""Where a launch lives that is asked about from a direct message."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One provider's side: its connection, one workflow there, what is typed to launch it, and every scope of the provider."""

    connection: str
    provider: str
    workflow: Workflow
    typed: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Who does what, where, how."""

    person: str
    place: str
    operation: str
    door: str
    provider: str


def _sides() -> dict[str, Side]:
    known = demo_configuration().connections
    zuora = Workflow(workflow_id="396", name="Dunning run", inputs=(InputSpec(name="accountId", required=True),))
    flow = Workflow(
        workflow_id="Escalate_to_Case", name="Escalate", inputs=(InputSpec(name="CommentCount", type=InputType.DECIMAL),)
    )
    profiles = "1e28ad18-7554-4eeb-ada7-652fb498f998"
    add = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
    sides = (
        Side(
            connection="billing",
            provider="zuora",
            workflow=zuora,
            typed="accountId=A1",
            scopes=("Workflow Run Access", "Workflow View Access"),
        ),
        Side(
            connection="crm",
            provider="bitrix24",
            workflow=known["crm"].workflows["713"],
            typed="entityType=deal entityId=5141",
            scopes=("bizproc", "crm"),
        ),
        Side(connection="sales", provider="salesforce", workflow=flow, typed="CommentCount=6", scopes=("api",)),
        Side(
            connection="analytics",
            provider="domo",
            workflow=known["analytics"].workflows[add],
            typed="parameter1=13 parameter2=7",
            scopes=("EXECUTE", "READ"),
        ),
        Side(
            connection="growth",
            provider="captain_data",
            workflow=known["growth"].workflows[profiles],
            typed="linkedin_profile_url=https://www.linkedin.com/in/ada",
            scopes=(ACCOUNT,),
        ),
    )
    return {side.provider: side for side in sides}


SIDES = _sides()
PROVIDERS = providers.load()
PEOPLE: Mapping[str, Mapping[str, bool]] = {
    "member": {},
    "listed": {},
    "in the group": {},
    "not in the group": {},
    "group unknown": {},
    "guest": {"is_guest": True},
    "single-channel guest": {"is_guest": True},
    "stranger": {"is_stranger": True},
    "bot": {"is_bot": True},
    "deleted": {"is_deleted": True},
    "unknown": {},
}
"""Slack marks both kinds of guests; ``SlackDirectory`` reads both marks as one (tests/gateways/test_slack_directory.py)."""
PLACES: Mapping[str, Mapping[str, bool]] = {
    "members": {},
    "user": {},
    "group": {},
    "other connection": {},
    "no policy": {},
    "archived": {"is_archived": True},
    "without the bot": {"is_member": False},
    "shared": {"is_shared": True},
    "shared, allowed": {"is_shared": True},
    "direct message": {},
    "frozen": {},
    "frozen but for some": {},
    "scope not granted": {},
    "scope not held": {},
    "limit reached": {},
}
DOORS: Mapping[str, tuple[str, ...]] = {
    "launch": ("typed", "form"),
    "preview": ("typed",),
    "list": ("typed",),
    "status": ("typed",),
    "cancel": ("typed", "button"),
    "settle": ("button",),
    "approve": ("typed", "button", "home"),
    "reject": ("typed", "form", "home"),
    "why": ("typed",),
    "access": ("typed",),
    "help": ("typed",),
}
_STATES = {
    "approve": State.AWAITING_APPROVAL,
    "reject": State.AWAITING_APPROVAL,
    "settle": State.IN_DOUBT,
    "cancel": State.QUEUED,
    "status": State.RUNNING,
}


def user_id(person: str) -> str:
    return LISTED if person == "listed" else f"U0{person.upper().replace(' ', '').replace('-', '')}"


def channel_id(place: str) -> str:
    return DM if place == "direct message" else f"C0{place.upper().replace(' ', '').replace(',', '')}"


def connection_name(cell: Cell) -> str:
    """The credential that lacks its scope is one of its own."""
    name = SIDES[cell.provider].connection
    return f"{name}-unheld" if cell.place == "scope not held" else name


def connections() -> dict[str, Connection]:
    made = [a_connection(name="elsewhere", provider="zuora")]
    for side in SIDES.values():
        made += [a_connection(name=side.connection + end, provider=side.provider) for end in ("", "-unheld")]
    return {one.name: one for one in made}


CONNECTIONS = connections()


# --- the world of one cell -------------------------------------------------------------------------------------------------


class Noting:
    """A part whose answers are kept on their way."""

    def __init__(self, part: Any, answers: list[Any]) -> None:
        self._part, self._answers = part, answers

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name in {"explaining", "sending"}:
            return Noting(found, self._answers)
        return self._noted(found) if iscoroutinefunction(found) and name in _ASKED else found

    def _noted(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*given: Any, **named: Any) -> Any:
            answer = await method(*given, **named)
            self._answers.append(answer)
            return answer

        return call


_ASKED = frozenset(
    {
        "request", "cancel", "approve", "reject", "ask_for_reason", "ask_for_run", "it_did_not", "launchable",
        "story", "recent", "why", "place", "access", "preview", "carried",
    }
)  # fmt: skip


@dataclass
class PersonalThread(RecordingThread):
    """Keeps to whom each answer went."""

    answers: list[tuple[Delivery, Say]] = field(default_factory=list)

    async def answer(self, delivery: Delivery, say: Say) -> None:
        await super().answer(delivery, say)
        self.answers.append((delivery, say))


@dataclass
class World:
    """Everything that one cell stands on; the store is shared by many cells, each under ids of its own."""

    cell: Cell
    store: SqliteStore
    numbers: count[int]
    clock: FrozenClock
    thread: PersonalThread = field(default_factory=PersonalThread)
    wire: ListedWire = field(default_factory=ListedWire)
    rings: list[str] = field(default_factory=list)
    noted: list[Any] = field(default_factory=list)
    definitions: TableDefinitions = field(init=False)

    def __post_init__(self) -> None:
        table = {one.connection: (one.workflow,) for one in SIDES.values()}
        self.definitions = TableDefinitions(table | {f"{name}-unheld": workflows for name, workflows in table.items()})

    @property
    def side(self) -> Side:
        return SIDES[self.cell.provider]

    @property
    def lives_in(self) -> str:
        """The channel of the launch that is asked about."""
        here = channel_id(self.cell.place)
        return HOME_OF_LAUNCHES if here == DM else here

    def grant(self) -> Grant:
        """What stands in the channel's policy: one line, by the kind of the place."""
        cell, side = self.cell, self.side
        plain = Grant(
            connection=connection_name(cell), scopes=side.scopes, workflows=(side.workflow.workflow_id,), requesters=("members",)
        )
        if cell.operation in {"approve", "reject"}:
            plain = replace(plain, approval=ApprovalRule(approvers=(LISTED, TEAM), required=2))
        special: dict[str, dict[str, Any]] = {
            "user": {"requesters": (LISTED, ASKED_FOR)},
            "group": {"requesters": (TEAM,)},
            "scope not granted": {"scopes": ()},
            "limit reached": {"limits": Limits(per_hour=1)},
        }
        return replace(plain, **special.get(cell.place, {}))

    def policy(self) -> Policy:
        cell, grant = self.cell, self.grant()
        shown = replace(grant, connection="elsewhere") if cell.place == "other connection" else grant
        is_shared_allowed = cell.place == "shared, allowed"
        here = ChannelPolicy(channel_id=self.lives_in, name="here", grants=(shown,), is_shared_allowed=is_shared_allowed)
        exempt = {"frozen": ("U0NOBODY",), "frozen but for some": (LISTED, TEAM)}.get(cell.place)
        freeze = Freeze(
            name="month-end", begins=NOON - timedelta(hours=1), ends=NOON + timedelta(hours=1), exempt=exempt or ()
        )  # fmt: skip
        channels = {} if cell.place == "no policy" else {self.lives_in: here}
        return Policy(channels=channels, digest=f"{cell.place}", freezes=(freeze,) if exempt else ())

    def directory(self) -> TableDirectory:
        cell, name = self.cell, user_id(self.cell.person)
        person = Person(user_id=name, team_id="T0GONOGO", name="who", **PEOPLE[cell.person])
        marks = {"is_member": True, **PLACES[cell.place]}
        channel = Channel(channel_id=channel_id(cell.place), name="here", **marks)
        silent = {"group unknown": {TEAM}, "unknown": {name}}.get(cell.person, set())
        return TableDirectory(
            people={name: person},
            channels={channel.channel_id: channel},
            groups={TEAM: frozenset({user_id("in the group"), ASKED_FOR}), "S0OTHERS": frozenset({user_id("not in the group")})},
            silent=set(silent),
        )

    def door(self) -> commands.Door:
        ports = Ports(
            store=self.store,
            wire=self.wire,
            definitions=self.definitions,
            directory=self.directory(),
            thread=self.thread,
            clock=self.clock,
        )
        setup = Setup(providers=PROVIDERS, standing=Standing(policy=self.policy(), connections=CONNECTIONS))
        launching: Any = Noting(Launching(ports=ports, setup=setup, ring=lambda: self.rings.append("ring")), self.noted)
        return commands.Door(command="/launch", launching=launching, entries=commands.load())

    async def prepare(self) -> Launch | None:
        """What must be there before: the credential's lack, the launch that uses up the limit, the launch that is asked about."""
        if self.cell.place == "scope not held":
            await self.store.keep_mirror(connection_name(self.cell), [self._lack(scope) for scope in self.side.scopes])
        if self.cell.place == "limit reached":
            await self._keep(self._launch(State.QUEUED))
        state = _STATES.get(self.cell.operation)
        return await self._keep(self._launch(state)) if state else None

    def _lack(self, scope: str) -> Holding:
        name = connection_name(self.cell)
        return Holding(connection=name, scope=scope, is_held=False, evidence="It was refused.", seen_at=NOON)

    async def _keep(self, launch: Launch) -> Launch:
        event = an_event(launch_id=launch.launch_id, actor=launch.requester_id)
        assert await self.store.create(launch, event, delivery_key=f"seed:{launch.launch_id}") is None
        return launch

    def _launch(self, state: State) -> Launch:
        grant, name = self.grant(), connection_name(self.cell)
        inputs = dict(part.split("=", 1) for part in self.side.typed.split())
        launch = a_launch(
            launch_id=f"L-S{next(self.numbers):04d}",
            channel_id=self.lives_in,
            requester_id=ASKED_FOR,
            connection=name,
            provider=self.cell.provider,
            workflow_id=self.side.workflow.workflow_id,
            workflow_name=self.side.workflow.name,
            workflow_version=self.side.workflow.version,
            extras=self.side.workflow.extras,
            inputs=inputs,
            grant_key=grant.key,
            quota_key=grant.quota_key,
            state=state,
            due_at=None,
        )
        if grant.approval is None:
            return launch
        bound = Bound(
            connection=CONNECTIONS[name], identity="", workflow=self.side.workflow, inputs=inputs, grant_key=grant.key
        )  # fmt: skip
        return replace(launch, digest=bound.digest, approval=asked(grant.approval, now=NOON, bound=bound.parts))

    # --- what comes in --------------------------------------------------------------------------------------------------

    def deliveries(self, launch: Launch | None) -> list[Delivery]:
        """The payloads of this cell, in order; a form is sent also where the press before it was refused, as an edited client might."""
        cell, launch_id = self.cell, launch.launch_id if launch else ""
        plain: dict[str, Any] = {"user_id": user_id(cell.person), "channel_id": self._comes_from()}
        number = next(self.numbers)
        if (cell.operation, cell.door) == ("launch", "form"):
            opened = a_delivery(key=f"command:{number}", text="", **plain)
            sent = a_delivery(key=f"form:{number}", kind="form", name=LAUNCH_FORM, text=self._filled_in(opened), **plain)
            return [opened, replace(sent, channel_id=opened.user_id)]
        if cell.door == "typed":
            return [a_delivery(key=f"command:{number}", text=self._typed(launch_id), **plain)]
        action = {"approve": APPROVE_ACTION, "reject": REJECT_ACTION, "cancel": CANCEL_ACTION, "settle": IT_DID_NOT_ACTION}
        press = a_delivery(
            key=f"button:{number}", kind="button", name=action[cell.operation], text=launch_id, trigger_id="1.2.3", **plain
        )
        if cell.operation != "reject":
            return [press]
        view = {"private_metadata": press.key, "state": {"values": {"reason": {"value": {"value": "not now"}}}}}
        sent = a_delivery(key=f"form:{number}", kind="form", name=REJECT_FORM, text=form_text(view), user_id=press.user_id)
        return [press, replace(sent, channel_id=press.user_id)]

    def _filled_in(self, opened: Delivery) -> str:
        """What is kept of the form that this person would be shown, were they shown it, filled in."""
        connection, workflow = connection_name(self.cell), self.side.workflow
        specs = (*PROVIDERS[self.cell.provider].fixed_inputs(workflow), *(workflow.inputs or ()))
        choice = Choice(
            connections=(Choosable(value=connection, text=connection),),
            connection=connection,
            workflows=(workflow,),
            workflow=workflow,
            asked=AskedFor(specs=specs),
        )
        view = form(choice, opened_by=opened.key)
        values = dict(part.split("=", 1) for part in self.side.typed.split())
        blocks = {name_digest(name): value for name, value in values.items()}
        given = {
            block["block_id"]: blocks[digest]
            for block in view["blocks"]
            if (digest := digest_in(block.get("block_id", "")) or "") in blocks
        }
        state = fill(view["blocks"], initial_state(view["blocks"]), given)
        return kept_submission({**view, "state": {"values": state}})

    def _comes_from(self) -> str:
        """A press on App Home names no channel: the door puts the person's own id."""
        return user_id(self.cell.person) if self.cell.door == "home" else channel_id(self.cell.place)

    def _typed(self, launch_id: str) -> str:
        cell, name, workflow_id = self.cell, connection_name(self.cell), self.side.workflow.workflow_id
        words = {
            "launch": f"{name} {workflow_id} {self.side.typed}",
            "preview": f"{name} {workflow_id} {self.side.typed} --preview",
            "why": f"why {name} {workflow_id}",
            "reject": f"reject {launch_id} not now",
        }
        plain = {"list", "access", "help"}
        return words.get(cell.operation) or (cell.operation if cell.operation in plain else f"{cell.operation} {launch_id}")

    async def play(self, launch: Launch | None) -> list[Outcome]:
        """Carry every delivery through the door; what each came to."""
        door, outcomes = self.door(), list[Outcome]()
        for delivery in self.deliveries(launch):
            self.noted.clear()
            assert await self.store.record_delivery(delivery)
            if (self.cell.operation, delivery.kind) == ("launch", "command") and self.cell.door == "form":
                continue  # whether the form would open is not what keeps anybody from sending one
            await door.carry(delivery)
            outcomes.append(outcome(self.noted))
        return outcomes


UNTOLD = frozenset({"in words"})
"""A form that was sent is answered in words, which name no code."""


def outcome(noted: list[Any]) -> Outcome:
    """What the use case answered."""
    (answer,) = noted
    match answer:
        case Refusal():
            return "refused", frozenset(one.code for one in (*answer.problems, *answer.reasons))
        case Why(explanation=explanation):
            return _decided(explanation.decision)
        case Preview(decision=decision):
            return _decided(decision)
        case Decided(is_counted=False):
            return "ended", frozenset()
        case Say():
            return "refused", UNTOLD
        case _:
            return "allowed", frozenset()


def _decided(decision: Any) -> Outcome:
    codes = frozenset(reason.code for reason in decision.reasons)
    return ("refused", codes) if isinstance(decision, Deny) else ("allowed", frozenset[str]())
