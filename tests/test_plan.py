"""numbers.toml: every contradiction is a sentence; what is left is found in constant time."""

import re
from pathlib import Path

import pytest

from softswitch.endpoints.conference.properties import TABLE
from softswitch.errors import ConfigError
from softswitch.plan import Plan, demo_credentials, load_plan
from tests.routing.plans import CONFERENCE, plan_of

SHIPPED = Path(__file__).parent.parent / "config"


def problems_of(folder: Path, text: str) -> list[ConfigError]:
    with pytest.raises(ExceptionGroup) as caught:
        plan_of(folder, text)
    return list(caught.value.exceptions)


def did(number: str, *more: str) -> str:
    return "\n".join([f'\n[[dids]]\nphonenumber = "{number}"\nendpoint = "conference"', *more])


def room(name: str, *codes: str) -> str:
    keys = ", ".join(f'{{ access_code = "{code}", role = "participant" }}' for code in codes)
    return f'\n[[endpoints.meeting_rooms]]\nname = "{name}"\naccess_codes = [{keys}]\n'


def test_the_shipped_plan_is_the_promised_one() -> None:
    plan = load_plan(SHIPPED)
    assert sorted(plan.dids) == ["12025550101", "12025550102", "12025550105", "12025550106"]
    assert sorted(plan.users) == ["1001", "1002", "1003"]
    standup, all_hands = plan.meeting_rooms["conference"].values()
    assert {code.access_code: code.role for code in standup.access_codes} == {
        "111111": "host",
        "222222": "participant",
        "333333": "listener",
    }
    assert plan.call_flow(plan.dids["12025550101"]) == "secured"
    assert plan.call_flow(plan.dids["12025550102"]) == "direct_participant"
    assert plan.meeting_room(plan.dids["12025550102"]) is all_hands
    assert all_hands.properties == {"conference_quiet_enabled": "on", "conference_maximum_attendees": "0"}
    assert plan.dids["12025550102"].properties == {"conference_quiet_enabled": "on"}
    (group,) = plan.trunk_groups.values()
    assert (group.name, [str(acl) for acl in group.acls]) == ("pstn", ["127.0.0.0/8"])
    assert [(trunk.address, trunk.port) for trunk in group.trunks] == [("127.0.0.1", 5080)]


def test_every_shipped_secret_is_known_as_a_demo_credential() -> None:
    plan = load_plan(SHIPPED)
    secrets = [f"users[{user}].password" for user in ("1001", "1002", "1003")]
    assert demo_credentials(plan) == [*secrets, "endpoints[conference].meeting_rooms[standup].access_codes"]


def test_a_plan_of_one_s_own_has_no_demo_credentials(tmp_path: Path) -> None:
    assert demo_credentials(plan_of(tmp_path, CONFERENCE + room("board", "871236"))) == []


@pytest.mark.parametrize(
    ("text", "key", "problem", "accepted"),
    [
        (did("1202") + did("1202"), "dids[1202].phonenumber", "is there twice", ""),
        (CONFERENCE, "endpoints[conference].name", "is there twice", ""),
        (did("1202", 'trunk_group = "pstm"'), "dids[1202].trunk_group", 'did you mean "pstn"?', "pstn"),
        (did("1202", 'did_group = "x"'), "dids[1202].did_group", '"x" does not exist', "none is defined"),
        (did("1202", 'meeting_room = "x"'), "dids[1202].meeting_room", '"x" does not exist', "none is defined"),
        (did("1202", 'call_flow = "direct_host"'), "dids[1202].meeting_room", "the call flow is direct_host", ""),
        ('[[dids]]\nphonenumber = "1202"\nendpoint = "conferense"', "dids[1202].endpoint", "conferense", "conference"),
        ('[[trunk_groups]]\nname = "b"\nacls = ["10.0.0.0/8"]', "trunk_groups[b].acls", "is also in", ""),
        ('[[users]]\nusername = "a"\npassword = "1"\n' * 2, "users[a].username", "is there twice", ""),
    ],
)
def test_a_contradiction_names_the_object_and_what_would_be_right(
    tmp_path: Path, text: str, key: str, problem: str, accepted: str
) -> None:
    (error,) = problems_of(tmp_path, CONFERENCE + '[[trunk_groups]]\nname = "pstn"\nacls = ["10.0.0.0/8"]\n' + text)
    assert error.file == str(tmp_path / "numbers.toml")
    assert error.key == key
    assert problem in error.problem
    assert accepted in error.accepted


def test_mistakes_inside_objects_and_between_them_are_told_together(tmp_path: Path) -> None:
    group = '[[trunk_groups]]\nname = "pstn"\nrouting_type = "fialover"\n'
    stray = '[[dids]]\nphonenumber = "1202"\nendpoint = "conferense"\n'
    assert [(problem.key, problem.problem) for problem in problems_of(tmp_path, group + CONFERENCE + stray)] == [
        ("trunk_groups[pstn].routing_type", 'is "fialover"; did you mean "failover"?'),
        ("dids[1202].endpoint", '"conferense" does not exist; did you mean "conference"?'),
    ]


@pytest.mark.parametrize(
    "text",
    [
        CONFERENCE.replace('type = "conference"', 'type = "conferense"') + did("1202"),  # its endpoint is left out
        CONFERENCE + did("1202", 'call_flow = "direct_host"', "meeting_room = 5"),
        CONFERENCE + did("1202", 'meeting_room = "board"') + '\n[[endpoints.meeting_rooms]]\nname = "board"\nx = 1\n',
        '[[trunk_groups]]\nname = "pstn"\ntrunks = [{ name = "a", sip_username = "a" }]\n',
        CONFERENCE + '[[endpoints.did_groups]]\ncall_flow = "secured"\n',
    ],
)
def test_what_only_follows_from_a_mistake_is_not_told_beside_it(tmp_path: Path, text: str) -> None:
    assert len(problems_of(tmp_path, text)) == 1


def test_a_code_opens_one_room_of_an_endpoint(tmp_path: Path) -> None:
    (error,) = problems_of(tmp_path, CONFERENCE + room("a", "1234") + room("b", "5678", "1234"))
    assert error.key == "endpoints[conference].meeting_rooms[b].access_codes[1]"
    assert error.problem == 'also a code of room "a"'


def test_two_trunks_can_not_have_the_same_address(tmp_path: Path) -> None:
    trunk = '[[trunk_groups.trunks]]\nname = "{}"\naddress = "192.0.2.1"\n'
    group = '[[trunk_groups]]\nname = "{}"\n'
    (error,) = problems_of(tmp_path, group.format("a") + trunk.format("x") + group.format("b") + trunk.format("y"))
    assert error.problem == "192.0.2.1:5060 is also in trunk_groups[a].trunks[x].address"


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ('[[dids]]\nphonenumber = "+1202"\nendpoint = "c"', "dids[+1202].phonenumber", 'is "+1202"'),
        ('[[dids]]\nphonenumber = "1202"', "dids[1202]", "leads nowhere"),
        ('[[endpoints]]\nname = "c"\ntype = "conferense"', "endpoints[c]", 'did you mean "conference"?'),
        ('[[trunk_groups]]\nname = "g"\nacls = ["127.0.0.1/8"]', "trunk_groups[g].acls[0]", 'is "127.0.0.1/8"'),
        (CONFERENCE + room("a", "1x"), "endpoints[conference].meeting_rooms[a].access_codes[1x].access_code", "1x"),
        (CONFERENCE + 'properties = { a = 1 }', "endpoints[conference].properties.a", "is 1"),
        ('[[trunk_groups]]\nname = "g"\ntransformations = [{ type = "rewrit" }]',
         "trunk_groups[g].transformations[0]", 'type is "rewrit"'),
        ('[[trunk_groups]]\nname = "g"\ntransformations = [{ field = "number_dst" }]',
         "trunk_groups[g].transformations[0]", "has no type"),
        ('[[trunk_groups]]\nname = "g"\n[[trunk_groups.trunks]]\nname = "t"\nsip_username = "u"',
         "trunk_groups[g].trunks[t].sip_password", "has half of its credentials"),
        ('[[users]]\nusername = "a b"\npassword = "1"', "users[a b].username", 'is "a b"'),
    ],
)  # fmt: skip
def test_a_mistake_in_an_object_names_it_by_what_people_call_it(
    tmp_path: Path, text: str, key: str, problem: str
) -> None:
    (error,) = problems_of(tmp_path, text)
    assert error.key == key
    assert problem in error.problem


@pytest.mark.parametrize("address", ["300.1.1.1", "192.0.2", "1.2.3.4.5", "192.0.2.01", "2001:db8::g", "5060"])
def test_what_looks_like_an_address_and_is_none_is_no_host_name(tmp_path: Path, address: str) -> None:
    (error,) = problems_of(
        tmp_path, f'[[trunk_groups]]\nname = "g"\n[[trunk_groups.trunks]]\nname = "t"\naddress = "{address}"'
    )
    assert (error.key, error.problem) == (
        "trunk_groups[g].trunks[t].address",
        f'is "{address}", which is no IP address',
    )


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "sip.carrier.example", "7.carrier", "gateway"])
def test_an_address_and_a_host_name_are_where_a_trunk_may_be(tmp_path: Path, address: str) -> None:
    text = f'[[trunk_groups]]\nname = "g"\n[[trunk_groups.trunks]]\nname = "t"\naddress = "{address}"'
    (tmp_path / "numbers.toml").write_text(text)
    assert load_plan(tmp_path).trunk_groups["g"].trunks[0].address == address


def test_all_that_is_wrong_in_a_trunk_is_told_at_once(tmp_path: Path) -> None:
    lines = ('name = "t"', 'address = "300.1.1.1"', "port = 99999", 'transport = "udpp"', "colour = 3")
    text = '[[trunk_groups]]\nname = "g"\n[[trunk_groups.trunks]]\n' + "\n".join(lines)
    keys = [error.key.removeprefix("trunk_groups[g].trunks[t].") for error in problems_of(tmp_path, text)]
    assert sorted(keys) == ["address", "colour", "port", "transport"]


def test_the_words_of_a_mistake_inside_a_transformation_are_those_of_its_type(tmp_path: Path) -> None:
    inner = '{ type = "set", field = "X-A", valu = "1" }'
    rule = f'{{ type = "conditional", field = "number_dst", match = "1", then = [{inner}] }}'
    text = f'[[trunk_groups]]\nname = "g"\ntransformations = [{rule}]'
    missing, unknown = problems_of(tmp_path, text)
    assert missing.key == "trunk_groups[g].transformations[0].then[0].value"
    assert unknown.key == "trunk_groups[g].transformations[0].then[0].valu"
    assert unknown.accepted == "field, type, value"


def test_a_password_is_never_part_of_a_sentence(tmp_path: Path) -> None:
    (error,) = problems_of(tmp_path, '[[users]]\nusername = "a"\npassword = 48151623')
    assert "48151623" not in str(error)


def test_call_flow_and_room_come_from_the_first_level_that_says_one(tmp_path: Path) -> None:
    groups = '[[endpoints.did_groups]]\nname = "g"\ncall_flow = "open"\n[[endpoints.did_groups]]\nname = "h"\n'
    dids = (
        did("10") + did("11", 'did_group = "g"') + did("12", 'did_group = "g"', 'call_flow = "direct_host"')
        + did("13", 'did_group = "h"')
    )  # fmt: skip
    plan = plan_of(tmp_path, CONFERENCE + groups + room("only") + dids)
    flows = {number: plan.call_flow(plan.dids[number]) for number in plan.dids}
    assert flows == {"10": "secured", "11": "open", "12": "direct_host", "13": "secured"}
    only = plan.meeting_room(plan.dids["12"])
    assert only is not None
    assert only.name == "only"


def test_ten_thousand_numbers_and_a_thousand_rooms_are_one_pass(tmp_path: Path) -> None:
    rooms = "".join(room(f"room-{n}", f"{100000 + n}") for n in range(1000))
    dids = "".join(did(str(12025500000 + n), f'meeting_room = "room-{n % 1000}"') for n in range(10_000))
    plan = plan_of(tmp_path, CONFERENCE + rooms + dids)
    assert len(plan.dids) == 10_000
    found = plan.meeting_room(plan.dids["12025500999"])
    assert found is not None
    assert found.name == "room-999"


def test_an_empty_plan_is_a_plan(tmp_path: Path) -> None:
    assert plan_of(tmp_path, "").dids == {} == Plan().dids


def test_the_shipped_file_names_every_property_of_a_conference_with_its_default() -> None:
    written = re.findall(r'^#  ([ +]) (\w+) = "(.*?)" ', (SHIPPED / "numbers.toml").read_text(), re.MULTILINE)
    assert written == [("+" if row.ours else " ", row.name, row.default) for row in TABLE]


def test_half_of_the_credentials_of_a_trunk_is_told_together_with_its_other_mistakes(tmp_path: Path) -> None:
    text = '[[trunk_groups]]\nname = "g"\n[[trunk_groups.trunks]]\nname = "t"\nport = 0\nsip_username = "u"'
    keys = [problem.key for problem in problems_of(tmp_path, text)]
    assert keys == ["trunk_groups[g].trunks[t].port", "trunk_groups[g].trunks[t].sip_password"]
