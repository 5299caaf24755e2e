"""The basic call flows of RFC 3665, with the switch in the place of registrar and proxies; named by their sections.

The switch is a back-to-back user agent: the flows of two proxies are those of one, and a phone authenticates by 401
where a proxy would ask by 407. Flows of application level gateways and of redirect servers are none of ours.
"""

import asyncio
from pathlib import Path

from tests.stories.town import CARRIER, SECOND_TRUNK, calling, talking, town, two_trunks


def shown(contacts: list[str]) -> list[str]:
    """Host and port of contacts."""
    return [contact.partition("@")[2].partition(">")[0] for contact in contacts]


async def test_2_1_a_new_registration_is_challenged_and_then_taken(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        bob = await it.phone("1002", registers=False)
        response = await bob.register()
        assert it.flow(bob) == ["> REGISTER", "< 401", "> REGISTER", "< 200"]
        assert shown(response.headers.all("Contact")) == [f"{bob.host}:5060"]


async def test_2_2_a_second_contact_is_added_to_the_list(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        desk, hand = await it.phone("1002-desk"), await it.phone("1002-hand", registers=False)
        response = await hand.register()
        assert sorted(shown(response.headers.all("Contact"))) == [f"{desk.host}:5060", f"{hand.host}:5060"]


async def test_2_3_the_current_list_is_told_to_who_asks_without_a_contact(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        bob = await it.phone("1002")
        response = await bob.ask_for_contacts()
        assert shown(response.headers.all("Contact")) == [f"{bob.host}:5060"]


async def test_2_4_a_registration_is_cancelled(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        response = await bob.register(expires_s=0)
        assert (response.status, response.headers.all("Contact")) == (200, [])
        ann.dial("1002")
        assert (await ann.ended()).status == 480


async def test_2_5_a_wrong_password_registers_nobody(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002", registers=False)
        bob.password = "wrong"
        assert (await bob.register()).status == 403
        ann.dial("1002")
        assert (await ann.ended()).status == 480


async def test_3_1_a_session_is_established_and_ended(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        since = it.now
        await talking(it, ann, bob)
        bob.hang_up()
        await ann.ended()
        await asyncio.sleep(1)
        assert it.flow(bob, since) == [
            "< INVITE", "> 180", "> 200", "< ACK", "> BYE", "< 200",
        ]  # fmt: skip
        assert it.flow(ann, since) == [
            "> INVITE", "< 401", "> ACK",
            "> INVITE", "< 180", "< 200", "> ACK", "< BYE", "> 200",
        ]  # fmt: skip


async def test_3_2_a_session_through_a_proxy_that_records_its_route_goes_over_it(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        await carrier.stack.listen("UDP", CARRIER, 5070)  # the proxy, on the machine of the far end
        ann.dial("13105550177")
        await carrier.rings()
        carrier.answer(headers=[("Record-Route", f"<sip:{CARRIER}:5070;lr>")])
        await ann.answered()
        await asyncio.sleep(1)
        ann.hang_up()
        assert (await carrier.ended()).by == "remote"
        over_it = [packet.data[:4] for packet in it.wire.packets if packet.destination == (CARRIER, 5070)]
        assert [method for method in over_it if method.isupper()] == [b"ACK ", b"BYE "]


async def test_3_3_a_challenge_of_the_far_end_is_answered_by_the_switch(tmp_path: Path) -> None:
    """Of several proxies that authenticate each asks its own neighbour: the trunk asks us, we ask the caller."""
    groups = two_trunks(sip_username="us", sip_password="our secret")
    async with town(tmp_path, groups=groups) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        since = it.now
        ann.dial("13105550177")
        await carrier.rings()
        carrier.challenge()
        await carrier.rings(calls=2)
        assert carrier.session.request.headers.get("Proxy-Authorization") is not None
        carrier.answer()
        await ann.answered()
        assert it.flow(carrier, since)[:4] == ["< INVITE", "> 407", "< ACK", "< INVITE"]


async def test_3_4_a_proxy_that_fails_is_passed_over(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, second = await it.phone("1001"), await it.carrier(SECOND_TRUNK)
        it.wire.sends_icmp = False
        ann.dial("13105550177")
        await second.picks_up()
        await ann.answered()


async def test_3_6_a_session_whose_offer_comes_in_the_200_and_whose_answer_in_the_ack(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002", late_offer=True)
        await bob.picks_up()
        assert (await ann.answered()).sdp is not None
        await asyncio.sleep(2)
        assert ann.hears(bob.tone_hz)
        assert bob.hears(ann.tone_hz)


async def test_3_7_a_re_invite_from_another_address_moves_the_audio(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        await talking(it, ann, bob)
        bob.move_audio("127.0.0.77")
        await asyncio.sleep(2)
        bob.forget()
        ann.forget()
        await asyncio.sleep(1)
        assert ann.hears(bob.tone_hz)
        assert bob.hears(ann.tone_hz)


async def test_3_8_no_answer_ends_in_a_cancel(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        since = it.now
        await calling(ann, bob)
        ann.hang_up()
        await bob.ended()
        await asyncio.sleep(1)
        assert it.flow(bob, since) == ["< INVITE", "> 180", "< CANCEL", "> 200", "> 487", "< ACK"]
        assert it.flow(ann, since)[-5:] == ["< 180", "> CANCEL", "< 200", "< 487", "> ACK"]


async def test_3_9_busy(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        since = it.now
        ann.dial("1002")
        await bob.rings()
        bob.refuse(486, "Busy Here")
        assert (await ann.ended()).status == 486
        await asyncio.sleep(1)
        assert it.flow(bob, since) == ["< INVITE", "> 486", "< ACK"]
        assert it.flow(ann, since)[-2:] == ["< 486", "> ACK"]


async def test_3_10_no_response_from_the_user_agent(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        it.wire.sends_icmp = False
        it.wire.refuses = lambda packet: packet.destination[0] == bob.host
        ann.dial("1002")
        assert (await ann.ended()).status in (408, 480)


async def test_3_11_temporarily_unavailable(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, bob = await it.phone("1001"), await it.phone("1002")
        ann.dial("1002")
        await bob.rings()
        bob.ring()
        await asyncio.sleep(1)
        bob.refuse(480, "Temporarily Unavailable")
        assert (await ann.ended()).status == 480
