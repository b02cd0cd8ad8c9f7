"""Connections, their workflows and inputs: what a file may say about them (design.md, section 3)."""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from bot.domain.inputs import read_default
from bot.domain.model import InputSpec, InputType, Json, Problem
from bot.domain.tokens import looks_like_token
from bot.settings.faults import nearest, subject_fault
from bot.settings.rule_schema import token_fault
from bot.settings.sections import Section, known
from bot.settings.words import BaseUrl, Flag, InputName, Key, LongText, PollEvery, Reference, Text, Timeout, as_text

MOST_OPTIONS = 100

_NOT_TEXT = frozenset({InputType.BOOLEAN, InputType.DECIMAL, InputType.INTEGER, InputType.JSON})


def _input_type(value: Json) -> InputType:
    words = [word.value for word in InputType]
    if value not in words:
        raise subject_fault(f"is no input type{nearest(str(value), words)}")
    return InputType(value)


def _options(options: list[str], info: ValidationInfo) -> list[str]:
    takes_options = info.data.get("type") in {InputType.CHOICE, InputType.MULTI_CHOICE}
    if "type" not in info.data:
        return options
    if takes_options and not options:
        raise ValueError("is missing: a choice needs at least one option")
    if options and not takes_options:
        raise ValueError("goes with the types choice and multi_choice only")
    if len(set(options)) < len(options):
        raise ValueError("names one option twice")
    return options


def _many(many: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic passes it so
    if many and info.data.get("type") is InputType.SECRET:
        raise ValueError("a secret is one value: give each one an input of its own")
    return many


def _secret_name(name: str) -> str:
    if not re.fullmatch(r"[\w.-]{1,100}", name) or looks_like_token(name):
        raise ValueError("is no name for a secret: up to 100 letters, digits, points, - and _, such as portal-login")
    return name


def _default(value: Json, info: ValidationInfo) -> Json:
    """Kept as it is written: a launch reads it by the same rules as what people type."""
    input_type, options = info.data.get("type"), info.data.get("options")
    if value is None or input_type is None or options is None:
        return value
    if input_type is InputType.SECRET:
        raise ValueError("a secret has no default: it would stand in this file")
    many = info.data.get("many") is True or input_type is InputType.MULTI_CHOICE
    token_fault(value)
    if isinstance(value, list) != many and input_type is not InputType.JSON:
        raise ValueError("must be a list, as this input takes several values" if many else "must be one value")
    if input_type not in _NOT_TEXT:
        for item in cast("list[Json]", value) if many else [value]:
            as_text(item)
    read = read_default(InputSpec(name="default", type=input_type, options=tuple(options), many=many, default=value))
    if isinstance(read, Problem):
        raise ValueError(f"must be {read.facts['expected']}")  # noqa: TRY004 - pydantic listens to ValueError
    return value


def _provider(value: Json, info: ValidationInfo) -> Json:
    providers = known(info).providers
    name = as_text(value)
    if not isinstance(name, str) or name not in providers:
        raise subject_fault(f"is no provider{nearest(str(name), providers)}")
    return name


SecretKey = Annotated[Key, AfterValidator(_secret_name)]
KnownProvider = Annotated[str, BeforeValidator(_provider, json_schema_input_type=str)]
TypeWord = Annotated[InputType, BeforeValidator(_input_type), WithJsonSchema({"enum": [word.value for word in InputType]})]


class InputSection(Section):
    """One input of a workflow."""

    type: TypeWord = Field(default=InputType.TEXT, description="What it takes.")
    required: Flag = Field(default=False, description="Whether a launch must give it.")
    label: LongText | None = Field(default=None, description="What people read instead of its name.")
    hint: LongText | None = Field(default=None, description="A sentence that helps to fill it in.")
    many: Annotated[Flag, AfterValidator(_many)] = Field(default=False, description="Whether it takes a list of such values.")
    options: Annotated[list[Text], AfterValidator(_options)] = Field(
        default_factory=list,
        max_length=MOST_OPTIONS,
        validate_default=True,
        description="What may be chosen, for the types choice and multi_choice.",
    )
    default: Annotated[Any, AfterValidator(_default)] = Field(default=None, description="The value where a launch gives none.")


class WorkflowSection(Section):
    """One workflow, by its id at the provider; fills or overrides what the provider tells."""

    name: Text | None = Field(default=None, description="What people call it.")
    version: Text | None = Field(default=None, description="The version to launch, where the provider has versions.")
    inputs: dict[InputName, InputSection] | None = Field(
        default=None,
        description="Its inputs by name. Without this key the provider is asked; {} says that there are none.",
    )


class ConnectionSection(Section):
    """One credential at one provider, by the name that people type."""

    provider: KnownProvider = Field(description="Which provider this is.")
    base_url: BaseUrl = Field(description="Where its API is, such as https://api.example.com.")
    credential: Any = Field(description="What proves who we are, every value a reference: ${NAME} or ${file:/path}.")
    poll_every: PollEvery | None = Field(
        default=None, description="How often a running launch is asked about, instead of what the provider advises."
    )
    timeout: Timeout | None = Field(default=None, description="How long one call may take.")
    secrets: dict[SecretKey, Reference] = Field(
        default_factory=dict, description="Values for inputs of the type secret, by the name to pick."
    )
    workflows: dict[Key, WorkflowSection] = Field(default_factory=dict, description="Workflows by their id at the provider.")


class LooseWorkflow(WorkflowSection):
    """A workflow of a connection whose provider is not known: its own keys cannot be judged."""

    model_config = ConfigDict(extra="allow")


class LooseConnection(ConnectionSection):
    """A connection whose provider is not known: its own keys cannot be judged."""

    model_config = ConfigDict(extra="allow")

    credential: dict[str, Reference] = Field(description="What proves who we are.")
    workflows: dict[Key, LooseWorkflow] = Field(default_factory=dict, description="Workflows.")  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen, so never written to
