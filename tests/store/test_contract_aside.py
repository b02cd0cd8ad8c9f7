"""What operators are to be told of rows that cannot be read, on every store."""

from __future__ import annotations

from bot.store import DurableStore
from bot.store.steps import change
from tests.store.steps import at, keep, lease, noted


async def damaged(store: DurableStore, launch_id: str) -> None:
    """A launch that cannot be read is met, and set aside."""
    await keep(store, launch_id=launch_id)
    await store._write(lambda: change("UPDATE launches SET inputs = '{' WHERE launch_id = :launch_id", launch_id=launch_id))
    assert await lease(store) == []


def said(launch_id: str) -> str:
    return f"launch {launch_id}: cannot be read (JSONDecodeError)"


async def test_a_note_is_given_out_until_it_was_told(store: DurableStore) -> None:
    await damaged(store, "L-00001")
    [first] = await store.set_aside()
    assert await store.set_aside() == [first], "a look marks nothing: who looks may die before anybody is told"

    await store.set_aside_told([first.note_id])

    assert await store.set_aside() == []


async def test_notes_are_given_out_oldest_first_and_only_those_that_were_told_are_told(store: DurableStore) -> None:
    for launch_id in ("L-00002", "L-00001", "L-00003"):
        await damaged(store, launch_id)
    told = [note.note_id for note in await store.set_aside()][:2]
    await damaged(store, "L-00004")

    await store.set_aside_told(told[::-1])

    assert await noted(store) == [said("L-00003"), said("L-00004")]
    await store.set_aside_told([])
    assert len(await noted(store)) == 2


async def test_what_is_damaged_again_is_noted_again_once_it_was_told(store: DurableStore) -> None:
    await damaged(store, "L-00001")
    await store.set_aside_told([note.note_id for note in await store.set_aside()])
    await store._write(lambda: change("UPDATE launches SET due_at = created_at"))
    assert await lease(store, at(1)) == []

    assert await noted(store) == [said("L-00001")]
