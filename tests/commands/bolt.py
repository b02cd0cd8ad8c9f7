"""The door as Bolt calls it: payloads of Slack through Bolt's own dispatch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult

from commands import Door
from tests.builders import NOON
from tests.commands.why_world import Doors


@dataclass
class Bolt:
    """The doors, and the app that opens them."""

    doors: Doors
    app: AsyncApp

    async def dispatch(self, payload: dict[str, Any]) -> int:
        """The status that Slack sees, once the work is done."""
        response = await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
        await self.doors.door.drain()
        return response.status

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
        status = await self.dispatch(payload | changes)
        key = f"button:T0GONOGO:1.2:{action_id}:5.6:U0BOB"
        return status, [key] if await self.doors.store.delivery(key) else []

    async def homes(self) -> list[str]:
        """Whose Homes are due."""
        soon = NOON + timedelta(minutes=1)
        found = await self.doors.store.lease_homes(now=soon, until=soon, holder="a looker", limit=9)
        return sorted(home.user_id for home in found)


async def authorize() -> AuthorizeResult:
    """Who we are at Slack, without asking it."""
    return AuthorizeResult(enterprise_id=None, team_id="T0GONOGO", bot_token="made-up", bot_id="B0GONOGO", bot_user_id="U0GONOGO")


def bolt_app(door: Door) -> AsyncApp:
    """The app that this door listens to."""
    app = AsyncApp(authorize=authorize, signing_secret="made-up", process_before_response=True)
    door.register(app)
    return app


def an_event_payload(event_id: str = "Ev1", **event: Any) -> dict[str, Any]:
    """Slack's payload of an opened Home. https://docs.slack.dev/reference/events/app_home_opened"""
    plain = {"type": "app_home_opened", "user": "U0BOB", "channel": "D0BOB", "tab": "home", "event_ts": "1.2"}
    envelope = {"token": "made-up", "team_id": "T0GONOGO", "api_app_id": "A0GONOGO", "type": "event_callback"}
    return {**envelope, "event_id": event_id, "event_time": 1, "event": {**plain, **event}}
