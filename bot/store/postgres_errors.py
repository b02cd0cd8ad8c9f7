"""Postgres' errors turned into ours, once. None repeats the password, or what a row holds."""

from __future__ import annotations

import re
from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from bot.domain.errors import BotError, SettingsError, StoreUnavailableError

LOST_A_RACE: Final = (errors.SerializationFailure, errors.DeadlockDetected, errors.FeatureNotSupported)
"""Nothing was written, and the same work may well succeed at once. The last: a newer version has added a column (see ``_USELESS``)."""

_LASTING_CAUSES: Final = {
    "28P01": "it refuses the password",
    "28000": "it does not let this user in (pg_hba.conf)",
    "3D000": "there is no such database: create it (createdb)",
    "42501": "this user may not do that there: make it the owner of the database",
}
"""What waiting does not mend: at opening, the operator's turn."""
_CAUSES: Final = _LASTING_CAUSES | {
    "25006": "it is read-only: a standby, or a primary that became one; name the primary, or all with target_session_attrs",
    "42P01": "its tables are missing: run gonogo db migrate",
    "25P03": "it did not wait for a replica that was paused",
    "53100": "its disk is full",
    "53200": "it is out of memory",
    "53300": "it has too many connections: raise max_connections, or run fewer replicas",
    "55P03": "somebody else keeps what is asked for locked",
    "57014": "it took too long",
    "57P01": "it is being shut down",
    "57P02": "it has crashed and comes back",
    "57P03": "it is starting up or shutting down",
}
_SAYINGS: Final = (
    # What a connection that never came about says, of which libpq tells no code.
    (r"password authentication failed|no password supplied", "28P01"),
    (r"no pg_hba.conf entry|authentication failed|role \".*\" does not exist", "28000"),
    (r"database \".*\" does not exist", "3D000"),
    (r"permission denied", "42501"),
    (r"session is read-only|server is in hot standby", "25006"),
    (r"too many clients|too many connections|remaining connection slots", "53300"),
    (r"is starting up|is shutting down|not yet accepting|in recovery mode", "57P03"),
)
_REASONS: Final = (
    (r"could not translate host name|failed to resolve host|Name or service not known", "its host name is not known"),
    (r"Connection refused|No such file or directory|timeout expired|No route to host|unreachable", "nothing answers there"),
    (r"SSL|certificate", "no secure connection comes about: look at sslmode and sslrootcert"),
)
_USELESS: Final = frozenset({"25006", "25P03", "0A000"})
"""Read-only, or ended by the server since we were paused inside a transaction, or with statements that were prepared for a table
as it was ("cached plan must not change result type")."""
_LOST: Final = "the connection broke"


def is_lost(exc: BaseException) -> bool:
    """Whether the connection is gone, or of no use any more because its server changed sides."""
    code = getattr(exc, "sqlstate", None) or ""
    if code in _USELESS or code.startswith(("08", "57P")):
        return True
    return isinstance(exc, psycopg.OperationalError) and not code


def is_unheard(exc: BaseException) -> bool:
    """Whether what the server was asked to keep may be kept all the same: it did not say no, it said nothing any more."""
    return is_lost(exc) and getattr(exc, "sqlstate", None) not in _USELESS


def our_error(exc: psycopg.Error, place: str, *, is_opening: bool = False, may_be_kept: bool = False) -> BotError:
    """The error that says what it means for the bot. A broken constraint is none of these: a fault of the program."""
    code = exc.sqlstate or _code_said(str(exc))
    cause = _CAUSES.get(code or "") or _cause_said(exc)
    if is_opening and code in {*_LASTING_CAUSES, "25006"}:
        return SettingsError([f"the database {place} cannot be used: {cause}"])
    return StoreUnavailableError(place, cause, may_be_kept=may_be_kept)


def _code_said(text: str) -> str | None:
    return next((code for saying, code in _SAYINGS if re.search(saying, text)), None)


def _cause_said(exc: psycopg.Error) -> str:
    if exc.sqlstate:  # the server's own words: the first line names tables and columns, never values
        return f"{exc.diag.message_primary} ({exc.sqlstate})"
    text = str(exc)
    if isinstance(exc, PoolTimeout):
        return "all connections are busy"
    return next((reason for saying, reason in _REASONS if re.search(saying, text)), _LOST)
