"""The form: ``/launch`` alone, ``/launch <connection>``, the shortcuts; choices and searches in it; and what comes back from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.errors import ThreadError
from bot.domain.model import Delivery
from bot.launching import Launching, NotHere, Refusal, Sent
from bot.surfaces import form_notices, replies
from bot.surfaces.form_fields import FIELD
from bot.surfaces.form_place import PLACE
from bot.surfaces.form_reading import CONNECTION, WORKFLOW
from bot.surfaces.form_view import FormView, read_view
from bot.surfaces.launch_form import CONFIRM_FORM, LAUNCH_FORM
from bot.surfaces.say import Say
from commands._entries import FORM, Choice, Search, Sheet, Shortcut, Subcommand

FROM_SEARCH = "launch"
FROM_MESSAGE = "launch_from_message"


async def form_typed(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Open the form, with a connection chosen where one was typed."""
    return await opened(launching, delivery, connection=arguments[0] if arguments else "")


async def shortcut_chosen(launching: Launching, delivery: Delivery) -> Say | None:
    """Open the form; of a message, with what is in it."""
    return await opened(launching, delivery)


async def opened(launching: Launching, delivery: Delivery, *, connection: str = "", instead: Say | None = None) -> Say | None:
    """Open the form; what the person is told where it is not opened, ``instead`` where Slack does not open it."""
    try:
        answer = await launching.filling.open(delivery, connection=connection)
    except ThreadError:
        return instead or form_notices.say_not_opened(command=launching.command)
    match answer:
        case NotHere():
            return form_notices.say_elsewhere(answer.reasons, answer.channels, command=launching.command)
        case Refusal():
            return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
        case _:
            return None


async def chosen(launching: Launching, press: Delivery, payload: Mapping[str, Any]) -> None:
    """Draw the form for what was chosen in it."""
    view, action = read_view(payload["view"]), payload["actions"][0]
    await launching.filling.choose(press, view, action_id=press.name, action_ts=str(action["action_ts"]))


async def searched(launching: Launching, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options in which the typed words stand."""
    return await launching.filling.suggest(
        payload["user"]["id"],
        read_view(payload["view"]),
        action_id=payload["action_id"],
        block_id=payload["block_id"],
        query=str(payload.get("value") or ""),
    )


async def sent(launching: Launching, delivery: Delivery, view: FormView) -> Sent:
    """Launch what was filled in, or say at the fields what is wrong."""
    return await launching.sending.sent(delivery, view)


async def sent_carried(launching: Launching, delivery: Delivery) -> Say | None:
    """Launch what was kept."""
    return await launching.sending.carried(delivery)


async def confirmed(launching: Launching, delivery: Delivery, view: FormView) -> Sent:
    """Launch what was shown."""
    return await launching.sending.confirmed(delivery, view)


async def confirmed_carried(launching: Launching, delivery: Delivery) -> Say | None:
    """Launch what was confirmed."""
    return await launching.sending.confirmation_carried(delivery)


SUBCOMMANDS = (
    Subcommand(word=FORM, usage="[connection]", summary="the form: choose a workflow, fill in its fields", run=form_typed),
)
SHORTCUTS = (
    Shortcut(callback_id=FROM_SEARCH, run=shortcut_chosen),
    Shortcut(callback_id=FROM_MESSAGE, run=shortcut_chosen),
)
CHOICES = tuple(Choice(action_id=action_id, run=chosen) for action_id in (PLACE, CONNECTION, WORKFLOW))
SEARCHES = tuple(Search(action_id=action_id, run=searched) for action_id in (CONNECTION, WORKFLOW, FIELD))
SHEETS = (
    Sheet(callback_id=LAUNCH_FORM, judge=sent, run=sent_carried),
    Sheet(callback_id=CONFIRM_FORM, judge=confirmed, run=confirmed_carried),
)
