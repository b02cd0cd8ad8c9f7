"""`gonogo check` against the stand-ins: one thing of the world is taken away at a time, and the finding names it and its line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import app as application
from bot import providers
from bot.checking import Checked, Level, has_fault
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import UserGroup
from bot.sandbox.standins import Fault, FaultKind, ProviderStandIns
from bot.sandbox.world import CONFIGURATION
from bot.settings import read_configuration, read_settings
from tests.builders import NOON
from tests.journeys.house import MANIFEST

QUICKLY_S = 12.0
OLD_DUNNING = 'workflows: ["396", "Dunning *"]\n        requesters: [members]'


@dataclass
class World:
    """Slack and the providers, and a configuration that may be rewritten before it is checked."""

    slack: SlackStandIn
    standins: ProviderStandIns
    folder: Path
    text: str = field(default_factory=lambda: CONFIGURATION.read_text(encoding="utf-8"))
    variables: dict[str, str] = field(default_factory=dict[str, str])

    def write(self, before: str, after: str) -> None:
        assert before in self.text
        self.text = self.text.replace(before, after)

    async def check(self) -> list[Checked]:
        path = self.folder / "gonogo.yaml"
        path.write_text(self.text, encoding="utf-8")
        slack = {"SLACK_BOT_TOKEN": self.slack.bot_token, "SLACK_APP_TOKEN": self.slack.app_token}
        settings = read_settings(
            {**slack, "SLACK_API_URL": self.slack.api_url, "GONOGO_CONFIG": str(path), **self.variables}, dotenv=None
        )
        environment = {**self.standins.environment(), **self.variables}
        configuration = read_configuration(path, providers=providers.load(), environment=environment)
        return await application.probe(settings, configuration, providers.load(), manifest=MANIFEST)

    async def bad(self) -> list[tuple[str, str, str | None]]:
        """Level and code of what is bad, and what stands in its line of the file."""
        lines = self.text.splitlines()
        return [
            (one.level, one.code, lines[int(one.place.rpartition(":")[2]) - 1].strip() if one.place else None)
            for one in await self.check()
            if one.level in {Level.FAULT, Level.WARNING}
        ]


@asynccontextmanager
async def a_world(folder: Path) -> AsyncGenerator[World]:
    slack = SlackStandIn(Workspace.demo(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))))
    standins = ProviderStandIns(run_s=0)
    await standins.start()
    await slack.start()
    try:
        yield World(slack=slack, standins=standins, folder=folder)
    finally:
        await slack.stop()
        await standins.stop()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with a_world(tmp_path) as world:
        yield world


async def test_the_demo_is_well(world: World) -> None:
    everything = await world.check()

    assert [one for one in everything if one.level in {Level.FAULT, Level.WARNING}] == []
    assert not has_fault(everything)


async def test_nothing_is_started_and_nothing_is_written_in_slack(world: World) -> None:
    await world.check()

    assert all(not world.standins.runs(name) for name in providers.load())
    assert {call.name.split(".")[0] for call in world.slack.traffic if call.kind == "call"} <= {
        "auth", "apps", "conversations", "usergroups", "users",
    }  # fmt: skip


# --- Slack -------------------------------------------------------------------------------------------------------------


def group(group_id: str, *users: str, is_disabled: bool = False) -> Callable[[World], None]:
    def put(world: World) -> None:
        world.slack.workspace.groups[group_id] = UserGroup(
            group_id=group_id, handle="x", name="X", users=users, is_disabled=is_disabled
        )

    return put


def granted_to(name: str) -> Callable[[World], None]:
    return lambda world: world.write(OLD_DUNNING, OLD_DUNNING.replace("members", name))


def channel(**changes: Any) -> Callable[[World], None]:
    return lambda world: world.slack.workspace.change_channel("C0FINANCE", NOON, **changes) and None


def without(scope: str) -> Callable[[World], None]:
    def take(world: World) -> None:
        workspace, token = world.slack.workspace, world.slack.bot_token
        workspace.change_token(token, NOON, scopes=workspace.tokens[token].scopes - {scope})

    return take


def all_of(*steps: Callable[[World], None]) -> Callable[[World], None]:
    return lambda world: [step(world) for step in steps] and None


SLACK_TROUBLE: dict[str, tuple[Callable[[World], None], list[tuple[str, str, str | None]]]] = {
    "the bot was removed from a channel": (
        channel(members=frozenset({"U0ALICE"})),
        [("fault", "channel_without_bot", "C0FINANCE:")],
    ),
    "a channel is archived": (channel(is_archived=True), [("fault", "channel_archived", "C0FINANCE:")]),
    "a channel is shared": (channel(is_ext_shared=True), [("fault", "channel_shared", "C0FINANCE:")]),
    "a private channel without the bot": (
        lambda world: world.write("C0FINANCE:", "C0PRIVATE:"),
        [("fault", "channel_not_shown", "C0PRIVATE:")],
    ),
    "a channel that does not exist": (
        lambda world: world.write("C0FINANCE:", "C0NOWHERE:"),
        [("fault", "channel_not_shown", "C0NOWHERE:")],
    ),
    "operators in a channel without the bot": (
        lambda world: world.write("operators: C0OPS\n", "operators: C0PRIVATE\n"),
        [("fault", "channel_not_shown", "operators: C0PRIVATE")],
    ),
    "an unknown group": (granted_to("S0NOBODY"), [("fault", "group_unknown", "requesters: [S0NOBODY]")]),
    "a disabled group": (
        all_of(group("S0OLD", "U0ALICE", is_disabled=True), granted_to("S0OLD")),
        [("fault", "group_disabled", "requesters: [S0OLD]")],
    ),
    "an empty group": (
        all_of(group("S0EMPTY"), granted_to("S0EMPTY")),
        [("warning", "group_empty", "requesters: [S0EMPTY]")],
    ),
    "an unknown person": (granted_to("U0NOBODY"), [("fault", "person_unknown", "requesters: [U0NOBODY]")]),
    "a guest": (granted_to("U0GUEST"), [("fault", "person_is_guest", "requesters: [U0GUEST]")]),
    "a deactivated person": (granted_to("U0GONE"), [("fault", "person_is_deleted", "requesters: [U0GONE]")]),
    "a bot": (granted_to("U0ROBOT"), [("fault", "person_is_bot", "requesters: [U0ROBOT]")]),
}


@pytest.mark.parametrize(("spoil", "expected"), SLACK_TROUBLE.values(), ids=SLACK_TROUBLE)
async def test_what_is_wrong_in_slack_is_named_with_its_line(
    world: World, spoil: Callable[[World], None], expected: list[tuple[str, str, str | None]]
) -> None:
    spoil(world)

    assert await world.bad() == expected


async def test_a_slack_scope_that_was_not_granted_is_named_and_so_is_what_hangs_on_it(world: World) -> None:
    granted_to("S0LEADS")(world)
    without("usergroups:read")(world)

    bad = await world.bad()

    assert bad[0] == ("fault", "slack_scope_missing", None)
    assert ("fault", "group_untold", "requesters: [S0LEADS]") in bad


async def test_another_name_in_slack_is_a_note(world: World) -> None:
    channel(name="money")(world)
    everything = await world.check()

    assert [one.words for one in everything if one.code == "channel_renamed"] == [
        "is called #money in Slack, and finance-ops here; the id decides"
    ]
    assert not has_fault(everything)


@pytest.mark.parametrize("token", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_wrong_token_is_one_fault_and_the_providers_are_asked_all_the_same(world: World, token: str) -> None:
    world.variables[token] = {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong"}[token]
    everything = await world.check()

    assert [one.code for one in everything if one.level is Level.FAULT] == ["slack_token"]
    assert sum(one.code == "credential_well" for one in everything) == 6
    assert all(world.variables[token] not in one.words for one in everything)


async def test_slack_that_asks_to_wait_is_asked_again(world: World) -> None:
    world.slack.fault("conversations.info", SlackFault.limited(1))

    assert await world.bad() == []


async def test_slack_that_dies_half_way_is_not_asked_on(world: World) -> None:
    granted_to("U0ALICE")(world)
    world.slack.fault("conversations.info", SlackFault.dropping(), times=50)

    assert {code for _, code, _ in await world.bad()} == {"channel_unknown", "group_untold", "person_untold"}
    assert [call for call in world.slack.traffic if call.name == "users.info"] == []


# --- providers -----------------------------------------------------------------------------------------------------------


async def test_a_wrong_credential_is_one_fault_of_that_connection(world: World) -> None:
    world.variables["DOMO_TOKEN"] = "wrong-token"
    everything = await world.check()

    assert [(one.code, one.subject) for one in everything if one.level is Level.FAULT] == [
        ("credential_refused", "analytics (Domo Workflows)")
    ]


async def test_a_workflow_that_was_switched_off_is_named(world: World) -> None:
    world.write('"396", "Dunning *"', '"302"')

    assert await world.bad() == [("fault", "workflow_not_launchable", 'workflows: ["302"]')]


async def test_a_workflow_that_does_not_exist_is_named_and_a_glob_that_means_nothing(world: World) -> None:
    world.write('"396", "Dunning *"', '"999", "Nothing *"')

    assert await world.bad() == [
        ("fault", "workflow_unknown", 'workflows: ["999", "Nothing *"]'),
        ("warning", "glob_matches_nothing", 'workflows: ["999", "Nothing *"]'),
    ]


async def test_configured_inputs_that_no_longer_match_are_named(world: World) -> None:
    world.write("first_name: {type: text}", "firstname: {type: text}")
    world.write("company_name: {type: text, required: true}", "company_name: {type: text}")

    assert await world.bad() == [
        ("fault", "input_unknown", "firstname: {type: text}"),
        ("fault", "input_required", "company_name: {type: text}"),
    ]


async def test_a_rule_on_an_input_that_there_is_not_is_named(world: World) -> None:
    world.write(OLD_DUNNING, f"{OLD_DUNNING.replace(', ', ' ,')}\n        inputs: {{maxAmont: {{max: 5}}}}".replace(" ,", ", "))
    world.write('"396", "Dunning *"', '"396"')

    assert await world.bad() == [("fault", "rule_unknown_input", "inputs: {maxAmont: {max: 5}}")]


@pytest.mark.parametrize(
    ("provider", "scope", "expected"),
    [
        ("bitrix24", "bizproc", "scopes: [bizproc, crm]"),
        ("zuora", "Workflow Run Access", "scopes: [Workflow Run Access, Workflow View Access]"),
    ],
)
async def test_a_scope_that_was_taken_from_the_credential_is_named_at_the_grant(
    world: World, provider: str, scope: str, expected: str
) -> None:
    world.standins.hold_scope(provider, scope, is_held=False)
    everything = await world.bad()

    assert ("fault", "scope_not_held", expected) in everything


async def test_one_flow_taken_from_the_user_is_named(world: World) -> None:
    world.standins.hold_scope("salesforce", "Run Flows", is_held=False, workflow_id="Escalate_to_Case")
    everything = await world.bad()

    assert everything != []
    assert all("Escalate" in line or "api" in line for _, _, line in everything if line)


async def test_a_dead_provider_costs_its_timeout_and_the_others_are_told(world: World) -> None:
    world.write("provider: zuora\n", "provider: zuora\n    timeout: 1s\n")
    world.standins.fault("zuora", Fault(kind=FaultKind.HANG), times=50)
    began = asyncio.get_running_loop().time()
    everything = await world.check()
    took_s = asyncio.get_running_loop().time() - began
    faults = [one for one in everything if one.level is Level.FAULT]

    assert took_s < QUICKLY_S
    assert {one.subject for one in faults} == {"billing (Zuora Workflow)"}
    assert sum(one.code == "credential_well" for one in everything) == 5


async def test_a_slow_provider_is_told_as_far_as_it_came(world: World) -> None:
    """The credential was taken; then nothing more is answered within the time that a call may take."""
    world.write("provider: captain_data\n", "provider: captain_data\n    timeout: 1s\n")
    world.standins.fault("captain_data", Fault(kind=FaultKind.HANG), verb="catalogue", times=50)
    everything = await world.check()

    assert "growth (Captain Data)" in {one.subject for one in everything if one.code == "credential_well"}
    assert [one.subject for one in everything if one.level is Level.FAULT][:1] in (["growth (Captain Data)"], ["growth"])


async def test_a_provider_that_answers_nonsense_is_a_fault(world: World) -> None:
    world.standins.fault("captain_data", Fault(kind=FaultKind.HTML), times=50)

    assert {code for _, code, _ in await world.bad()} <= {"provider_trouble", "workflows_untold"}
    assert await world.bad() != []


async def test_nobody_configured_is_well(world: World) -> None:
    world.text = "slack: {command: /launch}\nconnections: {}\nchannels: {}\n"

    assert await world.bad() == []
