"""Statements for what replicas tell each other, each with what it is for (as queries.py)."""

from __future__ import annotations

# A replica is alive.
SEE_REPLICA = """
INSERT INTO replicas (holder, version, seen_at) VALUES (:holder, :version, :at)
ON CONFLICT (holder) DO UPDATE SET seen_at = excluded.seen_at
"""

# The replicas that were seen since a time.
REPLICAS = "SELECT holder, version FROM replicas WHERE seen_at > :since ORDER BY seen_at DESC LIMIT :limit"

# A replica has ended.
FORGET_REPLICA = "DELETE FROM replicas WHERE holder = :holder"

# Replicas that died long ago.
FORGET_REPLICAS = """
DELETE FROM replicas WHERE holder IN (
    SELECT holder FROM replicas WHERE seen_at < :before ORDER BY seen_at LIMIT :limit
)
"""

# Somebody was told to wait; whoever was told to wait longer is right.
KEEP_PAUSE = """
INSERT INTO pauses (name, not_before) VALUES (:name, :not_before)
ON CONFLICT (name) DO UPDATE SET not_before = max(pauses.not_before, excluded.not_before)
"""

# Who has to wait.
PAUSES = "SELECT name, not_before FROM pauses WHERE not_before > :now ORDER BY not_before DESC LIMIT :limit"

# Pauses that are long over.
FORGET_PAUSES = """
DELETE FROM pauses WHERE name IN (
    SELECT name FROM pauses WHERE not_before < :before ORDER BY not_before LIMIT :limit
)
"""

# Claim what is to be done once: nobody did it (lately), and nobody is at it.
CLAIM_NOTICE = """
INSERT INTO notices (name, holder, leased_until) VALUES (:name, :holder, :until)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until, told_at = NULL
WHERE notices.told_at <= :since
    OR (notices.told_at IS NULL AND (notices.leased_until <= :now OR notices.holder = excluded.holder))
"""

# Whether it was done.
NOTICE = "SELECT told_at FROM notices WHERE name = :name"

# It is done.
TELL_NOTICE = "UPDATE notices SET told_at = :at WHERE name = :name AND holder = :holder"

# It was not done: whoever comes next may.
DROP_NOTICE = "DELETE FROM notices WHERE name = :name AND holder = :holder AND told_at IS NULL"

# What was done so long ago that nobody asks any more.
FORGET_NOTICES = """
DELETE FROM notices WHERE name IN (
    SELECT name FROM notices WHERE leased_until < :before ORDER BY leased_until LIMIT :limit
)
"""
