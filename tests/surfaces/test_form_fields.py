"""Which element asks for an input, what stands in it, and what people read around it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest

from bot.domain.grants import InputRule
from bot.domain.model import InputSpec, InputType
from bot.providers import load
from bot.surfaces.form_reading import read_submission
from bot.surfaces.form_table import TABLE, Leaves
from tests.surfaces.form_parts import block, drawn, element, labels, spec, state, words

FIFTY = tuple(f"o{number}" for number in range(50))
MANY = tuple(f"o{number}" for number in range(101))


def hint(view: dict[str, Any], name: str) -> str:
    return str(block(view, name).get("hint", {}).get("text", ""))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (spec("x", InputType.TEXT), {"type": "plain_text_input", "max_length": 3000}),
        (spec("x", InputType.LONG_TEXT), {"type": "plain_text_input", "multiline": True}),
        (spec("x", InputType.INTEGER), {"type": "number_input", "is_decimal_allowed": False}),
        (spec("x", InputType.DECIMAL), {"type": "number_input", "is_decimal_allowed": True}),
        (spec("x", InputType.BOOLEAN), {"type": "radio_buttons"}),
        (spec("x", InputType.DATE), {"type": "datepicker"}),
        (spec("x", InputType.DATETIME), {"type": "datetimepicker"}),
        (spec("x", InputType.CHOICE, options=FIFTY), {"type": "static_select"}),
        (spec("x", InputType.CHOICE, options=MANY), {"type": "external_select", "min_query_length": 0}),
        (spec("x", InputType.CHOICE), {"type": "plain_text_input"}),
        (spec("x", InputType.MULTI_CHOICE, options=FIFTY), {"type": "multi_static_select"}),
        (spec("x", InputType.MULTI_CHOICE, options=MANY), {"type": "multi_external_select", "min_query_length": 0}),
        (spec("x", InputType.EMAIL), {"type": "email_text_input"}),
        (spec("x", InputType.URL), {"type": "url_text_input"}),
        (spec("x", InputType.JSON), {"type": "plain_text_input", "multiline": True}),
        (spec("x", InputType.SECRET, options=("sap",)), {"type": "static_select"}),
        (spec("x", InputType.INTEGER, many=True), {"type": "plain_text_input"}),
    ],
)
def test_each_type_has_its_element(one: InputSpec, expected: dict[str, Any]) -> None:
    found = element(drawn(one), "x")

    assert {name: found.get(name) for name in expected} == expected


def test_the_table_has_a_row_for_every_type() -> None:
    assert set(TABLE) == set(InputType)


def test_a_type_never_seen_is_asked_for_as_text_with_a_note() -> None:
    one = spec("x", cast("InputType", "geolocation"), hint="Where.", default="Vilnius")
    view = drawn(one)

    assert element(view, "x") == {
        "type": "plain_text_input",
        "max_length": 3000,
        "initial_value": "Vilnius",
        "action_id": "launch_form_input",
    }
    assert hint(view, "x") == "Where. Its type is geolocation, which is not known here: it is asked for as text."
    assert read_submission(state(view, x="Riga"), [one], {}) == {"x": "Riga"}


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (spec("x", hint="The customer"), "The customer."),
        (spec("x", hint="Why?"), "Why?"),
        (spec("x", InputType.INTEGER, many=True), "Takes several, parted by commas, each a whole number"),
        (spec("x", InputType.MULTI_CHOICE), "Takes several, parted by commas, each a text"),
        (spec("x", InputType.JSON), "Takes JSON."),
        (spec("x", InputType.JSON, many=True), "Takes a JSON list."),
        (spec("x", InputType.DATETIME), "Picked in your own time zone, and sent as the same moment in UTC."),
        (spec("x", InputType.CHOICE, options=("a", "b")), ""),
        (spec("x", hint="\u202eevil\0"), "evil."),
    ],
)
def test_what_stands_below_a_field_says_what_it_takes(one: InputSpec, told: str) -> None:
    found = hint(drawn(one), "x")

    assert found.startswith(told)
    assert bool(found) is bool(told)


@pytest.mark.parametrize(
    ("is_ours", "required", "told"),
    [
        (True, False, "Left empty, it is hello."),
        (False, True, "Left empty, it is hello."),
        (False, False, "Left empty, the provider takes hello."),
    ],
)
def test_what_an_emptied_field_means_is_said(is_ours: bool, required: bool, told: str) -> None:
    one = spec("x", default="hello", is_default_ours=is_ours, required=required)

    view = drawn(one, given={"x": ""})

    assert hint(view, "x") == told
    assert block(view, "x")["optional"] is True


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        (InputType.INTEGER, "12"),
        (InputType.DECIMAL, "12.50"),
        (InputType.EMAIL, "ada@example.com"),
        (InputType.URL, "https://example.com/"),
        (InputType.JSON, '{"key": 1}'),
    ],
)
def test_an_empty_field_shows_an_example_that_it_takes(kind: InputType, example: str) -> None:
    found = element(drawn(spec("x", kind)), "x")

    assert found["placeholder"]["text"] == example


@pytest.mark.parametrize("wanted", [["o0", "o2"], ["o2", "o0"], ["o1"]])
def test_what_is_chosen_already_stands_in_its_own_order(wanted: list[str]) -> None:
    for options in (FIFTY, MANY):
        one = spec("x", InputType.MULTI_CHOICE, options=options)

        found = element(drawn(one, given={"x": ",".join(wanted)}), "x")

        assert [option["value"] for option in found["initial_options"]] == wanted


def test_more_chosen_options_than_a_select_shows_stand_as_text() -> None:
    one = spec("x", InputType.MULTI_CHOICE, options=MANY, default=list(MANY))

    found = element(drawn(one), "x")

    assert found["type"] == "plain_text_input"
    assert read_submission(state(drawn(one)), [one], {})["x"] == found["initial_value"] == ", ".join(MANY)


@pytest.mark.parametrize(("given_text", "chosen"), [("red", ["red"]), (" red", []), ("green", []), ("", [])])
def test_only_an_option_that_there_is_stands_in_a_select(given_text: str, chosen: list[str]) -> None:
    found = element(drawn(spec("x", InputType.CHOICE, options=("red", "blue")), given={"x": given_text}), "x")

    assert [option["value"] for option in [found.get("initial_option")] if option] == chosen


@pytest.mark.parametrize(
    "options", [("", " ", "\0", "ok"), ("ok", "\u202eko", "ok"), ("\u200b", "ok")], ids=["blank", "turned", "invisible"]
)
def test_an_option_that_could_not_be_read_back_is_not_offered(options: tuple[str, ...]) -> None:
    found = element(drawn(spec("x", InputType.CHOICE, options=options)), "x")

    assert [option["value"] for option in found["options"]] == ["ok"]


def test_options_that_the_type_does_not_take_are_not_offered() -> None:
    assert [
        option["value"] for option in element(drawn(spec("x", InputType.INTEGER, options=("1", "two", "3"))), "x")["options"]
    ] == [
        "1",
        "3",
    ]


def test_ids_hold_no_names_and_survive_any_name() -> None:
    names = ["a" * 300, "b c", "ключ", "", "x&y", "🙂"]
    view = drawn(*(spec(name) for name in names))

    assert all(re.fullmatch(r"in[0-9]+-[0-9a-f]{12}-[0-9a-f]{12}", block(view, name)["block_id"]) for name in names)


@pytest.mark.parametrize(
    ("kind", "text", "key", "expected"),
    [
        (InputType.TEXT, "a b", "initial_value", "a b"),
        (InputType.DECIMAL, "5.10", "initial_value", "5.10"),
        (InputType.INTEGER, " 5 ", "initial_value", "5"),
        (InputType.DATE, "2026-02-28", "initial_date", "2026-02-28"),
        (InputType.DATETIME, "2026-11-21T10:30+01:00", "initial_date_time", 1_795_253_400),
        (InputType.EMAIL, " ada@example.com", "initial_value", "ada@example.com"),
        (InputType.URL, "https://example.com/", "initial_value", "https://example.com/"),
        (InputType.JSON, "[1, 2.50]", "initial_value", "[1, 2.50]"),
    ],
)
def test_what_is_there_already_stands_in_its_element(kind: InputType, text: str, key: str, expected: Any) -> None:
    one = spec("x", kind)

    found = element(drawn(one, given={"x": text}), "x")

    assert found["type"] == TABLE[kind].element
    assert found[key] == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (InputType.DECIMAL, "1e309"),
        (InputType.DECIMAL, "٣"),
        (InputType.DECIMAL, "0x10"),
        (InputType.DECIMAL, "5,0"),
        (InputType.DECIMAL, "1.5e3"),
        (InputType.INTEGER, "5.0"),
        (InputType.DATE, "2026-02-30"),
        (InputType.DATETIME, "2026-11-21T10:30"),
        (InputType.DATETIME, "2026-11-21T10:30:31Z"),
        (InputType.DATETIME, "1970-01-01T00:00Z"),
        (InputType.EMAIL, "nobody"),
        (InputType.URL, "example.com"),
    ],
)
def test_what_an_element_cannot_hold_stands_in_a_plain_field(kind: InputType, text: str) -> None:
    """Slack refuses a whole view for one date that does not exist."""
    found = element(drawn(spec("x", kind), given={"x": text}), "x")

    assert (found["type"], found["initial_value"]) == ("plain_text_input", text)


def test_a_text_that_no_field_can_hold_is_left_out_and_never_cut() -> None:
    assert "initial_value" not in element(drawn(spec("x"), given={"x": "y" * 3001}), "x")


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (spec("x", InputType.DECIMAL, default=Decimal("5.00")), "5.00"),
        (spec("x", InputType.DECIMAL, default="1e3"), "1000"),
        (spec("x", InputType.JSON, default={"a": Decimal("1.50")}), '{"a": 1.50}'),
        (spec("x", InputType.INTEGER, many=True, default=[1, 2]), "1, 2"),
        (spec("x", InputType.TEXT, many=True, default=["a,b", "c"]), '"a,b", c'),
    ],
)
def test_a_default_stands_in_its_field(one: InputSpec, shown: str) -> None:
    assert element(drawn(one), "x")["initial_value"] == shown


@pytest.mark.parametrize(
    ("kind", "default"),
    [(InputType.DECIMAL, "many"), (InputType.DATE, "2026-02-30"), (InputType.BOOLEAN, "perhaps"), (InputType.INTEGER, 1.5)],
)
def test_a_default_that_does_not_fit_is_said_and_not_used(kind: InputType, default: Any) -> None:
    view = drawn(spec("x", kind, default=default))

    assert not [key for key in element(view, "x") if key.startswith("initial")]
    assert f"Its default “{default}” does not fit it and is not used." in hint(view, "x")


def test_a_default_of_a_secret_is_never_told() -> None:
    view = drawn(spec("x", InputType.SECRET, options=("sap",), default="hunter2"))

    assert "hunter2" not in str(view)


def test_a_default_too_long_to_be_shown_may_be_left_to_itself() -> None:
    view = drawn(spec("x", InputType.JSON, required=True, default={"a": "y" * 4000}))

    assert block(view, "x")["optional"] is True
    assert "Left empty, it is" in hint(view, "x")


@pytest.mark.parametrize(("required", "optional"), [(True, False), (False, True)])
def test_what_is_required_is_marked(required: bool, optional: bool) -> None:
    assert block(drawn(spec("x", required=required)), "x")["optional"] is optional


def test_labels_are_never_empty_and_never_the_same() -> None:
    view = drawn(
        spec("a", label=""), spec("b", label="Amount"), spec("c", label="Amount"), spec("", label=" \0 "), spec("d", label="שם")
    )

    assert labels(view) == ["a", "Amount (b)", "Amount (c)", "(an input without a name)", "שם"]


def test_a_label_of_three_thousand_characters_is_cut() -> None:
    assert len(labels(drawn(spec("x", label="y" * 3000)))[0]) == 2000


def test_two_inputs_of_one_name_are_asked_for_once_as_the_last_one_and_it_is_said() -> None:
    view = drawn(spec("x", InputType.TEXT), spec("x", InputType.INTEGER))

    assert element(view, "x")["type"] == "number_input"
    assert "The provider names x more than once; the last one counts" in words(view, "unasked")


class TestRules:
    def test_bounds_are_told_and_kept_by_the_number_field(self) -> None:
        view = drawn(spec("x", InputType.DECIMAL), rules={"x": InputRule(min=Decimal("0.5"), max=Decimal(500))})

        assert (element(view, "x")["min_value"], element(view, "x")["max_value"]) == ("0.5", "500")
        assert hint(view, "x") == "From 0.5 to 500 here."

    def test_bounds_of_a_whole_number_are_whole(self) -> None:
        found = element(drawn(spec("x", InputType.INTEGER), rules={"x": InputRule(min=Decimal("0.5"), max=Decimal("9.5"))}), "x")

        assert (found["min_value"], found["max_value"]) == ("1", "9")

    @pytest.mark.parametrize(("least", "most"), [(Decimal(9), Decimal(1)), (Decimal("1e300"), None), (None, Decimal("1e-300"))])
    def test_bounds_that_slack_would_refuse_are_left_to_our_reader(self, least: Decimal | None, most: Decimal | None) -> None:
        found = element(drawn(spec("x", InputType.DECIMAL), rules={"x": InputRule(min=least, max=most)}), "x")

        assert not {"min_value", "max_value"} & set(found)

    def test_a_number_out_of_bounds_is_still_shown(self) -> None:
        found = element(drawn(spec("x", InputType.DECIMAL), rules={"x": InputRule(max=Decimal(5))}, given={"x": "900"}), "x")

        assert (found["type"], found["initial_value"]) == ("plain_text_input", "900")

    def test_a_list_of_values_narrows_the_options(self) -> None:
        view = drawn(spec("x", InputType.CHOICE, options=FIFTY), rules={"x": InputRule(one_of=("o3", "o1", "gone"))})

        assert [one["value"] for one in element(view, "x")["options"]] == ["o1", "o3"]

    def test_a_list_of_values_turns_a_typed_input_into_a_choice(self) -> None:
        rules = {"x": InputRule(one_of=(Decimal("2.50"), 10, "red"))}

        view = drawn(spec("x", InputType.DECIMAL), rules=rules, given={"x": "2.5"})

        assert [one["value"] for one in element(view, "x")["options"]] == ["2.50", "10"]
        assert element(view, "x")["initial_option"]["value"] == "2.50"

    def test_a_pattern_is_told(self) -> None:
        assert hint(drawn(spec("x"), rules={"x": InputRule(pattern="[A-Z]+")}), "x") == "Must match the pattern “[A-Z]+” here."

    def test_a_fixed_input_is_shown_and_not_asked_for_and_a_hidden_one_is_neither(self) -> None:
        rules = {
            "fee": InputRule(fixed=Decimal("2.50")),
            "token": InputRule(fixed="t", hidden=True),
            "note": InputRule(hidden=True),
        }

        view = drawn(spec("fee", InputType.DECIMAL, label="Fee"), spec("token"), spec("note"), spec("x"), rules=rules)

        assert labels(view) == ["x"]
        assert words(view, "unasked") == "Fee: 2.50 (set here, for everybody)"

    def test_a_truth_that_is_not_allowed_is_not_offered(self) -> None:
        view = drawn(spec("x", InputType.BOOLEAN, required=True), rules={"x": InputRule(one_of=(True,))})

        assert [one["value"] for one in element(view, "x")["options"]] == ["yes"]


def test_an_input_whose_records_are_searched_elsewhere_shows_the_one_that_is_chosen() -> None:
    found = element(
        drawn(spec("entityId", InputType.INTEGER), looked_up=frozenset({"entityId"}), given={"entityId": "5141"}), "entityId"
    )

    assert found["type"] == "external_select"
    assert found["initial_option"]["value"] == "5141"


JSON_TYPES = {Leaves.STRING: str, Leaves.NUMBER: (int, Decimal), Leaves.TRUTH: bool, Leaves.ANY: (dict, list, str, int, bool)}
SAMPLES = {
    InputType.TEXT: "a",
    InputType.LONG_TEXT: "a",
    InputType.INTEGER: 12,
    InputType.DECIMAL: Decimal("12.50"),
    InputType.BOOLEAN: True,
    InputType.DATE: "2026-11-21",
    InputType.DATETIME: "2026-11-21T09:30:00Z",
    InputType.CHOICE: "red",
    InputType.EMAIL: "ada@example.com",
    InputType.URL: "https://example.com/",
    InputType.JSON: {"a": 1},
}


def values_in(body: Any) -> list[Any]:
    """Every value that stands under the name ``probed``."""
    if isinstance(body, dict):
        return [*([body["probed"]] if "probed" in body else []), *(found for part in body.values() for found in values_in(part))]
    return [found for part in body for found in values_in(part)] if isinstance(body, list) else []


@pytest.mark.parametrize("provider", load().values(), ids=lambda each: each.name)
@pytest.mark.parametrize("kind", SAMPLES)
def test_a_value_leaves_for_the_provider_as_the_table_says(provider: Any, kind: InputType) -> None:
    """Bitrix24 knows no truth values: it takes Y and N (design.md, section 11)."""
    example = next(one for one in provider.examples if one.verb == "start" and one.launch is not None)
    launch = replace(example.launch, inputs={**example.launch.inputs, "probed": SAMPLES[kind]})

    (left,) = values_in(next(provider.start(launch, example.connection)).json)

    is_letter = provider.name == "bitrix24" and kind is InputType.BOOLEAN
    assert isinstance(left, str if is_letter else cast("Any", JSON_TYPES[TABLE[kind].leaves]))
    assert left == ("Y" if is_letter else SAMPLES[kind])
