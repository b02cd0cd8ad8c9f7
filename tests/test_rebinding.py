"""What was agreed to is compared with what the provider says now; nobody else pays for that question."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.domain.errors import LookupFailedError
from bot.domain.grants import ApprovalRule
from bot.domain.model import Connection, EventKind, Launch, State, Workflow
from bot.launching import Decided, Launched
from bot.ports import Found, Go, NoGo, Reopen, Wait
from tests.builders import a_delivery
from tests.ports import TableDefinitions, a_store
from tests.test_launching import DUNNING, GRANT, House, codes, stored

RULE = ApprovalRule(approvers=("U0BOB", "U0CAROL"), expires_after_s=3600.0)


@dataclass
class Remembering(TableDefinitions):
    """What was told once, until it is asked for anew; how often that was stands in ``fresh``."""

    published: dict[str, tuple[Workflow, ...]] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)
    is_down: bool = False

    async def find(self, connection: Connection, typed: str, *, is_fresh: bool = False) -> Found:
        self._renew(f"find {typed}", is_fresh=is_fresh)
        return await super().find(connection, typed)

    async def described(self, connection: Connection, workflow: Workflow, *, is_fresh: bool = False) -> Workflow:
        self._renew(f"describe {workflow.workflow_id}", is_fresh=is_fresh)
        return await super().described(connection, workflow)

    def _renew(self, question: str, *, is_fresh: bool) -> None:
        if not is_fresh:
            return
        self.fresh.append(question)
        if self.is_down:
            raise LookupFailedError("the workflows of billing", "no answer in time")
        self.workflows = {**self.workflows, **self.published}


@dataclass
class Scene:
    """A house whose provider is remembered, and a launch in it."""

    house: House
    known: Remembering

    def publish(self, version: str) -> None:
        self.known.published = {"billing": (replace(DUNNING, version=version),)}

    async def asked(self) -> Launch:
        launched = await self.house.request()
        assert isinstance(launched, Launched)
        return launched.launch

    async def yes(self) -> Any:
        press = a_delivery(kind="button", key="button:1", user_id="U0BOB", text="L-00001")
        return await self.house.launching.approve(press, "L-00001")

    async def may_start(self) -> Any:
        return await self.house.launching.gate.may_start(await stored(self.house, "L-00001"))


@pytest.fixture
async def scene() -> AsyncGenerator[Scene, None]:
    async with a_store() as store:
        known = Remembering({"billing": (replace(DUNNING, version="1"),)})
        yield Scene(House(store, definitions=known, grants=(replace(GRANT, approval=RULE),)), known)


async def test_a_version_that_was_published_a_moment_ago_is_seen_at_the_yes(scene: Scene) -> None:
    await scene.asked()
    scene.publish("2")

    decided = await scene.yes()

    assert isinstance(decided, Decided)
    assert (decided.event.kind, decided.is_counted) == (EventKind.REOPENED, False)
    assert (await stored(scene.house, "L-00001")).workflow_version == "2"


async def test_a_version_that_was_published_after_the_yes_is_seen_before_the_start(scene: Scene) -> None:
    await scene.asked()
    decided = await scene.yes()
    assert isinstance(decided, Decided)
    assert (await stored(scene.house, "L-00001")).state is State.QUEUED
    scene.publish("2")

    assert isinstance(await scene.may_start(), Reopen)


async def test_what_did_not_change_is_asked_for_once_at_the_yes_and_once_before_the_start(scene: Scene) -> None:
    await scene.asked()
    assert scene.known.fresh == []
    await scene.yes()
    assert scene.known.fresh == ["find 396", "describe 396"]

    assert isinstance(await scene.may_start(), Go)
    assert scene.known.fresh == ["find 396", "describe 396"] * 2


async def test_a_provider_that_does_not_answer_lets_no_yes_count_and_nothing_start(scene: Scene) -> None:
    await scene.asked()
    scene.known.is_down = True
    assert codes(await scene.yes()) == ["not_compared"]

    scene.known.is_down = False
    await scene.yes()
    scene.known.is_down = True

    assert isinstance(await scene.may_start(), Wait)


async def test_another_workflow_that_is_named_like_the_id_of_one_that_is_gone_is_not_agreed_to(scene: Scene) -> None:
    """Whoever may name workflows at the provider could have people agree to one and the other started."""
    scene.house.grants = (replace(GRANT, workflows=("*",), approval=RULE),)
    await scene.asked()
    scene.known.published = {"billing": (replace(DUNNING, workflow_id="812", name="396", extras={"message": "another"}),)}

    decided = await scene.yes()

    assert isinstance(decided, Decided)
    assert (decided.event.kind, decided.is_counted) == (EventKind.FAILED, False)
    assert decided.event.facts["codes"] == ["workflow_gone"]
    launch = await stored(scene.house, "L-00001")
    assert (launch.workflow_id, launch.workflow_name, launch.extras) == ("396", DUNNING.name, {})


async def test_another_workflow_that_is_named_like_the_id_of_one_that_is_gone_does_not_start(scene: Scene) -> None:
    scene.house.grants = (replace(GRANT, workflows=("*",), approval=RULE),)
    await scene.asked()
    await scene.yes()
    scene.known.published = {"billing": (replace(DUNNING, workflow_id="812", name="396", version="1"),)}

    answer = await scene.may_start()

    assert isinstance(answer, NoGo)
    assert [reason.code for reason in answer.reasons] == ["workflow_gone"]


@pytest.mark.parametrize("later_s", [0, 60])
async def test_a_launch_that_nobody_had_to_agree_to_costs_no_question_of_its_own(scene: Scene, later_s: float) -> None:
    scene.house.grants = (GRANT,)
    await scene.asked()
    scene.house.clock.move(seconds=later_s)

    assert isinstance(await scene.may_start(), Go)
    assert scene.known.fresh == []
