"""What can be made to go wrong at a stand-in, and the line in which faults wait for the request that they befall."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """The provider answers ``status``, with its own body for it."""
    HANG = "hang"
    """No answer until the stand-ins are told to release, or the client gives up."""
    DROP = "drop"
    """The connection is cut without an answer."""
    GARBAGE = "garbage"
    """200 with bytes that are no JSON although they say so."""
    HTML = "html"
    """200 with a web page."""
    TRUNCATED = "truncated"
    """Half of a body, then the connection is cut."""
    ENORMOUS = "enormous"
    """200 with ``size_bytes`` of JSON, streamed until the client gives up."""
    REDIRECT = "redirect"
    """307 to ``location``, another host."""
    EXPIRE = "expire"
    """The credential or session is not accepted this once."""
    REFUSE_SCOPE = "refuse_scope"
    """The credential lacks the scope this once."""
    LATE = "late"
    """The answer is lost; the run is applied only ``delay_s`` later, and no list shows it before."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong. ``is_applied``: the provider did what was asked before it went wrong; else it never did.

    A hang that is not applied goes on as if nothing had been once it is released. ``retry_after_s`` goes with ``status``.
    """

    kind: FaultKind
    is_applied: bool = False
    status: int = 500
    retry_after_s: float | None = None
    delay_s: float = 1.0
    size_bytes: int = 1_000_000_000
    location: str = "https://elsewhere.invalid/"


CREDENTIAL_KINDS = frozenset({FaultKind.EXPIRE, FaultKind.REFUSE_SCOPE})


@dataclass
class FaultLine:
    """The faults that wait at one stand-in, with the verb that each is for, in the order in which they were asked for."""

    waiting: list[tuple[str, Fault]] = field(default_factory=list[tuple[str, Fault]])

    def add(self, fault: Fault, *, verb: str, times: int) -> None:
        """Let ``fault`` befall the next ``times`` requests of ``verb`` (``any``: whatever they ask)."""
        self.waiting += [(verb, fault)] * times

    def take(self, verb: str) -> Fault | None:
        """The fault for a request of ``verb``, used up by it: one asked for by this name first."""
        named = [each for each in self.waiting if each[0] == verb]
        loose = [each for each in self.waiting if each[0] == "any" and _befalls(each[1], verb)]
        found = next(iter(named + loose), None)
        if found is None:
            return None
        self.waiting.remove(found)
        return found[1]


def _befalls(fault: Fault, verb: str) -> bool:
    """Whether a fault for any verb fits this one: a run comes late of a start only, and a session expires where one is used."""
    if fault.kind is FaultKind.LATE:
        return verb == "start"
    return not (fault.kind in CREDENTIAL_KINDS and verb == "login")
