"""What arrives at a real far end: the audio compared with what was played, and what is left of it in bad times."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.processes import ALL_HANDS, CONFERENCE, SwitchProcess, run_sipp
from softswitch.gateway import quality
from softswitch.gateway.caller import Caller
from softswitch.gateway.campaign import Campaign
from softswitch.gateway.gateway import Gateway
from softswitch.gateway.order import At, Order, Pause, Press, Say
from tests.interop.peers import read_wav, until, write_wav
from tests.interop.voices import RATE_HZ, voice

pytestmark = pytest.mark.real_time

SPEAKS_AT = 2.0
G711_NOISE_DB = 1.0
PART = RATE_HZ * 4 // 10


@dataclass
class Pair:
    """One who speaks and one who listens, in one room; `spoken` begins `SPEAKS_AT` seconds after the first call."""

    spoken: np.ndarray
    campaign: Campaign
    heard_path: Path

    @property
    def listener(self) -> Caller:
        return self.campaign.callers[0]

    def heard(self) -> quality.Match:
        """Where the voice begins, by the first part that is found; a jitter buffer may move the rest by a frame."""
        ear = quality.Ear(read_wav(self.heard_path), RATE_HZ)
        matches = [(at, ear.find(self.spoken[at : at + PART])) for at in range(0, len(self.spoken) - PART, PART)]
        at, match = next((at, match) for at, match in matches if match.similarity > 0.95)
        return replace(match, at_s=match.at_s - at / RATE_HZ)

    def likeness(self) -> float:
        return quality.similarity_by_parts(self.spoken, read_wav(self.heard_path), RATE_HZ)

    def gaps_ms(self) -> list[int]:
        match = self.heard()
        return quality.gaps_ms(self.spoken, read_wav(self.heard_path), RATE_HZ, at_s=match.at_s, gain_db=match.gain_db)

    def delay_s(self) -> float:
        """From the mouth of the one to the recording of the other."""
        assert self.listener.recording_began_at is not None
        return self.heard().at_s + self.listener.recording_began_at - self.campaign.began_at - SPEAKS_AT


def pair(gateway: Gateway, switch: SwitchProcess, folder: Path, seconds: float) -> Pair:
    """Two callers of the quiet room, where nothing but the other is heard."""
    spoken = voice(7, seconds)
    write_wav(folder / "spoken.wav", spoken)
    listener = Order(ALL_HANDS, "13105550120", hold_s=SPEAKS_AT + seconds + 1, record=folder / "heard.wav")
    speaker = Order(ALL_HANDS, "13105550121", steps=(At(SPEAKS_AT), Say(folder / "spoken.wav")))
    campaign = gateway.campaign([listener, speaker], switch=(switch.host, switch.port), cps=10)
    return Pair(spoken, campaign, folder / "heard.wav")


async def test_a_voice_arrives_whole_as_loud_as_it_was_and_soon(
    switch: SwitchProcess, gateway: Gateway, tmp_path: Path
) -> None:
    call = pair(gateway, switch, tmp_path, seconds=5)
    summary = await call.campaign.run()
    assert (summary.answered, summary.failed, summary.one_way) == (2, 0, {})
    heard = call.heard()
    assert call.likeness() > 0.97
    assert heard.gain_db == pytest.approx(0, abs=G711_NOISE_DB)
    assert max(call.gaps_ms(), default=0) <= 20
    assert 0 <= call.delay_s() < 0.25
    assert summary.mos is not None
    assert summary.mos.worst > 4.0


async def test_a_media_process_that_is_killed_costs_less_than_a_second_and_no_call(
    own_switch: SwitchProcess, gateway: Gateway, tmp_path: Path
) -> None:
    call = pair(gateway, own_switch, tmp_path, seconds=7)
    running = asyncio.create_task(call.campaign.run())
    await asyncio.sleep(SPEAKS_AT + 3)
    own_switch.media_process().kill()
    summary = await running
    assert (summary.answered, summary.cut_short) == (2, 0)
    assert sum(call.gaps_ms()) < 1000
    end = quality.find(call.spoken[-RATE_HZ:], read_wav(call.heard_path), RATE_HZ)
    assert end.similarity > 0.9, "the voice comes back"
    assert "Traceback" not in own_switch.log


@pytest.mark.parametrize("media_dies_too", [False, True])
async def test_a_switch_that_is_killed_leaves_a_recording_that_plays_and_no_media_process(
    own_switch: SwitchProcess, gateway: Gateway, tmp_path: Path, *, media_dies_too: bool
) -> None:
    spoken = voice(8, 6)
    write_wav(tmp_path / "spoken.wav", spoken)
    steps = (Pause(0.5), Press("111111#"), Pause(3.0), Press("*9"), Pause(1.0), Say(tmp_path / "spoken.wav"))
    campaign = gateway.campaign(
        [Order(CONFERENCE, "13105550130", steps=steps)], switch=(own_switch.host, own_switch.port)
    )
    running = asyncio.create_task(campaign.run())
    await asyncio.sleep(10.0)
    media = own_switch.media_process()
    if media_dies_too:
        media.kill()
    own_switch.kill()
    campaign.stop()
    until(lambda: _is_over(media), "the end of the media process")
    (recording,) = own_switch.recordings
    recorded = read_wav(recording)
    after_the_notice = spoken[2 * RATE_HZ : 4 * RATE_HZ]
    assert quality.similarity_by_parts(after_the_notice, recorded, RATE_HZ) > 0.9
    assert recorded.size > 2 * RATE_HZ
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _is_over(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.peer("sipp")
async def test_a_flood_of_invites_meets_the_limit_and_calls_that_are_up_keep_their_audio(
    tmp_path: Path, gateway: Gateway
) -> None:
    with SwitchProcess(tmp_path / "switch", SOFTSWITCH_LIMITS__CPS="20.0") as switch:
        call = pair(gateway, switch, tmp_path, seconds=6)
        running = asyncio.create_task(call.campaign.run())
        await asyncio.sleep(SPEAKS_AT + 1)
        flood = await asyncio.to_thread(run_sipp, switch.address, calls=1200, rate=400, folder=tmp_path)
        summary = await running
        assert flood.failed > 1000
        assert flood.successful > 10
        assert (summary.answered, summary.cut_short) == (2, 0)
        assert max(call.gaps_ms(), default=0) <= 60
        assert "Traceback" not in switch.log
