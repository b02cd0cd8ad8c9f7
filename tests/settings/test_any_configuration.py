"""Whatever the file holds, it is read or refused with lines for people: never a trace."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import bot.providers
from tests.settings.world import GOOD, PROVIDERS, changed, problems, read

LINE = re.compile(r"gonogo\.yaml:[1-9][0-9]*: .+", re.DOTALL)
relaxed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=150
)

words = st.sampled_from(
    [
        "slack",
        "command",
        "connections",
        "provider",
        "base_url",
        "credential",
        "client_id",
        "client_secret",
        "workflows",
        "inputs",
        "type",
        "options",
        "default",
        "many",
        "channels",
        "C0FINANCE",
        "grants",
        "connection",
        "scopes",
        "requesters",
        "approval",
        "limits",
        "freezes",
        "from",
        "to",
        "except",
        "name",
        "billing",
        "acme_flow",
        "freely",
        "secrets",
        "poll_every",
        "text",
        "choice",
        "json",
        "mark",
        "object",
        "steps",
        "step_uid",
        "30s",
        "/launch",
        "members",
        "${ACME_ID}",
        "${NONE}",
        "${",
        "$${",
        "396",
        "1.5",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | words | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.integers() | st.text(max_size=5), inner, max_size=4),
    max_leaves=25,
)


def assert_lines(found: list[str]) -> None:
    assert all(LINE.fullmatch(line) for line in found), found
    numbers = [int(line.split(":")[1]) for line in found]
    assert numbers == sorted(numbers)


@relaxed
@given(st.text(max_size=200))
@example("\ufeff")
@example("\x85")
@example("a: \u2028 b")
def test_any_text(tmp_path: Path, text: str) -> None:
    assert_lines(problems(tmp_path, text.encode("utf-8", "surrogatepass")))


@relaxed
@given(st.binary(max_size=100))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    assert_lines(problems(tmp_path, content))


@relaxed
@given(st.dictionaries(st.sampled_from(["slack", "connections", "channels", "freezes", "other"]), values))
def test_any_values(tmp_path: Path, value: Any) -> None:
    assert_lines(problems(tmp_path, yaml.safe_dump(value, allow_unicode=True)))


@relaxed
@given(value=values, seed=st.integers())
def test_any_value_in_any_place_of_a_good_file(tmp_path: Path, value: Any, seed: int) -> None:
    document = yaml.safe_load(GOOD)
    _put(document, value, random.Random(seed))  # noqa: S311 - a place, not a secret

    assert_lines(problems(tmp_path, yaml.safe_dump(document, allow_unicode=True)))


@relaxed
@given(cut=st.integers(min_value=0, max_value=len(GOOD)), piece=st.text(max_size=6))
def test_any_piece_torn_into_a_good_file(tmp_path: Path, cut: int, piece: str) -> None:
    assert_lines(problems(tmp_path, (GOOD[:cut] + piece + GOOD[cut:]).encode("utf-8", "replace")))


@relaxed
@given(value=values)
def test_any_value_as_a_connection_of_each_of_our_providers(tmp_path: Path, value: Any) -> None:
    for name in bot.providers.load():
        connection = {
            "provider": name,
            "base_url": "https://x.example",
            **(value if isinstance(value, dict) else {"credential": value}),
        }
        text = yaml.safe_dump({"connections": {"one": connection}}, allow_unicode=True)

        assert_lines(problems(tmp_path, text, providers=bot.providers.load()))


def _put(document: Any, value: Any, chance: random.Random) -> None:
    """Replace what stands in one place, wherever that is."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(document[key], dict | list) or not document[key] or chance.random() < 0.2:
            document[key] = value
            return
        document = document[key]


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    first, second = read(tmp_path, GOOD), read(tmp_path, GOOD)

    assert (first.connections, first.policy, first.command) == (second.connections, second.policy, second.command)


def test_a_large_configuration_is_still_read(tmp_path: Path) -> None:
    grant = '      - connection: growth\n        workflows: ["*"]\n        requesters: [U0ALICE]\n'

    configuration = read(tmp_path, changed(grant, grant * 500))

    assert len(configuration.policy.channels["C0FINANCE"].grants) == 501
    assert configuration.connections.keys() <= {"billing", "growth"}
    assert PROVIDERS
