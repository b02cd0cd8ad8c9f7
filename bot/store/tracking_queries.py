"""Statements for due launches by connection, and for how long runs took, each with what it is for (as queries.py).

A launch is *tracked* while its run is merely asked about; whatever else is due with a launch is an *act*. They are claimed apart, and
by connection, so that neither many runs nor one slow provider keeps others waiting.

The conditions are written with one level of parentheses and as in the indexes (migrations.py): each planner compares them by shape.
"""

from __future__ import annotations

_IS_TRACKED = "state IN ('running', 'needs_attention') AND (cancel_asked_by IS NULL OR is_cancel_sent = 1)"
_IS_ACT = "(state <> 'running' AND state <> 'needs_attention' OR cancel_asked_by IS NOT NULL AND is_cancel_sent = 0)"

_NEXT_FREE = """
SELECT connection, due_at AS at FROM launches
WHERE connection > :after AND due_at > '' AND lease_holder IS NULL AND {condition}
ORDER BY connection, due_at LIMIT 1
"""
_NEXT_LAPSING = """
SELECT connection, due_at, leased_until FROM launches
WHERE leased_until > :after AND lease_holder IS NOT NULL AND due_at > '' AND {condition}
ORDER BY leased_until LIMIT 1
"""
_LAPSED = """
SELECT connection, due_at, leased_until FROM launches
WHERE leased_until > '' AND leased_until <= :now AND lease_holder IS NOT NULL AND due_at > '' AND {condition}
ORDER BY leased_until
"""
_LEASE = """
UPDATE launches SET version = version + 1, lease_holder = :holder, leased_until = :until
WHERE launch_id IN (
    SELECT launch_id FROM launches
    WHERE connection = :connection AND due_at <= :before AND (leased_until IS NULL OR leased_until <= :now)
        AND lease_holder IS NOT :holder AND {condition}
    ORDER BY due_at, launch_id LIMIT :limit
)
RETURNING *
"""

# The first connection after a name that has a free tracked launch, and when the earliest of them is due.
NEXT_FREE_TRACKED = _NEXT_FREE.format(condition=_IS_TRACKED)

# The same for acts.
NEXT_FREE_ACT = _NEXT_FREE.format(condition=_IS_ACT)

# The tracked launch whose lease is the first to lapse after a time.
NEXT_LAPSING_TRACKED = _NEXT_LAPSING.format(condition=_IS_TRACKED)

# The same for acts.
NEXT_LAPSING_ACT = _NEXT_LAPSING.format(condition=_IS_ACT)

# The tracked launches whose leases have lapsed: no more than dead replicas had in flight.
LAPSED_TRACKED = _LAPSED.format(condition=_IS_TRACKED)

# The same for acts.
LAPSED_ACTS = _LAPSED.format(condition=_IS_ACT)

# Claim tracked launches of one connection, most overdue first; the version rises, so that who held one can no longer write.
LEASE_TRACKED = _LEASE.format(condition=_IS_TRACKED)

# The same for acts.
LEASE_ACTS = _LEASE.format(condition=_IS_ACT)

# A look that brought nothing new: only when the next one is due, and the counts that it rests on; as SAVE_LAUNCH is guarded.
POSTPONE = """
UPDATE launches SET version = version + 1, due_at = :due_at, looks = :looks, misses = :misses, lease_holder = NULL, leased_until = NULL
WHERE launch_id = :launch_id AND version = :version AND lease_holder = :holder
"""

# How long the last runs of a workflow took.
DURATIONS = "SELECT took FROM durations WHERE connection = :connection AND workflow_id = :workflow_id"

# Keep how long they took.
KEEP_DURATIONS = """
INSERT INTO durations (connection, workflow_id, took) VALUES (:connection, :workflow_id, :took)
ON CONFLICT (connection, workflow_id) DO UPDATE SET took = excluded.took
"""
