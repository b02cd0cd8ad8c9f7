"""SQLite's errors turned into ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from bot.domain.errors import BotError, SettingsError, StoreUnavailableError

_CAUSES = {
    "SQLITE_BUSY": "another program keeps it locked",
    "SQLITE_CANTOPEN": "it cannot be opened (is it a folder, or a place where this user may not write?)",
    "SQLITE_CORRUPT": "it is damaged; restore a backup",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk does not read or write",
    "SQLITE_LOCKED": "another program keeps it locked",
    "SQLITE_NOTADB": "it is not a SQLite database",
    "SQLITE_PERM": "this user may not write there",
    "SQLITE_READONLY": "it cannot be written",
}
_LASTING = frozenset({"SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_PERM", "SQLITE_READONLY"})
"""What waiting does not mend: at opening, the operator's turn."""


class LockedError(Exception):
    """Another program keeps the database locked, and we did not wait for it."""


@contextmanager
def wrapped(place: str, *, is_opening: bool = False, is_patient: bool = True) -> Generator[None]:
    """SQLite's errors become ours, once. A broken constraint stays what it is: a fault of the program."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as exc:
        if not is_patient and _family(exc) == "SQLITE_BUSY":
            raise LockedError from exc
        raise _our_error(exc, place, is_opening=is_opening) from exc


def _our_error(exc: sqlite3.Error, place: str, *, is_opening: bool) -> BotError:
    family = _family(exc)
    cause = _CAUSES.get(family, str(exc))
    if is_opening and family in _LASTING:
        return SettingsError([f"the database {place} cannot be used: {cause}"])
    return StoreUnavailableError(place, cause)


def _family(exc: sqlite3.Error) -> str:
    """SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR."""
    return "_".join(getattr(exc, "sqlite_errorname", "").split("_")[:2])
