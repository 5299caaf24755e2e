"""The gateway's side of the demo, in a process of its own: `python -m softswitch.demo.callers HOST:PORT FOLDER`.

A process of its own, so that the CPU time of the switch can be told from that of its callers. FOLDER holds
`voices/`, and gets `heard/` and `report.json`. It ends when its standard input is closed: no caller outlives the demo.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from media import MediaSettings
from softswitch.demo.story import CALLS_PER_SECOND, story
from softswitch.gateway.address import host_and_port
from softswitch.gateway.gateway import MEDIA_PORTS, Gateway
from softswitch.gateway.show import write_json

READY = "ready"


async def main(switch: str, folder: Path) -> None:
    """Place the calls of the story as soon as a line arrives on standard input."""
    orders = story().orders(folder / "voices", folder / "heard")
    async with Gateway(media=MediaSettings(ports=MEDIA_PORTS)) as gateway:
        campaign = gateway.campaign(orders, switch=host_and_port(switch, 5060), cps=CALLS_PER_SECOND)
        print(READY, flush=True)  # noqa: T201 - the word the demo waits for
        demo = await _standard_input()
        await demo.readline()
        running = asyncio.create_task(campaign.run())
        demo_is_gone = asyncio.create_task(demo.read())
        await asyncio.wait({running, demo_is_gone}, return_when=asyncio.FIRST_COMPLETED)
        demo_is_gone.cancel()
        campaign.stop()
        await running
    write_json(campaign, folder / "report.json")


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
