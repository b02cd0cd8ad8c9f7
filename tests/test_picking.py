"""Records are found for whoever may launch what they are for, and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot import providers
from bot.domain.grants import ChannelPolicy, Grant, Policy
from bot.domain.model import Channel, InputSpec, Person, Workflow
from bot.domain.policy import Asker
from bot.domain.provider import FoundRecord, FoundRecords, Unauthorised, Unreachable, Unsupported
from bot.domain.standing import Standing
from bot.launching.judging import Judge
from bot.launching.picking import Picking
from tests.builders import FrozenClock, a_connection
from tests.ports import ListedWire, TableDirectory, a_store

CRM = a_connection(name="crm", provider="bitrix24")
APPROVAL = Workflow(workflow_id="713", inputs=(InputSpec(name="Amount"),), extras={"entity_type": "deal"})
GRANT = Grant(connection="crm", scopes=("bizproc", "crm"), workflows=("713",), requesters=("members",))
ASKER = Asker(
    person=Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice"),
    channel=Channel(channel_id="C0SALES", name="sales", is_member=True),
    memberships={},
)
ACME = FoundRecord(record_id="5141", title="Acme licence")


@dataclass
class Scene:
    """Everything that a search stands on."""

    judge: Judge
    wire: Any = field(default_factory=ListedWire)

    def grant(self, grant: Grant) -> None:
        channel = ChannelPolicy(channel_id="C0SALES", name="sales", grants=(grant,))
        policy = Policy(channels={"C0SALES": channel}, digest="")
        self.judge.standing.replace(policy=policy, connections={"crm": CRM})

    async def records(self, text: str = "acme") -> tuple[FoundRecord, ...]:
        picking = Picking(wire=self.wire, judge=self.judge, providers=providers.load(), patience_s=0.05)
        return await picking.records(ASKER, CRM, APPROVAL, kind="deal", search=text)


@pytest.fixture
async def scene() -> AsyncGenerator[Scene, None]:
    async with a_store() as store:
        standing = Standing(policy=Policy(channels={}, digest=""), connections={"crm": CRM})
        judge = Judge(standing=standing, directory=TableDirectory(), providers=providers.load(), store=store, clock=FrozenClock())
        made = Scene(judge)
        made.grant(GRANT)
        yield made


async def test_who_may_launch_it_finds_its_records(scene: Scene) -> None:
    scene.wire.answers = [FoundRecords(records=(ACME,))]

    assert await scene.records() == (ACME,)


@pytest.mark.parametrize(
    "changes", [{"scopes": ("bizproc",)}, {"scopes": ("crm",)}, {"requesters": ("U0BOB",)}, {"workflows": ("714",)}], ids=str
)
async def test_who_may_not_finds_nothing_and_the_provider_is_not_asked(scene: Scene, changes: dict[str, Any]) -> None:
    scene.grant(replace(GRANT, **changes))

    assert (await scene.records(), scene.wire.calls) == ((), [])


@pytest.mark.parametrize(
    "answer",
    [
        Unauthorised(code="SCOPE_DENIED", meaning="No.", scope="crm"),
        Unreachable(is_possibly_applied=False, detail="no answer"),
        Unsupported(meaning="It has none."),
    ],
)
async def test_a_provider_that_does_not_tell_leaves_the_search_empty(scene: Scene, answer: Any) -> None:
    scene.wire.answers = [answer]

    assert await scene.records() == ()


async def test_an_id_can_be_chosen_although_the_provider_does_not_tell(scene: Scene) -> None:
    scene.wire.answers = [Unreachable(is_possibly_applied=False, detail="no answer")]

    assert await scene.records(" 5141 ") == (FoundRecord(record_id="5141", title="Deal 5141"),)


@pytest.mark.parametrize("text", ["0", "-1", "٣", "12a", ""])
async def test_what_is_no_id_is_not_made_one(scene: Scene, text: str) -> None:
    scene.wire.answers = [Unreachable(is_possibly_applied=False, detail="no answer")]

    assert await scene.records(text) == ()


async def test_a_slow_provider_leaves_the_search_empty_before_slack_gives_up(scene: Scene) -> None:
    class Slow:
        async def perform(self, _connection: str, exchange: Any) -> Any:
            exchange.close()
            await asyncio.Event().wait()

    scene.wire = Slow()

    assert await scene.records() == ()


async def test_a_search_of_a_thousand_words_is_cut(scene: Scene) -> None:
    scene.wire.answers = [FoundRecords(records=())]
    await scene.records("x" * 5000)
    ((_, call),) = scene.wire.calls

    assert len(call.json["filter"]["title"]["$contains"]) == 200


def test_which_inputs_take_a_record_depends_on_what_is_given() -> None:
    any_kind = replace(APPROVAL, extras={})
    nobody: Any = None
    picking = Picking(wire=nobody, judge=nobody, providers=providers.load())

    assert picking.record_inputs(CRM, APPROVAL, {}) == {"entityId": "deal"}
    assert picking.record_inputs(CRM, any_kind, {}) == {}
    assert picking.record_inputs(CRM, any_kind, {"entityType": "company"}) == {"entityId": "company"}
