"""A leg that never came about gives back what it had taken."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media import NoPortFree
from softswitch.routing import TrunkService
from softswitch.sip import Stack
from tests.stories.town import PSTN, Phone, Town, town

TO = "13105550123"
GROUP = {**PSTN, "hard_failure_threshold": 1, "hard_failure_cooldown": 30}


def none_free_for_the_second(open_stream: Callable[..., Any]) -> Callable[..., Any]:
    """The caller's leg finds a media port, the leg that is placed for him finds none."""
    opened = 0

    def open_or_not(*how: Any) -> Any:
        nonlocal opened
        opened += 1
        if opened % 2 == 0:
            raise NoPortFree("none")
        return open_stream(*how)

    return open_or_not


def broken(*_: Any, **__: Any) -> Any:
    raise ValueError("no INVITE can be made of this")


def break_ports(it: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it.app.engine, "open_stream", none_free_for_the_second(it.app.engine.open_stream))


def break_invite(it: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def invite(stack: Stack, *how: Any, **more: Any) -> Any:
        return broken() if stack is it.app.stack else real(stack, *how, **more)

    real = Stack.invite
    monkeypatch.setattr(Stack, "invite", invite)


async def refused(phone: Phone) -> int:
    phone.dial(TO)
    return (await phone.ended()).status


@pytest.mark.parametrize(("break_it", "status"), [(break_ports, 503), (break_invite, 500)])
async def test_a_leg_whose_invite_was_never_sent_keeps_no_place_on_its_trunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[Town, pytest.MonkeyPatch], None], status: int
) -> None:
    async with town(tmp_path) as it:
        ann = await it.phone("1001")
        with monkeypatch.context() as patch:
            break_it(it, patch)
            assert [await refused(ann) for _ in range(2)] == [status, status]
        outward, group = it.app.destinations.outward, it.app.plan.trunk_groups["pstn"]
        assert outward.in_use(group, group.trunks[0]) == 0
        assert outward.guard.calls_up == 0
        it.app.switch.bugs = 0


async def test_a_call_without_a_media_port_does_not_keep_its_trunk_on_probation_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path, groups=[GROUP]) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        group = it.app.plan.trunk_groups["pstn"]
        outward, clock = it.app.destinations.outward, asyncio.get_running_loop().time
        it.app.destinations._clock = outward.clock = clock
        outward.failures.of(group, group.trunks[0]).failed(503, clock(), tried=False)
        await asyncio.sleep(31)
        with monkeypatch.context() as patch:
            break_ports(it, patch)
            assert await refused(ann) == 503
        assert outward.failures.of(group, group.trunks[0]).state is TrunkService.RESTING
        ann.dial(TO)
        await carrier.picks_up()
        await ann.answered()
