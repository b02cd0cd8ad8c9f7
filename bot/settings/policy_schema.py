"""Channels, grants and freezes: what a file may say about who may launch what (design.md, sections 3, 6 and 7).

Why parts that nothing uses yet are here: they are validated like the rest, and then refused as "not built yet" (``unbuilt.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from bot.domain.provider import Provider
from bot.settings.approval_schema import ApprovalSection
from bot.settings.faults import nearest, subject_fault
from bot.settings.rule_schema import InputRuleSection
from bot.settings.sections import KnownConnection, Section, known
from bot.settings.words import Flag, InputName, PersonId, Text, Time, Whole


def _granting_provider(info: ValidationInfo) -> Provider | None:
    return known(info).connections.get(info.data.get("connection", ""))


def _scope(scope: str, info: ValidationInfo) -> str:
    provider = _granting_provider(info)
    if provider is None or provider.is_scope_free_text:
        return scope
    words = [word.name for word in provider.scopes]
    if scope not in words:
        raise subject_fault(f"is no scope of {provider.title}{nearest(scope, words)}")
    return scope


def _scopes(scopes: list[str], info: ValidationInfo) -> list[str]:
    provider = _granting_provider(info)
    if provider and provider.scopes and not provider.is_scope_free_text and not scopes:
        words = ", ".join(word.name for word in provider.scopes)
        raise ValueError(f"is empty, so this grants nothing: name scopes of {provider.title} ({words})")
    return scopes


KnownScope = Annotated[Text, AfterValidator(_scope)]


class LimitsSection(Section):
    """How much a grant allows."""

    per_hour: Whole | None = Field(default=None, ge=1, description="How many launches in any hour.")
    running: Whole | None = Field(default=None, ge=1, description="How many at once.")


class GrantSection(Section):
    """One line of a channel's policy."""

    connection: KnownConnection = Field(description="The connection that it is about.")
    scopes: Annotated[list[KnownScope], AfterValidator(_scopes)] = Field(
        default_factory=list,
        validate_default=True,
        description="Which of the provider's scopes are granted, in its own words.",
    )
    workflows: list[Text] = Field(
        min_length=1,
        description='Without workflows this grants nothing: list their ids or names, globs allowed ("*" is every one).',
    )
    requesters: list[PersonId] = Field(
        min_length=1,
        description="Without requesters this grants nothing: list members (every full member), user ids U… or user group ids S….",
    )
    inputs: dict[InputName, InputRuleSection] = Field(default_factory=dict, description="Rules on inputs.")
    approval: ApprovalSection | None = Field(default=None, description="Who must agree.")
    limits: LimitsSection | None = Field(default=None, description="How much is allowed.")
    single_transaction: Flag = Field(default=False, description="Whether rows go to the provider in one call, failing together.")


class ChannelSection(Section):
    """One Slack channel, by its id."""

    name: Text | None = Field(default=None, description="Its name, for people who read this file; the id decides.")
    shared: Flag = Field(default=False, description="Whether launches are allowed although another organisation reads along.")
    grants: list[GrantSection] = Field(description="What may be launched here; an empty list is nothing.")


def _ends(ends: datetime, info: ValidationInfo) -> datetime:
    begins = info.data.get("begins")
    if begins is not None and ends <= begins:
        raise ValueError("is not after from, so it would hold for no time at all")
    return ends


class FreezeSection(Section):
    """A time in which nothing is launched."""

    name: Text = Field(description="What it is called.")
    begins: Time = Field(alias="from", description="When it begins, such as 2026-11-30T18:00Z.")
    ends: Annotated[Time, AfterValidator(_ends)] = Field(alias="to", description="When it ends, such as 2026-12-02T08:00Z.")
    connections: list[KnownConnection] = Field(
        default_factory=list, description="Which connections it holds for; none named: all."
    )
    exempt: list[PersonId] = Field(default_factory=list, alias="except", description="Whom it does not hold for.")
