"""Shows a workspace in the terminal: commands, the bot's cards as they change, thread lines, answers that one person sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from rich.console import Console
from rich.text import Text

from bot.sandbox.slack.changes import Change
from bot.sandbox.slack.workspace import Message, Workspace

BOT = "gonogo"


class Screen:
    """Prints changes as they happen. Everything that people, providers or the bot wrote is printed as text, never as markup."""

    def __init__(self, workspace: Workspace, console: Console) -> None:
        self._workspace = workspace
        self._console = console
        self._shown: dict[str, str] = {}

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
            case "message_posted" | "message_updated" if change.message is not None:
                self._message(change.message)
            case "ephemeral_posted" if change.message is not None:
                self._line(f"{BOT:8}", f"(only {self._name(change.user_id)} sees this) {change.message.text}", style="magenta")
            case "operation_failed":
                self._line("Slack   ", change.text, style="red")
            case _:
                pass

    def _message(self, message: Message) -> None:
        """A card is shown again only when its words changed; a thread line hangs under it."""
        text = self._with_names(message.text)
        if self._shown.get(message.ts) == text:
            return
        self._shown[message.ts] = text
        if message.is_reply:
            self._line("         └─", text, style="green")
        else:
            self._line(f"{BOT:8}", text.splitlines()[0] if text else "", style="bold yellow")

    def _line(self, who: str, text: str, *, style: str) -> None:
        line = Text(f"  {who} ", style=style)
        line.append(text.replace("\n", "\n" + " " * 11), style="default")
        self._console.print(line)

    def _name(self, user_id: str) -> str:
        user = self._workspace.users.get(user_id)
        return user.name if user else user_id

    def _with_names(self, text: str) -> str:
        """Mentions as people see them, and Slack's three escapes taken back."""
        for user_id, user in self._workspace.users.items():
            text = text.replace(f"<@{user_id}>", f"@{user.name}")
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def shown_request(method: str, path: str, headers: Mapping[str, str], body: str) -> Text:
    """A provider's request, as it arrived."""
    line = Text("  → ", style="blue")
    line.append(f"{method} {path}", style="bold")
    kept = {name: value for name, value in headers.items() if name.lower() in _TELLING_HEADERS}
    line.append("".join(f"\n      {name}: {value}" for name, value in kept.items()))
    line.append(f"\n      {body}")
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
