"""The digest changes with what the configuration means, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.settings.world import ENVIRONMENT, GOOD, changed, read

SAME = {
    "a comment": ("slack:\n", "# for finance\nslack:\n"),
    "another variable for a credential": ('"${ACME_SECRET}"', '"${FREELY_KEY}"'),
    "quotes": ("region: us", 'region: "us"'),
    "keys in another order": ("    region: us\n    entity_ids: [e1, 42]\n", "    entity_ids: [e1, 42]\n    region: us\n"),
    "scopes in another order": ("[Run Access, View Access]", "[View Access, Run Access]"),
    "requesters in another order": ("[members, U0BOB, S0LEADS]", "[S0LEADS, members, U0BOB]"),
    "workflows in another order": ('[396, "Dunning *"]', '["Dunning *", 396]'),
    "a channel's name": ("name: finance-ops", "name: finance"),
    "no channel's name": ("    name: finance-ops\n", ""),
    "the pace": ("poll_every: 30s", "poll_every: 5s"),
    "the time-out": ("    timeout: 2m\n", ""),
    "a label and a hint": ("type: text, required: true", "type: text, required: true, label: Account, hint: Which one"),
    "a default that is written out": ("    region: us\n", "    region: us\n    retries: 2\n"),
    "a slash": ("https://api.acme.example", "https://api.acme.example/"),
    "the command": ("command: /launch", "command: /go"),
}
OTHER = {
    "the base URL": ("https://api.acme.example", "https://api2.acme.example"),
    "a provider's own key": ("region: us", "region: eu"),
    "an entity": ("entity_ids: [e1, 42]", "entity_ids: [e1]"),
    "a workflow's name, which grants may match": ("name: Dunning run", "name: Dunning"),
    "a workflow's id": ("      397:\n", "      398:\n"),
    "a workflow's version": ("        record: deal\n", '        record: deal\n        version: "2"\n'),
    "a workflow's own facts": ("record: deal", "record: lead"),
    "a fact inside a workflow's own facts": ("depth: 2.5", "depth: 2.50001"),
    "inputs that nobody told": ("        inputs: {}\n", ""),
    "an input's type": ("type: text, required: true", "type: email, required: true"),
    "an input that is required": ("type: text, required: true", "type: text"),
    "an input's default": ("default: 10.50", "default: 10.51"),
    "an input's options": ("[std, rush]", "[std, rush, slow]"),
    "an input's name, in capitals": ("accountId:", "AccountId:"),
    "a scope": ("[Run Access, View Access]", "[Run Access]"),
    "a requester": ("[members, U0BOB, S0LEADS]", "[U0BOB, S0LEADS]"),
    "a granted workflow": ('[396, "Dunning *"]', "[396]"),
    "a channel": ("  C0FINANCE:\n", "  C0SALES:\n"),
    "a shared channel": ("    shared: true\n", ""),
    "the provider": ("provider: freely", "provider: scopeless"),
}


def digest_of(folder: Path, text: str) -> str:
    return read(folder, text).policy.digest


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_the_digest_stays(tmp_path: Path, old: str, new: str) -> None:
    assert digest_of(tmp_path, changed(old, new)) == digest_of(tmp_path, GOOD)


@pytest.mark.parametrize(("old", "new"), OTHER.values(), ids=OTHER)
def test_the_digest_changes(tmp_path: Path, old: str, new: str) -> None:
    assert digest_of(tmp_path, changed(old, new)) != digest_of(tmp_path, GOOD)


def test_every_change_gives_a_digest_of_its_own(tmp_path: Path) -> None:
    digests = {digest_of(tmp_path, changed(old, new)) for old, new in OTHER.values()}

    assert len(digests) == len(OTHER)


def test_a_credential_that_is_renewed_does_not_change_the_digest(tmp_path: Path) -> None:
    renewed = {**ENVIRONMENT, "ACME_SECRET": "another-made-up-secret"}

    assert read(tmp_path, GOOD, environment=renewed).policy.digest == digest_of(tmp_path, GOOD)


def test_what_a_reference_stands_for_counts_outside_credentials(tmp_path: Path) -> None:
    text = changed("https://api.acme.example", "https://${TENANT}.acme.example")
    moved = {**ENVIRONMENT, "TENANT": "tenant8"}

    assert read(tmp_path, text, environment=moved).policy.digest != read(tmp_path, text).policy.digest


def test_text_and_number_are_not_the_same(tmp_path: Path) -> None:
    assert digest_of(tmp_path, changed("depth: 2.5", 'depth: "2.5"')) != digest_of(tmp_path, GOOD)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_keys_and_rules_never_counts(tmp_path: Path, random: object) -> None:
    shuffled = _shuffled(yaml.safe_load(GOOD.replace("10.50", "10.5")), random, "")

    assert digest_of(tmp_path, yaml.safe_dump(shuffled, sort_keys=False)) == digest_of(tmp_path, GOOD.replace("10.50", "10.5"))


def _shuffled(value: object, random: object, key: str) -> object:
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {name: _shuffled(item, random, name) for name, item in items}
    if isinstance(value, list) and key in {"grants", "scopes", "workflows", "requesters"}:
        items = [_shuffled(item, random, "") for item in value]
        random.shuffle(items)
        return items
    return value
