"""What all sections of the file share: they refuse unknown keys, and know what else the file names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from bot.domain.provider import Provider
from bot.settings.faults import nearest, subject_fault
from bot.settings.words import RawText


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a section may refer to: the providers by name, and the connections with their provider (None: it is no known one)."""

    providers: Mapping[str, Provider]
    connections: Mapping[str, Provider | None]


class Section(BaseModel):
    """Any mapping of the file: unknown keys are refused, and nothing that pydantic says shows a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def known(info: ValidationInfo) -> Known:
    """What the section that is being validated may refer to."""
    return cast("Known", info.context)


def _connection(name: str, info: ValidationInfo) -> str:
    connections = known(info).connections
    if name not in connections:
        raise subject_fault(f"is no connection{nearest(name, connections)}")
    return name


KnownConnection = Annotated[RawText, AfterValidator(_connection)]
