"""One scenario while it plays: which step, what its caption says, and who is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from bot.sandbox.acting import LAUNCH_ID
from bot.sandbox.acts import Write
from bot.sandbox.journeys import Journey
from bot.sandbox.pace import Deed
from bot.sandbox.page.captions import Caption, Captions
from bot.sandbox.page.tempo import Tempo, Waiting
from bot.sandbox.page.tour import ABOUT
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.workspace import Message
from bot.sandbox.world import Sandbox


class Telling(Protocol):
    """Who tells every page; the page's feed is one."""

    def publish(self, name: str, payload: Mapping[str, Any]) -> None:
        """Send an event to every page."""
        ...

    def show_views(self, user_id: str) -> None:
        """Let this person's page show what stands in their form by now."""
        ...


@dataclass(kw_only=True)
class Show:
    """One scenario while it plays: which journey, which step, and how it goes. Every change of it is told to ``feed``."""

    sandbox: Sandbox
    name: str
    tempo: Tempo
    waiting: Waiting
    feed: Telling
    journey: Journey | None = None
    step: int = 0
    steps: int = 0
    chapter: int = 0
    chapters: int = 1
    caption: Caption = field(default_factory=lambda: Caption(kind="title", text=""))
    card: Message | None = None
    wait_s: float = 0.0
    is_over: bool = False
    is_ok: bool = True
    verdict: str = ""
    _captions: Captions | None = None

    async def open(self, journey: Journey) -> None:
        """Begin a journey, with its title."""
        self.journey, self.step, self.card = journey, 0, None
        self.steps = count_steps(journey)
        self._captions = Captions(workspace=self.sandbox.slack.workspace, journey=journey)
        await self._show(self._captions.title(), about=ABOUT.get(journey.title, ""))

    async def before(self, deed: Deed, card: Message | None) -> None:
        """As a player's pace: tell what is about to be done, and wait until it could be read."""
        assert self._captions is not None, "a journey was opened"  # noqa: S101 - narrows
        self.card = card or self.card
        self.step = min(self.step + 1, self.steps)
        if isinstance(deed, Write):
            await self._fill_in(deed)
        await self._show(self._captions.of(deed))

    async def close(self, verdict: str, *, is_ok: bool) -> None:
        """End the journey with its verdict."""
        assert self._captions is not None, "a journey was opened"  # noqa: S101 - narrows
        caption = self._captions.end(verdict)
        self.step, self.is_ok, self.verdict = self.steps, is_ok, caption.text
        await self._show(caption)

    async def _fill_in(self, deed: Write) -> None:
        """Put the values into the form before they are sent, so that they can be seen there."""
        workspace = self.sandbox.slack.workspace
        with suppress(TimeoutError, NotPossibleError):
            await workspace.wait_for(lambda seen: seen.views.top(deed.user_id), self.tempo.form_within_s)
            self.sandbox.slack.people.type_in(deed.user_id, deed.values)

    async def _show(self, caption: Caption, *, about: str = "") -> None:
        self.caption = replace(caption, text=about) if about else caption
        self.wait_s = self.tempo.for_caption(self.caption)
        self.tell()
        if caption.kind == "fill":
            self.feed.show_views(caption.as_user)
        await self.waiting.wait(self.wait_s)

    def tell(self) -> None:
        """Tell how it stands."""
        self.feed.publish("scenario", self.shown())

    def shown(self) -> dict[str, Any]:
        """As the page gets it."""
        caption, card = self.caption, self.card
        return {
            "name": self.name,
            "title": self.journey.title if self.journey else self.name,
            "kind": caption.kind,
            "caption": self._named(caption.text),
            "step": self.step,
            "of": self.steps,
            "chapter": self.chapter,
            "chapters": self.chapters,
            "as_user": caption.as_user,
            "channel_id": caption.channel_id,
            "thread_ts": card.ts if card is not None and caption.is_in_thread else None,
            "card_ts": card.ts if card is not None else None,
            "typed": self._named(caption.typed),
            "typing_ms": round(self.tempo.typing_s(caption.typed) * 1000),
            "label": caption.label,
            "wait_ms": round(self.wait_s * 1000),
            "pace": self.tempo.name,
            "is_paused": self.waiting.is_paused,
            "is_over": self.is_over,
            "is_ok": self.is_ok,
            "verdict": self.verdict or None,
        }

    def _named(self, text: str) -> str:
        """With the launch's id where the journey leaves a place for it."""
        found = LAUNCH_ID.search(self.card.text) if self.card is not None else None
        return text.replace("<id>", found[0] if found else "<id>")


def count_steps(journey: Journey) -> int:
    """How many steps a journey has: its acts, the command, what befalls it, and the end."""
    befalls = journey.then_cancel + journey.is_killed + (journey.ends is not None)
    return len(journey.before) + 1 + len(journey.form) + len(journey.acts) + befalls + _choices(journey)


def _choices(journey: Journey) -> int:
    """What is done inside of forms: each choice, and the sending."""
    return sum(len(getattr(deed, "choices", ())) + 1 for deed in (*journey.form, *journey.acts) if hasattr(deed, "choices"))
