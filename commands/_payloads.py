"""Slack's payloads, read: each becomes a delivery, reduced to what we act on.

Every function raises ``KeyError``, ``IndexError``, ``TypeError`` or ``AttributeError`` for one that lacks what Slack documents.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.domain.model import Delivery
from bot.domain.tokens import blanked
from bot.surfaces import forms
from bot.surfaces.form_message import kept_message
from bot.surfaces.form_reading import form_state, kept_submission

EVENT = "event"
"""The kind of a delivery that Slack sends by itself."""


def command_in(body: dict[str, Any], now: datetime) -> Delivery:
    """A typed command."""
    return Delivery(
        key=f"command:{body['trigger_id']}",
        kind="command",
        name=body["command"],
        team_id=body["team_id"],
        channel_id=body["channel_id"],
        user_id=body["user_id"],
        text=blanked(body.get("text") or ""),
        received_at=now,
        reply_url=body.get("response_url"),
        trigger_id=body["trigger_id"],
    )


def button_in(body: dict[str, Any], now: datetime) -> Delivery:
    """A pressed button, or anything else that was used on a message or in a view."""
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
        received_at=now,
        reply_url=body.get("response_url"),
        trigger_id=body.get("trigger_id"),
        message_ts=message_ts if _is_card_of(action, body) else None,
    )


def form_in(body: dict[str, Any], now: datetime) -> Delivery:
    """A form with one text field, sent: one delivery, however often."""
    view, user_id = body["view"], body["user"]["id"]
    key = f"form:{view.get('private_metadata') or body['trigger_id']}:{user_id}"
    return _sent(body, now, key=key, text=forms.form_text(view))


def sheet_in(body: dict[str, Any], now: datetime) -> Delivery:
    """The form of a launch, sent. It may be sent again, corrected: every time is a delivery of its own."""
    view = body["view"]
    key = f"form:{view['id']}:{body['trigger_id']}:{body['user']['id']}"
    whole = {**view, "state": {"values": dict(form_state(view))}}
    return _sent(body, now, key=key, text=kept_submission(whole))


def shortcut_in(body: dict[str, Any], now: datetime) -> Delivery:
    """A shortcut, of the search (then its channel is the person) or of a message (then its values are kept)."""
    user_id = body["user"]["id"]
    return Delivery(
        key=f"shortcut:{body['trigger_id']}",
        kind="shortcut",
        name=body["callback_id"],
        team_id=body["team"]["id"],
        channel_id=body.get("channel", {}).get("id") or user_id,
        user_id=user_id,
        text=kept_message(body) if "message" in body else "",
        received_at=now,
        reply_url=body.get("response_url"),
        trigger_id=body["trigger_id"],
    )


def event_in(body: dict[str, Any], now: datetime) -> Delivery:
    """Something that Slack tells of by itself."""
    event = body["event"]
    return Delivery(
        key=f"event:{body['event_id']}",
        kind=EVENT,
        name=event["type"],
        team_id=body["team_id"],
        channel_id=event["user"],
        user_id=event["user"],
        text="",
        received_at=now,
    )


def _sent(body: dict[str, Any], now: datetime, *, key: str, text: str) -> Delivery:
    """``text``: what is kept of it, without tokens already (blanked before it became JSON)."""
    user_id = body["user"]["id"]
    return Delivery(
        key=key,
        kind="form",
        name=body["view"]["callback_id"],
        team_id=body["team"]["id"],
        channel_id=user_id,
        user_id=user_id,
        text=text,
        received_at=now,
    )


def _is_card_of(action: dict[str, Any], body: dict[str, Any]) -> bool:
    """Whether the button stands on the card that its value is of: a card's text names its launch, and Slack sends it along."""
    is_ephemeral = body.get("container", {}).get("is_ephemeral")
    return not is_ephemeral and str(action.get("value") or None) in str(body.get("message", {}).get("text"))
