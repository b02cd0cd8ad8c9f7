"""The one way in: record the delivery, acknowledge, then do the work as a task of our own; never raise.

With ``process_before_response`` Bolt answers Slack when the listener returns, so nothing may run after the acknowledgement: an
exception there would take it back (slack.md, 5.2). What is acknowledged is already committed, and taken up again after a kill.

Why the work is a task and not Bolt's lazy listener: a lazy listener's errors reach nobody. Ours become a line that the
person sees.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import Callable, Coroutine
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.response import BoltResponse

from bot.domain.errors import StoreUnavailableError
from bot.domain.model import RESERVED_WORDS, Delivery, Problem
from bot.launching import Launching
from bot.surfaces import replies
from bot.surfaces.command_text import LaunchText, NothingTyped, Problems, SubcommandText, read_command
from bot.surfaces.say import Say
from commands._entries import FORM, LAUNCH, Button, Choice, Entries, Form, Happening, Search, Sheet, Shortcut, Subcommand
from commands._form_door import ANSWERS_WITHIN_S, UNREADABLE, FormDoor, said_of_a_refusal
from commands._payloads import EVENT, button_in, command_in, event_in, form_in, shortcut_in

__all__ = [
    "EVENT",
    "FORM",
    "LAUNCH",
    "Button",
    "Choice",
    "Door",
    "Entries",
    "Form",
    "Happening",
    "Search",
    "Sheet",
    "Shortcut",
    "Subcommand",
]

_log = structlog.get_logger("gonogo.door")

ANYTHING = re.compile("")
AGAIN_AFTER_S = 5.0
TRIES_AT_THE_END = 4
"""Of a bot that is to stop. What could not be done then is kept, and its lease lapses: whoever comes next takes it up."""


class Door:
    """Receives deliveries and carries them to use cases. ``command`` is the slash command's configured name."""

    def __init__(
        self, *, command: str, launching: Launching, entries: Entries, answers_within_s: float = ANSWERS_WITHIN_S
    ) -> None:
        self._command = command
        self._launching = launching
        self._entries = entries
        self._words = RESERVED_WORDS | set(entries.subcommands) - {LAUNCH, FORM}
        self._known = {**entries.buttons, **entries.forms, **entries.happenings, **entries.sheets, **entries.shortcuts}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_draining = False
        self._sheets = FormDoor(
            launching=launching,
            entries=entries,
            spawn=self._spawn,
            carry=self.carry,
            fault=self._fault,
            answers_within_s=answers_within_s,
        )

    def register(self, app: AsyncApp) -> None:
        """Listen to the slash command, to every button, form and event; any other press or event is acknowledged and let go."""
        app.command(self._command)(self._on_command)
        app.action(ANYTHING)(self._on_action)
        for callback_id in self._entries.forms:
            app.view(callback_id)(self._on_form)
        for callback_id in self._entries.sheets:
            app.view(callback_id)(self._sheets.on_sheet)
        for action_id in self._entries.searches:
            app.options(action_id)(self._sheets.on_search)
        for callback_id in self._entries.shortcuts:
            app.shortcut(callback_id)(self._on_shortcut)
        for event_type in self._entries.happenings:
            app.event(event_type)(self._on_event)
        app.event(ANYTHING)(self._on_other)

    async def carry(self, delivery: Delivery) -> None:
        """The work of one delivery, its answer, and the mark that it is done. Never raises.

        Also called for what was acknowledged by a bot that was killed; too old to be meant still: say so instead.
        While the database is away the work waits: it is kept there, and doing it twice causes nothing twice. Not so its answer:
        once that was given, only the mark is missing.
        """
        is_answered = False
        for tries in itertools.count(1):
            try:
                if not is_answered:
                    await self._respond(delivery)
                is_answered = True
                await self._launching.finish(delivery)
            except StoreUnavailableError:
                _log.exception("delivery_waits", delivery=delivery.key)
                if tries == 1 and not is_answered:
                    await self._tell(delivery, replies.say_waits())
                if self._is_draining and tries >= TRIES_AT_THE_END:
                    return
                await self._launching.wait(AGAIN_AFTER_S)
            except Exception:  # noqa: BLE001 - the listener edge: an error becomes a line that the person sees
                await self._fault(delivery)
                return
            else:
                return

    async def drain(self) -> None:
        """Wait for what is being worked on; for the database, if it is away, not for long."""
        self._is_draining = True
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._read(ack, body, command_in)

    async def _on_action(self, ack: AsyncAck, action: dict[str, Any], body: dict[str, Any]) -> None:
        """Anything that was used on a message or in a view. What is not ours is a link button, which tells us that it was pressed.

        Why one listener: Bolt asks one after the other, at 11 µs of CPU each; the last of nine buttons took 100 µs to be found.
        """
        action_id = action.get("action_id")
        if action_id in self._entries.buttons:
            await self._read(ack, body, button_in)
        elif action_id in self._entries.choices:
            await self._sheets.on_choice(ack, body)
        else:
            await ack()

    async def _on_form(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._read(ack, body, form_in)

    async def _on_shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._read(ack, body, shortcut_in)

    async def _on_event(self, ack: AsyncAck, body: dict[str, Any]) -> BoltResponse | None:
        """An event that could not be kept is not acknowledged: Slack brings it again, and nobody waits for an answer."""
        try:
            is_wanted = self._entries.happenings[body["event"]["type"]].is_wanted(body["event"])
            delivery = event_in(body, self._launching.now()) if is_wanted else None
        except (KeyError, TypeError, AttributeError):
            _log.exception("payload_not_readable")
            delivery = None
        if delivery is not None and await self._keep(delivery) is not None:
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        await ack()
        return None

    async def _read(self, ack: AsyncAck, body: dict[str, Any], reads: Callable[[dict[str, Any], datetime], Delivery]) -> None:
        """A payload that lacks what Slack documents cannot be acted on: it is let go, and the log says so."""
        try:
            delivery = reads(body, self._launching.now())
        except UNREADABLE:
            _log.exception("payload_not_readable")
            await ack()
            return
        await self._receive(ack, delivery)

    async def _on_other(self, ack: AsyncAck) -> None:
        """An event tells what nothing here is about; there is nothing to do."""
        await ack()

    async def _receive(self, ack: AsyncAck, delivery: Delivery) -> None:
        """Commit, begin the work, acknowledge; in this order, since nothing runs after the acknowledgement."""
        refusal = await self._keep(delivery)
        if refusal is None:
            await ack()
        else:
            await self._refuse(ack, delivery, refusal)

    async def _keep(self, delivery: Delivery) -> Say | None:
        """Commit, and begin the work where it is new; what to say where it was not kept, or perhaps not: nothing was begun then."""
        try:
            is_new = await self._launching.record(delivery)
        except Exception as error:  # noqa: BLE001 - the listener edge: whoever brought it learns that nothing was begun
            _log.exception("delivery_not_recorded", delivery=delivery.key)
            return said_of_a_refusal(error, command=self._command)
        if is_new:
            self._spawn(self.carry(delivery))
        return None

    async def _refuse(self, ack: AsyncAck, delivery: Delivery, refusal: Say) -> None:
        """Nothing was begun: a command is told so at once, anything else by a message."""
        if delivery.kind == "command":
            await ack(text=refusal.text, response_type="ephemeral")
            return
        self._spawn(self._launching.answer(delivery, refusal))
        await ack()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _respond(self, delivery: Delivery) -> None:
        if delivery.kind == "form":
            delivery = await self._launching.located(delivery) or delivery
        late = delivery.kind != EVENT and self._launching.is_stale(delivery) and not await self._has_launched(delivery)
        say = replies.say_too_late(delivery) if late else await self._answer(delivery)
        if say is not None:
            await self._tell(delivery, say)

    async def _has_launched(self, delivery: Delivery) -> bool:
        """Whether a form's launch exists and only the mark is missing that the form is done: then it is not too late for it."""
        return delivery.kind == "form" and await self._launching.sending.launched_by(delivery) is not None

    async def _fault(self, delivery: Delivery) -> None:
        """A fault of our own: it is in the log under a reference, and what was asked for is not tried again."""
        reference = secrets.token_hex(4)
        _log.exception("delivery_fault", delivery=delivery.key, reference=reference)
        say = replies.say_problem("internal_error", command=self._command, reference=reference)
        await self._tell(delivery, say)
        try:
            await self._launching.finish(delivery)
        except StoreUnavailableError:
            _log.exception("delivery_not_finished", delivery=delivery.key)

    async def _tell(self, delivery: Delivery, say: Say) -> None:
        """Answer whoever asked; nobody asked for an event."""
        if delivery.kind != EVENT:
            await self._launching.answer(delivery, say)

    async def _answer(self, delivery: Delivery) -> Say | None:
        match delivery.kind:
            case "button" | "form" | "event" | "shortcut":
                entry = self._known.get(delivery.name)
                return await entry.run(self._launching, delivery) if entry else None
            case _:
                return await self._typed(delivery)

    async def _typed(self, delivery: Delivery) -> Say | None:
        """Find the subcommand that was typed; a connection's name is the launch itself, without a workflow the form."""
        typed = read_command(delivery.text, subcommands=self._words)
        match typed:
            case Problems(problems=(Problem(code="missing_workflow", facts=facts),)) if not facts["closest"]:
                return await self._run(FORM, delivery, (facts["connection"],))
            case Problems():
                return replies.say_refused(typed.problems, (), command=self._command)
            case SubcommandText():
                return await self._run(typed.word, delivery, typed.arguments)
            case NothingTyped():
                return await self._run(FORM, delivery, ())
            case LaunchText():
                return await self._run(LAUNCH, delivery, ())

    async def _run(self, word: str, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
        subcommand = self._entries.subcommands.get(word)
        if subcommand is None:
            return replies.say_problem("not_built_yet", command=self._command, what=f"{self._command} {word}")
        return await subcommand.run(self._launching, delivery, arguments)
