"""A room of the real switch, in which everybody is by a call over SIP: where `api_load` and `signalling_load` begin.

Each phone of `benchmarks.rtp_load` gets a caller of its own, who stays; the calls are placed over one `Stack`.
"""

import asyncio
import re
import time

from benchmarks.processes import ALL_HANDS, SwitchProcess
from softswitch.sip import Address, Answered, SessionEvent, Stack, Uri

CALLS_PER_SECOND = 80
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


async def join(phones: Stack, switch: SwitchProcess, far_ports: list[int]) -> list[int]:
    """Everybody calls the room that takes as many as come; the ports to which each sends."""
    answers: list[asyncio.Future[bytes]] = []
    began = time.monotonic()
    for number, port in enumerate(far_ports):
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        answers.append(answer)

        def heard(event: SessionEvent, answer: asyncio.Future[bytes] = answer) -> None:
            if isinstance(event, Answered) and not answer.done():
                answer.set_result(event.sdp or b"")

        phones.invite(
            Uri.parse(f"sip:{ALL_HANDS}@{switch.address}"),
            from_=Address(Uri.parse(f"sip:1310{5550000 + number}@127.0.0.1")),
            offer=OFFER.format(port=port).encode(),
            on_event=heard,
        )
        await asyncio.sleep(max(0.0, began + number / CALLS_PER_SECOND - time.monotonic()))
    async with asyncio.timeout(30):
        return [_port(sdp) for sdp in await asyncio.gather(*answers)]


async def token(switch: SwitchProcess) -> str:
    """The admin token that the first start prints, a moment after it is ready."""
    async with asyncio.timeout(15):
        while True:
            found = re.search(r"sw_[A-Za-z0-9_-]{20,}", switch.log)
            if found is not None:
                return found[0]
            await asyncio.sleep(0.1)


def _port(sdp: bytes) -> int:
    found = re.search(rb"m=audio (\d+)", sdp)
    if found is None:
        raise RuntimeError("an answer without audio")
    return int(found[1])
