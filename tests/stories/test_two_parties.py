"""Two people talk: a phone calls a phone, the PSTN a phone, a phone the PSTN; with audio heard at both ends."""

import asyncio
from pathlib import Path

from tests.stories.town import hear_each_other, town


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
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        await ann.ringing()
        ann.hang_up()
        assert (await bob.ended()).status == 487


async def test_a_callee_who_answers_just_as_the_caller_cancels_leaves_no_ghost(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        await ann.ringing()
        ann.hang_up()
        bob.answer()
        assert (await bob.ended()).by == "remote"


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


async def test_a_caller_who_does_not_want_to_be_shown_is_not(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002", headers=[("Privacy", "id")])
        session = await bob.rings()
        assert (session.remote_address.display_name, session.remote_address.uri.username) == ("Anonymous", "anonymous")
        assert "1001" not in it.messages(bob.host, "INVITE")[-1]
