"""SIP messages after cuts, insertions and repetitions, from a trunk and from strangers, through a whole switch."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.sip.resolver import Found, SystemDns
from tests.property.test_sip_properties import mutated
from tests.sip.phones import RawPeer
from tests.stories.test_words_that_are_no_text import STRANGER, calls, hangs_up, log, watched
from tests.stories.town import CARRIER, HERE
from tests.virtual_time import VirtualTimeLoop

__all__ = ["log"]


@settings(max_examples=settings.default.max_examples // 10)
@given(packets=st.lists(st.tuples(st.sampled_from([CARRIER, STRANGER]), mutated()), min_size=20, max_size=60))
def test_whatever_comes_the_calls_that_are_up_stay_up(
    tmp_path_factory: pytest.TempPathFactory, packets: list[tuple[str, bytes]]
) -> None:
    async def scenario() -> None:
        async with watched(tmp_path_factory.mktemp("town")) as told:
            peer = RawPeer(told.town.wire, CARRIER)
            others = {host: RawPeer(told.town.wire, host, 5070) for host in (CARRIER, STRANGER)}
            good = await calls(peer, "good")
            for host, data in packets:
                others[host].send(data, HERE)
                await asyncio.sleep(0.05)
            await asyncio.sleep(5)
            assert any(call.caller.session.call_id == "good" for call in told.town.app.switch.calls.values())
            await hangs_up(peer, good)

    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        patch.setattr(SystemDns, "ask", no_such_name)
        runner.run(scenario())


async def no_such_name(_dns: SystemDns, _name: str, _kind: str) -> Found:
    return Found((), 60.0)
