"""Which room, role and properties a number and a code lead to."""

import pytest

from softswitch.endpoints.conference.roles import Role
from softswitch.endpoints.conference.rooms import Rooms, check_conference
from softswitch.errors import CallRejected
from softswitch.plan import ConferenceEndpoint, Did

ACCOUNT = ConferenceEndpoint.model_validate(
    {
        "name": "conf",
        "type": "conference",
        "call_flow": "secured",
        "properties": {"conference_start_wait": "1", "conference_stop_wait": "1", "conference_mute_policy": ""},
        "did_groups": [
            {
                "name": "sales",
                "call_flow": "open",
                "properties": {"conference_start_wait": "2", "conference_stop_wait": "2"},
            },
            {"name": "plain"},
        ],
        "meeting_rooms": [
            {
                "name": "standup",
                "access_codes": [
                    {"access_code": "111111", "role": "host"},
                    {"access_code": "222222", "role": "listener"},
                ],
                "properties": {"conference_start_wait": "4"},
            },
            {"name": "other", "access_codes": [{"access_code": "333333", "role": "participant"}]},
        ],
    }
)


def did(**fields: object) -> Did:
    return Did.model_validate({"phonenumber": "12025550101", "endpoint": "conf", **fields})


@pytest.mark.parametrize(
    ("fields", "flow"),
    [
        ({"call_flow": "direct_host", "did_group": "sales"}, "direct_host"),
        ({"did_group": "sales"}, "open"),
        ({"did_group": "plain"}, "secured"),
        ({}, "secured"),
    ],
)
def test_the_flow_is_the_dids_then_its_groups_then_the_accounts(fields: dict[str, object], flow: str) -> None:
    assert Rooms(ACCOUNT).call_flow(did(**fields)) == flow


def test_a_conference_without_any_flow_is_misconfigured_and_says_so() -> None:
    account = ACCOUNT.model_copy(update={"call_flow": None})
    with pytest.raises(CallRejected, match="500 Conference conf is misconfigured"):
        Rooms(account).call_flow(did())


def test_a_code_opens_its_room_with_its_role() -> None:
    key = Rooms(ACCOUNT).key("222222")
    assert key is not None
    assert (key.room.name, key.role) == ("standup", Role.LISTENER)
    assert Rooms(ACCOUNT).key("999999") is None


def test_the_name_of_a_room_on_the_fly_is_not_its_code_and_belongs_to_one_code_alone() -> None:
    rooms, others = Rooms(ACCOUNT), Rooms(ACCOUNT)
    name = rooms.on_the_fly("482915").room.name
    assert "482915" not in name
    assert rooms.on_the_fly("482915").room.name == name
    assert rooms.on_the_fly("482916").room.name != name
    assert others.on_the_fly("482915").room.name != name  # nobody can try codes until the name comes out


def test_a_room_on_the_fly_is_never_a_room_of_the_plan() -> None:
    rooms = Rooms(ACCOUNT)
    key = rooms.key("111111")
    assert key is not None
    assert rooms.on_the_fly("standup").place != key.place


def test_every_property_comes_from_the_most_specific_level_that_sets_it() -> None:
    rooms = Rooms(ACCOUNT)
    caller = did(did_group="sales", properties={"conference_start_wait": "3"})
    key = rooms.key("111111")
    assert key is not None
    in_room = rooms.properties(caller, "open", key.room)
    before = rooms.properties(caller, "open")
    assert (in_room.conference_start_wait, in_room.conference_stop_wait, in_room.conference_mute_policy) == (4, 2, "")
    assert before.conference_start_wait == 3
    assert rooms.properties(did(), "secured").conference_start_wait == 1


def test_resolved_properties_are_kept() -> None:
    rooms, number = Rooms(ACCOUNT), did()
    assert rooms.properties(number, "secured") is rooms.properties(number, "secured")


@pytest.mark.parametrize(("flow", "role"), [("direct_host", Role.HOST), ("direct_participant", Role.PARTICIPANT)])
def test_a_direct_flow_leads_into_the_room_of_the_did(flow: str, role: Role) -> None:
    key = Rooms(ACCOUNT).direct(did(meeting_room="other"), flow)
    assert (key.room.name, key.role) == ("other", role)


def test_a_direct_flow_without_a_room_leads_into_the_only_one() -> None:
    account = ACCOUNT.model_copy(update={"meeting_rooms": ACCOUNT.meeting_rooms[:1]})
    assert Rooms(account).direct(did(), "direct_host").room.name == "standup"


def test_a_direct_flow_without_a_room_among_several_is_a_room_of_the_number() -> None:
    key = Rooms(ACCOUNT).direct(did(), "direct_host")
    assert key.place == ("12025550101", False)


def test_the_configuration_is_checked_on_every_level() -> None:
    account = ACCOUNT.model_copy(update={"properties": {"conference_start_how": "never"}})
    wrong = did(properties={"conference_nonsense": "1"})
    keys = [problem.key for problem in check_conference(account, [wrong], "numbers.toml")]
    assert keys == [
        "endpoints[conf].properties.conference_start_how",
        "dids[12025550101].properties.conference_nonsense",
    ]


def test_keys_that_clash_only_between_a_did_and_a_room_are_found() -> None:
    room = ACCOUNT.meeting_rooms[0].model_copy(update={"properties": {"conference_lock_dtmf_binding": "*1"}})
    account = ACCOUNT.model_copy(update={"meeting_rooms": (room,)})
    caller = did(properties={"conference_hold_dtmf_binding": "*1"})
    (problem,) = check_conference(account, [caller], "numbers.toml")
    assert "*1" in str(problem)
