"""The bot that one would write first: acknowledge, post to the provider, reply in the thread; one task per run, which polls.

No policy, nothing durable, no limits: what a launch costs without everything that Gonogo is for.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from typing import Any

import httpx
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

SLACK_URL = os.environ["SLACK_API_URL"]
POLL_EVERY_S = float(os.environ["BENCHMARK_POLL_EVERY_S"])
ENDS = {"COMPLETED": "Succeeded", "FAILED": "Failed", "CANCELED": "Cancelled"}
INSTANCES = "/api/workflow/v1/instances"

app = AsyncApp(client=AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=SLACK_URL))
provider = httpx.AsyncClient(
    base_url=os.environ["DOMO_URL"], headers={"X-DOMO-Developer-Token": os.environ["DOMO_TOKEN"]}, timeout=60, trust_env=False
)
following: set[asyncio.Task[None]] = set()


@app.command("/launch")
async def launch(ack: AsyncAck, command: dict[str, Any], client: AsyncWebClient) -> None:
    await ack()
    _, workflow, *words = shlex.split(command["text"])
    inputs = dict(word.split("=", 1) for word in words)
    wanted = {"messageName": "Start", "version": "1.0.0", "modelId": workflow, "data": inputs}
    run = (await provider.post(f"{INSTANCES}/message", json=wanted)).raise_for_status().json()
    card = await client.chat_postMessage(channel=command["channel_id"], text=f"Running: {workflow} {inputs}, {run['id']}")
    task = asyncio.create_task(follow(client, card, run["id"]))
    following.add(task)
    task.add_done_callback(following.discard)


async def follow(client: AsyncWebClient, card: Any, run_id: str) -> None:
    status = None
    while status not in ENDS:
        await asyncio.sleep(POLL_EVERY_S)
        try:
            status = (await provider.get(f"{INSTANCES}/{run_id}")).raise_for_status().json()["status"]
        except httpx.HTTPError:
            continue
    await client.chat_postMessage(channel=card["channel"], thread_ts=card["ts"], text=f"{ENDS[status]}: {run_id}")


async def main() -> None:
    token = os.environ["SLACK_APP_TOKEN"]
    await AsyncSocketModeHandler(app, token, web_client=AsyncWebClient(token=token, base_url=SLACK_URL)).start_async()


if __name__ == "__main__":
    asyncio.run(main())
