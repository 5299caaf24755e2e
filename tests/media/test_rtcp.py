"""RTCP, read by an independent implementation and by our own."""

import pytest
from aiortc import rtp as other

from media.rtp import rtcp
from media.rtp.rtcp import Goodbye, ReceiverReport, ReportBlock, RtcpError, SenderReport, SourceDescription

BLOCK = ReportBlock(0x11223344, 64, -5, 0x0001FFFF, 160, 0xAABBCCDD, 65536)
SENDER = SenderReport(0xCAFEBABE, 0xE1E2E3E4E5E6E7E8, 160_000, 1000, 160_000, (BLOCK,))


@pytest.mark.parametrize(
    "packets",
    [
        (SENDER, SourceDescription(0xCAFEBABE, "switch@192.0.2.1")),
        (ReceiverReport(1), SourceDescription(1, "x"), Goodbye((1,), "bye bye")),
        (ReceiverReport(1, (BLOCK,) * 31), Goodbye((1, 2, 3))),
        (Goodbye(()),),
        (SourceDescription(5, ""),),
        (SourceDescription(5, "é" * 100),),
    ],
)
def test_packets_survive_the_wire(packets):
    data = rtcp.compound(*packets)
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == list(packets)


def test_another_implementation_reads_what_we_write():
    data = rtcp.compound(SENDER, SourceDescription(0xCAFEBABE, "me"), Goodbye((0xCAFEBABE,)))
    report, description, goodbye = other.RtcpPacket.parse(data)
    assert (report.ssrc, report.sender_info.ntp_timestamp, report.sender_info.rtp_timestamp) == (
        SENDER.ssrc,
        SENDER.ntp,
        SENDER.rtp_timestamp,
    )
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (1000, 160_000)
    (block,) = report.reports
    assert (block.ssrc, block.fraction_lost, block.packets_lost) == (BLOCK.ssrc, 64, -5)
    assert (block.highest_sequence, block.jitter, block.lsr, block.dlsr) == (0x0001FFFF, 160, 0xAABBCCDD, 65536)
    assert description.chunks[0].items == [(1, b"me")]
    assert goodbye.sources == [0xCAFEBABE]


def test_we_read_what_another_implementation_writes():
    info = other.RtcpReceiverInfo(7, 8, 9, 10, 11, 12, 13)
    name = other.RtcpSourceInfo(ssrc=6, items=[(2, b"A Name"), (1, b"cname@host"), (6, b"tool")])
    data = bytes(other.RtcpRrPacket(ssrc=6, reports=[info])) + bytes(other.RtcpSdesPacket(chunks=[name, name]))
    assert rtcp.parse(data) == [
        ReceiverReport(6, (ReportBlock(7, 8, 9, 10, 11, 12, 13),)),
        SourceDescription(6, "cname@host"),
        SourceDescription(6, "cname@host"),
    ]


def test_what_we_do_not_know_is_passed_over():
    feedback = bytes(other.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2))
    assert rtcp.parse(feedback + ReceiverReport(1).encode()) == [ReceiverReport(1)]


def test_padding_is_taken_off():
    padded = bytes((0xA0, 201, 0, 2)) + bytes((0, 0, 0, 1, 0, 0, 0, 4))
    assert rtcp.parse(ReceiverReport(9).encode() + padded) == [ReceiverReport(9), ReceiverReport(1)]


@pytest.mark.parametrize(
    ("data", "drop"),
    [
        (b"", "rtcp_truncated"),
        (b"\x80\xc9", "rtcp_truncated"),
        (b"\x80\xc9\x00\x05" + bytes(4), "rtcp_truncated"),
        (b"\x40\xc9\x00\x00", "rtcp_version"),
        (b"\x80\xc9\x00\x00", "rtcp_malformed"),
        (b"\x81\xc9\x00\x01" + bytes(4), "rtcp_malformed"),
        (b"\x80\xc8\x00\x01" + bytes(4), "rtcp_malformed"),
        (b"\x81\xca\x00\x02" + bytes(4) + b"\x01\x09ab", "rtcp_malformed"),
        (b"\x81\xca\x00\x02" + bytes(4) + b"\x01\x02ab", "rtcp_malformed"),
        (b"\x82\xcb\x00\x01" + bytes(4), "rtcp_malformed"),
        (b"\x81\xcb\x00\x02" + bytes(4) + b"\x09bye", "rtcp_malformed"),
        (b"\xa0\xc9\x00\x01" + bytes(4), "rtcp_padding"),
        (b"\xa0\xc9\x00\x01" + b"\x00\x00\x00\x09", "rtcp_padding"),
        (ReceiverReport(1).encode() + b"\x00", "rtcp_truncated"),
    ],
)
def test_what_is_no_rtcp_is_dropped_by_name(data, drop):
    with pytest.raises(RtcpError) as caught:
        rtcp.parse(data)
    assert caught.value.drop == drop


def test_the_count_of_lost_packets_stays_in_its_24_bits():
    for lost, said in ((2**30, 0x7FFFFF), (-(2**30), -0x800000), (-1, -1)):
        (report,) = rtcp.parse(ReceiverReport(1, (ReportBlock(1, packets_lost=lost),)).encode())
        assert report.reports[0].packets_lost == said


def test_counters_wrap_and_do_not_break():
    (report,) = rtcp.parse(SenderReport(1, 2, 3, 2**32 + 5, 2**32 + 6).encode())
    assert (report.packets_sent, report.bytes_sent) == (5, 6)


def test_ntp_counts_from_1900():
    assert rtcp.ntp(0.0) == 2_208_988_800 << 32
    assert rtcp.ntp(0.5) & 0xFFFFFFFF == 1 << 31
    assert rtcp.compact(0x1111222233334444) == 0x22223333


@pytest.mark.parametrize("start_s", [1.8e9, 2_085_978_496.0 - 0.05])  # the second one crosses the end of the NTP era
def test_the_round_trip_is_what_is_left_of_the_time_after_the_peer_s_delay(start_s):
    sent = rtcp.ntp(start_s)
    block = ReportBlock(1, last_sender_report=rtcp.compact(sent), delay_since_last=rtcp.delay(3.0))
    assert rtcp.round_trip_s(rtcp.ntp(start_s + 3.0 + 0.120), block) == pytest.approx(0.120, abs=1e-4)


def test_no_round_trip_without_a_report_and_none_below_nothing():
    assert rtcp.round_trip_s(rtcp.ntp(5.0), ReportBlock(1)) is None
    early = ReportBlock(1, last_sender_report=rtcp.compact(rtcp.ntp(5.0)), delay_since_last=10)
    assert rtcp.round_trip_s(rtcp.ntp(5.0), early) == 0.0
    assert rtcp.delay(-1.0) == 0
