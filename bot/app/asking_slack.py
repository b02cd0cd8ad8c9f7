"""What `gonogo check` asks Slack: does it take our tokens, and are channels, user groups and people as the file names them?

Asked by the same directory as every launch asks, so that what is told here is what a decision would see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.slack_door import Workspace, greet, try_app_token, web_client
from bot.checking.facts import NOT_ASKED, SlackFacts, Unknown
from bot.checking.findings import Checked, Level
from bot.checking.places import Places, named
from bot.checking.slack import slack_findings
from bot.domain.errors import LookupFailedError, SlackRefusedError
from bot.gateways.clock import SystemClock
from bot.gateways.slack_calls import UNREACHABLE, SlackCallError, call_slack
from bot.gateways.slack_directory import SlackDirectory
from bot.ports import Clock
from bot.settings import Configuration, Settings

AT_ONCE = 4
LONGEST_WAIT_S = 60.0
"""Slack's own wait after too many questions is a minute at most; a longer one is not waited for."""
MOST_WAITS = 3
MOST_MEMBERS = 200
"""Of the members of approver groups so many are looked up; a larger group has approvers enough."""

T = TypeVar("T")


async def ask_slack(
    settings: Settings, configuration: Configuration, places: Places, *, asked_for: frozenset[str]
) -> list[Checked]:
    """Try the tokens, then look everything up that the file names. ``asked_for``: the manifest's Slack scopes."""
    if settings.slack_bot_token is None:
        return [Checked(level=Level.FAULT, code="slack_token", subject="Slack", words="SLACK_BOT_TOKEN is not set")]
    async with aiohttp.ClientSession() as session:
        client = web_client(settings, settings.slack_bot_token, session)
        try:
            workspace = await greet(client)
            if settings.slack_app_token is not None:
                await try_app_token(web_client(settings, settings.slack_app_token, session))
        except SlackRefusedError as error:
            return [Checked(level=Level.FAULT, code="slack_token", subject="Slack", words=str(error))]
        facts = await _LookUps(client, workspace, SystemClock()).facts(configuration)
    words = f"workspace {workspace.team_id}, bot @{workspace.bot_name}"
    well = Checked(level=Level.WELL, code="slack_token", subject="Slack", words=words)
    return [well, *slack_findings(configuration, facts, places, asked_for=asked_for)]


class _LookUps:
    """Looks everything up, a few at a time, and stops once Slack no longer answers."""

    def __init__(self, client: AsyncWebClient, workspace: Workspace, clock: Clock) -> None:
        self._client = client
        self._workspace = workspace
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._is_gone = False
        self._directory = SlackDirectory(client, clock=clock, team_id=workspace.team_id, enterprise_id=workspace.enterprise_id)

    async def facts(self, configuration: Configuration) -> SlackFacts:
        """Everything that the configuration names, as Slack knows it."""
        everybody = list(named(configuration.policy))
        group_ids = {one.name for one in everybody if one.name.startswith("S")}
        channel_ids = {*configuration.policy.channels, *filter(None, [configuration.operators])}
        channels, groups = await asyncio.gather(
            self._all(channel_ids, self._directory.channel), self._all(group_ids, self._directory.group_members)
        )
        approving = {one.name for one in everybody if "approver" in one.role}
        members = {user_id for name in approving if isinstance(found := groups.get(name), frozenset) for user_id in found}
        user_ids = {one.name for one in everybody} - group_ids
        people, disabled = await asyncio.gather(
            self._all({*user_ids, *sorted(members)[:MOST_MEMBERS]}, self._directory.person), self._disabled(groups)
        )
        return SlackFacts(
            scopes=self._workspace.scopes or None,
            bot_name=self._workspace.bot_name,
            channels=channels,
            groups=groups,
            people=people,
            disabled=disabled,
        )

    async def _all(self, ids: Iterable[str], ask: Callable[[str], Awaitable[T]]) -> dict[str, T | Unknown]:
        wanted = sorted(ids)
        answers = await asyncio.gather(*(self._one(one, ask) for one in wanted))
        return dict(zip(wanted, answers, strict=True))

    async def _one(self, one: str, ask: Callable[[str], Awaitable[T]]) -> T | Unknown:
        async with self._slots:
            for _ in range(MOST_WAITS):
                if self._is_gone:
                    return Unknown(cause=NOT_ASKED)
                try:
                    return await ask(one)
                except LookupFailedError as error:
                    wait_s = self._wait_s(error)
                    if wait_s is None:
                        return Unknown(cause=error.cause)
                await self._clock.sleep(wait_s)
        return Unknown(cause="Slack asked to wait for too long; try again in a minute")

    def _wait_s(self, error: LookupFailedError) -> float | None:
        """How long to wait before the same question; None where it would be answered the same."""
        told = error.__cause__
        if not isinstance(told, SlackCallError):
            return None
        self._is_gone = self._is_gone or told.code == UNREACHABLE
        return told.retry_after_s if told.retry_after_s is not None and told.retry_after_s <= LONGEST_WAIT_S else None

    async def _disabled(self, groups: dict[str, frozenset[str] | Unknown]) -> frozenset[str]:
        """Of the groups that Slack does not tell, those that it tells with the disabled ones."""
        untold = [name for name, found in groups.items() if isinstance(found, Unknown) and found.cause == "no_such_subteam"]
        answers = await self._all(untold, self._members_even_if_disabled)
        return frozenset(name for name, found in answers.items() if found is True)

    async def _members_even_if_disabled(self, group_id: str) -> bool:
        arguments = {"usergroup": group_id, "include_disabled": "true"}
        try:
            await call_slack(self._client, "usergroups.users.list", http_verb="GET", params=arguments)
        except SlackCallError as error:
            raise LookupFailedError(f"the user group {group_id}", error.code) from error
        return True
