"""Where each press goes, through Bolt's own dispatch: one listener finds whose it is by its action id."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult

import commands
from tests.commands.why_world import Doors, the_doors

ENTRIES = commands.load()


@dataclass
class Bolt:
    """The door as Bolt calls it."""

    doors: Doors
    app: AsyncApp

    async def press(self, action_id: str, **changes: Any) -> tuple[int, list[str]]:
        """The status that Slack sees, and the keys of what was kept of the press."""
        payload = {
            "type": "block_actions",
            "team": {"id": "T0GONOGO"},
            "user": {"id": "U0BOB"},
            "channel": {"id": "C0FINANCE"},
            "message": {"ts": "1.2", "text": "L-1"},
            "trigger_id": "3.4",
            "actions": [{"type": "button", "action_id": action_id, "action_ts": "5.6", "value": "L-1"}],
        }
        response = await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload | changes))
        await self.doors.door.drain()
        key = f"button:T0GONOGO:1.2:{action_id}:5.6:U0BOB"
        return response.status, [key] if await self.doors.store.delivery(key) else []


async def authorize() -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T0GONOGO", bot_token="made-up", bot_id="B0GONOGO", bot_user_id="U0GONOGO")


@pytest.fixture
async def bolt() -> AsyncGenerator[Bolt, None]:
    async with the_doors() as doors:
        app = AsyncApp(authorize=authorize, signing_secret="made-up", process_before_response=True)
        doors.door.register(app)
        yield Bolt(doors, app)


@pytest.mark.parametrize("action_id", sorted(ENTRIES.buttons))
async def test_every_button_is_kept_and_acknowledged(bolt: Bolt, action_id: str) -> None:
    assert await bolt.press(action_id) == (200, [f"button:T0GONOGO:1.2:{action_id}:5.6:U0BOB"])


@pytest.mark.parametrize("action_id", [*sorted(ENTRIES.choices), "a_link", "", *(f"{one}x" for one in sorted(ENTRIES.buttons))])
async def test_choices_and_other_presses_are_acknowledged_and_not_kept(bolt: Bolt, action_id: str) -> None:
    assert await bolt.press(action_id) == (200, [])
    assert bolt.doors.thread.told == []


@pytest.mark.parametrize("missing", ["team", "user"])
async def test_a_press_that_lacks_what_slack_documents_is_acknowledged_and_let_go(bolt: Bolt, missing: str) -> None:
    assert await bolt.press(min(ENTRIES.buttons), **{missing: {}}) == (200, [])


async def test_a_press_on_an_old_attachment_is_acknowledged_and_let_go(bolt: Bolt) -> None:
    """Such a press has no action id. https://docs.slack.dev/legacy/legacy-messaging/legacy-message-buttons"""
    old = [{"name": "approve", "type": "button", "value": "L-1"}]

    assert await bolt.press("", type="interactive_message", callback_id="old", actions=old) == (200, [])


def test_no_action_id_is_both_a_button_and_a_choice() -> None:
    assert not set(ENTRIES.buttons) & set(ENTRIES.choices)
