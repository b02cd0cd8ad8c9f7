"""A configuration that is wrong: every fault is named with its line, its place and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.settings.world import GOOD, changed, line_of, only_problem, problems

BILLING = "connections.billing"
DUNNING = f"{BILLING}.workflows.396"
GRANT = "channels.C0FINANCE.grants[0]"


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One change to the good file, and the one line that it must bring: ``at`` is a part of the line that is named."""

    old: str
    new: str
    at: str
    place: str
    says: str

    @property
    def text(self) -> str:
        return changed(self.old, self.new)


SLACK = {
    "a command without a slash": Broken(
        old="command: /launch",
        new="command: launch",
        at="command: launch",
        place="slack.command",
        says='"launch" is no slash command',
    ),
    "a command in capitals": Broken(
        old="command: /launch",
        new="command: /Launch",
        at="command: /Launch",
        place="slack.command",
        says='"/Launch" is no slash command',
    ),
    "a key of Slack that is misspelt": Broken(
        old="  command: /launch",
        new="  comand: /launch",
        at="comand",
        place="slack.comand",
        says='is no key that is known here; did you mean "command"?',
    ),
    "Slack's section is empty": Broken(
        old="slack:\n  command: /launch\n",
        new="slack:\n",
        at="slack:",
        place="slack",
        says="is empty: it must be a mapping of keys to values",
    ),
    "a section that is misspelt": Broken(
        old="channels:\n",
        new="chanels:\n",
        at="chanels:",
        place="chanels",
        says='is no key that is known here; did you mean "channels"?',
    ),
}

CONNECTIONS = {
    "a connection that is named like a word of the command": Broken(
        old="  growth:\n",
        new="  status:\n",
        at="  status:",
        place="connections.status",
        says='"status" is a word of the command itself: give this connection another name',
    ),
    "a connection with a name that cannot be typed": Broken(
        old="  growth:\n",
        new="  Growth Team:\n",
        at="  Growth Team:",
        place='connections."Growth Team"',
        says='"Growth Team" is no connection name',
    ),
    "a provider that does not exist": Broken(
        old="provider: acme_flow",
        new="provider: acme_flwo",
        at="provider: acme_flwo",
        place=f"{BILLING}.provider",
        says='"acme_flwo" is no provider; did you mean "acme_flow"?',
    ),
    "a provider that is nothing like any": Broken(
        old="provider: acme_flow",
        new="provider: jenkins",
        at="provider: jenkins",
        place=f"{BILLING}.provider",
        says='"jenkins" is no provider; known here: acme_flow, freely, scopeless',
    ),
    "no provider": Broken(
        old="    provider: acme_flow\n",
        new="",
        at="  billing:",
        place=f"{BILLING}.provider",
        says="is missing. Which provider this is.",
    ),
    "no base URL": Broken(
        old="    base_url: https://api.acme.example\n",
        new="",
        at="  billing:",
        place=f"{BILLING}.base_url",
        says="is missing. Where its API is",
    ),
    "a base URL without https": Broken(
        old="https://api.acme.example",
        new="http://api.acme.example",
        at="base_url: http://api",
        place=f"{BILLING}.base_url",
        says="must begin with https://: http:// is for this machine only",
    ),
    "a base URL of another kind": Broken(
        old="https://api.acme.example",
        new="ftp://api.acme.example",
        at="base_url: ftp",
        place=f"{BILLING}.base_url",
        says="must begin with https://",
    ),
    "a base URL with a query": Broken(
        old="https://api.acme.example",
        new="https://api.acme.example/?a=b",
        at="base_url: https://api",
        place=f"{BILLING}.base_url",
        says="nothing after ? or #",
    ),
    "a key of the provider that is misspelt": Broken(
        old="    region: us\n",
        new="    regoin: us\n",
        at="regoin",
        place=f"{BILLING}.regoin",
        says='is no key that is known here; did you mean "region"?',
    ),
    "a key of another provider": Broken(
        old="    provider: freely\n",
        new="    provider: freely\n    region: us\n",
        at="    region: us\n    base_url: http:",
        place="connections.growth.region",
        says="is no key that is known here; known here: base_url, credential, poll_every, provider, secrets, timeout, workflows",
    ),
    "a word that the provider does not know": Broken(
        old="region: us",
        new="region: mars",
        at="region: mars",
        place=f"{BILLING}.region",
        says="must be 'eu' or 'us'",
    ),
    "one value where a list is due": Broken(
        old="entity_ids: [e1, 42]",
        new="entity_ids: e1",
        at="entity_ids: e1",
        place=f"{BILLING}.entity_ids",
        says="must be a list",
    ),
    "an id with a point, not in quotes": Broken(
        old="entity_ids: [e1, 42]",
        new="entity_ids: [e1, 4.20]",
        at="entity_ids: [e1, 4.20]",
        place=f"{BILLING}.entity_ids[1]",
        says="is read by YAML as a number: put it in quotes",
    ),
    "a key inside a provider's own section that is missing": Broken(
        old="mark: {object: Case}",
        new="mark: {field: Launch}",
        at="mark:",
        place=f"{BILLING}.mark.object",
        says="is missing. Which object.",
    ),
    "a duration without its unit": Broken(
        old="poll_every: 30s",
        new="poll_every: 30",
        at="poll_every: 30",
        place=f"{BILLING}.poll_every",
        says="must be a whole number with its unit, such as 500ms, 30s, 4h or 2d",
    ),
    "polling too fast": Broken(
        old="poll_every: 30s",
        new="poll_every: 99ms",
        at="poll_every: 99ms",
        place=f"{BILLING}.poll_every",
        says="must be from 100ms to 1d",
    ),
    "a time-out without end": Broken(
        old="timeout: 2m",
        new="timeout: 2d",
        at="timeout: 2d",
        place=f"{BILLING}.timeout",
        says="must be from 100ms to 15m",
    ),
    "a whole number that is text": Broken(
        old="    region: us\n",
        new='    region: us\n    retries: "2"\n',
        at="retries",
        place=f"{BILLING}.retries",
        says="must be a whole number",
    ),
    "a number that is text": Broken(
        old="    region: us\n",
        new="    region: us\n    share: much\n",
        at="share",
        place=f"{BILLING}.share",
        says="must be a number, without quotes",
    ),
    "a yes that is a number": Broken(
        old="    region: us\n",
        new="    region: us\n    is_strict: 1\n",
        at="is_strict",
        place=f"{BILLING}.is_strict",
        says="must be true or false",
    ),
}

CREDENTIALS = {
    "a literal secret": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new="client_secret: made-up-literal",
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="literal secret: keep it out of this file, and write ${NAME} or ${file:/path} for where it is kept",
    ),
    "a literal secret of digits": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new="client_secret: 12345678",
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="literal secret",
    ),
    "a reference with something around it": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new='client_secret: "Bearer ${ACME_SECRET}"',
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="literal secret",
    ),
    "a variable that is not set": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new='client_secret: "${ACME_SECRIT}"',
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="${ACME_SECRIT}: the environment has no variable ACME_SECRIT; set it there or in .env",
    ),
    "a variable that is empty": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new='client_secret: "${EMPTY}"',
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="${EMPTY}: the variable EMPTY is empty",
    ),
    "a variable of two lines": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new='client_secret: "${TWO_LINES}"',
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="${TWO_LINES} holds a line break",
    ),
    "a file that is not there": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new='client_secret: "${file:/nowhere/at/all}"',
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="${file:/nowhere/at/all}: there is no such file",
    ),
    "part of a credential that is missing": Broken(
        old='      client_secret: "${ACME_SECRET}"\n',
        new="",
        at="credential:",
        place=f"{BILLING}.credential.client_secret",
        says="is missing. The client's secret.",
    ),
    "part of a credential that is empty": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new="client_secret:",
        at="client_secret:",
        place=f"{BILLING}.credential.client_secret",
        says="is empty: write ${NAME} or ${file:/path}",
    ),
    "part of a credential that the provider does not know": Broken(
        old="      client_id:",
        new='      user: "${ACME_ID}"\n      client_id:',
        at="      user:",
        place=f"{BILLING}.credential.user",
        says="is no key that is known here; known here: client_id, client_secret, session",
    ),
    "no credential": Broken(
        old='    credential: {api_key: "${FREELY_KEY}"}\n',
        new="",
        at="  growth:",
        place="connections.growth.credential",
        says="is missing. What proves who we are",
    ),
    "a credential that is one value": Broken(
        old='    credential: {api_key: "${FREELY_KEY}"}\n',
        new='    credential: "${FREELY_KEY}"\n',
        at='    credential: "${FREELY_KEY}"',
        place="connections.growth.credential",
        says="must be a mapping of keys to values",
    ),
    "a credential that the provider itself refuses": Broken(
        old='client_secret: "${ACME_SECRET}"',
        new='client_secret: "${ACME_ID}"',
        at="credential:",
        place=f"{BILLING}.credential",
        says="client_id and client_secret are both ****, at billing",
    ),
}

WORKFLOWS = {
    "a key of a workflow that is misspelt": Broken(
        old="        record: deal\n",
        new="        recrod: deal\n",
        at="recrod",
        place=f"{DUNNING}.recrod",
        says='is no key that is known here; did you mean "record"?',
    ),
    "a version without quotes": Broken(
        old="        record: deal\n",
        new="        version: 1.0\n",
        at="version: 1.0",
        place=f"{DUNNING}.version",
        says="is read by YAML as a number: put it in quotes",
    ),
    "a name without quotes that YAML reads as false": Broken(
        old="name: Dunning run",
        new="name: no",
        at="name: no",
        place=f"{DUNNING}.name",
        says="is read by YAML as true or false: put it in quotes",
    ),
    "a name with an invisible character": Broken(
        old="name: Dunning run",
        new='name: "Dunning\\u202e run"',
        at="name: ",
        place=f"{DUNNING}.name",
        says="holds the invisible character U+202E (RIGHT-TO-LEFT OVERRIDE)",
    ),
    "a name of two lines": Broken(
        old="name: Dunning run",
        new='name: "Dunning\\nrun"',
        at="name: ",
        place=f"{DUNNING}.name",
        says="holds a line break",
    ),
    "a name that is too long": Broken(
        old="name: Dunning run",
        new=f"name: {'x' * 256}",
        at="name: ",
        place=f"{DUNNING}.name",
        says="is longer than 255 characters",
    ),
    "a workflow without an id": Broken(
        old='      "396":\n',
        new='      "":\n',
        at='      "":',
        place=f'{BILLING}.workflows.""',
        says="is empty",
    ),
    "a step without its uid": Broken(
        old="[{step_uid: s-1, ",
        new="[{",
        at="steps:",
        place=f"{BILLING}.workflows.397.steps[0].step_uid",
        says="is missing. Its uid.",
    ),
    "an input type that does not exist": Broken(
        old="type: text,",
        new="type: txt,",
        at="type: txt",
        place=f"{DUNNING}.inputs.accountId.type",
        says='"txt" is no input type; did you mean "text"?',
    ),
    "a key of an input that is misspelt": Broken(
        old="required: true",
        new="requird: true",
        at="requird",
        place=f"{DUNNING}.inputs.accountId.requird",
        says='did you mean "required"?',
    ),
    "an input that is only a word": Broken(
        old="accountId: {type: text, required: true}",
        new="accountId: text",
        at="accountId",
        place=f"{DUNNING}.inputs.accountId",
        says="must be a mapping of keys to values",
    ),
    "an input whose name cannot be typed": Broken(
        old="accountId:",
        new='"account=Id":',
        at="account=Id",
        place=f'{DUNNING}.inputs."account=Id"',
        says="must not hold =, as people type name=value",
    ),
    "a choice without options": Broken(
        old="type: choice, options: [std, rush], default: std",
        new="type: choice",
        at="kind:",
        place=f"{DUNNING}.inputs.kind.options",
        says="is missing: a choice needs at least one option",
    ),
    "options of an input that is no choice": Broken(
        old="type: text, required: true",
        new="type: text, options: [a]",
        at="accountId",
        place=f"{DUNNING}.inputs.accountId.options",
        says="goes with the types choice and multi_choice only",
    ),
    "an option twice": Broken(
        old="[std, rush]",
        new="[std, std]",
        at="kind:",
        place=f"{DUNNING}.inputs.kind.options",
        says="names one option twice",
    ),
    "options that YAML reads as true and false": Broken(
        old="[std, rush]",
        new="[std, no]",
        at="kind:",
        place=f"{DUNNING}.inputs.kind.options[1]",
        says="is read by YAML as true or false: put it in quotes",
    ),
    "more options than Slack shows": Broken(
        old="[std, rush]",
        new=f"[std, {', '.join(f'o{index}' for index in range(100))}]",
        at="kind:",
        place=f"{DUNNING}.inputs.kind.options",
        says="has too many entries: at most 100",
    ),
    "a default that is no option": Broken(
        old="default: std",
        new="default: slow",
        at="kind:",
        place=f"{DUNNING}.inputs.kind.default",
        says="must be one of its options, spelt exactly so",
    ),
    "a default that is no number": Broken(
        old="default: 10.50",
        new="default: much",
        at="maxAmount",
        place=f"{DUNNING}.inputs.maxAmount.default",
        says="must be a number such as 12",
    ),
    "a default of one value where several are due": Broken(
        old="default: [a]",
        new="default: a",
        at="tags:",
        place=f"{DUNNING}.inputs.tags.default",
        says="must be a list, as this input takes several values",
    ),
    "a default of several values where one is due": Broken(
        old="default: 10.50",
        new="default: [10.50]",
        at="maxAmount",
        place=f"{DUNNING}.inputs.maxAmount.default",
        says="must be one value",
    ),
    "a default of a text that YAML reads as a number": Broken(
        old="type: text, required: true",
        new="type: text, default: 1.0",
        at="accountId",
        place=f"{DUNNING}.inputs.accountId.default",
        says="is read by YAML as a number: put it in quotes",
    ),
    "a hint that is too long": Broken(
        old="type: text, required: true",
        new=f"type: text, hint: {'x' * 2001}",
        at="accountId",
        place=f"{DUNNING}.inputs.accountId.hint",
        says="is longer than 2,000 characters",
    ),
}

POLICY = {
    "a channel by its name": Broken(
        old="  C0FINANCE:\n",
        new="  finance-ops:\n",
        at="  finance-ops:",
        place="channels.finance-ops",
        says='"finance-ops" is no channel id: ids decide, not names. In Slack, open the channel\'s details',
    ),
    "a channel without grants": Broken(
        old="    grants: []\n",
        new="",
        at="  G0PRIVATE:",
        place="channels.G0PRIVATE.grants",
        says="is missing. What may be launched here; an empty list is nothing.",
    ),
    "shared as text": Broken(
        old="shared: true",
        new='shared: "true"',
        at="shared:",
        place="channels.G0PRIVATE.shared",
        says="must be true or false",
    ),
    "a grant on a connection that does not exist": Broken(
        old="connection: billing",
        new="connection: biling",
        at="connection: biling",
        place=f"{GRANT}.connection",
        says='"biling" is no connection; did you mean "billing"?',
    ),
    "a grant without a connection": Broken(
        old="      - connection: billing\n        scopes: [Run Access, View Access]\n",
        new="      - scopes: [Run Access]\n",
        at="      - scopes:",
        place=f"{GRANT}.connection",
        says="is missing. The connection that it is about.",
    ),
    "a scope that the provider does not have": Broken(
        old="[Run Access, View Access]",
        new="[Run Access, Veiw Access]",
        at="scopes:",
        place=f"{GRANT}.scopes[1]",
        says='"Veiw Access" is no scope of Acme Flow; did you mean "View Access"?',
    ),
    "a grant without scopes": Broken(
        old="        scopes: [Run Access, View Access]\n",
        new="",
        at="      - connection: billing",
        place=f"{GRANT}.scopes",
        says="is empty, so this grants nothing: name scopes of Acme Flow (Run Access, View Access)",
    ),
    "a grant without workflows": Broken(
        old='        workflows: [396, "Dunning *"]\n',
        new="",
        at="      - connection: billing",
        place=f"{GRANT}.workflows",
        says="is missing. Without workflows this grants nothing",
    ),
    "a grant with no workflow": Broken(
        old='[396, "Dunning *"]',
        new="[]",
        at="workflows: []",
        place=f"{GRANT}.workflows",
        says="is empty. Without workflows this grants nothing",
    ),
    "a grant without requesters": Broken(
        old="        requesters: [members, U0BOB, S0LEADS]\n",
        new="",
        at="      - connection: billing",
        place=f"{GRANT}.requesters",
        says="is missing. Without requesters this grants nothing",
    ),
    "a requester by name": Broken(
        old="U0BOB",
        new='"@bob"',
        at="requesters: [members",
        place=f"{GRANT}.requesters[1]",
        says='"@bob" is neither members nor an id: ids decide, not names. A person\'s id (U…) is in their Slack profile',
    ),
    "a requester in small letters": Broken(
        old="U0BOB",
        new="u0bob",
        at="requesters: [members",
        place=f"{GRANT}.requesters[1]",
        says='"u0bob" is neither members nor an id',
    ),
    "a key of a grant that is misspelt": Broken(
        old="        requesters: [members, U0BOB, S0LEADS]\n",
        new="        requesters: [members]\n        requestrs: [U0BOB]\n",
        at="requestrs",
        place=f"{GRANT}.requestrs",
        says='is no key that is known here; did you mean "requesters"?',
    ),
}

NOT_BUILT = {
    "what a provider has not built": Broken(
        old="    poll_every: 30s\n",
        new="    correlation: {object: Case}\n",
        at="correlation:",
        place=f"{BILLING}.correlation",
        says="not built yet",
    ),
    "one transaction": Broken(
        old="        workflows: [396",
        new="        single_transaction: true\n        workflows: [396",
        at="single_transaction:",
        place=f"{GRANT}.single_transaction",
        says="not built yet",
    ),
}

YAML = {
    "a tab": Broken(
        old="  command: /launch",
        new="\tcommand: /launch",
        at="\tcommand",
        place="",
        says="not readable as YAML: a tab: YAML is indented with spaces",
    ),
    "a key twice": Broken(
        old="    region: us\n",
        new="    region: us\n    region: eu\n",
        at="    region: eu",
        place=f"{BILLING}.region",
        says="appears twice; the first one stands in line 10",
    ),
    "a connection twice": Broken(
        old="channels:\n",
        new='  billing:\n    provider: freely\n    base_url: https://x\n    credential: {api_key: "${FREELY_KEY}"}\nchannels:\n',
        at="  billing:\n    provider: freely",
        place="connections.billing",
        says="appears twice; the first one stands in line 4",
    ),
    "text with a colon": Broken(
        old="name: Dunning run",
        new="name: Dunning: run",
        at="name: Dunning: run",
        place="",
        says="a second colon, or a wrong indentation: put text with a colon in quotes",
    ),
    "quotes that are never closed": Broken(
        old="    shared: true\n",
        new='    name: "board-room\n    shared: true\n',
        at='name: "board',
        place="",
        says="not readable as YAML: quotes that are never closed",
    ),
    "a tag": Broken(
        old="name: Dunning run",
        new="name: !vault Dunning run",
        at="name: !vault",
        place=f"{DUNNING}.name",
        says="a value that begins with ! is a tag in YAML: put it in quotes",
    ),
    "a merge key": Broken(
        old="    region: us\n",
        new="    <<: {region: us}\n",
        at="<<:",
        place=BILLING,
        says="<< is not understood here: write the entries out",
    ),
}

TABLE = {**SLACK, **CONNECTIONS, **CREDENTIALS, **WORKFLOWS, **POLICY, **NOT_BUILT}


@pytest.mark.parametrize("broken", TABLE.values(), ids=TABLE)
def test_one_fault_brings_one_line_that_names_line_place_and_way_out(tmp_path: Path, broken: Broken) -> None:
    found = [line for line in problems(tmp_path, broken.text) if not is_about_the_renamed(line, broken)]

    assert len(found) == 1, found
    place = f"gonogo.yaml:{line_of(broken.at, broken.text)}: {broken.place}: "
    assert found[0].startswith(place), found
    assert broken.says in found[0]


def is_about_the_renamed(line: str, broken: Broken) -> bool:
    """A connection that is renamed is missed by its grant, too."""
    return broken.old == "  growth:\n" and "grants[1].connection" in line


@pytest.mark.parametrize("broken", YAML.values(), ids=YAML)
def test_what_is_wrong_as_yaml_is_named_with_its_line(tmp_path: Path, broken: Broken) -> None:
    found = problems(tmp_path, broken.text)

    start = f"gonogo.yaml:{line_of(broken.at, broken.text)}: " + (f"{broken.place}: " if broken.place else "")
    assert [line for line in found if line.startswith(start) and broken.says in line], found


def test_ten_faults_are_ten_lines_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD
    for broken in (
        SLACK["a command in capitals"],
        CONNECTIONS["a base URL without https"],
        CREDENTIALS["a literal secret"],
        CONNECTIONS["a key of the provider that is misspelt"],
        CONNECTIONS["polling too fast"],
        WORKFLOWS["a name without quotes that YAML reads as false"],
        WORKFLOWS["an input type that does not exist"],
        WORKFLOWS["a default that is no number"],
        POLICY["a scope that the provider does not have"],
        POLICY["a requester by name"],
    ):
        text = changed(broken.old, broken.new, text)

    found = problems(tmp_path, text)

    assert [line.split(": ")[1] for line in found] == [
        "slack.command",
        f"{BILLING}.base_url",
        f"{BILLING}.credential.client_secret",
        f"{BILLING}.regoin",
        f"{BILLING}.poll_every",
        f"{DUNNING}.name",
        f"{DUNNING}.inputs.accountId.type",
        f"{DUNNING}.inputs.maxAmount.default",
        f"{GRANT}.scopes[1]",
        f"{GRANT}.requesters[1]",
    ]
    numbers = [int(line.split(":")[1]) for line in found]
    assert numbers == sorted(numbers)


def test_a_connection_of_an_unknown_provider_is_checked_as_far_as_it_can_be(tmp_path: Path) -> None:
    text = changed("provider: acme_flow", "provider: nobody")
    text = changed("https://api.acme.example", "http://api.acme.example", text)
    text = changed('"${ACME_SECRET}"', "literal", text)

    found = problems(tmp_path, text)

    assert [line.split(": ")[1] for line in found] == [
        f"{BILLING}.provider",
        f"{BILLING}.base_url",
        f"{BILLING}.credential.client_secret",
    ]


def test_a_value_that_cannot_be_filled_in_is_not_called_wrong_as_well(tmp_path: Path) -> None:
    text = changed("https://api.acme.example", "${NOWHERE}")

    assert "${NOWHERE}: the environment has no variable NOWHERE" in only_problem(tmp_path, text)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_called_empty(tmp_path: Path, text: str) -> None:
    assert only_problem(tmp_path, text) == "gonogo.yaml:1: is empty: it needs connections and channels"


@pytest.mark.parametrize("text", ["just text\n", "[a, b]\n", "42\n", "true\n"])
def test_a_file_that_is_no_mapping_is_one_problem(tmp_path: Path, text: str) -> None:
    assert only_problem(tmp_path, text) == "gonogo.yaml:1: must be a mapping of keys to values"


def test_a_file_that_is_no_text_names_the_line(tmp_path: Path) -> None:
    assert only_problem(tmp_path, b"slack:\n  command: \xff\n") == "gonogo.yaml:2: is not UTF-8 text"


def test_a_file_without_connections_says_what_they_are(tmp_path: Path) -> None:
    expected = "gonogo.yaml:1: connections: is missing. Credentials at providers, by the name that people type."

    assert only_problem(tmp_path, "slack: {command: /launch}\n") == expected


@pytest.mark.parametrize("word", ["help", "list", "status", "cancel", "again", "why", "access", "approve", "reject"])
def test_no_connection_is_named_like_a_subcommand(tmp_path: Path, word: str) -> None:
    found = problems(tmp_path, changed("  growth:\n", f"  {word}:\n"))

    assert any(f'"{word}" is a word of the command itself' in line for line in found)


@pytest.mark.parametrize(
    ("rule", "place", "says"),
    [
        ("{approvers: []}", "approval.approvers", "is empty. Who may agree"),
        ("{required: 2}", "approval.approvers", "is missing. Who may agree"),
        ("{approvers: [carol]}", "approval.approvers[0]", '"carol" is neither members nor an id'),
        ("{approvers: [U0CAROL], required: 0}", "approval.required", "must be at least 1"),
        ("{approvers: [U0CAROL], expires_after: soon}", "approval.expires_after", "must be a whole number with its unit"),
        ("{approvers: [U0CAROL], when: {a: {pattern: '('}}}", "approval.when.a.pattern", "is no regular expression"),
        ("{approvers: [U0CAROL], when: {a: {min: x}}}", "approval.when.a.min", "must be a number"),
    ],
)
def test_an_approval_rule_is_validated(tmp_path: Path, rule: str, place: str, says: str) -> None:
    found = problems(tmp_path, changed("        workflows: [396", f"        approval: {rule}\n        workflows: [396"))

    assert any(f"{GRANT}.{place}: " in line and says in line for line in found), found


@pytest.mark.parametrize(
    ("begins", "says"),
    [("yesterday", "is no time"), ("2026-11-30T18:00", "has no time zone"), ("20", "is no time")],
)
def test_a_freeze_begins_at_a_time_with_its_zone(tmp_path: Path, begins: str, says: str) -> None:
    freeze = f"freezes:\n  - {{name: close, from: {begins}, to: 2026-12-02T08:00Z, connections: [sale]}}\n"

    found = problems(tmp_path, GOOD + freeze)

    assert any("freezes[0].from: " in line and says in line for line in found), found
    assert any('freezes[0].connections[0]: "sale" is no connection' in line for line in found)


def test_a_secret_input_has_no_default(tmp_path: Path) -> None:
    found = problems(tmp_path, changed("type: text, required: true", "type: secret, default: made-up"))

    assert any("inputs.accountId.default: a secret has no default" in line for line in found)


def test_a_provider_without_scopes_takes_none(tmp_path: Path) -> None:
    text = changed("provider: freely", "provider: scopeless")
    text = changed("      - connection: growth\n", "      - connection: growth\n        scopes: [any]\n", text)

    assert 'grants[1].scopes[0]: "any" is no scope of Scopeless' in only_problem(tmp_path, text)


def test_a_type_that_hides_behind_a_reference_is_judged_all_the_same(tmp_path: Path) -> None:
    text = changed("type: text, required: true", 'type: "${KIND}"')

    found = only_problem(tmp_path, text, environment={**_environment(), "KIND": "secret"})

    assert "accountId.type: takes the name of one of the connection's secrets, and it has none" in found


def _environment() -> dict[str, str]:
    return {"ACME_ID": "made-up-id", "ACME_SECRET": "made-up-secret", "FREELY_KEY": "made-up-key"}
