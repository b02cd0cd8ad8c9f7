from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.errors import UnreadableRowError
from bot.domain.model import NOTHING, Delivery, Event, EventKind, Launch, SecretName, State
from bot.store import rows
from tests.builders import NOON, a_delivery, a_launch, an_event

DIGITS = "0f" * 32

FULL = a_launch(
    workflow_name="Dunning run",
    workflow_version="0.0.1",
    extras={"message_name": "Start MyWorkflow", "steps": [{"step_uid": "1", "accounts": []}]},
    inputs={"maxAmount": Decimal("5.00"), "count": 3, "is_test": True, "note": "déjà vu", "nothing": None},
    policy_digest="sha256:1",
    state=State.RUNNING,
    version=4,
    sent_at=NOON,
    attempts=1,
    looks=2,
    misses=3,
    cancel_asked_by="U0BOB",
    is_cancel_sent=True,
    run_id="2c92c0f8",
    run_url="https://rest.na.zuora.com/run/1",
    provider_status="Processing",
    outputs={"total": Decimal("1E+2")},
    detail="3 of 4 tasks done",
)

plain_text = st.text(st.characters(codec="utf-8"), max_size=40)
decimals = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda value: value.as_tuple().exponent != 0)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | decimals | plain_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(plain_text, json_values, max_size=4)
times = st.datetimes(timezones=st.just(UTC))


def digits(value: Any) -> str:
    """Values that are equal may still differ in their digits: 5.00 and 5.0."""
    return repr(value)


@pytest.mark.parametrize("name", ["extras", "inputs", "outputs"])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '{"a": NaN}', '{"a": 1e}', "[" * 5000])
def test_a_launch_whose_json_is_broken_is_unreadable(name: str, text: str) -> None:
    row = rows.launch_row(FULL) | {name: text}

    with pytest.raises(UnreadableRowError) as caught:
        rows.launch_from(row)

    assert caught.value.table == "launches"
    assert caught.value.row_id == FULL.launch_id


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "dreaming"), ("created_at", "yesterday"), ("due_at", "2026-11-21T12:00:00"), ("due_at", 7), ("sent_at", "")],
)
def test_a_launch_with_an_impossible_value_is_unreadable(name: str, value: object) -> None:
    with pytest.raises(UnreadableRowError):
        rows.launch_from(rows.launch_row(FULL) | {name: value})


def test_a_launch_without_a_column_is_unreadable() -> None:
    row = rows.launch_row(FULL)
    del row["provider"]

    with pytest.raises(UnreadableRowError, match="KeyError"):
        rows.launch_from(row)


@pytest.mark.parametrize(
    ("name", "part"),
    [("workflow_name", "Dunning"), ("inputs", "note"), ("requester_id", "ALICE"), ("state", "run"), ("created_at", "Z")],
)
def test_a_launch_whose_bytes_are_no_text_is_unreadable(name: str, part: str) -> None:
    """What the connection makes of such bytes: see sqlite_file.py."""
    row = rows.launch_row(FULL)
    damaged = row[name].replace(part, "\udcff")

    assert damaged != row[name]
    with pytest.raises(UnreadableRowError, match="L-7K3QW"):
        rows.launch_from(row | {name: damaged})


def test_an_id_whose_bytes_are_no_text_can_be_named() -> None:
    with pytest.raises(UnreadableRowError) as caught:
        rows.launch_from(rows.launch_row(FULL) | {"launch_id": "L-\udcff"})

    assert caught.value.row_id == "L-�"


def test_the_earliest_time_passes_over_none_and_what_is_no_time() -> None:
    held: list[dict[str, Any]] = [{"at": None}, {"at": "hush"}, {"at": rows.time_text(NOON)}, {"at": "2026-11-21T12:00:00"}]

    assert rows.earliest(held) == NOON
    assert rows.earliest(held[:2]) is None


def test_an_unreadable_row_is_named_without_its_content() -> None:
    row = rows.launch_row(FULL) | {"due_at": "hush: a secret"}

    with pytest.raises(UnreadableRowError) as caught:
        rows.launch_from(row)

    assert "L-7K3QW" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.__suppress_context__, "nor does its traceback show the content"


@pytest.mark.parametrize(("name", "value"), [("kind", "exploded"), ("at", "noon"), ("facts", "[1]")])
def test_an_event_with_an_impossible_value_is_unreadable(name: str, value: object) -> None:
    with pytest.raises(UnreadableRowError):
        rows.event_from(rows.event_row(an_event()) | {name: value})


PAYLOAD = '{"name":"n","team_id":"t","channel_id":"c","user_id":"u","text":%s}'


@pytest.mark.parametrize("payload", ["{}", "[]", '{"name": 1, "surprise": 2}', "{", PAYLOAD % "7", PAYLOAD % "null"])
def test_a_delivery_with_another_payload_is_unreadable(payload: str) -> None:
    with pytest.raises(UnreadableRowError, match=r"command:1\.2\.a"):
        rows.delivery_from(rows.delivery_row(a_delivery()) | {"payload": payload})


def test_a_time_without_a_timezone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        rows.time_text(datetime(2026, 11, 21, 12, 0))  # noqa: DTZ001 - that is what is refused


def test_a_launch_comes_back_as_it_went() -> None:
    assert rows.launch_from(rows.launch_row(FULL)) == FULL


def test_a_launch_with_nothing_but_its_least_comes_back_as_it_went() -> None:
    least = a_launch(due_at=None)

    assert rows.launch_from(rows.launch_row(least)) == least


def test_columns_of_a_later_version_are_passed_over() -> None:
    row = rows.launch_row(FULL) | {"lease_holder": "bot-1", "approvals": "3 of 4"}

    assert rows.launch_from(row) == FULL


@pytest.mark.parametrize("text", ["5.00", "0.10", "1E+2", "-0.0", "123456789012345678901234567890.5", "1E-400"])
def test_decimals_keep_every_digit(text: str) -> None:
    launch = rows.launch_from(rows.launch_row(a_launch(inputs={"amount": Decimal(text)})))

    assert str(launch.inputs["amount"]) == text


def test_whole_numbers_stay_whole() -> None:
    launch = rows.launch_from(rows.launch_row(a_launch(inputs={"count": 10**30, "flag": True})))

    assert digits(launch.inputs["count"]) == str(10**30)
    assert launch.inputs["flag"] is True


def test_rows_hold_plain_values_only() -> None:
    held = {*map(type, rows.launch_row(FULL).values()), *map(type, rows.event_row(an_event()).values())}

    assert held <= {int, str, type(None)}


def test_a_time_is_written_in_utc_with_a_fixed_width() -> None:
    in_berlin = NOON.astimezone(timezone(timedelta(hours=1)))

    assert rows.time_text(in_berlin) == "2026-11-21T12:00:00.000000Z"


@pytest.mark.parametrize(("fold", "text"), [(0, "2026-10-25T00:30:00.000000Z"), (1, "2026-10-25T01:30:00.000000Z")])
def test_an_hour_that_comes_twice_is_two_times(fold: int, text: str) -> None:
    """Where clocks are set back, two times are equal to Python and an hour apart: what was written before must not stand for both."""
    assert rows.time_text(datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=ZoneInfo("Europe/Berlin"))) == text


@given(at=times, hours=st.integers(-12, 14))
def test_a_time_is_the_same_text_in_every_zone(at: datetime, hours: int) -> None:
    assume(timedelta(days=1) < at - datetime.min.replace(tzinfo=UTC) < timedelta(days=365 * 9990))

    assert rows.time_text(at.astimezone(timezone(timedelta(hours=hours)))) == rows.time_text(at)


def test_no_time_is_no_text() -> None:
    assert rows.time_or_none(None) is None
    assert rows.time_or_none(NOON) == rows.time_text(NOON)


@given(first=times, second=times)
def test_the_order_of_times_as_text_is_their_order_in_time(first: datetime, second: datetime) -> None:
    assert (rows.time_text(first) < rows.time_text(second)) == (first < second)


@given(at=times)
def test_a_time_comes_back_to_the_microsecond(at: datetime) -> None:
    assert rows.time_from(rows.time_text(at)) == at


@given(value=json_objects, seq=st.integers(1, 10**6), kind=st.sampled_from(EventKind), actor=plain_text, at=times)
def test_any_event_comes_back_as_it_went(value: dict[str, Any], seq: int, kind: EventKind, actor: str, at: datetime) -> None:
    event = Event(launch_id="L-1", kind=kind, at=at, actor=actor, facts=value, seq=seq)

    assert rows.event_from(rows.event_row(event)) == event


@given(state=st.sampled_from(State), inputs=json_objects, detail=st.none() | plain_text, due_at=st.none() | times)
def test_any_launch_comes_back_as_it_went(
    state: State, inputs: dict[str, Any], detail: str | None, due_at: datetime | None
) -> None:
    launch = replace(FULL, state=state, inputs=inputs, detail=detail, due_at=due_at)

    assert rows.launch_from(rows.launch_row(launch)) == launch


@given(text=st.text(max_size=40), key=st.text(max_size=20))
def test_any_text_that_python_holds_can_be_kept_by_sqlite(text: str, key: str) -> None:
    """JSON may carry half of a surrogate pair, and ``sqlite3`` refuses to write one."""
    row = rows.launch_row(a_launch(detail=text, inputs={key: text}))
    memory = sqlite3.connect(":memory:")

    kept = memory.execute("SELECT :detail, :inputs", row).fetchone()
    memory.close()

    assert kept == (row["detail"], row["inputs"])


def test_half_a_surrogate_pair_is_kept_as_a_replacement_mark() -> None:
    launch = rows.launch_from(rows.launch_row(a_launch(detail="broken \ud83d emoji", outputs={"name": "\udc00"})))

    assert launch.detail == "broken � emoji"
    assert launch.outputs == {"name": "�"}


@given(text=plain_text)
def test_text_that_utf8_can_say_is_not_changed(text: str) -> None:
    assert rows.storable(text) == text


def test_a_delivery_comes_back_without_its_reply_url() -> None:
    delivery = a_delivery(text='billing 396 note="a b"', reply_url="https://hooks.slack.test/commands/1")
    row = rows.delivery_row(delivery)

    assert rows.delivery_from(row) == delivery
    assert rows.delivery_from(row).reply_url is None
    assert "hooks" not in str(row)


def test_every_field_of_a_delivery_is_kept_but_those_that_live_in_memory_only() -> None:
    passing = {"reply_url": "r", "trigger_id": "g", "message_ts": "m"}
    names = [name for name in Delivery.__dataclass_fields__ if name not in {*passing, "received_at"}]
    marked = Delivery(**{name: f"the {name}" for name in names}, received_at=NOON, **passing)

    found = rows.delivery_from(rows.delivery_row(marked))

    assert {name: getattr(found, name) for name in names} == {name: f"the {name}" for name in names}
    assert [getattr(found, name) for name in passing] == [None, None, None]


def test_every_field_of_a_launch_has_a_column() -> None:
    assert set(rows.LAUNCH_COLUMNS) == set(Launch.__dataclass_fields__)
    assert set(rows.launch_row(FULL)) == set(rows.LAUNCH_COLUMNS)


marked_keys = plain_text | st.sampled_from(["$secret", "$$secret", "$$$secret", "secret", "$secrets"])
marked_values = st.recursive(
    st.none() | st.integers() | plain_text | st.builds(SecretName, plain_text) | st.just("$secret"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(marked_keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(marked_keys, marked_values, max_size=4))
def test_the_name_of_a_secret_comes_back_and_nothing_else_becomes_one(inputs: dict[str, Any]) -> None:
    launch = a_launch(inputs=inputs)
    event = an_event(facts={"inputs": inputs})

    assert digits(rows.launch_from(rows.launch_row(launch)).inputs) == digits(inputs)
    assert digits(rows.event_from(rows.event_row(event)).facts["inputs"]) == digits(inputs)


def test_json_that_looks_like_the_name_of_a_secret_stays_json() -> None:
    typed = {"login": SecretName("portal"), "note": {"$secret": "portal"}}

    inputs = rows.launch_from(rows.launch_row(a_launch(inputs=typed))).inputs

    assert inputs["login"] == SecretName("portal")
    assert inputs["note"] == {"$secret": "portal"}


def test_a_row_whose_inputs_are_one_secret_is_unreadable() -> None:
    with pytest.raises(UnreadableRowError):
        rows.launch_from(rows.launch_row(FULL) | {"inputs": '{"$secret":"portal"}'})


@pytest.mark.parametrize("digest", [DIGITS, DIGITS.upper(), DIGITS[1:], "", "~", "sha256:1"])
def test_a_digest_is_kept_in_less_and_comes_back_as_it_was(digest: str) -> None:
    row = rows.launch_row(a_launch(policy_digest=digest))

    assert rows.launch_from(row).policy_digest == digest
    assert (len(row["policy_digest"]) == 44) == (digest == DIGITS)


def test_a_digest_that_was_written_in_full_is_read_as_it_is() -> None:
    assert rows.launch_from(rows.launch_row(a_launch()) | {"policy_digest": DIGITS}).policy_digest == DIGITS


def test_a_value_without_entries_is_kept_as_such_and_comes_back_as_nothing() -> None:
    row = rows.launch_row(a_launch(inputs={}, outputs={"a": ""}))

    assert (row["inputs"], row["extras"], row["outputs"]) == ("{}", "{}", '{"a":""}')
    assert rows.launch_from(row).inputs is NOTHING
