"""docs/access.md and docs/approvals.md agree with the code, and their examples are configurations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot import providers
from bot.domain.approval_digest import changes
from bot.domain.grants import ApprovalRule, Policy
from bot.settings import read_configuration
from tests.access_parts import DOCS, DOCUMENTS, PARTS, rewritten

CONNECTIONS = """connections:
  billing:
    provider: zuora
    base_url: https://rest.na.zuora.com
    credential: {client_id: "${ZUORA_CLIENT_ID}", client_secret: "${ZUORA_CLIENT_SECRET}"}
"""
SECRETS = {"ZUORA_CLIENT_ID": "made-up-id", "ZUORA_CLIENT_SECRET": "made-up-secret"}


def document(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def example(name: str, part: str) -> str:
    found = re.search(rf"<!-- example: {part} -->\n```yaml\n(.*?)\n```", document(name), re.DOTALL)
    assert found is not None
    return found[1] + "\n"


def policy(folder: Path, text: str) -> Policy:
    path = folder / "gonogo.yaml"
    path.write_text(f"slack: {{}}\n{CONNECTIONS}{text}", encoding="utf-8")
    return read_configuration(path, providers=providers.load(), environment=SECRETS).policy


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_made_part_is_up_to_date(name: str) -> None:
    """`uv run python -m tests.access_parts` writes them anew."""
    text = document(name)

    assert [part for part in DOCUMENTS[name] if f"<!-- part: {part} -->" not in text] == []
    assert rewritten(text) == text


def test_every_part_has_its_document() -> None:
    assert sorted(part for parts in DOCUMENTS.values() for part in parts) == sorted(PARTS)


def test_the_example_of_a_policy_uses_every_rule(tmp_path: Path) -> None:
    text = example("access.md", "policy")
    (channel,) = policy(tmp_path, text).channels.values()
    (grant,) = channel.grants
    used = {key for rule in yaml.safe_load(text)["channels"]["C0FINANCE"]["grants"][0]["inputs"].values() for key in rule}

    assert used == {"one_of", "min", "max", "pattern", "fixed", "hidden"}
    assert None not in (grant.approval, grant.limits)
    assert len(policy(tmp_path, text).freezes) == 1


def test_the_example_of_an_approval_is_a_rule(tmp_path: Path) -> None:
    grant = 'channels: {C0FINANCE: {grants: [{connection: billing, scopes: [Workflow Run Access], workflows: ["396"]'
    written = yaml.safe_load(example("approvals.md", "approval"))["approval"]
    text = f"{grant}, requesters: [members], approval: {yaml.safe_dump(written, default_flow_style=True).strip()}}}]}}}}\n"
    (channel,) = policy(tmp_path, text).channels.values()
    rule = channel.grants[0].approval

    assert isinstance(rule, ApprovalRule)
    assert (rule.required, rule.expires_after_s, rule.remind_after_s, rule.escalate_after_s) == (2, 14_400, 1_800, 7_200)
    assert rule.confirm
    assert not rule.self_approval


def test_every_scope_of_every_provider_is_told() -> None:
    table = PARTS["scopes"]()

    assert [scope.name for one in providers.load().values() for scope in one.scopes if f"`{scope.name}`" not in table] == []


def test_what_asks_again_is_told_by_the_words_that_people_read() -> None:
    told = PARTS["digest"]().replace("- ", "").splitlines()
    changed = changes(dict.fromkeys(told, "before"), dict.fromkeys(told, "after"))

    assert [change["what"] for change in changed] == told
    assert {"version", "run as", "grant", "connection", "workflow"} <= set(told)


def test_documents_link_each_other() -> None:
    assert "[approvals.md](approvals.md)" in document("access.md")
    assert "[access.md](access.md)" in document("approvals.md")
