"""chat.*: posting, updating and deleting messages.

https://docs.slack.dev/reference/methods/chat.postMessage · chat.update · chat.postEphemeral · chat.delete · chat.getPermalink
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.blocks import refuse_bad_blocks
from bot.sandbox.slack.calls import Call
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.workspace import Message, Workspace
from bot.sandbox.slack.world import Channel

# chat.postMessage cuts a longer text off; chat.update refuses a text that is far shorter than that.
LONGEST_POST = 40_000
LONGEST_UPDATE = 4_000


def post_message(call: Call) -> dict[str, Any]:
    """Post into a channel, a thread, or (by a person's id) into the direct messages with that person."""
    channel = _addressed(call)
    content = _content(call)
    content["text"] = content["text"][:LONGEST_POST]
    thread_ts = _thread(call, channel)
    message = call.workspace.post(
        channel.channel_id, call.workspace.app.bot_user_id, at=call.at, thread_ts=thread_ts, metadata=_metadata(call), **content
    )
    return {"ok": True, "channel": channel.channel_id, "ts": message.ts, "message": message_json(call.workspace, message)}


def post_ephemeral(call: Call) -> dict[str, Any]:
    """Show something to one person in a channel."""
    channel = call.writable_channel()
    content = _content(call)
    if len(content["text"]) > LONGEST_POST:
        raise SlackError("msg_too_long")
    if call.required("user") not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = _thread(call, channel)
    bot = call.workspace.app.bot_user_id
    message = call.workspace.post(
        channel.channel_id, bot, at=call.at, thread_ts=thread_ts, ephemeral_to=call.text("user"), **content
    )
    return {"ok": True, "message_ts": message.ts}


def update(call: Call) -> dict[str, Any]:
    """Change one of the bot's own messages.

    Text without blocks takes the old blocks away; a message with blocks is not marked as edited.
    https://docs.slack.dev/reference/methods/chat.update
    """
    message = _own_message(call, call.visible_channel(), "cant_update_message")
    if call.visible_channel().is_archived:
        raise SlackError("is_inactive")
    content = _content(call)
    if len(content["text"]) > LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    edited = {} if content["blocks"] else {"is_edited": True, "edited_ts": call.workspace.new_ts(call.at)}
    message = call.workspace.update(message, call.at, **content, **edited)
    there = {"channel": message.channel_id, "ts": message.ts, "text": message.text}
    return {"ok": True, **there, "message": message_json(call.workspace, message)}


def delete(call: Call) -> dict[str, Any]:
    """Take away one of the bot's own messages."""
    message = _own_message(call, call.visible_channel(), "cant_delete_message")
    call.workspace.delete(message, call.at)
    return {"ok": True, "channel": message.channel_id, "ts": message.ts}


def get_permalink(call: Call) -> dict[str, Any]:
    """The address of a message."""
    channel = call.visible_channel()
    message = call.workspace.find(channel.channel_id, call.required("message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    link = f"{call.url}/archives/{channel.channel_id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.channel_id}"
    return {"ok": True, "channel": channel.channel_id, "permalink": link}


def message_json(workspace: Workspace, message: Message) -> dict[str, Any]:
    """A message as Slack shows it to programs."""
    shown: dict[str, Any] = {"type": "message", "ts": message.ts, "user": message.user, "text": message.text}
    shown |= {"team": workspace.team.team_id, "blocks": list(message.blocks)}
    if message.bot_id:
        shown |= {"bot_id": message.bot_id, "app_id": workspace.app.app_id}
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.is_edited:
        shown["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.metadata:
        shown["metadata"] = message.metadata
    return shown


def _addressed(call: Call) -> Channel:
    target = call.workspace.users.get(call.required("channel"))
    if target is None:
        return call.writable_channel()
    if target.is_bot:
        raise SlackError("cannot_dm_bot")
    if target.deleted or target.is_stranger:
        raise SlackError("channel_not_found")
    if not call.workspace.app.has_messages_tab:
        raise SlackError("messages_tab_disabled")
    return call.workspace.open_dm(target.user_id)


def _content(call: Call) -> dict[str, Any]:
    text, blocks = call.text("text"), call.structure("blocks", otherwise="invalid_blocks_format")
    if blocks is not None:
        refuse_bad_blocks(blocks)
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    return {"text": text, "blocks": tuple(blocks or ())}


def _thread(call: Call, channel: Channel) -> str | None:
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return None
    parent = call.workspace.find(channel.channel_id, thread_ts)
    if parent is None:
        # Not documented what Slack says to a parent that is gone; bots report this name.
        raise SlackError("cannot_reply_to_message")
    return parent.thread_ts or parent.ts


def _own_message(call: Call, channel: Channel, refusal: str) -> Message:
    message = call.workspace.find(channel.channel_id, call.required("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.user != call.workspace.app.bot_user_id:
        raise SlackError(refusal)
    return message


def _metadata(call: Call) -> dict[str, Any] | None:
    metadata: dict[str, Any] | None = call.structure("metadata", otherwise="invalid_metadata_format")
    return metadata
