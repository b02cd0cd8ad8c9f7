"""Slack's bad days, on demand: which Web API method fails next, how, and whether it took effect all the same.

Why the effect is a field of its own: to the bot a lost reply looks the same either way, and that is the point of the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.sandbox.slack.errors import NotPossibleError

EVERY_METHOD = "*"
RESPONSE_URL = "response_url"
GARBAGE = "<html><body>upstream connect error</body></html>"


class FaultKind(StrEnum):
    """What goes wrong."""

    ERROR = "error"
    STATUS = "status"
    HANG = "hang"
    DROP = "drop"
    GARBAGE = "garbage"


@dataclass(frozen=True, kw_only=True)
class SlackFault:
    """One way of failing. ``is_applied``: the call takes effect before the reply goes wrong.

    A hang lasts until ``Faults.release``; then the call is answered (and, unless it was applied before, takes effect) as if
    nothing had been, whether or not anybody still listens.
    """

    kind: FaultKind
    error: str = "internal_error"
    status: int = 503
    retry_after_s: int | None = None
    body: str = GARBAGE
    is_applied: bool = False

    @classmethod
    def refusing(cls, error: str, *, is_applied: bool = False) -> SlackFault:
        """``{"ok": false, "error": ...}``."""
        return cls(kind=FaultKind.ERROR, error=error, is_applied=is_applied)

    @classmethod
    def answering(cls, status: int, *, body: str = GARBAGE, is_applied: bool = False) -> SlackFault:
        """This HTTP status, with a body that is no JSON."""
        return cls(kind=FaultKind.STATUS, status=status, body=body, is_applied=is_applied)

    @classmethod
    def limited(cls, retry_after_s: int) -> SlackFault:
        """429 with Retry-After."""
        return cls(kind=FaultKind.STATUS, status=429, error="ratelimited", retry_after_s=retry_after_s)

    @classmethod
    def hanging(cls, *, is_applied: bool = False) -> SlackFault:
        """No answer until released."""
        return cls(kind=FaultKind.HANG, is_applied=is_applied)

    @classmethod
    def dropping(cls, *, is_applied: bool = False) -> SlackFault:
        """The connection is cut instead of an answer."""
        return cls(kind=FaultKind.DROP, is_applied=is_applied)

    @classmethod
    def garbling(cls, body: str = GARBAGE, *, is_applied: bool = False) -> SlackFault:
        """200 with a body that is no JSON."""
        return cls(kind=FaultKind.GARBAGE, status=200, body=body, is_applied=is_applied)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> SlackFault:
        """A fault from the control door: its fields by name. Raises NotPossibleError on a field or kind that there is not."""
        try:
            fields: dict[str, Any] = {**given, "kind": FaultKind(given.get("kind", ""))}
            return cls(**fields)
        except (TypeError, ValueError) as exc:
            kinds = ", ".join(FaultKind)
            raise NotPossibleError(f"a fault has kind ({kinds}), error, status, retry_after_s, body, is_applied: {exc}") from exc


@dataclass(kw_only=True)
class Faults:
    """The faults that wait for their calls, per method (or ``*``), first set first used."""

    _waiting: dict[str, list[SlackFault]] = field(default_factory=dict[str, list[SlackFault]])
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, method: str, fault: SlackFault, *, times: int = 1) -> None:
        """The next ``times`` calls of ``method`` fail like this."""
        self._waiting.setdefault(method, []).extend([fault] * times)

    def take(self, method: str) -> SlackFault | None:
        """The fault of this call, if one waits."""
        waiting = self._waiting.get(method) or self._waiting.get(EVERY_METHOD)
        return waiting.pop(0) if waiting else None

    def clear(self) -> None:
        """No more faults; calls that hang are answered."""
        self._waiting.clear()
        self.release()

    def release(self) -> None:
        """Calls that hang now are answered."""
        released, self._released = self._released, asyncio.Event()
        released.set()

    async def hang(self) -> None:
        """Wait for ``release``."""
        await self._released.wait()
