"""How long does a large number plan take to apply, and do calls wait for it?

    python -m benchmarks.apply [--json PATH] [--rooms N] [--dids N] [--rounds N]

A tenth of the plan, a third and the whole go into empty databases, each in one transaction, in turn and several times:
an object's share of the whole over its share of the tenth says whether it is linear. All sizes are measured alike: in
a process that has applied a plan before, each into a database of its own, and with nothing else on the loop. The same
goes for a plan in which every room and DID has changed, and for one that is in force already.

Then, with the whole plan in force, one DID, one room and the name of the endpoint that all DIDs lead to are changed as
the API does it. A whole plan and the same changes are done once more while a task of the same loop looks how much CPU
time others held the loop for at a time. Looking a number up is timed in the smallest plan and the largest.
"""

import argparse
import asyncio
import contextlib
import itertools
import statistics
import time
import timeit
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.lists import databases
from benchmarks.report import Report
from softswitch import garbage
from softswitch.configfile import validated
from softswitch.plan import NumberPlan
from softswitch.store import Store
from tests.store.postgres import new_database

COLUMNS = ("database", "what", "ms", "µs an object", "to a tenth", "least", "most", "loop held at most, ms CPU")
SHARES = {"a tenth": 10, "a third": 3, "the whole": 1}
CODES = 3
ENDPOINT = "talk"
CHANGES = 20
LOOKED_UP = "12020000007"


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--json", default="apply", help="a path, or a bare name in benchmarks/results")
    options.add_argument("--rooms", type=int, default=1000, help="meeting rooms, each with three access codes")
    options.add_argument("--dids", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=5, help="the median of so many counts")
    given = options.parse_args()
    report = Report("How long does a large number plan take to apply, and do calls wait for it?", COLUMNS)
    garbage.set_up()  # as `softswitch serve` does
    for name, make in databases():
        with make as base:
            asyncio.run(Measurement(report, name, base, given.rooms, given.dids).run(given.rounds))
    report.note(f"the whole: {given.rooms:,} rooms with {CODES} codes each and {given.dids:,} DIDs in one transaction")
    report.note("to a tenth: of an object's time, the median of the rounds, with the least and the most")
    report.note("a change: from the call of the store until the new plan is in force; the median of several")
    report.show()
    print(report.write(given.json))


class Measurement:
    """The rows of one kind of database."""

    def __init__(self, report: Report, name: str, base: str, rooms: int, dids: int) -> None:
        self._report, self._name, self._base = report, name, base
        self._numbers = itertools.count()
        self._whole = plan_of(rooms, dids)
        self._plans = {share: plan_of(rooms // of, dids // of) for share, of in SHARES.items()}
        self._changed = {share: plan_of(rooms // of, dids // of, "01") for share, of in SHARES.items()}

    async def run(self, rounds: int) -> None:
        took: dict[str, dict[str, list[float]]] = {}
        await self._applied("a tenth")  # so that everything is imported and compiled
        for _ in range(rounds):
            for share in SHARES:
                for what, took_us in (await self._applied(share)).items():
                    took.setdefault(what, {}).setdefault(share, []).append(took_us)
        for what, by_share in took.items():
            self._row_for_each_share(what, by_share)
        await self._apply_watched()
        await self._look_up()

    async def _applied(self, share: str) -> dict[str, float]:
        """Microseconds for a room or a DID: when all are new, when all have changed, when none has."""
        store = await self._store()
        objects = sum(1 for _ in rooms_and_dids(self._plans[share]))
        took: dict[str, float] = {}
        for what, plan in (
            ("apply {}", self._plans[share]),
            ("change all of {}", self._changed[share]),
            ("apply {} again", self._changed[share]),
        ):
            began = time.perf_counter()
            await store.apply(plan)
            took[what] = (time.perf_counter() - began) * 1e6 / objects
        await store.close()
        return took

    def _row_for_each_share(self, what: str, took: dict[str, list[float]]) -> None:
        for share, took_us in took.items():
            objects = sum(1 for _ in rooms_and_dids(self._plans[share]))
            an_object_us = statistics.median(took_us)
            ratios = [one / tenth for one, tenth in zip(took_us, took["a tenth"], strict=True)]
            to_tenth = (None,) * 3 if share == "a tenth" else (statistics.median(ratios), min(ratios), max(ratios))
            self._row(what.format(share), an_object_us * objects / 1000, an_object_us, *to_tenth)

    async def _apply_watched(self) -> None:
        """The whole with somebody who looks for his turn on the loop, and what is changed in it."""
        store = await self._store()
        async with watched() as waits:
            await store.apply(self._whole)
        self._row("apply the whole, watched", held_ms=max(waits))
        did, room = store.plan.dids[LOOKED_UP].sid, store.plan.meeting_rooms[ENDPOINT]["room 7"].sid
        await self._change("change a DID", lambda n: store.update("dids", did, {"state": str(n)}))
        await self._change("change a room", lambda n: store.update("meeting_rooms", room, code(n)))
        endpoint = store.plan.endpoints[ENDPOINT].sid
        rename = "rename the endpoint of all DIDs"
        await self._change(rename, lambda n: store.update("endpoints", endpoint, {"name": f"talk {n}"}))
        await store.close()

    async def _change(self, what: str, one: Callable[[int], Awaitable[Any]]) -> None:
        took: list[float] = []
        for number in range(CHANGES):
            began = time.perf_counter()
            await one(number)
            took.append((time.perf_counter() - began) * 1000)
        async with watched() as waits:
            for number in range(CHANGES):
                await one(number)
        self._row(what, statistics.median(took), held_ms=max(waits))

    async def _look_up(self) -> None:
        took_us = []
        for share in ("a tenth", "the whole"):
            store = await self._store()
            await store.apply(self._plans[share])
            took_us.append(lookup_us(store))
            await store.close()
        self._row("look a number up", None, took_us[1], took_us[1] / took_us[0])

    def _row(
        self,
        what: str,
        ms: float | None = None,
        an_object_us: float | None = None,
        to_tenth: float | None = None,
        least: float | None = None,
        most: float | None = None,
        held_ms: float | None = None,
    ) -> None:
        self._report.row(self._name, what, ms, an_object_us, to_tenth, least, most, held_ms)

    async def _store(self) -> Store:
        """An empty one."""
        if self._base.startswith("postgresql"):
            return await Store.open(await new_database(self._base), Path(self._base))
        return await Store.open(f"sqlite:///{self._base}/{next(self._numbers)}.db", Path(self._base))


def plan_of(rooms: int, dids: int, code_ends: str = "") -> NumberPlan:
    """One conference with so many rooms and DIDs; other `code_ends`, other access codes and states of the DIDs."""
    codes = [
        [{"access_code": f"{room:06}{n}{code_ends}", "role": "host"} for n in range(CODES)] for room in range(rooms)
    ]
    table = {
        "endpoints": [
            {
                "name": ENDPOINT,
                "type": "conference",
                "meeting_rooms": [{"name": f"room {n}", "access_codes": codes[n]} for n in range(rooms)],
            }
        ],
        "dids": [
            {"phonenumber": f"1202{n:07}", "endpoint": ENDPOINT, "stored": {"state": code_ends}} for n in range(dids)
        ],
    }
    return validated(NumberPlan, table, "benchmark")


def rooms_and_dids(plan: NumberPlan) -> Iterator[Any]:
    yield from plan.dids
    for endpoint in plan.endpoints:
        yield from getattr(endpoint, "meeting_rooms", ())


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """CPU time that the loop's thread spent on others between two wake-ups of a task, in ms, whatever else runs.

    The task never rests, so a database that answers from a thread of this process waits for Python's lock: nothing is
    timed while it watches.
    """
    waits: list[float] = [0.0]

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            waits.append((time.thread_time() - began) * 1000)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    waits[:] = [0.0]
    try:
        yield waits
    finally:
        watching.cancel()


def code(number: int) -> dict[str, Any]:
    return {"access_codes": [{"access_code": f"9{number:08}", "role": "host"}]}


def lookup_us(store: Store) -> float:
    dids = store.plan.dids
    return min(timeit.repeat(lambda: dids.get(LOOKED_UP), number=10_000, repeat=7)) * 100


if __name__ == "__main__":
    main()
