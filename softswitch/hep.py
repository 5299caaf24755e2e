"""HEPv3: a copy of every SIP message, and a quality report for each caller now and then, to a capture server (HOMER).

One UDP datagram each, made of chunks: vendor, type, length, value. Credentials are taken out. Sending never waits: what
the kernel does not take is counted. Off where no `[hep] address` is set. (HEP3 Network Protocol Specification, rev. 36)
"""

import ipaddress
import json
import socket
import struct
import time
from collections.abc import Callable

from softswitch.call import CallStarted, Event, LegMeasured
from softswitch.logs import without_credentials
from softswitch.sip import Peer, Transport

MAGIC = b"HEP3"
SIP, RTCP_JSON = 1, 5
IPV4, IPV6 = socket.AF_INET, 10
UDP, TCP = socket.IPPROTO_UDP, socket.IPPROTO_TCP
LARGEST_BYTES = 65_000
CALLS_REMEMBERED = 20_000
"""How many calls' Call-IDs are kept, to say of which call a quality report is."""

Address = tuple[str, int]


def packet(
    protocol: int,
    payload: bytes,
    *,
    source: Address,
    destination: Address,
    at: float,
    transport: int = UDP,
    agent: int = 0,
    password: str = "",
    correlation: str = "",
) -> bytes:
    """One HEPv3 packet; `at` is POSIX time, `protocol` one of SIP and RTCP_JSON."""
    seconds = int(at)
    chunks = [
        *_addresses(source, destination),
        _chunk(2, struct.pack("!B", transport)),
        _chunk(7, struct.pack("!H", source[1])),
        _chunk(8, struct.pack("!H", destination[1])),
        _chunk(9, struct.pack("!I", seconds)),
        _chunk(10, struct.pack("!I", int((at - seconds) * 1_000_000))),
        _chunk(11, struct.pack("!B", protocol)),
        _chunk(12, struct.pack("!I", agent)),
    ]
    if password:
        chunks.append(_chunk(14, password.encode()))
    if correlation:
        chunks.append(_chunk(17, correlation.encode("utf-8", "surrogateescape")))
    chunks.append(_chunk(15, payload))
    body = b"".join(chunks)
    return MAGIC + struct.pack("!H", len(body) + 6) + body


def _addresses(source: Address, destination: Address) -> tuple[bytes, bytes, bytes]:
    here, there = (ipaddress.ip_address(host) for host, _ in (source, destination))
    if here.version == there.version == 4:
        return _chunk(1, struct.pack("!B", IPV4)), _chunk(3, here.packed), _chunk(4, there.packed)
    return _chunk(1, struct.pack("!B", IPV6)), _chunk(5, _sixteen(here)), _chunk(6, _sixteen(there))


def _sixteen(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    return address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed


def _chunk(kind: int, value: bytes) -> bytes:
    return struct.pack("!HHH", 0, kind, 6 + len(value)) + value


class HepExporter:
    """Sends to one capture server. `trace` is for the stack, `on_event` for the events of the program."""

    def __init__(
        self,
        server: Address,
        here: Callable[[Transport], Address],
        *,
        agent: int = 0,
        password: str = "",
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`here` says where we are heard over a transport. Raises `OSError` where `server` can't be resolved."""
        self.sent = 0
        self.refused = 0
        """By our own kernel."""
        family, _, _, _, address = socket.getaddrinfo(*server, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(address)
        self._here = here
        self._agent, self._password = agent, password
        self._wall_clock = wall_clock
        self._sip_call_ids: dict[str, str] = {}

    def close(self) -> None:
        self._socket.close()

    def trace(self, direction: str, peer: Peer, data: bytes) -> None:
        """A SIP message came in or goes out (the stack's `trace`)."""
        there = (peer.host, peer.port)
        here = self._here(peer.transport)
        source, destination = (there, here) if direction == "in" else (here, there)
        transport = UDP if peer.transport is Transport.UDP else TCP
        self._send(SIP, without_credentials(data)[:LARGEST_BYTES], source, destination, transport)

    def on_event(self, event: Event) -> None:
        if type(event) is LegMeasured:
            self._report(event)
        elif type(event) is CallStarted:
            if len(self._sip_call_ids) >= CALLS_REMEMBERED:
                del self._sip_call_ids[next(iter(self._sip_call_ids))]
            self._sip_call_ids[event.call_id] = event.sip_call_id

    def _report(self, event: LegMeasured) -> None:
        """The figures in the shape of an RTCP receiver report, as capture servers draw them."""
        figures = event.figures
        block = {
            "fraction_lost": round(256 * figures["loss"]),
            "packets_lost": figures["packets_lost"],
            "ia_jitter": round(figures["jitter_ms"] * 8),
            "rtt_ms": figures["round_trip_ms"],
            "mos": figures["mos"],
        }
        sender = {"packets": figures["packets_sent"]}
        report = {"type": 200, "sender_information": sender, "report_count": 1, "report_blocks": [block]}
        here = self._here(Transport.UDP)
        self._send(RTCP_JSON, json.dumps(report).encode(), here, here, UDP, self._sip_call_ids.get(event.call_id, ""))

    def _send(
        self, protocol: int, payload: bytes, source: Address, destination: Address, transport: int, of: str = ""
    ) -> None:
        data = packet(
            protocol,
            payload,
            source=source,
            destination=destination,
            at=self._wall_clock(),
            transport=transport,
            agent=self._agent,
            password=self._password,
            correlation=of,
        )
        try:
            self._socket.send(data)
            self.sent += 1
        except OSError:
            self.refused += 1
