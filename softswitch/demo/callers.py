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
from softswitch.gateway.gateway import MEDIA_PORTS, Gateway, host_and_port
from softswitch.gateway.show import write_json

READY = "ready"


async def main(switch: str, folder: Path) -> None:
    """Place the calls of the story as soon as a line arrives on standard input."""
    orders = story().orders(folder / "voices", folder / "heard")
    async with Gateway(media=MediaSettings(ports=MEDIA_PORTS)) as gateway:
        campaign = gateway.campaign(orders, switch=host_and_port(switch, 5060), cps=CALLS_PER_SECOND)
        print(READY, flush=True)  # noqa: T201 - the word the demo waits for
        await asyncio.to_thread(sys.stdin.readline)
        running = asyncio.create_task(campaign.run())
        watching = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
        campaign.stop()
        await running
    write_json(campaign, folder / "report.json")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
