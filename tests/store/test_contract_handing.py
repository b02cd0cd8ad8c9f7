"""A launch that is kept as somebody's from its first moment, on every store."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.model import EventKind, State
from bot.ports import Store
from tests.builders import NOON, a_launch, an_event

LEASE = timedelta(seconds=15)


async def keep(store: Store, launch_id: str = "L-7K3QW", holder: str | None = "me") -> None:
    until = NOON + LEASE if holder else None
    event = an_event(launch_id=launch_id)
    launch = a_launch(launch_id=launch_id)
    assert await store.create(launch, event, delivery_key=f"command:{launch_id}", holder=holder, until=until) is None


async def claimed(store: Store, holder: str, **later: float) -> list[str]:
    now = NOON + timedelta(**later)
    how = {"is_tracked": False, "now": now, "until": now + LEASE, "holder": holder, "limit": 9}
    return [launch.launch_id for launch in await store.lease_of("billing", **how)]  # type: ignore[arg-type]


async def test_nobody_claims_what_was_kept_as_somebodys(store: Store) -> None:
    await keep(store)
    await keep(store, "L-FREE", holder=None)

    assert await claimed(store, "other") == ["L-FREE"]
    assert await claimed(store, "me") == []
    assert await store.next_by_connection(is_tracked=False, now=NOON) == {"billing": NOON + LEASE}


async def test_it_is_free_when_its_holder_died_and_then_no_longer_the_holders(store: Store) -> None:
    await keep(store)
    kept = await store.launch("L-7K3QW")
    assert kept is not None
    assert await claimed(store, "other", seconds=15) == ["L-7K3QW"]

    assert not await store.save(kept, an_event(EventKind.STARTING), holder="me")


async def test_its_holder_starts_it_without_a_claim_and_keeps_it(store: Store) -> None:
    await keep(store)
    await store.renew_leases(holder="me", until=NOON + 3 * LEASE)
    assert await claimed(store, "other", seconds=20) == []
    launch = a_launch(state=State.STARTING)

    assert await store.save(launch, an_event(EventKind.STARTING), holder="me", keep_lease=True, until=NOON + 3 * LEASE)
    assert await claimed(store, "other", seconds=20) == []


async def test_what_was_caused_before_is_given_to_nobody(store: Store) -> None:
    await keep(store, holder=None)
    event = an_event(launch_id="L-2")
    before = await store.create(a_launch(launch_id="L-2"), event, delivery_key="command:L-7K3QW", holder="me", until=NOON + LEASE)

    assert before is not None
    assert await claimed(store, "other") == ["L-7K3QW"]
