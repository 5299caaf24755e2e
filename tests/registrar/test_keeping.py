"""Bindings outlive the program."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from softswitch.registrar.keeping import Keeping
from softswitch.registrar.location import Location
from softswitch.sip.peer import Peer, Transport
from softswitch.store import Store
from softswitch.store.tables.registrations import registrations
from tests.registrar.phones import HOME, Home, Phone
from tests.store.blank import open_blank

pytestmark = pytest.mark.real_time

WALL = 1_800_000_000.0
FLOW = '+sip.instance="<urn:uuid:1>";reg-id=1'


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_blank(tmp_path)
    yield store
    await store.close()


def kept(home: Home, store: Store, wall_s: float = WALL) -> Keeping:
    """`wall_s`: what the clock on the wall shows when the clock of the program shows 0."""
    keeping = Keeping(store, home.location, lambda: home.now, lambda: wall_s + home.now, home.registrar.edge)
    home.location.on_change = keeping.note
    return keeping


async def restarted(store: Store, seconds_later: float, home: Home, edge_proxies: Sequence[str] = ()) -> Home:
    """Another program on the same store: its own clock begins anywhere."""
    after = Home(edge_proxies=edge_proxies)
    after.now = 77.0
    await kept(after, store, WALL + home.now + seconds_later - 77.0).restore()
    return after


async def test_a_restart_forgets_no_contact_and_none_gets_more_time(store: Store) -> None:
    home = Home(edge_proxies=[HOME.host])
    keeping = kept(home, store)
    Phone(home, headers=["User-Agent: phone/1"]).register(headers=[f"Path: <sip:{HOME.host};lr>"])
    Phone(home, "1002", peer=HOME._replace(port=6000), contact="<sip:1002@10.1.1.1>;q=0.7").register()
    await keeping.write()
    after = await restarted(store, 100, home, edge_proxies=[HOME.host])
    for name in ("1001", "1002"):
        (was,), (binding,) = home.location.of(name), after.location.of(name)
        assert binding.remaining_s(after.now) == was.remaining_s(home.now) - 100
        for what in ("sid", "uri", "shown", "q", "peer", "path", "call_id", "cseq", "user_agent", "uses_source"):
            assert getattr(binding, what) == getattr(was, what), what
        assert after.location.targets(after.guard._users[name], after.now)
    assert after.location.user_behind(HOME._replace(port=6000)) is not None


async def test_after_a_restart_no_call_goes_to_a_host_that_a_phone_has_merely_named(store: Store) -> None:
    home = Home(edge_proxies=[HOME.host])
    keeping = kept(home, store)
    carrier = "<sip:19005551234@203.0.113.50>"
    Phone(home, "1001", contact=carrier, peer=Peer(Transport.TCP, HOME.host, 40001, 5060)).register()
    Phone(home, "1002", contact=carrier).register(headers=[f"Path: <sip:{HOME.host};lr>"])
    await keeping.write()
    after = await restarted(store, 1, home)
    for name, flows in (("1001", []), ("1002", [HOME])):  # no proxy of ours any more: back to where it came from
        targets = [target for group in after.location.targets(after.guard._users[name], 77.0) for target in group]
        assert [(target.flow, target.route) for target in targets] == [(flow, ()) for flow in flows]


async def test_what_has_ended_meanwhile_is_not_restored_and_goes_from_the_store(store: Store) -> None:
    home = Home()
    keeping = kept(home, store)
    Phone(home).register()
    Phone(home, "1002").register()
    await keeping.write()
    Phone(home, "1002").unregister()
    await keeping.write()
    assert [row["username"] for row in await store.read_behind(registrations)] == ["1001"]
    after = Home()
    late = kept(after, store, WALL + 4000)
    assert await late.restore() == 0
    await late.write()
    assert await store.read_behind(registrations) == []


async def test_a_connection_does_not_outlive_the_program(store: Store) -> None:
    home = Home()
    keeping = kept(home, store)
    connection = Peer(Transport.TCP, "192.0.2.10", 51000, 5060)
    Phone(home, peer=connection, contact="<sip:1001@192.0.2.10;transport=tcp>").register()
    Phone(home, "1002", peer=connection).register(f"<sip:1002@192.0.2.10;transport=tcp>;{FLOW}")
    await keeping.write()
    after = await restarted(store, 1, home)
    ((target,),) = after.location.targets(after.guard._users["1001"], after.now)
    assert target.flow is None
    assert after.location.targets(after.guard._users["1002"], after.now) == []


async def test_a_storm_of_refreshes_is_one_row_a_contact(store: Store) -> None:
    home = Home()
    keeping = kept(home, store)
    phone = Phone(home)
    for _ in range(20):
        phone.register()
    assert keeping.waiting == 1
    await keeping.close()
    assert (keeping.written, keeping.waiting) == (1, 0)
    assert len(await store.read_behind(registrations)) == 1


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("INSERT", {}, Exception("database or disk is full")),
        TimeoutError(),  # without a word: it was a bug of ours, and the end of all writing
    ],
    ids=["full", "wordless"],
)
async def test_what_the_store_does_not_take_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    home = Home()
    keeping = kept(home, store)
    Phone(home).register()

    async def full(*_: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(store, "write_behind", full)
        assert not await keeping.write()
        assert keeping.waiting == 1
    assert await keeping.write()
    assert (await store.read_behind(registrations))[0]["cseq"] == 2


async def test_users_who_are_no_more_are_not_restored(store: Store) -> None:
    home = Home()
    keeping = kept(home, store)
    Phone(home).register()
    await keeping.write()
    others = Home(users={"1002": "x"})
    assert await kept(others, store).restore() == 0
    assert isinstance(others.location, Location)


async def test_a_phone_that_writes_no_utf8_is_kept_like_any_other(store: Store) -> None:
    home = Home()
    keeping = kept(home, store)
    Phone(home, call_id="call-\udcff\x00", headers=["User-Agent: phone\udcff\x001"]).register()
    Phone(home, "1002").register()
    assert await keeping.write()
    after = await restarted(store, 1, home)
    assert [binding.user_agent for binding in after.location.of("1001")] == ["phone\ufffd\ufffd1"]
    assert after.contacts("1002")


async def test_a_batch_that_fails_by_a_bug_is_not_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home()
    keeping = kept(home, store)
    Phone(home).register()
    with monkeypatch.context() as patched:
        patched.setattr(store, "write_behind", None)
        with pytest.raises(TypeError):
            await keeping.write()
    assert keeping.waiting == 1
    assert await keeping.write()
    assert (await restarted(store, 1, home)).contacts()


async def test_a_storm_is_written_in_small_batches_one_soon_after_the_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softswitch.registrar.keeping.MOST_AT_ONCE", 2)
    monkeypatch.setattr("softswitch.registrar.keeping.WRITES_ON_AFTER_S", 0.0)
    monkeypatch.setattr("softswitch.registrar.keeping.WRITES_EVERY_S", 3600.0)
    users = {f"u{number}": "secret" for number in range(7)}
    home = Home(users=users)
    keeping = kept(home, store)
    for name in users:
        Phone(home, name, "secret", contact=f"<sip:{name}@192.0.2.10:5060>").register()
    running = asyncio.create_task(keeping.run())
    async with asyncio.timeout(20):
        while keeping.written < 6:  # noqa: ASYNC110 - the store takes its time
            await asyncio.sleep(0.01)
    assert keeping.waiting == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
