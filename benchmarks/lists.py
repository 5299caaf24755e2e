"""Does a filtered list over 100,000 call records cost more than over 1,000?

    python -m benchmarks.lists [--json PATH] [--many N] [--rounds N]

The same lists over two databases of each kind, one with few records and one with many: the median time of a list, its
total and its page, and whether the database finds the page by an index. Each filter is one that operators use; the
last row has none. The PostgreSQL server is started for this run from the distribution's package, and left out where
there is none.
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.report import Report
from softswitch.store import Condition, ListQuery, Store
from softswitch.store.columns import date_text
from tests.store.postgres import new_database, server
from tests.store.query_plans import plans_of

COLUMNS = ("database", "list", "1,000: ms", "many: ms", "many / 1,000", "page by index")
FEW = 1000
BATCH = 5000

BY_STOP = ((("date_stop",), True),)
LISTS = {
    "number_src eq, newest first": ListQuery((Condition(("number_src",), "eq", "131055500007"),), BY_STOP),
    "number_dst like 'prefix%'": ListQuery((Condition(("number_dst",), "like", "12025550000%"),), BY_STOP),
    "sipcause eq 486": ListQuery((Condition(("sipcause",), "eq", 486),), BY_STOP),
    "endpoint_sid_dst eq": ListQuery((Condition(("endpoint_sid_dst",), "eq", "endpoint-3"),), BY_STOP),
    "trunk_group_sid_src eq": ListQuery((Condition(("trunk_group_sid_src",), "eq", "group-1"),), BY_STOP),
    "date_start in one hour": ListQuery(
        (Condition(("date_start",), "ge", "2026-01-01T00:10"), Condition(("date_start",), "lt", "2026-01-01T01:10")),
        ((("date_start",), False),),
    ),
    "everything, newest first": ListQuery((), BY_STOP),
}


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--json", default="lists", help="a path, or a bare name in benchmarks/results")
    options.add_argument("--many", type=int, default=100_000, help="records in the larger database")
    options.add_argument("--rounds", type=int, default=60, help="the best of so many lists counts")
    given = options.parse_args()
    report = Report(f"Does a filtered list over {given.many:,} call records cost more than over 1,000?", COLUMNS)
    for name, make in databases():
        with make as urls:
            asyncio.run(measure(report, name, urls, given.many, given.rounds))
    report.note("each list gives one page of 10 and the total; above 1,000 matches there is no total")
    report.show()
    print(report.write(given.json))


def databases() -> Iterator[tuple[str, contextlib.AbstractContextManager[Any]]]:
    """Each kind of database that is there: its name, and what starts it and gives the beginning of its URLs."""
    yield "SQLite", tempfile.TemporaryDirectory()
    if any(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        yield "PostgreSQL", server()
    else:
        print("PostgreSQL is not installed (tools/peers.sh installs it)", file=sys.stderr)


async def measure(report: Report, name: str, base: str, many: int, rounds: int) -> None:
    """A row for each list, over a database of few and one of many records."""
    few_store, many_store = await filled(base, FEW), await filled(base, many)
    for wanted, query in LISTS.items():
        few_ms, many_ms = [], []
        for _ in range(rounds):
            few_ms.append(await list_ms(few_store, query))
            many_ms.append(await list_ms(many_store, query))
        *_, page = await plans_of(many_store, "call_drs", query)
        few, several = statistics.median(few_ms), statistics.median(many_ms)
        report.row(name, wanted, few, several, several / few, "ix_call_drs" in page)
    await few_store.close()
    await many_store.close()


async def list_ms(store: Store, query: ListQuery) -> float:
    began = time.perf_counter()
    await store.list("call_drs", query)
    return (time.perf_counter() - began) * 1000


async def filled(base: str, count: int) -> Store:
    """A database of its own with so many records: a call each second, from a hundred callers a thousand calls."""
    url = await new_database(base) if base.startswith("postgresql") else f"sqlite:///{base}/{count}.db"
    store = await Store.open(url, Path(base))
    dice = random.Random(7)
    for first in range(0, count, BATCH):
        records = [record(n, count, dice) for n in range(first, min(first + BATCH, count))]
        await store.add_records("call_drs", list(records[0]), [tuple(one.values()) for one in records])
    async with store._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.exec_driver_sql("VACUUM ANALYZE" if base.startswith("postgresql") else "ANALYZE")
    return store


def record(number: int, count: int, dice: random.Random) -> dict[str, Any]:
    started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    duration_s = dice.randrange(1, 600)
    return {
        "dr_sid": f"{dice.getrandbits(128):032x}",
        "date_start": date_text(started),
        "date_stop": date_text(started + timedelta(seconds=duration_s)),
        "number_src": f"1310555{dice.randrange(count // 10):05}",
        "number_dst": f"1202555{dice.randrange(count // 10):05}",
        "endpoint_sid_dst": f"endpoint-{dice.randrange(10)}",
        "trunk_group_sid_src": f"group-{dice.randrange(3)}",
        "sipcause": dice.choices((200, 404, 486, 503), (90, 5, 4, 1))[0],
        "direction": "inbound",
        "duration": float(duration_s),
        "codec_src": "PCMU",
        "ip_src": "127.0.0.1",
    }


if __name__ == "__main__":
    main()
