"""What people use is kept new in the background: one question at a time, and none for what nobody uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.definitions import Refreshing
from bot.domain.grants import Policy
from bot.domain.model import InputSpec, Workflow
from bot.domain.provider import Described, Listed, Unreachable
from bot.domain.standing import Standing
from tests.builders import a_connection
from tests.definitions.bench import LISTED, Bench, bench, settle

DOWN = Unreachable(is_possibly_applied=False, detail="no answer in time")
OTHER = Workflow(workflow_id="400", name="Other run")
DESCRIBED = Described(workflow=Workflow(workflow_id="396", version="1", inputs=(InputSpec(name="amount"),)))
OLD = {"minutes": 4, "seconds": 31}


@dataclass
class Round:
    """A bench with the work over it."""

    bench: Bench
    work: Refreshing

    async def turn(self) -> list[str]:
        """Claim and act, as the loop does; what was claimed."""
        names = list(await self.work.claim(10))
        for name in names:
            await self.work.act(name)
        return names


def a_round(made: Bench, *, patience_s: float = 5.0) -> Round:
    standing = Standing(policy=Policy(channels={}, digest=""), connections={"billing": made.connection})
    work = Refreshing(definitions=made.definitions, standing=standing, clock=made.clock, patience_s=patience_s)
    return Round(bench=made, work=work)


async def test_what_nobody_used_is_not_asked_for() -> None:
    made = a_round(bench())

    assert (await made.turn(), made.bench.wire.asked) == ([], 0)


async def test_what_was_used_is_asked_for_before_it_is_too_old_to_launch_by() -> None:
    made = a_round(bench(described={"396": DESCRIBED}))
    await made.bench.described(LISTED)
    await made.bench.find("396")
    assert await made.turn() == []

    made.bench.clock.move(**OLD)
    turn = await made.turn()
    made.bench.clock.move(**OLD)
    asked = made.bench.wire.asked
    await made.bench.find("396")
    await made.bench.described(LISTED)

    assert (turn, asked, made.bench.wire.asked) == (["billing"], 4, 4)


async def test_after_an_hour_without_anybody_it_rests() -> None:
    made = a_round(bench())
    await made.bench.find("396")
    turns = 0
    for _ in range(30):
        made.bench.clock.move(minutes=5)
        turns += len(await made.turn())

    assert (turns, made.bench.wire.asked) == (11, 12)


async def test_never_more_than_one_question_at_a_time_over_one_connection() -> None:
    several = {str(number): Described(workflow=Workflow(workflow_id=str(number), inputs=())) for number in range(8)}
    made = a_round(bench(listed=Listed(workflows=tuple(one.workflow for one in several.values())), described=dict(several)))
    await made.bench.definitions.seen(made.bench.connection)
    for number in several:
        await made.bench.definitions.seen_inputs(made.bench.connection, Workflow(workflow_id=number))
    made.bench.clock.move(**OLD)
    made.bench.wire.most = 0

    await made.turn()

    assert (made.bench.wire.most, made.bench.wire.asked) == (1, 18)


async def test_a_look_at_something_old_waits_for_its_turn_instead_of_asking_beside_another_question() -> None:
    made = bench(described={"396": DESCRIBED})
    await made.definitions.seen(made.connection)
    await made.definitions.seen_inputs(made.connection, LISTED)
    made.clock.move(minutes=6)
    made.wire.gate.clear()
    made.wire.most = 0

    await made.definitions.seen(made.connection)
    await made.definitions.seen_inputs(made.connection, LISTED)
    await settle()

    assert (made.wire.most, made.wire.asked) == (1, 3)
    made.wire.gate.set()
    await settle()


async def test_a_failed_round_keeps_what_was_known_and_asks_nothing_more_of_a_provider_that_is_down() -> None:
    made = a_round(bench(described={"396": DESCRIBED}))
    await made.bench.find("396")
    await made.bench.described(LISTED)
    made.bench.provider.listed = DOWN
    made.bench.clock.move(**OLD)

    await made.turn()
    seen = await made.bench.definitions.seen(made.bench.connection)

    assert (seen.workflows, seen.trouble, made.bench.wire.asked) == ((LISTED,), "no usable answer: no answer in time", 3)


async def test_what_failed_is_tried_again_after_a_minute_and_not_at_every_look() -> None:
    made = a_round(bench())
    await made.bench.find("396")
    made.bench.provider.listed = DOWN
    made.bench.clock.move(**OLD)
    for _ in range(5):
        await made.turn()
    assert made.bench.wire.asked == 2

    made.bench.clock.move(seconds=61)
    made.bench.provider.listed = Listed(workflows=(LISTED, OTHER))
    await made.turn()

    assert (made.bench.wire.asked, (await made.bench.find("400")).workflow) == (3, OTHER)


async def test_a_workflow_that_never_was_is_not_asked_for_again() -> None:
    made = a_round(bench(listed=None))
    await made.bench.definitions.seen_inputs(made.bench.connection, Workflow(workflow_id="999"))
    made.bench.clock.move(**OLD)

    assert (await made.turn(), made.bench.wire.asked) == ([], 1)


async def test_a_slow_provider_holds_no_piece_for_long_and_is_not_asked_twice_meanwhile() -> None:
    made = a_round(bench(), patience_s=0.0)
    await made.bench.find("396")
    made.bench.clock.move(**OLD)
    made.bench.wire.gate.clear()
    assert await made.turn() == ["billing"]
    await settle()

    assert (await made.turn(), made.bench.wire.asked) == ([], 2)

    made.bench.provider.listed = Listed(workflows=())
    made.bench.wire.gate.set()
    await settle()
    assert (await made.bench.find("396")).workflow == LISTED


async def test_a_connection_that_a_reload_took_away_is_let_go() -> None:
    made = a_round(bench())
    await made.bench.find("396")
    made.bench.clock.move(**OLD)
    (name,) = await made.work.claim(10)
    made.work.standing.replace(policy=made.work.standing.policy, connections={"other": a_connection(name="other")})

    await made.work.act(name)

    assert (made.bench.wire.asked, list(await made.work.claim(10))) == (1, [])


async def test_a_piece_is_claimed_once_at_a_time() -> None:
    made = a_round(bench())
    await made.bench.find("396")
    made.bench.clock.move(**OLD)

    assert (list(await made.work.claim(10)), list(await made.work.claim(10))) == (["billing"], [])

    await made.work.give_back("billing")
    assert list(await made.work.claim(10)) == ["billing"]
    assert await made.work.next_due() == made.bench.clock.now() + timedelta(seconds=5)
