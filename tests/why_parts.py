"""`/launch why` on the demo's own configuration: one allowed, one denied and one approval-bound case, for README.

Judged offline, so the credential's scopes are "not verified" in it: what the providers say is asked by the running bot.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from bot import providers
from bot.domain.advice import explained, smallest_change, who_could
from bot.domain.grants import Grant
from bot.domain.model import Channel, Connection, Person, Workflow
from bot.domain.policy import Asker, Circumstances, Wish
from bot.domain.records import Asked, verdict_of
from bot.sandbox.slack import demo
from bot.sandbox.standins import ProviderStandIns
from bot.sandbox.world import CONFIGURATION
from bot.settings import Configuration, read_configuration
from bot.surfaces.why import Why, say_why
from tests.builders import NOON

VERDICTS = ("allow", "deny", "need_approval")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_MENTION = re.compile(r"<(?:@|!subteam\^)([UWS][A-Z0-9]+)>")


def demo_configuration() -> Configuration:
    """The demo's file, with made-up addresses and credentials."""
    told = ProviderStandIns(run_s=0.0).environment()
    environment = {name: value or "http://127.0.0.1:9" for name, value in told.items()}
    return read_configuration(CONFIGURATION, providers=providers.load(), environment=environment)


def why_cases(configuration: Configuration) -> dict[str, tuple[str, str]]:
    """By verdict: who types what where, and what they see. A verdict that the configuration never gives is left out."""
    found: dict[str, tuple[str, str]] = {}
    for asked in _wishes(configuration):
        explanation = explained(configuration.policy, asked)
        verdict = verdict_of(explanation.decision)
        wish, channel = asked.wish, asked.asker.channel
        if verdict in found:
            continue
        why = Why(
            connection=wish.connection,
            workflow=wish.workflow.label,
            channel_name=channel.name,
            explanation=explanation,
            advice=smallest_change(configuration.policy, asked),
            could=tuple(name for name in who_could(configuration.policy, asked) if name != asked.asker.person.user_id),
        )
        typed = f"@{asked.asker.person.name} in #{channel.name}: {configuration.command} why {wish.connection}"
        shown = say_why(why, command=configuration.command)
        found[verdict] = (f'{typed} "{wish.workflow.label}"', as_seen(shown.text))
    return found


def why_part() -> str:
    """The cases as they stand in README."""
    cases = why_cases(demo_configuration())
    blocks = [f"```text\n{title}\n\n{text}\n```" for verdict in VERDICTS if verdict in cases for title, text in (cases[verdict],)]
    return "\n\n".join(blocks)


def _wishes(configuration: Configuration) -> Iterator[Asked]:
    """Everything that a grant of the demo names, asked for by everybody, in every channel with a policy."""
    scopes = providers.load()
    for channel_id, channel_policy in configuration.policy.channels.items():
        for owner in configuration.policy.channels.values():
            for grant in owner.grants:
                connection = configuration.connections[grant.connection]
                for workflow in _named(grant, connection):
                    needed = scopes[connection.provider].needed_scopes("launch", workflow)
                    for person, memberships in _people():
                        yield Asked(
                            wish=Wish(connection=connection.name, workflow=workflow, needed_scopes=needed),
                            asker=Asker(
                                person=person,
                                channel=Channel(channel_id=channel_id, name=channel_policy.name, is_member=True),
                                memberships=memberships,
                            ),
                            circumstances=Circumstances(now=NOON),
                        )


def _named(grant: Grant, connection: Connection) -> Iterator[Workflow]:
    """The workflows that a grant names without a glob; with what the configuration knows of them."""
    by_name = {workflow.name: workflow for workflow in connection.workflows.values()}
    for pattern in grant.workflows:
        if not set("*?[") & set(pattern):
            known = connection.workflows.get(pattern) or by_name.get(pattern)
            yield known or Workflow(workflow_id=pattern)


def _people() -> Iterator[tuple[Person, dict[str, bool | None]]]:
    for user in demo.USERS:
        if not (user.is_bot or user.deleted or user.is_restricted or user.is_stranger):
            memberships: dict[str, bool | None] = {group.group_id: user.user_id in group.users for group in demo.GROUPS}
            yield Person(user_id=user.user_id, team_id=user.team_id, name=user.name), memberships


def as_seen(text: str) -> str:
    """A message as people see it: names for mentions, times in words, no escapes."""
    names = {user.user_id: user.name for user in demo.USERS} | {group.group_id: group.handle for group in demo.GROUPS}
    plain = _MENTION.sub(lambda mention: f"@{names.get(mention[1], mention[1])}", _DATE.sub(r"\1", text))
    return html.unescape(plain)
