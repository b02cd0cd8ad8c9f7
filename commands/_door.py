"""The one way in: record the delivery, acknowledge, then do the work as a task of our own; never raise.

With ``process_before_response`` Bolt answers Slack when the listener returns, so nothing may run after the acknowledgement: an
exception there would take it back (slack.md, 5.2). What is acknowledged is already committed, and taken up again after a kill.

Why the work is a task and not Bolt's lazy listener: a lazy listener's errors reach nobody. Ours become a line that the
person sees.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.response import BoltResponse

from bot.domain.errors import StoreUnavailableError
from bot.domain.model import RESERVED_WORDS, Delivery
from bot.domain.tokens import blanked
from bot.launching import Launching
from bot.surfaces import forms, replies
from bot.surfaces.command_text import LaunchText, NothingTyped, Problems, SubcommandText, read_command
from bot.surfaces.say import Say
from commands._entries import LAUNCH, Button, Entries, Form, Happening, Subcommand

__all__ = ["LAUNCH", "Button", "Door", "Entries", "Form", "Happening", "Subcommand"]

_log = structlog.get_logger("gonogo.door")

ANYTHING = re.compile("")
AGAIN_AFTER_S = 5.0
EVENT = "event"
"""The kind of a delivery that Slack sends by itself."""


class Door:
    """Receives deliveries and carries them to use cases. ``command`` is the slash command's configured name."""

    def __init__(self, *, command: str, launching: Launching, entries: Entries) -> None:
        self._command = command
        self._launching = launching
        self._entries = entries
        self._tasks: set[asyncio.Task[None]] = set()

    def register(self, app: AsyncApp) -> None:
        """Listen to the slash command, to every button, form and event; any other press or event is acknowledged and let go."""
        app.command(self._command)(self._on_command)
        for action_id in self._entries.buttons:
            app.action(action_id)(self._on_button)
        for callback_id in self._entries.forms:
            app.view(callback_id)(self._on_form)
        app.action(ANYTHING)(self._on_other)
        for event_type in self._entries.happenings:
            app.event(event_type)(self._on_event)
        app.event(ANYTHING)(self._on_other)

    async def carry(self, delivery: Delivery) -> None:
        """The work of one delivery, its answer, and the mark that it is done. Never raises.

        Also called for what was acknowledged by a bot that was killed; too old to be meant still: say so instead.
        While the database is away the work waits: it is kept there, and doing it twice causes nothing twice.
        """
        is_first_try = True
        while True:
            try:
                await self._carry(delivery)
            except StoreUnavailableError:
                _log.exception("delivery_waits", delivery=delivery.key)
                if is_first_try:
                    await self._tell(delivery, replies.say_waits())
                is_first_try = False
                await self._launching.wait(AGAIN_AFTER_S)
            except Exception:  # noqa: BLE001 - the listener edge: an error becomes a line that the person sees
                await self._fault(delivery)
                return
            else:
                return

    async def drain(self) -> None:
        """Wait for what is being worked on."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._read(ack, body, self._command_in)

    async def _on_button(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._read(ack, body, self._button_in)

    async def _on_form(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._read(ack, body, self._form_in)

    async def _on_event(self, ack: AsyncAck, body: dict[str, Any]) -> BoltResponse | None:
        """An event that could not be kept is not acknowledged: Slack brings it again, and nobody waits for an answer."""
        try:
            delivery = self._event_in(body)
        except (KeyError, TypeError, AttributeError):
            _log.exception("payload_not_readable")
            delivery = None
        if delivery is not None and not await self._keep(delivery):
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        await ack()
        return None

    async def _read(self, ack: AsyncAck, body: dict[str, Any], reads: Callable[[dict[str, Any]], Delivery]) -> None:
        """A payload that lacks what Slack documents cannot be acted on: it is let go, and the log says so."""
        try:
            delivery = reads(body)
        except (KeyError, IndexError, TypeError, AttributeError):
            _log.exception("payload_not_readable")
            await ack()
            return
        await self._receive(ack, delivery)

    def _command_in(self, body: dict[str, Any]) -> Delivery:
        return Delivery(
            key=f"command:{body['trigger_id']}",
            kind="command",
            name=body["command"],
            team_id=body["team_id"],
            channel_id=body["channel_id"],
            user_id=body["user_id"],
            text=blanked(body.get("text") or ""),
            received_at=self._launching.now(),
            reply_url=body.get("response_url"),
        )

    def _button_in(self, body: dict[str, Any]) -> Delivery:
        action = body["actions"][0]
        message_ts = body.get("message", {}).get("ts")
        place = message_ts or body.get("view", {}).get("id")
        team_id, user_id = body["team"]["id"], body["user"]["id"]
        return Delivery(
            key=f"button:{team_id}:{place}:{action['action_id']}:{action['action_ts']}:{user_id}",
            kind="button",
            name=action["action_id"],
            team_id=team_id,
            channel_id=body.get("channel", {}).get("id") or user_id,
            user_id=user_id,
            text=action.get("value") or "",
            received_at=self._launching.now(),
            reply_url=body.get("response_url"),
            trigger_id=body.get("trigger_id"),
            message_ts=None if body.get("container", {}).get("is_ephemeral") else message_ts,
        )

    def _form_in(self, body: dict[str, Any]) -> Delivery:
        view, user_id = body["view"], body["user"]["id"]
        return Delivery(
            key=f"form:{view.get('private_metadata') or body['trigger_id']}:{user_id}",
            kind="form",
            name=view["callback_id"],
            team_id=body["team"]["id"],
            channel_id=user_id,
            user_id=user_id,
            text=blanked(forms.form_text(view)),
            received_at=self._launching.now(),
        )

    def _event_in(self, body: dict[str, Any]) -> Delivery | None:
        """None for one that nothing here is about."""
        event = body["event"]
        happening = self._entries.happenings[event["type"]]
        if not happening.is_wanted(event):
            return None
        return Delivery(
            key=f"event:{body['event_id']}",
            kind=EVENT,
            name=event["type"],
            team_id=body["team_id"],
            channel_id=event["user"],
            user_id=event["user"],
            text="",
            received_at=self._launching.now(),
        )

    async def _on_other(self, ack: AsyncAck) -> None:
        """A link button tells us that it was pressed; an event, what nothing here is about; there is nothing to do."""
        await ack()

    async def _receive(self, ack: AsyncAck, delivery: Delivery) -> None:
        """Commit, begin the work, acknowledge; in this order, since nothing runs after the acknowledgement."""
        if await self._keep(delivery):
            await ack()
        else:
            await self._refuse(ack, delivery)

    async def _keep(self, delivery: Delivery) -> bool:
        """Commit, and begin the work where it is new; False where it could not be kept: then nothing was begun."""
        try:
            is_new = await self._launching.record(delivery)
        except Exception:  # noqa: BLE001 - the listener edge: whoever brought it learns that nothing was begun
            _log.exception("delivery_not_recorded", delivery=delivery.key)
            return False
        if is_new:
            self._spawn(self.carry(delivery))
        return True

    async def _refuse(self, ack: AsyncAck, delivery: Delivery) -> None:
        """Nothing could be kept, so nothing was begun: a command is told so at once, anything else by a message."""
        if delivery.kind == "command":
            await ack(text=replies.say_not_kept().text, response_type="ephemeral")
            return
        self._spawn(self._launching.answer(delivery, replies.say_not_kept()))
        await ack()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, delivery: Delivery) -> None:
        if delivery.kind == "form":
            delivery = await self._launching.located(delivery) or delivery
        late = delivery.kind != EVENT and self._launching.is_stale(delivery)
        say = replies.say_too_late(delivery) if late else await self._answer(delivery)
        if say is not None:
            await self._tell(delivery, say)
        await self._launching.finish(delivery)

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
            case "button" | "form" | "event":
                known = {**self._entries.buttons, **self._entries.forms, **self._entries.happenings}
                entry = known.get(delivery.name)
                return await entry.run(self._launching, delivery) if entry else None
            case _:
                return await self._typed(delivery)

    async def _typed(self, delivery: Delivery) -> Say | None:
        """Find the subcommand that was typed; a connection's name is the launch itself, nothing at all asks for help."""
        typed = read_command(delivery.text, subcommands=RESERVED_WORDS | set(self._entries.subcommands) - {LAUNCH})
        match typed:
            case Problems():
                return replies.say_refused(typed.problems, (), command=self._command)
            case SubcommandText():
                return await self._run(typed.word, delivery, typed.arguments)
            case NothingTyped():
                return await self._run("help", delivery, ())
            case LaunchText():
                return await self._run(LAUNCH, delivery, ())

    async def _run(self, word: str, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
        subcommand = self._entries.subcommands.get(word)
        if subcommand is None:
            return replies.say_problem("not_built_yet", command=self._command, what=f"{self._command} {word}")
        return await subcommand.run(self._launching, delivery, arguments)
