"""Two ways in which the stand-in says no: to a program (SlackError, in Slack's own words) and to a person (NotPossibleError)."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """A Web API method refuses. ``error`` is Slack's name for it, ``beside`` what stands beside it in the body."""

    def __init__(self, error: str, **beside: Any) -> None:
        super().__init__(error)
        self.error = error
        self.beside = beside

    def body(self) -> dict[str, Any]:
        """The refusal as Slack's JSON."""
        return {"ok": False, "error": self.error, **self.beside}


class NotPossibleError(Exception):
    """No person could do that in Slack: there is no such button, form, command or person on the screen."""


def invalid_arguments(*problems: str) -> SlackError:
    """The refusal of arguments, each problem in words: Slack puts them into ``response_metadata``."""
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]})
