"""Errors: what nobody at the keyboard can correct. What a requester can correct is a ``Problem``, a value.

BotError
├── SettingsError        configuration or environment is wrong: every problem listed; the program ends with 2
├── SlackRefusedError    Slack is unreachable or rejects our tokens at start: the program ends with 3
├── LookupFailedError    a fact that a decision needs could not be learnt (Slack or provider did not answer): deny
├── LaunchIdTakenError   a new launch drew an id that exists: draw again
├── LimitReachedError    a limit of the grant allows no more launches: nothing was written, tell the requester
├── StoreUnavailableError  the database cannot be used just now (locked, disk full): try later; it says whether something may be written
├── UnreadableRowError   a row of the database holds what it cannot hold: set that launch aside, the rest goes on
└── ThreadError          Slack did not take a card or a line: try later, or never
"""

from __future__ import annotations


class BotError(Exception):
    """Base of all our errors."""


class SettingsError(BotError):
    """Configuration or environment is wrong; ``problems`` are lines for people, each naming its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SlackRefusedError(BotError):
    """Slack is unreachable or rejects our tokens; one sentence that says which and what to do."""


class LookupFailedError(BotError):
    """A fact that a decision needs could not be learnt; ``subject`` names what was asked, ``cause`` why there is no answer."""

    def __init__(self, subject: str, cause: str) -> None:
        super().__init__(f"{subject}: {cause}")
        self.subject = subject
        self.cause = cause


class LaunchIdTakenError(BotError):
    """A new launch drew an id that exists already."""


class LimitReachedError(BotError):
    """A limit of the grant allows no more launches. ``code`` is the reason's (``limit_per_hour``, ``limit_running``)."""

    def __init__(self, code: str, *, most: int, count: int) -> None:
        super().__init__(f"{code}: {count} of {most}")
        self.code = code
        self.most = most
        self.count = count


class StoreUnavailableError(BotError):
    """The database cannot be used just now. ``place`` names it, ``cause`` says why.

    Nothing was written, unless ``may_be_kept``: it was asked to keep it, and whether it did was not heard.
    """

    def __init__(self, place: str, cause: str, *, may_be_kept: bool = False) -> None:
        super().__init__(f"the database {place} cannot be used: {cause}")
        self.place = place
        self.cause = cause
        self.may_be_kept = may_be_kept


class UnreadableRowError(BotError):
    """A row holds what it cannot hold. ``cause`` is the kind of fault, never the content: it may be anything."""

    def __init__(self, table: str, row_id: str, cause: str) -> None:
        super().__init__(f"row {row_id} of {table} cannot be read ({cause})")
        self.table = table
        self.row_id = row_id
        self.cause = cause


class ThreadError(BotError):
    """Slack did not take a message.

    ``code`` is Slack's error name. ``retry_after_s`` is Slack's own wait, in seconds, where it gave one.
    ``is_permanent``: sending the same again cannot help (channel archived, bot removed, message deleted).
    ``is_in_doubt``: the answer was lost, so the message may stand there all the same.
    """

    def __init__(
        self, code: str, *, retry_after_s: float | None = None, is_permanent: bool = False, is_in_doubt: bool = False
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s
        self.is_permanent = is_permanent
        self.is_in_doubt = is_in_doubt
