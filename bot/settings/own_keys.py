"""A provider's own keys: its dataclasses (``credential``, ``options``, ``workflow_options``) as sections of the file.

Why sections are made from the dataclasses instead of validating those directly: a provider file may not know pydantic, and an
editor wants the sentence of every key, which stands there as a plain annotation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, TypeAdapter, create_model

from bot.domain.model import Json
from bot.domain.provider import Provider
from bot.settings.connection_schema import ConnectionSection, WorkflowSection
from bot.settings.sections import Section
from bot.settings.words import Flag, Key, Number, RawText, Reference, Whole

_PLAIN: Mapping[Any, Any] = {str: RawText, bool: Flag, int: Whole, float: Number, Decimal: Number}
_REFERENCES: Mapping[Any, Any] = {str: Reference}


@cache
def connection_section(provider: Provider) -> type[ConnectionSection]:
    """The section of a connection at ``provider``: the keys of every connection and its own."""
    title = _title(provider)
    workflow = create_model(
        f"{title}Workflow",
        __base__=WorkflowSection,
        __doc__=f"A workflow at {provider.title}.",
        **_fields(provider.workflow_options, title, _PLAIN),
    )
    credential = create_model(
        f"{title}Credential",
        __base__=Section,
        __doc__=f"What proves who we are at {provider.title}; every value is a reference.",
        **_fields(provider.credential, title, _REFERENCES),
    )
    shared = ConnectionSection.model_fields
    by_id: Any = dict[Key, workflow]
    own: dict[str, Any] = {
        "provider": (Literal[provider.name], Field(description=shared["provider"].description)),
        "credential": (credential, shared["credential"]),
        "workflows": (by_id, shared["workflows"]),
    }
    own_fields = {name: field for name, field in _fields(provider.options, title, _PLAIN).items() if name not in own}
    return create_model(
        f"{title}Connection",
        __base__=ConnectionSection,
        __doc__=f"A connection to {provider.title}.",
        **own,
        **own_fields,
    )


def options_of(provider: Provider, section: ConnectionSection) -> Any:
    """The provider's own settings of a connection, as a value of its ``options`` class."""
    return _made(provider.options, section)


def extras_of(provider: Provider, section: WorkflowSection) -> dict[str, Json]:
    """The provider's own facts that a workflow entry names, as plain JSON; what is None is left out.

    Why defaults are left out too: what a file does not say must not override what the provider tells.
    """
    extras = _plain_fields(_made(provider.workflow_options, section))
    return {name: value for name, value in extras.items() if name in section.model_fields_set}


def own_names(dataclass: type[Any]) -> frozenset[str]:
    """The keys that a provider's dataclass adds."""
    return frozenset(field.name for field in dataclasses.fields(dataclass))


def _made(dataclass: type[Any], section: BaseModel) -> Any:
    """A value of ``dataclass`` from its keys in ``section``; what is not written there gets the dataclass's own default."""
    given = section.model_dump(include=set(own_names(dataclass)), exclude_unset=True)
    return TypeAdapter(dataclass).validate_python(given)


def _title(provider: Provider) -> str:
    return "".join(part.capitalize() for part in provider.name.split("_"))


def _fields(dataclass: type[Any], title: str, plain: Mapping[Any, Any]) -> dict[str, Any]:
    hints = get_type_hints(dataclass, include_extras=True)
    return {
        field.name: (_typed(hints[field.name], title, plain), _default(field))
        for field in dataclasses.fields(dataclass)
        if field.init
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return Field(default_factory=field.default_factory)
    if field.default is dataclasses.MISSING:
        return Field()
    value = field.default
    if value is None or isinstance(value, str | bool | int | float):
        return Field(default=value)
    return Field(default_factory=lambda: value)


def _typed(annotation: Any, title: str, plain: Mapping[Any, Any]) -> Any:
    """``annotation`` with every plain type replaced by ours, and every dataclass by a section."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in plain:
        return plain[annotation]
    if dataclasses.is_dataclass(annotation):
        nested = cast("type[Any]", annotation)
        return create_model(
            f"{title}{nested.__name__}", __base__=Section, __doc__=nested.__doc__, **_fields(nested, title, plain)
        )
    if origin is Annotated:
        sentence = next((note for note in arguments[1:] if isinstance(note, str)), None)
        return Annotated[_typed(arguments[0], title, plain), Field(description=sentence)]
    if origin is None or origin is Literal:
        return annotation
    typed = tuple(one if one is Ellipsis else _typed(one, title, plain) for one in arguments)
    return Union[typed] if origin in {Union, UnionType} else origin[typed]  # noqa: UP007 - a tuple of types cannot be written with |


def _plain_fields(value: Any) -> dict[str, Json]:
    named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: _plain(item) for name, item in named.items() if item is not None}


def _plain(value: Any) -> Json:
    match value:
        case Enum():
            return _plain(value.value)
        case Mapping():
            return {str(key): _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
        case list() | tuple() | frozenset() | set():
            return [_plain(item) for item in cast("list[Any]", value)]
        case float():
            return Decimal(str(value))
        case _ if dataclasses.is_dataclass(value):
            return _plain_fields(value)
        case _:
            return value
