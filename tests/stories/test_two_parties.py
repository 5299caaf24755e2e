"""Two people talk: a phone calls a phone, the PSTN a phone, a phone the PSTN; with audio heard at both ends."""

import asyncio
from pathlib import Path

import pytest

from tests.stories.town import calling, hear_each_other, town


async def test_a_phone_calls_a_phone_and_they_hear_each_other(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        session = await bob.rings()
        assert session.request.uri.username == "1002"
        assert (session.remote_address.display_name, session.remote_address.uri.username) == ("Ann", "1001")
        bob.ring()
        await ann.ringing()
        bob.answer()
        await ann.answered()
        await asyncio.sleep(2)
        assert hear_each_other(ann, bob)
        ann.hang_up()
        assert (await bob.ended()).by == "remote"


async def test_the_callee_hangs_up(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.picks_up()
        await ann.answered()
        bob.hang_up()
        ended = await ann.ended()
        assert (ended.by, ended.status, ended.q850) == ("remote", 200, 16)


async def test_the_pstn_calls_a_user_over_his_number(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        bob, carrier = await it.phone("1002"), await it.carrier()
        carrier.dial("12025550112")
        session = await bob.picks_up()
        assert session.remote_address.uri.username == "13105550199"
        await carrier.answered()
        await asyncio.sleep(2)
        assert hear_each_other(carrier, bob)


async def test_a_user_calls_the_pstn_with_his_number(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        ann.dial("+1 310 555 0177".replace(" ", ""))
        session = await carrier.picks_up()
        assert session.request.uri.username == "13105550177"
        assert session.remote_address.uri.username == "12025550111"
        await ann.answered()
        await asyncio.sleep(2)
        assert hear_each_other(ann, carrier)


async def test_the_pstn_can_not_call_the_pstn_through_us(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        carrier = await it.carrier()
        carrier.dial("13105550177")
        assert (await carrier.ended()).status == 404
        assert len(carrier.sessions) == 1


async def test_a_busy_phone_is_busy_for_the_caller(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.refuse(486, "Busy Here")
        ended = await ann.ended()
        assert (ended.status, ended.reason, ended.q850) == (486, "Busy Here", 17)


async def test_nobody_answers(tmp_path: Path) -> None:
    async with town(tmp_path, users=[{}, {"ring_s": 20}, {}]) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        ended = await ann.ended()
        assert (ended.status, ended.q850) == (480, 19)
        assert (await bob.ended()).status == 487


async def test_the_caller_changes_his_mind(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await calling(ann, bob)
        ann.hang_up()
        assert (await bob.ended()).status == 487


async def test_a_callee_who_answers_just_as_the_caller_cancels_leaves_no_ghost(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await calling(ann, bob)
        ann.hang_up()
        bob.answer()
        assert (await bob.ended()).by == "remote"


@pytest.mark.parametrize("number", ["1002", "12025550105", "12025550106"], ids=["user", "mediator", "third party"])
async def test_answer_and_cancel_leave_no_ghost_however_closely_they_cross(tmp_path: Path, number: str) -> None:
    binding = {"redirect_did": "12025550105", "destination_did": "1002"}
    endpoints = [
        {"name": "mediator", "type": "mediator", "bindings": [binding]},
        {"name": "crm", "type": "third_party", "addresses": [{"ip": "127.0.0.3", "port": 5060}]},
    ]
    dids = [
        {"phonenumber": "12025550105", "endpoint": "mediator"},
        {"phonenumber": "12025550106", "endpoint": "crm"},
    ]
    async with town(tmp_path, endpoints=endpoints, dids=dids) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        assert bob.host == "127.0.0.3"
        for calls, offset_ms in enumerate(range(-16, 17, 2), 1):
            ann.dial(number)
            await bob.rings(calls)
            bob.ring()
            await ann.ringing()
            first, then = (bob.answer, ann.hang_up) if offset_ms < 0 else (ann.hang_up, bob.answer)
            first()
            await asyncio.sleep(abs(offset_ms) / 1000)
            then()
            await ann.ended()
            await bob.ended()
            await asyncio.sleep(1)
            assert it.app.switch.calls == {}, offset_ms
            assert it.app.switch.gates_in_use() == {}, offset_ms


async def test_a_user_without_a_phone_can_not_be_reached(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann = await it.phone("1001")
        ann.dial("1002")
        ended = await ann.ended()
        assert (ended.status, ended.q850) == (480, 20)


async def test_a_wrong_password_calls_nobody(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.password = "wrong"
        ann.dial("1002")
        assert (await ann.ended()).status == 403
        assert not bob.sessions


async def test_calls_with_a_wrong_password_learn_nothing_of_who_is_a_user(tmp_path: Path) -> None:
    """The same answers to a name that there is, called or calling, and to one that there is not, at the same times."""
    async with town(tmp_path, guard={"wrong_passwords": 0}) as it:
        await it.phone("1002")
        heard = []
        for caller, called in (("1001", "1002"), ("4711", "1002"), ("1001", "4712"), ("4711", "4712")):
            phone = await it.phone(f"{caller}-{called}", registers=False)
            phone.password = "guess"
            since, begun = it.now, asyncio.get_running_loop().time()
            phone.dial(called)
            await phone.ended()
            heard.append(
                [
                    (round(packet.at - begun, 6), packet.data.decode().split("\r\n")[0], _header_names(packet.data))
                    for packet in it.wire.packets[since:]
                    if packet.destination[0] == phone.host
                ]
            )
        assert [status.split()[1] for _, status, _ in heard[0]] == ["401", "100", "403"]
        assert all(one == heard[0] for one in heard)


def _header_names(message: bytes) -> list[bytes]:
    return [line.partition(b":")[0] for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]]


async def test_a_caller_who_does_not_want_to_be_shown_is_not(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002", headers=[("Privacy", "id")])
        session = await bob.rings()
        assert (session.remote_address.display_name, session.remote_address.uri.username) == ("Anonymous", "anonymous")
        assert "1001" not in it.messages(bob.host, "INVITE")[-1]
