"""People in forms: what they see in the view on top, choose in it, fill in and send; over a house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.forms import controls
from bot.sandbox.slack.shapes import is_list, is_mapping
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Message
from bot.surfaces.form_fields import digest_in, name_digest
from bot.surfaces.launch_form import LOADING_FORM
from tests.journeys.house import House


def said(view: View | None) -> str:
    """Everything that a view says in words, without what stands in its fields."""
    if view is None:
        return ""
    return "\n".join(_words(block) for block in view.blocks)


def _words(value: Any) -> str:
    if is_mapping(value):
        own = value.get("text")
        inner = [_words(one) for name, one in value.items() if name not in {"options", "value"}]
        return "\n".join([own] if isinstance(own, str) else [part for part in inner if part])
    return "\n".join(filter(None, map(_words, value))) if is_list(value) else ""


def labels(view: View | None) -> list[str]:
    """The labels of its fields, in order."""
    blocks = view.blocks if view else []
    return [block["label"]["text"] for block in blocks if block["type"] == "input"]


def standing(view: View, label: str) -> Any:
    """What stands in the field with this label, as its text or option's value."""
    block = next(block for block in view.blocks if block.get("label", {}).get("text") == label)
    (entry,) = view.state[block["block_id"]].values()
    kept = next(value for name, value in entry.items() if name != "type")
    return kept.get("value") if is_mapping(kept) else kept


def block_of(view: View, name: str) -> str:
    """The block that asks for this input."""
    return next(block["block_id"] for block in view.blocks if digest_in(block["block_id"]) == name_digest(name))


def offers(view: View | None, label: str) -> list[str]:
    """What a select of the view offers, as people read it."""
    control = next(one for one in controls(view.blocks if view else ()) if label in {one.label, one.action_id})
    return [option["text"]["text"] for option in control.element.get("options", ())]


class Forms:
    """The hands of one person in forms."""

    def __init__(self, house: House, user_id: str) -> None:
        self.house, self.user_id = house, user_id

    @property
    def view(self) -> View | None:
        return self.house.workspace.views.top(self.user_id)

    async def seen(self, *words: str, other_than: str = "", timeout_s: float = 5.0) -> View:
        """The view on top once it is no skeleton and says all of ``words`` (in labels too); drawn anew since ``other_than``."""

        def look(_: object) -> View | None:
            view = self.view
            is_there = view is not None and view.content["callback_id"] != LOADING_FORM and view.hash != other_than
            return view if is_there and all(word in f"{said(view)}\n{labels(view)}" for word in words) else None

        return await self.house.workspace.wait_for(look, timeout_s=timeout_s)

    async def open(self, channel_id: str, text: str = "", *words: str) -> View:
        """Type a command; the form that it opens."""
        await self.house.type(self.user_id, channel_id, text)
        return await self.seen(*words)

    async def choose(self, label: str, value: object, *words: str, values: Mapping[str, Any] | None = None) -> View:
        """Choose in a select, after typing ``values`` elsewhere; the form once it says ``words``."""
        before = self.view
        acknowledged = await self.house.slack.people.choose_in_view(self.user_id, label, value, values=values)
        assert acknowledged.is_ok, acknowledged
        return await self.seen(*words, other_than=before.hash if before else "")

    async def send(self, values: Mapping[str, Any] | None = None) -> Acknowledged:
        """Fill in and send."""
        acknowledged = await self.house.slack.people.submit(self.user_id, values)
        assert acknowledged.is_ok, acknowledged
        return acknowledged

    async def errors(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Fill in and send; the errors by label."""
        await self.send(values)
        view = self.view
        assert view is not None
        named = {block["block_id"]: block["label"]["text"] for block in view.blocks if block["type"] == "input"}
        return {named[block_id]: words for block_id, words in view.errors.items()}

    async def launched(self, channel_id: str, values: Mapping[str, Any] | None = None) -> Message:
        """Fill in and send; the card that it causes."""
        before = {message.ts for message in self.house.workspace.messages(channel_id)}
        await self.send(values)
        return await self.house.workspace.wait_for(
            lambda seen: next((one for one in seen.messages(channel_id) if one.ts not in before), None)
        )
