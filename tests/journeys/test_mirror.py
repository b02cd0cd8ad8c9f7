"""What the credentials really hold, through the whole bot: a scope is taken at the provider, and within one probe `/launch access`
shows it, the operators know, and whoever launches is told whose turn it is.

The bot's own mirroring is watched, with a timer of tenths of a second instead of minutes; or of an hour, where the refusal of a
launch is to be quicker than any probe.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.standins.captain_data import ACCOUNT
from bot.sandbox.world import CONFIGURATION
from bot.worker.mirroring import LEAST_BETWEEN
from tests.journeys.house import House, a_house
from tests.journeys.storm import eventually

OPERATORS = "C0OPS"
OFTEN, HARDLY = timedelta(seconds=0.3), timedelta(hours=1)
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

    def take(self, house: House, *, is_held: bool) -> None:
        if self.taken:
            house.providers.hold_scope(self.provider, self.taken, is_held=is_held, workflow_id=self.on or None)
        if self.switch:
            house.providers.switch(self.provider, self.switch, is_on=not is_held)


TOLD_WITHIN_S = 2 * LEAST_BETWEEN.total_seconds()
"""A connection that was probed just now is not probed again before that time is over."""
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


def _file(folder: Path) -> Path:
    """The demo's configuration, where Domo may be asked about rights, and the flow does not depend on Salesforce's list."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert SF_CREDENTIAL in text
    assert DOMO_CREDENTIAL in text
    text = text.replace(SF_CREDENTIAL, SF_CREDENTIAL + FLOW, 1)
    text = text.replace(DOMO_CREDENTIAL, f"{DOMO_CREDENTIAL}    undocumented_reads: true\n")
    path = folder / "gonogo.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def _watched(folder: Path, probe_every: timedelta) -> AsyncGenerator[House, None]:
    """A house whose bot has looked at every credential once."""
    async with a_house(folder, configuration=_file(folder), probe_every=probe_every) as house:
        connections = {case.connection for case in CASES}
        await eventually(lambda: connections <= looked_at(house), 20, "not every credential was probed")
        yield house


def looked_at(house: House) -> set[str]:
    """The connections of whose credential something is known."""
    with closing(sqlite3.connect(house.settings.database_url.removeprefix("sqlite:///"), timeout=10)) as database:
        return {name for (name,) in database.execute("SELECT DISTINCT connection FROM holdings")}


def news(workspace: Workspace, connection: str) -> list[str]:
    """What the operators were told of one credential."""
    told = [message.text for message in workspace.messages(OPERATORS)]
    return [text for text in told if text.startswith(f"Scopes of {connection}:")]


async def told(house: House, case: Case, *words: str) -> str:
    """Wait until the operators are told of this scope with these words."""
    wanted = (case.scope, *words)
    return await house.workspace.wait_for(
        lambda seen: next((text for text in news(seen, case.connection) if all(word in text for word in wanted)), None),
        timeout_s=TOLD_WITHIN_S,
    )


@pytest.fixture
async def often(tmp_path: Path) -> AsyncGenerator[House, None]:
    async with _watched(tmp_path, OFTEN) as house:
        yield house


@pytest.fixture
async def hardly(tmp_path: Path) -> AsyncGenerator[House, None]:
    async with _watched(tmp_path, HARDLY) as house:
        yield house


@each_case
async def test_a_right_that_is_taken_is_told_once_shown_and_named_to_whoever_launches(often: House, case: Case) -> None:
    before = len(news(often.workspace, case.connection))
    case.take(often, is_held=False)

    await told(often, case)

    access = await often.told(case.user_id, case.channel_id, f"access {case.connection}")
    assert "not held" in access
    assert case.scope in access
    answer = await often.told(case.user_id, case.channel_id, case.typed)
    assert case.scope in answer
    assert "Nothing that you did is wrong" in answer
    assert often.providers.runs(case.provider) == []
    assert len(news(often.workspace, case.connection)) == before + 1


@each_case
async def test_what_is_given_back_is_told_and_can_be_launched(often: House, case: Case) -> None:
    case.take(often, is_held=False)
    await told(often, case)
    case.take(often, is_held=True)

    await told(often, case, "Mended")

    await often.launched(case.user_id, case.channel_id, case.typed)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.provider in {"bitrix24", "zuora", "domo"}], ids=lambda case: case.title
)
async def test_a_refusal_before_any_probe_names_the_scope_in_the_thread_and_is_learnt(hardly: House, case: Case) -> None:
    """The bot has not noticed yet: the provider refuses the start itself, and the next wish is denied for it."""
    case.take(hardly, is_held=False)

    card = await hardly.ended(case.user_id, case.channel_id, case.typed)

    assert card.text.startswith("Failed")
    last = hardly.thread(card)[-1]
    assert case.scope in last
    assert "whoever runs Gonogo" in last
    await told(hardly, case)
    assert case.scope in await hardly.told(case.user_id, case.channel_id, case.typed)


async def test_a_provider_that_is_down_leaves_what_was_known(often: House) -> None:
    case = CASES[0]
    case.take(often, is_held=False)
    await told(often, case)
    before = news(often.workspace, case.connection)
    seen = len(often.providers.received)
    often.providers.fault(case.provider, Fault(kind=FaultKind.STATUS, status=502), times=10)
    await eventually(lambda: len(often.providers.received) > seen + 10, 20, "nothing was probed any more")

    assert case.scope in await often.told(case.user_id, case.channel_id, case.typed)
    assert news(often.workspace, case.connection) == before
