"""Modals and Home tabs: one stack of modals and one Home per person, each view with its hash and what stands in its fields.

https://docs.slack.dev/surfaces/modals · https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.sandbox.slack.changes import Change, ChangeKind
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.forms import State, carried_over, initial_state, with_ids
from bot.sandbox.slack.shapes import copy

MAX_STACKED = 3


@dataclass(frozen=True, kw_only=True)
class View:
    """One modal or Home tab of one person. ``content`` is what the bot gave, with ids; ``errors`` are shown at the fields."""

    view_id: str
    user_id: str
    content: dict[str, Any]
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    state: State = field(default_factory=State)
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """What it shows."""
        blocks: list[dict[str, Any]] = self.content["blocks"]
        return blocks

    @property
    def external_id(self) -> str:
        """The bot's own name for it, or ``""``."""
        return str(self.content.get("external_id") or "")


class Views:
    """Every open view."""

    def __init__(self, *, record: Callable[[Change], None]) -> None:
        self._record = record
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}
        self._numbers = itertools.count(1)

    # --- looking ---------------------------------------------------------------------------------------------------

    def stack(self, user_id: str) -> tuple[View, ...]:
        """This person's open modals, the one on top last."""
        return tuple(self._stacks.get(user_id, ()))

    def top(self, user_id: str) -> View | None:
        """The modal that this person sees."""
        return next(reversed(self.stack(user_id)), None)

    def home(self, user_id: str) -> View | None:
        """This person's Home tab, once the bot has published one."""
        return self._homes.get(user_id)

    def find(self, *, view_id: str = "", external_id: str = "") -> View | None:
        """An open view, by Slack's id or the bot's own."""
        open_views = [*itertools.chain.from_iterable(self._stacks.values()), *self._homes.values()]
        for view in open_views:
            if (view_id and view.view_id == view_id) or (external_id and view.external_id == external_id):
                return view
        return None

    # --- what the bot does -----------------------------------------------------------------------------------------

    def open(self, user_id: str, content: Mapping[str, Any], at: datetime) -> View:
        """Show a modal that is the root of a stack of its own, above whatever is open."""
        view_id = self._new_id()
        return self._show(self._drawn(view_id, user_id, content, at), at)

    def push(self, below: View, content: Mapping[str, Any], at: datetime) -> View:
        """Show a modal above one that is open."""
        family = [view for view in self.stack(below.user_id) if view.root_view_id == below.root_view_id]
        if len(family) >= MAX_STACKED:
            raise SlackError("push_limit_reached")
        drawn = self._drawn(self._new_id(), below.user_id, content, at)
        return self._show(replace(drawn, root_view_id=below.root_view_id, previous_view_id=below.view_id), at)

    def update(self, view: View, content: Mapping[str, Any], at: datetime, *, wanted_hash: str = "") -> View:
        """Show something else in an open view, which keeps its id."""
        if wanted_hash and wanted_hash != view.hash:
            raise SlackError("hash_conflict")
        self._refuse_taken(content, view.view_id)
        numbered = self._numbered(content)
        state = carried_over(view.state, numbered["blocks"])
        changed = replace(view, content=numbered, hash=self._new_hash(at), state=state, errors={})
        return self._put("view_updated", changed, at)

    def publish(self, user_id: str, content: Mapping[str, Any], at: datetime, *, wanted_hash: str = "") -> View:
        """Show this as the person's Home tab."""
        old = self._homes.get(user_id)
        if wanted_hash and (old is None or wanted_hash != old.hash):
            raise SlackError("hash_conflict")
        home = self._drawn(old.view_id if old else self._new_id(), user_id, content, at)
        if old is not None:
            home = replace(home, state=carried_over(old.state, home.blocks))
        self._homes[user_id] = home
        return self._told("home_published", home, at)

    # --- what the person does --------------------------------------------------------------------------------------

    def type_in(self, view: View, state: State, at: datetime) -> View:
        """The person changed what stands in the fields."""
        return self._put("view_updated", replace(view, state=state), at)

    def show_errors(self, view: View, errors: Mapping[str, str], at: datetime) -> View:
        """Slack shows the bot's errors at the fields."""
        return self._put("view_updated", replace(view, errors=dict(errors)), at)

    def close(self, view: View, at: datetime) -> None:
        """The view goes away; those below it stay."""
        self._stacks[view.user_id] = [one for one in self.stack(view.user_id) if one.view_id != view.view_id]
        self._told("view_closed", view, at)

    def clear(self, user_id: str, at: datetime) -> None:
        """All of this person's modals go away."""
        for view in reversed(self.stack(user_id)):
            self.close(view, at)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _drawn(self, view_id: str, user_id: str, content: Mapping[str, Any], at: datetime) -> View:
        self._refuse_taken(content, view_id)
        numbered = self._numbered(content)
        state = initial_state(numbered["blocks"])
        drawn: dict[str, Any] = {"view_id": view_id, "user_id": user_id, "hash": self._new_hash(at), "root_view_id": view_id}
        return View(**drawn, content=numbered, state=state)

    def _show(self, view: View, at: datetime) -> View:
        self._stacks.setdefault(view.user_id, []).append(view)
        return self._told("view_opened", view, at)

    def _put(self, kind: ChangeKind, view: View, at: datetime) -> View:
        home = self._homes.get(view.user_id)
        if home is not None and home.view_id == view.view_id:
            self._homes[view.user_id] = view
        stack = self._stacks.setdefault(view.user_id, [])
        stack[:] = [view if one.view_id == view.view_id else one for one in stack]
        return self._told(kind, view, at)

    def _told(self, kind: ChangeKind, view: View, at: datetime) -> View:
        self._record(Change(kind=kind, at=at, user_id=view.user_id, view=view))
        return view

    def _refuse_taken(self, content: Mapping[str, Any], view_id: str) -> None:
        taken = self.find(external_id=str(content.get("external_id") or ""))
        if taken is not None and taken.view_id != view_id:
            raise SlackError("duplicate_external_id")

    def _numbered(self, content: Mapping[str, Any]) -> dict[str, Any]:
        numbered = copy(content)
        numbered["blocks"] = [with_ids(block, self._numbers) for block in numbered["blocks"]]
        return numbered

    def _new_id(self) -> str:
        return f"V{next(self._numbers):010d}"

    def _new_hash(self, at: datetime) -> str:
        return f"{int(at.timestamp())}.{next(self._numbers):08x}"
