"""The least that a Bolt bot can be: it acknowledges. What an acknowledgement costs at all."""

from __future__ import annotations

import asyncio
import os

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


async def main() -> None:
    url = os.environ["SLACK_API_URL"]
    app = AsyncApp(client=AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=url))

    @app.command("/launch")
    async def launch(ack: AsyncAck) -> None:
        await ack()

    token = os.environ["SLACK_APP_TOKEN"]
    await AsyncSocketModeHandler(app, token, web_client=AsyncWebClient(token=token, base_url=url)).start_async()


if __name__ == "__main__":
    asyncio.run(main())
