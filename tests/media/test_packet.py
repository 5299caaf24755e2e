"""RTP packets, read by an independent implementation and by our own."""

import pytest
from aiortc.rtp import RtpPacket

from media.rtp.packet import Packet, is_rtcp

PLAIN = Packet(0, 65535, 4294967295, 0xDEADBEEF, bytes(range(160)), marker=True)


def test_another_implementation_reads_what_we_write():
    packet = Packet(101, 7, 320, 12345, b"\x05\x0a\x00\xa0", marker=True, contributors=(1, 2, 3), padding_bytes=4)
    read = RtpPacket.parse(packet.encode())
    assert (read.payload_type, read.sequence_number, read.timestamp, read.ssrc) == (101, 7, 320, 12345)
    assert (read.payload, read.marker, read.csrc, read.padding_size) == (packet.payload, 1, [1, 2, 3], 4)


def test_we_read_what_another_implementation_writes():
    other = RtpPacket(payload_type=8, marker=1, sequence_number=9, timestamp=10, ssrc=11, payload=b"sound")
    other.csrc, other.padding_size = [4, 5], 3
    assert Packet.parse(other.serialize()) == Packet(8, 9, 10, 11, b"sound", True, (4, 5), None, 3)


@pytest.mark.parametrize(
    "packet",
    [
        PLAIN,
        Packet(13, 1, 2, 3),
        Packet(8, 1, 2, 3, b"x", extension=(0xBEDE, b"\x10\xff\x00\x00")),
        Packet(8, 1, 2, 3, b"x", extension=(0x1234, b""), contributors=tuple(range(15)), padding_bytes=255),
    ],
    ids=["plain", "no payload", "extension", "everything"],
)
def test_a_packet_survives_the_wire(packet):
    assert Packet.parse(packet.encode()) == packet


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN.encode()[:11],
        b"\x40" + PLAIN.encode()[1:],  # version 1
        b"\x8f" + PLAIN.encode()[1:20],  # fifteen contributors announced, two there
        b"\x90" + PLAIN.encode()[1:14],  # an extension cut in its header
        b"\x90" + PLAIN.encode()[1:12] + b"\x00\x00\xff\xff" + bytes(8),  # an extension longer than the packet
        b"\xa0" + PLAIN.encode()[1:12] + b"abc\x00",  # padding of no octets
        b"\xa0" + PLAIN.encode()[1:12] + b"abc\x05",  # padding longer than the payload
    ],
)
def test_lengths_that_do_not_add_up_are_no_packet(data):
    assert Packet.parse(data) is None


def test_rtcp_is_told_from_rtp_by_its_second_octet():
    assert is_rtcp(b"\x80\xc8\x00\x06")  # sender report
    assert is_rtcp(b"\x81\xcb\x00\x01")  # goodbye
    assert not is_rtcp(PLAIN.encode())
    assert not is_rtcp(b"\x80")
