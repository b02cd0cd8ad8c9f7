"""The form while it is open: opened at once, filled when what it shows is looked up, drawn anew at every choice, searched.

Why nothing of it is kept before it is sent: what is chosen in a form asks for nothing yet, and Slack's client holds it. Only the press
that opened it is in our store: by it a form knows its person and channel, and a submission that it was sent before.

Why the newest choice wins, and not Slack's hash: two quick choices carry the same hash, and whichever is looked up last would
be refused. The hash still tells when somebody else drew the view; then ours is drawn again without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bot.domain.errors import ThreadError
from bot.domain.model import NOTHING, Connection, Delivery, Reason, Workflow
from bot.domain.policy import Asker
from bot.launching.judging import Judge, Known
from bot.launching.offering import Offering, Wanted
from bot.launching.outcomes import Refusal
from bot.launching.sheets import Sheet, Sheets
from bot.launching.whereabouts import Channels, Whereabouts
from bot.launching.wishing import Wishing
from bot.ports import Clock, Store, Thread
from bot.surfaces.form_choosing import Choice
from bot.surfaces.form_fields import digest_in, name_digest
from bot.surfaces.form_message import read_message
from bot.surfaces.form_notices import say_nowhere, say_outdated
from bot.surfaces.form_options import Choosable, options
from bot.surfaces.form_place import asking_place, place_in, told, with_place, with_preview
from bot.surfaces.form_reading import CONNECTION, chosen_in
from bot.surfaces.form_view import FormView
from bot.surfaces.launch_form import form, loading, suggestions, unreachable
from bot.surfaces.replies import say_refused

FIRST_LOOK_S = 0.8
"""How long who asks is looked up before the form opens: a trigger lives three seconds."""
LATE_PATIENCE_S = 15.0
"""How long a form that says why it has no fields goes on waiting for them."""
SEARCH_PATIENCE_S = 0.8
GONE = frozenset({"not_found", "view_not_found", "view_closed"})
TRIES = 3
AGAIN_AFTER_S = 1.0

_log = structlog.get_logger("gonogo.form")


@dataclass(frozen=True, kw_only=True)
class NotHere:
    """Nothing can be launched where somebody asked; ``channels`` are the names of those in which they can."""

    reasons: tuple[Reason, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a form shows, and of what it was made. ``is_incomplete``: something may be told a little later."""

    view: Mapping[str, Any]
    choice: Choice | None = None
    is_incomplete: bool = False


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Opens forms and draws them."""

    store: Store
    thread: Thread
    clock: Clock
    judge: Judge
    wishing: Wishing
    offering: Offering
    whereabouts: Whereabouts
    command: str
    sheets: Sheets = field(default_factory=Sheets)
    late_patience_s: float = LATE_PATIENCE_S

    async def open(
        self,
        press: Delivery,
        *,
        connection: str = "",
        workflow: str = "",
        given: Mapping[str, str] = NOTHING,
        notes: tuple[str, ...] = (),
    ) -> Refusal | NotHere | None:
        """Open the form for a recorded command, button or shortcut; None when it is open. Who may launch nothing here gets none.

        ``given`` stands in the fields already, as it would be typed; ``notes`` are sentences for the top.

        Raises:
            ThreadError: Slack did not open it (the press is too long ago).
        """
        refusal = await self._first_look(press, connection)
        if refusal is not None:
            return refusal
        if not press.trigger_id:
            raise ThreadError("no_trigger", is_permanent=True)
        about = f"{connection} {workflow}".strip()
        shown = await self.thread.open_form(press.trigger_id, loading(opened_by=press.key, about=about))
        wanted = Wanted(connection=connection.lower(), workflow=workflow, given=given, notes=notes)
        sheet = self.sheets.of(shown.view_id)
        sheet.begun, sheet.mark = self._about(press, wanted), shown.mark
        await self._draw(sheet, shown.view_id, press, sheet.begun, newest="")
        return None

    async def reopen(
        self, delivery: Delivery, *, connection: Connection, workflow: Workflow, given: Mapping[str, str], notes: Sequence[str]
    ) -> Refusal | None:
        """Open the form of one workflow with values in its fields; as ``open``."""
        answer = await self.open(
            delivery, connection=connection.name, workflow=workflow.workflow_id, given=given, notes=tuple(notes)
        )
        return Refusal(reasons=answer.reasons) if isinstance(answer, NotHere) else answer

    async def choose(self, press: Delivery, view: FormView, *, action_id: str, action_ts: str) -> None:
        """Somebody chose a channel, a connection or a workflow: draw the form for it, with what they typed so far."""
        sheet = self.sheets.of(view.view_id)
        sheet.newest = max(sheet.newest, action_ts)
        sheet.mark = sheet.mark or view.mark
        opened = await self.opening(view.opened_by, press.user_id)
        if opened is None:
            outdated = told(say_outdated(command=self.command), opened_by=view.opened_by)
            await self._show(sheet, view.view_id, Page(view=outdated))
            return
        wanted = self._chosen(sheet, opened, view, action_id)
        sheet.typed = wanted.state
        await self._draw(sheet, view.view_id, opened, wanted, newest=action_ts)

    async def suggest(self, user_id: str, view: FormView, *, action_id: str, block_id: str, query: str) -> list[dict[str, Any]]:
        """The answer to a search in one of the form's selects, from what is in memory; looked up only after a restart."""
        sheet = self.sheets.of(view.view_id)
        if sheet.choice is None:
            opened = await self.opening(view.opened_by, user_id)
            if opened is None:
                return []
            wanted = self._chosen(sheet, opened, view, action_id)
            sheet.choice = (await self.page(opened, wanted, patience_s=SEARCH_PATIENCE_S)).choice
        if sheet.choice is None:
            return []
        records = await self._records(user_id, view, sheet.choice, block_id=block_id, query=query)
        if records is not None:
            return options(records)
        return suggestions(sheet.choice, action_id=action_id, block_id=block_id, query=query)

    async def _records(
        self, user_id: str, view: FormView, choice: Choice, *, block_id: str, query: str
    ) -> tuple[Choosable, ...] | None:
        """What a search among the provider's records finds, by whoever searches, in the form's channel; None for another search."""
        if choice.asked is None or digest_in(block_id) not in {name_digest(one) for one in choice.asked.looked_up}:
            return None
        opened = await self.opening(view.opened_by, user_id)
        asker = await self.asker(opened, self.place(opened, view.state)) if opened else None
        return await self.offering.records(asker, choice, block_id=block_id, query=query) if isinstance(asker, Asker) else ()

    async def opening(self, key: str, user_id: str) -> Delivery | None:
        """The press that opened a form, by our own store; None when this person opened no such form."""
        opened = await self.store.delivery(key) if key else None
        return opened if opened is not None and opened.user_id == user_id else None

    def place(self, opened: Delivery, state: Mapping[str, Any]) -> str:
        """The channel that a form is about: where it was opened, or which was chosen in it; empty while none is."""
        return opened.channel_id if self._is_placed(opened) else place_in(state)

    async def asker(self, opened: Delivery, place: str) -> Known:
        """Who asks, in the channel that the form is about. Whoever types there is in it; a message can be seen from outside."""
        if opened.kind == "command":
            return await self.judge.person_here(opened)
        return await self.whereabouts.asker_in(opened, place)

    async def page(self, opened: Delivery, wanted: Wanted, *, patience_s: float | None = None) -> Page:
        """The form as it is to be shown now."""
        channels = Channels() if self._is_placed(opened) else await self.whereabouts.channels(opened.user_id)
        if isinstance(channels, Refusal):
            return self._refused(opened, channels)
        place = self._place_of(opened, channels, wanted)
        if not place and not channels.found:
            return Page(view=told(say_nowhere(), opened_by=opened.key))
        if not place:
            notes = (*wanted.notes, *channels.troubles)
            return Page(view=asking_place(channels.found, opened_by=opened.key, notes=notes))
        asker = await self.asker(opened, place)
        if isinstance(asker, Refusal):
            return self._refused(opened, asker, channels)
        drawn = await self.offering.draw(asker, wanted, patience_s=patience_s)
        if drawn.trouble:
            view = unreachable(drawn.choice, opened_by=opened.key, trouble=drawn.trouble)
        else:
            view = form(drawn.choice, opened_by=opened.key)
        return Page(view=dressed(view, drawn.choice, channels, place), choice=drawn.choice, is_incomplete=bool(drawn.trouble))

    async def around(self, opened: Delivery, view: Mapping[str, Any], choice: Choice, place: str) -> Mapping[str, Any]:
        """A form with what stands around it: the channels to choose from, and the wish to see the call first."""
        channels = Channels() if self._is_placed(opened) else await self.whereabouts.channels(opened.user_id)
        return dressed(view, choice, Channels() if isinstance(channels, Refusal) else channels, place)

    def _is_placed(self, opened: Delivery) -> bool:
        """Whether it was opened in a channel. A command is always about the channel in which it was typed."""
        return opened.kind == "command" or opened.channel_id in self.judge.policy.channels

    def _place_of(self, opened: Delivery, channels: Channels, wanted: Wanted) -> str:
        """Of a form that was opened in no channel: the chosen one of those, or the only one."""
        chosen = self.place(opened, wanted.state)
        if self._is_placed(opened) or any(chosen == channel_id for channel_id, _ in channels.found):
            return chosen
        return channels.found[0][0] if len(channels.found) == 1 else ""

    async def _first_look(self, press: Delivery, connection: str) -> Refusal | NotHere | None:
        """Why no form is opened at all, as far as that is known soon; what is known later stands in the form."""
        if not self._is_placed(press):
            return None
        looking = asyncio.ensure_future(self.asker(press, press.channel_id))
        done, _ = await asyncio.wait({looking}, timeout=FIRST_LOOK_S)
        found = looking.result() if done else None
        if isinstance(found, Refusal):
            return await self._not_here(press, found)
        if connection and connection.lower() not in self.wishing.granted_connections(press.channel_id):
            return self.wishing.unknown_connection(connection, press.channel_id)
        return None

    async def _not_here(self, press: Delivery, refusal: Refusal) -> Refusal | NotHere:
        """A channel without grants: where else. Whoever may launch nothing anywhere is told only why."""
        if {reason.code for reason in refusal.reasons} != {"channel_without_policy"}:
            return refusal
        channels = await self.whereabouts.channels(press.user_id)
        if isinstance(channels, Refusal):
            return channels
        return NotHere(reasons=refusal.reasons, channels=tuple(name for _, name in channels.found))

    def _chosen(self, sheet: Sheet, opened: Delivery, view: FormView, action_id: str) -> Wanted:
        """What the view wants now. Another connection has other workflows."""
        connection, workflow = chosen_in(view.state)
        begun = sheet.begun or self._about(opened, Wanted())
        return replace(
            begun,
            connection=connection,
            workflow="" if action_id == CONNECTION else workflow,
            notes=(),
            # The last of several fields of one input counts: what the view shows comes last, also where it was there before.
            state={**{block: typed for block, typed in sheet.typed.items() if block not in view.state}, **view.state},
        )

    def _about(self, opened: Delivery, wanted: Wanted) -> Wanted:
        return replace(wanted, about=read_message(opened.text)) if opened.kind == "shortcut" else wanted

    def _refused(self, opened: Delivery, refusal: Refusal, channels: Channels | None = None) -> Page:
        say = say_refused(refusal.problems, refusal.reasons, command=self.command)
        return Page(view=with_place(told(say, opened_by=opened.key), channels.found if channels else (), ""))

    async def _draw(self, sheet: Sheet, view_id: str, opened: Delivery, wanted: Wanted, *, newest: str) -> None:
        """Show what is wanted, unless something else is wanted by then; what a provider is too slow for, when it does answer."""
        page = await self.page(opened, wanted)
        async with sheet.turn:
            if sheet.newest != newest:
                return
            await self._show(sheet, view_id, page)
        if not page.is_incomplete:
            return
        page = await self.page(opened, wanted, patience_s=self.late_patience_s)
        async with sheet.turn:
            if not page.is_incomplete and sheet.newest == newest:
                await self._show(sheet, view_id, page, is_ours=False)

    async def _show(self, sheet: Sheet, view_id: str, page: Page, *, is_ours: bool = True) -> None:
        """Draw it. One that somebody else drew meanwhile is drawn again where ours is newer; one that was closed is let go."""
        mark, tries_left = sheet.mark, TRIES
        while True:
            try:
                shown = await self.thread.update_form(view_id, page.view, mark=mark)
            except ThreadError as error:
                tries_left -= 1
                if error.code in GONE or (error.code == "hash_conflict" and not is_ours):
                    _log.info("form_let_go", view=view_id, error=error.code)
                    return
                if error.is_permanent or not tries_left:
                    raise
                mark = "" if error.code == "hash_conflict" else mark
                if error.code != "hash_conflict":
                    await self.clock.sleep(error.retry_after_s or AGAIN_AFTER_S)
            else:
                sheet.mark, sheet.choice = shown.mark, page.choice
                return


def dressed(view: Mapping[str, Any], choice: Choice, channels: Channels, place: str) -> dict[str, Any]:
    """A form with what stands around it."""
    asks = choice.workflow is not None and choice.asked is not None
    return with_place(with_preview(view) if asks else view, channels.found, place)
