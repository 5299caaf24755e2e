"""The schema and its history: nothing is lost on the way up, and what can't be used is refused with one sentence."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Boolean, Connection, Float, Integer, MetaData, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from softswitch.errors import ConfigError
from softswitch.store import Store
from softswitch.store.columns import metadata
from softswitch.store.database import MIGRATIONS, VERSIONS, create_engine, database_url, migrate

pytestmark = pytest.mark.real_time

ROWS = 3


def test_each_version_leads_on_from_the_one_before() -> None:
    for before, version in zip((None, *VERSIONS), VERSIONS, strict=False):
        (file,) = (MIGRATIONS / "versions").glob(f"{version}_*.py")
        found: dict[str, Any] = {}
        lines = [line for line in file.read_text().splitlines() if line.startswith(("revision", "down_revision"))]
        exec("\n".join(lines), found)
        assert (found["revision"], found["down_revision"]) == (version, before)


async def test_the_migrations_make_just_the_tables_that_the_program_has(store: Store) -> None:
    def missing(connection: Connection) -> list[Any]:
        def looks_at(thing: Any, _: str | None, kind: str, *__: Any) -> bool:
            """Of a column that was added later SQLAlchemy can't read in SQLite what its reference does on delete."""
            return not (is_sqlite and kind == "foreign_key_constraint" and thing.table.name == "endpoints")

        is_sqlite = connection.dialect.name == "sqlite"
        return compare_metadata(MigrationContext.configure(connection, opts={"include_object": looks_at}), metadata)

    async with store._engine.connect() as connection:
        assert await connection.run_sync(missing) == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_row_written_at_a_version_is_there_at_the_present_one(
    empty_url: str, tmp_path: Path, version: str
) -> None:
    engine = create_engine(database_url(empty_url, tmp_path))
    written = await at_version(engine, version)
    await engine.dispose()
    assert sum(map(len, written.values())) >= ROWS * 10
    store = await Store.open(empty_url, tmp_path)
    async with store._engine.connect() as connection:
        for name, rows in written.items():
            table = metadata.tables[name]
            (sid,) = table.primary_key.columns
            kept = {row[sid.name]: dict(row) for row in (await connection.execute(select(table))).mappings()}
            for row in rows:
                assert row.items() <= kept[row[sid.name]].items(), name
    await store.close()


async def test_udp_that_nobody_could_choose_is_automatic_from_the_version_on_that_lets_choose(
    empty_url: str, tmp_path: Path
) -> None:
    engine = create_engine(database_url(empty_url, tmp_path))
    await at_version(engine, "0010")
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE trunks SET transport = 'udp' WHERE trunk_sid = 'trunk_sid-0'"))
    await engine.dispose()
    store = await Store.open(empty_url, tmp_path)
    rows = [await store.get("trunks", f"trunk_sid-{number}") for number in range(2)]
    assert [row["transport"] for row in rows if row is not None] == ["auto", "tcp"]
    await store.close()


async def at_version(engine: AsyncEngine, version: str) -> dict[str, list[dict[str, Any]]]:
    """A database as that version made it, with rows in each of its tables."""
    async with engine.begin() as connection:
        await connection.run_sync(migrate, version)
        return await connection.run_sync(fill)


def fill(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Rows in every table, each column with a value; who is pointed to comes first."""
    tables = MetaData()
    tables.reflect(connection)
    written: dict[str, list[dict[str, Any]]] = {}
    for table in tables.sorted_tables:
        if table.name != "alembic_version":
            written[table.name] = [row_of(table, number) for number in range(ROWS)]
            connection.execute(insert(table), written[table.name])
    return written


def row_of(table: Table, number: int) -> dict[str, Any]:
    return {column.name: value_of(table, column, number) for column in table.columns}


def value_of(table: Table, column: Any, number: int) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return None if key.column.table is table else f"{key.column.name}-{number}"
    documents = metadata.tables[table.name].c
    if isinstance(documents[column.name].type, JSON):
        return (
            {"n": str(number)} if column.name in ("properties", "attributes") else {} if column.name == "rates" else []
        )
    for kind, value in ((Boolean, False), (Integer, number + 1), (Float, number + 0.5)):
        if isinstance(documents[column.name].type, kind):
            return value
    return KNOWN.get(column.name, f"{column.name}-{number}") if column.name not in NUMBERS else f"1202555010{number}"


NUMBERS = ("phonenumber", "access_code")
KNOWN = {
    "type": "conference",
    "routing_type": "failover",
    "transport": "tcp",
    "in_identity_mode": "from",
    "out_identity_mode": "pai",
    "allow_forward": "direct",
    "allow_transfer": "enabled",
    "hard_failure_codes": "408;",
    "soft_failure_codes": "408;503;",
    "hard_failure_last_resort": "first",
    "currency": "EUR",
    "media_encryption": "off",
    "role": "host",
}
KNOWN |= {"in_sip_username": "", "in_sip_password": "", "sip_username": "", "sip_password": "", "address": "192.0.2.7"}
KNOWN |= {"call_flow_sid": ""}


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    store = await Store.open(url, tmp_path)
    await execute(store, "UPDATE alembic_version SET version_num = '9999'")
    await store.close()
    for _ in range(2):
        with pytest.raises(ConfigError) as refused:
            await Store.open(url, tmp_path)
        assert refused.value.problem.startswith("was written by a newer softswitch (schema 9999")


async def test_a_database_of_another_program_is_refused_and_left_alone(empty_url: str, tmp_path: Path) -> None:
    engine = create_engine(database_url(empty_url, tmp_path))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE recipes (name TEXT)"))
    await engine.dispose()
    with pytest.raises(ConfigError, match=r"is the database of another program .it has a table recipes"):
        await Store.open(empty_url, tmp_path)


async def test_a_row_that_no_call_could_be_routed_by_is_refused_at_the_start(url: str, tmp_path: Path) -> None:
    store = await Store.open(url, tmp_path)
    await store.create("users", {"username": "anna", "password": "x"})
    await execute(store, "UPDATE users SET username = 'a b'")
    await store.close()
    with pytest.raises(ConfigError, match=r"username: has something there that can't be"):
        await Store.open(url, tmp_path)


async def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "softswitch.db").write_bytes(b"this is a letter to grandmother" * 200)
    with pytest.raises(ConfigError) as refused:
        await Store.open("", tmp_path)
    assert str(refused.value) == f"{tmp_path}/softswitch.db: can't be used as the database: file is not a database"


async def test_a_damaged_database_is_refused_with_its_name(tmp_path: Path) -> None:
    store = await Store.open("", tmp_path)
    for number in range(300):
        await store.create("users", {"username": f"user{number}", "password": "x" * 100})
    await store.close()
    file = tmp_path / "softswitch.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(
        ConfigError, match=r"softswitch\.db: can't be used as the database: database disk image is malf"
    ):
        await Store.open("", tmp_path)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgresql+psycopg2://x/y", "://"])
async def test_a_url_that_is_none_of_ours_is_refused_with_those_that_are(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"store: url: is no URL of a database we know .accepted: postgresql://"):
        await Store.open(url, tmp_path)


async def test_a_server_out_of_reach_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        await Store.open("postgresql://anna:hunter2@127.0.0.1:1/x", tmp_path)
    assert "127.0.0.1:1/x: can't be used as the database: " in str(refused.value)
    assert "hunter2" not in str(refused.value)


async def execute(store: Store, statement: str) -> None:
    async with store._engine.begin() as connection:
        await connection.execute(text(statement))
