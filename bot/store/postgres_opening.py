"""One connection to Postgres: its address read, opened with care, refused where it cannot keep what is promised, and set up.

Why settings of the session and not of the server: what is promised here must not rest on how somebody set up a database.
``synchronous_commit`` is never off, or an acknowledged delivery could be lost; a statement that waits is broken off before
Slack, or a lease, would wait with it; a replica that was paused inside a transaction loses its locks.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from bot.domain.errors import SettingsError
from bot.store.postgres_errors import our_error

Connection: TypeAlias = AsyncConnection[DictRow]

OLDEST_VERSION: Final = 13
CONNECTS_WITHIN_S: Final = 5

_PARAMETERS: Final = {
    "application_name": "gonogo",
    "connect_timeout": CONNECTS_WITHIN_S,
    "target_session_attrs": "read-write",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}
"""What an address need not say: of several hosts the one that takes writes, and a host that vanished is noticed in seconds."""
_SESSION: Final = """
SET TimeZone TO 'UTC';
SET default_transaction_isolation TO 'read committed';
SET lock_timeout TO '5s';
SET statement_timeout TO '30s';
SET idle_in_transaction_session_timeout TO '15s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""


async def connected(parameters: dict[str, Any], place: str) -> Connection:
    """A connection, set up; the caller closes it.

    Raises:
        SettingsError: the database cannot be used, and waiting does not mend it.
        StoreUnavailableError: it cannot be used just now.
    """
    try:
        connection = await AsyncConnection[DictRow].connect(**parameters, autocommit=True, row_factory=dict_row)
    except psycopg.Error as exc:
        raise our_error(exc, place, is_opening=True) from None  # its own words may hold the address
    try:
        refuse_unfit(connection, place)
        await set_up(connection)
    except psycopg.Error as exc:
        await connection.close()
        raise our_error(exc, place, is_opening=True) from None
    except BaseException:
        await connection.close()
        raise
    return connection


def refuse_unfit(connection: Connection, place: str) -> None:
    """Postgres before 13, or a database in another encoding than UTF-8, cannot keep what is promised.

    Raises:
        SettingsError: which it is.
    """
    version = connection.info.server_version // 10_000
    if version < OLDEST_VERSION:
        raise SettingsError([f"the database {place} is Postgres {version}: Gonogo needs {OLDEST_VERSION} or newer"])
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise SettingsError([f"the database {place} keeps text as {encoding}: create one with ENCODING 'UTF8'"])


async def set_up(connection: Connection) -> None:
    """What every connection of ours is told first."""
    connection.adapters.register_dumper(int, Int8Dumper)  # one prepared statement, however large the number
    connection.adapters.register_dumper(str, StrDumper)
    await connection.execute(_SESSION)


def parameters_of(url: str) -> dict[str, Any]:
    """The address in parts, with what it need not say.

    Raises:
        SettingsError: it cannot be read, or not as it was meant. It is not repeated, since it may hold a password.
    """
    try:
        named = conninfo_to_dict(url)
    except psycopg.Error:
        named = {}
    if not named or not _is_meant(named):
        address = "postgresql://user:password@host:5432/database, each sign in the password that is none of A-Z a-z 0-9 as %hex"
        raise SettingsError([f"GONOGO_DATABASE_URL: this is no address of a Postgres database: write {address}"])
    return _PARAMETERS | named


def _is_meant(named: dict[str, Any]) -> bool:
    """Whether this is the address that was meant: a sign in the password that should be %hex moves a part of it elsewhere."""
    ports = str(named.get("port") or "").split(",")
    return all(port.isdigit() for port in ports if port) and "@" not in f"{named.get('dbname')}{named.get('host')}"


def place_of(parameters: dict[str, Any]) -> str:
    """What errors call the database: its name, and where it is."""
    name = parameters.get("dbname") or parameters.get("user") or "postgres"
    ports = [port or "5432" for port in str(parameters.get("port") or "").split(",")]
    hosts = str(parameters.get("host") or parameters.get("hostaddr") or "this machine").split(",")
    ports += ports[-1:] * (len(hosts) - len(ports))
    return f"{name} at " + ",".join(f"{host}:{port}" for host, port in zip(hosts, ports, strict=False))
