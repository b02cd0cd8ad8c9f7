"""What one person may launch in one channel, as the form offers it: as it was last told, with its age; nobody is waited for long.

Nothing is decided by it: what is sent is judged anew, like a typed wish.

Why rules of several grants are shown only where they agree: any one of them may allow a launch, so the form must not keep anybody
from a value that one of them takes. What none takes is refused when it is sent, at its field.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.errors import LookupFailedError
from bot.domain.grants import Grant, InputRule
from bot.domain.model import NOTHING, Connection, Reason, Workflow, distinct
from bot.domain.policy import Asker, Deny, covers, is_among
from bot.domain.provider import Provider
from bot.launching.judging import Judge
from bot.launching.outcomes import Refusal
from bot.launching.picking import Picking
from bot.launching.wishing import Wishing
from bot.ports import Clock, Definitions, Seen
from bot.surfaces.command_text import LaunchText
from bot.surfaces.form_choosing import Choice
from bot.surfaces.form_fields import Asked, digest_in, name_digest
from bot.surfaces.form_message import AboutMessage
from bot.surfaces.form_options import Choosable, code, decoded
from bot.surfaces.found_values import suggested
from bot.surfaces.launch_form import place_of, redrawn
from bot.surfaces.words import problem_sentence, reason_sentence

PATIENCE_S = 2.0
"""How long a provider is waited for before the form says that it is."""
OLD_AFTER = timedelta(minutes=5)
MOST_OFFERED = 1000
_AT_ONCE = 50


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a form begins with, or goes on with. ``workflow`` is an id, or a name as typed.

    ``given``: texts by input. ``state``: what stands in the fields of the view that is drawn anew.
    """

    connection: str = ""
    workflow: str = ""
    given: Mapping[str, str] = NOTHING
    notes: tuple[str, ...] = ()
    about: AboutMessage | None = None
    state: Mapping[str, Any] = NOTHING


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What the form shows. ``trouble``: why the chosen workflow's fields cannot be shown (yet)."""

    choice: Choice
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Who wants what over which connection, and how long providers are waited for."""

    asker: Asker
    connection: Connection
    wanted: Wanted
    patience_s: float


@dataclass(frozen=True, kw_only=True)
class _Catalogue:
    """The workflows over one connection that this person may launch here; why there are none, or may be more."""

    workflows: tuple[Workflow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Offering:
    """Looks up what the form shows."""

    definitions: Definitions
    judge: Judge
    wishing: Wishing
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    command: str
    picking: Picking | None = None
    patience_s: float = field(default=PATIENCE_S)

    def connections_for(self, asker: Asker) -> tuple[Choosable, ...]:
        """The connections that some grant of this channel gives to this person."""
        here = self.judge.policy.channels.get(asker.channel.channel_id)
        grants = [one for one in (here.grants if here else ()) if is_among(one.requesters, asker) is not False]
        names = dict.fromkeys(one.connection for one in grants if one.connection in self.connections)
        return tuple(Choosable(value=name, text=name, note=self._title(self.connections[name])) for name in names)

    async def draw(self, asker: Asker, wanted: Wanted, *, patience_s: float | None = None) -> Drawn:
        """The choices, and the fields of the workflow that is wanted, where there is one."""
        offers = self.connections_for(asker)
        known = {one.value for one in offers}
        only = offers[0].value if len(offers) == 1 else ""
        name = wanted.connection if wanted.connection in known else only
        choice = Choice(connections=offers, connection=name, notes=wanted.notes, command=self.command)
        if not name:
            return Drawn(choice=choice)
        look = _Look(asker=asker, connection=self.connections[name], wanted=wanted, patience_s=patience_s or self.patience_s)
        return await self._over(look, choice)

    async def meant(self, connection: Connection, coded: str) -> str:
        """The workflow that a select's code stands for: mostly its id, which only odd ids are not."""
        if coded == code(coded):
            return coded
        seen = await self.definitions.seen(connection, patience_s=self.patience_s)
        return decoded(coded, (one.workflow_id for one in seen.workflows))

    async def asked(
        self, connection: Connection, workflow: Workflow, asker: Asker, *, typed: str | None = None
    ) -> Asked | Refusal:
        """What the form of this workflow, whose inputs are known, asks this person for. ``typed``: how they named it."""
        ruling = await self.judge.rule("launch", connection, workflow, asker, typed=typed)
        if isinstance(ruling.decision, Deny):
            return Refusal(reasons=ruling.decision.reasons)
        fitting = [one.grant for one in ruling.explanation.grants if one.is_met]
        return Asked(
            specs=self.wishing.specs(connection, workflow),
            rules=rules_of(fitting),
            place=place_of(connection.name, workflow),
            looked_up=await self._looked_up(connection, workflow, asker),
        )

    async def _looked_up(self, connection: Connection, workflow: Workflow, asker: Asker) -> frozenset[str]:
        """The inputs that take a record of the provider's, where this person may choose among them; else its id is typed."""
        kinds = self.picking.record_inputs(connection, workflow, {}) if self.picking else {}
        may_see = bool(kinds) and self.picking is not None and await self.picking.may_see(asker, connection, workflow)
        return frozenset(kinds) if may_see else frozenset()

    async def records(self, asker: Asker, choice: Choice, *, block_id: str, query: str) -> tuple[Choosable, ...] | None:
        """What a search among a provider's records finds; None for a search among anything else."""
        workflow, connection = choice.workflow, self.connections.get(choice.connection)
        if self.picking is None or choice.asked is None or workflow is None or connection is None:
            return None
        name = next((one for one in choice.asked.looked_up if name_digest(one) == digest_in(block_id)), None)
        if name is None:
            return None
        kind = self.picking.record_inputs(connection, workflow, {})[name]
        found = await self.picking.records(asker, connection, workflow, kind=kind, search=query)
        return tuple(Choosable(value=one.record_id, text=one.title, note=one.record_id) for one in found)

    async def _over(self, look: _Look, choice: Choice) -> Drawn:
        wanted, connection = look.wanted, look.connection
        catalogue = await self._catalogue(look)
        choice = replace(choice, workflows=catalogue.workflows, notes=(*wanted.notes, *catalogue.notes))
        if wanted.connection != connection.name or not wanted.workflow:
            return Drawn(choice=choice)
        found = await self._chosen(look, catalogue.workflows)
        if isinstance(found, Refusal):
            return Drawn(choice=replace(choice, notes=(*wanted.notes, *self._told(found))))
        seen = await self.definitions.seen_inputs(connection, found, patience_s=look.patience_s)
        if not seen.workflows:
            trouble = f"{found.label}: its inputs are not known: {seen.trouble or 'nobody told them yet'}"
            return Drawn(choice=replace(choice, workflow=found), trouble=trouble)
        return await self._with_fields(look, seen, choice)

    async def _with_fields(self, look: _Look, seen: Seen, choice: Choice) -> Drawn:
        (workflow,) = seen.workflows
        asked = await self.asked(look.connection, workflow, look.asker, typed=look.wanted.workflow)
        if isinstance(asked, Refusal):
            return Drawn(choice=replace(choice, notes=(*look.wanted.notes, *self._told(asked))))
        notes = (*choice.notes, *age_notes("What this workflow takes", seen, self.clock.now()))
        return Drawn(choice=replace(choice, workflow=workflow, asked=_filled(asked, look.wanted), notes=notes))

    async def _chosen(self, look: _Look, offered: tuple[Workflow, ...]) -> Workflow | Refusal:
        """The workflow that is meant; one that is not in the list (any more) may still be there."""
        connection, typed = look.connection, decoded(look.wanted.workflow, (one.workflow_id for one in offered))
        by_id = next((one for one in offered if one.workflow_id == typed), None)
        if by_id is not None:
            return by_id
        try:
            async with asyncio.timeout(look.patience_s):
                found = await self.definitions.find(connection, typed)
        except (LookupFailedError, TimeoutError) as error:
            cause = error.cause if isinstance(error, LookupFailedError) else "it has not answered yet"
            facts = {"subject": f"the workflows of {connection.name}", "cause": cause}
            return Refusal(reasons=(Reason(code="lookup_failed", facts=facts, source="lookup"),))
        if found.workflow is None:
            wish = LaunchText(connection=connection.name, workflow=typed)
            return self.wishing.not_found(found, wish, look.asker.channel.channel_id)
        ruling = await self.judge.rule("launch", connection, found.workflow, look.asker, typed=typed)
        return Refusal(reasons=ruling.decision.reasons) if isinstance(ruling.decision, Deny) else found.workflow

    async def _catalogue(self, look: _Look) -> _Catalogue:
        connection, asker = look.connection, look.asker
        seen = await self.definitions.seen(connection, patience_s=look.patience_s)
        here = self.judge.policy.channels.get(asker.channel.channel_id)
        grants = [one for one in (here.grants if here else ()) if one.connection == connection.name]
        named = [one for one in seen.workflows if one.obstacle is None and any(covers(grant, one) for grant in grants)]
        judged = [pair for some in _portions(named[:MOST_OFFERED]) for pair in await self._judged(connection, some, asker)]
        allowed = tuple(workflow for workflow, reasons in judged if not reasons)
        refusals = () if allowed else distinct(reason for _, reasons in judged for reason in reasons)
        why = tuple(reason_sentence(one, command=self.command) for one in refusals)
        more = (f"Only {MOST_OFFERED} of {len(named)} workflows are offered.",) if len(named) > MOST_OFFERED else ()
        age = age_notes("The list of workflows", seen, self.clock.now())
        return _Catalogue(workflows=allowed, notes=(*why, *more, *age))

    async def _judged(
        self, connection: Connection, workflows: list[Workflow], asker: Asker
    ) -> list[tuple[Workflow, tuple[Reason, ...]]]:
        """Each with why it is denied."""
        rulings = await asyncio.gather(*(self.judge.rule("launch", connection, one, asker) for one in workflows))
        denials = (one.decision.reasons if isinstance(one.decision, Deny) else () for one in rulings)
        return list(zip(workflows, denials, strict=True))

    def _told(self, refusal: Refusal) -> tuple[str, ...]:
        problems = (problem_sentence(one, command=self.command) for one in refusal.problems)
        return (*problems, *(reason_sentence(one, command=self.command) for one in refusal.reasons))

    def _title(self, connection: Connection) -> str:
        return self.providers[connection.provider].title


def rules_of(grants: Iterable[Grant]) -> dict[str, InputRule]:
    """The rules on inputs that all of these grants make alike."""
    first, *others = grants
    return {name: rule for name, rule in first.inputs.items() if all(one.inputs.get(name) == rule for one in others)}


def age_notes(what: str, seen: Seen, now: datetime) -> tuple[str, ...]:
    """How old that is which is shown, where that matters; and why it is not newer."""
    if seen.trouble is None and (seen.seen_at is None or now - seen.seen_at <= OLD_AFTER):
        return ()
    because = f": {seen.trouble.rstrip('. ')}." if seen.trouble else "."
    if seen.seen_at is None:
        return (f"{what} may be incomplete{because}",)
    return (f"{what} is as of {seen.seen_at:%Y-%m-%d %H:%M} UTC{because}",)


def _filled(asked: Asked, wanted: Wanted) -> Asked:
    """The fields with what they begin with, and what was typed into them since."""
    found = suggested(wanted.about.found, asked.unique()) if wanted.about else None
    if found is not None:
        asked = replace(asked, given=found.given, notes=found.notes)
    return redrawn(replace(asked, given={**asked.given, **wanted.given}), wanted.state)


def _portions(workflows: list[Workflow]) -> list[list[Workflow]]:
    return [workflows[at : at + _AT_ONCE] for at in range(0, len(workflows), _AT_ONCE)]
