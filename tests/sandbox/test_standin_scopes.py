"""Taking scopes from the stand-ins' credentials and giving them back, as the bot's own probes see it over the wire."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.provider import Held, ProbeAnswer, Unauthorised
from bot.gateways.clock import SystemClock
from bot.gateways.http import HttpWire
from bot.providers import domo, load
from bot.sandbox.standins.captain_data import ACCOUNT, COOKIE
from bot.sandbox.world import CONFIGURATION
from bot.settings import Configuration, read_configuration
from tests.sandbox.standin_world import World, a_world

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
ADD, FORECAST = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138", "b7e1c0d2-1111-4ee4-b7c3-b9e9b86c0139"
PROVIDERS = load()


@dataclass
class Asked:
    """The stand-ins, and the demo's connections to them."""

    world: World
    wire: HttpWire
    configuration: Configuration

    async def probe(self, name: str, *, options: Any = None) -> ProbeAnswer:
        connection = self.configuration.connections[name]
        connection = replace(connection, options=options or connection.options)
        return await self.wire.perform(name, PROVIDERS[connection.provider].probe(connection))

    async def held(self, name: str, scope: str, workflow_id: str = "", **more: Any) -> bool | None:
        answer = await self.probe(name, **more)
        assert isinstance(answer, Held), answer
        return answer.of(scope, workflow_id)

    async def turn(self, *, is_held: bool, **facts: str) -> None:
        reply = await self.world.control("scope", is_held=is_held, **facts)
        assert reply.json() == {"ok": True}


def _configured(environment: Mapping[str, str], path: Path = CONFIGURATION) -> Configuration:
    return read_configuration(path, providers=PROVIDERS, environment=dict(environment))


@asynccontextmanager
async def _asked() -> AsyncGenerator[Asked, None]:
    async with a_world() as world:
        configuration = _configured(world.standins.environment())
        wire = HttpWire(
            connections=configuration.connections,
            credentials=configuration.credentials,
            providers=PROVIDERS,
            clock=SystemClock(),
        )
        try:
            yield Asked(world, wire, configuration)
        finally:
            await wire.close()


@pytest.fixture
async def asked() -> AsyncGenerator[Asked, None]:
    async with _asked() as asked:
        yield asked


async def test_a_zuora_user_loses_the_right_to_run_and_gets_it_back(asked: Asked) -> None:
    """Only that it is missing can be shown: that it is held, no harmless call proves."""
    assert (await asked.held("billing", RUN), await asked.held("billing", VIEW)) == (None, True)

    await asked.turn(provider="zuora", scope=RUN, is_held=False)
    assert (await asked.held("billing", RUN), await asked.held("billing", VIEW)) == (False, True)

    await asked.turn(provider="zuora", scope=RUN, is_held=True)
    assert await asked.held("billing", RUN) is None


async def test_a_zuora_user_who_sees_no_workflows_may_still_run_them(asked: Asked) -> None:
    await asked.turn(provider="zuora", scope=VIEW, is_held=False)

    assert (await asked.held("billing", VIEW), await asked.held("billing", RUN)) == (False, None)


async def test_probing_zuora_starts_nothing_and_is_no_start(asked: Asked) -> None:
    await asked.probe("billing")

    assert asked.world.standins.runs("zuora") == []
    assert {one.verb for one in asked.world.standins.received} == {"login", "probe"}


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("billing", "start"),
        ("billing", "catalogue"),
        ("sales", "start"),
        ("sales", "track"),
        ("analytics", "start"),
        ("analytics", "track"),
        ("growth", "start"),
        ("growth", "track"),
        ("crm", "start"),
    ],
)
async def test_a_fault_of_another_verb_does_not_befall_the_probe(asked: Asked, name: str, verb: str) -> None:
    provider = asked.configuration.connections[name].provider
    await asked.world.control("fault", provider=provider, kind="status", status=503, verb=verb)

    assert isinstance(await asked.probe(name), Held)


async def test_zuora_refuses_a_probe_that_names_an_entity_it_does_not_know(asked: Asked) -> None:
    provider, connection = PROVIDERS["zuora"], asked.configuration.connections["billing"]
    asked.world.standins.switch("zuora", "multi_entity")
    options = replace(connection.options, entity_ids=("11e643f4-a3ee-8bad-b061-0025904c57d6",))

    named = await asked.wire.perform("billing", provider.probe(replace(connection, options=options)))
    foreign = await asked.wire.perform(
        "billing", provider.probe(replace(connection, options=replace(options, entity_ids=("x",))))
    )

    assert isinstance(named, Held)
    assert isinstance(foreign, Held)
    assert (named.of(VIEW), foreign.of(VIEW)) == (True, False)


@pytest.mark.parametrize(
    ("switch", "code"), [("lists_lost_scopes", "SCOPE_DENIED"), ("scope_added_later", "BITRIX_ACCESS_DENIED")]
)
async def test_a_bitrix24_key_lists_what_it_lost(asked: Asked, switch: str, code: str) -> None:
    assert (await asked.held("crm", "bizproc"), await asked.held("crm", "crm")) == (True, True)
    await asked.turn(provider="bitrix24", scope="bizproc", is_held=False)
    await asked.world.control("switch", provider="bitrix24", switch=switch, is_on=True)

    answer = await asked.probe("crm")

    assert isinstance(answer, Held)
    assert (answer.of("bizproc"), answer.of("crm")) == (False, True)
    evidence = next(seen.evidence for seen in answer.scopes if seen.scope == "bizproc")
    assert f"({code}), although /v1/me lists bizproc" in evidence
    await asked.turn(provider="bitrix24", scope="bizproc", is_held=True)
    assert await asked.held("crm", "bizproc") is True


async def test_a_bitrix24_key_loses_crm_alone(asked: Asked) -> None:
    await asked.turn(provider="bitrix24", scope="crm", is_held=False)

    assert (await asked.held("crm", "bizproc"), await asked.held("crm", "crm")) == (True, False)


async def test_one_salesforce_flow_is_kept_from_the_user(asked: Asked) -> None:
    flows = ("", "Escalate_to_Case", "Renewal_Reminder", "Old_Escalation")
    await asked.turn(provider="salesforce", scope="Run Flows", workflow="Escalate_to_Case", is_held=False)

    answer = await asked.probe("sales")

    assert isinstance(answer, Held)
    assert [answer.of("api", flow) for flow in flows] == [True, False, True, None]
    await asked.turn(provider="salesforce", scope="Run Flows", workflow="Escalate_to_Case", is_held=True)
    assert await asked.held("sales", "api", "Escalate_to_Case") is True


async def test_a_salesforce_app_loses_its_scope(asked: Asked) -> None:
    await asked.turn(provider="salesforce", scope="api", is_held=False)

    assert await asked.held("sales", "api") is False


async def test_one_domo_workflow_loses_execute(asked: Asked) -> None:
    reading = domo.Options(undocumented_reads=True)
    await asked.turn(provider="domo", scope="EXECUTE", workflow=ADD, is_held=False)

    held = [await asked.held("analytics", "EXECUTE", model, options=reading) for model in (ADD, FORECAST)]

    assert held == [False, True]
    assert await asked.held("analytics", "READ", ADD, options=reading) is True


async def test_without_undocumented_reads_domo_verifies_nothing(asked: Asked) -> None:
    answer = await asked.probe("analytics")

    assert isinstance(answer, Held)
    assert {seen.is_held for seen in answer.scopes} == {None}


async def test_a_captain_data_account_is_removed_or_not_valid_any_more(asked: Asked) -> None:
    assert await asked.held("growth", ACCOUNT) is True

    await asked.turn(provider="captain_data", scope=ACCOUNT, is_held=False)
    assert await asked.held("growth", ACCOUNT) is False
    await asked.turn(provider="captain_data", scope=ACCOUNT, is_held=True)

    await asked.world.control("switch", provider="captain_data", switch="account_removed", is_on=True)
    answer = await asked.probe("growth")
    assert isinstance(answer, Held)
    assert answer.of(ACCOUNT) is False
    assert "does not list it" in answer.scopes[0].evidence


async def test_no_cookie_is_kept_or_logged(
    asked: Asked, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await asked.probe("growth")

    assert any("/accounts" in one.path for one in asked.world.standins.received)
    assert COOKIE not in repr(answer)
    assert COOKIE not in caplog.text
    assert COOKIE not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["billing", "crm", "sales", "analytics", "growth"])
async def test_a_credential_that_is_not_accepted_holds_nothing_that_could_be_told(asked: Asked, name: str) -> None:
    """A 401 says nothing of single scopes: what was known of them stands."""
    provider = asked.configuration.connections[name].provider
    await asked.world.control("fault", provider=provider, kind="status", status=401, times=4)  # a session is renewed once

    assert isinstance(await asked.probe(name), Unauthorised)
