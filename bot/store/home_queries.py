"""Statements for App Homes, each with what it is for.

As in queries.py, a test looks at the plan of each: none may scan a table.
"""

from __future__ import annotations

# A person opened their Home: it is due at once, shown anew whatever Slack has, and no failure counts any more.
OPEN_HOME = """
INSERT INTO homes (user_id, team_id, opened_at, due_at, shown, attempts, gave_up)
VALUES (:user_id, :team_id, :at, :at, '', 0, 0)
ON CONFLICT (user_id) DO UPDATE SET team_id = excluded.team_id, opened_at = max(homes.opened_at, excluded.opened_at),
    due_at = excluded.due_at, shown = '', attempts = 0, gave_up = 0
"""

# Something happened that one person's Home shows. What is due sooner, or waits after a failure, keeps its time.
MARK_HOME = """
UPDATE homes SET due_at = :at
WHERE user_id = :user_id AND gave_up = 0 AND (due_at IS NULL OR (due_at > :at AND attempts = 0))
"""

# Something happened that any Home may show. What was called for sooner stays so.
CALL_HOMES = "UPDATE home_call SET due_at = :at WHERE id = 1 AND (due_at IS NULL OR due_at > :at)"

# The call for every Home falls due; once.
ANSWER_CALL = "UPDATE home_call SET due_at = NULL WHERE id = 1 AND due_at <= :now"

# When the call for every Home falls due.
NEXT_CALL = "SELECT due_at AS at FROM home_call WHERE id = 1"

# The call reaches every Home that was opened since a time.
MARK_HOMES = """
UPDATE homes SET due_at = :at
WHERE opened_at >= :since AND gave_up = 0 AND (due_at IS NULL OR (due_at > :at AND attempts = 0))
"""

# Claim Homes whose holder is gone: they are still to be shown.
LEASE_HELD_HOMES = """
UPDATE homes SET lease_holder = :holder, leased_until = :until, due_at = NULL
WHERE user_id IN (
    SELECT user_id FROM homes WHERE lease_holder > '' AND leased_until <= :now AND lease_holder <> :holder LIMIT :limit
)
RETURNING *
"""

# Claim Homes that are due and free, longest due first. What happens from now on makes them due anew.
LEASE_FREE_HOMES = """
UPDATE homes SET lease_holder = :holder, leased_until = :until, due_at = NULL
WHERE user_id IN (
    SELECT user_id FROM homes WHERE due_at <= :now AND lease_holder IS NULL ORDER BY due_at, user_id LIMIT :limit
)
RETURNING *
"""

# A Home stands as it should, until :again_at (NULL: until something happens), or what happened meanwhile.
SHOW_HOME = """
UPDATE homes SET shown = :shown, attempts = 0, lease_holder = NULL, leased_until = NULL,
    due_at = CASE WHEN due_at IS NULL OR due_at > :again_at THEN :again_at ELSE due_at END
WHERE user_id = :user_id AND lease_holder = :holder
"""

# Try a Home again later, or (:retry_at NULL) not until it is opened again; one that was opened meanwhile is tried at once.
FAIL_HOME = """
UPDATE homes SET lease_holder = NULL, leased_until = NULL,
    attempts = CASE WHEN opened_at > :opened_at THEN 0 ELSE attempts + 1 END,
    gave_up = CASE WHEN opened_at > :opened_at OR CAST(:retry_at AS TEXT) IS NOT NULL THEN 0 ELSE 1 END,
    due_at = CASE WHEN opened_at > :opened_at THEN due_at ELSE :retry_at END
WHERE user_id = :user_id AND lease_holder = :holder
"""

# Keep a holder's Homes; a renewal never shortens.
RENEW_HOMES = "UPDATE homes SET leased_until = max(leased_until, :until) WHERE lease_holder = :holder"

# Give back what one claim took: a renewal changes the time, so that only what it has not seen yet is of that claim.
GIVE_BACK_HOMES = """
UPDATE homes SET lease_holder = NULL, leased_until = NULL, due_at = coalesce(due_at, opened_at)
WHERE lease_holder = :holder AND leased_until = :until
"""

# When the next Home is due that nobody holds.
NEXT_FREE_HOME = "SELECT due_at AS at FROM homes WHERE due_at > '' AND lease_holder IS NULL ORDER BY due_at LIMIT 1"

# When the first lease of a Home lapses.
NEXT_HELD_HOME = "SELECT min(leased_until) AS at FROM homes WHERE lease_holder > ''"

# Set a Home aside that cannot be read, until it is opened again. :row_id is bytes, which no damage keeps from being bound.
SET_ASIDE_HOME = """
UPDATE homes SET due_at = NULL, gave_up = 1, lease_holder = NULL, leased_until = NULL WHERE user_id = CAST(:row_id AS TEXT)
"""
