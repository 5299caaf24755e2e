"""How long does a large number plan take to apply, and do calls wait for it?

    python -m benchmarks.apply [--json PATH] [--rooms N] [--dids N]

A tenth of the plan and the whole of it go into an empty database, each in one transaction: time for an object of the
whole over time for one of the tenth says whether it is linear. Then, with the whole plan in force, one DID, one room
and the name of the endpoint that all DIDs lead to are changed as the API does it; meanwhile a task of the same loop
looks how much CPU time others held the loop for at a time. Looking a number up is timed in both plans.
"""

import argparse
import asyncio
import contextlib
import time
import timeit
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

from benchmarks.lists import databases
from benchmarks.report import Report
from softswitch import garbage
from softswitch.configfile import validated
from softswitch.plan import NumberPlan
from softswitch.store import Store
from tests.store.postgres import new_database

COLUMNS = ("database", "what", "ms", "µs an object", "to a tenth", "loop held at most, ms CPU")
CODES = 3
ENDPOINT = "talk"
CHANGES = 20


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--json", default="apply", help="a path, or a bare name in benchmarks/results")
    options.add_argument("--rooms", type=int, default=1000, help="meeting rooms, each with three access codes")
    options.add_argument("--dids", type=int, default=10_000)
    given = options.parse_args()
    report = Report("How long does a large number plan take to apply, and do calls wait for it?", COLUMNS)
    for name, make in databases():
        with make as base:
            asyncio.run(measure(report, name, base, given.rooms, given.dids))
    report.note(f"the whole: {given.rooms:,} rooms with {CODES} codes each and {given.dids:,} DIDs in one transaction")
    report.note("a change: from the call of the store until the new plan is in force; the median of several")
    report.show()
    report.write(given.json)


async def measure(report: Report, name: str, base: str, rooms: int, dids: int) -> None:
    """The rows of one database."""
    tenth, whole = plan_of(rooms // 10, dids // 10), plan_of(rooms, dids)
    small = await Store.open(await url_of(base, "tenth"), Path(base))
    tenth_us = await applied_us(small, tenth)
    store = await Store.open(await url_of(base, "whole"), Path(base))
    async with watched() as waits:
        whole_us = await applied_us(store, whole)
    objects = rooms + dids
    report.row(name, "apply a tenth", tenth_us * objects / 10 / 1000, tenth_us, None, None)
    report.row(name, "apply the whole", whole_us * objects / 1000, whole_us, whole_us / tenth_us, max(waits))
    report.row(name, "look a number up", None, lookup_us(store), lookup_us(store) / lookup_us(small), None)
    did, room = store.plan.dids["12020000007"].sid, store.plan.meeting_rooms[ENDPOINT]["room 7"].sid
    codes = {"access_codes": [{"access_code": "999999999", "role": "host"}]}
    await change(report, name, "change a DID", lambda n: store.update("dids", did, {"state": str(n)}))
    await change(report, name, "change a room", lambda _: store.update("meeting_rooms", room, codes))
    endpoint = store.plan.endpoints[ENDPOINT].sid
    rename = "rename the endpoint of all DIDs"
    await change(report, name, rename, lambda n: store.update("endpoints", endpoint, {"name": f"talk {n}"}))
    await small.close()
    await store.close()


def plan_of(rooms: int, dids: int) -> NumberPlan:
    codes = [[{"access_code": f"{room:06}{n}", "role": "host"} for n in range(CODES)] for room in range(rooms)]
    table = {
        "endpoints": [
            {
                "name": ENDPOINT,
                "type": "conference",
                "meeting_rooms": [{"name": f"room {n}", "access_codes": codes[n]} for n in range(rooms)],
            }
        ],
        "dids": [{"phonenumber": f"1202{n:07}", "endpoint": ENDPOINT} for n in range(dids)],
    }
    return validated(NumberPlan, table, "benchmark")


async def applied_us(store: Store, plan: NumberPlan) -> float:
    """Microseconds for a room or a DID."""
    began = time.perf_counter()
    changes = await store.apply(plan)
    return (time.perf_counter() - began) * 1e6 / (len(changes) - 1)


async def change(report: Report, name: str, what: str, one: Any) -> None:
    took: list[float] = []
    async with watched() as waits:
        for number in range(CHANGES):
            began = time.perf_counter()
            changing: Awaitable[Any] = one(number)
            await changing
            took.append((time.perf_counter() - began) * 1000)
    report.row(name, what, sorted(took)[CHANGES // 2], None, None, max(waits))


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """CPU time that the loop's thread spent on others between two wake-ups of a task, in ms, whatever else runs."""
    waits: list[float] = [0.0]

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            waits.append((time.thread_time() - began) * 1000)

    garbage.set_up()  # as `softswitch serve` does
    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    waits[:] = [0.0]
    try:
        yield waits
    finally:
        watching.cancel()


def lookup_us(store: Store) -> float:
    dids = store.plan.dids
    return min(timeit.repeat(lambda: dids.get("12020000007"), number=10_000, repeat=7)) * 100


async def url_of(base: str, name: str) -> str:
    return await new_database(base) if base.startswith("postgresql") else f"sqlite:///{base}/{name}.db"


if __name__ == "__main__":
    main()
