"""What a replica has to tell the others."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.fellows import Fellows
from tests.builders import NOON

LATER = NOON + timedelta(minutes=1)


def test_one_that_knows_of_nobody_is_alone() -> None:
    assert Fellows().replicas == 1


def test_what_was_learnt_is_told_once() -> None:
    fellows = Fellows()
    fellows.learn("provider billing", NOON)

    assert fellows.take() == {"provider billing": NOON}
    assert fellows.take() == {}


def test_the_longer_wait_is_told() -> None:
    fellows = Fellows()
    for not_before in (LATER, NOON):
        fellows.learn("provider billing", not_before)

    assert fellows.take() == {"provider billing": LATER}


def test_it_rings_when_there_is_something_to_tell() -> None:
    rung: list[str] = []
    fellows = Fellows(rings=lambda: rung.append("!"))
    fellows.learn("provider billing", NOON)

    assert rung == ["!"]
