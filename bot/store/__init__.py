"""EFFECTS: durable memory. ``open_store`` chooses by URL; the semantics are those of ``Store`` in bot/ports.py.

migrations.py      ordered, named migrations: what each changes
schema.py          applies them
rows.py            values ↔ rows of plain values
access_rows.py     the same for decisions, holdings and names
queries.py         statements for launches, deliveries and tellings, each with what it is for
access_queries.py  the same for decisions, holdings, limits, and look-ups of launches by people
home_queries.py    the same for App Homes
tracking_queries.py  the same for due launches by connection, and how long runs took
steps.py           what a transaction asks of a database, whichever that is
sqlite_errors.py   SQLite's errors as ours
sqlite_mail.py     what a thread has done, brought to the event loop
sqlite_lane.py     one connection, its thread, and what need not go there; transactions
sqlite_turn.py     what is written in one turn of the event loop, brought together
sqlite_file.py     one file: a lane that writes, a lane that reads, the log brought over, backup
aside.py           rows that cannot be read: left out, or set aside and noted
postgres_dialect.py  where Postgres says it otherwise
postgres_opening.py  one connection: address, refusals, settings
postgres_pool.py   the pool of them; transactions
postgres_errors.py Postgres' errors as ours
postgres_schema.py applies the migrations there
postgres_news.py   wakes the other replicas
deliveries.py      what Slack delivered, and who works on it: one function per transaction
launches.py        launches and events: one function per transaction
quotas.py          what counts toward a grant's limits
access.py          decisions, held scopes, first names: one function per transaction
tracking.py        what is due by connection, and how long runs took
replicas.py        who is alive, who must wait, what one does for all
replica_queries.py  their statements
homes.py           who has opened an App Home, and when it is shown anew
copying.py         a history moved from SQLite to Postgres
tellings.py        what Slack has yet to be told: one function per transaction
sql_store.py       the Store that joins them, over whatever reads and writes
sqlite.py          … on SQLite
postgres.py        … on Postgres
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from bot.domain.errors import SettingsError
from bot.ports import Store
from bot.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from bot.store.copying import Copied

_SETTING = "GONOGO_DATABASE_URL"
_EXAMPLES = "sqlite:///gonogo.db (beside you), sqlite:////var/lib/gonogo/gonogo.db (anywhere) or postgresql://host/database"


class DurableStore(Store, Protocol):
    """A Store with what the command line asks of a database. ``place`` is what errors call it. ``async with`` closes it."""

    @property
    def place(self) -> str:
        """Where it is, without its password."""
        ...

    async def migrate(self) -> list[str]:
        """Bring the schema up to date, to be called before anything else; the names of what was applied now."""
        ...

    async def pending_migrations(self) -> list[str]:
        """What ``migrate`` would apply."""
        ...

    async def backup(self, target: Path) -> None:
        """Copy the live database, as it stands at one moment, to a file that does not exist yet."""
        ...

    def on_news(self, ring: Callable[[], None]) -> None:
        """Call ``ring``, on the event loop, when another replica has written something that may be due; where none can, never."""
        ...

    async def time(self) -> datetime | None:
        """The clock that all who use this database share; None: it has none but each machine's own."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_store(url: str) -> DurableStore:
    """The store at ``url``; nothing is opened before its first use, and nothing is usable before ``migrate``.

    ``postgresql://user@host:port/database`` is Postgres, with libpq's options after a question mark.
    ``sqlite:///name.db`` is relative to the working directory, ``sqlite:////folder/name.db`` absolute, ``sqlite://`` in memory.

    Raises:
        SettingsError: no such kind of database. The URL is not repeated, since it may hold a password.
    """
    scheme, _, rest = url.partition("://")
    match scheme:
        case "sqlite":
            return SqliteStore(_sqlite_path(rest))
        case "postgres" | "postgresql":
            return _postgres(url)
        case _:
            raise SettingsError([f"{_SETTING}: the database's address starts with none of the known kinds: use {_EXAMPLES}"])


async def copy(source: str, target: str) -> list[Copied]:
    """Copy the history of the SQLite file ``source`` to the empty, migrated Postgres database ``target``; by table, what was copied.

    Raises:
        SettingsError: these two are no such pair, or the copy is not equal; then nothing is kept.
        StoreUnavailableError: either cannot be used just now; nothing is kept.
    """
    path = _sqlite_path(source.removeprefix("sqlite://")) if source.startswith("sqlite://") else None
    if path is None or not target.startswith(("postgres://", "postgresql://")):
        raise SettingsError(["a history is copied from an SQLite file to Postgres: gonogo db copy sqlite:///file postgresql://…"])
    if not path.exists():
        raise SettingsError([f"there is no database {path} to copy"])
    for url in (source, target):
        async with open_store(url) as store:
            if names := await store.pending_migrations():
                which = "source" if url == source else "target"
                cure = "run gonogo db migrate with GONOGO_DATABASE_URL set to it, then try again"
                raise SettingsError([f"the {which} {store.place} is not up to date ({', '.join(names)}): {cure}"])
    from bot.store.copying import copy as copy_rows  # noqa: PLC0415 - as in _postgres

    return await copy_rows(path, target)


def _postgres(url: str) -> DurableStore:
    try:
        from bot.store.postgres import PostgresStore  # noqa: PLC0415 - psycopg is there only where the extra was asked for
    except ImportError as exc:
        raise SettingsError([f"{_SETTING}: Postgres needs psycopg: install gonogo with its extra postgres"]) from exc
    return PostgresStore(url)


def _sqlite_path(rest: str) -> Path | None:
    """What follows ``sqlite://``: nothing, or a slash and the path."""
    if rest in {"", "/:memory:"}:
        return None
    if not rest.startswith("/") or rest == "/":
        raise SettingsError([f"{_SETTING}: after sqlite: come three slashes and the path: {_EXAMPLES}"])
    if "?" in rest:
        raise SettingsError([f"{_SETTING}: an SQLite address takes no options after a question mark"])
    return Path(rest[1:])
