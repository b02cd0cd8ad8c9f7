"""Three small providers and one whole configuration, for the tests of settings. Nothing in settings knows the real five."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from bot.domain.errors import SettingsError
from bot.domain.model import NOTHING, Connection, Json
from bot.domain.provider import Pace, Provider, Scope, Secret
from bot.settings import Configuration, read_configuration


@dataclass(frozen=True, kw_only=True)
class AcmeCredential:
    client_id: Annotated[str, "The client's id."]
    client_secret: Annotated[str, "The client's secret."]
    session: Annotated[str | None, "A session, for some clients."] = None


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where our launch id stands."""

    object: Annotated[str, "Which object."]
    field: Annotated[str, "Which field."] = "Launch"


@dataclass(frozen=True, kw_only=True)
class AcmeOptions:
    region: Annotated[Literal["eu", "us"], "Where the tenant lives."] = "eu"
    entity_ids: Annotated[tuple[str, ...], "Entities to act for."] = ()
    retries: Annotated[int, "How often."] = 2
    share: Annotated[float | None, "How much of it."] = None
    is_strict: Annotated[bool, "Whether it minds."] = False
    mark: Annotated[Mark | None, "Where our launch id stands."] = None
    correlation: Annotated[Mark | None, "Nothing uses it yet."] = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step."""

    step_uid: Annotated[str, "Its uid."]
    accounts: Annotated[tuple[str, ...], "Accounts."] = ()
    parameters: Annotated[Mapping[str, Json], "Anything."] = field(default=NOTHING)
    note: Annotated[str | None, "A note."] = None


@dataclass(frozen=True, kw_only=True)
class AcmeWorkflow:
    message_name: Annotated[str | None, "How it is called there."] = None
    steps: Annotated[tuple[Step, ...], "Its steps."] = ()
    record: Annotated[Literal["deal", "lead"] | None, "What it is about."] = None


@dataclass(frozen=True, kw_only=True)
class KeyOnly:
    api_key: Annotated[str, "The key."]


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """No keys."""


class Acme(Provider):
    """A provider with every kind of key."""

    name = "acme_flow"
    title = "Acme Flow"
    documents = "https://acme.example/docs"
    pace = Pace(first_s=1, most_s=2, source="https://acme.example/docs")
    scopes = (
        Scope(name="Run Access", allows=("launch",), meaning="start", source="https://acme.example/docs"),
        Scope(name="View Access", allows=("list",), meaning="look", source="https://acme.example/docs"),
    )
    credential = AcmeCredential
    options = AcmeOptions
    workflow_options = AcmeWorkflow
    not_built = ("correlation",)

    def credential_problems(self, credential: Mapping[str, Secret], connection: Connection) -> tuple[str, ...]:
        """Quotes what it is given, as no provider should, so that tests see that it is hidden all the same."""
        if credential["client_id"].reveal() == credential["client_secret"].reveal():
            return (f"client_id and client_secret are both {credential['client_id'].reveal()}, at {connection.name}",)
        return ()


class Freely(Provider):
    """A provider whose scopes are ids, and that lists its workflows."""

    has_catalogue = True
    name = "freely"
    title = "Freely"
    documents = "https://freely.example/docs"
    pace = Acme.pace
    is_scope_free_text = True
    credential = KeyOnly
    options = Nothing
    workflow_options = Nothing


class Scopeless(Freely):
    """A provider without scopes."""

    name = "scopeless"
    title = "Scopeless"
    is_scope_free_text = False


PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in (Acme(), Freely(), Scopeless())}

ENVIRONMENT = {
    "ACME_ID": "made-up-client-id",
    "ACME_SECRET": "made-up-client-secret",
    "FREELY_KEY": "made-up-freely-key",
    "TENANT": "tenant7",
    "EMPTY": "",
    "BLANK": "  ",
    "TWO_LINES": "one\ntwo",
}

GOOD = """\
slack:
  command: /launch
connections:
  billing:
    provider: acme_flow
    base_url: https://api.acme.example
    credential:
      client_id: "${ACME_ID}"
      client_secret: "${ACME_SECRET}"
    region: us
    entity_ids: [e1, 42]
    mark: {object: Case}
    poll_every: 30s
    timeout: 2m
    workflows:
      "396":
        name: Dunning run
        record: deal
        inputs:
          accountId: {type: text, required: true}
          maxAmount: {type: decimal, default: 10.50}
          kind: {type: choice, options: [std, rush], default: std}
          tags: {type: multi_choice, options: [a, b], default: [a]}
      397:
        steps: [{step_uid: s-1, parameters: {depth: 2.5, "on": null}}]
        inputs: {}
  growth:
    provider: freely
    base_url: http://127.0.0.1:8080/freely/
    credential: {api_key: "${FREELY_KEY}"}
channels:
  C0FINANCE:
    name: finance-ops
    grants:
      - connection: billing
        scopes: [Run Access, View Access]
        workflows: [396, "Dunning *"]
        requesters: [members, U0BOB, S0LEADS]
      - connection: growth
        workflows: ["*"]
        requesters: [U0ALICE]
  G0PRIVATE:
    shared: true
    grants: []
"""


def changed(old: str, new: str, text: str = GOOD) -> str:
    """``text`` with one change; the change must apply exactly once."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text"
    return text.replace(old, new)


def line_of(part: str, text: str) -> int:
    """The line in which ``part`` first stands."""
    return text[: text.index(part)].count("\n") + 1


def read(
    folder: Path,
    text: str | bytes,
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    providers: Mapping[str, Provider] = PROVIDERS,
) -> Configuration:
    """Read ``text`` as the file ``gonogo.yaml``."""
    path = folder / "gonogo.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_configuration(path, providers=providers, environment=environment)


def problems(folder: Path, text: str | bytes, **given: Any) -> list[str]:
    """What is wrong with ``text``, each line beginning with ``gonogo.yaml:``; nothing where it is accepted."""
    try:
        read(folder, text, **given)
    except SettingsError as error:
        return [problem.removeprefix(f"{folder}/") for problem in error.problems]
    return []


def only_problem(folder: Path, text: str | bytes, **given: Any) -> str:
    """The one thing that is wrong with ``text``."""
    found = problems(folder, text, **given)
    if len(found) != 1:
        pytest.fail(f"expected one problem, not {found}")
    return found[0]
