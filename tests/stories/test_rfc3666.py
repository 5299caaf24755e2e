"""The call flows of RFC 3666 between SIP and the PSTN, where the gateway is a carrier at the end of a trunk."""

import asyncio
from pathlib import Path

from tests.stories.town import SECOND_TRUNK, town, two_trunks


async def test_2_1_sip_to_pstn_with_early_media_from_the_network(tmp_path: Path) -> None:
    """ACM is a 183 with audio one way, ANM the 200."""
    async with town(tmp_path) as it:
        ann, gateway = await it.phone("1001"), await it.carrier()
        since = it.now
        ann.dial("13105550177")
        await gateway.rings()
        gateway.ring(183, early_media=True)
        await ann.ringing(183)
        await asyncio.sleep(2)
        assert ann.hears(gateway.tone_hz)
        gateway.answer()
        await ann.answered()
        await asyncio.sleep(1)
        ann.hang_up()
        await gateway.ended()
        await asyncio.sleep(1)
        assert it.flow(gateway, since) == [
            "< INVITE", "> 183", "< PRACK", "> 200", "> 200", "< ACK", "< BYE", "> 200",
        ]  # fmt: skip


async def test_2_3_sip_to_pstn_with_overflow_to_the_second_gateway(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, first, second = await it.phone("1001"), await it.carrier(), await it.carrier(SECOND_TRUNK)
        ann.dial("13105550177")
        await first.rings()
        first.refuse(503, "Service Unavailable")
        await second.picks_up()
        await ann.answered()


async def test_2_4_sip_to_pstn_an_announcement_of_the_network_is_heard_before_the_refusal(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, gateway = await it.phone("1001"), await it.carrier()
        ann.dial("13105550177")
        await gateway.rings()
        gateway.ring(183, early_media=True)
        await asyncio.sleep(3)
        assert ann.hears(gateway.tone_hz)
        gateway.refuse(404, "Not Found", headers=(("Reason", "Q.850;cause=1"),))
        ended = await ann.ended()
        assert (ended.status, ended.q850) == (404, 1)


async def test_2_5_sip_to_pstn_the_cause_of_a_release_is_handed_on(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, gateway = await it.phone("1001"), await it.carrier()
        ann.dial("13105550177")
        await gateway.rings()
        gateway.refuse(404, "Not Found", headers=(("Reason", 'Q.850;cause=3;text="No route"'),))
        ended = await ann.ended()
        assert (ended.status, ended.q850) == (404, 3)


async def test_2_6_sip_to_pstn_without_an_answer_message(tmp_path: Path) -> None:
    """The network never answers: 480 by the gateway, and ours is the same."""
    async with town(tmp_path) as it:
        ann, gateway = await it.phone("1001"), await it.carrier()
        ann.dial("13105550177")
        await gateway.rings()
        gateway.ring(183, early_media=True)
        await asyncio.sleep(60)
        gateway.refuse(480)
        assert (await ann.ended()).status == 480


async def test_3_1_pstn_to_sip(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        gateway, bob = await it.carrier(), await it.phone("1002")
        since = it.now
        gateway.dial("12025550112")
        await bob.picks_up()
        await gateway.answered()
        await asyncio.sleep(1)
        assert bob.hears(gateway.tone_hz)
        bob.hang_up()
        await gateway.ended()
        await asyncio.sleep(1)
        assert it.flow(gateway, since) == [
            "> INVITE", "< 180", "< 200", "> ACK", "< BYE", "> 200",
        ]  # fmt: skip


async def test_3_2_pstn_to_sip_with_a_fast_answer(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        gateway, bob = await it.carrier(), await it.phone("1002")
        gateway.dial("12025550112")
        await bob.rings()
        bob.answer()
        await gateway.answered()
        assert not any("180" in line for line in it.flow(gateway))


async def test_3_4_pstn_to_sip_to_somebody_who_is_busy(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        gateway, bob = await it.carrier(), await it.phone("1002")
        gateway.dial("12025550112")
        await bob.rings()
        bob.refuse(600, "Busy Everywhere")
        ended = await gateway.ended()
        assert (ended.status, ended.q850) == (600, 17)


async def test_3_5_pstn_to_sip_where_the_number_is_of_nobody(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        gateway = await it.carrier()
        gateway.dial("12025550199")
        assert (await gateway.ended()).status == 404


async def test_3_6_pstn_to_sip_where_no_phone_says_a_word(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        gateway, bob = await it.carrier(), await it.phone("1002")
        it.wire.sends_icmp = False
        it.wire.refuses = lambda packet: packet.destination[0] == bob.host
        gateway.dial("12025550112")
        assert (await gateway.ended()).status in (408, 480)


async def test_3_8_pstn_to_sip_where_the_caller_gives_up(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        gateway, bob = await it.carrier(), await it.phone("1002")
        gateway.dial("12025550112")
        await bob.rings()
        bob.ring()
        await gateway.ringing()
        gateway.hang_up()
        assert (await bob.ended()).status == 487
