"""What stands under the page while a scenario plays: who does what, in a sentence, and where to look for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.sandbox.acts import Change, Edit, Fill, Later, Lose, Press, Read, Take, Type, Write
from bot.sandbox.journeys import Journey
from bot.sandbox.pace import Aside, Deed
from bot.sandbox.screen import words_of
from bot.sandbox.slack.demo import OPERATORS
from bot.sandbox.slack.workspace import Workspace

Kind: TypeAlias = Literal["title", "type", "press", "fill", "read", "world", "end"]
OPERATOR = "U0DAVE"
"""Through whose eyes the operators' channel is seen."""
LONGEST = 160


@dataclass(frozen=True, kw_only=True)
class Caption:
    """One step. ``as_user`` sees it ("": whoever is looking); ``typed`` goes into the message field, ``label`` is pressed."""

    kind: Kind
    text: str
    as_user: str = ""
    channel_id: str = ""
    typed: str = ""
    label: str = ""
    is_in_thread: bool = False


@dataclass(frozen=True, kw_only=True)
class Captions:
    """The captions of one journey."""

    workspace: Workspace
    journey: Journey
    command: str = "/launch"

    def title(self) -> Caption:
        """What the journey is about, before anything happens."""
        channel = self.workspace.channels[self.journey.channel_id].name
        text = f"{self._name(self.journey.user_id)}, in #{channel}"
        return self._here("title", text, self.journey.user_id)

    def of(self, deed: Deed) -> Caption:
        """What is about to be done."""
        name = self._name(getattr(deed, "user_id", ""))
        match deed:
            case Type():
                typed = f"{self.command} {deed.text}".strip()
                return self._here("type", f"{name} types {shortened(typed)}", deed.user_id, typed=typed)
            case Press():
                where = " on the answer that nobody else sees" if deed.is_on_answer else ""
                return self._here("press", f"{name} presses {deed.label}{where}", deed.user_id, label=deed.label)
            case Write():
                return self._here("fill", f"{name} writes into the form: {deed.says}", deed.user_id)
            case Fill():
                return self._here("fill", self._filling(deed, name), deed.user_id)
            case Read():
                return self._reading(deed)
            case Later() | Edit() | Change() | Lose() | Take() | Aside():
                return self._happening(deed)

    def end(self, verdict: str) -> Caption:
        """How it ended."""
        is_in_thread = self.journey.ends is not None
        return Caption(
            kind="end",
            text=capital(words_of(verdict, self.workspace)),
            channel_id=self.journey.channel_id,
            is_in_thread=is_in_thread,
        )

    def _here(self, kind: Kind, text: str, user_id: str, *, typed: str = "", label: str = "") -> Caption:
        place = self.journey.channel_id
        return Caption(kind=kind, text=text, as_user=user_id, channel_id=place, typed=typed, label=label)

    def _happening(self, deed: Later | Edit | Change | Lose | Take | Aside) -> Caption:
        text = capital(_world(deed))
        if isinstance(deed, Aside) and deed.user_id:
            return self._here("fill", text, deed.user_id)
        return Caption(kind="world", text=text, channel_id=self.journey.channel_id)

    def _filling(self, deed: Fill, name: str) -> str:
        if deed.wrong:
            return f"{name} fills in the form, with something wrong at {', '.join(deed.wrong)}"
        if any(isinstance(one, Fill) and one.wrong for one in self.journey.form):
            return f"What is wrong stands at each field, in words; {name} corrects it"
        if deed.sees:
            return f"The form opens with what ran before, and says what has changed since: {shortened(deed.sees[0])}"
        return f"The form opens for {name} alone: it asks for what is needed, and for nothing else"

    def _reading(self, deed: Read) -> Caption:
        words = f"“{shortened(words_of(deed.words, self.workspace))}”"
        match deed.where:
            case "operators":
                name = self.workspace.channels[OPERATORS].name
                text = f"In #{name}, the people who run the bot read {words}"
                return Caption(kind="read", text=text, as_user=OPERATOR, channel_id=OPERATORS)
            case "card":
                return Caption(kind="read", text=f"The card comes to say {words}", channel_id=self.journey.channel_id)
            case "thread":
                text = f"The thread says {words}"
                return Caption(kind="read", text=text, channel_id=self.journey.channel_id, is_in_thread=True)

    def _name(self, user_id: str) -> str:
        user = self.workspace.users.get(user_id)
        return capital(user.name) if user else user_id


def capital(text: str) -> str:
    """With a capital letter first."""
    return text[:1].upper() + text[1:]


def shortened(text: str) -> str:
    """Not longer than a caption can hold."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _world(deed: Later | Edit | Change | Lose | Take | Aside) -> str:
    if isinstance(deed, Later):
        shown = f"{deed.minutes // 60} hours" if deed.minutes % 60 == 0 else f"{deed.minutes} minutes"
        return f"{shown} pass while nobody does anything (the clock of this launch is moved; the bot is started again)"
    return deed.says
