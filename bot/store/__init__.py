"""EFFECTS: durable memory. ``open_store`` chooses by URL; the semantics are those of ``Store`` in bot/ports.py.

migrations.py      ordered, named migrations: what each changes
schema.py          applies them
rows.py            values ↔ rows of plain values
access_rows.py     the same for decisions, holdings and names
queries.py         statements for launches, deliveries and tellings, each with what it is for
access_queries.py  the same for decisions, holdings, limits, and look-ups of launches by people
home_queries.py    the same for App Homes
sqlite_lane.py     one thread with one connection; transactions; SQLite's errors as ours
sqlite_file.py     one file: a lane that writes, a lane that reads, backup
aside.py           rows that cannot be read: left out, or set aside and noted
deliveries.py      what Slack delivered, and who works on it: one function per transaction
launches.py        launches and events: one function per transaction
quotas.py          what counts toward a grant's limits
access.py          decisions, held scopes, first names: one function per transaction
homes.py           who has opened an App Home, and when it is shown anew
tellings.py        what Slack has yet to be told: one function per transaction
sqlite.py          the Store that joins them
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bot.domain.errors import SettingsError
from bot.ports import Store
from bot.store.sqlite import SqliteStore

_SETTING = "GONOGO_DATABASE_URL"
_EXAMPLES = "sqlite:///gonogo.db (beside you) or sqlite:////var/lib/gonogo/gonogo.db (anywhere)"


class DurableStore(Store, Protocol):
    """A Store with what the command line asks of a database. ``async with`` closes it."""

    async def migrate(self) -> list[str]:
        """Bring the schema up to date, to be called before anything else; the names of what was applied now."""
        ...

    async def pending_migrations(self) -> list[str]:
        """What ``migrate`` would apply."""
        ...

    async def backup(self, target: Path) -> None:
        """Copy the live database, as it stands at one moment, to a file that does not exist yet."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_store(url: str) -> DurableStore:
    """The store at ``url``; nothing is opened before its first use, and nothing is usable before ``migrate``.

    ``sqlite:///name.db`` is relative to the working directory, ``sqlite:////folder/name.db`` absolute, ``sqlite://`` in memory.

    Raises:
        SettingsError: no such kind of database. The URL is not repeated, since it may hold a password.
    """
    scheme, _, rest = url.partition("://")
    match scheme:
        case "sqlite":
            return SqliteStore(_sqlite_path(rest))
        case "postgres" | "postgresql":
            raise SettingsError([f"{_SETTING}: not built yet: several replicas on Postgres come with a later release"])
        case _:
            raise SettingsError([f"{_SETTING}: the database's address starts with none of the known kinds: use {_EXAMPLES}"])


def _sqlite_path(rest: str) -> Path | None:
    """What follows ``sqlite://``: nothing, or a slash and the path."""
    if rest in {"", "/:memory:"}:
        return None
    if not rest.startswith("/") or rest == "/":
        raise SettingsError([f"{_SETTING}: after sqlite: come three slashes and the path: {_EXAMPLES}"])
    if "?" in rest:
        raise SettingsError([f"{_SETTING}: an SQLite address takes no options after a question mark"])
    return Path(rest[1:])
