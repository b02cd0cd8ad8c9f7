"""A token in a form, from Slack's payload to everything that is kept and told of it (promise 8)."""

from __future__ import annotations

import pytest

from bot.domain.model import EventKind, State
from bot.surfaces import cards
from bot.surfaces.cards import REJECT_ACTION
from bot.surfaces.forms import REASON_BLOCK, REJECT_FORM, RUN_ID_FIELD
from tests.commands.bolt import Bolt
from tests.domain.test_tokens import EVERY

CAROL = {"user": {"id": "U0CAROL"}}


async def launch_to_reject(bolt: Bolt) -> str:
    typed = {"command": "/launch", "text": "billing 401", "team_id": "T0GONOGO", "channel_id": "C0FINANCE", "user_id": "U0BOB"}
    assert await bolt.dispatch({**typed, "trigger_id": "1.1", "response_url": ""}) == 200
    (launch,) = await bolt.doors.store.recent(channel_id="C0FINANCE", limit=9)
    assert launch.state is State.AWAITING_APPROVAL
    return launch.launch_id


@pytest.mark.parametrize("before", ["\n", "\t", "\r", "\u00e9"])
async def test_a_token_in_the_reason_of_a_rejection_reaches_neither_the_store_nor_the_thread(bolt: Bolt, before: str) -> None:
    launch_id, store = await launch_to_reject(bolt), bolt.doors.store
    pressed = {"action_id": REJECT_ACTION, "action_ts": "5.6", "value": launch_id, "type": "button"}
    await bolt.press(REJECT_ACTION, actions=[pressed], **CAROL)
    (view,) = bolt.doors.thread.views.values()
    kind, token = EVERY[0]
    values = {REASON_BLOCK: {RUN_ID_FIELD: {"type": "plain_text_input", "value": f"see:{before}{token}"}}}
    sent = {**view, "id": "V1", "state": {"values": values}}
    payload = {"type": "view_submission", "team": {"id": "T0GONOGO"}, "trigger_id": "7.8", "view": sent, **CAROL}
    assert (view["callback_id"], await bolt.dispatch(payload)) == (REJECT_FORM, 200)

    kept = await store.delivery(f"form:{view['private_metadata']}:U0CAROL")
    event = (await store.events(launch_id))[-1]
    launch = await store.launch(launch_id)
    assert kept is not None
    assert launch is not None
    mark = f"[secret-removed:{kind.replace(' ', '-')}]"
    assert (event.kind, event.facts["reason"]) == (EventKind.REJECTED, f"see:{before}{mark}")
    line = cards.line(launch, event, provider_title="Zuora Workflow")
    assert mark in line.text
    assert all(token not in text for text in (kept.text, str(event.facts), line.text, str(line.blocks)))
    assert all(token not in str(told) for told in bolt.doors.thread.told)
