"""The number plan follows the rows: what is changed is in force at once, and nothing else moves."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.plan import Plan
from softswitch.store import Condition, Conflict, InvalidValue, ListQuery, Store
from softswitch.store.call_flows import CALL_FLOW_SIDS
from softswitch.store.database import FILE
from softswitch.store.revision import revision

pytestmark = pytest.mark.real_time


class House:
    """A store with a trunk group, a conference, a room in it and a DID that leads there."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.sids: dict[str, str] = {}
        self.heard: list[Plan] = []
        store.on_plan = self.heard.append

    async def build(self) -> None:
        self.sids["group"] = (await self.make("trunk_groups", name="pstn", acls=["192.0.2.0/24"]))["trunk_group_sid"]
        trunk = {"name": "gw", "trunk_group_sid": self.sids["group"], "address": "192.0.2.7"}
        self.sids["trunk"] = (await self.make("trunks", **trunk))["trunk_sid"]
        self.sids["endpoint"] = (await self.make("endpoints", type="conference_v2", name="talk"))["endpoint_sid"]
        of_it = ListQuery((Condition(("endpoint_sid",), "eq", self.sids["endpoint"]),))
        (account,) = (await self.store.list("conference_accounts", of_it)).items
        self.sids["account"] = account["account_sid"]
        codes = [{"access_code": "1234", "role": "host"}]
        room = {"account_sid": self.sids["account"], "name": "standup", "access_codes": codes}
        self.sids["room"] = (await self.make("meeting_rooms", **room))["meeting_room_sid"]
        did = {
            "phonenumber": "12025550101",
            "endpoint_sid": self.sids["endpoint"],
            "trunk_group_sid": self.sids["group"],
        }
        self.sids["did"] = (await self.make("dids", **did))["did_sid"]

    async def make(self, resource: str, **values: Any) -> dict[str, Any]:
        return await self.store.create(resource, values)

    async def change(self, resource: str, which: str, **values: Any) -> None:
        assert await self.store.update(resource, self.sids[which], values) is not None

    @property
    def plan(self) -> Plan:
        return self.store.plan


@pytest.fixture
async def house(store: Store) -> House:
    house = House(store)
    await house.build()
    return house


async def test_rows_become_the_objects_that_calls_are_routed_by(house: House) -> None:
    group, endpoint, did = house.plan.trunk_groups["pstn"], house.plan.endpoints["talk"], house.plan.dids["12025550101"]
    assert [(trunk.name, trunk.address, trunk.port) for trunk in group.trunks] == [("gw", "192.0.2.7", 5060)]
    assert [str(acl) for acl in group.acls] == ["192.0.2.0/24"]
    assert (did.endpoint, did.trunk_group, endpoint.call_flow) == ("talk", "pstn", "secured")
    (code,) = house.plan.meeting_rooms["talk"]["standup"].access_codes
    assert (code.access_code, code.role) == ("1234", "host")
    assert (group.sid, endpoint.sid, did.sid) == (house.sids["group"], house.sids["endpoint"], house.sids["did"])


async def test_a_change_is_told_once_it_is_there_and_everything_else_is_the_same_object(house: House) -> None:
    before = house.plan
    await house.change("meeting_rooms", "room", properties={"conference_moh_enabled": "off"})
    assert house.heard[-1] is house.plan
    assert house.plan.meeting_rooms["talk"]["standup"].properties == {"conference_moh_enabled": "off"}
    assert before.meeting_rooms["talk"]["standup"].properties == {}
    assert house.plan.dids is before.dids
    assert house.plan.trunk_groups["pstn"] is before.trunk_groups["pstn"]


async def test_what_is_deleted_is_out_of_the_plan(house: House) -> None:
    await house.store.delete("dids", house.sids["did"])
    assert not house.plan.dids
    await house.store.delete("meeting_rooms", house.sids["room"])
    assert not house.plan.meeting_rooms["talk"]
    await house.store.delete("trunks", house.sids["trunk"])
    assert house.plan.trunk_groups["pstn"].trunks == ()
    await house.store.delete("endpoints", house.sids["endpoint"])
    assert not house.plan.endpoints


async def test_a_name_that_changes_changes_wherever_it_is_named(house: House) -> None:
    await house.change("dids", "did", meeting_room_sid=house.sids["room"])
    await house.change("endpoints", "endpoint", name="new talk")
    await house.change("trunk_groups", "group", name="new pstn")
    await house.change("meeting_rooms", "room", name="new room")
    did = house.plan.dids["12025550101"]
    assert (did.endpoint, did.trunk_group, did.meeting_room) == ("new talk", "new pstn", "new room")
    assert list(house.plan.meeting_rooms) == ["new talk"]


async def test_two_of_one_name_are_told_apart_by_their_sids(house: House) -> None:
    other = await house.make("trunk_groups", name="pstn")
    assert {"pstn", f"pstn {other['trunk_group_sid'][:8]}"} == set(house.plan.trunk_groups)
    assert house.plan.trunk_groups["pstn"].sid == house.sids["group"]


async def test_a_did_leads_where_the_first_trunk_of_its_group_leads(house: House) -> None:
    """CarrierX's chain: DID, trunk group, trunk, endpoint. Such a group is no source, so it keeps nobody out."""
    group = (await house.make("trunk_groups", name="inward"))["trunk_group_sid"]
    await house.make("dids", phonenumber="12025550199", trunk_group_sid=group)
    assert "12025550199" not in house.plan.dids
    trunk = {"trunk_group_sid": group, "endpoint_sid": house.sids["endpoint"], "priority": 1}
    made = await house.make("trunks", **trunk)
    did = house.plan.dids["12025550199"]
    assert (did.endpoint, house.plan.is_source("inward"), house.plan.is_source("pstn")) == ("talk", False, True)
    other = await house.make("endpoints", type="conference_v2", name="other")
    await house.make("trunks", trunk_group_sid=group, endpoint_sid=other["endpoint_sid"], priority=0)
    assert house.plan.dids["12025550199"].endpoint == "other"
    await house.store.delete("trunks", made["trunk_sid"])
    assert house.plan.dids["12025550199"].endpoint == "other"


async def test_call_flow_and_properties_are_those_of_the_account(house: House) -> None:
    change = {"call_flow_sid": CALL_FLOW_SIDS["direct_participant"], "properties": {"conference_moh_enabled": "off"}}
    await house.change("conference_accounts", "account", **change)
    endpoint = house.plan.endpoints["talk"]
    assert (endpoint.call_flow, endpoint.properties) == ("direct_participant", {"conference_moh_enabled": "off"})
    assert [room.name for room in endpoint.meeting_rooms] == ["standup"]


async def test_what_the_plan_can_not_be_is_refused_and_changes_nothing(house: House) -> None:
    before, heard = house.plan, len(house.heard)
    with pytest.raises(InvalidValue) as refused:
        await house.change("dids", "did", phonenumber="+1 202")
    assert refused.value.field == "phonenumber"
    with pytest.raises(InvalidValue):
        await house.change("trunks", "trunk", sip_username="half")
    with pytest.raises(Conflict) as ambiguous:
        await house.make("trunk_groups", name="twin", acls=["192.0.2.0/24"])
    assert ambiguous.value.field == "acls"
    assert (house.plan, len(house.heard)) == (before, heard)
    await house.change("trunk_groups", "group", in_capacity=5)
    assert list(house.plan.trunk_groups) == ["pstn"]


async def test_the_plan_is_the_same_when_the_store_is_opened_again(house: House, url: str, tmp_path: Path) -> None:
    await house.make("dids", phonenumber="12025550102", endpoint_sid=house.sids["endpoint"], state="NY")
    again = await Store.open(url, tmp_path)
    assert again.plan.numbers == house.plan.numbers
    assert again.plan.dids["12025550102"].stored == {"state": "NY"}
    await again.close()


async def test_a_change_by_another_process_is_followed(house: House, url: str, tmp_path: Path) -> None:
    watching = asyncio.create_task(house.store.watch(every_s=0.01))
    other = await Store.open(url, tmp_path)
    await other.update("trunk_groups", house.sids["group"], {"in_capacity": 7})
    async with asyncio.timeout(10):
        while house.plan.trunk_groups["pstn"].in_capacity != 7:  # noqa: ASYNC110 - another process gives no event
            await asyncio.sleep(0.01)
    assert house.heard[-1] is house.plan
    watching.cancel()
    await other.close()


async def test_a_change_by_another_process_is_seen_though_one_of_ours_follows_it(
    house: House, url: str, tmp_path: Path
) -> None:
    """We counted on from its revision, and never asked what it had changed."""
    other = await Store.open(url, tmp_path)
    await other.create("trunk_groups", {"name": "theirs"})
    await house.store.create("trunk_groups", {"name": "ours"})
    assert {"theirs", "ours"} <= house.plan.trunk_groups.keys()
    stores = (("ours", house.store), ("theirs", other))
    made = [
        store.create("users", {"username": f"{name}{number}", "password": "secret-1"})
        for number in range(3)
        for name, store in stores
    ]
    await asyncio.gather(*made)
    for store in (house.store, other):
        await store._follow()
        assert len(store.plan.users) == 6
    await other.close()


async def test_a_database_that_nobody_has_written_to_is_not_asked_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def counted(connection: AsyncConnection) -> str:
        nonlocal asked
        asked += 1
        return await revision(connection)

    store = await Store.open("", tmp_path)
    monkeypatch.setattr("softswitch.store.store.revision", counted)
    await store._follow()
    await store._follow()
    assert asked == 2, "what was written just now says nothing yet"
    for file in (tmp_path / FILE, tmp_path / f"{FILE}-wal"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    for _ in range(3):
        await store._follow()
    assert asked == 3
    other = await Store.open("", tmp_path)
    await other.create("trunk_groups", {"name": "north"})
    await store._follow()
    assert "north" in store.plan.trunk_groups
    await other.close()
    await store.close()


async def test_a_change_that_was_cancelled_half_way_leaves_no_trace_in_the_plan(house: House) -> None:
    before = house.plan.numbers
    for steps in range(1, 40, 3):
        task = asyncio.create_task(house.change("endpoints", "endpoint", name=f"name {steps}"))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    row = await house.store.get("endpoints", house.sids["endpoint"])
    await house.change("trunk_groups", "group", in_capacity=1)
    assert row is not None
    assert [end.name for end in house.plan.numbers.endpoints] == [row["name"]]
    assert house.plan.dids["12025550101"].endpoint == row["name"]
    assert len(house.plan.numbers.dids) == len(before.dids)


async def test_a_database_that_does_not_answer_for_a_while_is_followed_again_afterwards(
    house: House, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def unanswered(connection: AsyncConnection) -> str:
        nonlocal asked
        asked += 1
        if asked <= 3:
            raise OperationalError("SELECT", {}, OSError("the server has gone away"))
        return await revision(connection)

    monkeypatch.setattr("softswitch.store.store.revision", unanswered)
    watching = asyncio.create_task(house.store.watch(every_s=0.01))
    async with asyncio.timeout(10):
        while asked < 3:  # noqa: ASYNC110 - another process gives no event
            await asyncio.sleep(0.01)
    other = await Store.open(url, tmp_path)
    await other.update("trunk_groups", house.sids["group"], {"in_capacity": 7})
    async with asyncio.timeout(10):
        while house.plan.trunk_groups["pstn"].in_capacity != 7:  # noqa: ASYNC110 - another process gives no event
            await asyncio.sleep(0.01)
    watching.cancel()
    await other.close()
