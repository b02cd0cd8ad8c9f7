"""views.*: modals and Home tabs.

https://docs.slack.dev/reference/methods/views.open · views.push · views.update · views.publish
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.blocks import refuse_bad_view
from bot.sandbox.slack.calls import Call
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.tickets import Trigger
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace


def open_view(call: Call) -> dict[str, Any]:
    """Open a modal for whoever caused the trigger. A bad view does not use the trigger up."""
    trigger, view = _trigger(call), call.view()
    refuse_bad_view(view, "modal")
    opened = call.workspace.views.open(trigger.user_id, view, call.at)
    call.tickets.triggers.spend(trigger)
    return _shown(call, opened)


def push_view(call: Call) -> dict[str, Any]:
    """Open a modal above the one that was acted in."""
    trigger, view = _trigger(call), call.view()
    refuse_bad_view(view, "modal")
    below = call.workspace.views.find(view_id=trigger.view_id or "")
    if below is None:
        raise SlackError("not_found")
    pushed = call.workspace.views.push(below, view, call.at)
    call.tickets.triggers.spend(trigger)
    return _shown(call, pushed)


def update_view(call: Call) -> dict[str, Any]:
    """Show something else in an open modal or Home tab."""
    view = call.view()
    there = call.workspace.views.find(view_id=call.text("view_id"), external_id=call.text("external_id"))
    if there is None:
        raise SlackError("not_found")
    refuse_bad_view(view, "home" if there.content["type"] == "home" else "modal")
    return _shown(call, call.workspace.views.update(there, view, call.at, wanted_hash=call.text("hash")))


def publish_view(call: Call) -> dict[str, Any]:
    """Show a person's Home tab."""
    if not call.workspace.app.has_home:
        raise SlackError("not_enabled")
    user, view = call.user("user_id"), call.view()
    refuse_bad_view(view, "home")
    return _shown(call, call.workspace.views.publish(user.user_id, view, call.at, wanted_hash=call.text("hash")))


def view_json(workspace: Workspace, view: View) -> dict[str, Any]:
    """A view as Slack shows it to programs, with what stands in its fields."""
    plain = {"private_metadata": "", "callback_id": "", "external_id": "", "title": None, "close": None, "submit": None}
    plain |= {"clear_on_close": False, "notify_on_close": False}
    ids = {"id": view.view_id, "hash": view.hash, "root_view_id": view.root_view_id, "previous_view_id": view.previous_view_id}
    app = {"team_id": workspace.team.team_id, "app_id": workspace.app.app_id, "bot_id": workspace.app.bot_id}
    return {**plain, **view.content, **ids, **app, "app_installed_team_id": app["team_id"], "state": {"values": view.state}}


def _trigger(call: Call) -> Trigger:
    return call.tickets.triggers.look_up(call.required("trigger_id"), call.at)


def _shown(call: Call, view: View) -> dict[str, Any]:
    return {"ok": True, "view": view_json(call.workspace, view)}
