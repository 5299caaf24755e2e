"""Number plans applied and exported: what differs is done, all of it or nothing; again changes nothing."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from softswitch.apply import apply_files, export
from softswitch.configfile import validated
from softswitch.errors import ConfigError
from softswitch.plan import NumberPlan, load_plan
from softswitch.plan.differences import Difference, differences
from softswitch.plan.write import TABLES, toml
from softswitch.settings import Settings
from softswitch.store import InvalidValue, Store

pytestmark = pytest.mark.real_time

SHIPPED = Path(__file__).parent.parent.parent / "config"

PLAN: dict[str, Any] = {
    "trunk_groups": [
        {"name": "pstn", "acls": ["192.0.2.0/24"], "trunks": [{"name": "gw", "address": "192.0.2.7", "weight": 3}]},
        {"name": "inward", "trunks": [{"name": "talk", "endpoint": "talk"}], "stored": {"routing_data": {"mode": "x"}}},
    ],
    "endpoints": [
        {
            "name": "talk",
            "type": "conference",
            "transformations": [
                {"type": "conditional", "field": "number_src", "match": "^1900", "then": [{"type": "reject"}]}
            ],
            "did_groups": [{"name": "sales", "call_flow": "open"}],
            "meeting_rooms": [
                {"name": "a", "did_group": "sales", "access_codes": [{"access_code": "1", "role": "host"}]},
                {"name": "b", "access_codes": [{"access_code": "2", "role": "host"}]},
            ],
        }
    ],
    "dids": [
        {"phonenumber": "12025550101", "endpoint": "talk", "trunk_group": "pstn", "did_group": "sales"},
        {"phonenumber": "12025550102", "endpoint": "talk", "meeting_room": "b", "call_flow": "direct_host"},
    ],
    "users": [{"username": "anna", "password": 'a "quoted" \\ password ü'}],
}


def plan(**changed: Any) -> NumberPlan:
    return validated(NumberPlan, PLAN | changed, "numbers.toml")


def places(found: Any) -> list[str]:
    return [f"{'+' if one.before is None else '-' if one.after is None else '~'} {one.place}" for one in found]


async def test_what_was_applied_is_the_plan_and_applying_it_again_changes_nothing(store: Store) -> None:
    assert len(await store.apply(plan())) == 11
    assert not differences(store.plan.numbers, plan())
    assert [group.name for group in store.plan.numbers.trunk_groups] == ["pstn", "inward"]
    revision = store._revision
    assert await store.apply(plan()) == []
    assert store._revision == revision


async def test_a_dry_run_tells_and_does_nothing(store: Store) -> None:
    assert places(await store.apply(plan(), dry_run=True))[0] == "+ trunk_groups[pstn]"
    assert not store.has_objects
    assert (await store.list("dids")).total == 0


async def test_only_what_differs_is_touched_and_what_stays_keeps_its_sid(store: Store) -> None:
    await store.apply(plan())
    sid = store.plan.dids["12025550101"].sid
    dids = [
        PLAN["dids"][0] | {"call_flow": "open", "did_group": None},
        {"phonenumber": "12025550103", "endpoint": "talk"},
    ]
    found = await store.apply(plan(dids=dids))
    assert places(found) == ["~ dids[12025550101]", "+ dids[12025550103]", "- dids[12025550102]"]
    assert found[0].fields == ("did_group", "call_flow")
    assert (store.plan.dids["12025550101"].sid, store.plan.dids["12025550101"].call_flow) == (sid, "open")
    assert set(store.plan.dids) == {"12025550101", "12025550103"}


async def test_dids_in_which_different_things_change_each_get_their_own(store: Store) -> None:
    first, second = PLAN["dids"]
    third = {"phonenumber": "12025550103", "endpoint": "talk", "stored": {"state": "DC"}}
    await store.apply(plan(dids=[first, second, third]))
    dids = [first | {"call_flow": "open"}, second | {"call_flow": "secured"}, third | {"stored": {"state": "NY"}}]
    assert places(await store.apply(plan(dids=dids))) == [f"~ dids[1202555010{n}]" for n in (1, 2, 3)]
    found = store.plan.dids
    assert [found[f"1202555010{n}"].call_flow for n in (1, 2, 3)] == ["open", "secured", None]
    assert (found["12025550102"].meeting_room, found["12025550103"].stored) == ("b", {"state": "NY"})


async def test_statements_do_not_multiply_with_the_plan(store: Store) -> None:
    """A statement for each object was what made a large plan slow to change."""
    spoken: list[str] = []
    event.listen(store._engine.sync_engine, "before_cursor_execute", lambda *said: spoken.append(said[2]))
    wanted = [numbered(500, "DC"), numbered(500, "NY"), numbered(500, "NY"), numbered(0, "")]
    counted = []
    for numbers in wanted:
        spoken.clear()
        await store.apply(numbers)
        counted.append(len(spoken))
    made, changed, same, gone = counted
    assert max(counted) < 60
    assert changed <= made + 5
    assert same < changed
    assert gone < changed
    assert not store.plan.dids


def numbered(count: int, state: str) -> NumberPlan:
    dids = [{"phonenumber": f"1202{n:07}", "endpoint": "talk", "stored": {"state": state}} for n in range(count)]
    return plan(dids=dids)


async def test_a_kind_that_is_not_mentioned_stays(store: Store) -> None:
    await store.apply(plan())
    before = store.plan.numbers
    wanted = validated(NumberPlan, {"users": [{"username": "bert", "password": "x"}]}, "users.toml")
    assert places(await store.apply(wanted)) == ["+ users[bert]", "- users[anna]"]
    assert store.plan.numbers.dids == before.dids
    assert store.plan.numbers.endpoints == before.endpoints


async def test_an_access_code_may_move_from_one_room_to_another(store: Store) -> None:
    await store.apply(plan())
    endpoint = PLAN["endpoints"][0]
    first, second = endpoint["meeting_rooms"]
    swapped = [first | {"access_codes": second["access_codes"]}, second | {"access_codes": first["access_codes"]}]
    await store.apply(plan(endpoints=[endpoint | {"meeting_rooms": swapped}]))
    rooms = store.plan.meeting_rooms["talk"]
    assert [rooms[name].access_codes[0].access_code for name in ("a", "b")] == ["2", "1"]


async def test_everything_can_go(store: Store) -> None:
    await store.apply(plan())
    nothing = validated(NumberPlan, {kind: [] for kind in PLAN}, "empty.toml")
    assert len(await store.apply(nothing)) == 11
    assert not store.has_objects


async def test_what_an_api_client_keeps_with_an_object_stays_where_no_file_says_otherwise(store: Store) -> None:
    await store.apply(plan())
    properties = {"login": "talk", "password": "secret"}
    await store.update("endpoints", store.plan.endpoints["talk"].sid, {"properties": properties})
    assert await store.apply(plan()) == []
    endpoint = await store.get("endpoints", store.plan.endpoints["talk"].sid)
    assert endpoint is not None
    assert endpoint["properties"] == properties


@pytest.mark.parametrize("stored", [{"colour": "red"}, {"routing_data": "many"}, {"name": "x"}])
async def test_what_has_no_place_in_stored_is_refused(store: Store, stored: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as refused:
        await store.apply(plan(trunk_groups=[{"name": "g", "stored": stored}], dids=[]))
    assert refused.value.field == f"trunk_groups[g].stored.{next(iter(stored))}"
    assert not store.has_objects


async def test_what_the_docs_show_as_stored_is_kept_and_not_acted_on(store: Store) -> None:
    page = (SHIPPED.parent / "docs" / "store.md").read_text()
    (shown,) = (block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "stored = " in block)
    talk = {"name": "conference", "type": "conference"}
    await store.apply(validated(NumberPlan, {"endpoints": [talk]} | tomllib.loads(shown), "docs/store.md"))
    assert store.plan.numbers.dids[0].stored == tomllib.loads(shown)["dids"][0]["stored"]


async def test_an_export_applies_to_the_same_state_here_and_in_an_empty_store(store: Store, tmp_path: Path) -> None:
    await store.apply(plan())
    group = store.plan.trunk_groups["pstn"].sid
    data = {"list": [1, 2.5, True], "text": "a\x7f\nb", "empty": {}, "dotted.name": {"x": "y"}}
    await store.update("trunk_groups", group, {"routing_data": data, "soft_failure_codes": "408;503;"})
    exported = validated(NumberPlan, tomllib.loads(toml(store.plan.numbers)), "export.toml")
    assert await store.apply(exported) == []
    fresh = await Store.open(f"sqlite:///{tmp_path}/fresh.db", tmp_path)
    await fresh.apply(exported)
    assert toml(fresh.plan.numbers) == toml(store.plan.numbers)
    row = await fresh.get("trunk_groups", fresh.plan.trunk_groups["pstn"].sid)
    assert row is not None
    assert row["routing_data"] == data
    await fresh.close()


async def test_an_export_says_of_an_empty_kind_that_it_is_empty(store: Store) -> None:
    assert tomllib.loads(toml(store.plan.numbers)) == {kind: [] for kind in TABLES}


async def test_the_shipped_plan_survives_the_round_trip(store: Store) -> None:
    shipped = load_plan(SHIPPED).numbers
    await store.apply(shipped)
    assert validated(NumberPlan, tomllib.loads(toml(store.plan.numbers)), "x").model_dump() == shipped.model_dump()


# ---- the commands


def files(folder: Path, **texts: str) -> list[Path]:
    paths = []
    for name, text in texts.items():
        paths.append(folder / f"{name}.toml")
        paths[-1].write_text(text)
    return paths


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"data": {"directory": str(tmp_path / "data")}})


ROOMS = '[[endpoints]]\nname = "talk"\ntype = "conference"\n'
NUMBERS = '[[dids]]\nphonenumber = "12025550101"\nendpoint = "talk"\n'


async def test_several_files_are_one_plan_and_later_ones_may_build_on_what_is_there(
    settings: Settings, tmp_path: Path
) -> None:
    assert places(await apply_files(settings, files(tmp_path, a=ROOMS, b=NUMBERS))) == [
        "+ endpoints[talk]",
        "+ dids[12025550101]",
    ]
    more = NUMBERS + NUMBERS.replace("0101", "0102")
    assert places(await apply_files(settings, files(tmp_path, c=more))) == ["+ dids[12025550102]"]
    assert tomllib.loads(await export(settings))["dids"][1]["phonenumber"] == "12025550102"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1", "b.toml: x: is not a key here"),
        (NUMBERS.replace("talk", "tolk"), 'b.toml: dids[12025550101].endpoint: "tolk" does not exist'),
        (NUMBERS + NUMBERS, "b.toml: dids[12025550101].phonenumber: is there twice"),
        (NUMBERS + 'properties = { conference_moh_enabled = "maybe" }', 'conference_moh_enabled: is "maybe"'),
        (NUMBERS + 'stored = { colour = "red" }', "b.toml: dids[12025550101].stored.colour: is not kept here"),
        ("[[dids]", "b.toml: not valid TOML"),
    ],
)
async def test_a_mistake_is_told_with_file_and_key_and_nothing_is_done(
    settings: Settings, tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises((ConfigError, ExceptionGroup)) as refused:
        await apply_files(settings, files(tmp_path, a=ROOMS, b=text))
    errors = refused.value.exceptions if isinstance(refused.value, ExceptionGroup) else [refused.value]
    assert told in "\n".join(map(str, errors))
    assert tomllib.loads(await export(settings))["endpoints"] == []


GROUP = '[[trunk_groups]]\nname = "pstn"\n[[trunk_groups.trunks]]\nname = "one"\naddress = "192.0.2.7"\n'


async def test_adding_one_did_removes_no_other(settings: Settings, tmp_path: Path) -> None:
    await apply_files(settings, files(tmp_path, a=ROOMS + GROUP, b=NUMBERS))
    more = NUMBERS.replace("0101", "0102")
    assert places(await apply_files(settings, files(tmp_path, c=more), adding=True)) == ["+ dids[12025550102]"]
    second = GROUP.replace("one", "two").replace(".7", ".8")
    assert places(await apply_files(settings, files(tmp_path, c=second), adding=True)) == [
        "+ trunk_groups[pstn].trunks[two]"
    ]
    found = tomllib.loads(await export(settings))
    assert [did["phonenumber"] for did in found["dids"]] == ["12025550101", "12025550102"]
    assert [trunk["name"] for trunk in found["trunk_groups"][0]["trunks"]] == ["one", "two"]


async def test_a_complaint_about_an_object_that_is_in_no_file_says_where_it_is_and_offers_to_add_only(
    settings: Settings, tmp_path: Path
) -> None:
    bound = '[[endpoints]]\nname = "masked"\ntype = "mediator"\n[[endpoints.bindings]]\n'
    bound += 'redirect_did = "12025550105"\ndestination_did = "13105550199"\n'
    number = NUMBERS.replace("0101", "0105").replace("talk", "masked")
    await apply_files(settings, files(tmp_path, a=ROOMS + bound, b=number))
    with pytest.raises(ExceptionGroup) as refused:
        await apply_files(settings, files(tmp_path, c=NUMBERS))
    (problem,) = map(str, refused.value.exceptions)
    assert "endpoints[masked].bindings[0].redirect_did: 12025550105 is no DID of this endpoint" in problem
    assert "this object is in the database; dids not named in the files are removed (--add keeps them)" in problem
    assert places(await apply_files(settings, files(tmp_path, c=NUMBERS), adding=True)) == ["+ dids[12025550101]"]


async def test_an_endpoint_that_others_still_need_can_not_be_left_out(settings: Settings, tmp_path: Path) -> None:
    await apply_files(settings, files(tmp_path, a=ROOMS, b=NUMBERS))
    with pytest.raises(ExceptionGroup) as refused:
        await apply_files(settings, files(tmp_path, a=ROOMS.replace("talk", "chat")))
    assert 'dids[12025550101].endpoint: "talk" does not exist' in str(refused.value.exceptions[0])


def test_a_difference_says_where_it_is() -> None:
    assert Difference("trunks", ("pstn", "gw"), None, None).place == "trunk_groups[pstn].trunks[gw]"
    assert Difference("meeting_rooms", ("talk", "a"), None, None).place == "endpoints[talk].meeting_rooms[a]"
    assert Difference("dids", ("123",), None, None).place == "dids[123]"
