"""The 49 messages of RFC 4475 through a whole switch: no bug of ours, and the next call is served."""

import asyncio
from pathlib import Path

import pytest

from softswitch.sip.resolver import SystemDns
from tests.property.test_whole_switch import no_such_name
from tests.sip.phones import RawPeer
from tests.stories.test_words_that_are_no_text import calls, hangs_up, log, watched
from tests.stories.town import CARRIER, HERE
from tests.torture.test_rfc4475 import MESSAGES

pytestmark = pytest.mark.skipif(not MESSAGES.is_dir(), reason=f"the messages of RFC 4475 are not in {MESSAGES}")

__all__ = ["log"]


async def test_after_the_messages_of_rfc_4475_a_call_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemDns, "ask", no_such_name)
    async with watched(tmp_path) as told:
        peer, other = RawPeer(told.town.wire, CARRIER), RawPeer(told.town.wire, CARRIER, 5090)
        for path in sorted(MESSAGES.glob("*.dat")):
            other.send(path.read_bytes(), HERE)
            await asyncio.sleep(0.1)
        await hangs_up(peer, await calls(peer, "good"))
