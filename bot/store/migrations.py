"""The migrations themselves, oldest first: what each changes, as a script. ``schema`` applies them.

A migration is never edited after a release: a change is a new one below. The same names count for every database, so that a
history can move from one to another.

Why the SQL is written out, and not inferred from a first row as sqlite-utils can: STRICT types, CHECK, foreign keys, partial
indexes and triggers are what holds the promises when a second program opens the file.

Why a launch's state is checked here and an event's kind is not: states are closed (the card has a word for each); kinds grow
with what can happen, and a rebuilt table for each new one would cost every deployment a copy of its history.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One named step of the schema; ``sqlite`` is its script.

    ``postgres`` is Postgres', where the rules of postgres_dialect.py do not make it from that.
    """

    name: str
    sqlite: str
    postgres: str = ""


FIRST = Migration(
    name="0001_launches",
    sqlite="""
-- Our durable records. due_at: when a worker has something to do next.
CREATE TABLE launches (
    launch_id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    requester_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    provider TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_name TEXT,
    workflow_version TEXT,
    extras TEXT NOT NULL,
    inputs TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'awaiting_approval', 'queued', 'starting', 'running', 'needs_attention', 'succeeded',
        'failed', 'cancelled', 'rejected', 'expired', 'ended', 'in_doubt'
    )),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    due_at TEXT,
    sent_at TEXT,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    looks INTEGER NOT NULL CHECK (looks >= 0),
    misses INTEGER NOT NULL CHECK (misses >= 0),
    cancel_asked_by TEXT,
    is_cancel_sent INTEGER NOT NULL CHECK (is_cancel_sent IN (0, 1)),
    run_id TEXT,
    run_url TEXT,
    provider_status TEXT,
    outputs TEXT NOT NULL,
    detail TEXT,
    lease_holder TEXT,
    leased_until TEXT,
    CHECK ((lease_holder IS NULL) = (leased_until IS NULL))
) STRICT;
CREATE INDEX launches_due ON launches (due_at, launch_id) WHERE due_at IS NOT NULL;
CREATE INDEX launches_held ON launches (lease_holder) WHERE lease_holder IS NOT NULL;
CREATE INDEX launches_recent ON launches (channel_id, created_at, launch_id);

-- What Slack delivered, once each. payload holds no reply URL. launch_id: the launch that it caused.
CREATE TABLE deliveries (
    key TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    received_at TEXT NOT NULL,
    finished_at TEXT,
    launch_id TEXT REFERENCES launches (launch_id)
) STRICT;
CREATE INDEX deliveries_unfinished ON deliveries (received_at, key) WHERE finished_at IS NULL;

-- Facts that happened to a launch: appended, never edited.
CREATE TABLE events (
    launch_id TEXT NOT NULL REFERENCES launches (launch_id),
    seq INTEGER NOT NULL CHECK (seq >= 1),
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (launch_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER events_are_never_edited BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are appended, never edited');
END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are appended, never removed');
END;

-- Thread lines that Slack has yet to be told, and where the told ones stand.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    launch_id TEXT NOT NULL,
    event_seq INTEGER NOT NULL,
    told_at TEXT,
    ts TEXT,
    FOREIGN KEY (launch_id, event_seq) REFERENCES events (launch_id, seq)
) STRICT;
CREATE UNIQUE INDEX outbox_lines ON outbox (launch_id, event_seq);

-- One status card per launch. wanted_version: the launch's version at its last event; told_version: the one that the card shows.
-- due_at is set while card or thread is behind and Slack may still take it.
CREATE TABLE cards (
    launch_id TEXT NOT NULL PRIMARY KEY REFERENCES launches (launch_id),
    channel_id TEXT NOT NULL,
    ts TEXT,
    wanted_version INTEGER NOT NULL CHECK (wanted_version >= 1),
    told_version INTEGER NOT NULL CHECK (told_version >= 0),
    is_final INTEGER NOT NULL CHECK (is_final IN (0, 1)),
    due_at TEXT,
    lease_holder TEXT,
    leased_until TEXT,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    error TEXT,
    gave_up INTEGER NOT NULL CHECK (gave_up IN (0, 1)),
    CHECK ((lease_holder IS NULL) = (leased_until IS NULL)),
    CHECK (gave_up = 0 OR due_at IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX cards_due ON cards (is_final, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cards_held ON cards (lease_holder) WHERE lease_holder IS NOT NULL;
""",
)

BAD_DAYS = Migration(
    name="0002_bad_days",
    sqlite="""
-- A delivery's work belongs to one holder at a time.
ALTER TABLE deliveries ADD COLUMN lease_holder TEXT;
ALTER TABLE deliveries ADD COLUMN leased_until TEXT CHECK ((lease_holder IS NULL) = (leased_until IS NULL));
CREATE INDEX deliveries_held ON deliveries (lease_holder) WHERE lease_holder IS NOT NULL;

-- Who owns a run, and which lost starts could be taken for one another.
CREATE INDEX launches_runs ON launches (connection, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX launches_unsettled ON launches (connection, workflow_id, sent_at) WHERE state IN ('starting', 'in_doubt');

-- is_lost: the card may have been posted, and nobody knows where it stands.
ALTER TABLE cards ADD COLUMN is_lost INTEGER NOT NULL DEFAULT 0 CHECK (is_lost IN (0, 1) AND (is_lost = 0 OR ts IS NULL));

-- Rows that could not be read and were set aside, for operators: which and why, never what they hold.
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY,
    what TEXT NOT NULL,
    row_id TEXT NOT NULL,
    cause TEXT NOT NULL,
    at TEXT NOT NULL,
    is_told INTEGER NOT NULL DEFAULT 0 CHECK (is_told IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX set_aside_untold ON set_aside (what, row_id) WHERE is_told = 0;
""",
)

ACCESS = Migration(
    name="0003_access",
    sqlite="""
-- Which grant allowed a launch, what it counts under, and what an approval is bound to.
ALTER TABLE launches ADD COLUMN grant_key TEXT NOT NULL DEFAULT '';
ALTER TABLE launches ADD COLUMN quota_key TEXT NOT NULL DEFAULT '';
ALTER TABLE launches ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE launches ADD COLUMN approval TEXT NOT NULL DEFAULT '{}';

-- Limits: what counts in the hour (not what ended before anything was sent), and what is not over. The states as in queries.
CREATE INDEX launches_counted ON launches (channel_id, quota_key, created_at, sent_at, state)
    WHERE sent_at IS NOT NULL OR state NOT IN ('cancelled', 'ended', 'expired', 'failed', 'rejected', 'succeeded');
CREATE INDEX launches_not_over ON launches (channel_id, quota_key, state)
    WHERE state NOT IN ('cancelled', 'ended', 'expired', 'failed', 'rejected', 'succeeded');
CREATE INDEX launches_awaiting ON launches (created_at, launch_id) WHERE state = 'awaiting_approval';
CREATE INDEX launches_requested ON launches (requester_id, created_at, launch_id);
CREATE INDEX launches_succeeded ON launches (connection, workflow_id, updated_at, launch_id) WHERE state = 'succeeded';

-- Every decision with what it rested on: appended, never edited. launch_id: what it is about, also an id that nobody knows.
CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    door TEXT NOT NULL,
    verb TEXT NOT NULL,
    team_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    connection TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_name TEXT,
    verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'need_approval', 'deny')),
    codes TEXT NOT NULL,
    grant_key TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    launch_id TEXT,
    facts TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_at ON decisions (at);
CREATE TRIGGER decisions_are_never_edited BEFORE UPDATE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions are appended, never edited');
END;
CREATE TRIGGER decisions_are_never_removed BEFORE DELETE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions are appended, never removed');
END;

-- What a connection's credential holds, as far as the provider told, and whose it is. is_held NULL: not verified.
CREATE TABLE holdings (
    connection TEXT NOT NULL,
    scope TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    is_held INTEGER CHECK (is_held IN (0, 1)),
    evidence TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    lapses_at TEXT,
    PRIMARY KEY (connection, scope, workflow_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identities (connection TEXT NOT NULL PRIMARY KEY, identity TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The name under which each workflow was first seen: renaming one must not widen a grant.
CREATE TABLE first_names (
    connection TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (connection, workflow_id)
) STRICT, WITHOUT ROWID;
""",
)

HOMES = Migration(
    name="0004_homes",
    sqlite="""
-- The App Home of everybody who has opened it. due_at: when it is to be composed anew. shown: a digest of the view that Slack
-- has. While it is held, its lease stands for being due: what happens meanwhile sets due_at anew.
CREATE TABLE homes (
    user_id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    due_at TEXT,
    shown TEXT NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    gave_up INTEGER NOT NULL CHECK (gave_up IN (0, 1)),
    lease_holder TEXT,
    leased_until TEXT,
    CHECK ((lease_holder IS NULL) = (leased_until IS NULL)),
    CHECK (gave_up = 0 OR due_at IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX homes_due ON homes (due_at, user_id) WHERE due_at IS NOT NULL;
CREATE INDEX homes_held ON homes (lease_holder) WHERE lease_holder IS NOT NULL;
CREATE INDEX homes_opened ON homes (opened_at);

-- One row: when everybody's Home falls due, for what concerns an approval. So that a change costs the same however many there are.
CREATE TABLE home_call (id INTEGER PRIMARY KEY CHECK (id = 1), due_at TEXT) STRICT;
INSERT INTO home_call (id) VALUES (1);
""",
)

TRACKING = Migration(
    name="0005_tracking",
    sqlite="""
-- What is due, by connection: runs to be asked about, and everything else. The conditions as in tracking_queries.py.
CREATE INDEX launches_tracked ON launches (connection, due_at, launch_id)
    WHERE due_at IS NOT NULL AND state IN ('running', 'needs_attention') AND (cancel_asked_by IS NULL OR is_cancel_sent = 1);
CREATE INDEX launches_acts ON launches (connection, due_at, launch_id)
    WHERE due_at IS NOT NULL
        AND (state <> 'running' AND state <> 'needs_attention' OR cancel_asked_by IS NOT NULL AND is_cancel_sent = 0);
CREATE INDEX launches_lapsing ON launches (leased_until) WHERE lease_holder IS NOT NULL;

-- How long the last runs of each workflow took, in seconds, oldest first.
CREATE TABLE durations (
    connection TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    took TEXT NOT NULL,
    PRIMARY KEY (connection, workflow_id)
) STRICT, WITHOUT ROWID;
""",
)

REPLICAS = Migration(
    name="0006_replicas",
    sqlite="""
-- Who is alive.
CREATE TABLE replicas (holder TEXT NOT NULL PRIMARY KEY, version TEXT NOT NULL, seen_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX replicas_seen ON replicas (seen_at);

-- What one was told to wait for, so that all wait.
CREATE TABLE pauses (name TEXT NOT NULL PRIMARY KEY, not_before TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX pauses_over ON pauses (not_before);

-- What one does for all, once: told_at NULL while somebody is at it.
CREATE TABLE notices (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    leased_until TEXT NOT NULL,
    told_at TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_over ON notices (leased_until);
""",
)

SLIM = Migration(
    name="0007_slim",
    sqlite="""
-- A workflow's last successes, newest some, in place of an index that named workflow and connection for each that ever was.
CREATE TABLE successes (
    connection TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    launch_id TEXT NOT NULL REFERENCES launches (launch_id),
    PRIMARY KEY (connection, workflow_id, updated_at, launch_id)
) STRICT, WITHOUT ROWID;
INSERT INTO successes (connection, workflow_id, updated_at, launch_id)
SELECT connection, workflow_id, updated_at, launch_id FROM (
    SELECT connection, workflow_id, updated_at, launch_id,
        row_number() OVER (PARTITION BY connection, workflow_id ORDER BY updated_at DESC, launch_id DESC) AS place
    FROM launches WHERE state = 'succeeded'
) AS ranked WHERE place <= 5;
DROP INDEX launches_succeeded;

-- One index for a channel's newest launches and for what counts in the hour; whether one counts is looked up in its row.
DROP INDEX launches_counted;
DROP INDEX launches_recent;
CREATE INDEX launches_recent ON launches (channel_id, created_at, launch_id, quota_key);

-- Where a line stands says when it was told: ts is a time.
UPDATE outbox SET told_at = '' WHERE ts IS NOT NULL;

-- What was typed lives on in the launch that it caused. Stored by its key: a second place for it in an index was a third of each row.
CREATE TABLE deliveries_by_key (
    key TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    received_at TEXT NOT NULL,
    finished_at TEXT,
    launch_id TEXT REFERENCES launches (launch_id),
    lease_holder TEXT,
    leased_until TEXT,
    CHECK ((lease_holder IS NULL) = (leased_until IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO deliveries_by_key (key, kind, payload, received_at, finished_at, launch_id, lease_holder, leased_until)
SELECT key, kind, CASE WHEN launch_id IS NULL THEN payload ELSE '{}' END, received_at, finished_at, launch_id, lease_holder,
    leased_until FROM deliveries ORDER BY key;
DROP TABLE deliveries;
ALTER TABLE deliveries_by_key RENAME TO deliveries;
CREATE INDEX deliveries_unfinished ON deliveries (received_at, key) WHERE finished_at IS NULL;
CREATE INDEX deliveries_held ON deliveries (lease_holder) WHERE lease_holder IS NOT NULL;
""",
)

MIGRATIONS: tuple[Migration, ...] = (FIRST, BAD_DAYS, ACCESS, HOMES, TRACKING, REPLICAS, SLIM)
