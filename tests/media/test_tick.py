"""What peers do to a bridge: other packet times, garbage, strangers, jumps, gaps, keys. Bytes in, bytes out."""

import asyncio
import itertools
import random
import struct
from collections.abc import AsyncIterator

import numpy as np
import pytest

from media import (
    DigitPressed,
    DigitsSent,
    Engine,
    MediaSettings,
    RtpResumed,
    RtpSilent,
    SourceLatched,
    TalkStarted,
    TalkStopped,
)
from media.codecs.g711 import ENCODE_U
from media.dtmf import tones
from tests.ears import AMPLITUDE, FRAME_SAMPLES, HEADER, TICK_S, Ears, Member, offer
from tests.wire import Wire

SETTINGS = MediaSettings(address="10.0.0.1", ports=(20000, 20199), source_cache_s=60, silence_timeout_s=2.0)
END = 0x80


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    wire = Wire(record=False)
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    ears = Ears(engine, wire)
    yield ears
    assert engine.counters()["failed_ticks"] == 0
    await engine.stop()
    ears.close()


@pytest.fixture
def pair(ears: Ears) -> tuple[Member, Member]:
    return two(ears)


def two(ears: Ears, **first: str) -> tuple[Member, Member]:
    room = ears.engine.open_room("call")
    one, other = ears.member("one", **first), ears.member("other")
    room.join(one.stream)
    room.join(other.stream)
    return one, other


def encoded(samples: np.ndarray) -> bytes:
    return ENCODE_U[samples.astype(np.int16).view(np.uint16)].tobytes()


def packet(
    payload: bytes, sequence: int, timestamp: int, *, ssrc: int = 310, kind: int = 0, first: int = 0x80
) -> bytes:
    return HEADER.pack(first, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


async def counted(ears: Ears, name: str) -> int:
    await asyncio.sleep(0.5)
    return int(ears.engine.counters()[name])


@pytest.mark.parametrize("ptime_ms", [10, 30, 40, 60])
async def test_a_peer_with_another_packet_time_is_heard_and_gets_it(ears: Ears, ptime_ms: int) -> None:
    one, other = two(ears, attributes=f"a=ptime:{ptime_ms}\r\n")
    samples = ptime_ms * 8
    tone = AMPLITUDE * np.sin(2 * np.pi * one.tone_hz * np.arange(8000 * 2) / 8000)

    async def send() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(1500 // ptime_ms):
            at = number * samples
            one.send(packet(encoded(tone[at : at + samples]), number, at))
            await asyncio.sleep(start + (number + 1) * ptime_ms / 1000 - loop.time())

    one.sends = False
    await asyncio.gather(send(), ears.listen(1.5))
    assert other.amplitude(one.tone_hz, ears.listening_since) == pytest.approx(AMPLITUDE, rel=0.05)
    assert one.amplitude(other.tone_hz, ears.listening_since) == pytest.approx(AMPLITUDE, rel=0.05)
    sizes = {len(data) for at, data in one.heard if data[1] & 0x7F == 0}
    assert sizes == {12 + samples}
    timestamps = [struct.unpack("!I", data[4:8])[0] for _, data in one.heard]
    assert {(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(timestamps)} == {samples}


async def test_an_even_stream_is_delayed_by_the_tick_alone(pair: tuple[Member, Member], ears: Ears) -> None:
    await ears.listen(1.0)
    statistics = pair[0].stream.statistics()
    assert statistics.delay_ms == 0
    assert statistics.packets_late == statistics.frames_concealed == statistics.packets_lost == 0
    assert statistics.packets_received == 50


async def test_packets_that_are_no_rtp_are_counted_by_name(pair: tuple[Member, Member], ears: Ears) -> None:
    one, _ = pair
    await ears.listen(0.5)
    for garbage in (
        b"\x80",
        b"\x80" * 11,
        b"\x00" * 172,
        b"\xc0" + bytes(171),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(12),
    ):
        one.send(garbage)
    await ears.listen(0.5)
    counters = ears.engine.counters()
    assert counters["drop_too_short"] == 2
    assert counters["drop_wrong_version"] == 2
    assert counters["drop_malformed"] == 2
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}


async def test_any_bytes_are_survived(pair: tuple[Member, Member], ears: Ears) -> None:
    one, _ = pair
    chance = random.Random(1)
    await ears.listen(0.3)
    for _ in range(500):
        one.send(chance.randbytes(chance.randrange(0, 600)))
        one.send(bytes((0x80, chance.randrange(256))) + chance.randbytes(chance.randrange(0, 600)))
    await ears.listen(1.5)
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}


async def test_an_unknown_payload_type_is_dropped(pair: tuple[Member, Member], ears: Ears) -> None:
    one, other = pair
    one.speaks = False
    await ears.listen(0.3)
    loud = packet(bytes(FRAME_SAMPLES), one.sequence, one.timestamp, kind=96)
    one.send(loud)
    await ears.listen(0.3)
    assert await counted(ears, "drop_unknown_payload_type") == 1
    assert not other.samples(ears.listening_since).any()


async def test_a_codec_that_was_not_answered_but_is_static_is_understood(ears: Ears) -> None:
    one, other = two(ears)
    await ears.listen(0.4)
    one.payload_type = 8
    await ears.listen(1.0)
    assert other.amplitude(one.tone_hz, ears.listening_since) == pytest.approx(AMPLITUDE, rel=0.05)
    assert await counted(ears, "payload_type_switches") == 1


async def test_the_source_is_latched_once_and_strangers_are_not_heard(pair: tuple[Member, Member], ears: Ears) -> None:
    one, other = pair
    assert ears.wire is not None
    await ears.listen(0.3)
    assert [event for event in one.events if isinstance(event, SourceLatched)] == [SourceLatched("10.0.0.9", 49154)]
    stranger = ears.wire.datagrams("10.6.6.6", 4000)
    shout = encoded(8000 * np.sin(2 * np.pi * 3100 * np.arange(FRAME_SAMPLES) / 8000))
    for number in range(25):
        stranger.send(packet(shout, 5000 + number, number * 160, ssrc=666), *one.stream.address)
    await ears.listen(0.6)
    assert other.amplitude(3100.0, ears.listening_since) < 0.01 * AMPLITUDE
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}


async def test_rtp_from_another_address_than_announced_is_latched_when_it_keeps_coming(ears: Ears) -> None:
    one, _other = two(ears)
    assert ears.wire is not None
    behind_nat = ears.wire.datagrams("10.7.7.7", 4000, lambda data, _host, _port: one.hear(data))
    one.send = lambda data: behind_nat.send(data, *one.stream.address)
    await ears.listen(1.0)
    assert SourceLatched("10.7.7.7", 4000) in one.events
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}
    assert await counted(ears, "drop_foreign_source") == 2


async def test_a_new_offer_with_another_address_is_latched_anew(pair: tuple[Member, Member], ears: Ears) -> None:
    one, _ = pair
    assert ears.wire is not None
    await ears.listen(0.4)
    moved = ears.wire.datagrams("10.0.0.77", 6000, lambda data, _host, _port: one.hear(data))
    one.send = lambda data: moved.send(data, *one.stream.address)
    one.stream.answer(
        b"v=0\r\no=- 1 2 IN IP4 10.0.0.77\r\ns=-\r\nc=IN IP4 10.0.0.77\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"
    )
    await ears.listen(1.0)
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}
    assert SourceLatched("10.0.0.77", 6000) in one.events


async def test_hold_stops_our_packets_and_resume_brings_them_back(pair: tuple[Member, Member], ears: Ears) -> None:
    one, _ = pair
    offer = "v=0\r\no=- 1 {n} IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
    offer += "m=audio 49154 RTP/AVP 0\r\na={way}\r\n"
    await ears.listen(0.3)
    one.stream.answer(offer.format(n=2, way="inactive").encode())
    await ears.listen(0.4)
    assert not [1 for at, data in one.heard if at > ears.listening_since and data[1] == 0]
    one.stream.answer(offer.format(n=3, way="sendrecv").encode())
    await ears.listen(1.0)
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}


@pytest.mark.parametrize("change", ["ssrc", "sequence", "timestamp", "all"])
async def test_a_source_that_jumps_is_followed(pair: tuple[Member, Member], ears: Ears, change: str) -> None:
    one, other = pair
    await ears.listen(0.5)
    if change in ("ssrc", "all"):
        one.ssrc += 1
    if change in ("sequence", "all"):
        one.sequence += 12345
    if change in ("timestamp", "all"):
        one.timestamp += 160 * 54321
    await ears.listen(1.0)
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}
    assert other.amplitude(one.tone_hz, ears.listening_since) == pytest.approx(AMPLITUDE, rel=0.05)


async def test_two_seconds_without_packets_are_told_and_survived(pair: tuple[Member, Member], ears: Ears) -> None:
    one, _ = pair
    await ears.listen(0.5)
    one.sends = False
    await ears.listen(4.0)
    assert any(isinstance(event, RtpSilent) for event in one.events)
    one.sends = True
    await ears.listen(2.5)
    assert any(isinstance(event, RtpResumed) for event in one.events)
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}


async def test_a_lost_packet_is_concealed(pair: tuple[Member, Member], ears: Ears) -> None:
    one, other = pair
    await ears.listen(0.5)
    for _ in range(5):
        one.sequence += 1
        one.timestamp += FRAME_SAMPLES  # this one never leaves
        await asyncio.sleep(TICK_S)
        await ears.listen(0.2)
    statistics = one.stream.statistics()
    assert statistics.packets_lost == 5
    assert statistics.frames_concealed == 5
    samples = other.samples(ears.listening_since - 0.5)
    blocks = np.abs(samples[: len(samples) // 80 * 80].reshape(-1, 80)).max(axis=1)
    assert blocks[10:].min() > 0.5 * AMPLITUDE


async def test_loss_jitter_reordering_and_duplicates_leave_everybody_audible() -> None:
    wire = Wire(seed=3, loss=0.02, delay_s=0.03, jitter_s=0.03, reorder=0.05, duplicate=0.03, record=False)
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    ears = Ears(engine, wire)
    room = engine.open_room("rough")
    for name in "abc":
        room.join(ears.member(name).stream)
    await ears.listen(6.0)
    assert ears.matrix(audible=0.2) == {"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}
    everybody = [member.stream.statistics() for member in ears.members.values()]
    lost_share = sum(statistics.loss_share for statistics in everybody) / len(everybody)
    assert lost_share == pytest.approx(0.02, abs=0.019)  # of 900 packets: chance keeps within it
    for statistics in everybody:
        assert 4 < statistics.jitter_ms < 25
        assert statistics.packets_duplicate > 0
        assert statistics.packets_late < 15
    assert engine.counters()["failed_ticks"] == 0
    await engine.stop()


async def test_talk_is_told_when_it_starts_and_when_it_stops(pair: tuple[Member, Member], ears: Ears) -> None:
    one, other = pair
    other.speaks = False
    await ears.listen(0.5)
    one.speaks = False
    await ears.listen(1.5)
    told = [type(event) for event in one.events if isinstance(event, TalkStarted | TalkStopped)]
    assert told == [TalkStarted, TalkStopped]
    assert not [event for event in other.events if isinstance(event, TalkStarted)]


def press(one: Member, code: int, *, updates: int = 5, marker: bool = True, events_type: int = 101) -> None:
    start = one.timestamp
    for number in range(updates + 3):
        end = END if number >= updates else 0
        payload = struct.pack("!BBH", code, end | 10, min(number + 1, updates) * 160)
        kind = events_type | (0x80 if marker and number == 0 else 0)
        one.send(packet(payload, one.sequence, start, ssrc=one.ssrc, kind=kind))
        one.sequence += 1
    one.timestamp += FRAME_SAMPLES * (updates + 3)


async def test_the_keys_of_another_source_begin_anew(pair: tuple[Member, Member], ears: Ears) -> None:
    """The first key of a new SSRC, whose sequence numbers are lower, was taken for a late packet of the old one."""
    one, _ = pair
    await ears.listen(0.3)
    one.sequence = 40_000
    press(one, 5)
    await asyncio.sleep(0.06)
    one.ssrc, one.sequence, one.timestamp = one.ssrc + 1, 39_000, 123
    press(one, 5)
    await ears.listen(0.5)
    assert [event.digit for event in one.events if isinstance(event, DigitPressed)] == ["5", "5"]


async def test_keys_are_heard_under_the_number_that_an_answer_has_made_up_too(
    pair: tuple[Member, Member], ears: Ears
) -> None:
    """Some phones answer our 101 with a number of their own, and send their keys under that."""
    one, _ = pair
    one.stream.offer()
    one.stream.accept(offer("10.0.0.9", 9, "0 122", "a=rtpmap:122 telephone-event/8000\r\n"))
    await ears.listen(0.3)
    press(one, 5, events_type=122)
    await ears.listen(0.3)
    press(one, 6, events_type=101)
    await ears.listen(0.3)
    assert [event.digit for event in one.events if isinstance(event, DigitPressed)] == ["5", "6"]


async def test_keys_with_an_ssrc_of_their_own_between_the_audio(pair: tuple[Member, Member], ears: Ears) -> None:
    """Some gateways do; each packet of a key is then a change of the source, and still part of one key."""
    one, _ = pair
    for code in (1, 2, 2):
        audio = one.ssrc, one.sequence, one.timestamp
        one.ssrc, one.sequence = 0xDEADBEEF, 9000 + 100 * code
        start = one.timestamp
        for number in range(8):
            payload = struct.pack("!BBH", code, (END if number >= 5 else 0) | 10, min(number + 1, 5) * 160)
            one.send(packet(payload, one.sequence + number, start, ssrc=one.ssrc, kind=101))
            await ears.listen(0.02)
        one.ssrc, one.sequence, one.timestamp = audio[0], audio[1] + 8, audio[2] + 8 * FRAME_SAMPLES
        await ears.listen(0.4)
    assert [event.digit for event in one.events if isinstance(event, DigitPressed)] == ["1", "2", "2"]


async def test_hold_by_the_null_address_silences_audio_and_reports() -> None:
    wire = Wire()
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    ears = Ears(engine, wire)
    one, _ = two(ears)
    await ears.listen(1.0)
    one.stream.answer(offer("0.0.0.0", 9, "0 101"))
    await ears.listen(0.1)
    held_at = len(wire.packets)
    await ears.listen(10.0)
    sent = [
        packet.destination for packet in wire.packets[held_at:] if packet.source[1] // 2 == one.stream.address[1] // 2
    ]
    assert sent == []
    ears.close()
    await engine.stop()


async def test_failing_ticks_are_told_now_and_then_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire(record=False)
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    ears = Ears(engine, wire)
    two(ears)

    def fail(*_: object) -> None:
        raise ValueError("a bug of ours")

    with monkeypatch.context() as patched:
        patched.setattr("media.cast.Casting.cast", fail)
        await ears.listen(12.0)
    await ears.listen(1.0)
    told = [record.getMessage() for record in caplog.records]
    assert engine.counters()["failed_ticks"] == pytest.approx(600, abs=5)
    assert [message.split(": ")[1].partition(";")[0] for message in told] == ["1 failed ticks", "500 failed ticks"]
    assert ears.matrix() == {"one": {"other"}, "other": {"one"}}
    await engine.stop()
    ears.close()


async def test_a_key_is_told_once_and_not_heard(pair: tuple[Member, Member], ears: Ears) -> None:
    one, other = pair
    one.speaks = other.speaks = False
    await ears.listen(0.3)
    press(one, 5)
    await ears.listen(0.5)
    assert [event for event in one.events if isinstance(event, DigitPressed)] == [DigitPressed("5", 100, "rfc4733")]
    assert not other.samples(ears.listening_since).any()


async def test_a_key_works_from_a_muted_member_and_before_any_audio(ears: Ears) -> None:
    one, _ = two(ears)
    one.stream.mute(True)
    press(one, 11)
    await asyncio.sleep(0.5)
    assert [event.digit for event in one.events if isinstance(event, DigitPressed)] == ["#"]


async def test_digits_are_sent_as_telephone_events(pair: tuple[Member, Member], ears: Ears) -> None:
    one, _ = pair
    await ears.listen(0.3)
    one.stream.send_digits("1#")
    await ears.listen(1.0)
    assert DigitsSent() in one.events
    events = [data for _, data in one.heard if data[1] & 0x7F == 101]
    ends = [data for data in events if data[13] & END]
    assert [data[12] for data in ends] == [1, 1, 1, 11, 11, 11]
    assert sum(1 for data in events if data[1] & 0x80) == 2
    assert len({data[4:8] for data in events}) == 2
    sequences = [struct.unpack("!H", data[2:4])[0] for _, data in one.heard]
    assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(sequences)} == {1}


async def test_digits_are_sent_as_tones_where_no_event_was_agreed_and_heard_so(ears: Ears) -> None:
    plain = "v=0\r\no=- 1 1 IN IP4 {h}\r\ns=-\r\nc=IN IP4 {h}\r\nt=0 0\r\nm=audio {p} RTP/AVP 0\r\n"
    heard: list[object] = []
    near, far = ears.engine.open_stream(heard.append), ears.engine.open_stream(heard.append)
    near.answer(plain.format(h=far.address[0], p=far.address[1]).encode())
    far.answer(plain.format(h=near.address[0], p=near.address[1]).encode())
    await asyncio.sleep(0.3)
    near.send_digits("147*0#")
    await asyncio.sleep(3)
    pressed = [event for event in heard if isinstance(event, DigitPressed)]
    assert [event.digit for event in pressed] == list("147*0#")
    assert {event.via for event in pressed} == {"inband"}


async def test_reports_tell_round_trip_loss_and_jitter(ears: Ears) -> None:
    """Two streams of one engine call each other, so both ends report."""
    assert ears.wire is not None
    plain = "v=0\r\no=- 1 1 IN IP4 {h}\r\ns=-\r\nc=IN IP4 {h}\r\nt=0 0\r\nm=audio {p} RTP/AVP 0\r\n"
    near, far = (ears.engine.open_stream(lambda _event: None) for _ in range(2))
    near.answer(plain.format(h=far.address[0], p=far.address[1]).encode())
    far.answer(plain.format(h=near.address[0], p=near.address[1]).encode())
    await asyncio.sleep(25)
    statistics = near.statistics()
    assert statistics.round_trip_ms is not None
    assert statistics.remote_lost == statistics.packets_lost == 0
    assert ears.engine.counters()["reports_sent"] >= 6
    assert ears.engine.counters()["reports_received"] >= 6


@pytest.mark.parametrize("types", ["0 13", "0"], ids=["agreed", "unasked"])
async def test_a_pause_with_comfort_noise_is_heard_as_noise_in_a_call_of_two(ears: Ears, types: str) -> None:
    """Some gateways send it though nobody has spoken of it."""
    room = ears.engine.open_room("call")
    one, other = ears.member("one"), ears.member("other")
    for member in (one, other):
        room.join(member.stream)
    one.stream.answer(offer("10.0.0.9", 49154, types))
    other.speaks = False
    await ears.listen(0.5)
    one.sends = False
    one.send(packet(bytes((50,)), one.sequence, one.timestamp, ssrc=one.ssrc, kind=13))
    await ears.listen(2.0)
    noise = other.samples(ears.listening_since + 1.0).astype(float)
    assert 20 * np.log10(np.sqrt(np.mean(noise**2)) / 32767) == pytest.approx(-50, abs=2)
    assert one.stream.statistics().packets_lost == 0


async def test_audio_under_the_number_of_comfort_noise_is_audio_where_it_was_agreed_so(ears: Ears) -> None:
    one, other = two(ears)
    one.stream.answer(offer("10.0.0.9", 49154, "13", "a=rtpmap:13 PCMU/8000\r\n"))
    other.speaks = False
    one.sends = False
    for frame in range(50):
        at = np.arange(FRAME_SAMPLES) + frame * FRAME_SAMPLES
        tone = AMPLITUDE * np.sin(2 * np.pi * one.tone_hz * at / 8000)
        one.send(packet(encoded(tone), frame, frame * FRAME_SAMPLES, ssrc=7, kind=13))
        await ears.listen(TICK_S)
    assert np.abs(other.samples(ears.listening_since)).max() > 0.5 * AMPLITUDE


@pytest.mark.parametrize("duration_ms", [50, 60, 100])
@pytest.mark.parametrize("jitter_s", [0.0, 0.0005, 0.005])
async def test_tones_are_heard_while_the_jitter_buffer_adapts_to_packets_that_come_just_when_we_tick(
    ears: Ears, duration_ms: int, jitter_s: float
) -> None:
    plain = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    assert ears.wire is not None
    heard: list[object] = []
    stream = ears.engine.open_stream(heard.append)
    port = ears.wire.datagrams("10.0.0.9", 0, lambda *_: None)
    stream.answer(plain.format(port=port.address[1]).encode())
    loop, chance = asyncio.get_running_loop(), random.Random(1)
    start = sent_at = loop.time()  # in the instants in which the engine ticks
    frames = [*np.zeros((20, FRAME_SAMPLES)), *tones.press("159D", duration_ms=duration_ms, gap_ms=50)]
    for number, frame in enumerate((*frames, *np.zeros((20, FRAME_SAMPLES)))):
        sent_at = max(sent_at, start + number * TICK_S + chance.uniform(-jitter_s, jitter_s))
        await asyncio.sleep(sent_at - loop.time())
        port.send(packet(encoded(frame), number, FRAME_SAMPLES * number), *stream.address)
    await asyncio.sleep(0.5)
    assert [event.digit for event in heard if isinstance(event, DigitPressed)] == list("159D")
    port.close()
