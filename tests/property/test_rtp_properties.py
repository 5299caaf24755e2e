"""RTP and RTCP: one sentence per property. Any bytes give packets or a named drop; what we write we read."""

import contextlib

from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.dtmf.events import EventReceiver
from media.rtp import rtcp
from media.rtp.packet import Packet

U16, U32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
PACKETS = st.builds(
    Packet,
    payload_type=st.integers(0, 127),
    sequence=U16,
    timestamp=U32,
    ssrc=U32,
    payload=st.binary(min_size=1, max_size=320),
    marker=st.booleans(),
    contributors=st.lists(U32, max_size=15).map(tuple),
    extension=st.none() | st.tuples(U16, st.binary(max_size=40).map(lambda data: data + bytes(-len(data) % 4))),
    padding_bytes=st.integers(0, 255),
)
BLOCKS = st.builds(rtcp.ReportBlock, U32, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), U32, U32, U32, U32)
REPORTS = st.lists(BLOCKS, max_size=31).map(tuple)
NAMES = st.text(st.characters(codec="utf-8"), max_size=60)
RTCP = st.lists(
    st.builds(rtcp.SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, REPORTS)
    | st.builds(rtcp.ReceiverReport, U32, REPORTS)
    | st.builds(rtcp.SourceDescription, U32, NAMES)
    | st.builds(rtcp.Goodbye, st.lists(U32, max_size=31).map(tuple), NAMES),
    min_size=1,
    max_size=6,
)


@given(st.binary(max_size=100) | st.binary(max_size=60).map(b"\x90".__add__))
def test_any_bytes_are_an_rtp_packet_or_none(data):
    packet = Packet.parse(data)
    assert packet is None or Packet.parse(packet.encode()) == packet


@given(PACKETS)
def test_rtp_packets_survive_the_wire_and_others_read_them(packet):
    data = packet.encode()
    assert Packet.parse(data) == packet
    theirs = RtpPacket.parse(data)
    assert (theirs.sequence_number, theirs.timestamp, theirs.ssrc) == (packet.sequence, packet.timestamp, packet.ssrc)
    assert (theirs.payload, theirs.csrc, theirs.marker) == (packet.payload, list(packet.contributors), packet.marker)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(b"\x81\xca\x00\x05".__add__))
def test_any_bytes_are_rtcp_packets_or_a_named_drop(data):
    with contextlib.suppress(rtcp.RtcpError):
        packets = rtcp.parse(data)
        assert len(rtcp.compound(*packets)) % 4 == 0


@given(RTCP)
def test_rtcp_packets_survive_the_wire(packets):
    assert rtcp.parse(rtcp.compound(*packets)) == packets


@given(st.lists(st.tuples(st.binary(max_size=8), U32, U16, st.booleans(), st.integers(0, 500)), max_size=40))
def test_any_stream_of_telephone_events_gives_keys_with_sane_durations(packets):
    receiver, now = EventReceiver(), 0.0
    for payload, timestamp, sequence, marker, later_ms in packets:
        now += later_ms / 1000
        for key in receiver.receive(payload, timestamp, sequence, marker, now) + receiver.expire(now):
            assert key.digit in "0123456789*#ABCD"
            assert key.duration_samples >= 0
