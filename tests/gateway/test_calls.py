"""Two gateways on one wire, in virtual time: what one places the other answers by its scenario."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media import Engine, MediaSettings
from softswitch.gateway.caller import CallerState
from softswitch.gateway.gateway import Gateway
from softswitch.gateway.order import AfterPrompt, At, Order, Pause, Press
from softswitch.gateway.report import HEARS_NOTHING_MORE, CallReport
from softswitch.gateway.scenario import Scenario, ScenarioBook
from softswitch.sip import Stack, StackSettings
from tests.wire import Wire

HERE, THERE = ("10.0.0.1", 5060), ("10.0.0.2", 5080)
NUMBER, CALLER = "12025550170", "13105550199"


@dataclass
class Town:
    """The caller's gateway, the answering one, and what the latter told."""

    wire: Wire
    here: Gateway
    there: Gateway
    told: list[str] = field(default_factory=list)

    async def call(self, scenario: str, order: Order) -> CallReport:
        """Place one call to a telephone with that scenario."""
        book = ScenarioBook(Scenario.parse(scenario), ring_s=1.0)
        answering = asyncio.create_task(self.there.answering(book, self.told.append).run())
        campaign = self.here.campaign([order], switch=THERE)
        await campaign.run()
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        return campaign.reports[0]


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    wire = Wire(record=False)
    async with gateway(wire, HERE) as here, gateway(wire, THERE) as there:
        yield Town(wire, here, there)


def gateway(wire: Wire, listen: tuple[str, int]) -> Gateway:
    settings = MediaSettings(address=listen[0], ports=(30000, 30099))
    return Gateway(listen=listen, stack=Stack(StackSettings(), network=wire), engine=Engine(settings, in_process=wire))


async def test_a_call_is_answered_lasts_as_ordered_and_sounds_well(town: Town) -> None:
    report = await town.call("answer", Order(NUMBER, CALLER, hold_s=6.0))
    assert (report.status, report.reason, report.ended_by) == (200, "OK", "local")
    assert report.answer_s == pytest.approx(1.0, abs=0.1)
    assert report.talk_s == pytest.approx(6.0, abs=0.1)
    assert report.mos is not None
    assert report.mos > 4.2
    assert report.one_way == ""
    assert town.told[-1].endswith("ended by the remote side")


@pytest.mark.parametrize(("scenario", "status"), [("busy", 486), ("reject:603", 603), ("reject:404", 404)])
async def test_a_refusal_is_reported_as_it_is(town: Town, scenario: str, status: int) -> None:
    report = await town.call(scenario, Order(NUMBER, CALLER, hold_s=5.0))
    assert report.status == status
    assert not report.answered


async def test_a_file_that_has_vanished_ends_its_call_and_not_the_gateway(town: Town, tmp_path: Path) -> None:
    missing = tmp_path / "gone.wav"
    soundfile.write(missing, np.zeros(800), 8000)
    book = ScenarioBook(Scenario.parse(f"play:{missing}"), ring_s=1.0)
    missing.unlink()
    answering = asyncio.create_task(town.there.answering(book, town.told.append).run())
    campaign = town.here.campaign([Order(NUMBER, CALLER, hold_s=1.0)] * 2, switch=THERE)
    await campaign.run()
    assert [report.status for report in campaign.reports] == [500, 500]
    assert "gone.wav" in town.told[-1]
    assert not answering.done()
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)


async def test_a_telephone_nobody_picks_up_is_given_up_by_cancel(town: Town) -> None:
    report = await town.call("no-answer", Order(NUMBER, CALLER, hold_s=5.0, ring_at_most_s=20.0))
    assert (report.status, report.reason) == (487, "no answer within 20 s")
    assert "487" in town.told[-1]


async def test_early_media_is_heard_before_the_answer(town: Town) -> None:
    report = await town.call("early-media", Order(NUMBER, CALLER, hold_s=2.0))
    assert report.answer_s == pytest.approx(3.0, abs=0.1)
    assert report.status == 200


async def test_keys_and_pauses_take_their_time_and_are_counted(town: Town) -> None:
    steps = (Pause(1.0), Press("12#"), Pause(0.5))
    report = await town.call("answer", Order(NUMBER, CALLER, steps=steps))
    assert report.digits == "12#"
    assert report.talk_s == pytest.approx(1.0 + 3 * 0.2 + 0.5, abs=0.1)


async def test_a_caller_who_waits_for_a_prompt_presses_at_last_when_nobody_speaks(town: Town) -> None:
    report = await town.call("answer", Order(NUMBER, CALLER, steps=(AfterPrompt(patience_s=1.5), Press("1"))))
    assert report.digits == "1"
    assert report.talk_s == pytest.approx(1.5 + 0.2, abs=0.2)


async def test_turns_are_counted_from_the_begin_of_the_campaign(town: Town) -> None:
    report = await town.call("answer", Order(NUMBER, CALLER, steps=(At(5.0),)))
    assert report.answer_s is not None
    assert report.answer_s + report.talk_s == pytest.approx(5.0, abs=0.1)


async def test_an_echo_brings_back_as_much_as_was_sent(town: Town) -> None:
    report = await town.call("echo", Order(NUMBER, CALLER, hold_s=4.0))
    assert report.status == 200
    assert report.one_way == ""


async def test_calls_are_placed_at_their_rate_and_all_are_summed_up(town: Town) -> None:
    answering = asyncio.create_task(town.there.answering(ScenarioBook(ring_s=0.0), town.told.append).run())
    orders = [Order(NUMBER, str(1000 + index), hold_s=1.0) for index in range(10)]
    campaign = town.here.campaign(orders, switch=THERE, cps=5)
    began = asyncio.get_running_loop().time()
    summary = await campaign.run()
    assert (summary.calls, summary.answered, summary.failed) == (10, 10, 0)
    assert asyncio.get_running_loop().time() - began == pytest.approx(9 / 5 + 1.0, abs=0.3)
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)


async def test_a_stopped_campaign_hangs_up_and_still_reports_every_call(town: Town) -> None:
    answering = asyncio.create_task(town.there.answering(ScenarioBook(ring_s=0.0), town.told.append).run())
    orders = [Order(NUMBER, str(1000 + index), hold_s=600.0) for index in range(10)]
    campaign = town.here.campaign(orders, switch=THERE, cps=2)
    running = asyncio.create_task(campaign.run())
    await asyncio.sleep(2.2)
    assert campaign.states[CallerState.ANSWERED] == 5
    campaign.stop()
    summary = await running
    assert summary.calls == summary.answered == 5
    assert town.here.stack.counts()["sessions"] == 0
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)


async def test_the_answering_side_hangs_up_every_call_when_it_ends(town: Town) -> None:
    answering = asyncio.create_task(town.there.answering(ScenarioBook(ring_s=0.0), town.told.append).run())
    campaign = town.here.campaign([Order(NUMBER, CALLER, hold_s=600.0)], switch=THERE)
    running = asyncio.create_task(campaign.run())
    await asyncio.sleep(1.0)
    answering.cancel()
    summary = await running
    assert summary.cut_short == 1


async def test_a_switch_that_is_not_there_is_found_out(town: Town) -> None:
    assert await town.here.is_alive(THERE)
    assert not await town.here.is_alive(("10.0.0.9", 5060))


async def test_a_switch_that_dies_during_the_call_is_seen_in_every_figure(town: Town) -> None:
    calling = asyncio.create_task(town.call("answer", Order(NUMBER, CALLER, hold_s=20.0)))
    await asyncio.sleep(1.0 + 5.0)
    town.wire.refuses = lambda packet: packet.source[0] == THERE[0]
    report = await calling
    assert report.one_way == HEARS_NOTHING_MORE
    assert report.heard.silent_since_s == pytest.approx(5.0, abs=0.3)
    assert report.loss_share == pytest.approx(0.75, abs=0.05)
    assert report.mos is not None
    assert report.mos < 2.0
    assert not report.bye_answered
    assert not report.is_good


async def test_a_call_that_ends_well_is_good_and_its_bye_is_answered_before_the_gateway_closes(town: Town) -> None:
    report = await town.call("answer", Order(NUMBER, CALLER, hold_s=3.0))
    assert report.bye_answered
    assert report.is_good
    await asyncio.sleep(1.0)
    assert not town.there.stack.drops


async def test_a_prompt_is_listened_to_before_keys_are_pressed(town: Town, tmp_path: Path) -> None:
    tone = 8000 * np.sin(np.arange(3 * 8000) * 0.4)
    soundfile.write(tmp_path / "prompt.wav", np.concatenate([tone, np.zeros(16000)]).astype(np.int16), 8000)
    steps = (AfterPrompt(patience_s=1.5, at_most_s=30.0), Press("1"))
    report = await town.call(f"play:{tmp_path / 'prompt.wav'}", Order(NUMBER, CALLER, steps=steps))
    assert report.talk_s > 3.0


async def test_a_recording_holds_what_was_heard(town: Town, tmp_path: Path) -> None:
    order = Order(NUMBER, CALLER, hold_s=2.0, record=tmp_path / "heard.wav")
    await town.call("early-media", order)
    assert (tmp_path / "heard.wav").stat().st_size > 1.5 * 8000


async def test_a_recording_that_can_not_be_written_is_told_and_the_call_not_good(town: Town, tmp_path: Path) -> None:
    report = await town.call("early-media", Order(NUMBER, CALLER, hold_s=2.0, record=tmp_path))
    assert report.answered
    assert report.recording_problem == "Is a directory"
    assert not report.is_good
