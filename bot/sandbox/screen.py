"""Shows a workspace in the terminal: commands, the bot's cards as they change, thread lines, answers that one person sees."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping

from rich.console import Console
from rich.text import Text

from bot.sandbox.slack.changes import Change
from bot.sandbox.slack.demo import OPERATORS
from bot.sandbox.slack.workspace import Message, Workspace

BOT = "gonogo"
_MARKUP = re.compile(r"<((?:[@#!]|https?:|mailto:)[^<>\n]*)>")
_PUNCTUATION = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
# What moves a terminal's cursor, colours it, rings it or turns its text round; the line feed is kept.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Screen:
    """Prints changes as they happen. Everything that people, providers or the bot wrote is printed as text, never as markup."""

    def __init__(self, workspace: Workspace, console: Console) -> None:
        self._workspace = workspace
        self._console = console
        self._shown: dict[str, list[str]] = {}

    async def follow(self, changes: AsyncIterator[Change]) -> None:
        """Print until cancelled."""
        async for change in changes:
            self.show(change)

    def show(self, change: Change) -> None:
        """Print one change."""
        match change.kind:
            case "command_typed" | "button_clicked":
                did = change.text if change.kind == "command_typed" else f"presses {change.text}"
                self._line(f"{self._name(change.user_id):8}", did, style="bold cyan")
            case "message_posted" | "message_updated" | "ephemeral_posted" if change.message is not None:
                self._message(change.message)
            case "operation_failed":
                self._line("Slack   ", change.text, style="red")
            case _:
                pass

    def _message(self, message: Message) -> None:
        """A message is shown again only when it changed; of a card what stands first, a thread line hangs under it in full."""
        text = words_of(message.text, self._workspace)
        if message.ephemeral_to is not None:
            told = f"(only {self._name(message.ephemeral_to)} sees this) {text}"
            self._changed(message.ts, [told], f"{BOT:8}", style="magenta")
        elif message.channel_id == OPERATORS:
            name = self._workspace.channels[OPERATORS].name
            self._changed(message.ts, [f"(in #{name}) {text}"], f"{BOT:8}", style="bold magenta")
        elif message.is_reply:
            self._changed(message.ts, [text], "         └─", style="green")
        else:
            self._changed(message.ts, text.split("\n")[:2], f"{self._name(message.user):8}", style="bold yellow")

    def _changed(self, ts: str, lines: list[str], who: str, *, style: str) -> None:
        """The first of ``lines`` if it is new, else the second if that is."""
        before, self._shown[ts] = self._shown.get(ts, []), lines
        if lines[:1] != before[:1]:
            self._line(who, lines[0], style=style)
        elif lines[1:] and lines[1:] != before[1:]:
            self._line(" " * 8, lines[1], style=style)

    def _line(self, who: str, text: str, *, style: str) -> None:
        line = Text(f"  {harmless(who)} ", style=style)
        line.append(harmless(text).replace("\n", "\n" + " " * 11), style="default")
        self._console.print(line)

    def _name(self, user_id: str) -> str:
        user = self._workspace.users.get(user_id)
        return user.name if user else user_id


def words_of(text: str, workspace: Workspace) -> str:
    """Slack's markup as people see it: names for ids, a link's label, a date's fallback; and its three escapes taken back.

    https://docs.slack.dev/messaging/formatting-message-text
    """
    shown = _MARKUP.sub(lambda found: _marked(found[1], workspace), text)
    return re.sub("|".join(_PUNCTUATION), lambda found: _PUNCTUATION[found[0]], shown)


def harmless(text: str) -> str:
    """``text`` without what a terminal would obey instead of showing it."""
    return _CONTROL.sub("", text.replace("\t", " "))


def _marked(inner: str, workspace: Workspace) -> str:
    """What stands for ``<inner>``."""
    target, _, label = inner.partition("|")
    kind, name = target[:1], target[1:]
    if kind == "@":
        user = workspace.users.get(name)
        return f"@{user.name if user else label or name}"
    if kind == "#":
        channel = workspace.channels.get(name)
        return f"#{channel.name if channel else label or name}"
    if kind == "!":
        group = workspace.groups.get(name.removeprefix("subteam^"))
        return label or f"@{group.handle if group else name}"
    return label or target


def shown_request(method: str, path: str, headers: Mapping[str, str], body: str) -> Text:
    """A provider's request, as it arrived."""
    line = Text("  → ", style="blue")
    line.append(harmless(f"{method} {path}"), style="bold")
    kept = {name: value for name, value in headers.items() if name.lower() in _TELLING_HEADERS}
    line.append("".join(harmless(f"\n      {name}: {value}") for name, value in kept.items()))
    line.append(harmless(f"\n      {body}"))
    return line


_TELLING_HEADERS = {
    "authorization",
    "content-type",
    "idempotency-key",
    "x-api-key",
    "x-domo-developer-token",
    "x-project-id",
    "zuora-track-id",
}
