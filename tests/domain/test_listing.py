from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.listing import by_workflow, tracked
from bot.domain.model import Launch
from bot.domain.provider import Busy, Call, Observed, Refused, Reply
from tests.builders import a_launch
from tests.exchanges import Driven, drive, whole

BUSY = Busy(code="429", meaning="Too much.")


def launches(*run_ids: str, workflow_id: str = "396") -> list[Launch]:
    return [a_launch(launch_id=f"L-{run_id}", run_id=run_id, workflow_id=workflow_id) for run_id in run_ids]


def asked(wanted: list[Launch], *pages: Any) -> Driven:
    """Ask, where each page is a mapping of runs, or a trouble."""
    told = iter(pages)

    def call(workflow_id: str, page: int, rows: int) -> Call:
        return Call(method="GET", path=f"/{workflow_id}", query={"page": str(page), "rows": str(rows)})

    return drive(whole(tracked(wanted, call=call, read=lambda _: next(told))), *(Reply(status=200) for _ in pages))


def running(*run_ids: str) -> dict[str, Observed | None]:
    return {run_id: Observed(provider_status=f"{run_id} runs") for run_id in run_ids}


def test_one_page_answers_for_all_that_stand_on_it() -> None:
    driven = asked(launches("r1", "r2", "r3"), running("r2", "other", "r1", "r3"))

    assert driven.answer.answers == running("r1", "r2", "r3")
    assert driven.call.path == "/396"


def test_a_run_by_itself_is_not_worth_a_list() -> None:
    driven = asked([*launches("r1"), *launches("r2", workflow_id="397")])

    assert driven.calls == ()
    assert driven.answer.answers == {}


def test_each_workflow_has_a_list_of_its_own() -> None:
    wanted = [*launches("r1", "r2"), *launches("r3", "r4", workflow_id="397")]
    driven = asked(wanted, running("r1", "r2"), running("r3", "r4"))

    assert [call.path for call in driven.calls] == ["/396", "/397"]
    assert driven.answer.answers == running("r1", "r2", "r3", "r4")


def test_the_next_page_is_read_while_pages_are_worth_their_calls() -> None:
    driven = asked(launches("r1", "r2", "r3"), running("r1", "a"), running("r2", "b"), running("r3", "c"))

    assert [call.query["rows"] for call in driven.calls] == ["0", "2", "4"]
    assert driven.answer.answers == running("r1", "r2", "r3")


def test_each_page_is_an_answer_of_its_own_and_the_last_one_says_so() -> None:
    pages = iter([running("r1", "a"), running("r2", "r3")])
    exchange = tracked(launches("r1", "r2", "r3"), call=lambda *_: Call(method="GET", path="/"), read=lambda _: next(pages))
    first = drive(exchange, Reply(status=200)).answer
    second = drive(first.more, Reply(status=200)).answer

    assert (first.answers, second.answers) == (running("r1"), running("r2", "r3"))
    assert second.more is None


def test_a_list_that_tells_of_nobody_is_left_after_a_page() -> None:
    driven = asked(launches("r1", "r2"), running("a", "b"))

    assert len(driven.calls) == 1
    assert driven.answer.answers == {}


def test_a_row_that_says_too_little_answers_for_nobody() -> None:
    driven = asked(launches("r1", "r2"), running("r1") | {"r2": None})

    assert driven.answer.answers == running("r1")


def test_a_page_that_brings_nothing_new_ends_the_list() -> None:
    driven = asked(launches("r1", "r2", "r3"), running("r1", "r2"), running("r1", "r2"))

    assert len(driven.calls) == 2
    assert driven.answer.answers == running("r1", "r2")


def test_a_refused_list_answers_for_nobody_and_others_are_read() -> None:
    wanted = [*launches("r1", "r2"), *launches("r3", "r4", workflow_id="397")]

    assert asked(wanted, Refused(code="403", meaning="No."), running("r3", "r4")).answer.answers == running("r3", "r4")


def test_a_busy_provider_is_busy_for_all_that_it_did_not_answer_for() -> None:
    wanted = [*launches("r1", "r2"), *launches("r3", "r4", workflow_id="397"), *launches("r5", workflow_id="398")]
    driven = asked(wanted, running("r1"), BUSY)

    assert driven.answer.answers == running("r1") | dict.fromkeys(("r2", "r3", "r4", "r5"), BUSY)
    assert len(driven.calls) == 2


def test_launches_without_a_run_are_left_out() -> None:
    assert by_workflow([a_launch(run_id=None), a_launch(run_id="")]) == {}


@given(pages=st.lists(st.dictionaries(st.integers(0, 30).map(str), st.booleans(), max_size=6), min_size=40, max_size=40))
def test_a_list_never_costs_more_calls_than_the_runs_by_themselves_and_one(pages: list[Mapping[str, bool]]) -> None:
    wanted = launches(*(str(number) for number in range(12)))
    told = [{run_id: Observed() if is_told else None for run_id, is_told in page.items()} for page in pages]
    replies = iter(told)
    exchange = whole(tracked(wanted, call=lambda *_: Call(method="GET", path="/"), read=lambda _: next(replies)))
    calls = 0
    try:
        next(exchange)
        while True:
            calls += 1
            exchange.send(Reply(status=200))
    except StopIteration as stop:
        answers = stop.value.answers

    assert calls + (len(wanted) - len(answers)) <= len(wanted) + 1
