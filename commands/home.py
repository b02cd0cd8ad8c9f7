"""The App Home tab: who opens it is shown theirs, kept current from then on; and its *Launch* button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.model import Delivery
from bot.launching import Launching
from bot.surfaces.home import LAUNCH_ACTION
from bot.surfaces.home_notices import say_how_to_launch
from bot.surfaces.say import Say
from commands._entries import Button, Happening
from commands.form import opened


def is_home_tab(event: Mapping[str, Any]) -> bool:
    """Slack tells of the Messages tab by the same event."""
    return event.get("tab") == "home"


async def home_opened(launching: Launching, delivery: Delivery) -> Say | None:
    """Show this person's Home."""
    await launching.home_opened(delivery)
    return None


async def launch_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Open the form, which asks for the channel first; where it cannot be opened, say what to type."""
    return await opened(launching, delivery, instead=say_how_to_launch(command=launching.command))


HAPPENINGS = (Happening(event_type="app_home_opened", is_wanted=is_home_tab, run=home_opened),)
BUTTONS = (Button(action_id=LAUNCH_ACTION, run=launch_pressed),)
