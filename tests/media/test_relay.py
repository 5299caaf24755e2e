"""Two legs that only hear each other: the same bytes, in time, with nothing of anybody else."""

import asyncio
import itertools
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media import Engine, MediaError, MediaSettings, Tone
from media.codecs.g711 import DECODE_A, DECODE_U
from media.relay import TRANSLATED
from tests.ears import AMPLITUDE, Ears, Member
from tests.wire import Wire

SETTINGS = MediaSettings(address="10.0.0.1", ports=(20000, 20039), source_cache_s=60)
MUSIC = Tone((((2000.0,), 20000, 0),))
BOTH = {"a": {"b"}, "b": {"a"}}


@pytest.fixture
def wire() -> Wire:
    return Wire(record=False)


@pytest.fixture
async def ears(wire: Wire) -> AsyncIterator[Ears]:
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    yield Ears(engine, wire)
    assert engine.counters()["failed_ticks"] == 0
    await engine.stop()


def payloads(member: Member) -> list[bytes]:
    return [packet[12:] for _, packet in member.heard]


async def test_each_hears_the_other_s_very_bytes_and_not_itself(ears: Ears) -> None:
    a, b = ears.member("a"), ears.member("b")
    said: dict[str, list[bytes]] = {}
    for member in (a, b):
        heard = said[member.name] = []
        send = member.send
        member.send = lambda packet, send=send, heard=heard: (heard.append(packet[12:]), send(packet))[1]
    ears.engine.bridge(a.stream, b.stream)
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    for listener, speaker in ((a, b), (b, a)):
        loud = [payload for payload in payloads(listener) if len(set(payload)) > 2]
        first = said[speaker.name].index(loud[0])
        assert loud == said[speaker.name][first : first + len(loud)]
        assert len(loud) > 40


@pytest.mark.parametrize(("one", "other"), [("PCMU", "PCMA"), ("PCMA", "PCMU"), ("PCMA", "PCMA")])
async def test_either_law_is_heard_as_the_other(ears: Ears, one: str, other: str) -> None:
    a, b = ears.member("a", codec=one), ears.member("b", codec=other)
    ears.engine.bridge(a.stream, b.stream)
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    assert {packet[1] for _, packet in b.heard} == {{"PCMU": 0, "PCMA": 8}[other]}


def test_the_table_of_the_other_law_is_as_near_as_that_law_can_be() -> None:
    for law, (mine, theirs) in enumerate(((DECODE_U, DECODE_A), (DECODE_A, DECODE_U))):
        translated = theirs[TRANSLATED[law]].astype(int)
        best = np.abs(theirs.astype(int)[None, :] - mine.astype(int)[:, None]).min(axis=1)
        error = np.abs(translated - mine.astype(int))
        assert (error <= np.maximum(best, np.abs(mine.astype(int)) // 32 + 8)).all()


async def test_two_pairs_beside_a_room_hear_nothing_of_one_another(ears: Ears) -> None:
    members = {name: ears.member(name, codec="PCMA" if name in "bd" else "PCMU") for name in "abcdefg"}
    streams = {name: member.stream for name, member in members.items()}
    ears.engine.bridge(streams["a"], streams["d"])
    ears.engine.bridge(streams["c"], streams["b"])
    room = ears.engine.open_room("standup")
    for name in "efg":
        room.join(streams[name])
    await ears.listen(1.0)
    expected = {"a": "d", "d": "a", "b": "c", "c": "b", "e": "fg", "f": "eg", "g": "ef"}
    assert ears.matrix() == {name: set(others) for name, others in expected.items()}


async def test_uneven_arrival_leaves_evenly_and_without_gaps(wire: Wire, ears: Ears) -> None:
    wire.jitter_s = 0.03
    a, b = ears.member("a"), ears.member("b")
    ears.engine.bridge(a.stream, b.stream)
    await ears.listen(3.0)
    wire.jitter_s = 0.0
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    sequences = [struct.unpack("!H", packet[2:4])[0] for _, packet in b.heard]
    assert {later - earlier for earlier, later in itertools.pairwise(sorted(set(sequences)))} == {1}


async def test_a_frame_that_is_lost_is_concealed_and_a_long_gap_is_silence(ears: Ears) -> None:
    a, b = ears.member("a"), ears.member("b", codec="PCMA")
    ears.engine.bridge(a.stream, b.stream)
    await ears.listen(0.6)
    send, lost = a.send, 0

    def lossy(packet: bytes) -> None:
        if a.sequence % 10:
            send(packet)

    a.send = lossy
    await ears.listen(1.0)
    assert b.amplitude(a.tone_hz, ears.listening_since) > 0.9 * AMPLITUDE
    lost = ears.engine.statistics(a.stream).frames_concealed
    assert 4 <= lost <= 6
    a.sends = False
    a.send = lambda packet: None
    await ears.listen(0.5)
    del b.heard[:]
    await ears.listen(0.2)
    assert {bytes(payload) for payload in payloads(b)} == {b"\xd5" * 160}
    assert ears.engine.statistics(a.stream).frames_concealed - lost <= 3


async def test_comfort_noise_of_one_is_heard_by_the_other(ears: Ears) -> None:
    a, b = ears.member("a", attributes="a=rtpmap:13 CN/8000\r\n"), ears.member("b")
    a.stream.answer(
        b"v=0\r\no=- 1 2 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
        b"m=audio %d RTP/AVP 0 13\r\na=rtpmap:13 CN/8000\r\n" % ears._ports[0].address[1]
    )
    ears.engine.bridge(a.stream, b.stream)
    await ears.listen(0.4)
    a.sends = False
    header = struct.pack("!BBHII", 0x80, 13, a.sequence & 0xFFFF, a.timestamp & 0xFFFFFFFF, a.ssrc)
    a.send(header + bytes([40]))
    await ears.listen(1.0)
    samples = b.samples(ears.listening_since).astype(float)
    assert 50 < np.sqrt(np.mean(samples**2)) < 1000


async def test_who_is_on_hold_hears_music_and_the_other_goes_on(ears: Ears) -> None:
    a, b = ears.member("a"), ears.member("b")
    ears.engine.bridge(a.stream, b.stream)
    player = a.stream.play(MUSIC, repeat=True)
    await ears.listen(1.0)
    assert a.amplitude(2000.0, ears.listening_since) > 0.5 * AMPLITUDE
    assert ears.matrix() == {"a": set(), "b": {"a"}}
    player.stop()
    await ears.listen(1.0)
    assert ears.matrix() == BOTH


async def test_a_muted_one_is_not_heard(ears: Ears) -> None:
    a, b = ears.member("a"), ears.member("b")
    ears.engine.bridge(a.stream, b.stream)
    a.stream.mute(True)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": set()}
    a.stream.mute(False)
    await ears.listen(1.0)
    assert ears.matrix() == BOTH


async def test_digits_for_one_are_sent_to_it_alone_and_telephone_events_are_not_relayed(ears: Ears) -> None:
    a, b = ears.member("a"), ears.member("b")
    ears.engine.bridge(a.stream, b.stream)
    await ears.listen(0.4)
    for end in (0, 0x80, 0x80):
        a.send(struct.pack("!BBHII", 0x80, 101, a.sequence & 0xFFFF, 4000, a.ssrc) + bytes((7, end | 10, 3, 32)))
        a.sequence += 1
    a.stream.send_digits("5")
    await ears.listen(0.6)
    assert [event.digit for event in a.events if type(event).__name__ == "DigitPressed"] == ["7"]
    assert {packet[12] for _, packet in a.heard if packet[1] & 0x7F == 101} == {5}
    assert not [packet for _, packet in b.heard if packet[1] & 0x7F == 101]


async def test_the_end_of_one_stream_ends_the_pair_and_nobody_hears_who_takes_its_place(ears: Ears) -> None:
    a, b = ears.member("a"), ears.member("b")
    pair = ears.engine.bridge(a.stream, b.stream)
    await ears.listen(0.4)
    b.stream.close()
    del ears.members["b"]
    assert pair.is_closed
    assert a.stream.pair is None
    await ears.listen(0.1)
    c, d = ears.member("c"), ears.member("d")
    assert b.stream.row in (c.stream.row, d.stream.row)
    ears.engine.bridge(c.stream, d.stream)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": set(), "c": {"d"}, "d": {"c"}}


async def test_a_stream_is_in_one_pair_or_one_room(ears: Ears) -> None:
    a, b, c = (ears.member(name) for name in "abc")
    first = ears.engine.bridge(a.stream, b.stream)
    second = ears.engine.bridge(b.stream, c.stream)
    assert (first.is_closed, second.is_closed) == (True, False)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": set(), "b": {"c"}, "c": {"b"}}
    room = ears.engine.open_room("standup")
    room.join(b.stream)
    room.join(a.stream)
    assert second.is_closed
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"b"}, "b": {"a"}, "c": set()}
    ears.engine.bridge(a.stream, c.stream)
    await ears.listen(1.0)
    assert ears.matrix() == {"a": {"c"}, "b": set(), "c": {"a"}}


async def test_closing_a_pair_leaves_silence_and_may_be_repeated(ears: Ears) -> None:
    a, b = ears.member("a"), ears.member("b")
    pair = ears.engine.bridge(a.stream, b.stream)
    await ears.listen(0.4)
    pair.close()
    pair.close()
    await ears.listen(1.0)
    assert ears.matrix() == {"a": set(), "b": set()}
    b.stream.close()
    with pytest.raises(MediaError, match="closed"):
        ears.engine.bridge(a.stream, b.stream)


async def test_both_sides_can_be_recorded_in_one_file(ears: Ears, tmp_path: Path) -> None:
    a, b = ears.member("a"), ears.member("b")
    pair = ears.engine.bridge(a.stream, b.stream)
    await ears.listen(0.4)
    recorder = pair.record(tmp_path / "both.wav")
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    recorder.stop()
    pair.close()
    await asyncio.sleep(0.2)
    samples, _ = soundfile.read(tmp_path / "both.wav", dtype="int16")
    spectrum = np.abs(np.fft.rfft(samples[-4000:])) / 2000
    for member in (a, b):
        assert spectrum[round(member.tone_hz * 4000 / 8000)] > 0.5 * AMPLITUDE
    with pytest.raises(MediaError, match="closed"):
        pair.record(tmp_path / "late.wav")
    assert ears.engine.counters()["rooms"] == 0


async def test_one_side_can_be_recorded(ears: Ears, tmp_path: Path) -> None:
    a, b = ears.member("a"), ears.member("b")
    ears.engine.bridge(a.stream, b.stream)
    recorder = a.stream.record(tmp_path / "a.wav")
    await ears.listen(1.0)
    recorder.stop()
    await asyncio.sleep(0.2)
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    spectrum = np.abs(np.fft.rfft(samples[-4000:])) / 2000
    assert spectrum[round(a.tone_hz / 2)] > 0.5 * AMPLITUDE > 20 * spectrum[round(b.tone_hz / 2)]
