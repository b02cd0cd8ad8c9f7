"""auth.test, users.*, conversations.*, usergroups.*, apps.connections.open: what Slack knows.

https://docs.slack.dev/reference/methods (one page per method)
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.sandbox.slack.calls import Call
from bot.sandbox.slack.errors import SlackError, invalid_arguments
from bot.sandbox.slack.world import Channel, User, UserGroup

LONG_AGO = 1_700_000_000
MOST_A_PAGE = 1000
"""https://docs.slack.dev/reference/methods/conversations.members"""


def auth_test(call: Call) -> dict[str, Any]:
    """Who this token is."""
    app, team = call.workspace.app, call.workspace.team
    bot = call.workspace.users[app.bot_user_id]
    who = {"team": team.name, "user": bot.name, "team_id": team.team_id, "user_id": bot.user_id, "bot_id": app.bot_id}
    return {"ok": True, "url": f"{call.url}/", **who, "is_enterprise_install": False}


def open_connection(call: Call) -> dict[str, Any]:
    """A WebSocket address, good for one socket."""
    ticket = quote(call.tickets.issue_socket())
    host = call.url.removeprefix("http://")
    return {"ok": True, "url": f"ws://{host}/link/?ticket={ticket}&app_id={call.workspace.app.app_id}"}


def users_info(call: Call) -> dict[str, Any]:
    """One person. Slack leaves roles out of deleted people, and locale out of strangers."""
    return {"ok": True, "user": user_json(call.user())}


def user_json(user: User) -> dict[str, Any]:
    """A person as Slack shows them to programs."""
    shown: dict[str, Any] = {"id": user.user_id, "team_id": user.team_id, "name": user.name, "deleted": user.deleted}
    shown |= {"profile": {"real_name": user.real_name, "display_name": user.name, "team": user.team_id}}
    shown |= {"is_bot": user.is_bot, "is_app_user": False, "updated": LONG_AGO}
    if user.deleted:
        return shown
    shown |= {"real_name": user.real_name, "tz": user.tz, "tz_label": user.tz, "tz_offset": 0}
    shown |= {"is_admin": user.is_admin, "is_owner": False, "is_primary_owner": False}
    shown |= {"is_restricted": user.is_restricted, "is_ultra_restricted": user.is_ultra_restricted}
    return shown | ({"is_stranger": True} if user.is_stranger else {})


def conversations_info(call: Call) -> dict[str, Any]:
    """One conversation. The scope depends on its kind."""
    channel = call.visible_channel()
    call.need(_read_scope(channel))
    return {"ok": True, "channel": channel_json(call, channel)}


def channel_json(call: Call, channel: Channel) -> dict[str, Any]:
    """A conversation as Slack shows it to programs."""
    shown: dict[str, Any] = {"id": channel.channel_id, "created": LONG_AGO, "is_archived": channel.is_archived}
    shown |= {"context_team_id": call.workspace.team.team_id, "is_im": channel.dm_user_id is not None}
    if channel.dm_user_id is not None:
        return shown | {"user": channel.dm_user_id, "is_open": True}
    shown |= {"name": channel.name, "name_normalized": channel.name, "is_private": channel.is_private}
    shown |= {"is_channel": not channel.is_private, "is_group": channel.is_private, "is_mpim": False, "is_general": False}
    shown |= {"is_shared": channel.is_ext_shared, "is_ext_shared": channel.is_ext_shared, "is_org_shared": False}
    shown |= {"is_member": call.workspace.app.bot_user_id in channel.members, "topic": {"value": ""}, "purpose": {"value": ""}}
    return shown | ({"num_members": len(channel.members)} if call.flag("include_num_members") else {})


def conversations_members(call: Call) -> dict[str, Any]:
    """Who is in one conversation, a page at a time. The cursor says whom the next page begins with."""
    channel = call.visible_channel()
    call.need(_read_scope(channel))
    limit, cursor, members = call.text("limit") or "100", call.text("cursor"), sorted(channel.members)
    if not limit.isdecimal() or not 0 < int(limit) <= MOST_A_PAGE:
        raise SlackError("invalid_limit")
    if cursor and cursor not in members:
        raise SlackError("invalid_cursor")
    start = members.index(cursor) if cursor else 0
    page, rest = members[start : start + int(limit)], members[start + int(limit) :]
    return {"ok": True, "members": page, "response_metadata": {"next_cursor": rest[0] if rest else ""}}


def conversations_open(call: Call) -> dict[str, Any]:
    """The direct messages with one person."""
    users = [user for user in call.text("users").split(",") if user]
    if len(users) != 1:
        raise invalid_arguments("the stand-in opens direct messages with one person")
    user = call.workspace.users.get(users[0])
    if user is None:
        raise SlackError("user_not_found")
    if user.is_bot or user.deleted:
        raise SlackError("cannot_dm_bot" if user.is_bot else "user_disabled")
    return {"ok": True, "channel": {"id": call.workspace.open_dm(user.user_id).channel_id}}


def usergroups_list(call: Call) -> dict[str, Any]:
    """Every user group."""
    groups = [group for group in call.workspace.groups.values() if call.flag("include_disabled") or not group.is_disabled]
    return {"ok": True, "usergroups": [_group_json(call, group) for group in groups]}


def usergroup_users(call: Call) -> dict[str, Any]:
    """Who is in one user group."""
    group = call.workspace.groups.get(call.required("usergroup"))
    if group is None or (group.is_disabled and not call.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"ok": True, "users": list(group.users)}


def _read_scope(channel: Channel) -> str:
    if channel.dm_user_id is not None:
        return "im:read"
    return "groups:read" if channel.is_private else "channels:read"


def _group_json(call: Call, group: UserGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": group.group_id, "team_id": call.workspace.team.team_id, "is_usergroup": True}
    shown |= {"name": group.name, "handle": group.handle, "description": "", "is_external": False}
    shown |= {"date_create": LONG_AGO, "date_update": LONG_AGO, "date_delete": LONG_AGO if group.is_disabled else 0}
    if call.flag("include_users"):
        shown["users"] = list(group.users)
    return shown | ({"user_count": len(group.users)} if call.flag("include_count") else {})
