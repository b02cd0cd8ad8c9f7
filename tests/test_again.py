"""Launching again: the same inputs under today's policy and metadata, in a form or, where none opens, as a command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from bot import providers
from bot.domain.errors import ThreadError
from bot.domain.grants import ApprovalRule, ChannelPolicy, Grant, InputRule
from bot.domain.model import FINAL_STATES, Connection, Delivery, InputSpec, InputType, Person, SecretName, State, Workflow
from bot.launching import Refusal
from bot.launching.again import Repeating, Typed
from bot.launching.joining import Joiner, Ports, Setup
from bot.ports import Seen
from bot.surfaces.command_text import LaunchText, Problems, read_command
from tests.builders import a_connection, a_delivery, a_launch, an_event
from tests.ports import a_store
from tests.test_launching import DUNNING, GRANT, House, codes

GIVEN = {"accountId": "A1", "maxAmount": 12}


@dataclass
class Forms:
    """Opens forms; what it was asked to open stands in ``opened``. ``refusal`` is raised instead."""

    opened: list[dict[str, Any]] = field(default_factory=list)
    refusal: ThreadError | None = None

    async def __call__(
        self, delivery: Delivery, /, *, connection: Connection, workflow: Workflow, given: Mapping[str, str], notes: Sequence[str]
    ) -> Refusal | None:
        if self.refusal is not None:
            raise self.refusal
        self.opened.append({"workflow": workflow, "given": dict(given), "notes": list(notes), "connection": connection.name})
        return None


@dataclass
class Scene:
    """A house with a launch that is over, and the forms that were opened in it."""

    house: House
    forms: Forms = field(default_factory=Forms)

    @property
    def repeating(self) -> Repeating:
        house = self.house
        ports = Ports(
            store=house.store,
            wire=house.wire,
            definitions=house.definitions,
            directory=house.directory,
            thread=house.thread,
            clock=house.clock,
        )
        joiner = Joiner(ports, Setup(providers=providers.load(), standing=house.standing, command="/go"), lambda: None)
        return replace(joiner.joined().repeating, opening=self.forms)

    async def over(self, **changes: Any) -> str:
        """A launch that is over."""
        launch = a_launch(**({"state": State.SUCCEEDED, "inputs": GIVEN, "due_at": None} | changes))
        await self.house.store.record_delivery(a_delivery())
        await self.house.store.create(launch, an_event(launch_id=launch.launch_id), delivery_key=a_delivery().key, has_line=False)
        return launch.launch_id

    async def pressed(self, launch_id: str = "L-7K3QW", **changes: Any) -> Typed | Refusal | None:
        """*Launch again*, on the card."""
        plain = {"kind": "button", "trigger_id": "1.2.a", "text": launch_id, "user_id": "U0BOB"}
        return await self.repeating.again(a_delivery(**(plain | changes)), launch_id)

    async def form(self, **changes: Any) -> dict[str, Any]:
        """The form that a press opened."""
        assert await self.pressed(**changes) is None
        return self.forms.opened[-1]

    async def typed(self, **changes: Any) -> Typed:
        """What is told where there is no trigger to open a form with."""
        told = await self.pressed(trigger_id=None, **changes)
        assert isinstance(told, Typed)
        return told

    def described(self, *inputs: InputSpec, **changes: Any) -> None:
        """What the workflow takes by now."""
        now = Workflow(**({"workflow_id": "396", "name": "Dunning run", "inputs": inputs} | changes))
        self.house.definitions.workflows = {"billing": (now,)}


@pytest.fixture
async def scene() -> AsyncGenerator[Scene, None]:
    async with a_store() as store:
        yield Scene(House(store))


# --- the form ---


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
async def test_whatever_is_over_can_be_launched_again(scene: Scene, state: State) -> None:
    await scene.over(state=state)

    form = await scene.form()

    assert form["given"] == {"accountId": "A1", "maxAmount": "12"}
    assert (form["connection"], form["workflow"], form["notes"]) == ("billing", DUNNING, ["As L-7K3QW was launched."])


@pytest.mark.parametrize("state", sorted(set(State) - FINAL_STATES))
async def test_what_is_not_over_cannot(scene: Scene, state: State) -> None:
    await scene.over(state=state)

    assert codes(await scene.pressed()) == ["not_over"]
    assert scene.forms.opened == []


async def test_an_input_that_was_left_out_is_left_out_again_whatever_its_default_is_today(scene: Scene) -> None:
    await scene.over(inputs={"accountId": "A1"})
    scene.described(DUNNING.inputs[0], InputSpec(name="maxAmount", type=InputType.DECIMAL, default="50"))  # type: ignore[index]

    assert (await scene.form())["given"] == {"accountId": "A1", "maxAmount": ""}


async def test_a_secret_is_given_by_its_name(scene: Scene) -> None:
    await scene.over(inputs={"accountId": "A1", "key": SecretName("signing")})
    scene.described(InputSpec(name="accountId"), InputSpec(name="key", type=InputType.SECRET))
    connection = a_connection(secret_names=("signing", "other"))

    told = await replace(scene.repeating, connections={"billing": connection}, opening=None).again(a_delivery(), "L-7K3QW")

    assert isinstance(told, Typed)
    assert (told.text, told.differences) == ("billing 396 accountId=A1 key=signing", ())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"inputs": (InputSpec(name="accountId"),)}, "no input “maxAmount” any more"),
        ({"inputs": (*(DUNNING.inputs or ()), InputSpec(name="reason", required=True))}, "“reason” is new"),
        ({"inputs": (InputSpec(name="accountId"), InputSpec(name="maxAmount", type=InputType.DATE))}, "“maxAmount” changed"),
        ({"inputs": DUNNING.inputs, "name": "Dunning 2"}, "called “Dunning 2” now"),
        ({"inputs": DUNNING.inputs, "version": "8"}, "version “8” now"),
    ],
)
async def test_what_is_different_by_now_is_said(scene: Scene, change: dict[str, Any], sentence: str) -> None:
    await scene.over(workflow_version="7")
    scene.described(*change.pop("inputs"), **change)

    notes = (await scene.form())["notes"]

    assert len(notes) == 2
    assert sentence in notes[1]


async def test_a_rule_that_came_since_then_is_said(scene: Scene) -> None:
    await scene.over(inputs={"accountId": "A1", "maxAmount": 900})
    scene.house.grants = (replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(500))}),)

    notes = (await scene.form())["notes"]

    assert notes[1:] == ["The earlier value “900” of “maxAmount” is not allowed here any more."]


async def test_of_two_grants_the_one_counts_under_which_less_is_different(scene: Scene) -> None:
    await scene.over(inputs={"accountId": "A1", "maxAmount": 900})
    narrow: Grant = replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(500))})
    scene.house.grants = (narrow, replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(1000))}))

    assert (await scene.form())["notes"] == ["As L-7K3QW was launched."]


@pytest.mark.parametrize(("then", "now", "said"), [({}, True, "have to agree to it now"), ({"required": 1}, False, "any more")])
async def test_an_approval_that_came_or_went_is_said(scene: Scene, then: dict[str, Any], now: bool, said: str) -> None:
    await scene.over(approval=then)
    rule = ApprovalRule(approvers=("U0CAROL",)) if now else None
    scene.house.grants = (replace(GRANT, approval=rule),)

    assert said in (await scene.form())["notes"][1]


async def test_a_provider_that_has_not_told_yet_does_not_keep_the_form_from_opening(scene: Scene) -> None:
    await scene.over()
    scene.house.definitions.silent.add("billing")
    scene.house.definitions.workflows = {"billing": ()}

    form = await scene.form()

    assert form["given"] == {"accountId": "A1", "maxAmount": "12"}
    assert "could not be learnt in time" in form["notes"][1]


# --- who, and where ---


async def test_whoever_presses_is_judged_and_not_whoever_asked_then(scene: Scene) -> None:
    await scene.over(requester_id="U0ALICE")
    scene.house.grants = (replace(GRANT, requesters=("U0ALICE",)),)

    assert codes(await scene.pressed(user_id="U0BOB")) == ["requester_not_granted"]
    assert await scene.pressed(user_id="U0ALICE") is None


async def test_a_no_is_kept_with_what_it_rested_on(scene: Scene) -> None:
    await scene.over()
    scene.house.grants = ()
    await scene.pressed()

    (record,) = await scene.house.store.decisions(since=scene.house.clock.now(), after=0, limit=10)

    assert (record.verb, record.person_id, record.workflow_id) == ("launch", "U0BOB", "396")


async def test_a_guest_learns_nothing_about_a_launch(scene: Scene) -> None:
    await scene.over()
    scene.house.directory.people["U0GUEST"] = Person(user_id="U0GUEST", team_id="T0GONOGO", name="guest", is_guest=True)

    assert codes(await scene.pressed(user_id="U0GUEST")) == ["person_is_guest"]


async def test_the_inputs_of_a_launch_of_another_channel_are_not_shown_not_even_to_its_requester(scene: Scene) -> None:
    await scene.over(channel_id="C0SECRET")
    scene.house.channels["C0SECRET"] = ChannelPolicy(channel_id="C0SECRET", name="secret", grants=(GRANT,))

    refusal = await scene.pressed(user_id="U0ALICE")

    assert codes(refusal) == ["launch_elsewhere"]
    assert "A1" not in str(refusal)


@pytest.mark.parametrize("changes", [{"launch_id": "L-NOPE1"}, {"team_id": "T0OTHER"}])
async def test_what_there_is_not_here_is_unknown(scene: Scene, changes: dict[str, str]) -> None:
    await scene.over()

    assert codes(await scene.pressed(**changes)) == ["unknown_launch"]


async def test_a_connection_that_is_gone_is_named(scene: Scene) -> None:
    await scene.over(connection="old")

    assert codes(await scene.pressed()) == ["connection_gone"]


@pytest.mark.parametrize(("obstacle", "code"), [("It is switched off.", "not_launchable"), (None, "workflow_gone")])
async def test_a_workflow_that_cannot_be_launched_any_more_is_said_to_be_so(
    scene: Scene, obstacle: str | None, code: str
) -> None:
    await scene.over()
    scene.described(*(DUNNING.inputs or ()), obstacle=obstacle)
    if obstacle is None:
        scene.house.definitions.workflows = {"billing": ()}

    assert codes(await scene.pressed(trigger_id=None)) == [code]


async def test_a_workflow_that_is_only_named_like_the_one_that_is_gone_is_another(scene: Scene) -> None:
    await scene.over()
    scene.house.definitions.workflows = {"billing": (replace(DUNNING, workflow_id="812", name="396"),)}

    assert codes(await scene.pressed(trigger_id=None)) == ["workflow_gone"]


# --- the command ---


def read(told: Typed) -> LaunchText:
    typed = read_command(told.text, subcommands=frozenset())
    assert isinstance(typed, LaunchText)
    return typed


async def test_where_slack_opens_no_form_the_command_is_told(scene: Scene) -> None:
    await scene.over(inputs={"accountId": "A 1", "maxAmount": 12})
    scene.forms.refusal = ThreadError("expired_trigger_id", is_permanent=True)

    told = await scene.pressed()

    assert isinstance(told, Typed)
    assert read(told) == LaunchText(
        connection="billing", workflow="396", inputs=(("accountId", "A 1"), ("maxAmount", "12")), is_preview=False
    )


async def test_a_command_is_not_told_before_the_provider_was_asked(scene: Scene) -> None:
    """The form opens by what is remembered; a command is copied and sent, so it should be right."""
    await scene.over()
    scene.house.definitions.silent.add("billing")

    told = await scene.typed()

    assert [one.code for one in told.differences] == ["again_uncompared"]
    assert scene.house.definitions.asked == ["billing"]


async def test_a_value_that_a_person_must_give_anew_is_a_placeholder_that_cannot_be_sent(scene: Scene) -> None:
    await scene.over()
    scene.described(
        InputSpec(name="accountId"),
        InputSpec(name="maxAmount", type=InputType.DATE),
        InputSpec(name="reason", required=True),
    )

    told = await scene.typed()

    assert told.text == "billing 396 accountId=A1 maxAmount=<maxAmount> reason=<reason>"
    assert isinstance(read_command(told.text, subcommands=frozenset()), Problems)


async def test_what_the_grant_gives_itself_stands_in_no_command(scene: Scene) -> None:
    await scene.over()
    scene.house.grants = (replace(GRANT, inputs={"maxAmount": InputRule(fixed=12)}),)

    assert (await scene.typed()).text == "billing 396 accountId=A1"


async def test_a_provider_that_never_answers_ends_the_wait_with_a_sentence(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.over()
    monkeypatch.setattr("bot.launching.again.UNHURRIED_S", 0.0)

    class Silent:
        async def find(self, _connection: Connection, _typed: str) -> None:
            await asyncio.Event().wait()

        async def seen(self, connection: Connection, *, patience_s: float) -> Seen:
            return Seen()

    repeating = replace(scene.repeating, definitions=Silent(), opening=None)  # type: ignore[arg-type]
    told = await repeating.again(a_delivery(user_id="U0BOB"), "L-7K3QW")

    assert isinstance(told, Typed)
    assert told.differences[0].facts["cause"] == "billing has not answered yet"
