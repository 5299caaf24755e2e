"""How a database means to answer a list: every statement that a list really runs, explained."""

from typing import Any

from sqlalchemy import event

from softswitch.store import ListQuery, Store

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}


async def plans_of(store: Store, resource: str, query: ListQuery) -> list[str]:
    """One text a statement, in the order they were run."""
    engine = store._engine
    ran: list[tuple[str, Any]] = []

    def remember(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        ran.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", remember)
    try:
        await store.list(resource, query)
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", remember)
    selects = [one for one in ran if one[0].startswith("SELECT")]
    async with engine.connect() as connection:
        return [
            "\n".join(
                str(row[-1]) for row in await connection.exec_driver_sql(EXPLAIN[engine.dialect.name] + text, values)
            )
            for text, values in selects
        ]
