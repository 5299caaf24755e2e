"""The streams table: one row a leg, one numpy array a column, all laid over one piece of shared memory.

The worker is the only writer while a row lives (the signalling process writes a row once, before it hands it over). The
signalling process reads statistics from it without asking, and a new worker that takes over goes on where the old one
died: same SSRC, next sequence number, next timestamp, same counts. Memory that no row has touched costs nothing, so the
table is as large as the port range allows from the start, and nothing ever has to move.

A column's name carries its unit; what has none is a count, a flag or a number of RTP. Timestamps and `_samples` count
1/8000 s. Sections: what we send (RFC 3550 5.1), what we receive (A.1, A.3, A.8), playout, reports (6.4).
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

U8 = Annotated[NDArray[np.uint8], np.uint8]
I8 = Annotated[NDArray[np.int8], np.int8]
U16 = Annotated[NDArray[np.uint16], np.uint16]
U32 = Annotated[NDArray[np.uint32], np.uint32]
I32 = Annotated[NDArray[np.int32], np.int32]
I64 = Annotated[NDArray[np.int64], np.int64]
F32 = Annotated[NDArray[np.float32], np.float32]
F64 = Annotated[NDArray[np.float64], np.float64]

ALIGNMENT_BYTES = 64


class Columns:
    """Arrays named by a subclass's annotations, laid one after another over a buffer."""

    def __init__(self, length: int, buffer: mmap.mmap, offset_bytes: int) -> None:
        self.length = length
        self._columns: list[NDArray[Any]] = []
        for name, dtype in self._layout().items():
            column = np.frombuffer(buffer, dtype, length, offset_bytes)
            setattr(self, name, column)
            self._columns.append(column)
            offset_bytes += _aligned(length * dtype.itemsize)

    def clear(self, row: int) -> None:
        """All columns of one row become zero."""
        for column in self._columns:
            column[row] = 0

    @classmethod
    def size_bytes(cls, length: int) -> int:
        return sum(_aligned(length * dtype.itemsize) for dtype in cls._layout().values())

    @classmethod
    def _layout(cls) -> dict[str, np.dtype[Any]]:
        if "_dtypes" not in cls.__dict__:
            hints = get_type_hints(cls, include_extras=True).items()
            columns = {name: np.dtype(hint.__metadata__[0]) for name, hint in hints if hasattr(hint, "__metadata__")}
            cls._dtypes = columns  # type: ignore[attr-defined]
        dtypes: dict[str, np.dtype[Any]] = cls._dtypes  # type: ignore[attr-defined]
        return dtypes


class StreamColumns(Columns):
    """One row a stream."""

    serial: U32  # the stream that lives in this row, 0 when it is free

    out_ssrc: U32  # who we are in the packets we send
    out_sequence: U16  # of the next packet we send
    out_timestamp: U32  # of the next packet we send
    sent_packets: U32
    sent_bytes: U32  # of payload

    source_is_locked: U8  # 1 once the peer's address is latched; the socket is connected to it
    in_ssrc: U32  # whom we hear
    in_is_known: U8  # 1 once a first packet has set in_ssrc and the sequence numbers
    base_sequence: I64  # the first sequence number heard
    highest_sequence: I64  # the highest, extended by the cycles (A.1)
    received_packets: U32
    duplicate_packets: U32
    late_packets: U32  # came when their frame had already been played or concealed
    foreign_packets: U32  # another source, or no RTP
    transit_samples: I32  # arrival minus timestamp of the last packet (A.8)
    jitter_samples: F32  # interarrival jitter (A.8)

    srtp_out_next: I64  # index (sequence number and rollover counter) of our next packet under keys; 0: none yet
    srtp_in_next: I64  # and behind the highest of the peer's
    srtp_in_ssrc: U32  # whom that index is of
    srtp_reports: U32  # sent under our key

    extra_frames: I8  # how many frames the jitter buffer holds back beyond the tick itself
    concealed_frames: U32
    level: U8  # of the last frame, 0 (nothing) ... 127 (full scale), 0.376 dB a step

    reported_expected: I64  # expected and received at our last report, for its fraction lost
    reported_received: I64
    sender_report_ntp: U32  # middle 32 bits of the peer's last sender report (LSR)
    sender_report_at: F64  # when it came
    round_trip_s: F32  # from the peer's LSR and DLSR; 0 while unknown
    remote_lost: I32  # packets of ours that the peer misses
    remote_loss: U8  # of the last interval, in 1/256
    remote_jitter: U32  # in samples


class PlayerColumns(Columns):
    """One row a player."""

    segment: I32  # which of its segments is playing
    played_frames: I32  # of that segment


class ClockColumns(Columns):
    """One row: when the worker was last there, and what it was doing between two ticks."""

    ticked_at: F64  # CLOCK_MONOTONIC, 0 before the first tick
    obeyed: U32  # one more than the row of the command that is being carried out; 0: none, or of no row


COUNTERS = (
    "ticks",
    "late_ticks",  # started more than half a tick after their time
    "skipped_ticks",  # their time had passed altogether
    "failed_ticks",  # raised, or a command between them did; our bug
    "tick_ns",  # CPU time of all ticks
    "receive_ns",
    "mix_ns",
    "send_ns",
    "tick_below_1_ms",
    "tick_below_2_ms",
    "tick_below_5_ms",
    "tick_below_10_ms",
    "tick_below_20_ms",
    "tick_above_20_ms",
    "received_packets",  # the usual way
    "single_packets",  # one by one
    "sent_packets",
    "concealed_frames",
    "late_packets",
    "duplicate_packets",
    "reordered_packets",
    "sequence_jumps",
    "timestamp_jumps",
    "ssrc_changes",
    "frames_inserted",
    "frames_skipped",
    "payload_type_switches",
    "sources_latched",
    "drop_too_short",
    "drop_wrong_version",
    "drop_malformed",
    "drop_foreign_source",
    "drop_unknown_payload_type",
    "drop_not_agreed",
    "drop_rtcp_malformed",
    "drop_srtp_not_authentic",
    "drop_srtp_replayed",
    "srtp_not_sealed",  # our bug
    "drop_overload",
    "peer_unreachable",  # its port is closed, or there is no way to it
    "send_would_block",
    "reports_sent",
    "reports_received",
    "events_dropped",
    "recording_frames_dropped",
)


class CounterColumns(Columns):
    """One row a counter of `COUNTERS`."""

    value: I64


class Table:
    """The shared memory and the columns over it."""

    def __init__(self, rows: int, players: int, descriptor: int | None = None) -> None:
        """Makes a new one, or with `descriptor` sees the one another process made. Keeps the descriptor."""
        size = (
            CounterColumns.size_bytes(len(COUNTERS))
            + StreamColumns.size_bytes(rows)
            + PlayerColumns.size_bytes(players)
            + ClockColumns.size_bytes(1)
        )
        self.descriptor = shared_memory("softswitch-streams", size) if descriptor is None else descriptor
        memory = mmap.mmap(self.descriptor, size)
        self.counters = CounterColumns(len(COUNTERS), memory, 0)
        offset = CounterColumns.size_bytes(len(COUNTERS))
        self.streams = StreamColumns(rows, memory, offset)
        offset += StreamColumns.size_bytes(rows)
        self.players = PlayerColumns(players, memory, offset)
        self.clock = ClockColumns(1, memory, offset + PlayerColumns.size_bytes(players))

    def count(self, name: str, by: int = 1) -> None:
        self.counters.value[_COUNTER_ROW[name]] += by

    def counts(self) -> dict[str, int]:
        return dict(zip(COUNTERS, self.counters.value.tolist(), strict=True))

    def close(self) -> None:
        os.close(self.descriptor)


def shared_memory(name: str, size_bytes: int) -> int:
    """A descriptor of memory that processes can share; pages are taken when first touched."""
    descriptor = os.memfd_create(name) if hasattr(os, "memfd_create") else _unlinked_file(name)
    os.ftruncate(descriptor, size_bytes)
    return descriptor


def _unlinked_file(name: str) -> int:
    """Where the system has no memfd (macOS)."""
    descriptor, path = tempfile.mkstemp(prefix=name)
    Path(path).unlink()
    return descriptor


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


_COUNTER_ROW = {name: row for row, name in enumerate(COUNTERS)}
