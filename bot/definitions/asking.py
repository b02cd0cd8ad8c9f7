"""The two questions that a provider is asked: which workflows there are, and which inputs one of them takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from bot.domain.errors import LookupFailedError
from bot.domain.model import Connection, Workflow
from bot.domain.provider import (
    Busy,
    CatalogueAnswer,
    DescribeAnswer,
    Described,
    Listed,
    Provider,
    Refused,
    Trouble,
    Unauthorised,
    Unreachable,
    Unsupported,
)
from bot.ports import Wire


class UntoldError(LookupFailedError):
    """The provider did not tell. ``is_closed``: it said no, so that asking again soon helps nobody."""

    def __init__(self, subject: str, cause: str, *, is_closed: bool) -> None:
        super().__init__(subject, cause)
        self.is_closed = is_closed


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Asks providers over the wire. Both questions raise ``UntoldError``."""

    wire: Wire
    providers: Mapping[str, Provider]

    def has_list(self, connection: Connection) -> bool:
        """Whether the provider lists its workflows at all."""
        return self.providers[connection.provider].has_catalogue

    async def list(self, connection: Connection) -> tuple[Workflow, ...]:
        """The provider's own list; empty where it turns out to have none."""
        provider = self.providers[connection.provider]
        answer: CatalogueAnswer = await self.wire.perform(connection.name, provider.catalogue(connection))
        match answer:
            case Listed():
                return answer.workflows
            case Unsupported():
                return ()
            case _:
                raise _untold(f"the workflows of {connection.name}", answer)

    async def describe(self, connection: Connection, workflow: Workflow) -> tuple[Workflow, ...]:
        """The one workflow, as the provider describes it."""
        subject = f"the inputs of {workflow.label} at {connection.name}"
        provider = self.providers[connection.provider]
        answer: DescribeAnswer = await self.wire.perform(connection.name, provider.describe(workflow, connection))
        match answer:
            case Described():
                return (answer.workflow,)
            case Unsupported():
                cause = f"{answer.meaning} An operator can name its inputs in the configuration."
                raise UntoldError(subject, cause, is_closed=True)
            case _:
                raise _untold(subject, answer)


def trouble_words(answer: Trouble) -> str:
    """Why an answer brought nothing, in a sentence."""
    match answer:
        case Refused() | Unauthorised() | Busy():
            return f"{answer.meaning} ({answer.code})"
        case Unreachable():
            return f"no usable answer: {answer.detail}"
        case _:
            assert_never(answer)


def _untold(subject: str, answer: Trouble) -> UntoldError:
    return UntoldError(subject, trouble_words(answer), is_closed=isinstance(answer, Refused | Unauthorised))
