"""Settings from the environment and ``.env``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import SettingsError
from bot.settings import SETTINGS_HELP, Settings, read_environment, read_settings

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-made-up", "SLACK_APP_TOKEN": "xapp-made-up", "SLACK_SIGNING_SECRET": "made-up"}


def problems(**environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings(environment, dotenv=None)
    return caught.value.problems


def test_without_anything_set_the_defaults_hold() -> None:
    assert read_settings({}, dotenv=None) == Settings(
        slack_bot_token=None,
        slack_app_token=None,
        slack_signing_secret=None,
        slack_api_url="https://slack.com/api/",
        config_path=Path("gonogo.yaml"),
        database_url="sqlite:///gonogo.db",
        http_host="127.0.0.1",
        http_port=3000,
        log_format="json",
    )


def test_everything_can_be_set() -> None:
    given_settings = {
        **TOKENS,
        "SLACK_API_URL": "http://127.0.0.1:9000/api",
        "GONOGO_CONFIG": "other.yaml",
        "GONOGO_DATABASE_URL": "postgresql://host/db",
        "GONOGO_HTTP_HOST": "::",
        "GONOGO_HTTP_PORT": "0",
        "GONOGO_LOG_FORMAT": "console",
        "PATH": "is ignored",
    }

    settings = read_settings(given_settings, dotenv=None)

    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.reveal() == "xoxb-made-up"
    assert (settings.slack_api_url, settings.config_path) == ("http://127.0.0.1:9000/api/", Path("other.yaml"))
    assert (settings.database_url, settings.http_host) == ("postgresql://host/db", "::")
    assert (settings.http_port, settings.log_format) == (0, "console")


def test_an_empty_variable_counts_as_unset() -> None:
    settings = read_settings({"SLACK_BOT_TOKEN": "", "GONOGO_HTTP_PORT": "  ", "GONOGO_CONFIG": ""}, dotenv=None)

    assert (settings.slack_bot_token, settings.http_port, settings.config_path) == (None, 3000, Path("gonogo.yaml"))


def test_space_around_a_value_is_not_part_of_it() -> None:
    settings = read_settings({"SLACK_BOT_TOKEN": " xoxb-made-up\n"}, dotenv=None)

    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.reveal() == "xoxb-made-up"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SLACK_BOT_TOKEN", "xapp-made-up", "begins with xapp-, so it is an app-level token, which belongs into SLACK_APP_TOKEN"),
        ("SLACK_BOT_TOKEN", "xoxp-made-up", "begins with xoxp-, so it is a user token; here goes one that begins with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxe.xoxb-made-up", "a token of an app with token rotation, which must be switched off"),
        ("SLACK_BOT_TOKEN", "made-up", "does not begin with xoxb-: copy the whole token"),
        ("SLACK_BOT_TOKEN", "xoxb-made up", "holds a space"),
        ("SLACK_APP_TOKEN", "xoxb-made-up", "begins with xoxb-, so it is a bot token, which belongs into SLACK_BOT_TOKEN"),
        ("SLACK_APP_TOKEN", "made-up", "does not begin with xapp-"),
        ("SLACK_SIGNING_SECRET", "xapp-made-up", "is a token: the signing secret stands under Basic Information"),
        ("SLACK_SIGNING_SECRET", "made up", "holds a space"),
        ("SLACK_API_URL", "http://slack.example/api", "must begin with https://"),
        ("SLACK_API_URL", "slack.com", "must begin with https://"),
        ("GONOGO_DATABASE_URL", "gonogo.db", "must be sqlite:///file.db or postgresql://host/database"),
        ("GONOGO_DATABASE_URL", "sqlite://", "must be sqlite:///file.db"),
        ("GONOGO_DATABASE_URL", "mysql://host/db", "must be sqlite:///file.db"),
        ("GONOGO_HTTP_HOST", "http://host", "must be a host name or an address, without scheme and port"),
        ("GONOGO_HTTP_PORT", "65536", "must be a port: a whole number from 0 to 65535"),
        ("GONOGO_HTTP_PORT", "-1", "must be a port"),
        ("GONOGO_HTTP_PORT", "3_000", "must be a port"),
        ("GONOGO_HTTP_PORT", "٣", "must be a port"),
        ("GONOGO_LOG_FORMAT", "jsno", 'is no log format; did you mean "json"?'),
        ("GONOGO_LOG_FORMAT", "xml", "is no log format; known here: console, json"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_the_name_of_its_variable(name: str, value: str, says: str) -> None:
    found = problems(**{name: value})

    assert len(found) == 1
    assert found[0].startswith(f"{name}: ")
    assert says in found[0]


def test_every_problem_is_told_at_once() -> None:
    found = problems(SLACK_BOT_TOKEN="x", SLACK_APP_TOKEN="x", GONOGO_HTTP_PORT="x", GONOGO_LOG_FORMAT="x", SLACK_API_URL="x")

    names = [problem.split(":")[0] for problem in found]
    assert names == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "GONOGO_HTTP_PORT", "GONOGO_LOG_FORMAT"]


@pytest.mark.parametrize(
    ("names", "mode"),
    [
        (["SLACK_BOT_TOKEN"], None),
        (["SLACK_APP_TOKEN"], "socket"),
        (["SLACK_SIGNING_SECRET"], "http"),
        (["SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"], "socket"),
    ],
)
def test_an_app_level_token_means_socket_mode_and_a_signing_secret_http(names: list[str], mode: str | None) -> None:
    assert read_settings({name: TOKENS[name] for name in names}, dotenv=None).mode == mode


def test_what_the_bot_cannot_do_without_is_said_in_sentences() -> None:
    assert [sentence.split(" ")[0] for sentence in read_settings({}, dotenv=None).lacks] == ["SLACK_BOT_TOKEN", "Neither"]
    assert read_settings(TOKENS, dotenv=None).lacks == ()


def test_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("GONOGO_HTTP_PORT=4000\nGONOGO_CONFIG=filed.yaml\nexport GONOGO_LOG_FORMAT='console'\n")

    settings = read_settings({"GONOGO_HTTP_PORT": "5000", "GONOGO_CONFIG": ""}, dotenv=dotenv)

    assert (settings.http_port, settings.config_path, settings.log_format) == (5000, Path("filed.yaml"), "console")


def test_references_see_the_file_too(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("KEY=filed\nOTHER=filed\nBARE\n")

    assert read_environment({"KEY": "set", "OTHER": "", "UNUSED": ""}, dotenv=dotenv) == {
        "KEY": "set",
        "OTHER": "filed",
        "UNUSED": "",
    }


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert read_environment({"A": "1"}, dotenv=tmp_path / "none") == {"A": "1"}
    assert read_environment({"A": "1"}, dotenv=tmp_path) == {"A": "1"}


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"KEY=\xff\n")

    with pytest.raises(SettingsError) as caught:
        read_settings({}, dotenv=dotenv)

    assert caught.value.problems == [f"{dotenv}: is not UTF-8 text"]


def test_without_an_environment_it_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONOGO_HTTP_PORT", "4321")

    assert read_settings(dotenv=None).http_port == 4321


def test_every_setting_has_one_sentence_and_its_default() -> None:
    names = [setting.name for setting in SETTINGS_HELP]

    assert names == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_API_URL",
        "GONOGO_CONFIG",
        "GONOGO_DATABASE_URL",
        "GONOGO_HTTP_HOST",
        "GONOGO_HTTP_PORT",
        "GONOGO_LOG_FORMAT",
    ]
    assert all(setting.sentence.endswith(".") for setting in SETTINGS_HELP)


def test_the_defaults_that_are_shown_are_those_that_hold() -> None:
    shown = {setting.name: setting.default for setting in SETTINGS_HELP if setting.default}

    assert read_settings(shown, dotenv=None) == read_settings({}, dotenv=None)


@given(st.dictionaries(st.sampled_from([setting.name for setting in SETTINGS_HELP]), st.text(max_size=40)))
def test_no_environment_brings_anything_but_settings_or_problems(environment: dict[str, str]) -> None:
    try:
        outcome: object = read_settings(environment, dotenv=None)
    except SettingsError as error:
        outcome = error.problems

    assert outcome
