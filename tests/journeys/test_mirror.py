"""What the credentials really hold, through the whole bot: a scope is taken at the provider, and within one probe the mirror has
it, the operators know, and whoever launches is told whose turn it is.

The mirroring here is a replica beside the bot: it shares the bot's database and nothing else, as another process would. It is
asked to probe at once; otherwise each test would take as long as the timer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.app.building import build_wire
from bot.domain.drift import Drift, DriftKind, drifts
from bot.domain.provider import Unauthorised
from bot.domain.standing import Standing
from bot.gateways.clock import SystemClock
from bot.providers import load
from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.standins.captain_data import ACCOUNT
from bot.sandbox.world import CONFIGURATION
from bot.settings import Configuration, read_configuration
from bot.store import open_store
from bot.worker.mirroring import Mirroring
from tests.builders import a_launch
from tests.journeys.house import House, a_house, launch_id
from tests.ports import RecordingThread

PROVIDERS = load()
ADD = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
FLOW = """    workflows:
      Escalate_to_Case:
        name: Escalate to Case
        inputs: {CommentCount: {type: decimal}}
"""
SF_CREDENTIAL = '    credential: {client_id: "${SF_CLIENT_ID}", client_secret: "${SF_CLIENT_SECRET}"}\n'
DOMO_CREDENTIAL = '    credential: {developer_token: "${DOMO_TOKEN}"}\n'


@dataclass(frozen=True, kw_only=True)
class Case:
    """One right that is taken: how, where it shows, and the launch that needs it."""

    title: str
    provider: str
    connection: str
    scope: str
    typed: str
    user_id: str
    channel_id: str
    taken: str = ""
    on: str = ""
    switch: str = ""
    is_probed_held: bool | None = True

    def take(self, house: House, *, is_held: bool) -> None:
        if self.taken:
            house.providers.hold_scope(self.provider, self.taken, is_held=is_held, workflow_id=self.on or None)
        if self.switch:
            house.providers.switch(self.provider, self.switch, is_on=not is_held)


CASES = (
    Case(
        title="bizproc of the Bitrix24 key",
        provider="bitrix24",
        connection="crm",
        scope="bizproc",
        taken="bizproc",
        switch="lists_lost_scopes",
        typed="crm 713 entityType=deal entityId=5141",
        user_id="U0BOB",
        channel_id="C0SALES",
    ),
    Case(
        title="Workflow Run Access of the Zuora user",
        provider="zuora",
        connection="billing",
        scope="Workflow Run Access",
        taken="Workflow Run Access",
        typed="billing 396 accountId=4028905f5a87c0ff015a87d25ae90025",
        user_id="U0ALICE",
        channel_id="C0FINANCE",
        is_probed_held=None,
    ),
    Case(
        title="EXECUTE of the Domo model",
        provider="domo",
        connection="analytics",
        scope="EXECUTE",
        taken="EXECUTE",
        on=ADD,
        typed="analytics AddTwoNumbers parameter1=13 parameter2=7",
        user_id="U0CAROL",
        channel_id="C0DATA",
    ),
    Case(
        title="one flow of the Salesforce user",
        provider="salesforce",
        connection="sales",
        scope="api",
        taken="Run Flows",
        on="Escalate_to_Case",
        typed="sales Escalate_to_Case CommentCount=6",
        user_id="U0BOB",
        channel_id="C0SALES",
    ),
    Case(
        title="the account of the Captain Data workspace",
        provider="captain_data",
        connection="growth",
        scope=ACCOUNT,
        switch="account_removed",
        typed='growth "Extract profiles" linkedin_profile_url=https://www.linkedin.com/in/ada',
        user_id="U0CAROL",
        channel_id="C0DATA",
    ),
)
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)


@dataclass
class Watched:
    """A house, and a replica that keeps the mirror."""

    house: House
    mirroring: Mirroring
    configuration: Configuration
    thread: RecordingThread = field(default_factory=RecordingThread)

    async def probe(self, connection: str) -> list[str]:
        """Have one connection probed now; what operators were told then."""
        asked = Unauthorised(code="ASKED", meaning="The test asks for a probe.")
        await self.mirroring.refused(a_launch(connection=connection), asked)
        self.mirroring.clock.rest()  # type: ignore[attr-defined]
        for name in await self.mirroring.claim(10):
            await self.mirroring.act(name)
        told, self.thread.told = [text for _, text in self.thread.told], []
        return told

    async def drifts(self, connection: str) -> tuple[Drift, ...]:
        known = self.configuration.connections[connection]
        mirror = await self.mirroring.store.mirror(connection)
        now = self.mirroring.clock.now()
        return drifts(self.configuration.policy, known, PROVIDERS[known.provider], mirror, now=now)

    async def missing(self, case: Case) -> list[Drift]:
        return [one for one in await self.drifts(case.connection) if one.kind is DriftKind.GRANTED_NOT_HELD]


class Ahead(SystemClock):
    """The system's clock, and somewhat more each time the test rests."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_s = 0.0

    def rest(self) -> None:
        self.ahead_s += 11

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)


def _file(folder: Path) -> Path:
    """The demo's configuration, where Domo may be asked about rights, and the flow does not depend on Salesforce's list."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert SF_CREDENTIAL in text
    assert DOMO_CREDENTIAL in text
    text = text.replace(SF_CREDENTIAL, SF_CREDENTIAL + FLOW)
    text = text.replace(DOMO_CREDENTIAL, f"{DOMO_CREDENTIAL}    undocumented_reads: true\n")
    path = folder / "gonogo.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def _watched(folder: Path) -> AsyncGenerator[Watched, None]:
    path = _file(folder)
    async with a_house(folder, configuration=path) as house:
        environment = house.providers.environment()
        configuration = read_configuration(path, providers=PROVIDERS, environment=environment)
        clock, thread = Ahead(), RecordingThread()
        wire = build_wire(configuration, PROVIDERS, clock)
        async with open_store(house.settings.database_url) as store:
            mirroring = Mirroring(
                store=store,
                wire=wire,
                thread=thread,
                clock=clock,
                providers=PROVIDERS,
                standing=Standing(policy=configuration.policy, connections=configuration.connections),
            )
            yield Watched(house=house, mirroring=mirroring, configuration=configuration, thread=thread)
        await wire.close()


def _refusal(case: Case) -> Unauthorised:
    return Unauthorised(code="HTTP 403", meaning="No.", scope=case.scope, is_of_workflow=bool(case.on))


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncGenerator[Watched, None]:
    async with _watched(tmp_path) as watched:
        yield watched


@each_case
async def test_a_right_that_is_taken_shows_within_one_probe_and_is_told_once(watched: Watched, case: Case) -> None:
    await watched.probe(case.connection)
    assert await watched.missing(case) == []
    case.take(watched.house, is_held=False)

    (told,) = await watched.probe(case.connection)

    (drift,) = await watched.missing(case)
    assert (drift.scope, drift.workflow_id) == (case.scope, case.on)
    assert case.scope in told
    assert case.connection in told
    assert await watched.probe(case.connection) == []


@each_case
async def test_a_launch_is_refused_by_the_scope_and_says_whose_turn_it_is(watched: Watched, case: Case) -> None:
    await watched.probe(case.connection)
    case.take(watched.house, is_held=False)
    await watched.probe(case.connection)

    answer = await watched.house.told(case.user_id, case.channel_id, case.typed)

    assert case.scope in answer
    assert "Nothing that you did is wrong" in answer
    assert watched.house.providers.runs(case.provider) == []


@each_case
async def test_what_is_given_back_is_told_once_and_can_be_launched(watched: Watched, case: Case) -> None:
    await watched.probe(case.connection)
    case.take(watched.house, is_held=False)
    await watched.probe(case.connection)
    case.take(watched.house, is_held=True)

    (told,) = await watched.probe(case.connection)

    assert "Mended" in told
    assert await watched.missing(case) == []
    known = (await watched.mirroring.store.mirror(case.connection)).holdings[case.scope, case.on]
    assert known.is_held is case.is_probed_held
    await watched.house.launched(case.user_id, case.channel_id, case.typed)
    assert await watched.probe(case.connection) == []


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.provider in {"bitrix24", "zuora", "domo"}], ids=lambda case: case.title
)
async def test_a_refusal_before_any_probe_names_the_scope_in_the_thread_and_is_learnt(watched: Watched, case: Case) -> None:
    """The bot has not noticed yet: the provider refuses the start itself."""
    case.take(watched.house, is_held=False)

    card = await watched.house.ended(case.user_id, case.channel_id, case.typed)
    launch = await watched.mirroring.store.launch(launch_id(card))
    assert launch is not None
    await watched.mirroring.heard(launch, _refusal(case))

    assert card.text.startswith("Failed")
    last = watched.house.thread(card)[-1]
    assert case.scope in last
    assert "whoever runs Gonogo" in last
    assert case.scope in await watched.house.told(case.user_id, case.channel_id, case.typed)


async def test_a_provider_that_is_down_leaves_what_was_known(watched: Watched) -> None:
    case = CASES[0]
    case.take(watched.house, is_held=False)
    await watched.probe(case.connection)
    before = await watched.mirroring.store.mirror(case.connection)
    watched.house.providers.fault(case.provider, Fault(kind=FaultKind.STATUS, status=502), times=10)

    assert await watched.probe(case.connection) == []

    assert await watched.mirroring.store.mirror(case.connection) == before
    assert case.scope in await watched.house.told(case.user_id, case.channel_id, case.typed)
