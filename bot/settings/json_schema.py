"""The configuration file's JSON Schema, for editors (``gonogo check --schema``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import Field, create_model

from bot.domain.provider import Provider
from bot.settings.connection_schema import ConnectionSection
from bot.settings.own_keys import connection_section
from bot.settings.schema import FileSection
from bot.settings.words import ConnectionName

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def configuration_schema(providers: Mapping[str, Provider]) -> dict[str, Any]:
    """JSON Schema 2020-12 of the whole file, with the own keys of each of ``providers``."""
    by_name: Any = dict[ConnectionName, _any_connection(providers)]
    whole = create_model(
        "Gonogo",
        __base__=FileSection,
        __doc__="The configuration file of Gonogo.",
        connections=(by_name, FileSection.model_fields["connections"]),
    )
    schema = whole.model_json_schema()
    for name in ("connections", "channels"):
        schema["properties"][name]["additionalProperties"] = False  # pydantic says which keys fit, and not that no others do
    return {"$schema": DIALECT, **schema}


def _any_connection(providers: Mapping[str, Provider]) -> Any:
    sections: list[Any] = [connection_section(provider) for provider in providers.values()]
    if len(sections) < 2:  # noqa: PLR2004 - pydantic tells apart two or more
        return sections[0] if sections else ConnectionSection
    return Annotated[Union[tuple(sections)], Field(discriminator="provider")]  # noqa: UP007 - a tuple of types cannot be written with |
