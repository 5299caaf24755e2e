"""Encrypted legs at work: libsrtp of its own at the far end, the whole engine on this side, in virtual time."""

import base64
import struct
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from pylibsrtp import Error, Policy, Session

from media import Engine, MediaSettings
from media.commands import Srtp
from media.pool import Pool
from media.rtp import rtcp
from media.sdes import Suite, usable
from media.sdp import SessionDescription
from media.srtp import PROFILES, SecureSweep, _Row
from media.streams import Table
from tests.ears import AMPLITUDE, Ears, Member
from tests.wire import Wire

SETTINGS = MediaSettings(address="10.0.0.1", ports=(20000, 20039), source_cache_s=60)
SHA1_80 = Suite.AES_CM_128_HMAC_SHA1_80
HEAD = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/SAVP 0 101\r\n"
EVENTS = "a=rtpmap:101 telephone-event/8000\r\n"
HEADER = struct.Struct("!BBHII")


def session(suite: str, key: bytes, *, inbound: bool) -> Session:
    direction = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    return Session(policy=Policy(key=key, ssrc_type=direction, srtp_profile=PROFILES[Suite(suite)]))


class SecurePhone:
    """Ears with keys: what the member says is sealed, what it hears is opened; `broken` counts what could not be."""

    def __init__(self, ears: Ears, name: str, suite: Suite = SHA1_80, encryption: str = "offered") -> None:
        wire = ears.wire
        assert wire is not None
        self.stream = ears.engine.open_stream(self._told, encryption=encryption)  # type: ignore[arg-type]
        self.member = Member(name, 310 + 70 * len(ears.members), self.stream, 0)
        ears.members[name] = self.member
        self.suite, self.key, self.number = suite, bytes([len(ears.members)]) * suite.key_bytes, 1
        self.reports: list[bytes] = []
        self.raw: list[bytes] = []
        self.broken = 0
        self.port = wire.datagrams("10.0.0.9", 0, lambda data, _host, _port: self._hear(data))
        self.control = wire.datagrams("10.0.0.9", self.port.address[1] + 1, lambda data, _h, _p: self._report(data))
        self.member.send = self.send
        self.offer()

    def _told(self, event: Any) -> None:
        self.member.events.append(event)

    def offer(self, *, key: bytes | None = None) -> None:
        """A first or a later offer; another key starts what is sealed anew."""
        if key is not None:
            self.key = key
        encoded = base64.b64encode(self.key).decode()
        line = f"a=crypto:{self.number} {self.suite} inline:{encoded}\r\n"
        answer = self.stream.answer((HEAD.format(*self.port.address) + EVENTS + line).encode())
        [theirs] = usable(SessionDescription.parse(answer).media[0].all("crypto"))
        if not hasattr(self, "theirs") or self.theirs != theirs:
            self.theirs, self.inward = theirs, session(self.suite, theirs.key, inbound=True)
        if key is not None or not hasattr(self, "outward"):
            self.outward = session(self.suite, self.key, inbound=False)

    def send(self, packet: bytes) -> None:
        self.send_raw(self.outward.protect(packet))

    def send_raw(self, data: bytes) -> None:
        self.port.send(data, *self.stream.address)

    def _hear(self, data: bytes) -> None:
        self.raw.append(data)
        try:
            self.member.hear(self.inward.unprotect(data))
        except Error:
            self.broken += 1

    def _report(self, data: bytes) -> None:
        self.reports.append(self.inward.unprotect_rtcp(data))


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    wire = Wire(record=False)
    engine = Engine(SETTINGS, in_process=wire)
    await engine.start()
    yield Ears(engine, wire)
    counters = engine.counters()
    assert counters["failed_ticks"] == counters["srtp_not_sealed"] == 0
    await engine.stop()


def meet(ears: Ears) -> None:
    room = ears.engine.open_room("standup")
    for member in ears.members.values():
        room.join(member.stream)


BOTH = {"a": {"b"}, "b": {"a"}}


@pytest.mark.parametrize("suite", Suite)
async def test_an_encrypted_leg_and_a_plain_one_hear_each_other(ears: Ears, suite: Suite) -> None:
    phone = SecurePhone(ears, "a", suite)
    ears.member("b")
    meet(ears)
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    assert phone.broken == 0
    assert phone.stream.encryption == suite
    tag_bytes = {Suite.AES_CM_128_HMAC_SHA1_80: 10, Suite.AES_CM_128_HMAC_SHA1_32: 4}.get(suite, 16)
    assert {len(packet) for packet in phone.raw} == {172 + tag_bytes}


async def test_nothing_that_is_said_can_be_read_on_the_wire(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    ears.member("b")
    meet(ears)
    await ears.listen(1.0)
    heard = {packet[12:] for _, packet in phone.member.heard}
    assert len(phone.raw) > 40
    assert not any(raw[12:172] in heard for raw in phone.raw)
    assert len({raw[12:] for raw in phone.raw}) == len(phone.raw)


async def test_plain_and_foreign_packets_are_dropped_and_counted(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    meet(ears)
    await ears.listen(0.4)
    received = phone.stream.statistics().packets_received
    phone.member.send = phone.send_raw
    await ears.listen(0.4)
    stranger = session(SHA1_80, b"x" * 30, inbound=False)
    phone.member.send = lambda packet: phone.send_raw(stranger.protect(packet))
    await ears.listen(0.4)
    phone.send_raw(b"\x80")
    phone.send_raw(b"\x80\x00" + bytes(1800))
    await ears.listen(0.1)
    assert phone.stream.statistics().packets_received == received
    assert ears.engine.counters()["drop_srtp_not_authentic"] >= 35


async def test_a_repeated_packet_is_dropped_and_counted(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    kept: list[bytes] = []
    phone.member.send = lambda packet: (kept.append(phone.outward.protect(packet)), phone.send_raw(kept[-1]))[1]
    await ears.listen(0.4)
    received = phone.stream.statistics().packets_received

    def repeat(_packet: bytes) -> None:
        for old in kept[-5:]:
            phone.send_raw(old)

    phone.member.send = repeat
    await ears.listen(0.2)
    assert phone.stream.statistics().packets_received == received
    assert ears.engine.counters()["drop_srtp_replayed"] >= 45


async def test_sequence_numbers_wrap_around_in_both_directions(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    ears.member("b")
    phone.member.sequence = 65_520
    ears.engine._table.streams.out_sequence[phone.stream.row] = 65_520
    meet(ears)
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    assert phone.broken == 0
    sequences = [struct.unpack("!H", raw[2:4])[0] for raw in phone.raw]
    assert max(sequences) > 65_520 > 100 > min(sequences)


async def test_another_source_under_the_same_key_is_heard(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    ears.member("b")
    meet(ears)
    await ears.listen(0.4)
    phone.member.ssrc, phone.member.sequence = 99, 40_000
    await ears.listen(1.0)
    assert ears.matrix() == BOTH


@pytest.mark.parametrize("counts_on", [True, False])
async def test_a_new_key_is_heard_whether_the_peer_counts_its_wraps_on_or_anew(ears: Ears, counts_on: bool) -> None:
    phone = SecurePhone(ears, "a")
    ears.member("b")
    phone.member.sequence = 65_520
    meet(ears)
    await ears.listen(0.6)
    sequence = phone.member.sequence & 0xFFFF
    phone.offer(key=b"n" * 30)
    if counts_on:
        for index in (*range(0, 65_536 + sequence - 1, 0x7000), 65_536 + sequence - 1):
            phone.outward.protect(HEADER.pack(0x80, 0, index & 0xFFFF, 0, phone.member.ssrc))
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    assert phone.broken == 0


async def test_a_re_offer_with_the_same_keys_disturbs_nothing(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    ears.member("b")
    meet(ears)
    await ears.listen(0.4)
    phone.offer()
    phone.offer()
    await ears.listen(1.0)
    assert ears.matrix() == BOTH
    assert phone.broken == 0
    assert ears.engine.counters()["drop_srtp_not_authentic"] == 0


async def test_packets_of_another_length_than_ours_are_heard(ears: Ears) -> None:
    phone, other = SecurePhone(ears, "a"), ears.member("b")
    meet(ears)
    halves: list[bytes] = []

    def in_pairs(packet: bytes) -> None:
        halves.append(packet)
        if len(halves) == 2:
            sequence = (phone.member.sequence // 2) & 0xFFFF
            first = halves[0]
            phone.send(first[:2] + sequence.to_bytes(2, "big") + first[4:] + halves[1][12:])
            halves.clear()

    phone.member.send = in_pairs
    await ears.listen(1.2)
    assert other.amplitude(phone.member.tone_hz, ears.listening_since) > 0.5 * AMPLITUDE


async def test_reports_are_sealed_and_those_of_the_phone_are_read(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    await ears.listen(4.0)
    ssrc = int(ears.engine._table.streams.out_ssrc[phone.stream.row])
    block = rtcp.ReportBlock(ssrc, 64, 11, 5, 800, 0, 0)
    report = rtcp.ReceiverReport(phone.member.ssrc, (block,)).encode()
    host, port = phone.stream.address
    phone.control.send(phone.outward.protect_rtcp(report), host, port + 1)
    phone.control.send(report, host, port + 1)
    await ears.listen(5.0)
    assert phone.reports
    assert isinstance(rtcp.parse(phone.reports[0])[0], rtcp.SenderReport)
    assert phone.stream.statistics().remote_lost == 11
    assert ears.engine.counters()["drop_srtp_not_authentic"] == 1
    assert ears.engine.counters()["reports_received"] == 1


async def test_digits_travel_encrypted_both_ways(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    await ears.listen(0.4)
    phone.stream.send_digits("5")
    for end in (0, 0, 0x80, 0x80, 0x80):
        body = bytes((7, end | 10, 0x03, 0x20))
        phone.send(HEADER.pack(0x80, 101, phone.member.sequence & 0xFFFF, 4000, phone.member.ssrc) + body)
        phone.member.sequence += 1
    await ears.listen(0.6)
    assert [event.digit for event in phone.member.events if type(event).__name__ == "DigitPressed"] == ["7"]
    assert {packet[12] for _, packet in phone.member.heard if packet[1] & 0x7F == 101} == {5}


async def test_a_call_becomes_encrypted_and_plain_again_by_re_offer(ears: Ears) -> None:
    ears.member("b")
    phone = SecurePhone(ears, "a")
    seal, opened = phone.member.send, phone._hear
    plain = "v=0\r\no=- 1 2 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP 0 101\r\n" + EVENTS
    meet(ears)
    for _ in range(2):
        await ears.listen(0.6)
        assert ears.matrix() == BOTH
        phone.stream.answer(plain.format(*phone.port.address).encode())
        assert phone.stream.encryption == ""
        phone.member.send, phone._hear = phone.send_raw, phone.member.hear  # type: ignore[method-assign]
        await ears.listen(0.6)
        assert ears.matrix() == BOTH
        phone.offer(key=b"2" * 30)
        phone.inward = session(phone.suite, phone.theirs.key, inbound=True)
        phone.member.send, phone._hear = seal, opened  # type: ignore[method-assign]
    await ears.listen(0.6)
    assert ears.matrix() == BOTH
    assert phone.broken <= 2  # under way while the keys changed


async def test_an_empty_datagram_harms_nobody(ears: Ears) -> None:
    phone = SecurePhone(ears, "a")
    for _ in range(3):
        phone.send_raw(b"")
        await ears.listen(0.1)
    assert phone.stream.statistics().packets_received > 10


# --- a new worker, as the shared table tells it


class Wireless:
    """The sweep below: keeps what is sent."""

    def __init__(self, rows: int) -> None:
        self.lengths, self.out = np.zeros(rows, np.uint8), np.zeros((rows, 192), np.uint8)
        self.sent: list[bytes] = []

    def emit_packet(self, row: int, packet: bytes) -> None:
        self.sent.append(packet)

    emit_report = emit_packet

    def locked_source(self, row: int) -> None:
        return None

    def set_sending(self, row: int, sends: bool) -> None:
        pass


KEYS = Srtp(SHA1_80, b"o" * 30, b"t" * 30)


def worker(table: Table) -> tuple[SecureSweep, Wireless]:
    """A media process that has just been given the row and its keys."""
    below = Wireless(1)
    sweep = SecureSweep(below, Pool(1), table.streams, Counter())  # type: ignore[arg-type]
    sweep.secure(0, KEYS)
    return sweep, below


def rtp(index: int, ssrc: int = 5) -> bytes:
    return HEADER.pack(0x80, 0, index & 0xFFFF, 0, ssrc) + bytes(160)


def test_a_new_worker_goes_on_behind_the_old_one_after_any_number_of_wraps() -> None:
    table = Table(1, 1)
    table.streams.out_ssrc[0] = 5
    sweep, below = worker(table)
    phone = session(SHA1_80, KEYS.send_key, inbound=True)
    reached = 3 * 65_536 + 12
    for index in (*range(0, reached, 0x7000), reached):
        sweep.emit_packet(0, rtp(index))
        phone.unprotect(below.sent.pop())
    table.streams.out_sequence[0] = reached & 0xFFFF  # not counted on: the worker died in between
    successor, below = worker(table)
    first = int(table.streams.out_sequence[0])
    assert first > reached & 0xFFFF
    successor.emit_packet(0, rtp(first))
    assert phone.unprotect(below.sent.pop()) == rtp(first)
    table.close()


@pytest.mark.parametrize("last", [65_535, 65_536, 65_530, 3 * 65_536 + 40_000])
def test_a_new_worker_hears_the_peer_go_on_around_a_wrap(last: int) -> None:
    table = Table(1, 1)
    phone = session(SHA1_80, KEYS.receive_key, inbound=False)
    old = _Row(KEYS, table.streams, 0, is_locked=False)
    for index in (*range(0, last, 0x7000), last):
        sealed = phone.protect(rtp(index))
        old.open(sealed)
    new = _Row(KEYS, table.streams, 0, is_locked=False)
    with pytest.raises(Error, match="replay"):
        new.open(sealed)
    for index in range(last + 1, last + 10):
        assert new.open(phone.protect(rtp(index))) == rtp(index)
    table.close()


def test_a_new_worker_s_reports_are_not_taken_for_repeated_ones() -> None:
    table = Table(1, 1)
    table.streams.out_ssrc[0] = 5
    phone = session(SHA1_80, KEYS.send_key, inbound=True)
    report = rtcp.ReceiverReport(5, ()).encode()
    for _ in range(3):
        sweep, below = worker(table)
        for _ in range(40):
            sweep.emit_report(0, report)
            assert phone.unprotect_rtcp(below.sent.pop()) == report
    table.close()


def test_a_row_that_is_used_again_begins_anew() -> None:
    table = Table(1, 1)
    sweep, _ = worker(table)
    sweep.emit_packet(0, rtp(9))
    sweep.secure(0, None)
    assert not table.streams.srtp_out_next[0]
    table.close()


def test_rows_without_keys_pass_untouched() -> None:
    table = Table(1, 1)
    below = Wireless(1)
    further: list[tuple[int, bytes]] = [(0, b"x")]
    arrivals = iter([(0, b"y", ("h", 1))])
    below.sweep, below.watched = lambda missed: further, lambda: arrivals  # type: ignore[attr-defined]
    sweep = SecureSweep(below, Pool(1), table.streams, Counter())  # type: ignore[arg-type]
    assert sweep.sweep(0) is further
    assert sweep.watched() is arrivals
    sweep.emit_packet(0, b"z")
    assert below.sent == [b"z"]
    table.close()


def test_the_command_that_carries_keys_does_not_show_them() -> None:
    assert repr(KEYS) == "Srtp(AES_CM_128_HMAC_SHA1_80)"
