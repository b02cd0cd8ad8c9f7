"""The program `gonogo`: one function per subcommand of the command line; nothing else.

Exit codes: 0 well; 1 a fault was found (`check`) or a journey failed (`demo --script`); 2 configuration or settings; 3 Slack.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot import app as application
from bot import logs, providers
from bot.checking import manifest_faults
from bot.domain.errors import SettingsError, SlackRefusedError, StoreUnavailableError
from bot.settings import Configuration, Settings, configuration_schema, read_configuration, read_environment, read_settings

FAULT_FOUND, WRONG_SETTINGS, WRONG_SLACK = 1, 2, 3

program = typer.Typer(no_args_is_help=True, add_completion=False, help="Launch business workflows from Slack.")
database = typer.Typer(no_args_is_help=True, help="The database.")
program.add_typer(database, name="db")


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
    as_json: Annotated[bool, typer.Option("--json", help="Print what was asked as JSON.")] = False,
    manifest: Annotated[Path, typer.Option(help="The Slack app's manifest.")] = Path("manifest.yaml"),
) -> None:
    """Lint configuration and manifest, then ask Slack and every provider whether they take the credentials."""
    if schema:
        sys.stdout.write(json.dumps(configuration_schema(providers.load()), indent=2) + "\n")
        return
    settings = read_settings()
    logs.configure(settings.log_format)
    configuration = _configuration(settings)
    faults = manifest_faults(manifest, configuration) if manifest.exists() else []
    probed = () if offline else asyncio.run(application.probe(settings, configuration, providers.load()))
    _show_check(settings, configuration, faults, probed, as_json=as_json)
    if faults or any(one.is_well is False for one in probed):
        sys.exit(FAULT_FOUND)


@program.command()
def demo(
    *,
    script: Annotated[bool, typer.Option("--script", help="Play the journeys in the terminal, then end.")] = False,
    port: Annotated[int, typer.Option(help="The sandbox's port; 0 takes a free one.")] = 8460,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    data: Annotated[Path | None, typer.Option(help="Keep the demo's database here instead of throwing it away.")] = None,
) -> None:
    """Try everything on this machine: a stand-in Slack, five stand-in providers, and the real bot between them."""
    from bot.sandbox import demo as sandbox  # noqa: PLC0415 - only the demo pays for loading the sandbox

    del browser
    sys.exit(asyncio.run(sandbox.play(data) if script else sandbox.stay(data, port=port)))


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


def _show_check(
    settings: Settings,
    configuration: Configuration,
    faults: list[str],
    probed: tuple[application.Probed, ...],
    *,
    as_json: bool,
) -> None:
    if as_json:
        asked = [{"subject": one.subject, "is_well": one.is_well, "words": one.words} for one in probed]
        sys.stdout.write(json.dumps({"faults": faults, "asked": asked}, indent=2) + "\n")
        return
    console = Console(soft_wrap=True)
    names = ", ".join(configuration.connections) or "none"
    console.print(f"{settings.config_path}: well-formed; connections: {names}; channels: {len(configuration.policy.channels)}")
    for fault in faults:
        console.print(fault, markup=False)
    if probed:
        console.print(_table(probed))


def _table(probed: tuple[application.Probed, ...]) -> Table:
    table = Table("asked", "", "answer")
    marks = {True: "well", False: "FAULT", None: "not told"}
    for one in probed:
        table.add_row(one.subject, marks[one.is_well], one.words)
    return table


def _complain(problems: list[str]) -> None:
    for problem in problems:
        sys.stderr.write(problem + "\n")


if __name__ == "__main__":
    main()
