"""Asks about many runs by lists, for providers whose lists hold runs of other people and of long ago (Domo, Captain Data).

Why a list is left before its end: a page costs a call, as asking about one run by itself does. So pages are read while they have
told of at least as many runs as they were; what is missing then is asked about singly, and all in all no call is wasted.

Why a list that is refused or broken answers for nobody: that of a single run may work, and says something about that run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TypeAlias

from bot.domain.model import Launch
from bot.domain.provider import Busy, Call, Reply, TrackAnswer, TrackedMany, Trouble

Page: TypeAlias = Mapping[str, TrackAnswer | None]
"""The runs of one page by id, each with what its row says; None where the row says too little."""


def by_workflow(launches: Iterable[Launch]) -> dict[str, dict[str, Launch]]:
    """Launches by workflow id, then by run id; those without a run are left out."""
    found: dict[str, dict[str, Launch]] = {}
    for launch in launches:
        if launch.run_id:
            found.setdefault(launch.workflow_id, {})[launch.run_id] = launch
    return found


def tracked(
    launches: Sequence[Launch], *, call: Callable[[str, int, int], Call], read: Callable[[Reply], Page | Trouble]
) -> Generator[Call, Reply, TrackedMany]:
    """Ask by one list for each workflow that has several of these runs.

    ``call`` makes the call for a page, of a workflow id, the pages and the rows before it; ``read`` reads what comes back.
    """
    answers: dict[str, TrackAnswer] = {}
    for workflow_id, runs in by_workflow(launches).items():
        if len(runs) == 1:
            continue
        told, busy = yield from _told(runs.keys(), workflow_id, call, read)
        answers |= told
        if busy is not None:
            unasked = [launch.run_id for launch in launches if launch.run_id and launch.run_id not in answers]
            return TrackedMany(answers=answers | dict.fromkeys(unasked, busy))
    return TrackedMany(answers=answers)


def _told(
    wanted: Iterable[str], workflow_id: str, call: Callable[[str, int, int], Call], read: Callable[[Reply], Page | Trouble]
) -> Generator[Call, Reply, tuple[dict[str, TrackAnswer], Busy | None]]:
    """What the list told, until it was of no more use, or the provider was busy."""
    missing, seen = set(wanted), set[str]()
    told: dict[str, TrackAnswer] = {}
    pages = rows = 0
    while missing and pages <= len(told):
        page = read((yield call(workflow_id, pages, rows)))
        if isinstance(page, Busy):
            return told, page
        if not isinstance(page, Mapping) or page.keys() <= seen:
            break
        told |= {run_id: answer for run_id, answer in page.items() if run_id in missing and answer is not None}
        pages, rows = pages + 1, rows + len(page)
        missing -= page.keys()
        seen |= page.keys()
    return told, None
