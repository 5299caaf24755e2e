"""RTCP, RFC 3550 §6: sender and receiver reports, source descriptions, goodbyes; compound packets to values and back.

`parse` takes any bytes and gives the packets it knows (others, such as feedback and extended reports, are skipped) or
raises `RtcpError`, whose `drop` is the name to count it under. Reduced-size packets are accepted (RFC 5506). Times are
NTP: `ntp` makes the 64-bit form of the reports; its middle 32 bits, in units of 1/65536 s, are what round trips are
reckoned in: `compact`, `round_trip_s`.
"""

import struct
from dataclasses import dataclass

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203
CNAME = 1

NTP_EPOCH_S = 2_208_988_800  # 1970 counted from 1900
MOST_REPORTS = 31  # the count field has five bits

_VERSION = 0x80
_PADDING = 0x20
_HEADER = struct.Struct("!BBH")
_SSRC = struct.Struct("!I")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")


class RtcpError(ValueError):
    """These bytes are no RTCP. `drop` names what is wrong with them."""

    def __init__(self, drop: str) -> None:
        super().__init__(drop)
        self.drop = drop


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one source is received. `lost_share` is in 1/256, `jitter` in timestamp units, the last two in 1/65536 s."""

    ssrc: int
    lost_share: int = 0
    packets_lost: int = 0
    highest_sequence: int = 0
    jitter: int = 0
    last_sender_report: int = 0
    delay_since_last: int = 0

    def encode(self) -> bytes:
        lost = max(-0x800000, min(self.packets_lost, 0x7FFFFF)) & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc,
            self.lost_share << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sender_report,
            self.delay_since_last,
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """Who sends: how much so far, and which RTP timestamp goes with which time of day (64-bit NTP)."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets_sent: int
    bytes_sent: int
    reports: tuple[ReportBlock, ...] = ()

    def encode(self) -> bytes:
        sent = self.packets_sent & 0xFFFFFFFF, self.bytes_sent & 0xFFFFFFFF
        body = _SENDER.pack(self.ssrc, self.ntp, self.rtp_timestamp, *sent) + _blocks(self.reports)
        return _packet(SENDER_REPORT, len(self.reports), body)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """Who only listens."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()

    def encode(self) -> bytes:
        return _packet(RECEIVER_REPORT, len(self.reports), _SSRC.pack(self.ssrc) + _blocks(self.reports))


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The name that stays when an SSRC changes (CNAME); every compound packet must carry it."""

    ssrc: int
    cname: str = ""

    def encode(self) -> bytes:
        name = self.cname.encode()[:255]
        chunk = _SSRC.pack(self.ssrc) + bytes((CNAME, len(name))) + name + b"\0"
        return _packet(SOURCE_DESCRIPTION, 1, chunk + bytes(-len(chunk) % 4))


@dataclass(frozen=True, slots=True)
class Goodbye:
    """These sources leave."""

    sources: tuple[int, ...]
    reason: str = ""

    def encode(self) -> bytes:
        body = struct.pack(f"!{len(self.sources)}I", *self.sources)
        if self.reason:
            text = self.reason.encode()[:255]
            body += bytes((len(text),)) + text
        return _packet(GOODBYE, len(self.sources), body + bytes(-len(body) % 4))


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye


def compound(*packets: RtcpPacket) -> bytes:
    """The packets as one datagram; the first is a report, the next the sender's description (§6.1)."""
    return b"".join([packet.encode() for packet in packets])


def parse(data: bytes) -> list[RtcpPacket]:
    """All packets of a datagram, in order; raises `RtcpError`."""
    packets: list[RtcpPacket] = []
    position = 0
    while position < len(data):
        if len(data) - position < _HEADER.size:
            raise RtcpError("rtcp_truncated")
        first, kind, words = _HEADER.unpack_from(data, position)
        if first & 0xC0 != _VERSION:
            raise RtcpError("rtcp_version")
        end = position + 4 + 4 * words
        if end > len(data):
            raise RtcpError("rtcp_truncated")
        body = data[position + 4 : end - _padding(data, position, end)]
        if kind in _PARSERS:
            packets += _PARSERS[kind](first & 0x1F, body)
        position = end
    if not data:
        raise RtcpError("rtcp_truncated")
    return packets


def ntp(unix_s: float) -> int:
    """A time of day as 64-bit NTP: seconds since 1900 and their binary fraction."""
    return int((unix_s + NTP_EPOCH_S) * 2**32) & 0xFFFFFFFFFFFFFFFF


def compact(ntp_time: int) -> int:
    """The middle 32 bits of an NTP time, which reports refer to it by."""
    return ntp_time >> 16 & 0xFFFFFFFF


def delay(seconds: float) -> int:
    """A span in 1/65536 s, as DLSR wants it."""
    return min(max(round(seconds * 65536), 0), 0xFFFFFFFF)


def round_trip_s(now_ntp: int, block: ReportBlock) -> float | None:
    """The round trip that a block about us proves; None when the peer had not heard a report of ours yet (§6.4.1)."""
    if not block.last_sender_report:
        return None
    span = (compact(now_ntp) - block.last_sender_report - block.delay_since_last) & 0xFFFFFFFF
    return span / 65536 if span < 0x80000000 else 0.0  # clocks of 15 microseconds may make nothing a little less


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(_VERSION | count, kind, len(body) // 4) + body


def _blocks(reports: tuple[ReportBlock, ...]) -> bytes:
    return b"".join([block.encode() for block in reports])


def _padding(data: bytes, position: int, end: int) -> int:
    if not data[position] & _PADDING:
        return 0
    count = data[end - 1]
    if not 0 < count <= end - position - 4:
        raise RtcpError("rtcp_padding")
    return count


def _sender_report(count: int, body: bytes) -> list[RtcpPacket]:
    _need(body, _SENDER.size + count * _BLOCK.size)
    ssrc, ntp_time, rtp_timestamp, packets_sent, bytes_sent = _SENDER.unpack_from(body)
    blocks = _parse_blocks(body, _SENDER.size, count)
    return [SenderReport(ssrc, ntp_time, rtp_timestamp, packets_sent, bytes_sent, blocks)]


def _receiver_report(count: int, body: bytes) -> list[RtcpPacket]:
    _need(body, _SSRC.size + count * _BLOCK.size)
    (ssrc,) = _SSRC.unpack_from(body)
    return [ReceiverReport(ssrc, _parse_blocks(body, _SSRC.size, count))]


def _parse_blocks(body: bytes, position: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for _ in range(count):
        ssrc, loss, *rest = _BLOCK.unpack_from(body, position)
        lost = (loss & 0xFFFFFF ^ 0x800000) - 0x800000
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, *rest))
        position += _BLOCK.size
    return tuple(blocks)


def _source_description(count: int, body: bytes) -> list[RtcpPacket]:
    """One value a chunk; items other than CNAME are passed over."""
    found: list[RtcpPacket] = []
    position = 0
    for _ in range(count):
        _need(body, position + _SSRC.size)
        (ssrc,) = _SSRC.unpack_from(body, position)
        position, cname = _items(body, position + _SSRC.size)
        found.append(SourceDescription(ssrc, cname))
    return found


def _items(body: bytes, position: int) -> tuple[int, str]:
    """Where the chunk ends, and its CNAME."""
    cname = ""
    while True:
        _need(body, position + 1)
        if body[position] == 0:
            return (position + 4) // 4 * 4, cname
        _need(body, position + 2)
        end = position + 2 + body[position + 1]
        _need(body, end)
        if body[position] == CNAME:
            cname = body[position + 2 : end].decode("utf-8", "replace")
        position = end


def _goodbye(count: int, body: bytes) -> list[RtcpPacket]:
    _need(body, 4 * count)
    sources, rest = struct.unpack_from(f"!{count}I", body), body[4 * count :]
    if rest:
        _need(rest, 1 + rest[0])
    reason = rest[1 : 1 + rest[0]] if rest else b""
    return [Goodbye(sources, reason.decode("utf-8", "replace"))]


def _need(body: bytes, size: int) -> None:
    if len(body) < size:
        raise RtcpError("rtcp_malformed")


_PARSERS = {
    SENDER_REPORT: _sender_report,
    RECEIVER_REPORT: _receiver_report,
    SOURCE_DESCRIPTION: _source_description,
    GOODBYE: _goodbye,
}
