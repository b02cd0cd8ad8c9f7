"""README, manifest and configuration agree with the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

import commands
from bot import providers
from bot.checking import SLACK_SCOPES, manifest_faults
from bot.domain.lifecycle import TRANSITIONS
from bot.domain.model import State
from bot.settings import Configuration, read_configuration
from tests.readme_parts import PARTS, README, rewritten

ROOT = README.parent
MANIFEST = ROOT / "manifest.yaml"
SCHEMA = Path(os.environ.get("GONOGO_MANIFEST_SCHEMA", ROOT.parent / "shared/schema/slack-manifest.schema.2.0.0.json"))
SECRETS = {"ZUORA_CLIENT_ID": "made-up-id", "ZUORA_CLIENT_SECRET": "made-up-secret"}


def readme() -> str:
    return README.read_text(encoding="utf-8")


def manifest() -> Any:
    return yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


def example() -> str:
    """The configuration that README tells people to write, without the list's indentation."""
    found = re.search(r"<!-- example: gonogo.yaml -->\n +```yaml\n(.*?)\n +```", readme(), re.DOTALL)
    assert found is not None
    return "\n".join(line[3:] for line in found[1].splitlines()) + "\n"


def configuration(folder: Path) -> Configuration:
    path = folder / "gonogo.yaml"
    path.write_text(example(), encoding="utf-8")
    return read_configuration(path, providers=providers.load(), environment=SECRETS)


def test_every_made_part_of_the_readme_is_up_to_date() -> None:
    """`uv run python -m tests.readme_parts` writes them anew."""
    text = readme()

    assert [part for part in PARTS if f"<!-- part: {part} -->" not in text] == []
    assert rewritten(text) == text


def test_the_readmes_example_configuration_is_read(tmp_path: Path) -> None:
    assert list(configuration(tmp_path).connections) == ["billing"]


def test_the_readme_shows_the_two_commands_first() -> None:
    text = readme()

    assert text.index("pip install uv && uv run gonogo demo\n") < text.index("\n## ")


def test_the_readme_opens_with_what_it_does_and_pictures_that_are_there() -> None:
    opening = readme()[: readme().index("```sh")]
    pictures = re.findall(r'(?:srcset|src)="([^"]+)"', opening)

    assert opening.index("Gonogo launches") < opening.index("<picture>")
    assert len(pictures) == 4
    assert [name for name in pictures if not (ROOT / name).is_file()] == []


def test_the_states_of_the_drawing_are_those_of_the_table() -> None:
    drawn = set(re.findall(r"^ {4}(\w+) --> (\w+)", PARTS["states"](), re.MULTILINE))

    assert drawn == {(str(before), str(after)) for (before, _), after in TRANSITIONS.items() if before is not after}


def test_every_final_state_ends_the_drawing() -> None:
    ends = set(re.findall(r"^ {4}(\w+) --> \[\*\]", PARTS["states"](), re.MULTILINE))

    assert ends == {str(state) for state in {after for after in TRANSITIONS.values() if after.is_final}}
    assert State.IN_DOUBT not in ends


def test_the_manifest_holds_the_least_slack_scopes_and_each_is_justified() -> None:
    assert manifest()["oauth_config"]["scopes"]["bot"] == sorted(SLACK_SCOPES)
    assert all(f"`{scope}`" in readme() for scope in SLACK_SCOPES)


def test_the_manifest_reads_no_history() -> None:
    assert [scope for scope in manifest()["oauth_config"]["scopes"]["bot"] if "history" in scope] == []


def test_the_manifest_fits_the_readmes_configuration(tmp_path: Path) -> None:
    assert manifest_faults(MANIFEST, configuration(tmp_path)) == []


@pytest.mark.skipif(
    not SCHEMA.exists(), reason=f"Slack's manifest schema is not here; GONOGO_MANIFEST_SCHEMA may name it ({SCHEMA.name})"
)
def test_the_manifest_is_valid_against_slacks_schema() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    assert [error.message for error in Draft7Validator(schema).iter_errors(manifest())] == []


def test_the_usage_hint_names_what_can_be_typed() -> None:
    hint = manifest()["features"]["slash_commands"][0]["usage_hint"]

    assert [entry.usage for entry in commands.load().subcommands.values() if entry.usage not in hint] == []


def test_every_dependency_is_used() -> None:
    """Each library that the project names is imported somewhere in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=\[ ]", line)[0] for line in project["dependencies"]]
    modules = {name: {"PyYAML": "yaml"}.get(name, name.replace("-", "_")) for name in names}
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))

    assert [name for name, module in modules.items() if not re.search(rf"^\s*(from|import) {module}\b", code, re.MULTILINE)] == []


def test_nothing_of_this_machine_is_in_the_tree() -> None:
    """No machine path, no package index, no token, in what is committed."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    pattern = re.compile(r"/(?:work|farm|root)/|index[-]url|xox[bap]-[0-9]{6,}")
    found = [name for name in listed if _is_text(ROOT / name) and pattern.search((ROOT / name).read_text(encoding="utf-8"))]

    assert found == []


def _is_text(path: Path) -> bool:
    return path.is_file() and b"\0" not in path.read_bytes()[:1024]


def test_the_program_names_what_it_found() -> None:
    """`gonogo` and `python -m bot` are one program."""
    shown = subprocess.run([sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert [word for word in ("run", "check", "demo", "db") if word not in shown] == []
