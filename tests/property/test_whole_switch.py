"""SIP messages after cuts, insertions and repetitions, from a trunk and from strangers, through a whole switch."""

import asyncio
import random
from pathlib import Path

import pytest

from benchmarks.messages import MESSAGES
from softswitch.sip.resolver import Found, SystemDns
from tests.property.seeds import seeds
from tests.property.test_sip_properties import ODD_PIECES
from tests.sip.phones import RawPeer
from tests.stories.test_words_that_are_no_text import STRANGER, calls, hangs_up, log, watched
from tests.stories.town import CARRIER, HERE

__all__ = ["log"]


@pytest.mark.parametrize("seed", seeds(10))
async def test_whatever_comes_the_calls_that_are_up_stay_up(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemDns, "ask", no_such_name)
    chance = random.Random(seed)
    async with watched(tmp_path) as told:
        peer = RawPeer(told.town.wire, CARRIER)
        others = [RawPeer(told.town.wire, host, 5070) for host in (CARRIER, STRANGER)]
        good = await calls(peer, "good")
        for _ in range(100):
            chance.choice(others).send(mutated(chance), HERE)
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)
        assert any(call.caller.session.call_id == "good" for call in told.town.app.switch.calls.values())
        await hangs_up(peer, good)


def mutated(chance: random.Random) -> bytes:
    """A valid message after up to six cuts, insertions and repetitions."""
    data = chance.choice(list(MESSAGES.values()))
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.randint(0, 12))
        data = data[:start] + chance.choice((*ODD_PIECES, data[start:end] * 2)) + data[end:]
    return data


async def no_such_name(_dns: SystemDns, _name: str, _kind: str) -> Found:
    return Found((), 60.0)
