"""A configuration that is right: what it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest

import bot.providers
from bot.domain.errors import SettingsError
from bot.domain.grants import ChannelPolicy, Grant
from bot.domain.model import InputSpec, InputType
from bot.settings import read_configuration
from tests.settings.world import (
    ENVIRONMENT,
    GOOD,
    PROVIDERS,
    AcmeOptions,
    Freely,
    Mark,
    Nothing,
    changed,
    line_of,
    problems,
    read,
)

# design.md, section 3, word for word.
DESIGN_EXAMPLE = """\
slack:
  command: /launch                    # Slack commands have no namespace: choose a free one
connections:                          # a connection is one credential at one provider; people type its name
  billing:
    provider: zuora
    base_url: https://rest.na.zuora.com
    credential: {client_id: "${ZUORA_CLIENT_ID}", client_secret: "${ZUORA_CLIENT_SECRET}"}
    entity_ids: []                    # sent only when set
    org_ids: []
    workflows:                        # optional: fills or overrides what the provider cannot tell
      "396": {name: Dunning run, inputs: {accountId: {type: text, required: true}, maxAmount: {type: decimal, required: false}}}
  crm:
    provider: bitrix24
    base_url: https://vibecode.bitrix24.tech
    credential: {api_key: "${BITRIX24_API_KEY}", session_token: "${BITRIX24_SESSION}"}   # session only with an app key
    workflows:
      "713": {name: Contract approval, entity_type: deal, inputs: {Amount: {type: decimal, required: true}}}
  sales:
    provider: salesforce
    base_url: https://acme.my.salesforce.com
    api_version: v65.0
    credential: {client_id: "${SF_CLIENT_ID}", client_secret: "${SF_CLIENT_SECRET}"}     # or {access_token: …}
  analytics:
    provider: domo
    base_url: https://acme.domo.com
    credential: {developer_token: "${DOMO_TOKEN}"}
    workflows:
      a8afdc89-9491-4ee4-b7c3-b9e9b86c0138:
        {name: AddTwoNumbers, version: 0.0.1, message_name: Start MyWorkflow,
         inputs: {parameter1: {type: decimal, required: true}, parameter2: {type: decimal, required: true}}}
  growth:
    provider: captain_data
    base_url: https://api.captaindata.co
    credential: {api_key: "${CAPTAIN_DATA_KEY}", project_id: "${CAPTAIN_DATA_PROJECT}"}
    workflows:
      0d179c07-6443-4eeb-ada7-652fb498f997:
        {name: Find email, steps: [{step_uid: 11111111-1111-4111-8111-111111111111, accounts: [], parameters: {}}],
         inputs: {first_name: {type: text}, last_name: {type: text}, company_name: {type: text, required: true}}}
channels:
  C0FINANCE:                          # Slack's id decides; the name is for people
    name: finance-ops
    grants:
      - connection: billing
        scopes: [Workflow Run Access, Workflow View Access]   # the provider's own words
        workflows: ["396", "Dunning *"]                       # ids or names, globs; no entry, no workflow
        requesters: [members]                                 # members | user ids U… | user groups S…
        inputs: {maxAmount: {max: 500}}                       # one_of, min, max, pattern, fixed, hidden
        approval: {approvers: [S0LEADS], required: 2, expires_after: 4h, remind_after: 30m, self_approval: false}
        limits: {per_hour: 20, running: 3}
freezes:
  - {name: month-end close, from: 2026-11-30T18:00Z, to: 2026-12-02T08:00Z, connections: [billing], except: [S0CONTROLLERS]}
"""
DESIGN_ENVIRONMENT = {
    "ZUORA_CLIENT_ID": "made-up-id",
    "ZUORA_CLIENT_SECRET": "made-up-secret",
    "BITRIX24_API_KEY": "vibe_app_made_up",
    "BITRIX24_SESSION": "made-up-session",
    "SF_CLIENT_ID": "made-up-id",
    "SF_CLIENT_SECRET": "made-up-secret",
    "DOMO_TOKEN": "made-up-token",
    "CAPTAIN_DATA_KEY": "made-up-key",
    "CAPTAIN_DATA_PROJECT": "made-up-project",
}


def test_the_example_of_the_design_is_accepted_as_it_stands(tmp_path: Path) -> None:
    providers = bot.providers.load()

    configuration = read(tmp_path, DESIGN_EXAMPLE, providers=providers, environment=DESIGN_ENVIRONMENT)

    (grant,) = configuration.policy.channels["C0FINANCE"].grants
    assert grant.approval is not None
    assert (grant.approval.approvers, grant.approval.required, grant.approval.expires_after_s) == (("S0LEADS",), 2, 14_400.0)
    assert list(configuration.connections) == ["billing", "crm", "sales", "analytics", "growth"]
    assert configuration.credentials["analytics"]["developer_token"].reveal() == "made-up-token"
    start = configuration.connections["analytics"].workflows["a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"]
    assert (start.version, start.extras["message_name"]) == ("0.0.1", "Start MyWorkflow")
    step = configuration.connections["growth"].workflows["0d179c07-6443-4eeb-ada7-652fb498f997"].extras["steps"][0]
    assert step["step_uid"] == "11111111-1111-4111-8111-111111111111"


def test_a_correlation_at_salesforce_is_taken(tmp_path: Path) -> None:
    correlation = "    correlation: {input: RequestId, object: Case, field: Request_Id__c}\n"
    text = changed("    api_version: v65.0\n", f"    api_version: v65.0\n{correlation}", DESIGN_EXAMPLE)

    sales = read(tmp_path, text, providers=bot.providers.load(), environment=DESIGN_ENVIRONMENT).connections["sales"]

    assert (sales.options.correlation.input, sales.options.correlation.object) == ("RequestId", "Case")
    assert sales.options.correlation.field == "Request_Id__c"


def test_numbers_and_words_of_a_provider_have_the_types_that_it_names(tmp_path: Path) -> None:
    text = changed("    region: us\n", "    region: us\n    retries: 5\n    share: 0.25\n    is_strict: yes\n")

    options = read(tmp_path, text).connections["billing"].options

    assert (options.retries, options.share, options.is_strict) == (5, 0.25, True)
    assert isinstance(options.share, float)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Two keys that go together."""

    user: Annotated[str | None, "A user."] = None
    group: Annotated[str | None, "A group."] = None

    def __post_init__(self) -> None:
        """Refuse one without the other."""
        if (self.user is None) != (self.group is None):
            raise ValueError("user and group go together")


class Binding(Freely):
    """A provider whose own class refuses some values."""

    options = Bound


def test_a_rule_of_the_providers_own_class_is_a_fault_of_the_connection(tmp_path: Path) -> None:
    text = changed("    provider: freely\n", "    provider: freely\n    user: someone\n")

    found = problems(tmp_path, text, providers={**PROVIDERS, "freely": Binding()})

    assert found == [f"gonogo.yaml:{line_of('  growth:', text)}: connections.growth: user and group go together"]


def test_a_connection_becomes_a_value_with_everything_that_was_written(tmp_path: Path) -> None:
    billing = read(tmp_path, GOOD).connections["billing"]

    assert (billing.name, billing.provider, billing.base_url) == ("billing", "acme_flow", "https://api.acme.example")
    assert billing.options == AcmeOptions(region="us", entity_ids=("e1", "42"), mark=Mark(object="Case"))
    assert (billing.poll_every_s, billing.timeout_s) == (30.0, 120.0)
    assert billing.secret_names == ()


def test_what_is_not_written_is_left_to_the_provider(tmp_path: Path) -> None:
    growth = read(tmp_path, GOOD).connections["growth"]

    assert (growth.poll_every_s, growth.timeout_s) == (None, None)
    assert growth.options == Nothing()
    assert growth.workflows == {}


def test_inputs_keep_their_order_and_every_fact(tmp_path: Path) -> None:
    inputs = read(tmp_path, GOOD).connections["billing"].workflows["396"].inputs

    assert inputs == (
        InputSpec(name="accountId", type=InputType.TEXT, required=True),
        InputSpec(name="maxAmount", type=InputType.DECIMAL, default=Decimal("10.50"), is_default_ours=True),
        InputSpec(name="kind", type=InputType.CHOICE, options=("std", "rush"), default="std", is_default_ours=True),
        InputSpec(name="tags", type=InputType.MULTI_CHOICE, options=("a", "b"), default=["a"], is_default_ours=True),
    )


def test_no_inputs_differ_from_inputs_that_nobody_told(tmp_path: Path) -> None:
    told = read(tmp_path, GOOD).connections["billing"].workflows["397"]
    untold = read(tmp_path, changed("        inputs: {}\n", "", GOOD)).connections["billing"].workflows["397"]

    assert (told.inputs, untold.inputs) == ((), None)


def test_extras_hold_the_providers_own_keys_as_plain_json_and_nothing_that_was_not_written(tmp_path: Path) -> None:
    workflows = read(tmp_path, GOOD).connections["billing"].workflows

    assert workflows["396"].extras == {"record": "deal"}
    assert workflows["397"].extras == {
        "steps": [{"step_uid": "s-1", "accounts": [], "parameters": {"depth": Decimal("2.5"), "on": None}}],
    }


def test_a_workflow_key_without_quotes_is_its_text(tmp_path: Path) -> None:
    assert list(read(tmp_path, GOOD).connections["billing"].workflows) == ["396", "397"]


@pytest.mark.parametrize("key", ["0123", "1:30", "1.10", "0x1F", "yes", "1_000", "2026-11-30", "null"])
def test_a_key_is_what_was_typed_whatever_yaml_makes_of_it(tmp_path: Path, key: str) -> None:
    text = changed("      397:\n", f"      {key}:\n")

    assert list(read(tmp_path, text).connections["billing"].workflows) == ["396", key]


def test_channels_and_grants_become_the_policy(tmp_path: Path) -> None:
    policy = read(tmp_path, GOOD).policy

    assert policy.channels == {
        "C0FINANCE": ChannelPolicy(
            channel_id="C0FINANCE",
            name="finance-ops",
            grants=(
                Grant(
                    connection="billing",
                    scopes=("Run Access", "View Access"),
                    workflows=("396", "Dunning *"),
                    requesters=("members", "U0BOB", "S0LEADS"),
                ),
                Grant(connection="growth", workflows=("*",), requesters=("U0ALICE",)),
            ),
        ),
        "G0PRIVATE": ChannelPolicy(channel_id="G0PRIVATE", name="G0PRIVATE", is_shared_allowed=True),
    }
    assert len(policy.digest) == 64


def test_the_command_is_launch_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD.removeprefix("slack:\n  command: /launch\n")).command == "/launch"
    assert read(tmp_path, changed("command: /launch", "command: /go_no-go2")).command == "/go_no-go2"


def test_credentials_are_secrets_by_connection_and_field(tmp_path: Path) -> None:
    credentials = read(tmp_path, GOOD).credentials

    assert credentials["growth"]["api_key"].reveal() == ENVIRONMENT["FREELY_KEY"]
    assert set(credentials["billing"]) == {"client_id", "client_secret"}
    assert ENVIRONMENT["FREELY_KEY"] not in repr(credentials)


def test_an_optional_part_of_a_credential_may_be_left_empty(tmp_path: Path) -> None:
    text = changed('      client_id: "${ACME_ID}"\n', '      client_id: "${ACME_ID}"\n      session:\n')

    assert set(read(tmp_path, text).credentials["billing"]) == {"client_id", "client_secret"}


def test_secrets_are_empty_while_they_are_not_built(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).secrets == {"billing": {}, "growth": {}}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://api.acme.example/", "https://api.acme.example"),
        ("https://api.acme.example/v1//", "https://api.acme.example/v1"),
        ("https://API.acme.example:8443", "https://API.acme.example:8443"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ('"http://[::1]:80/x"', "http://[::1]:80/x"),
        ("https://${TENANT}.acme.example/x", "https://tenant7.acme.example/x"),
    ],
)
def test_a_base_url_is_kept_without_its_last_slash(tmp_path: Path, written: str, kept: str) -> None:
    text = changed("https://api.acme.example", written)

    assert read(tmp_path, text).connections["billing"].base_url == kept


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("100ms", 0.1), ("500ms", 0.5), ("1s", 1), ("90s", 90), ("5m", 300), ("4h", 14_400), ("1d", 86_400)],
)
def test_a_duration_is_seconds(tmp_path: Path, written: str, seconds: float) -> None:
    text = changed("poll_every: 30s", f"poll_every: {written}")

    assert read(tmp_path, text).connections["billing"].poll_every_s == pytest.approx(seconds)


def test_parts_that_are_not_built_may_stand_empty(tmp_path: Path) -> None:
    text = changed("        workflows: [396", "        inputs: {}\n        limits: {}\n        workflows: [396") + "freezes: []\n"
    text = changed("    poll_every: 30s\n", "    secrets: {}\n    correlation:\n    poll_every: 30s\n", text)
    text = changed("        scopes: [Run", "        approval:\n        single_transaction: false\n        scopes: [Run", text)

    assert problems(tmp_path, text) == []


def test_two_grants_may_overlap(tmp_path: Path) -> None:
    grant = '      - connection: growth\n        workflows: ["*"]\n        requesters: [U0ALICE]\n'

    assert len(read(tmp_path, changed(grant, grant + grant)).policy.channels["C0FINANCE"].grants) == 3


def test_scopes_of_a_provider_with_free_text_are_any_words(tmp_path: Path) -> None:
    text = changed("      - connection: growth\n", "      - connection: growth\n        scopes: [7f3a, any uid]\n")

    assert read(tmp_path, text).policy.channels["C0FINANCE"].grants[1].scopes == ("7f3a", "any uid")


def test_an_alias_stands_for_what_it_repeats(tmp_path: Path) -> None:
    text = changed("requesters: [members, U0BOB, S0LEADS]", "requesters: &people [members, U0BOB]")
    text = changed("requesters: [U0ALICE]", "requesters: *people", text)

    assert read(tmp_path, text).policy.channels["C0FINANCE"].grants[1].requesters == ("members", "U0BOB")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()).command == "/launch"


@pytest.mark.parametrize(
    ("path", "cause"),
    [("gonogo.yaml", "No such file or directory"), (".", "Is a directory"), ("a\0b", "no such path")],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, path: str, cause: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_configuration(tmp_path / path, providers={}, environment={})

    assert caught.value.problems == [
        f"{tmp_path / path}: cannot be read ({cause}): name the file in GONOGO_CONFIG, or write one with gonogo init",
    ]
