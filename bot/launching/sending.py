"""A form that was sent: read, judged on the same way as a typed wish, launched once; or what is wrong, at its fields.

Everything of one opened form causes one launch: it is kept under the key of the press that opened the form, so that a second
submission, of whatever view of it, finds the first. What was sent is in our store before it is judged; a bot that is killed
in between carries it out after its start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.errors import LookupFailedError, ThreadError
from bot.domain.model import Delivery, Launch, Problem
from bot.domain.policy import Asker, Deny
from bot.launching.explaining import Explaining
from bot.launching.filling import Filling
from bot.launching.judging import lookup_reason
from bot.launching.offering import Wanted
from bot.launching.outcomes import Launched, Refusal
from bot.launching.requesting import Requesting
from bot.ports import Definitions, Store, Thread
from bot.surfaces import forms
from bot.surfaces.command_text import LaunchText
from bot.surfaces.form_choosing import Choice
from bot.surfaces.form_fields import name_digest
from bot.surfaces.form_message import read_message
from bot.surfaces.form_notices import say_launched, say_outdated, say_unconfirmed
from bot.surfaces.form_place import told, wants_preview
from bot.surfaces.form_reading import Trouble, chosen_in, given, kept_state
from bot.surfaces.form_view import CONTINUE, FormView, chosen_block, filled_in
from bot.surfaces.launch_form import confirmation, form, redrawn, refused
from bot.surfaces.preview import say_preview
from bot.surfaces.replies import say_refused
from bot.surfaces.say import Say

CLOSED: Mapping[str, Any] = {"response_action": "clear"}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What came of a submission. ``answer`` is Slack's, for who still waits; ``view`` what the form shows for who waited longer.

    ``say`` is what is told by message where the form is closed already; None where the launch's card tells it.
    """

    answer: Mapping[str, Any]
    view: Mapping[str, Any]
    say: Say | None = None


@dataclass(frozen=True, kw_only=True)
class _Letter:
    """A submission: the press that opened its form, its view, and the delivery under which it causes its launch."""

    opened: Delivery
    view: FormView
    delivery: Delivery
    sent_by: Delivery

    @property
    def place(self) -> str:
        return self.delivery.channel_id


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What was sent, read: the form as it is today, and what a person would have typed. ``gone``: values of fields that are gone."""

    choice: Choice
    typed: LaunchText
    gone: tuple[Problem, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Sending:
    """Judges submissions."""

    store: Store
    thread: Thread
    definitions: Definitions
    filling: Filling
    requesting: Requesting
    explaining: Explaining
    command: str

    async def sent(self, delivery: Delivery, view: FormView) -> Sent:
        """The form was sent."""
        letter = await self._letter(delivery, view)
        if letter is None:
            return self._outdated(view)
        launch = await self.store.caused_by(letter.delivery.key)
        if launch is not None:
            return self._launched(letter, launch)
        if view.submit == CONTINUE:
            return await self._drawn(letter)
        return await self._judged(letter, is_preview=wants_preview(view.state))

    async def confirmed(self, delivery: Delivery, view: FormView) -> Sent:
        """The call was shown, and it is meant: what was sent before it is launched."""
        first = await self._first(delivery, view)
        letter = await self._letter(delivery, first) if first is not None else None
        if letter is None:
            return self._outdated(view)
        launch = await self.store.caused_by(letter.delivery.key)
        if launch is not None:  # asked before it is judged: a limit would count it against itself
            return self._launched(letter, launch)
        sent = await self._judged(letter, is_preview=False)
        is_form = sent.answer.get("response_action") == "errors"  # at fields, of which this view has none
        return replace(sent, answer={"response_action": "update", "view": sent.view}) if is_form else sent

    async def carried(self, delivery: Delivery) -> Say | None:
        """A kept submission of a bot that was killed, or of one whose database was away: carried out, nobody waits in the form."""
        view = FormView(opened_by=forms.opened_by(delivery.text) or "", state=kept_state(delivery.text))
        if wants_preview(view.state) and await self.launched_by(delivery) is None:
            return say_unconfirmed(command=self.command)
        return (await self.sent(delivery, view)).say

    async def confirmation_carried(self, delivery: Delivery) -> Say | None:
        """The same of a confirmation."""
        return (await self.confirmed(delivery, FormView(opened_by=forms.opened_by(delivery.text) or ""))).say

    async def launched_by(self, delivery: Delivery) -> Launch | None:
        """The launch that a kept submission, or its confirmation, or another submission of its form, has caused already.

        None for any other form, too.
        """
        opened = await self.filling.opening(forms.opened_by(delivery.text) or "", delivery.user_id)
        if opened is not None and opened.kind == "form":  # a confirmation is opened by the submission
            opened = await self.filling.opening(forms.opened_by(opened.text) or "", delivery.user_id)
        return await self.store.caused_by(_cause(opened)) if opened is not None else None

    async def shown_late(self, view_id: str, sent: Sent) -> Say | None:
        """Show what came of it to who waited in the form; what is to be told by message where that is closed."""
        try:
            await self.thread.update_form(view_id, sent.view)
        except ThreadError:
            return sent.say
        return None

    async def _letter(self, delivery: Delivery, view: FormView) -> _Letter | None:
        opened = await self.filling.opening(view.opened_by, delivery.user_id)
        if opened is None:
            return None
        place = self.filling.place(opened, view.state)
        return _Letter(
            opened=opened,
            view=view,
            delivery=replace(delivery, key=_cause(opened), channel_id=place),
            sent_by=delivery,
        )

    async def _first(self, delivery: Delivery, view: FormView) -> FormView | None:
        """The submission that the confirmation is of, as it is kept."""
        kept = await self.filling.opening(view.opened_by, delivery.user_id)
        if kept is None or kept.kind != "form":
            return None
        return FormView(view_id=view.view_id, opened_by=forms.opened_by(kept.text) or "", state=kept_state(kept.text))

    async def _drawn(self, letter: _Letter) -> Sent:
        """No workflow was chosen when the button was pressed: here are its fields."""
        connection, workflow = chosen_in(letter.view.state)
        wanted = Wanted(connection=connection, workflow=workflow, state=letter.view.state)
        if letter.opened.kind == "shortcut":
            wanted = replace(wanted, about=read_message(letter.opened.text))
        page = await self.filling.page(letter.opened, wanted)
        self.filling.sheets.of(letter.view.view_id).choice = page.choice
        return Sent(answer={"response_action": "update", "view": page.view}, view=page.view)

    async def _judged(self, letter: _Letter, *, is_preview: bool) -> Sent:
        asker = await self.filling.asker(letter.opened, letter.place)
        if isinstance(asker, Refusal):
            say = say_refused(asker.problems, asker.reasons, command=self.command)
            return self._refused_whole(letter, say)
        wish = await self._read(letter, asker)
        if isinstance(wish, Sent):
            return wish
        if wish.gone:
            return await self._refused(letter, wish.choice, Refusal(problems=wish.gone), wish.typed)
        if is_preview:
            return await self._previewed(letter, wish)
        answer = await self.requesting.request(letter.delivery, wish.typed, about=_link(letter.opened))
        if isinstance(answer, Launched):
            return self._launched(letter, answer.launch)
        return await self._refused(letter, wish.choice, answer, wish.typed)

    async def _previewed(self, letter: _Letter, wish: _Wish) -> Sent:
        preview = await self.explaining.preview(letter.delivery, wish.typed)
        if isinstance(preview, Refusal):
            return await self._refused(letter, wish.choice, preview, wish.typed)
        if isinstance(preview.decision, Deny):
            return await self._refused(letter, wish.choice, Refusal(reasons=preview.decision.reasons), wish.typed)
        view = confirmation(say_preview(preview, command=self.command), opened_by=letter.sent_by.key)
        return Sent(answer={"response_action": "push", "view": view}, view=view, say=say_unconfirmed(command=self.command))

    async def _read(self, letter: _Letter, asker: Asker) -> _Wish | Sent:
        """What was sent, by what the workflow takes today; a refusal where it cannot be launched at all."""
        state = letter.view.state
        name, coded = chosen_in(state)
        choice = self._choice(letter, asker, name)
        connection = self.filling.offering.connections.get(name)
        typed = LaunchText(connection=name, workflow=coded)
        if connection is None or not coded:
            refusal = self.filling.wishing.unknown_connection(name, letter.place)
            return await self._refused(letter, choice, refusal, typed)
        if name not in self.filling.wishing.granted_connections(letter.place):  # an edited form: what there is is not told
            return await self._refused(letter, choice, await self._denied(letter, typed, Refusal()), typed)
        typed = replace(typed, workflow=await self.filling.offering.meant(connection, coded))
        try:
            found = await self.definitions.find(connection, typed.workflow)
            if found.workflow is None:
                missing = self.filling.wishing.not_found(found, typed, letter.place)
                return await self._refused(letter, choice, missing, typed)
            workflow = await self.definitions.described(connection, found.workflow)
        except LookupFailedError as error:
            return await self._refused(letter, choice, Refusal(reasons=(lookup_reason(error),)), typed)
        asked = await self.filling.offering.asked(connection, workflow, asker, typed=typed.workflow)
        if isinstance(asked, Refusal):
            return await self._refused(letter, choice, await self._denied(letter, typed, asked), typed)
        specs = asked.unique()
        typed = replace(typed, inputs=tuple(given(state, specs, asked.rules).items()))
        known = {name_digest(spec.name) for spec in specs}
        gone = tuple(_gone(*one) for digest, one in filled_in(letter.view.shown).items() if digest not in known)
        return _Wish(choice=replace(choice, workflow=workflow, asked=asked), typed=typed, gone=gone)

    async def _denied(self, letter: _Letter, typed: LaunchText, refusal: Refusal) -> Refusal:
        """A denial is kept like that of a typed wish."""
        read = await self.filling.wishing.read(letter.delivery, typed)
        return read if isinstance(read, Refusal) else refusal

    def _choice(self, letter: _Letter, asker: Asker, connection: str) -> Choice:
        """What can be chosen, for a form that is drawn anew; of the workflows those that it offered."""
        before = self.filling.sheets.of(letter.view.view_id).choice if letter.view.view_id else None
        offers = self.filling.offering.connections_for(asker)
        workflows = before.workflows if before is not None and before.connection == connection else ()
        return Choice(connections=offers, connection=connection, workflows=workflows, command=self.command)

    async def _refused(self, letter: _Letter, choice: Choice, refusal: Refusal, typed: LaunchText | None = None) -> Sent:
        troubles: tuple[Trouble, ...] = (*refusal.problems, *refusal.reasons)
        opened_by = letter.opened.key
        say = say_refused(refusal.problems, refusal.reasons, command=self.command, typed=typed)
        if choice.asked is None:
            return self._refused_whole(letter, say)
        answer = refused(letter.view.shown or {"state": {"values": letter.view.state}}, choice, troubles, opened_by=opened_by)
        again = replace(choice, asked=redrawn(choice.asked, letter.view.state)) if choice.asked else choice
        bare = answer.get("view") or form(again, opened_by=opened_by, problems=troubles)
        view = await self.filling.around(letter.opened, bare, choice, letter.place)
        if "view" in answer:
            answer = {**answer, "view": view}
        return Sent(answer=answer, view=view, say=say)

    def _refused_whole(self, letter: _Letter, say: Say) -> Sent:
        """It is no field that is wrong: said at what was chosen, so that everything that was typed stays as it is."""
        view = told(say, opened_by=letter.opened.key)
        block_id = chosen_block(letter.view.state)
        if block_id is None:
            return Sent(answer={"response_action": "update", "view": view}, view=view, say=say)
        return Sent(answer={"response_action": "errors", "errors": {block_id: say.text}}, view=view, say=say)

    def _launched(self, letter: _Letter, launch: Launch) -> Sent:
        return Sent(answer=CLOSED, view=told(say_launched(launch), opened_by=letter.opened.key))

    def _outdated(self, view: FormView) -> Sent:
        say = say_outdated(command=self.command)
        shown = told(say, opened_by=view.opened_by)
        return Sent(answer={"response_action": "update", "view": shown}, view=shown, say=say)


def _cause(opened: Delivery) -> str:
    """The key under which everything of one opened form causes its one launch."""
    return f"launch:{opened.key}"


def _gone(label: str, typed: str) -> Problem:
    return Problem(code="again_dropped", facts={"name": label, "typed": typed[:200]})


def _link(opened: Delivery) -> str:
    """The message that the form is about."""
    return read_message(opened.text).link if opened.kind == "shortcut" else ""
