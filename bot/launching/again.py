"""A launch that is over, once more: its inputs under today's policy and today's metadata, and everything that is different by now.

Whoever asks is judged, not whoever asked then; and only in the channel of the earlier launch, as nobody else may see its inputs.

Why a form is filled from what is remembered: it must open within three seconds of the press, and a provider may take longer. Where
nothing is known in time the inputs stand in it as they were, and it says that nobody compared them. A command is not in a hurry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import structlog

from bot.domain.errors import LookupFailedError, ThreadError
from bot.domain.input_writing import written
from bot.domain.model import Connection, Delivery, InputSpec, Launch, Problem, Reason, Workflow
from bot.domain.policy import Asker, Deny, NeedApproval
from bot.launching.judging import Judge, Ruling, lookup_words
from bot.launching.outcomes import Refusal, refused
from bot.launching.wishing import Wishing
from bot.ports import Definitions, Store
from bot.surfaces.command_text import placeholder, write_command
from bot.surfaces.form_again import again
from bot.surfaces.form_fields import Asked
from bot.surfaces.launch_form import place_of
from bot.surfaces.words import problem_sentence

SOON_S = 0.6
"""How long a form waits for a list, and for what a workflow takes, of which nothing is known yet."""
UNHURRIED_S = 20.0
_Look: TypeAlias = Callable[[Connection, Launch], Awaitable[Workflow | str | None]]
_MENDED = frozenset({"again_new", "again_changed", "again_refused"})
"""Differences after which a person has to give the value."""


_log = structlog.get_logger("gonogo.launching")


class Opening(Protocol):
    """Opens the form of one workflow, with values in its fields and sentences above them."""

    async def __call__(
        self, delivery: Delivery, /, *, connection: Connection, workflow: Workflow, given: Mapping[str, str], notes: Sequence[str]
    ) -> Refusal | None:
        """None when it is open; a refusal where this person may not have it. Raises ``ThreadError`` where Slack does not open it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What would launch it again, as text after the command: the form could not be opened. ``differences`` as in the form."""

    launch: Launch
    text: str
    differences: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class _Earlier:
    """The earlier launch as it would be filled in today."""

    launch: Launch
    connection: Connection
    workflow: Workflow
    given: Mapping[str, str]
    differences: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class Repeating:
    """Launches again. ``opening`` opens the form; None: there is none, so that the command is told instead."""

    store: Store
    definitions: Definitions
    judge: Judge
    wishing: Wishing
    connections: Mapping[str, Connection]
    command: str
    opening: Opening | None = None

    async def again(self, delivery: Delivery, launch_id: str) -> Typed | Refusal | None:
        """Open the form filled in; None when it is open. Where none opens, the command is told, to whoever may type it."""
        asker = await self.judge.person_here(delivery)
        if isinstance(asker, Refusal):
            return asker
        launch = await self._launch(delivery, launch_id)
        if isinstance(launch, Refusal):
            return launch
        if self.opening is not None and delivery.trigger_id:
            soon = await self._today(delivery, launch, asker, self._remembered)
            try:
                return soon if isinstance(soon, Refusal) else await self._open(self.opening, delivery, soon)
            except ThreadError as error:
                _log.info("form_not_opened", launch_id=launch.launch_id, error=error.code)
        earlier = await self._today(delivery, launch, asker, self._asked)
        return earlier if isinstance(earlier, Refusal) else _typed(earlier)

    async def _open(self, opening: Opening, delivery: Delivery, earlier: _Earlier) -> Refusal | None:
        sentences = (problem_sentence(one, command=self.command) for one in earlier.differences)
        return await opening(
            delivery,
            connection=earlier.connection,
            workflow=earlier.workflow,
            given=earlier.given,
            notes=(f"As {earlier.launch.launch_id} was launched.", *sentences),
        )

    async def _launch(self, delivery: Delivery, launch_id: str) -> Launch | Refusal:
        """A launch of this channel that is over; one of another workspace is as unknown as one that never was."""
        launch = await self.store.launch(launch_id.upper())
        if launch is None or launch.team_id != delivery.team_id:
            return refused("unknown_launch", typed=launch_id)
        if delivery.channel_id != launch.channel_id:
            return refused("launch_elsewhere", launch_id=launch.launch_id)
        if not launch.state.is_final:
            return refused("not_over", launch_id=launch.launch_id, state=launch.state.word)
        return launch

    async def _today(self, delivery: Delivery, launch: Launch, asker: Asker, look: _Look) -> _Earlier | Refusal:
        """What is judged first spares the provider a question about what nobody may launch here."""
        connection = self.connections.get(launch.connection)
        if connection is None:
            return Refusal(reasons=(Reason(code="connection_gone", facts={"connection": launch.connection}),))
        before = Workflow(workflow_id=launch.workflow_id, name=launch.workflow_name, extras=launch.extras)
        ruling = await self._ruled(delivery, connection, before, asker)
        if isinstance(ruling, Refusal):
            return ruling
        today = await look(connection, launch)
        if isinstance(today, str):
            return _uncompared(launch, connection, before, today)
        if today is None or today.obstacle:
            return _gone(launch, today)
        ruling = await self._ruled(delivery, connection, today, asker)
        return ruling if isinstance(ruling, Refusal) else self._compared(launch, connection, today, ruling)

    async def _asked(self, connection: Connection, launch: Launch) -> Workflow | str | None:
        """The workflow as it is by now; None where it is gone, and why it is not known where nobody tells."""
        try:
            async with asyncio.timeout(UNHURRIED_S):
                found = await self.definitions.find(connection, launch.workflow_id)
                if found.workflow is None or found.workflow.workflow_id != launch.workflow_id:  # one that is only named so
                    return None
                return await self.definitions.described(connection, found.workflow)
        except LookupFailedError as error:
            return lookup_words(error)
        except TimeoutError:
            return f"{connection.name} has not answered yet"

    async def _remembered(self, connection: Connection, launch: Launch) -> Workflow | str:
        """The workflow as it was last told. That it is gone is never concluded from what is only remembered."""
        listed = await self.definitions.seen(connection, patience_s=SOON_S)
        found = next((one for one in listed.workflows if one.workflow_id == launch.workflow_id), None)
        known = found or Workflow(workflow_id=launch.workflow_id, name=launch.workflow_name)
        seen = await self.definitions.seen_inputs(connection, known, patience_s=SOON_S)
        return seen.workflows[0] if seen.workflows else f"{connection.name}: {seen.trouble or 'nobody told them yet'}"

    async def _ruled(self, delivery: Delivery, connection: Connection, workflow: Workflow, asker: Asker) -> Ruling | Refusal:
        """Whether this person may launch it here at all; a no is kept with what it rested on."""
        ruling = await self.judge.rule("launch", connection, workflow, asker)
        if not isinstance(ruling.decision, Deny):
            return ruling
        await self.store.record_decision(ruling.kept(door=delivery.kind))
        return Refusal(reasons=ruling.decision.reasons)

    def _compared(self, launch: Launch, connection: Connection, workflow: Workflow, ruling: Ruling) -> _Earlier:
        """By the grant under which the fewest things are different: any that fits will do."""
        specs, place = self.wishing.specs(connection, workflow), place_of(connection.name, workflow)
        grants = [one.grant for one in ruling.explanation.grants if one.is_met]
        tried = [again(launch.inputs, Asked(specs=specs, rules=grant.inputs, place=place)) for grant in grants]
        best = min(tried, key=lambda one: len(one.differences))
        return _Earlier(
            launch=launch,
            connection=connection,
            workflow=workflow,
            given=best.asked.given,
            differences=(*_changes(launch, workflow, ruling), *best.differences),
        )


def _uncompared(launch: Launch, connection: Connection, before: Workflow, cause: str) -> _Earlier:
    """The inputs as they were: nobody tells what the workflow takes today."""
    given = {name: written(InputSpec(name=name), value) for name, value in launch.inputs.items()}
    unknown = Problem(code="again_uncompared", facts={"cause": cause})
    return _Earlier(launch=launch, connection=connection, workflow=before, given=given, differences=(unknown,))


def _gone(launch: Launch, workflow: Workflow | None) -> Refusal:
    if workflow is not None and workflow.obstacle:
        facts = {"workflow": workflow.label, "connection": launch.connection, "obstacle": workflow.obstacle}
        return refused("not_launchable", **facts)
    facts = {"workflow": launch.workflow_label, "connection": launch.connection, "obstacle": "it is not there any more"}
    return Refusal(reasons=(Reason(code="workflow_gone", facts=facts, source="the provider"),))


def _changes(launch: Launch, workflow: Workflow, ruling: Ruling) -> tuple[Problem, ...]:
    """Another name, another version (of what is not known of both nothing is said), and whether others must agree by now."""
    pairs = (
        ("again_renamed", launch.workflow_name, workflow.name),
        ("again_version", launch.workflow_version, workflow.version),
    )
    changed = [Problem(code=code, facts={"then": then, "now": now}) for code, then, now in pairs if then and now and then != now]
    is_asking = isinstance(ruling.decision, NeedApproval)
    if is_asking != bool(launch.approval):
        changed.append(Problem(code="again_asks" if is_asking else "again_free"))
    return tuple(changed)


def _typed(earlier: _Earlier) -> Typed:
    """The command, with a placeholder for every value that a person has to give anew."""
    mended = [one.facts["name"] for one in earlier.differences if one.code in _MENDED]
    inputs = {name: text for name, text in earlier.given.items() if text} | {name: placeholder(name) for name in mended}
    text = write_command(earlier.connection.name, earlier.launch.workflow_id, tuple(inputs.items()))
    return Typed(launch=earlier.launch, text=text, differences=earlier.differences)
