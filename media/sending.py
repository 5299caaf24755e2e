"""From frames to packets on the way: headers of all rows at once, and the few rows that send something else.

A row sends a packet of 20 ms each tick, unless its peer asked for another packet time or we dial: such rows are taken
out of the common `emit` and their packets are put together one by one, under the same sequence numbers and timestamps.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from media.commands import Dial
from media.dialing import Dialing
from media.pool import FRAME_SAMPLES, PAYLOAD_AT, HeaderNumbers, header_words
from media.rows import NOT_AGREED, Rows
from media.rtp.packet import VERSION
from media.streams import StreamColumns
from media.sweep import Sweep

HEADER = struct.Struct("!BBHII")
MARKER = 0x80
FRAME_MS = 20


@dataclass(slots=True)
class _Repacketing:
    """A peer with another packet time: samples wait until a packet is full."""

    packet_samples: int
    timestamp: int
    waiting: bytearray = field(default_factory=bytearray)


class Sender:
    """The rows' sending side; `out` of the sweep holds one packet a row."""

    def __init__(self, rows: Rows, streams: StreamColumns, sweep: Sweep, counts: Counter[str]) -> None:
        self._rows, self._streams, self._sweep, self._counts = rows, streams, sweep, counts
        self.on_dialled: Callable[[int], None]
        self._headers = HeaderNumbers(rows.length)
        self._out_words = header_words(sweep.out)
        self._types = np.zeros(rows.length, np.uint64)  # version and payload type where the header has them
        self._packets = np.zeros(rows.length, np.uint32)  # 1 for each row that `emit` sends
        self._packets_16 = np.zeros(rows.length, np.uint16)  # the same, to be added to sequence numbers
        self._bytes = np.zeros(rows.length, np.uint32)
        self._in_common: set[int] = set()  # those rows
        self._repacketing: dict[int, _Repacketing] = {}
        self.dialing = Dialing()

    def configure(self, row: int) -> None:
        """After a command changed whether, or in which packet time, the row sends."""
        agreed = self._rows.legs[row].agreed
        sends = bool(self._rows.sends[row])
        packet_ms = FRAME_MS if agreed is None else agreed.ptime_ms
        self._types[row] = (VERSION << 8 | (0 if agreed is None else agreed.send_type)) << 16
        self._headers.second[row] = self._streams.out_ssrc[row]
        if packet_ms == FRAME_MS or not sends:
            self._repacketing.pop(row, None)
        elif row not in self._repacketing or self._repacketing[row].packet_samples != 8 * packet_ms:
            self._repacketing[row] = _Repacketing(8 * packet_ms, int(self._streams.out_timestamp[row]))
        self._join_or_leave(row)

    def close(self, row: int) -> None:
        self._repacketing.pop(row, None)
        self.dialing.stop(row)
        self._set_common(row, False)

    def send(self, missed_ticks: int) -> None:
        """Sends what lies in `out`, and moves every row's clock on."""
        n, streams, headers = self._rows.n, self._streams, self._headers
        np.bitwise_or(self._types[:n], streams.out_sequence[:n], out=headers.first[:n])
        headers.timestamp[:n] = streams.out_timestamp[:n]
        headers.write(self._out_words, n)
        self._sweep.emit()
        streams.out_sequence[:n] += self._packets_16[:n]
        streams.sent_packets[:n] += self._packets[:n]
        streams.sent_bytes[:n] += self._bytes[:n]
        self._counts["sent_packets"] += len(self._in_common)
        if self._repacketing:
            self._repacket()
        if self.dialing:
            self._dial()
        streams.out_timestamp[:n] += np.uint32(FRAME_SAMPLES * (1 + missed_ticks) & 0xFFFFFFFF)

    def _join_or_leave(self, row: int) -> None:
        common = bool(self._rows.sends[row]) and row not in self._repacketing and row not in self.dialing
        self._set_common(row, common)
        self._sweep.set_sending(row, common)

    def _set_common(self, row: int, is_common: bool) -> None:
        self._packets[row] = self._packets_16[row] = is_common
        self._bytes[row] = FRAME_SAMPLES * is_common
        (self._in_common.add if is_common else self._in_common.discard)(row)

    def _repacket(self) -> None:
        for row, state in self._repacketing.items():
            if row in self.dialing:
                state.waiting.clear()
                continue
            if not state.waiting:
                state.timestamp = int(self._streams.out_timestamp[row])
            state.waiting += self._sweep.out[row, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES].tobytes()
            while len(state.waiting) >= state.packet_samples:
                payload = bytes(state.waiting[: state.packet_samples])
                del state.waiting[: state.packet_samples]
                agreed = self._rows.legs[row].agreed
                if agreed is not None:
                    self._packet(row, agreed.send_type, False, state.timestamp, payload)
                state.timestamp = (state.timestamp + state.packet_samples) & 0xFFFFFFFF

    def dial(self, command: Dial) -> None:
        """Telephone-events or tones, as agreed."""
        agreed = self._rows.legs[command.row].agreed
        if agreed is not None:
            as_events = agreed.event_send_type != NOT_AGREED
            self.dialing.start(command, as_events=as_events, law=agreed.send_law)
            self._join_or_leave(command.row)

    def _dial(self) -> None:
        """Rows that dial send packets of 20 ms one by one: an event, or what lies in `out`."""
        for row in self.dialing.rows():
            agreed = self._rows.legs[row].agreed
            timestamp = int(self._streams.out_timestamp[row])
            event = self.dialing.packet(row, timestamp)
            if agreed is None or not agreed.sends:
                continue
            if event is not None:
                packet, since = event
                self._packet(row, agreed.event_send_type, packet.marker, since, packet.payload)
            else:
                audio = self._sweep.out[row, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES].tobytes()
                self._packet(row, agreed.send_type, False, timestamp, audio)
        for row in self.dialing.advance():
            self._join_or_leave(row)
            self.on_dialled(row)

    def _packet(self, row: int, payload_type: int, marker: bool, timestamp: int, payload: bytes) -> None:
        streams = self._streams
        header = HEADER.pack(
            VERSION,
            payload_type | (MARKER if marker else 0),
            int(streams.out_sequence[row]),
            timestamp,
            int(streams.out_ssrc[row]),
        )
        self._sweep.emit_packet(row, header + payload)
        self._counts["sent_packets"] += 1
        streams.out_sequence[row] = (int(streams.out_sequence[row]) + 1) & 0xFFFF
        streams.sent_packets[row] += 1
        streams.sent_bytes[row] = (int(streams.sent_bytes[row]) + len(payload)) & 0xFFFFFFFF
