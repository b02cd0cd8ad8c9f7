"""Settings from the environment and ``.env``: tokens, addresses, and where the rest is configured.

Why a missing token is no fault here: ``gonogo check --offline`` and ``gonogo demo`` need none. ``Settings.lacks`` says what the
bot itself would miss.

Why an empty variable counts as unset: container files set what they do not use to nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from bot.domain.errors import SettingsError
from bot.domain.provider import Secret
from bot.settings.addresses import base_url
from bot.settings.faults import nearest

_TOKEN_KINDS = (
    ("xoxb-", "a bot token", "SLACK_BOT_TOKEN"),
    ("xapp-", "an app-level token", "SLACK_APP_TOKEN"),
    ("xoxp-", "a user token", None),
    ("xoxe", "a token of an app with token rotation, which must be switched off", None),
)
_LOG_FORMATS = ("json", "console")
_DATABASE = re.compile(r"sqlite:///.+|postgresql://.+", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_MOST_PORT = 65_535
_SPACE = re.compile(r"\s|[^ -~]")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment and ``.env`` say. Tokens may be missing: ``lacks`` says what the bot cannot do without."""

    slack_bot_token: Secret | None
    slack_app_token: Secret | None
    slack_signing_secret: Secret | None
    slack_api_url: str
    config_path: Path
    database_url: str
    http_host: str
    http_port: int
    log_format: str

    @property
    def mode(self) -> str | None:
        """How Slack reaches us: ``socket`` where there is an app-level token, else ``http``; None: not at all."""
        if self.slack_app_token:
            return "socket"
        return "http" if self.slack_signing_secret else None

    @property
    def lacks(self) -> tuple[str, ...]:
        """What ``gonogo run`` needs and does not have, in sentences."""
        missing: list[str] = []
        if not self.slack_bot_token:
            missing.append(
                "SLACK_BOT_TOKEN is not set: the bot token (xoxb-…) stands under OAuth & Permissions of your Slack app."
            )
        if not self.mode:
            missing.append(
                "Neither SLACK_APP_TOKEN (xapp-…, for Socket Mode) nor SLACK_SIGNING_SECRET (for HTTP) is set: "
                "one of them is needed, both stand under Basic Information of your Slack app.",
            )
        return tuple(missing)


@dataclass(frozen=True, kw_only=True)
class SettingHelp:
    """One setting as README shows it. ``default`` is None where there is none."""

    name: str
    default: str | None
    sentence: str


def _token(prefix: str) -> AfterValidator:
    def check(text: str) -> str:
        if not text.startswith(prefix):
            raise ValueError(_other_kind(text, prefix))
        if _SPACE.search(text):
            raise ValueError("holds a space or a character that no token holds: copy it again")
        return text

    return AfterValidator(check)


def _other_kind(text: str, prefix: str) -> str:
    for begin, kind, place in _TOKEN_KINDS:
        if text.startswith(begin):
            where = f", which belongs into {place}" if place else ""
            return f"begins with {begin}, so it is {kind}{where}; here goes one that begins with {prefix}"
    return f"does not begin with {prefix}: copy the whole token"


def _signing_secret(text: str) -> str:
    if text.startswith(("xox", "xapp-")):
        raise ValueError("is a token: the signing secret stands under Basic Information, App Credentials, of your Slack app")
    if _SPACE.search(text):
        raise ValueError("holds a space or a character that no signing secret holds: copy it again")
    return text


def _api_url(text: str) -> str:
    return f"{base_url(text)}/"


def _database_url(text: str) -> str:
    if not _DATABASE.fullmatch(text):
        raise ValueError("must be sqlite:///file.db or postgresql://host/database")
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("must be a host name or an address, without scheme and port")
    return text


def _port(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > _MOST_PORT:
        raise ValueError(f"must be a port: a whole number from 0 to {_MOST_PORT} (0: any free one)")
    return text


def _log_format(text: str) -> str:
    if text not in _LOG_FORMATS:
        raise ValueError(f"is no log format{nearest(text, _LOG_FORMATS)}")
    return text


class _Variables(BaseModel):
    """The variables by name; each description is its sentence in the README."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    SLACK_BOT_TOKEN: Annotated[str, _token("xoxb-")] | None = Field(
        default=None,
        description="The bot token of your Slack app (xoxb-…).",
    )
    SLACK_APP_TOKEN: Annotated[str, _token("xapp-")] | None = Field(
        default=None,
        description="Its app-level token (xapp-…): with it, the bot runs in Socket Mode.",
    )
    SLACK_SIGNING_SECRET: Annotated[str, AfterValidator(_signing_secret)] | None = Field(
        default=None,
        description="Its signing secret: without an app-level token Slack comes over HTTP, and this proves that it is Slack.",
    )
    SLACK_API_URL: Annotated[str, AfterValidator(_api_url)] = Field(
        default="https://slack.com/api/",
        description="Where Slack's Web API is.",
    )
    GONOGO_CONFIG: str = Field(default="gonogo.yaml", description="The configuration file.")
    GONOGO_DATABASE_URL: Annotated[str, AfterValidator(_database_url)] = Field(
        default="sqlite:///gonogo.db",
        description="Where launches are kept: sqlite:///file (relative to where the bot runs), or postgresql://… for replicas.",
    )
    GONOGO_HTTP_HOST: Annotated[str, AfterValidator(_host)] = Field(
        default="127.0.0.1",
        description="The address that the bot listens on.",
    )
    GONOGO_HTTP_PORT: Annotated[str, AfterValidator(_port)] = Field(
        default="3000",
        description="Its port, for health, metrics and, in HTTP mode, Slack's requests; 0 takes any free one.",
    )
    GONOGO_LOG_FORMAT: Annotated[str, AfterValidator(_log_format)] = Field(
        default="json",
        description="How log lines look: json for machines, console for people.",
    )


SETTINGS_HELP: tuple[SettingHelp, ...] = tuple(
    SettingHelp(name=name, default=field.default, sentence=field.description or "")
    for name, field in _Variables.model_fields.items()
)
"""Every setting with its default and one sentence; README's table is compared with it."""


def read_environment(environment: Mapping[str, str] | None = None, *, dotenv: Path | None = Path(".env")) -> Mapping[str, str]:
    """The variables of ``environment`` (None: this process's) over those of the file ``dotenv``, if there is one.

    Raises:
        SettingsError: the file cannot be read.
    """
    given = os.environ if environment is None else environment
    filed = _dotenv(dotenv) if dotenv else {}
    return {**filed, **{name: value for name, value in given.items() if value or name not in filed}}


def read_settings(environment: Mapping[str, str] | None = None, *, dotenv: Path | None = Path(".env")) -> Settings:
    """The settings of ``environment`` (None: this process's), then of the file ``dotenv``, then the defaults.

    Raises:
        SettingsError: with every problem.
    """
    variables = read_environment(environment, dotenv=dotenv)
    given = {name: variables[name].strip() for name in _Variables.model_fields if variables.get(name, "").strip()}
    try:
        return _settings(_Variables.model_validate(given))
    except ValidationError as error:
        problems = [f"{details['loc'][0]}: {details['ctx']['error']}" for details in error.errors() if "ctx" in details]
    raise SettingsError(problems)


def _settings(variables: _Variables) -> Settings:
    return Settings(
        slack_bot_token=_secret(variables.SLACK_BOT_TOKEN),
        slack_app_token=_secret(variables.SLACK_APP_TOKEN),
        slack_signing_secret=_secret(variables.SLACK_SIGNING_SECRET),
        slack_api_url=variables.SLACK_API_URL,
        config_path=Path(variables.GONOGO_CONFIG),
        database_url=variables.GONOGO_DATABASE_URL,
        http_host=variables.GONOGO_HTTP_HOST,
        http_port=int(variables.GONOGO_HTTP_PORT),
        log_format=variables.GONOGO_LOG_FORMAT,
    )


def _secret(value: str | None) -> Secret | None:
    return Secret(value) if value else None


def _dotenv(path: Path) -> dict[str, str]:
    try:
        variables = DotEnvSettingsSource(BaseSettings, env_file=path, case_sensitive=True).env_vars
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: is not UTF-8 text"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read ({error.strerror})"]) from None
    return {name: value for name, value in variables.items() if value is not None}
