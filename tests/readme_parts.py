"""The parts of README.md that are made from the code. `uv run python -m tests.readme_parts` writes them; test_docs compares them.

Each part stands in the README between `<!-- part: name -->` and `<!-- end -->`.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

import commands
from bot import policing, providers
from bot.checking import SLACK_SCOPES
from bot.domain.lifecycle import TRANSITIONS
from bot.domain.model import EventKind, State
from bot.domain.provider import Provider
from bot.sandbox.world import CONFIGURATION
from bot.settings import SETTINGS_HELP, read_configuration
from bot.worker.launches import EVENTS
from bot.worker.mirroring import DRIFT
from bot.worker.sharing import ALIVE
from tests.access_parts import card_text
from tests.why_parts import why_part

README = Path(__file__).parent.parent / "README.md"
_PART = re.compile(r"<!-- part: (?P<name>[a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)


def providers_table() -> str:
    """A row per provider, from its facts."""
    rows = [_provider_row(provider) for provider in providers.load().values()]
    head = ["provider", "`provider:`", "scopes in a grant", "lost start", "stop", "lists workflows", "tells inputs"]
    return _table(head, rows)


def _provider_row(provider: Provider) -> list[str]:
    scopes = "account uids" if provider.is_scope_free_text else ", ".join(f"`{scope.name}`" for scope in provider.scopes)
    hours = (
        f"sent again with its key, for {provider.resend_window_s / 3600:g} h" if provider.resend_window_s else _settled(provider)
    )
    return [
        f"[{provider.title}]({provider.documents})",
        f"`{provider.name}`",
        scopes,
        hours,
        _yes(provider.can_cancel),
        _yes(provider.has_catalogue),
        _yes(provider.has_describe),
    ]


def _settled(provider: Provider) -> str:
    by = provider.lost_start_settled_by
    return f"*In doubt*, looked up by {by}" if by else "*In doubt*, for people"


def commands_table() -> str:
    """A row per subcommand, from the folder of doors."""
    entries = commands.load().subcommands.values()
    return _table(["typed", "does"], [[f"`/launch {entry.usage}`", entry.summary] for entry in entries])


def settings_table() -> str:
    """A row per environment variable."""
    return _table(
        ["variable", "default", "what it is"], [[f"`{one.name}`", one.default or "–", one.sentence] for one in SETTINGS_HELP]
    )


def scopes_table() -> str:
    """A row per Slack scope."""
    return _table(["Slack scope", "why"], [[f"`{scope}`", why] for scope, why in SLACK_SCOPES.items()])


def states_drawing() -> str:
    """The transition table as a drawing; steps that change no state are left out."""
    words: dict[tuple[State, State], list[EventKind]] = {}
    for (before, kind), after in TRANSITIONS.items():
        if before is not after:
            words.setdefault((before, after), []).append(kind)
    arrows = [f"    {before} --> {after}: {', '.join(kinds)}" for (before, after), kinds in words.items()]
    begins = [f"    [*] --> {state}" for state in (State.QUEUED, State.AWAITING_APPROVAL)]
    ends = [f"    {state} --> [*]" for state in State if state.is_final and any(state is after for _, after in words)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *begins, *arrows, *ends, "```"])


def demo_matrix() -> str:
    """Who may launch what in the demo, as `gonogo policy matrix` decides it."""
    names = re.findall(r"\$\{(\w+)\}", CONFIGURATION.read_text(encoding="utf-8"))
    environment = {name: "https://provider.example" if name.endswith("_URL") else "made-up" for name in names}
    configuration = read_configuration(CONFIGURATION, providers=providers.load(), environment=environment)
    screen = io.StringIO()
    policing.show_matrix(Console(file=screen), policing.matrix(configuration, providers.load()), configuration.policy)
    head, *rows = [line.split("\t") for line in screen.getvalue().splitlines()]
    return _table(head, [row for row in rows if len(row) == len(head)])


def metrics_table() -> str:
    """A row per metric of our own, from where it is registered."""
    rows: list[list[str]] = []
    for metric in (EVENTS, DRIFT, ALIVE):
        (told,) = metric.describe()
        name = f"{told.name}_total" if told.type == "counter" else told.name
        labels: tuple[str, ...] = metric._labelnames  # pyright: ignore[reportPrivateUsage]  # told by nothing else
        rows.append([f"`{name}`", ", ".join(f"`{label}`" for label in labels), f"{told.documentation}."])
    return _table(["metric", "labels", "what it counts"], rows)


PARTS = {
    "card": card_text,
    "metrics": metrics_table,
    "why": why_part,
    "matrix": demo_matrix,
    "providers": providers_table,
    "commands": commands_table,
    "settings": settings_table,
    "slack-scopes": scopes_table,
    "states": states_drawing,
}


def rewritten(text: str) -> str:
    """``text`` with every part as the code has it today."""
    return _PART.sub(lambda found: f"<!-- part: {found['name']} -->\n{PARTS[found['name']]()}\n<!-- end -->", text)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _yes(claim: bool) -> str:
    return "yes" if claim else "no"


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{README.name} rewritten\n")
