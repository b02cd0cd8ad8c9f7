"""A message that somebody wants to launch something about: what is kept of it, and the way back to it.

Why its text is not kept: others wrote it. Only the values that the form may offer are, none of which looks like a token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.domain.reading import items, mapping, text
from bot.surfaces.escaping import safe_url
from bot.surfaces.found_values import Found, found_values

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9.-]{0,80}")
_CHANNEL = re.compile(r"[A-Z0-9]{1,30}")
_TS = re.compile(r"([0-9]{1,12})\.([0-9]{1,8})")


@dataclass(frozen=True, kw_only=True)
class AboutMessage:
    """What is known of the message: its values, and its address in Slack (empty where that cannot be told)."""

    found: Found
    link: str = ""


def kept_message(payload: Mapping[str, Any]) -> str:
    """What is kept of a message shortcut's payload.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
    """
    found = found_values(text(mapping(payload.get("message")).get("text")) or "")
    return json.dumps({"found": asdict(found), "link": _link(payload)}, ensure_ascii=False)


def read_message(kept: str) -> AboutMessage:
    """What was kept; nothing of anything else."""
    try:
        read: Mapping[str, Any] = mapping(json.loads(kept))
    except ValueError:
        read = {}
    found = mapping(read.get("found"))
    return AboutMessage(
        found=Found(urls=_texts(found.get("urls")), emails=_texts(found.get("emails")), ids=_texts(found.get("ids"))),
        link=safe_url(read.get("link")) or "",
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in items(value) if isinstance(one, str))


def _link(payload: Mapping[str, Any]) -> str:
    """The message's address, as ``chat.getPermalink`` makes it, without asking.

    https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    message = mapping(payload.get("message"))
    domain = text(mapping(payload.get("team")).get("domain")) or ""
    channel_id = text(mapping(payload.get("channel")).get("id")) or ""
    ts = _TS.fullmatch(text(payload.get("message_ts")) or text(message.get("ts")) or "")
    if ts is None or not _DOMAIN.fullmatch(domain) or not _CHANNEL.fullmatch(channel_id):
        return ""
    thread = _TS.fullmatch(text(message.get("thread_ts")) or "")
    inside = f"?thread_ts={thread[0]}&cid={channel_id}" if thread and thread[0] != ts[0] else ""
    return f"https://{domain}.slack.com/archives/{channel_id}/p{ts[1]}{ts[2]}{inside}"
