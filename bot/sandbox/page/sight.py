"""What one person sees of the workspace, as JSON: the page shows this and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.workspace import Message, Workspace, dm_id
from bot.sandbox.slack.world import SLACKBOT, Channel, Offer, User


@dataclass
class Marks:
    """How far each person has read in each channel."""

    _read: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def read(self, user_id: str, channel_id: str, ts: str) -> None:
        """Everything up to ``ts`` is read."""
        self._read[user_id, channel_id] = max(ts, self.up_to(user_id, channel_id))

    def up_to(self, user_id: str, channel_id: str) -> str:
        """The ts of the newest message that this person has read there, or ``""``."""
        return self._read.get((user_id, channel_id), "")


@dataclass(frozen=True, kw_only=True)
class Sight:
    """The workspace through one person's eyes."""

    workspace: Workspace
    marks: Marks
    user_id: str

    def channels(self) -> list[Channel]:
        """Those that this person is in, and the direct messages with the bot, opened or not."""
        shown = [channel for channel in self.workspace.channels.values() if self._is_in(channel)]
        own = dm_id(self.user_id)
        if own not in self.workspace.channels and self.workspace.app.has_messages_tab:
            members = frozenset({self.user_id, self.workspace.app.bot_user_id})
            shown.append(Channel(channel_id=own, name="", members=members, dm_user_id=self.user_id, is_private=True))
        return shown

    def sees(self, channel_id: str) -> bool:
        """Whether this channel is on this person's screen."""
        channel = self.workspace.channels.get(channel_id)
        return channel is not None and self._is_in(channel)

    def message(self, channel_id: str, ts: str) -> Message | None:
        """One message, if this person sees it."""
        return self.workspace.find_on_screen(channel_id, ts, self.user_id) if self.sees(channel_id) else None

    def messages(self, channel_id: str) -> list[Message]:
        """Everything in one channel, threads and what only this person sees, oldest first."""
        return sorted(self._everything(channel_id), key=lambda message: message.ts) if self.sees(channel_id) else []

    def unread(self) -> dict[str, int]:
        """How many messages each channel has that this person has not read; threads do not count, as in Slack."""
        return {channel.channel_id: sum(1 for _ in self._new(channel.channel_id)) for channel in self.channels()}

    def read(self, channel_id: str) -> None:
        """This person has read the channel."""
        newest = max((message.ts for message in self.messages(channel_id)), default="")
        self.marks.read(self.user_id, channel_id, newest)

    def views(self) -> list[dict[str, Any]]:
        """The open modals, the one on top last."""
        return [plain_fields(view) for view in self.workspace.views.stack(self.user_id)]

    def home(self) -> dict[str, Any] | None:
        """The Home tab, once the bot has published it."""
        home = self.workspace.views.home(self.user_id)
        return plain_fields(home) if home else None

    def everything(self) -> dict[str, Any]:
        """All of it, for a page that has just been opened."""
        channels = self.channels()
        return {
            "viewer": plain_fields(self.workspace.users[self.user_id]),
            "channels": [plain_fields(channel) for channel in channels],
            "messages": {one.channel_id: [plain_fields(said) for said in self.messages(one.channel_id)] for one in channels},
            "views": self.views(),
            "home": self.home(),
            "unread": self.unread(),
            **_offered(self.workspace, self.workspace.users[self.user_id]),
        }

    def _is_in(self, channel: Channel) -> bool:
        return self.user_id in channel.members

    def _everything(self, channel_id: str) -> Iterator[Message]:
        yield from self.workspace.everything(channel_id)
        yield from self.workspace.ephemerals(channel_id, self.user_id)

    def _new(self, channel_id: str) -> Iterator[Message]:
        read = self.marks.up_to(self.user_id, channel_id)
        for message in self._everything(channel_id):
            if message.ts > read and not message.is_reply and message.user != self.user_id:
                yield message


def common_facts(workspace: Workspace) -> dict[str, Any]:
    """What everybody sees alike."""
    app = workspace.app
    slackbot = User(user_id=SLACKBOT, name="slackbot", real_name="Slackbot", team_id=workspace.team.team_id, is_bot=True)
    return {
        "team": plain_fields(workspace.team),
        "people": [plain_fields(user) | {"note": _note(user)} for user in workspace.users.values() if can_be_acted_as(user)],
        "users": [plain_fields(user) for user in (*workspace.users.values(), slackbot)],
        "groups": [plain_fields(group) for group in workspace.groups.values()],
        "app": {
            "app_id": app.app_id,
            "name": workspace.users[app.bot_user_id].real_name,
            "bot_user_id": app.bot_user_id,
            "has_home": app.has_home,
            "has_messages_tab": app.has_messages_tab,
        },
    }


def plain_fields(value: object) -> dict[str, Any]:
    """A frozen value's fields, as they are: unlike ``asdict`` it copies nothing, and pages are told a lot."""
    return dict(vars(value))


def can_be_acted_as(user: User) -> bool:
    """Whether somebody at the page may be this person."""
    return not (user.is_bot or user.deleted)


def viewer_id(workspace: Workspace, wanted: str) -> str:
    """Whose page it is: who is asked for, or the first person.

    Raises:
        NotPossibleError: there is nobody of that id who could look.
    """
    able = [user.user_id for user in workspace.users.values() if can_be_acted_as(user)]
    if wanted and wanted not in able:
        raise NotPossibleError(f"there is nobody {wanted} to act as; there are {', '.join(able)}")
    return wanted or able[0]


def _offered(workspace: Workspace, user: User) -> dict[str, Any]:
    """Commands and shortcuts; people from elsewhere have none."""
    app = workspace.app
    if user.is_stranger:
        return {"commands": [], "shortcuts": []}
    commands = {name: app.offers.get(name, Offer(name=name)) for name in app.commands}
    shortcuts = {key: (app.offers[key], kind) for key, kind in app.shortcuts.items() if key in app.offers}
    return {
        "commands": [plain_fields(offer) for offer in commands.values()],
        "shortcuts": [{"callback_id": key, "type": kind, **plain_fields(offer)} for key, (offer, kind) in shortcuts.items()],
    }


def _note(user: User) -> str:
    """What sets this person apart, in a word or two."""
    if user.is_stranger:
        return "from elsewhere"
    if user.is_restricted or user.is_ultra_restricted:
        return "guest"
    return ""
