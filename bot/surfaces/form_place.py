"""What stands around the form's own blocks: the channel, where it was opened in none, and the wish to see the call first.

And views that hold no form: what is waited for, and what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.reading import items, mapping
from bot.surfaces.escaping import clean, plain_text, shorten
from bot.surfaces.form_choosing import MOST_SECTION, section
from bot.surfaces.form_options import Choosable, decoded, options
from bot.surfaces.form_table import said
from bot.surfaces.launch_form import LAUNCH_FORM, loading
from bot.surfaces.say import Say

PLACE = "launch_form_place"
PREVIEW = "launch_form_preview"
_PREVIEW_BLOCK = "preview"
_PLACE_BLOCK = "place"
_SHOW = "show"


def with_place(view: Mapping[str, Any], places: Sequence[tuple[str, str]], chosen: str) -> dict[str, Any]:
    """The form with the channels (id, name) above it, of which one is chosen, or none yet; as it is where there is no choice."""
    if not places:
        return dict(view)
    return {**view, "blocks": [_place_block(places, chosen, is_sent="submit" in view), *view["blocks"]]}


def asking_place(places: Sequence[tuple[str, str]], *, opened_by: str, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The form while no channel is chosen: nothing can be offered before."""
    told = [section(note) for note in notes]
    bare = _bare(opened_by, told)
    return with_place(bare, places, "")


def place_in(state: Mapping[str, Any]) -> str:
    """The channel that is chosen in the form; empty where none is."""
    entries = [entry for actions in state.values() for action_id, entry in mapping(actions).items() if action_id == PLACE]
    return next((decoded(one, ()) for entry in entries for one in said(entry)), "")


def with_preview(view: Mapping[str, Any], *, is_wanted: bool = False) -> dict[str, Any]:
    """The form with the wish to see the call first, where it can be sent at all."""
    if "submit" not in view:
        return dict(view)
    (option,) = options([Choosable(value=_SHOW, text="Show me the exact call before it is launched")])
    element: dict[str, Any] = {"type": "checkboxes", "action_id": PREVIEW, "options": [option]}
    block = {
        "type": "input",
        "block_id": _PREVIEW_BLOCK,
        "optional": True,
        "label": plain_text("Preview", 24),
        "element": element | ({"initial_options": [option]} if is_wanted else {}),
    }
    return {**view, "blocks": [*view["blocks"], block]}


def wants_preview(state: Mapping[str, Any]) -> bool:
    """Whether the call is to be shown first."""
    return bool(items(mapping(mapping(state.get(_PREVIEW_BLOCK)).get(PREVIEW)).get("selected_options")))


def told(say: Say, *, opened_by: str) -> dict[str, Any]:
    """A view that says something, and asks for nothing."""
    return _bare(opened_by, [_lines(say.text)]) | {"close": plain_text("Close", 24)}


def being_launched(*, opened_by: str) -> dict[str, Any]:
    """What stands there while it takes longer than Slack waits."""
    words = (
        "This is being launched: what it needs is still being looked up. You may close this: the channel tells what comes of it."
    )
    return _bare(opened_by, [section(words)]) | {"close": plain_text("Close", 24)}


def _bare(opened_by: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return loading(opened_by=opened_by) | {"callback_id": LAUNCH_FORM, "blocks": blocks}


def _lines(text: str) -> dict[str, Any]:
    """As a section of several lines: ``plain_text`` would put them on one."""
    shown = shorten("\n".join(clean(line).strip() for line in text.splitlines()), MOST_SECTION)
    return {"type": "section", "text": {"type": "plain_text", "text": shown or "-", "emoji": False}}


def _place_block(places: Sequence[tuple[str, str]], chosen: str, *, is_sent: bool) -> dict[str, Any]:
    drawn = options([Choosable(value=channel_id, text=f"#{name}") for channel_id, name in places])
    initial = [option for option in drawn if option["value"] == chosen]
    element = {
        "type": "static_select",
        "action_id": PLACE,
        "placeholder": plain_text("Choose a channel", 150),
        "options": drawn,
        **({"initial_option": initial[0]} if initial else {}),
    }
    if not is_sent:
        return {**section("Channel", _PLACE_BLOCK), "accessory": element}
    label = plain_text("Channel", 24)
    return {"type": "input", "block_id": _PLACE_BLOCK, "dispatch_action": True, "label": label, "element": element}
