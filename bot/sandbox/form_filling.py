"""A person in the launch form: chooses, fills in, sends, and reads what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.acts import Fill, JourneyError
from bot.sandbox.pace import Aside, AtOnce, Pace
from bot.sandbox.slack.forms import controls, named, suggestions
from bot.sandbox.slack.shapes import is_list, is_mapping, plain
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.world import Sandbox
from bot.surfaces.launch_form import LOADING_FORM


@dataclass(frozen=True, kw_only=True)
class Filler:
    """One person's hands in one form. ``say`` tells what they do; ``within_s``: how long they wait for the bot."""

    sandbox: Sandbox
    user_id: str
    say: Callable[[str], None]
    within_s: float
    pace: Pace = field(default_factory=AtOnce)

    async def fill(self, act: Fill) -> None:
        """Choose, fill in and send.

        Raises:
            JourneyError: it was not possible, or other fields than expected are wrong.
            TimeoutError: the form did not come.
        """
        view = await self._seen(act.sees)
        for label, wanted in act.choices:
            view = await self._choose(view, label, wanted)
        values = {
            label: await self._picked(label, value) if label in act.searched else value for label, value in act.values.items()
        }
        shown = ", ".join(f"{label}: {value}" for label, value in act.values.items())
        self.sandbox.slack.people.type_in(self.user_id, values)
        await self._tell(f"{self._name} fills in {shown or 'nothing more'}, and sends the form")
        sent = await self.sandbox.slack.submit(self.user_id, values)
        _require(sent.is_ok, "Slack got no acknowledgement of the form")
        self._check(act)

    async def _choose(self, view: View, label: str, wanted: str) -> View:
        """Choose from a menu, by what it shows or by the value behind it; the form that comes of it."""
        options = named(view.blocks, label).element.get("options", ())
        option = next((one for one in options if wanted in {plain(one["text"]), one["value"]}), None)
        if option is None:
            raise JourneyError(f"the form offers no {label} {wanted!r}")
        await self._tell(f"{self._name} chooses the {label.lower()} {plain(option['text'])}")
        chosen = await self.sandbox.slack.people.choose_in_view(self.user_id, label, option)
        _require(chosen.is_ok, "Slack got no acknowledgement of the choice")
        return await self._seen((), other_than=view.hash)

    async def _picked(self, label: str, value: str) -> Any:
        """The first option that a search for ``value`` finds."""
        found = suggestions((await self.sandbox.slack.people.suggest(self.user_id, label, value)).body)
        _require(bool(found), f"a search for {value!r} in {label} finds nothing")
        return found[0]

    async def _tell(self, what: str) -> None:
        self.say(what)
        await self.pace.before(Aside(says=what, user_id=self.user_id), None)

    def _check(self, act: Fill) -> None:
        """What is wrong stands in the form as soon as it is acknowledged."""
        wrong = _wrong(self._top)
        for label, words in wrong.items():
            self.say(f"at {label}: {words}")
        _require(set(wrong) == set(act.wrong), f"what is wrong stands at {sorted(wrong)}, not at {sorted(act.wrong)}")

    async def _seen(self, words: tuple[str, ...], *, other_than: str = "") -> View:
        """The form on top, once it is no skeleton and says ``words``; drawn anew since ``other_than``."""

        def look(_: Workspace) -> View | None:
            view = self._top
            is_drawn = view is not None and view.content.get("callback_id") != LOADING_FORM and view.hash != other_than
            return view if is_drawn else None

        view = await self.sandbox.slack.workspace.wait_for(look, self.within_s)
        said = "\n".join(_texts(view.blocks))
        for missing in (one for one in words if one not in said):
            raise JourneyError(f"the form does not say {missing!r}")
        for read in words:
            self.say(f"{self._name} reads in the form: {read}")
        return view

    @property
    def _top(self) -> View | None:
        return self.sandbox.slack.workspace.views.top(self.user_id)

    @property
    def _name(self) -> str:
        return self.sandbox.slack.workspace.users[self.user_id].name


def _wrong(view: View | None) -> dict[str, str]:
    """The errors of a form by the labels of their fields; none where it is closed."""
    if view is None:
        return {}
    labels = {one.block_id: one.label for one in controls(view.blocks)}
    return {labels.get(block_id, block_id): words for block_id, words in view.errors.items()}


def _texts(value: Any) -> Iterator[str]:
    """Every text in blocks, from top to bottom."""
    if isinstance(value, str):
        yield value
    elif is_mapping(value):
        yield from (text for one in value.values() for text in _texts(one))
    elif is_list(value):
        yield from (text for one in value for text in _texts(one))


def _require(claim: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a claim
    if not claim:
        raise JourneyError(otherwise)
