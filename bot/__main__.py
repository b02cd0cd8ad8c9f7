"""The program `gonogo`: one function per subcommand of the command line; nothing else.

Exit codes: 0 well; 1 a fault was found (`check`), a wish is denied (`policy explain`), a decision would flip (`policy replay`) or
a journey failed (`demo --script`); 2 configuration, settings or what was typed; 3 Slack.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot import app as application
from bot import checking, logs, policing, providers
from bot.domain.errors import SettingsError, SlackRefusedError, StoreUnavailableError
from bot.settings import Configuration, Settings, configuration_schema, read_configuration, read_environment, read_settings

FAULT_FOUND, WRONG_SETTINGS, WRONG_SLACK = 1, 2, 3
DENIED = FLIPPED = FAULT_FOUND

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ConfigPath = Annotated[Path | None, typer.Option("--config", help="The configuration file; without it, GONOGO_CONFIG.")]

program = typer.Typer(no_args_is_help=True, add_completion=False, help="Launch business workflows from Slack.")
database = typer.Typer(no_args_is_help=True, help="The database.")
program.add_typer(database, name="db")
policy = typer.Typer(no_args_is_help=True, help="Why, who may what, and what a changed file would flip: nobody is asked.")
program.add_typer(policy, name="policy")


def main(arguments: list[str] | None = None) -> None:
    """Run the program on ``arguments`` (None: this process's); our own errors become sentences and exit codes, never traces."""
    try:
        program(arguments)
    except SettingsError as error:
        _complain(error.problems)
        sys.exit(WRONG_SETTINGS)
    except StoreUnavailableError as error:
        _complain([str(error)])
        sys.exit(WRONG_SETTINGS)
    except SlackRefusedError as error:
        _complain([str(error)])
        sys.exit(WRONG_SLACK)


@program.command()
def run() -> None:
    """Run the bot: Socket Mode where SLACK_APP_TOKEN is set, else HTTP where SLACK_SIGNING_SECRET is set."""
    settings = read_settings()
    logs.configure(settings.log_format)
    asyncio.run(_run(settings, _configuration(settings)))


@program.command()
def check(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask neither Slack nor providers.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the configuration file, for editors.")
    ] = False,
    as_json: AsJson = False,
    manifest: Annotated[Path, typer.Option(help="The Slack app's manifest.")] = Path("manifest.yaml"),
) -> None:
    """Lint configuration and manifest, then ask Slack and every provider whether it all works. Ends with 1 on a fault."""
    if schema:
        _print_json(configuration_schema(providers.load()))
        return
    try:
        settings = read_settings()
        configuration = _configuration(settings)
    except SettingsError as error:
        if not as_json:
            raise
        _print_json(checking.as_json(checking.configuration_faults(error.problems)))
        sys.exit(WRONG_SETTINGS)
    logs.configure(settings.log_format)
    found = checking.offline_findings(settings.config_path, manifest, configuration)
    if not offline:
        logging.getLogger("gonogo").setLevel(logging.WARNING)  # what is asked is shown by what is found
        found += asyncio.run(application.probe(settings, configuration, providers.load(), manifest=manifest))
    if as_json:
        _print_json(checking.as_json(found))
    else:
        checking.show(Console(), found)
    if checking.has_fault(found):
        sys.exit(FAULT_FOUND)


@policy.command("explain")
def policy_explain(
    *,
    channel: Annotated[str, typer.Option(help="The channel's id (C…).")],
    person: Annotated[str, typer.Option(help="The person's id (U…).")],
    connection: Annotated[str, typer.Option(help="The connection's name.")],
    workflow: Annotated[str, typer.Option(help="The workflow, by id or by its name in the file.")],
    group: Annotated[list[str] | None, typer.Option(help="A user group (S…) that the person is in; repeat it for more.")] = None,
    guest: Annotated[bool, typer.Option("--guest", help="The person is a guest of the workspace.")] = False,
    given: Annotated[
        list[str] | None,
        typer.Option("--input", help="An input as name=value; repeat it for more. Without any, none are judged."),
    ] = None,
    at: Annotated[str | None, typer.Option(help="When, such as 2026-11-30T18:00Z; without it, now.")] = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Why somebody may or may not launch something, rule by rule. Ends with 1 where it is denied."""
    supposed = policing.Supposed(
        channel_id=channel,
        person_id=person,
        connection=connection,
        workflow=workflow,
        at=policing.moment("--at", at) if at is not None else application.now(),
        groups=frozenset(group or ()),
        is_guest=guest,
        inputs=policing.given_inputs(given) if given else None,
    )
    found = policing.explained(_configuration(_settings_with(config)), providers.load(), supposed)
    if as_json:
        _print_json(policing.explained_json(found))
    else:
        policing.show_explanation(Console(), found)
    if found.is_denied:
        sys.exit(DENIED)


@policy.command("matrix")
def policy_matrix(
    *,
    channel: Annotated[list[str] | None, typer.Option(help="Only this channel (C…); repeat it for more.")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for sheets.")] = False,
    config: ConfigPath = None,
) -> None:
    """Who may launch what, decided for each kind of person: full members, everybody and every group named, guests."""
    configuration = _configuration(_settings_with(config))
    rows = policing.matrix(configuration, providers.load(), channels=channel or ())
    if as_json:
        _print_json(policing.matrix_json(rows, configuration.policy))
    elif as_csv:
        sys.stdout.write(policing.matrix_csv(rows))
    else:
        policing.show_matrix(Console(), rows, configuration.policy)


@policy.command("replay")
def policy_replay(
    *,
    since: Annotated[str, typer.Option(help="From when on: a span such as 30d or 12h, or a time such as 2026-11-01T00:00Z.")],
    config: ConfigPath = None,
    database_url: Annotated[
        str | None, typer.Option(help="The database whose decisions are replayed; without it, GONOGO_DATABASE_URL.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every past decision that the file would decide otherwise. Ends with 1 where there is one. Nothing is written."""
    settings = _settings_with(config)
    begins = policing.since("--since", since, application.now())
    in_force = _configuration(settings).policy
    logs.configure(settings.log_format)
    found = asyncio.run(application.replay(database_url or settings.database_url, in_force, begins))
    if as_json:
        _print_json(policing.replay_json(found, begins))
    else:
        policing.show_replay(Console(), found)
    if found.flips:
        sys.exit(FLIPPED)


@program.command()
def demo(
    *,
    script: Annotated[bool, typer.Option("--script", help="Play the journeys in the terminal, then end.")] = False,
    port: Annotated[
        int | None, typer.Option(help="The sandbox's port; 0 takes a free one. Without it, 8460, or the next that is free.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    data: Annotated[Path | None, typer.Option(help="Keep the demo's database here instead of throwing it away.")] = None,
) -> None:
    """Try everything on this machine: a stand-in Slack, five stand-in providers, and the real bot between them."""
    from bot.sandbox import demo as sandbox  # noqa: PLC0415 - only the demo pays for loading the sandbox

    sys.exit(asyncio.run(sandbox.play(data) if script else sandbox.stay(data, port=port, has_browser=browser)))


@database.command("migrate")
def db_migrate() -> None:
    """Bring the database's schema up to date."""
    applied = asyncio.run(application.migrate(read_settings().database_url))
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "nothing to do\n")


@database.command("backup")
def db_backup(target: Annotated[Path, typer.Argument(help="The new file.")]) -> None:
    """Copy the live database to a new file, as it stands at one moment."""
    asyncio.run(application.back_up(read_settings().database_url, target))
    sys.stdout.write(f"copied to {target}\n")


@database.command("copy")
def db_copy(
    source: Annotated[str, typer.Argument(help="The history to copy: sqlite:///file. It may be in use.")],
    target: Annotated[
        str,
        typer.Argument(
            help="An empty, migrated database: postgresql://…; - takes GONOGO_DATABASE_URL, which hides its password."
        ),
    ],
) -> None:
    """Move a history from SQLite to Postgres: all of it or nothing, then compared row by row."""
    copied = asyncio.run(application.copy(source, read_settings().database_url if target == "-" else target))
    for table in copied:
        changed = f" ({table.changed} values kept as Postgres can: no NUL, no broken UTF-8)" if table.changed else ""
        sys.stdout.write(f"{table.table}: {table.rows} rows, equal{changed}\n")


async def _run(settings: Settings, configuration: Configuration) -> None:
    """Until SIGTERM or SIGINT; a second one ends at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            os._exit(FAULT_FOUND)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    await application.run(settings, configuration, providers.load(), stop)


def _configuration(settings: Settings) -> Configuration:
    return read_configuration(settings.config_path, providers=providers.load(), environment=read_environment())


def _settings_with(config: Path | None) -> Settings:
    """The settings, with another configuration file where one is named."""
    settings = read_settings()
    return settings if config is None else replace(settings, config_path=config)


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _complain(problems: list[str]) -> None:
    for problem in problems:
        sys.stderr.write(problem + "\n")


if __name__ == "__main__":
    main()
