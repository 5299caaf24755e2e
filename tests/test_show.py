"""What the command line shows, where it is not the shipped set-up that shows it."""

from pathlib import Path

import pytest

from softswitch import show
from softswitch.plan import NumberPlan, Plan, load_plan
from softswitch.sip import Transport
from tests.routing.plans import CONFERENCE, plan_of

SHIPPED = Path(__file__).parent.parent / "config"
UDP = (Transport.UDP, "127.0.0.1", 5060)
TCP = (Transport.TCP, "127.0.0.1", 5060)


def hint(plan: Plan, *listening: show.Listener) -> list[str]:
    return [line.plain.strip() for line in show.how_to_call(plan, listening, program="softswitch")]


def test_the_hint_is_two_commands_that_work_as_they_stand() -> None:
    assert hint(load_plan(SHIPPED), UDP, TCP) == [
        "Call it from a second terminal:",
        "sipp 127.0.0.1:5060 -s 12025550102 -sn uac",
        "softswitch gateway call --from 13105550199 --to 12025550101 --send 222222# --hold 20s",
    ]


def test_a_switch_heard_over_tcp_alone_is_called_over_tcp() -> None:
    _, sipp, gateway = hint(load_plan(SHIPPED), TCP)
    assert sipp.endswith(" -t t1")
    assert gateway.endswith(" --transport TCP")


@pytest.mark.parametrize(("heard", "called"), [("0.0.0.0", "127.0.0.1:5070"), ("::", "[::1]:5070")])
def test_a_wildcard_address_is_no_target_in_the_hint(heard: str, called: str) -> None:
    _, sipp, gateway = hint(load_plan(SHIPPED), (Transport.UDP, heard, 5070))
    assert sipp.startswith(f"sipp {called} ")
    assert gateway.endswith(f" --switch {called}")


def test_codes_of_one_s_own_are_not_printed_but_their_place_is(tmp_path: Path) -> None:
    codes = '[[endpoints.meeting_rooms]]\nname = "a"\naccess_codes = [{ access_code = "8123", role = "host" }]\n'
    plan = plan_of(tmp_path, CONFERENCE + codes + '[[dids]]\nphonenumber = "1202"\nendpoint = "conference"')
    _, gateway = hint(plan, UDP)
    assert " --send YOUR_CODE# " in gateway


def test_a_plan_without_numbers_says_so_instead_of_call_it_and_nothing() -> None:
    assert hint(Plan(), UDP) == ["No number leads anywhere yet: numbers.toml has no DIDs."]


def test_a_switch_heard_over_tls_alone_is_called_over_tls() -> None:
    _, sipp, gateway = hint(load_plan(SHIPPED), (Transport.TLS, "127.0.0.1", 5061))
    assert sipp.endswith(" -t l1")
    assert gateway.endswith(" --transport TLS")


def test_the_start_says_which_users_there_are_and_where_their_phones_register() -> None:
    listening = (UDP, (Transport.TCP, "0.0.0.0", 5060))
    who, where = show.how_to_register(load_plan(SHIPPED), listening)
    assert who.plain == "Phones register as 1001, 1002, 1003 (password demo-1001 ...) at"
    assert where.plain.startswith("    UDP 127.0.0.1:5060 or TCP 127.0.0.1:5060;")


def test_passwords_of_one_s_own_are_not_printed_at_the_start_and_without_users_nothing_is() -> None:
    own = Plan(NumberPlan.model_validate({"users": [{"username": "7", "password": "a long secret"}]}))
    assert "secret" not in "".join(line.plain for line in show.how_to_register(own, [UDP]))
    assert show.how_to_register(Plan(), [UDP]) == []


def test_an_ipv6_address_stands_in_brackets_so_that_its_port_is_told_from_it() -> None:
    assert show.heard_at("::1", 5060) == "[::1]:5060"
    assert show.heard_at("127.0.0.1", 5060) == "127.0.0.1:5060"
