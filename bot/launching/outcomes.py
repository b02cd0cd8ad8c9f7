"""What a use case answers: values that a command shows with surfaces. No words in here."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.model import Connection, Event, Launch, Problem, Reason, Workflow


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Nothing was done. ``problems`` the requester can correct; ``reasons`` are why policy says no."""

    problems: tuple[Problem, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Launched:
    """A launch is kept; the worker carries it from here. ``is_repeated``: this delivery had caused it before."""

    launch: Launch
    is_repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class Launchable:
    """What one person may launch over one connection, here. ``trouble``: why the list may be incomplete."""

    connection: Connection
    provider_title: str
    workflows: tuple[Workflow, ...]
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class Story:
    """One launch and everything that happened to it."""

    launch: Launch
    events: tuple[Event, ...]
    provider_title: str


@dataclass(frozen=True, kw_only=True)
class CancelTaken:
    """The wish to stop is kept, or the launch was stopped before it was sent. ``is_repeated``: it had been asked before."""

    launch: Launch
    is_repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A doubt was settled, or looking was asked for: the event that says so."""

    launch: Launch
    event: Event


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision on a launch that waits was kept. Not ``is_counted``: ``event`` says what happened instead (asked again, ended)."""

    launch: Launch
    event: Event
    is_counted: bool


def refused(code: str, **facts: str) -> Refusal:
    """A refusal for one problem."""
    return Refusal(problems=(Problem(code=code, facts=facts),))
