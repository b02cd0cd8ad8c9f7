"""Lost starts looked up at the stand-ins: what our starts left there is found, and what others started is not taken for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.model import Connection, Launch
from bot.domain.provider import Confirmed, Denied, Matches, Secret, Unreachable, Unverifiable
from bot.gateways.http import HttpWire
from bot.providers import load
from bot.providers.salesforce import Correlation, Options
from bot.sandbox.standins import Fault, FaultKind
from tests.builders import NOON, FrozenClock, a_launch
from tests.sandbox.standin_world import DOMO_MODEL, FIND_EMAIL, World, a_world

PROVIDERS = load()
STEP = {"step_uid": "11111111-1111-4111-8111-111111111111", "accounts": [], "parameters": {}}
LAUNCHES: Mapping[str, dict[str, Any]] = {
    "zuora": {"workflow_id": "396", "inputs": {"accountId": "4028905f5a87c0ff015a87d25ae90025"}},
    "bitrix24": {"workflow_id": "713", "inputs": {"entityType": "deal", "entityId": 5141}},
    "salesforce": {"workflow_id": "Escalate_to_Case", "inputs": {"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"}},
    "domo": {
        "workflow_id": DOMO_MODEL,
        "inputs": {"parameter1": 13, "parameter2": 7},
        "extras": {"version": "0.0.1", "message_name": "Start MyWorkflow"},
    },
    "captain_data": {"workflow_id": FIND_EMAIL, "inputs": {"company_name": "Analytical Engines"}, "extras": {"steps": [STEP]}},
}
CREDENTIALS: Mapping[str, Mapping[str, str]] = {
    "zuora": {"client_id": "ZUORA_CLIENT_ID", "client_secret": "ZUORA_CLIENT_SECRET"},
    "bitrix24": {"api_key": "BITRIX24_API_KEY"},
    "salesforce": {"client_id": "SF_CLIENT_ID", "client_secret": "SF_CLIENT_SECRET"},
    "domo": {"developer_token": "DOMO_TOKEN"},
    "captain_data": {"api_key": "CAPTAIN_DATA_KEY", "project_id": "CAPTAIN_DATA_PROJECT"},
}
OPTIONS = {"salesforce": Options(correlation=Correlation(input="RequestId", object="Case", field="Request_Id__c"))}
BY_CIRCUMSTANCES = ("domo", "bitrix24")


@dataclass
class Bot:
    """The providers' own files, over HTTP, at the stand-ins."""

    world: World
    wire: HttpWire

    def connection(self, name: str) -> Connection:
        return a_connection(self.world, name)

    async def ask(self, verb: str, launch: Launch, *more: str) -> Any:
        name = launch.provider
        return await self.wire.perform(name, getattr(PROVIDERS[name], verb)(launch, *more, self.connection(name)))

    async def lost(self, launch: Launch) -> str:
        """Start it and lose the answer; the run's id, which nobody told us."""
        self.world.standins.fault(launch.provider, Fault(kind=FaultKind.DROP, is_applied=True), verb="start")
        answer = await self.ask("start", launch)
        assert isinstance(answer, Unreachable)
        assert answer.is_possibly_applied
        return self.world.standins.runs(launch.provider)[-1].run_id

    async def found(self, launch: Launch) -> list[str]:
        answer = await self.ask("find", launch)
        assert isinstance(answer, Matches)
        assert answer.doubt is None
        return [candidate.run_id for candidate in answer.candidates]


def a_connection(world: World, name: str) -> Connection:
    options = OPTIONS.get(name, PROVIDERS[name].options())
    return Connection(name=name, provider=name, base_url=world.standins.base_url(name), options=options)


def a_lost_launch(provider: str, **changes: Any) -> Launch:
    return a_launch(**({"provider": provider, "connection": provider, "sent_at": NOON} | LAUNCHES[provider] | changes))


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with a_world(run_s=100) as world:
        named = world.standins.environment()
        secrets = {name: {key: Secret(named[word]) for key, word in words.items()} for name, words in CREDENTIALS.items()}
        connections = {name: a_connection(world, name) for name in CREDENTIALS}
        wire = HttpWire(connections=connections, credentials=secrets, providers=PROVIDERS, clock=FrozenClock())
        yield Bot(world, wire)
        await wire.close()


@pytest.mark.parametrize("name", ["captain_data", *BY_CIRCUMSTANCES])
async def test_a_start_whose_answer_was_lost_is_found(bot: Bot, name: str) -> None:
    run_id = await bot.lost(a_lost_launch(name))
    bot.world.clock.move(30)

    assert await bot.found(a_lost_launch(name)) == [run_id]


async def test_a_flow_is_found_by_the_case_that_it_wrote(bot: Bot) -> None:
    await bot.lost(a_lost_launch("salesforce"))

    answer = await bot.ask("find", a_lost_launch("salesforce"))

    assert [(candidate.run_id, candidate.outcome) for candidate in answer.candidates] == [("500D0000003abcX", "succeeded")]


@pytest.mark.parametrize("name", ["captain_data", "salesforce"])
async def test_another_launchs_run_is_not_found_where_the_launch_id_is_in_it(bot: Bot, name: str) -> None:
    await bot.lost(a_lost_launch(name, launch_id="L-07HER"))

    assert await bot.found(a_lost_launch(name)) == []


async def test_a_job_is_found_by_either_name(bot: Bot) -> None:
    bot.world.standins.switch("captain_data", "name_in_main_only")
    run_id = await bot.lost(a_lost_launch("captain_data"))

    assert await bot.found(a_lost_launch("captain_data")) == [run_id]


@pytest.mark.parametrize("name", BY_CIRCUMSTANCES)
async def test_what_somebody_else_started_is_not_ours(bot: Bot, name: str) -> None:
    workflow_id = LAUNCHES[name]["workflow_id"]
    bot.world.standins.start_elsewhere(name, workflow_id, started_by="4471200", entityId=5141)

    assert await bot.found(a_lost_launch(name)) == []

    run_id = await bot.lost(a_lost_launch(name))

    assert await bot.found(a_lost_launch(name)) == [run_id]


@pytest.mark.parametrize("name", BY_CIRCUMSTANCES)
@pytest.mark.parametrize("sent_s", [-1000, 100])
async def test_what_our_user_started_at_another_time_is_not_this_launch(bot: Bot, name: str, sent_s: int) -> None:
    await bot.lost(a_lost_launch(name))

    assert await bot.found(a_lost_launch(name, sent_at=NOON + timedelta(seconds=sent_s))) == []


async def test_a_run_on_another_record_is_not_this_launch(bot: Bot) -> None:
    await bot.lost(a_lost_launch("bitrix24"))

    assert await bot.found(a_lost_launch("bitrix24", inputs={"entityType": "deal", "entityId": 7})) == []


async def test_a_run_that_is_over_is_not_in_bitrix24s_list_any_more(bot: Bot) -> None:
    run_id = await bot.lost(a_lost_launch("bitrix24"))
    bot.world.clock.move(100)

    assert await bot.found(a_lost_launch("bitrix24")) == []
    assert isinstance(await bot.ask("confirm", a_lost_launch("bitrix24"), run_id), Unverifiable)


@pytest.mark.parametrize("name", ["zuora", "captain_data", *BY_CIRCUMSTANCES])
async def test_the_run_that_a_person_names_is_confirmed(bot: Bot, name: str) -> None:
    run_id = await bot.lost(a_lost_launch(name))
    bot.world.clock.move(1)

    answer = await bot.ask("confirm", a_lost_launch(name), run_id)

    assert isinstance(answer, Confirmed)
    assert answer.run_id == run_id


@pytest.mark.parametrize(
    ("name", "other"),
    [("zuora", "286"), ("captain_data", "1e28ad18-7554-4eeb-ada7-652fb498f998"), ("domo", "b7e1c0d2"), ("bitrix24", "714")],
)
async def test_the_run_of_another_workflow_is_denied(bot: Bot, name: str, other: str) -> None:
    run_id = await bot.lost(a_lost_launch(name))

    assert isinstance(await bot.ask("confirm", a_lost_launch(name, workflow_id=other), run_id), Denied)


@pytest.mark.parametrize("name", ["zuora", "captain_data", "domo"])
async def test_a_run_that_there_is_not_is_denied(bot: Bot, name: str) -> None:
    assert isinstance(await bot.ask("confirm", a_lost_launch(name), "99999"), Denied)


@pytest.mark.parametrize(("flow", "expected"), [("Renewal_Reminder", Confirmed), ("Escalate_to_Case", Unverifiable)])
async def test_only_an_interview_that_waits_can_be_confirmed(bot: Bot, flow: str, expected: type[Any]) -> None:
    launch = a_lost_launch("salesforce", workflow_id=flow)
    bot.world.standins.standin("salesforce").start_elsewhere(flow, "somebody")
    (run,) = bot.world.standins.standin("salesforce").ledger.others.values()

    assert isinstance(await bot.ask("confirm", launch, run.run_id), expected)


async def test_a_start_that_is_applied_late_is_found_late(bot: Bot) -> None:
    bot.world.standins.fault("domo", Fault(kind=FaultKind.LATE, delay_s=240), verb="start")
    await bot.ask("start", a_lost_launch("domo"))
    (run,) = bot.world.standins.runs("domo")
    before = await bot.found(a_lost_launch("domo"))
    bot.world.clock.move(240)

    assert (before, await bot.found(a_lost_launch("domo"))) == ([], [run.run_id])


async def test_looking_causes_nothing(bot: Bot) -> None:
    for name in LAUNCHES:
        await bot.ask("find", a_lost_launch(name))
        await bot.ask("confirm", a_lost_launch(name), "77")

    assert {received.method for received in bot.world.standins.received if received.verb != "login"} == {"GET"}
    assert not any(bot.world.standins.runs(name) for name in LAUNCHES)
