"""Statements for who may launch: decisions, holdings, limits, look-ups of launches by people; each with what it is for.

As in queries.py, a test looks at the plan of each: none may scan a table. Which states are over stands in the model; where that
changes, the partial indexes need a new migration, or that test fails.
"""

# ruff: noqa: S608 - the only names put into SQL here are columns and states of our own, never input

from __future__ import annotations

from bot.domain.model import FINAL_STATES, State
from bot.store.access_rows import DECISION_COLUMNS, HOLDING_COLUMNS

SPARE_SUCCESSES = 4
"""How many of a workflow's successes that cannot be read are passed over in search of one that can; no more are kept."""

_OVER = ", ".join(f"'{state}'" for state in sorted(FINAL_STATES))
_IS_COUNTED = f"(sent_at IS NOT NULL OR state NOT IN ({_OVER}))"
_DECISION = [name for name in DECISION_COLUMNS if name != "seq"]

# Launches under one quota that were asked for after a time; those that ended before anything was sent do not count.
COUNT_HOUR = f"""
SELECT count(*) AS count FROM launches
WHERE channel_id = :channel_id AND quota_key = :quota_key AND created_at > :since AND {_IS_COUNTED}
"""

# Launches under one quota that are not over.
COUNT_NOT_OVER = f"""
SELECT count(*) AS count FROM launches WHERE channel_id = :channel_id AND quota_key = :quota_key AND state NOT IN ({_OVER})
"""

# The next quota, in order, under which anything was asked for in a channel after a time.
NEXT_QUOTA = """
SELECT min(quota_key) AS quota_key FROM launches WHERE channel_id = :channel_id AND created_at > :since AND quota_key > :after
"""

# The same, under which anything is not over.
NEXT_QUOTA_NOT_OVER = f"""
SELECT quota_key FROM launches WHERE channel_id = :channel_id AND quota_key > :after AND state NOT IN ({_OVER})
ORDER BY quota_key LIMIT 1
"""

# Launches that wait for approval, longest first.
AWAITING_LAUNCHES = f"""
SELECT * FROM launches WHERE state = '{State.AWAITING_APPROVAL}' AND created_at > '' ORDER BY created_at, launch_id LIMIT :limit
"""

# A person's newest launches.
REQUESTED_LAUNCHES = """
SELECT * FROM launches WHERE requester_id = :requester_id ORDER BY created_at DESC, launch_id DESC LIMIT :limit
"""

# A workflow's last successes.
SUCCEEDED_LAUNCHES = """
SELECT launches.* FROM successes JOIN launches ON launches.launch_id = successes.launch_id
WHERE successes.connection = :connection AND successes.workflow_id = :workflow_id AND launches.state = 'succeeded'
ORDER BY successes.updated_at DESC, successes.launch_id DESC LIMIT :limit
"""

# One more of them.
KEEP_SUCCESS = """
INSERT INTO successes (connection, workflow_id, updated_at, launch_id) VALUES (:connection, :workflow_id, :updated_at, :launch_id)
ON CONFLICT (connection, workflow_id, updated_at, launch_id) DO NOTHING
"""

# Older ones than the last few are let go of.
DROP_SUCCESSES = f"""
DELETE FROM successes WHERE connection = :connection AND workflow_id = :workflow_id AND updated_at < (
    SELECT updated_at FROM successes WHERE connection = :connection AND workflow_id = :workflow_id
    ORDER BY updated_at DESC, launch_id DESC LIMIT 1 OFFSET {SPARE_SUCCESSES}
)
"""

# Append a decision; it gets the next number.
KEEP_DECISION = f"""
INSERT INTO decisions ({", ".join(_DECISION)}) VALUES ({", ".join(f":{name}" for name in _DECISION)})
"""

# The number of the first decision that was kept of those since a time. The plus keeps SQLite from going through all before them.
FIRST_DECISION = "SELECT min(+seq) AS seq FROM decisions WHERE at >= :since"

# Decisions after a number, in order. The plus keeps SQLite from going by time, which would have to be sorted.
DECISIONS = "SELECT * FROM decisions WHERE seq > :after AND +at >= :since ORDER BY seq LIMIT :limit"

# What is known of a connection's credential.
HOLDINGS = "SELECT * FROM holdings WHERE connection = :connection ORDER BY scope, workflow_id"

# Keep what is known of one scope, in place of what was.
KEEP_HOLDING = f"""
INSERT INTO holdings ({", ".join(HOLDING_COLUMNS)}) VALUES ({", ".join(f":{name}" for name in HOLDING_COLUMNS)})
ON CONFLICT (connection, scope, workflow_id) DO UPDATE
SET is_held = excluded.is_held, evidence = excluded.evidence, seen_at = excluded.seen_at, lapses_at = excluded.lapses_at
"""

# Whose credential it is.
IDENTITY = "SELECT * FROM identities WHERE connection = :connection"

# Keep whose credential it is.
KEEP_IDENTITY = """
INSERT INTO identities (connection, identity) VALUES (:connection, :identity)
ON CONFLICT (connection) DO UPDATE SET identity = excluded.identity
"""

# The name under which a workflow was first seen.
FIRST_NAME = "SELECT * FROM first_names WHERE connection = :connection AND workflow_id = :workflow_id"

# Keep a workflow's first name; the first one stands.
KEEP_FIRST_NAME = """
INSERT INTO first_names (connection, workflow_id, name, at) VALUES (:connection, :workflow_id, :name, :at)
ON CONFLICT (connection, workflow_id) DO NOTHING
"""
