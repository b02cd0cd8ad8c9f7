"""The people, channels and groups of the demonstration: made up, and the same in tests, scripts and the page."""

from __future__ import annotations

from bot.sandbox.slack.world import Channel, Offer, SlackApp, Team, Token, User, UserGroup

TEAM = Team(team_id="T0GONOGO", name="Gonogo Sandbox", domain="gonogo-sandbox")
BOT = "U0GONOGO"

# Made up, and unlike a real one on purpose: a real bot token goes on with digits.
BOT_TOKEN = "xoxb-sandbox-bot"  # noqa: S105 - opens only the stand-in
APP_TOKEN = "xapp-sandbox-app"  # noqa: S105 - opens only the stand-in
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105 - opens only the stand-in

SCOPES = frozenset(
    {"app_mentions:read", "channels:read", "chat:write", "commands", "groups:read", "usergroups:read", "users:read"},
)

# The words of manifest.yaml, which is not in the package; a test compares them.
HINT = (
    "[connection] | <connection> <workflow> name=value … | list [connection] | status [id] | again <id> | "
    "approve <id> | reject <id> <reason> | cancel <id> | why [connection workflow] | access [connection] | help"
)
OFFERS = {
    "/launch": Offer(name="/launch", description="Launch a workflow, or look at one", hint=HINT),
    "launch": Offer(name="Launch a workflow", description="The form of /launch, with the channel to choose"),
    "launch_from_message": Offer(name="Launch about this", description="The form of /launch, with values of this message"),
}

APP = SlackApp(
    app_id="A0GONOGO",
    bot_user_id=BOT,
    bot_id="B0GONOGO",
    commands={"/launch": True},
    shortcuts={"launch": "global", "launch_global": "global", "launch_from_message": "message"},
    events=frozenset({"app_home_opened", "app_mention", "app_uninstalled", "channel_id_changed", "tokens_revoked"}),
    offers=OFFERS,
)

TOKENS = (
    Token(text=BOT_TOKEN, kind="bot", scopes=SCOPES),
    Token(text=APP_TOKEN, kind="app", scopes=frozenset({"connections:write"})),
)

USERS = (
    User(user_id=BOT, name="gonogo", real_name="Gonogo", team_id=TEAM.team_id, is_bot=True),
    User(user_id="U0ALICE", name="alice", real_name="Alice Archer", team_id=TEAM.team_id, is_admin=True),
    User(user_id="U0BOB", name="bob", real_name="Bob Brewer", team_id=TEAM.team_id),
    User(user_id="U0CAROL", name="carol", real_name="Carol Cooper", team_id=TEAM.team_id),
    User(user_id="U0DAVE", name="dave", real_name="Dave Dorset", team_id=TEAM.team_id),
    User(user_id="U0GUEST", name="gus", real_name="Gus Guest", team_id=TEAM.team_id, is_restricted=True),
    User(user_id="U0STRANGER", name="stella", real_name="Stella Stranger", team_id="T0OTHER", is_stranger=True),
    User(user_id="U0GONE", name="greta", real_name="Greta Gone", team_id=TEAM.team_id, deleted=True),
    User(user_id="U0ROBOT", name="robby", real_name="Robby Robot", team_id=TEAM.team_id, is_bot=True),
)

_STAFF = frozenset({BOT, "U0ALICE", "U0BOB", "U0CAROL"})
OPERATORS = "C0OPS"

CHANNELS = (
    Channel(channel_id="C0FINANCE", name="finance-ops", members=_STAFF | {"U0GUEST", "U0ROBOT"}),
    Channel(channel_id="C0SALES", name="sales-ops", members=_STAFF),
    Channel(channel_id="C0DATA", name="data-team", members=_STAFF),
    Channel(channel_id="C0SUPPORT", name="support", members=_STAFF),
    Channel(channel_id="C0TREASURY", name="treasury", members=_STAFF | {"U0DAVE"}),
    Channel(channel_id=OPERATORS, name="gonogo-ops", members=frozenset({BOT, "U0DAVE"})),
    Channel(channel_id="C0GENERAL", name="general", members=_STAFF | {"U0GUEST"}),
    Channel(channel_id="C0PARTNERS", name="partners", members=_STAFF | {"U0STRANGER"}, is_ext_shared=True),
    Channel(channel_id="C0PRIVATE", name="board-room", members=_STAFF - {BOT}, is_private=True),
)

GROUPS = (
    UserGroup(group_id="S0LEADS", handle="leads", name="Leads", users=("U0BOB", "U0CAROL")),
    UserGroup(group_id="S0CONTROLLERS", handle="controllers", name="Controllers", users=("U0CAROL",)),
    UserGroup(group_id="S0TREASURY", handle="treasury-leads", name="Treasury leads", users=("U0BOB", "U0CAROL", "U0DAVE")),
)
