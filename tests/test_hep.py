"""HEPv3: packets taken apart by an independent reading of the format."""

import json
import socket
import struct
from collections.abc import Iterator

import pytest

from softswitch.call import CallStarted, LegMeasured
from softswitch.hep import RTCP_JSON, SIP, HepExporter, packet
from softswitch.sip import Peer, Transport

HERE = ("192.0.2.1", 5060)
INVITE = b"INVITE sip:a SIP/2.0\r\nCall-ID: 1\r\nAuthorization: Digest response=abc\r\n\r\n"


def chunks(data: bytes) -> dict[int, bytes]:
    """By type; the whole packet must be used up."""
    assert data[:4] == b"HEP3"
    (length,) = struct.unpack("!H", data[4:6])
    assert length == len(data)
    found, at = {}, 6
    while at < length:
        vendor, kind, size = struct.unpack("!HHH", data[at : at + 6])
        assert vendor == 0
        found[kind] = data[at + 6 : at + size]
        at += size
    assert at == length
    return found


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        it.settimeout(5)
        yield it


def exporter(server: socket.socket, **more: str) -> HepExporter:
    return HepExporter(
        server.getsockname(), lambda transport: HERE, agent=7, wall_clock=lambda: 1_800_000_000.25, **more
    )


def test_a_message_that_came_in_has_the_peer_as_source_and_no_credentials(server: socket.socket) -> None:
    it = exporter(server, password="capture")
    it.trace("in", Peer(Transport.TCP, "198.51.100.2", 40000, 5060), INVITE)
    found = chunks(server.recv(65535))
    it.close()
    assert (found[1], found[2]) == (b"\x02", b"\x06")
    assert (socket.inet_ntoa(found[3]), socket.inet_ntoa(found[4])) == ("198.51.100.2", "192.0.2.1")
    assert struct.unpack("!HH", found[7] + found[8]) == (40000, 5060)
    assert struct.unpack("!II", found[9] + found[10]) == (1_800_000_000, 250_000)
    assert (found[11], found[12], found[14]) == (bytes([SIP]), struct.pack("!I", 7), b"capture")
    assert b"Call-ID: 1\r\n" in found[15]
    assert b"abc" not in found[15]


def test_a_message_that_goes_out_has_us_as_source(server: socket.socket) -> None:
    it = exporter(server)
    it.trace("out", Peer(Transport.UDP, "198.51.100.2", 5060), b"SIP/2.0 200 OK\r\n\r\n")
    found = chunks(server.recv(65535))
    it.close()
    assert (socket.inet_ntoa(found[3]), found[2]) == ("192.0.2.1", b"\x11")
    assert 14 not in found


def test_ipv6_addresses_are_whole() -> None:
    found = chunks(packet(SIP, b"x", source=("2001:db8::1", 5060), destination=("192.0.2.1", 5060), at=0.0))
    assert found[1] == b"\x0a"
    assert socket.inet_ntop(socket.AF_INET6, found[5]) == "2001:db8::1"
    assert socket.inet_ntop(socket.AF_INET6, found[6]) == "::ffff:192.0.2.1"


def test_a_quality_report_is_tied_to_its_call(server: socket.socket) -> None:
    it = exporter(server)
    figures = {"loss": 0.5, "packets_lost": 10, "jitter_ms": 2.0, "round_trip_ms": 30.0, "mos": 2.0, "packets_sent": 20}
    it.on_event(CallStarted("12345678", 0.0, "4f@gw", "1", "2"))
    it.on_event(LegMeasured("12345678", 1.0, figures))
    found = chunks(server.recv(65535))
    it.close()
    assert (found[11], found[17]) == (bytes([RTCP_JSON]), b"4f@gw")
    (block,) = json.loads(found[15])["report_blocks"]
    assert (block["fraction_lost"], block["packets_lost"], block["ia_jitter"]) == (128, 10, 16)


def test_a_capture_server_that_is_not_there_costs_nothing_but_a_count() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        it = exporter(gone)
    for _ in range(20):
        it.trace("in", Peer(Transport.UDP, "198.51.100.2", 5060), INVITE)
    it.close()
    assert it.sent + it.refused == 20
