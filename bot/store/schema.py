"""The tables, as ordered and named migrations; each is applied once, and recorded in the same transaction as its change.

A migration is never edited after a release: a change is a new one below. The same names count for every database, so that a
history can move from one to another.

Why the SQL is written out, and not inferred from a first row as sqlite-utils can: STRICT types, CHECK, foreign keys, partial
indexes and triggers are what holds the promises when a second program opens the file. sqlite-utils runs and records the
migrations.

Why a launch's state is checked here and an event's kind is not: states are closed (the card has a word for each); kinds grow
with what can happen, and a rebuilt table for each new one would cost every deployment a copy of its history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlite_utils import Database, Migrations

from bot.domain.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One named step of the schema; ``sqlite`` is its script."""

    name: str
    sqlite: str


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

MIGRATIONS: tuple[Migration, ...] = (FIRST, BAD_DAYS)


class _Record(Migrations):
    """sqlite-utils' own runner, with its record in a table that is called what it is."""

    migrations_table = "migrations"


def pending(database: Database, place: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[str]:
    """The names that are not applied yet, in order. ``place`` is what an error calls the database.

    Raises:
        SettingsError: the file belongs to another program, or a newer bot has changed it.
    """
    _refuse_foreign(database, place)
    record = _record(migrations)
    _refuse_newer({applied.name for applied in record.applied(database)}, place, migrations)
    return [migration.name for migration in record.pending(database)]


def apply(database: Database, place: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[str]:
    """Bring the schema up to date; the names that were applied now.

    To be called inside a transaction that holds the write lock: of two bots that start together, one migrates and one waits.

    Raises:
        SettingsError: as ``pending``; then nothing is changed.
    """
    names = pending(database, place, migrations)
    if names:
        _record(migrations).apply(database)
    return names


def _record(migrations: tuple[Migration, ...]) -> Migrations:
    record = _Record("gonogo")
    for migration in migrations:
        record(name=migration.name)(_script(migration.sqlite))
    return record


def _script(sql: str) -> Callable[[Database], None]:
    def run(database: Database, /) -> None:
        database.executescript(sql)

    return run


def _refuse_foreign(database: Database, place: str) -> None:
    tables = database.table_names()
    if tables and _Record.migrations_table not in tables:
        raise SettingsError([f"the database {place} is another program's: it holds the table {tables[0]!r} and none of ours"])


def _refuse_newer(applied: set[str], place: str, migrations: tuple[Migration, ...]) -> None:
    unknown = sorted(applied - {migration.name for migration in migrations})
    if unknown:
        names = ", ".join(unknown)
        cure = "start that version, or restore a backup made before it"
        raise SettingsError([f"the database {place} was changed by a newer Gonogo ({names}): {cure}"])
