"""No secret is ever told: not in a problem, not in an exception's chain, not in a repr, not in a log."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import SettingsError
from bot.settings import read_settings
from tests.settings.world import ENVIRONMENT, GOOD, changed, problems, read

LITERAL = "sentinel-literal-7f3a"
KEPT = "sentinel-kept-in-environment-91c"
HIDDEN = {**ENVIRONMENT, "ACME_SECRET": KEPT, "ACME_ID": f"{KEPT}-id", "FREELY_KEY": f"{KEPT}-key", "LEAK": f"{KEPT}-leak"}

PLACES = {
    "a literal in a credential": ('"${ACME_SECRET}"', LITERAL),
    "a literal in quotes": ('"${ACME_SECRET}"', f'"{LITERAL}"'),
    "a literal that is a list": ('"${ACME_SECRET}"', f"[{LITERAL}]"),
    "a literal that is a mapping": ('"${ACME_SECRET}"', f"{{value: {LITERAL}}}"),
    "a literal that is a key": ('"${ACME_SECRET}"', f"{{{LITERAL}: }}"),
    "a literal that is a key of the credential": ('      client_id: "${ACME_ID}"', f"      {LITERAL}: x"),
    "a literal as the whole credential": ('credential: {api_key: "${FREELY_KEY}"}', f"credential: {LITERAL}"),
    "a literal beside a reference": ('"${ACME_SECRET}"', f'"{LITERAL} ${{ACME_SECRET}}"'),
    "a literal as the default of a reference": ('"${ACME_SECRET}"', f'"${{ACME_SECRET:-{LITERAL}}}"'),
    "a literal in a reference that is not closed": ('"${ACME_SECRET}"', f'"${{{LITERAL}"'),
    "a literal in a key that nobody knows": ('      client_id: "${ACME_ID}"', f"      clientid: {LITERAL}"),
    "a literal as a secret": ("    poll_every: 30s\n", f"    secrets: {{signing: {LITERAL}}}\n"),
    "a literal that YAML takes for an alias": ('"${ACME_SECRET}"', f"*{LITERAL}"),
    "a literal that YAML takes for a tag": ('"${ACME_SECRET}"', f"!{LITERAL} x"),
    "a literal with a colon": ('"${ACME_SECRET}"', f"{LITERAL}: {LITERAL}"),
    "a password in a base URL": ("https://api.acme.example", f"https://me:{LITERAL}@api.acme.example"),
    "a key in the query of a base URL": ("https://api.acme.example", f"https://api.acme.example/?key={LITERAL}"),
    "a secret as a base URL": ("https://api.acme.example", '"${LEAK}"'),
    "a secret as a provider": ("provider: acme_flow", 'provider: "${LEAK}"'),
    "a secret as a region": ("region: us", 'region: "${LEAK}"'),
    "a secret as a duration": ("poll_every: 30s", 'poll_every: "${LEAK}"'),
    "a secret as an input type": ("type: text, required: true", 'type: "${LEAK}"'),
    "a secret as a default": ("default: std", 'default: "${LEAK}"'),
    "a secret as a connection": ("connection: billing", 'connection: "${LEAK}"'),
    "a secret as a scope": ("[Run Access, View Access]", '["${LEAK}"]'),
    "a secret as a requester": ("U0BOB", '"${LEAK}"'),
    "a secret as the command": ("command: /launch", 'command: "${LEAK}"'),
    "a credential that the provider quotes": ('"${ACME_SECRET}"', '"${ACME_ID}"'),
    "a literal in a tab": ('      client_secret: "${ACME_SECRET}"', f"\t{LITERAL}: x"),
}


@pytest.mark.parametrize(("old", "new"), PLACES.values(), ids=PLACES)
def test_no_problem_tells_a_secret_wherever_it_was_put(tmp_path: Path, old: str, new: str) -> None:
    text = changed(old, new)

    found = problems(tmp_path, text, environment=HIDDEN)

    assert found
    told = "\n".join(found)
    assert LITERAL not in told
    assert KEPT not in told


@pytest.mark.parametrize(("old", "new"), PLACES.values(), ids=PLACES)
def test_no_traceback_tells_a_secret(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, changed(old, new), environment=HIDDEN)

    assert LITERAL not in "".join(traceback.format_exception(caught.value))
    assert KEPT not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None


def test_a_configuration_does_not_show_its_secrets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        configuration = read(tmp_path, GOOD, environment=HIDDEN)

    assert KEPT not in repr(configuration)
    assert KEPT not in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    place=st.sampled_from(sorted(PLACES)),
    cut=st.integers(min_value=0, max_value=len(GOOD)),
    sign=st.sampled_from(list("\t*!&:{[\"'")),
)
def test_a_second_fault_does_not_bring_a_secret_to_light(tmp_path: Path, place: str, cut: int, sign: str) -> None:
    text = changed(*PLACES[place])
    torn = text[:cut] + sign + text[cut:]

    told = "\n".join(problems(tmp_path, torn, environment=HIDDEN))

    assert KEPT not in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", f"xapp-{LITERAL}"),
        ("SLACK_BOT_TOKEN", LITERAL),
        ("SLACK_BOT_TOKEN", f"xoxb-{LITERAL} x"),
        ("SLACK_APP_TOKEN", f"xoxb-{LITERAL}"),
        ("SLACK_SIGNING_SECRET", f"xoxb-{LITERAL}"),
        ("SLACK_SIGNING_SECRET", f"{LITERAL} x"),
        ("SLACK_API_URL", f"https://me:{LITERAL}@slack.com/"),
        ("GONOGO_DATABASE_URL", f"mysql://me:{LITERAL}@host/db"),
        ("GONOGO_HTTP_HOST", f"http://{LITERAL}"),
        ("GONOGO_HTTP_PORT", LITERAL),
        ("GONOGO_LOG_FORMAT", LITERAL),
    ],
)
def test_no_problem_of_the_environment_tells_what_was_set(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value}, dotenv=None)

    assert [problem.split(":")[0] for problem in caught.value.problems] == [name]
    assert LITERAL not in "".join(traceback.format_exception(caught.value))


def test_settings_do_not_show_their_tokens() -> None:
    tokens = {"SLACK_BOT_TOKEN": f"xoxb-{LITERAL}", "SLACK_APP_TOKEN": f"xapp-{LITERAL}", "SLACK_SIGNING_SECRET": LITERAL}

    assert LITERAL not in repr(read_settings(tokens, dotenv=None))
