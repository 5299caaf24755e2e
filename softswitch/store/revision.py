"""How often the configuration has changed: one number in the database, by which each process sees what others did."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.store.tables.switch import settings

KEY = "revision"


async def revision(connection: AsyncConnection) -> str:
    """The number as it is; nothing before the first change."""
    return (await connection.execute(select(settings.c.value).where(settings.c.key == KEY))).scalar_one_or_none() or ""


async def count_revision(connection: AsyncConnection) -> str:
    """One more, in this transaction."""
    counted = str(int(await revision(connection) or 0) + 1)
    done = await connection.execute(update(settings).where(settings.c.key == KEY).values(value=counted))
    if not done.rowcount:
        await connection.execute(insert(settings).values(key=KEY, value=counted))
    return counted
