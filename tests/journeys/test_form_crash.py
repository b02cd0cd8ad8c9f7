"""The bot dies by SIGKILL between a form's recording and its launch: the next life carries the form out, exactly once."""

from __future__ import annotations

from pathlib import Path
from signal import SIGKILL

import pytest

from bot.sandbox.slack.workspace import Message
from bot.sandbox.world import Sandbox
from bot.surfaces.launch_form import LOADING_FORM
from tests.journeys.form_parts import labels
from tests.journeys.storm import MORTAL, Kept, eventually

ALICE, FINANCE = "U0ALICE", "C0FINANCE"
ACCOUNT = "4028905f5a87c0ff015a87d25ae90025"


async def shown(sandbox: Sandbox, label: str) -> None:
    def look(_: object) -> bool | None:
        view = sandbox.slack.workspace.views.top(ALICE)
        return (view is not None and view.content["callback_id"] != LOADING_FORM and label in labels(view)) or None

    await sandbox.slack.workspace.wait_for(look)


@pytest.mark.parametrize("point", ["store.create:before:1", "store.create:after:1", "store.finish_delivery:before:2"])
async def test_a_kept_form_is_launched_once_by_the_next_life(point: str, tmp_path: Path) -> None:
    die_at = tmp_path / "die_at"
    settings = {"GONOGO_LEASE_S": "0.5", "GONOGO_DIE_AT_FILE": str(die_at)}
    die_at.write_text(point, encoding="utf-8")
    async with Sandbox(tmp_path, run_s=0.1, program=MORTAL, settings=settings) as sandbox:
        sandbox.slack._courier.ack_timeout_s = 1.0
        people = sandbox.slack.people
        await people.command(ALICE, FINANCE, "billing")
        await shown(sandbox, "Workflow")
        await people.choose_in_view(ALICE, "Workflow", "396")
        await shown(sandbox, "accountId")

        acknowledged = await people.submit(ALICE, {"accountId": ACCOUNT})
        await eventually(lambda: sandbox.bot_exit_code is not None, 8.0, f"{point} was never reached")
        assert sandbox.bot_exit_code == -SIGKILL
        assert not acknowledged.is_ok
        die_at.unlink()
        await sandbox.start_bot()
        kept = Kept(tmp_path / "gonogo.db")
        await eventually(lambda: bool(kept.books()) and kept.is_quiet(), 20.0, "the form was never carried out")

        again = await people.submit(ALICE)
        assert again.body == {"response_action": "clear"}
        assert len(kept.books()) == 1
        assert len(sandbox.providers.runs("zuora")) == 1
        assert len([one for one in sandbox.slack.workspace.messages(FINANCE) if _is_card(one)]) == 1


def _is_card(message: Message) -> bool:
    return "Dunning run" in message.text
