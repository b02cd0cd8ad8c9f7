"""What Slack's answers say of the configuration: Slack scopes, channels, user groups, people."""

from __future__ import annotations

from collections.abc import Iterator

from bot.checking.approvers import approver_findings
from bot.checking.facts import NOT_ASKED, SlackFacts, Unknown
from bot.checking.findings import Checked, Level
from bot.checking.manifest import SLACK_SCOPES
from bot.checking.places import Named, Places, named
from bot.domain.grants import ChannelPolicy
from bot.domain.model import Channel, Person
from bot.domain.policy import person_reasons
from bot.settings import Configuration


def slack_findings(
    configuration: Configuration, facts: SlackFacts, places: Places, *, asked_for: frozenset[str] = frozenset()
) -> Iterator[Checked]:
    """Everything that Slack's answers say. ``asked_for``: the Slack scopes of the manifest."""
    yield from _scope_findings(facts.scopes, asked_for)
    for channel_id, policy in configuration.policy.channels.items():
        yield _channel_finding(policy, facts, places.line(("channels", channel_id)))
        yield from _name_finding(policy, facts.channels.get(channel_id), places)
    if configuration.operators is not None:
        yield _operators_finding(configuration.operators, facts, places.line(("slack", "operators")))
    for one in named(configuration.policy):
        yield from _named_finding(one, facts, places.line(one.place))
    yield from approver_findings(configuration.policy, facts.groups, facts.people, places)


def _scope_findings(held: frozenset[str] | None, asked_for: frozenset[str]) -> Iterator[Checked]:
    if held is None:
        yield _of("Slack scopes", Level.NOTE, "slack_scopes_untold", "Slack did not say which Slack scopes the bot token holds")
        return
    missing = sorted({*SLACK_SCOPES, *asked_for} - held)
    for scope in missing:
        why = SLACK_SCOPES.get(scope, "The manifest asks for it.")
        words = f"the bot token lacks {scope}: {why} Reinstall the app from manifest.yaml, and copy the new token."
        yield _of("Slack scopes", Level.FAULT, "slack_scope_missing", words)
    for scope in sorted(held - set(SLACK_SCOPES) - asked_for):
        words = f"the bot token holds {scope}, which nothing here uses: take it from the app"
        yield _of("Slack scopes", Level.NOTE, "slack_scope_unused", words)
    if not missing:
        yield _of("Slack scopes", Level.WELL, "slack_scopes_held", f"holds {', '.join(sorted(SLACK_SCOPES))}")


def _channel_finding(policy: ChannelPolicy, facts: SlackFacts, place: str | None) -> Checked:
    """The worst that is to be said of a channel; one without grants promises nothing, so nothing of it is a fault."""
    bad = Level.FAULT if policy.grants else Level.NOTE
    channel = facts.channels.get(policy.channel_id, Unknown(cause=NOT_ASKED))
    subject = f"channel {policy.channel_id} ({policy.name})"
    if isinstance(channel, Unknown):
        return _of(subject, bad, "channel_unknown", f"could not be looked up: {channel.cause}", place=place)
    trouble = _cannot_be_used(channel, facts.bot_name)
    if trouble is not None:
        return _of(subject, bad, trouble[0], trouble[1], place=place)
    if channel.is_shared and not policy.is_shared_allowed:
        words = "is shared with another organisation, so nothing is launched there: write shared: true if that is meant"
        return _of(subject, bad, "channel_shared", words, place=place)
    if policy.is_shared_allowed and not channel.is_shared:
        words = "says shared: true, and no other organisation reads along: take it out, so that sharing it later asks again"
        return _of(subject, Level.NOTE, "channel_not_shared", words, place=place)
    return _of(subject, Level.WELL, "channel_well", "the bot is in it", place=place)


def _cannot_be_used(channel: Channel, bot_name: str) -> tuple[str, str] | None:
    """Code and words where nothing can be posted in a channel."""
    if channel.is_archived:
        return "channel_archived", "is archived: unarchive it, or take it out of the file"
    if channel.is_member:
        return None
    if channel.name == channel.channel_id:  # Slack shows the bot no such channel (SlackDirectory)
        return "channel_not_shown", f"Slack shows the bot no such channel: mend the id, or /invite @{bot_name} if it is private"
    return "channel_without_bot", f"the bot is not in it: /invite @{bot_name} there"


def _name_finding(policy: ChannelPolicy, channel: Channel | Unknown | None, places: Places) -> Iterator[Checked]:
    if not isinstance(channel, Channel) or channel.name == channel.channel_id:
        return
    if policy.name not in {channel.name, policy.channel_id}:
        words = f"is called #{channel.name} in Slack, and {policy.name} here; the id decides"
        place = places.line(("channels", policy.channel_id, "name"))
        yield _of(f"channel {policy.channel_id} ({policy.name})", Level.NOTE, "channel_renamed", words, place=place)


def _operators_finding(channel_id: str, facts: SlackFacts, place: str | None) -> Checked:
    subject = f"slack.operators {channel_id}"
    channel = facts.channels.get(channel_id, Unknown(cause=NOT_ASKED))
    if isinstance(channel, Unknown):
        return _of(subject, Level.FAULT, "channel_unknown", f"could not be looked up: {channel.cause}", place=place)
    trouble = _cannot_be_used(channel, facts.bot_name)
    if trouble is not None:
        return _of(subject, Level.FAULT, trouble[0], trouble[1], place=place)
    if channel.is_shared:
        words = "is shared with another organisation, which would read what only operators should"
        return _of(subject, Level.WARNING, "operators_shared", words, place=place)
    return _of(subject, Level.WELL, "channel_well", f"the bot is in #{channel.name}", place=place)


def _named_finding(one: Named, facts: SlackFacts, place: str | None) -> Iterator[Checked]:
    if one.name.startswith("S"):
        yield from _group_finding(one, facts, place)
    else:
        yield from _person_finding(one, facts.people.get(one.name, Unknown(cause=NOT_ASKED)), place)


def _group_finding(one: Named, facts: SlackFacts, place: str | None) -> Iterator[Checked]:
    subject, members = f"user group {one.name}", facts.groups.get(one.name, Unknown(cause=NOT_ASKED))
    if one.name in facts.disabled:
        words = f"is disabled, so nobody is {_a(one.role)} through it: enable it in Slack, or take it out"
        yield _of(subject, Level.FAULT, "group_disabled", words, place=place)
    elif isinstance(members, Unknown) and members.cause == "no_such_subteam":
        words = f"Slack knows no such user group, so nobody is {_a(one.role)} through it: mend the id, or take it out"
        yield _of(subject, Level.FAULT, "group_unknown", words, place=place)
    elif isinstance(members, Unknown):
        yield _of(subject, Level.FAULT, "group_untold", f"could not be looked up: {members.cause}", place=place)
    elif not members:
        yield _of(subject, Level.WARNING, "group_empty", f"has no members, so nobody is {_a(one.role)} through it", place=place)
    else:
        yield _of(subject, Level.WELL, "group_well", f"{one.role}: {len(members)} members", place=place)


def _person_finding(one: Named, person: Person | Unknown, place: str | None) -> Iterator[Checked]:
    subject = f"person {one.name}"
    if isinstance(person, Unknown):
        is_none = person.cause == "user_not_found"
        code, words = ("person_unknown", "Slack knows no such person") if is_none else ("person_untold", "could not be looked up")
        yield _of(subject, Level.FAULT, code, f"{words}: {person.cause}" if not is_none else f"{words}: mend the id", place=place)
        return
    refusals = person_reasons(person)
    for reason in refusals:
        kind = reason.code.removeprefix("person_is_").replace("stranger", "member of another organisation")
        kind = "deactivated" if kind == "deleted" else f"a {kind}"
        words = f"{person.name} is {kind}, who can be no {one.role}: take them out"
        yield _of(subject, Level.FAULT, reason.code, words, place=place)
    if not refusals:
        yield _of(subject, Level.WELL, "person_well", f"{one.role}: {person.name}, a full member", place=place)


def _a(role: str) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


def _of(subject: str, level: Level, code: str, words: str, *, place: str | None = None) -> Checked:
    return Checked(level=level, code=code, subject=subject, words=words, place=place)
