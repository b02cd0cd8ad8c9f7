"""What people do in Slack: type commands, press buttons, fill forms. Each act is refused where Slack's client would not offer it.

Every act answers with what the bot acknowledged; what the person sees of it is in the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.clock import SlackClock
from bot.sandbox.slack.delivery import Acknowledged, Courier
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.filling import fill, refuse_impossible, submitted
from bot.sandbox.slack.forms import ASKED, PRESSED, Control, Ids, filled, named, picked, pressed
from bot.sandbox.slack.payloads import Delivery, Payloads, used
from bot.sandbox.slack.settling import Settling
from bot.sandbox.slack.view_methods import view_json
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Message, Workspace, dm_id
from bot.sandbox.slack.world import Channel, User

DEFAULT_QUERY_LENGTH = 3


@dataclass(frozen=True, kw_only=True)
class People:
    """The hands of everybody in the workspace."""

    workspace: Workspace
    payloads: Payloads
    courier: Courier
    settling: Settling
    clock: SlackClock

    # --- acts ------------------------------------------------------------------------------------------------------

    async def command(self, user_id: str, channel_id: str, text: str, *, command: str = "/launch") -> Acknowledged:
        """Type a slash command. People from elsewhere have none; Slack answers an unknown one itself."""
        user, channel = self._person(user_id), self.in_channel(user_id, channel_id)
        if command not in self.workspace.app.commands or user.is_stranger:
            raise NotPossibleError(f"{command} is not a valid command")
        typed = f"{command} {text}".strip()
        self.workspace.record("command_typed", self.clock.now(), user_id=user_id, channel_id=channel.channel_id, text=typed)
        return await self._deliver(self.payloads.command(user_id, channel, command, text=text, at=self.clock.now()))

    async def click(self, user_id: str, channel_id: str, ts: str, label: str | Ids, *, value: str | None = None) -> Acknowledged:
        """Press the button with this label (or action id) on a message; ``value`` picks among buttons that read the same."""
        message = self.on_screen(user_id, channel_id, ts)
        return await self._use_on_message(user_id, message, named(message.blocks, label, value=value), None)

    async def choose(self, user_id: str, channel_id: str, ts: str, label: str | Ids, *, value: object) -> Acknowledged:
        """Pick from a menu on a message."""
        message = self.on_screen(user_id, channel_id, ts)
        return await self._use_on_message(user_id, message, named(message.blocks, label), value)

    async def click_in_view(self, user_id: str, label: str | Ids, *, value: str | None = None) -> Acknowledged:
        """Press a button in the modal on top, or on the Home tab when no modal is open."""
        view = self._view(user_id)
        return await self._use_in_view(view, named(view.blocks, label, value=value), None)

    async def click_home(self, user_id: str, label: str, *, value: str | None = None) -> Acknowledged:
        """Press a button on the Home tab, which no modal covers."""
        self._person(user_id)
        home = self.workspace.views.home(user_id)
        if home is None or self.workspace.views.top(user_id) is not None:
            raise NotPossibleError(f"{user_id} sees no Home tab of the app")
        return await self._use_in_view(home, named(home.blocks, label, value=value), None)

    async def choose_in_view(
        self, user_id: str, label: str | Ids, value: object, *, values: Mapping[str, Any] | None = None
    ) -> Acknowledged:
        """Pick from a menu in the modal on top (or on the Home tab), after ``values`` were typed into other fields."""
        self._person(user_id)
        view = self._view(user_id)
        if values:
            view = self.type_in(user_id, values)
        control = named(view.blocks, label)
        if control.is_input and not control.block.get("dispatch_action"):
            raise NotPossibleError(f"{control.label!r} tells nobody before the form is sent: its block has no dispatch_action")
        if control.kind not in PRESSED:
            view = self._put(view, control, value)
        return await self._use_in_view(view, control, value)

    def type_in(self, user_id: str, values: Mapping[str, Any]) -> View:
        """Fill fields of the modal on top without sending it."""
        view = self._view(user_id)
        return self.workspace.views.type_in(view, fill(view.blocks, view.state, values), self.clock.now())

    async def suggest(self, user_id: str, label: str | Ids, query: str = "") -> Acknowledged:
        """Type into a menu whose options the bot knows; the options are in the acknowledgement's body."""
        self._person(user_id)
        return await self._suggest(user_id, self._view(user_id), label, query=query)

    async def suggest_on_message(
        self, user_id: str, channel_id: str, ts: str, label: str | Ids, *, query: str = ""
    ) -> Acknowledged:
        """The same for a menu on a message."""
        return await self._suggest(user_id, self.on_screen(user_id, channel_id, ts), label, query=query)

    async def submit(self, user_id: str, values: Mapping[str, Any] | None = None) -> Acknowledged:
        """Fill the modal on top and send it. ``values``: block id or label → ``{action_id: value}`` or the value."""
        self._person(user_id)
        view = self._modal(user_id)
        if not view.content.get("submit"):
            raise NotPossibleError("this modal has nothing to send")
        view = self.type_in(user_id, values or {})
        sent = submitted(view.blocks, view.state)
        self.workspace.record("form_submitted", self.clock.now(), user_id=user_id, view=view)
        return await self._deliver(self.payloads.submission(user_id, view, sent, self.clock.now()))

    async def close(self, user_id: str, *, is_cleared: bool = False) -> Acknowledged | None:
        """Close the modal on top, or all of them; the bot is told only if the view wants it."""
        view = self._modal(user_id)
        if is_cleared:
            self.workspace.views.clear(user_id, self.clock.now())
        else:
            self.workspace.views.close(view, self.clock.now())
        if not view.content.get("notify_on_close"):
            return None
        return await self._deliver(self.payloads.closing(user_id, view, self.clock.now(), is_cleared=is_cleared))

    async def shortcut(self, user_id: str, callback_id: str, *, channel_id: str = "", ts: str = "") -> Acknowledged:
        """Choose a shortcut: a global one, or one in the menu of a message."""
        user = self._person(user_id)
        wanted = "message" if ts else "global"
        if self.workspace.app.shortcuts.get(callback_id) != wanted or user.is_stranger:
            raise NotPossibleError(f"there is no {wanted} shortcut {callback_id!r}")
        message = self.on_screen(user_id, channel_id, ts) if ts else None
        return await self._deliver(self.payloads.shortcut(user_id, callback_id, message, self.clock.now()))

    async def open_home(self, user_id: str) -> Acknowledged:
        """Open the app's Home tab."""
        self._person(user_id)
        event: dict[str, Any] = {"type": "app_home_opened", "user": user_id, "tab": "home"}
        event["channel"] = self.workspace.open_dm(user_id).channel_id
        if home := self.workspace.views.home(user_id):
            event["view"] = view_json(self.workspace, home)
        return await self.event(event)

    async def say(self, user_id: str, channel_id: str, text: str, *, thread_ts: str | None = None) -> Message:
        """Write a message; one that mentions the bot where it is a member becomes an app_mention."""
        self._person(user_id)
        channel = self.in_channel(user_id, channel_id)
        message = self.workspace.post(channel_id, user_id, text, self.clock.now(), thread_ts=thread_ts)
        bot = self.workspace.app.bot_user_id
        if f"<@{bot}" in text and bot in channel.members and "app_mention" in self.workspace.app.events:
            event = {"type": "app_mention", "user": user_id, "text": text, "ts": message.ts, "channel": channel_id}
            event |= {"event_ts": message.ts, "team": self.workspace.team.team_id}
            await self.event(event | ({"thread_ts": thread_ts} if thread_ts else {}))
        return message

    async def event(self, event: Mapping[str, Any]) -> Acknowledged:
        """Something happened that the app has subscribed to."""
        if event.get("type") not in self.workspace.app.events:
            raise NotPossibleError(f"the app has not subscribed to {event.get('type')!r}")
        return await self.courier.send_event(self.payloads.event(event, self.clock.now()))

    async def redeliver(self, acknowledged: Acknowledged) -> Acknowledged:
        """The same payload once more, as Slack does when it believes that it was lost."""
        return await self._deliver(acknowledged.delivery)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _suggest(self, user_id: str, where: View | Message, label: str | Ids, *, query: str) -> Acknowledged:
        control = named(where.blocks, label)
        if control.kind not in ASKED:
            raise NotPossibleError(f"{control.label!r} is a {control.kind}: its options are fixed")
        if len(query) < control.element.get("min_query_length", DEFAULT_QUERY_LENGTH):
            raise NotPossibleError(f"{control.label!r} asks for options only from a longer query than {query!r}")
        return await self._deliver(self.payloads.suggestion(user_id, where, control, query=query, at=self.clock.now()))

    async def _deliver(self, delivery: Delivery) -> Acknowledged:
        acknowledged = await self.courier.send(delivery)
        self.settling.settle(acknowledged)
        return acknowledged

    def _put(self, view: View, control: Control, value: object) -> View:
        field = filled(control, value)
        refuse_impossible(control, field)
        beside = view.state.get(control.block_id, {})
        state = {**view.state, control.block_id: {**beside, control.action_id: field}}
        return self.workspace.views.type_in(view, state, self.clock.now())

    async def _use_on_message(self, user_id: str, message: Message, control: Control, value: object) -> Acknowledged:
        at = self.clock.now()
        told = {"user_id": user_id, "channel_id": message.channel_id, "text": control.label, "message": message}
        self.workspace.record("button_clicked", at, **told)
        return await self._deliver(self.payloads.message_action(user_id, message, _used(control, value), at))

    async def _use_in_view(self, view: View, control: Control, value: object) -> Acknowledged:
        at = self.clock.now()
        self.workspace.record("button_clicked", at, user_id=view.user_id, text=control.label, view=view)
        return await self._deliver(self.payloads.view_action(view.user_id, view, _used(control, value), at))

    def _person(self, user_id: str) -> User:
        user = self.workspace.users.get(user_id)
        if user is None or user.deleted or user.is_bot:
            raise NotPossibleError(f"{user_id} is nobody who could do that")
        return user

    def in_channel(self, user_id: str, channel_id: str) -> Channel:
        """The channel, if this person is in it.

        Raises:
            NotPossibleError: they are not.
        """
        self._person(user_id)
        is_own_dm = channel_id == dm_id(user_id)
        channel = self.workspace.open_dm(user_id) if is_own_dm else self.workspace.channels.get(channel_id)
        if channel is None or user_id not in channel.members:
            raise NotPossibleError(f"{user_id} is not in {channel_id}")
        return channel

    def on_screen(self, user_id: str, channel_id: str, ts: str) -> Message:
        """The message, if this person sees it.

        Raises:
            NotPossibleError: they do not.
        """
        self._person(user_id)
        self.in_channel(user_id, channel_id)
        message = self.workspace.find_on_screen(channel_id, ts, user_id)
        if message is None:
            raise NotPossibleError(f"{user_id} sees no message {ts} in {channel_id}")
        return message

    def on_top(self, user_id: str, view_id: str) -> View:
        """The view with this id, if this person sees it and no modal covers it.

        Raises:
            NotPossibleError: it is gone or covered.
        """
        self._person(user_id)
        view = self.workspace.views.top(user_id) or self.workspace.views.home(user_id)
        if view is None or view.view_id != view_id:
            raise NotPossibleError(f"{view_id} is no longer what {user_id} sees on top: it was closed, or another form covers it")
        return view

    def _modal(self, user_id: str) -> View:
        view = self.workspace.views.top(user_id)
        if view is None:
            raise NotPossibleError(f"{user_id} has no modal open")
        return view

    def _view(self, user_id: str) -> View:
        view = self.workspace.views.top(user_id) or self.workspace.views.home(user_id)
        if view is None:
            raise NotPossibleError(f"{user_id} has neither a modal nor a Home tab open")
        return view


def _used(control: Control, value: object) -> dict[str, Any]:
    if control.kind in PRESSED and value is None:
        return used(control, pressed(control))
    chosen = picked(control, value)
    if control.kind not in PRESSED:
        refuse_impossible(control, chosen)
    return used(control, chosen)
