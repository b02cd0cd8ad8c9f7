"""The way in of the form of a launch: choices in it, searches, and submissions, whose acknowledgement says what came of them.

A submission is recorded first, like any delivery, and judged while Slack waits: what is wrong stands at its fields then. What takes
longer than Slack waits goes on as a task of ours, and is told in the view, or by message where that is closed.

Why choices and searches are not recorded: they ask for nothing yet, and Slack's client holds what stands in the form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.errors import StoreUnavailableError
from bot.domain.model import Delivery
from bot.launching import Launching, Sent
from bot.surfaces import replies
from bot.surfaces.form_place import being_launched
from bot.surfaces.form_view import first_field, read_view
from bot.surfaces.say import Say
from commands._entries import Entries
from commands._payloads import button_in, sheet_in

ANSWERS_WITHIN_S = 2.3
"""Slack waits three seconds for an acknowledgement (slack.md, 1)."""
LEAST_S = 0.1
SEARCHES_WITHIN_S = 1.0
UNREADABLE = (KeyError, IndexError, TypeError, AttributeError)

_log = structlog.get_logger("gonogo.door")


class FormDoor:
    """Receives what people do in forms. ``spawn`` keeps a task; ``carry`` does the work of a kept delivery that nobody waits for."""

    def __init__(
        self,
        *,
        launching: Launching,
        entries: Entries,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        carry: Callable[[Delivery], Coroutine[Any, Any, None]],
        fault: Callable[[Delivery], Awaitable[None]],
        answers_within_s: float = ANSWERS_WITHIN_S,
    ) -> None:
        self._launching, self._entries = launching, entries
        self._spawn, self._carry, self._fault = spawn, carry, fault
        self._answers_within_s = answers_within_s

    async def on_choice(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Something was chosen in a form, which is drawn anew."""
        try:
            press = button_in(body, self._launching.now())
            work = self._entries.choices[press.name].run(self._launching, press, body)
        except UNREADABLE:
            _log.exception("payload_not_readable")
        else:
            self._spawn(_quietly(work, press))
        await ack()

    async def on_search(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Somebody types into a select: what is found is the acknowledgement; nothing, where it cannot be known soon."""
        found: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(SEARCHES_WITHIN_S):
                found = await self._entries.searches[body["action_id"]].run(self._launching, body)
        except Exception:  # noqa: BLE001 - the listener edge: a search that fails finds nothing
            _log.exception("search_fault")
        await ack({"options": found})

    async def on_sheet(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A form was sent: keep it, judge it, and say what came of it, all within the time that Slack waits."""
        started = asyncio.get_running_loop().time()
        try:
            delivery = sheet_in(body, self._launching.now())
            sheet = self._entries.sheets[delivery.name]
        except UNREADABLE:
            _log.exception("payload_not_readable")
            await ack()
            return
        try:
            await self._launching.record(delivery)
        except Exception as error:  # noqa: BLE001 - the listener edge: whoever sent it learns that nothing was begun
            _log.exception("delivery_not_recorded", delivery=delivery.key)
            await ack(_at_a_field(body["view"], said_of_a_refusal(error, command=self._launching.command).text))
            return
        judging = asyncio.create_task(sheet.judge(self._launching, delivery, read_view(body["view"])))
        left_s = max(self._answers_within_s - (asyncio.get_running_loop().time() - started), LEAST_S)
        done, _ = await asyncio.wait({judging}, timeout=left_s)
        if done:
            await ack(await self._in_time(delivery, body["view"], judging))
            return
        self._spawn(self._late(delivery, str(body["view"]["id"]), judging))
        opened_by = str(body["view"].get("private_metadata") or "")
        await ack({"response_action": "update", "view": being_launched(opened_by=opened_by)})

    async def _in_time(self, delivery: Delivery, view: Mapping[str, Any], judging: asyncio.Task[Sent]) -> dict[str, Any]:
        """What Slack is answered. Where the database went away meanwhile, the kept submission waits for it."""
        try:
            answer = dict(judging.result().answer)
            await self._launching.finish(delivery)
        except StoreUnavailableError:
            _log.exception("delivery_waits", delivery=delivery.key)
            self._spawn(self._carry(delivery))
            return {"response_action": "update", "view": being_launched(opened_by=str(view.get("private_metadata") or ""))}
        except Exception:  # noqa: BLE001 - the listener edge: an error becomes a line that the person sees
            await self._fault(delivery)
            return {}
        return answer

    async def _late(self, delivery: Delivery, view_id: str, judging: asyncio.Task[Sent]) -> None:
        """Slack waits no longer: the view, or a message, tells what came of it."""
        try:
            say = await self._launching.sending.shown_late(view_id, await judging)
            if say is not None:
                await self._launching.answer(await self._launching.located(delivery) or delivery, say)
            await self._launching.finish(delivery)
        except StoreUnavailableError:
            _log.exception("delivery_waits", delivery=delivery.key)
            await self._carry(delivery)
        except Exception:  # noqa: BLE001 - as above
            await self._fault(delivery)


def said_of_a_refusal(error: Exception, *, command: str) -> Say:
    """What a person is told whose delivery was not recorded, for this reason: what is in doubt is said, not guessed."""
    if isinstance(error, StoreUnavailableError) and error.may_be_kept:
        return replies.say_perhaps_kept(command=command)
    return replies.say_not_kept()


def _at_a_field(view: Mapping[str, Any], words: str) -> dict[str, Any]:
    """The form stays open, with the words at its first field; it closes where it has none."""
    block_id = first_field(view)
    return {"response_action": "errors", "errors": {block_id: words}} if block_id else {}


async def _quietly(work: Awaitable[None], press: Delivery) -> None:
    """What could not be drawn stays as it is, and can be chosen again."""
    try:
        await work
    except Exception:  # noqa: BLE001 - the listener edge: nothing was asked for, so that nobody is told
        _log.exception("form_not_drawn", delivery=press.key)
