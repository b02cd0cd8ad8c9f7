"""Statements for launches, deliveries and tellings, each with what it is for (those for access: access_queries.py).

A test looks at the plan of each: none may scan a table.

Times are compared as text (bot/store/rows.py). A lease counts while ``leased_until`` lies ahead; a lapsed one may be taken.
"""

# ruff: noqa: S608 - the only names put into SQL here are columns of our own values, never input

from __future__ import annotations

from bot.store.rows import LAUNCH_COLUMNS

_COLUMNS = ", ".join(LAUNCH_COLUMNS)
_VALUES = ", ".join(f":{name}" for name in LAUNCH_COLUMNS)
# What a launch is about stays as it was asked for, and with it the indexes of these columns, which each change would write anew.
_STAYS = {"launch_id", "team_id", "channel_id", "requester_id", "connection", "provider", "workflow_id", "created_at"}
_CHANGES = ", ".join(f"{name} = :{name}" for name in LAUNCH_COLUMNS if name not in _STAYS | {"version"})

# Keep a delivery, unless one with its key is kept.
RECORD_DELIVERY = """
INSERT INTO deliveries (key, kind, payload, received_at, lease_holder, leased_until)
VALUES (:key, :kind, :payload, :received_at, :holder, :until) ON CONFLICT (key) DO NOTHING
"""

# The same, where nobody answered whether the first try kept it: that this very one is kept then counts as kept now.
RECORD_DELIVERY_AGAIN = """
INSERT INTO deliveries (key, kind, payload, received_at, lease_holder, leased_until)
VALUES (:key, :kind, :payload, :received_at, :holder, :until)
ON CONFLICT (key) DO UPDATE SET leased_until = excluded.leased_until
WHERE deliveries.lease_holder = excluded.lease_holder AND deliveries.received_at = excluded.received_at
"""

# A kept delivery; one that was never recorded, or has caused its launch, has no content.
DELIVERY = "SELECT * FROM deliveries WHERE key = :key AND payload <> '{}'"

# Mark a delivery's work as done; the first time stands.
FINISH_DELIVERY = """
UPDATE deliveries SET finished_at = :at, lease_holder = NULL, leased_until = NULL WHERE key = :key AND finished_at IS NULL
"""

# Claim what a killed bot left undone, oldest first. Those in work are few, so they are passed over one by one.
LEASE_DELIVERIES = """
UPDATE deliveries SET lease_holder = :holder, leased_until = :until
WHERE key IN (
    SELECT key FROM deliveries
    WHERE finished_at IS NULL AND received_at > '' AND (leased_until IS NULL OR leased_until <= :now)
        AND lease_holder IS NOT :holder
    ORDER BY received_at, key LIMIT :limit
)
RETURNING *
"""

# Keep a holder's deliveries; a renewal never shortens.
RENEW_DELIVERIES = "UPDATE deliveries SET leased_until = max(leased_until, :until) WHERE lease_holder = :holder"

# Give back what one claim took: a renewal changes the time, so that only what it has not seen yet is of that claim.
GIVE_BACK_DELIVERIES = """
UPDATE deliveries SET lease_holder = NULL, leased_until = NULL WHERE lease_holder = :holder AND leased_until = :until
"""

# Nobody carries out any more what was refused while nobody could tell whether it was kept, unless another has taken it meanwhile.
# Where it was not kept, that is kept now, finished: what the server may still be about to keep comes too late then.
DISOWN_DELIVERY = """
INSERT INTO deliveries (key, kind, payload, received_at, finished_at) VALUES (:key, 'unrecorded', '{}', :received_at, :received_at)
ON CONFLICT (key) DO UPDATE SET finished_at = excluded.finished_at, lease_holder = NULL, leased_until = NULL
WHERE deliveries.lease_holder = :holder AND deliveries.received_at = excluded.received_at AND deliveries.finished_at IS NULL
"""

# The same of what Slack brings again: it was refused to nobody, so whoever comes next carries it out, if it was kept.
GIVE_BACK_DELIVERY = """
UPDATE deliveries SET lease_holder = NULL, leased_until = NULL
WHERE key = :key AND lease_holder = :holder AND received_at = :received_at
"""

# When the first unfinished delivery came that nobody holds.
NEXT_FREE_DELIVERY = """
SELECT received_at AS at FROM deliveries WHERE finished_at IS NULL AND received_at > '' AND lease_holder IS NULL
ORDER BY received_at LIMIT 1
"""

# When the first lease of an unfinished delivery lapses.
NEXT_HELD_DELIVERY = "SELECT min(leased_until) AS at FROM deliveries WHERE lease_holder >= '' AND finished_at IS NULL"

# Set a delivery aside that cannot be read: nobody can do its work. :row_id is bytes, which no damage keeps from being bound.
SET_ASIDE_DELIVERY = """
UPDATE deliveries SET finished_at = :at, lease_holder = NULL, leased_until = NULL WHERE key = CAST(:row_id AS TEXT)
"""

# The launch that a delivery has caused already.
CAUSED_LAUNCH = """
SELECT launches.* FROM deliveries JOIN launches ON launches.launch_id = deliveries.launch_id WHERE deliveries.key = :key
"""

# Note which launch a delivery caused, which says from now on what was typed; one that was never recorded is kept now, so that its
# copies still cause nothing.
CAUSE_LAUNCH = """
INSERT INTO deliveries (key, kind, payload, received_at, finished_at, launch_id)
VALUES (:key, 'unrecorded', '{}', :at, :at, :launch_id)
ON CONFLICT (key) DO UPDATE SET finished_at = coalesce(deliveries.finished_at, excluded.finished_at), launch_id = excluded.launch_id,
    payload = '{}', lease_holder = NULL, leased_until = NULL
"""

# Keep a new launch, unless its id is taken; with a holder, it is held from its first moment.
INSERT_LAUNCH = f"""
INSERT INTO launches ({_COLUMNS}, lease_holder, leased_until) VALUES ({_VALUES}, :holder, :until) ON CONFLICT (launch_id) DO NOTHING
"""

# One launch.
LAUNCH = "SELECT * FROM launches WHERE launch_id = :launch_id"

# A channel's newest launches.
RECENT_LAUNCHES = "SELECT * FROM launches WHERE channel_id = :channel_id ORDER BY created_at DESC, launch_id DESC LIMIT :limit"

# Change a launch that is still as it was read, and, where a holder is named, still held by it: by nobody else, whoever's lease lapsed.
SAVE_LAUNCH = f"""
UPDATE launches SET {_CHANGES}, version = :version + 1,
    lease_holder = CASE WHEN :keep_lease = 1 THEN lease_holder END,
    leased_until = CASE WHEN :keep_lease = 1 AND lease_holder = :holder THEN max(leased_until, :until)
        WHEN :keep_lease = 1 THEN leased_until END
WHERE launch_id = :launch_id AND version = :version AND (CAST(:holder AS TEXT) IS NULL OR lease_holder = :holder)
"""

# Claim what is due and free, most overdue first; the version rises, so that whoever held it before can no longer write.
LEASE_LAUNCHES = """
UPDATE launches SET version = version + 1, lease_holder = :holder, leased_until = :until
WHERE launch_id IN (
    SELECT launch_id FROM launches WHERE due_at <= :now AND (leased_until IS NULL OR leased_until <= :now)
        AND lease_holder IS NOT :holder
    ORDER BY due_at, launch_id LIMIT :limit
)
RETURNING *
"""

# Give a launch back unchanged.
RELEASE_LAUNCH = """
UPDATE launches SET lease_holder = NULL, leased_until = NULL WHERE launch_id = :launch_id AND lease_holder = :holder
"""

# Keep a holder's launches; a renewal never shortens.
RENEW_LAUNCHES = "UPDATE launches SET leased_until = max(leased_until, :until) WHERE lease_holder = :holder"

# Give back what one claim took: a renewal changes the time, so that only what it has not seen yet is of that claim.
GIVE_BACK_LAUNCHES = """
UPDATE launches SET lease_holder = NULL, leased_until = NULL WHERE lease_holder = :holder AND leased_until = :until
"""

# When the next launch is due that nobody holds.
NEXT_FREE_LAUNCH = "SELECT due_at AS at FROM launches WHERE due_at > '' AND lease_holder IS NULL ORDER BY due_at LIMIT 1"

# When the next held launch is due, should its lease lapse.
NEXT_HELD_LAUNCH = """
SELECT min(max(due_at, leased_until)) AS at FROM launches WHERE lease_holder > '' AND due_at IS NOT NULL
"""

# Set a launch aside that cannot be read: nothing is due until somebody has repaired it. :row_id as above.
SET_ASIDE_LAUNCH = """
UPDATE launches SET due_at = NULL, lease_holder = NULL, leased_until = NULL WHERE launch_id = CAST(:row_id AS TEXT)
"""

# Whether a launch over this connection owns a run.
BOUND_RUN = "SELECT 1 FROM launches WHERE connection = :connection AND run_id = :run_id LIMIT 1"

# Another launch whose start is not settled, sent between two times: a run that turns up might be its.
RIVAL = """
SELECT 1 FROM launches
WHERE connection = :connection AND workflow_id = :workflow_id AND sent_at BETWEEN :since AND :until
    AND state IN ('starting', 'in_doubt') AND launch_id <> :launch_id
LIMIT 1
"""

# Append a fact; it gets the launch's next number.
APPEND_EVENT = """
INSERT INTO events (launch_id, seq, kind, at, actor, facts)
SELECT :launch_id, coalesce(max(seq), 0) + 1, :kind, :at, :actor, :facts FROM events WHERE launch_id = :launch_id
RETURNING seq
"""

# What happened to a launch, in order.
EVENTS = "SELECT * FROM events WHERE launch_id = :launch_id ORDER BY seq"

# Queue a thread line.
QUEUE_LINE = "INSERT INTO outbox (launch_id, event_seq) VALUES (:launch_id, :event_seq)"

# A launch's thread lines that Slack has yet to be told, in order.
UNTOLD_LINES = "SELECT id, event_seq FROM outbox WHERE launch_id = :launch_id AND told_at IS NULL ORDER BY event_seq"

# A thread line stands, also one that was given up before it was posted; the first time stands. When it was told, ts says.
TELL_LINE = "UPDATE outbox SET told_at = '', ts = :ts WHERE id = :line_id AND launch_id = :launch_id AND ts IS NULL"

# A line that was given up before it was posted was refused: it is to be told after all, unless a later one stands by now.
RESTORE_LINE = """
UPDATE outbox SET told_at = NULL
WHERE id = :line_id AND ts IS NULL AND NOT EXISTS (
    SELECT 1 FROM outbox AS later
    WHERE later.launch_id = outbox.launch_id AND later.event_seq > outbox.event_seq AND later.ts IS NOT NULL
)
"""

# A thread line may stand somewhere: it is never posted again. With a holder: only while it has the telling, and for that long.
SKIP_LINE = """
UPDATE outbox SET told_at = :at
WHERE id = :line_id AND told_at IS NULL AND (CAST(:holder AS TEXT) IS NULL OR EXISTS (
    SELECT 1 FROM cards WHERE cards.launch_id = outbox.launch_id AND lease_holder = :holder AND leased_until >= :until
))
RETURNING launch_id
"""

# A new launch's card, due at once.
INSERT_CARD = """
INSERT INTO cards (launch_id, channel_id, wanted_version, told_version, is_final, due_at, attempts, gave_up)
VALUES (:launch_id, :channel_id, :version, 0, :is_final, :at, 0, 0)
"""

# A card is stale from now on; one that waits already keeps its place and its pause. A lost one waits for the end.
MARK_CARD = """
UPDATE cards SET wanted_version = :version, is_final = :is_final,
    due_at = CASE WHEN gave_up = 0 AND (is_lost = 0 OR :is_final = 1) THEN coalesce(due_at, :at) END
WHERE launch_id = :launch_id
"""

# Claim cards that are behind and free, final ones (:is_final 1) apart from the others, longest waiting first.
LEASE_CARDS = """
UPDATE cards SET lease_holder = :holder, leased_until = :until
WHERE launch_id IN (
    SELECT launch_id FROM cards
    WHERE is_final = :is_final AND due_at <= :now AND (leased_until IS NULL OR leased_until <= :now)
        AND lease_holder IS NOT :holder
    ORDER BY due_at, launch_id LIMIT :limit
)
RETURNING *
"""

# The card may stand somewhere, and shows a version: never posted again. Told directly once it is final, so due only then.
LOSE_CARD = """
UPDATE cards SET is_lost = 1, told_version = max(told_version, :version), due_at = CASE WHEN is_final = 1 THEN due_at END
WHERE launch_id = :launch_id AND ts IS NULL AND (CAST(:holder AS TEXT) IS NULL OR (lease_holder = :holder AND is_lost = 0))
"""

# Whether a telling is its holder's, and stays so until a time (empty: a lapsed lease counts until another has taken it).
HELD_CARD = "SELECT 1 FROM cards WHERE launch_id = :launch_id AND lease_holder = :holder AND leased_until >= :until"

# The post of a card that was given up beforehand was refused: it does not stand anywhere, and is to be posted.
RESTORE_CARD = """
UPDATE cards SET is_lost = 0, told_version = 0,
    due_at = (SELECT at FROM events WHERE events.launch_id = cards.launch_id ORDER BY seq DESC LIMIT 1)
WHERE launch_id = :launch_id AND is_lost = 1
"""

# The lost card stands; nobody knows for sure what it shows, so it is shown anew, at once, by whoever comes first.
FIND_CARD = """
UPDATE cards SET ts = :ts, is_lost = 0, gave_up = 0, told_version = 0, attempts = 0, error = NULL,
    lease_holder = NULL, leased_until = NULL,
    due_at = (SELECT at FROM events WHERE events.launch_id = cards.launch_id ORDER BY seq DESC LIMIT 1)
WHERE launch_id = :launch_id AND is_lost = 1
"""

# The card stands and shows a version. A lost one is found, and what it lacks is due; so it is where an older version was shown
# after a newer one, by a holder that was paused: nobody knows which of the two stands there.
TELL_CARD = """
UPDATE cards SET ts = :ts, told_version = CASE WHEN gave_up = 1 AND is_lost = 0 THEN max(told_version, :version) ELSE :version END,
    is_lost = 0, gave_up = CASE WHEN is_lost = 1 THEN 0 ELSE gave_up END,
    due_at = CASE WHEN is_lost = 1 OR gave_up = 0 AND :version < told_version THEN
        coalesce(due_at, (SELECT at FROM events WHERE events.launch_id = cards.launch_id ORDER BY seq DESC LIMIT 1))
    ELSE due_at END
WHERE launch_id = :launch_id
"""

# Something was told (:is_told) or skipped: a launch that is no longer behind is no longer due; told, the row of failures is broken.
SETTLE_CARD = """
UPDATE cards SET attempts = CASE WHEN :is_told = 1 THEN 0 ELSE attempts END, error = CASE WHEN :is_told = 1 THEN NULL ELSE error END,
    due_at = CASE
    WHEN is_lost = 1 OR told_version < wanted_version THEN due_at
    WHEN EXISTS (SELECT 1 FROM outbox WHERE outbox.launch_id = cards.launch_id AND told_at IS NULL) THEN due_at
END
WHERE launch_id = :launch_id
"""

# Give a telling back; what happened meanwhile waits from its own time on, or a busy launch would always be first.
RELEASE_CARD = """
UPDATE cards SET lease_holder = NULL, leased_until = NULL, due_at = CASE WHEN due_at IS NOT NULL THEN
    max(due_at, (SELECT at FROM events WHERE events.launch_id = cards.launch_id ORDER BY seq DESC LIMIT 1))
END
WHERE launch_id = :launch_id AND lease_holder = :holder
"""

# Try a telling again later, or (:retry_at NULL) never; one that is told by now stays told.
FAIL_CARD = """
UPDATE cards SET lease_holder = NULL, leased_until = NULL, attempts = attempts + 1, error = :error,
    due_at = CASE WHEN due_at IS NOT NULL THEN :retry_at END,
    gave_up = CASE WHEN due_at IS NOT NULL AND CAST(:retry_at AS TEXT) IS NULL THEN 1 ELSE gave_up END
WHERE launch_id = :launch_id AND (CAST(:holder AS TEXT) IS NULL OR lease_holder = :holder)
"""

# Keep a holder's tellings; a renewal never shortens.
RENEW_CARDS = "UPDATE cards SET leased_until = max(leased_until, :until) WHERE lease_holder = :holder"

# Give back what one claim took: a renewal changes the time, so that only what it has not seen yet is of that claim.
GIVE_BACK_CARDS = """
UPDATE cards SET lease_holder = NULL, leased_until = NULL WHERE lease_holder = :holder AND leased_until = :until
"""

# When the next telling (:is_final 1 or 0) is due that nobody holds.
NEXT_FREE_CARD = """
SELECT due_at AS at FROM cards WHERE is_final = :is_final AND due_at > '' AND lease_holder IS NULL ORDER BY due_at LIMIT 1
"""

# When the next held telling is due, should its lease lapse.
NEXT_HELD_CARD = """
SELECT min(max(due_at, leased_until)) AS at FROM cards WHERE lease_holder > '' AND due_at IS NOT NULL
"""

# Set a card aside whose launch or events cannot be read: nobody can tell what it should show. :row_id as above.
SET_ASIDE_CARD = """
UPDATE cards SET due_at = NULL, gave_up = 1, lease_holder = NULL, leased_until = NULL WHERE launch_id = CAST(:row_id AS TEXT)
"""

# Note for operators what was set aside; once, until they were told.
NOTE_SET_ASIDE = """
INSERT INTO set_aside (what, row_id, cause, at) VALUES (:what, :row_id, :cause, :at)
ON CONFLICT (what, row_id) WHERE is_told = 0 DO NOTHING
"""

# The notes that operators were not told: few, as a row is noted once.
UNTOLD_NOTES = "SELECT id, what, row_id, cause FROM set_aside WHERE is_told = 0 AND what > ''"

# Operators were told a note.
TELL_NOTE = "UPDATE set_aside SET is_told = 1 WHERE id = :note_id"
