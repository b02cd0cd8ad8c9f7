"""The JSON Schema for editors, and the table of keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

import bot.providers
from bot.settings import configuration_help, configuration_schema
from tests.settings.test_configuration import DESIGN_EXAMPLE
from tests.settings.world import GOOD, PROVIDERS, Acme, changed

SCHEMA = configuration_schema(PROVIDERS)


def errors(text: str, schema: dict[str, Any] = SCHEMA) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize(
    "providers", [PROVIDERS, {"acme_flow": Acme()}, {}, bot.providers.load()], ids=["three", "one", "none", "ours"]
)
def test_the_schema_is_valid_and_plain_json(providers: Any) -> None:
    schema = configuration_schema(providers)

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema


def test_the_schema_accepts_the_example_of_the_design_with_the_parts_that_are_not_built() -> None:
    assert errors(DESIGN_EXAMPLE, configuration_schema(bot.providers.load())) == []


def test_the_schema_accepts_what_is_accepted() -> None:
    assert errors(GOOD.replace("      397:", '      "397":')) == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"${ACME_SECRET}"', "literal", "billing"),
        ("    region: us\n", "    regoin: us\n", "billing"),
        ("region: us", "region: mars", "billing"),
        ("provider: acme_flow", "provider: nobody", "billing"),
        ("poll_every: 30s", "poll_every: soon", "billing"),
        ("type: text, required", "type: txt, required", "billing"),
        ("  C0FINANCE:", "  finance-ops:", "channels"),
        ("  growth:\n", "  Growth Team:\n", "connections"),
        ("U0BOB", "bob", "C0FINANCE"),
        ('        workflows: [396, "Dunning *"]\n', "", "C0FINANCE"),
        ("command: /launch", "command: launch", "slack"),
        ("channels:\n", "chanels:\n", "$"),
    ],
)
def test_the_schema_refuses_what_an_editor_can_see(old: str, new: str, place: str) -> None:
    found = errors(changed(old, new, GOOD.replace("      397:", '      "397":')))

    assert found
    assert any(place in error for error in found)


def test_each_provider_has_its_own_keys_with_their_sentences() -> None:
    sections = SCHEMA["$defs"]

    assert sections["AcmeFlowCredential"]["required"] == ["client_id", "client_secret"]
    assert sections["AcmeFlowCredential"]["properties"]["client_id"]["description"] == "The client's id."
    assert sections["AcmeFlowStep"]["properties"]["step_uid"]["description"] == "Its uid."
    assert "region" not in sections["FreelyConnection"]["properties"]


def test_every_key_is_listed_with_its_sentence() -> None:
    rows = configuration_help(PROVIDERS)
    by_name = {row.name: row for row in rows}

    assert by_name["slack.command"].default == "/launch"
    assert by_name["connections.<name>.region"].sentence == "(acme_flow) Where the tenant lives."
    assert by_name["connections.<name>.region"].default == "eu"
    assert by_name["connections.<name>.is_strict"].default == "false"
    assert by_name["connections.<name>.workflows.<id>.steps[].step_uid"].sentence == "(acme_flow) Its uid."
    assert by_name["connections.<name>.credential.api_key"].sentence == "(freely, scopeless) The key."
    assert by_name["connections.<name>.poll_every"].sentence.startswith("How often")
    assert by_name["channels.<id>.grants[].requesters"].sentence
    assert by_name["freezes[].from"].sentence
    assert len(by_name) == len(rows)


def test_every_key_of_our_own_providers_has_a_sentence() -> None:
    rows = configuration_help(bot.providers.load())

    assert [row.name for row in rows if not row.sentence.strip().endswith((".", "!", "?"))] == []
