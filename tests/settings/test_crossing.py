"""Grants beside the workflows, inputs and other grants that they are about: faults in their lines, and warnings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.domain.model import InputSpec, InputType
from bot.settings.build import Configuration
from bot.settings.crossing import Crossing
from bot.settings.document import Fault
from bot.settings.schema import FileSection
from bot.settings.sections import Known
from tests.settings.world import GOOD, PROVIDERS, Acme, Freely, changed, line_of, only_problem, problems, read

GRANT = "channels.C0FINANCE.grants[0]"
RULES = "        workflows: [396"
TYPED = """\
          text: {type: text}
          number: {type: decimal}
          count: {type: integer, required: true}
          flag: {type: boolean}
          day: {type: date}
          time: {type: datetime}
          kind: {type: choice, options: [std, rush], required: true}
          tags: {type: multi_choice, options: [a, b]}
          body: {type: json}
          login: {type: secret}
          size: {type: integer, required: true, default: 5}
"""
INPUTS = GOOD[GOOD.index("          accountId:") : GOOD.index("      397:")]
SECRETS = '    secrets: {portal-login: "${ACME_SECRET}"}\n    poll_every: 30s\n'


def typed(rules: str, *, workflows: str = "[396]") -> str:
    """The good file with an input of each type, and rules on them by a grant of these workflows."""
    text = changed(INPUTS, TYPED, changed("    poll_every: 30s\n", SECRETS))
    return changed('        workflows: [396, "Dunning *"]', f"        inputs: {{{rules}}}\n        workflows: {workflows}", text)


def warned(folder: Path, text: str) -> list[str]:
    return [line.removeprefix(f"{folder}/") for line in read(folder, text).warnings]


# --- rules and types ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "place", "says"),
    [
        (
            "text: {min: 5}",
            "text.min",
            "goes with the types decimal, integer, and in workflow 396 this input is of the type text",
        ),
        ("day: {max: 5}", "day.max", "goes with the types decimal, integer"),
        ("number: {pattern: '[0-9]+'}", "number.pattern", "goes with the types choice, date"),
        ("login: {pattern: '.*'}", "login.pattern", "and in workflow 396 this input is of the type secret"),
        ("count: {one_of: [1, 2.5]}", "count.one_of[1]", "must be a whole number"),
        ("count: {fixed: many}", "count.fixed", "must be a whole number"),
        ("kind: {one_of: [std, slow]}", "kind.one_of[1]", "must be one of its options"),
        ("tags: {one_of: [a, c]}", "tags.one_of[1]", "must be one of its options"),
        ("tags: {fixed: [a, c]}", "tags.fixed", "must be one of its options"),
        ("day: {fixed: 2026-02-30}", "day.fixed", "must be a date that exists"),
        ("login: {fixed: another}", "login.fixed", "must be the name of a secret"),
        ("flag: {one_of: ['yes']}", "flag.one_of[0]", "is not written as launches have it"),
        ("time: {fixed: '2026-11-21T09:30+01:00'}", "time.fixed", "is not written as launches have it"),
        ("count: {hidden: true}", "count.hidden", "leaves out an input that workflow 396 requires: say fixed as well"),
    ],
)
def test_a_rule_that_does_not_fit_its_input_is_refused_at_its_key(tmp_path: Path, rule: str, place: str, says: str) -> None:
    text = typed(rule)

    found = only_problem(tmp_path, text)

    assert found.startswith(f"gonogo.yaml:{line_of('        inputs: {' + rule, text)}: {GRANT}.inputs.{place}: "), found
    assert says in found


@pytest.mark.parametrize(
    "rules",
    [
        "number: {min: 5, max: 9.5}, count: {one_of: [1, 2], max: 2}",
        "text: {pattern: '[a-z]+'}, kind: {one_of: [std]}, tags: {one_of: [a]}",
        "flag: {fixed: true}, day: {fixed: 2026-11-21}, time: {fixed: 2026-11-21T09:30:00Z}",
        "body: {fixed: {a: [1, 2.50]}}, tags: {fixed: [a, b]}, count: {fixed: 5, hidden: true}",
        "login: {one_of: [portal-login]}",
        "login: {fixed: portal-login, hidden: true}",
        "text: {hidden: true}, size: {hidden: true}",
        "text: {fixed: 5}",
    ],
)
def test_a_rule_that_fits_its_input_is_taken(tmp_path: Path, rules: str) -> None:
    assert problems(tmp_path, typed(rules)) == []


def test_every_fault_is_told_at_once_also_beside_a_faulty_connection(tmp_path: Path) -> None:
    text = changed("provider: freely", "provider: frely", typed("text: {min: 5, max: 9}, nobody: {max: 1}"))

    found = problems(tmp_path, text)

    assert [line.split(": ")[1] for line in found] == [
        "connections.growth.provider",
        f"{GRANT}.inputs.nobody",
        f"{GRANT}.inputs.text.max",
        f"{GRANT}.inputs.text.min",
    ]


# --- inputs and workflows that there are not -----------------------------------------------------------------------------


def test_a_rule_on_an_input_that_no_covered_workflow_has_is_refused(tmp_path: Path) -> None:
    found = only_problem(tmp_path, typed("cuont: {max: 5}"))

    assert f'{GRANT}.inputs.cuont: is no input of the workflows that this grant covers; did you mean "count"?' in found


@pytest.mark.parametrize("workflows", ['["*"]', '[396, "Dunning *"]', "[396, 500]"])
def test_where_the_provider_may_know_more_workflows_it_is_a_warning(tmp_path: Path, workflows: str) -> None:
    found = warned(tmp_path, typed("cuont: {max: 5}", workflows=workflows))

    assert any("inputs.cuont: is no input of the workflows" in line for line in found)


def test_a_rule_on_an_input_of_a_workflow_that_only_the_provider_describes_is_taken(tmp_path: Path) -> None:
    text = changed("        inputs: {}\n", "")
    text = changed('workflows: [396, "Dunning *"]', "workflows: [397]\n        inputs: {anything: {max: 5}}", text)

    assert warned(tmp_path, text) == []


class Recording(Acme):
    """Every workflow of it takes a record."""

    def fixed_inputs(self, workflow: object) -> tuple[InputSpec, ...]:
        del workflow
        return (InputSpec(name="entityId", type=InputType.INTEGER, required=True),)


def test_an_input_that_the_provider_adds_counts(tmp_path: Path) -> None:
    text = changed(RULES, f"        inputs: {{entityId: {{max: 500}}}}\n{RULES}")

    assert read(tmp_path, text, providers={**PROVIDERS, "acme_flow": Recording()}).warnings == ()
    assert "entityId" in str(read(tmp_path, text).warnings)


def test_the_good_file_has_no_warnings(tmp_path: Path) -> None:
    assert warned(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("pattern", "near"), [("369", ""), ("Dunnin run", '; did you mean "Dunning run"?'), ("Never *", "; known here: 396")]
)
def test_a_workflow_that_is_not_configured_is_a_warning(tmp_path: Path, pattern: str, near: str) -> None:
    text = changed('workflows: [396, "Dunning *"]', f'workflows: [396, "{pattern}"]')

    found = warned(tmp_path, text)

    assert len(found) == 1
    place = f"gonogo.yaml:{line_of('workflows: [396', text)}: {GRANT}.workflows[1]: "
    assert found[0].startswith(f"{place}fits no workflow that is configured for billing; so this grants nothing{near}"), found


class Listing(Acme):
    """It lists its workflows."""

    has_catalogue = True


def test_a_provider_that_lists_workflows_may_have_it_all_the_same(tmp_path: Path) -> None:
    text = changed('workflows: [396, "Dunning *"]', "workflows: [500]")

    warnings = read(tmp_path, text, providers={**PROVIDERS, "acme_flow": Listing()}).warnings

    assert "unless the provider has it, this grants nothing" in warnings[0]


class Silent(Freely):
    """It tells nothing of its workflows."""

    has_catalogue = False


def test_where_nothing_is_configured_the_list_of_the_provider_is_all_there_is(tmp_path: Path) -> None:
    text = changed('        workflows: ["*"]', "        workflows: [anything]")

    warnings = read(tmp_path, text, providers={**PROVIDERS, "freely": Silent()}).warnings

    assert warned(tmp_path, text) == []
    assert len(warnings) == 1
    assert "grants[1].workflows[0]: fits no workflow that is configured for growth; so this grants nothing" in warnings[0]


# --- what may be left out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["{max: 5}", "{min: 5}", "{one_of: [1]}"])
def test_an_input_with_a_rule_that_may_be_left_out_is_a_warning(tmp_path: Path, rule: str) -> None:
    text = typed(f"number: {rule}")

    place = f"gonogo.yaml:{line_of('        inputs: {number', text)}: {GRANT}.inputs.number: "
    assert warned(tmp_path, text) == [f"{place}may be left out in workflow 396: then Acme Flow decides"]


@pytest.mark.parametrize("rule", ["count: {max: 5}", "number: {fixed: 5}", "number: {hidden: true}", "size: {max: 5}"])
def test_an_input_that_is_always_sent_or_never_typed_is_no_warning(tmp_path: Path, rule: str) -> None:
    assert warned(tmp_path, typed(rule)) == []


def test_a_default_that_the_rule_refuses_is_a_warning(tmp_path: Path) -> None:
    assert "inputs.size: refuses the default that workflow 396 has for it" in str(warned(tmp_path, typed("size: {max: 4}")))


# --- secrets -------------------------------------------------------------------------------------------------------------


def test_secrets_are_kept_by_name_and_apart_from_the_connection(tmp_path: Path) -> None:
    configuration = read(tmp_path, typed("text: {hidden: true}"))

    assert configuration.connections["billing"].secret_names == ("portal-login",)
    assert configuration.secrets["billing"]["portal-login"].reveal() == "made-up-client-secret"
    assert "made-up-client-secret" not in repr(configuration)


@pytest.mark.parametrize("name", ['"portal login"', "a=b", '"ä b"', "AK" + "IA" + "ABCDEFGH234567AB"])
def test_a_secret_has_a_name_that_can_be_typed(tmp_path: Path, name: str) -> None:
    text = changed("    poll_every: 30s\n", f'    secrets: {{{name}: "${{ACME_SECRET}}"}}\n')

    assert "is no name for a secret: up to 100 letters" in only_problem(tmp_path, text)


def test_a_literal_secret_is_refused_and_not_repeated(tmp_path: Path) -> None:
    found = only_problem(tmp_path, changed("    poll_every: 30s\n", "    secrets: {portal: made-up-literal}\n"))

    assert "connections.billing.secrets.portal: literal secret" in found
    assert "made-up-literal" not in found


def test_an_input_of_the_type_secret_needs_secrets_to_choose_from(tmp_path: Path) -> None:
    text = changed("type: text, required: true", "type: secret")

    assert only_problem(tmp_path, text) == (
        f"gonogo.yaml:{line_of('accountId:', text)}: connections.billing.workflows.396.inputs.accountId.type: "
        "takes the name of one of the connection's secrets, and it has none"
    )


def test_a_secret_is_one_value(tmp_path: Path) -> None:
    text = changed("type: text, required: true", "type: secret, many: true", changed("    poll_every: 30s\n", SECRETS))

    assert "accountId.many: a secret is one value" in only_problem(tmp_path, text)


def test_a_secret_that_is_too_short_to_be_blanked_is_a_warning(tmp_path: Path) -> None:
    text = changed("    poll_every: 30s\n", '    secrets: {pin: "${TENANT}"}\n')

    assert "connections.billing.secrets.pin: is shorter than 8 characters" in str(warned(tmp_path, text))
    assert "tenant7" not in str(warned(tmp_path, text))


# --- grants beside each other --------------------------------------------------------------------------------------------


def needless(folder: Path, *grants: str) -> list[Fault]:
    """Warnings on approvals of a channel with these grants, read without the rule that approvals are not built."""
    configuration: Configuration = read(folder, GOOD)
    known = Known(providers=PROVIDERS, connections={"billing": PROVIDERS["acme_flow"], "growth": PROVIDERS["freely"]})
    plain: dict[str, Any] = {
        "connection": "billing",
        "scopes": ["Run Access"],
        "workflows": ["396"],
        "requesters": ["S0LEADS"],
        "inputs": {},
    }
    extra: dict[str, dict[str, Any]] = {
        "approval": {"approval": {"approvers": ["U0A"]}},
        "members": {"requesters": ["members"]},
        "others": {"requesters": ["S0OTHERS"]},
        "ruled": {"inputs": {"kind": {"one_of": ["std"]}}},
        "every": {"workflows": ["*"]},
        "named": {"workflows": ["Dunning run"]},
        "scoped": {"scopes": ["Run Access", "View Access"]},
    }
    sections: list[dict[str, Any]] = []
    for words in grants:
        section = dict(plain)
        for word in words.split():
            section |= extra[word]
        sections.append(section)
    whole = FileSection.model_validate({"connections": {}, "channels": {"C0FINANCE": {"grants": sections}}}, context=known)
    crossing = Crossing(known=known, connections=configuration.connections, secrets={})
    return [fault for fault in crossing.warnings(whole) if "is never needed" in fault.text]


@pytest.mark.parametrize(
    ("asking", "plain"),
    [
        ("approval", "members"),
        ("approval", "every"),
        ("approval", "scoped"),
        ("approval ruled", ""),
        ("approval ruled", "ruled"),
        ("approval members", "members every"),
    ],
)
def test_an_approval_that_another_grant_spares_is_a_warning(tmp_path: Path, asking: str, plain: str) -> None:
    forwards, backwards = needless(tmp_path, asking, plain), needless(tmp_path, plain, asking)

    assert [fault.place[-2:] for fault in (*forwards, *backwards)] == [(0, "approval"), (1, "approval")]
    assert "grants[1] allows the same to the same people without it" in forwards[0].text


@pytest.mark.parametrize(
    ("asking", "plain"),
    [
        ("approval", "ruled"),
        ("approval", "others"),
        ("approval members", ""),
        ("approval every", ""),
        ("approval scoped", ""),
        ("approval", "approval members"),
        ("approval", "named"),
        ("", "members"),
    ],
)
def test_an_approval_that_is_still_needed_by_somebody_is_no_warning(tmp_path: Path, asking: str, plain: str) -> None:
    assert needless(tmp_path, asking, plain) == []
