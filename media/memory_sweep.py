"""The sweep over an in-memory network, for tests under virtual time: same interface, same behaviour, no sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from media.pool import LONGEST_BYTES, PACKET_AT, PACKET_BYTES, ROW_BYTES, Pool
from media.sweep import NOBODY, Address, Arrival


class Datagrams(Protocol):
    """A UDP port of an in-memory network."""

    def send(self, data: bytes, host: str, port: int) -> None: ...
    def receive(self) -> tuple[bytes, tuple[str, int]] | None: ...
    def close(self) -> None: ...


class Wire(Protocol):
    """An in-memory network; OSError when the port is taken."""

    def datagrams(self, host: str, port: int) -> Any: ...


@dataclass(slots=True)
class _Leg:
    rtp: Datagrams
    rtcp: Datagrams
    target: Address | None = None
    report_target: Address | None = None
    source: Address | None = None
    is_followed: bool = False
    sends: bool = False


class MemorySweep:
    """Rows over `Datagrams`; foreign packets of a locked row are lost here as the kernel would lose them."""

    def __init__(self, pool: Pool, drops: Counter[str]) -> None:
        self.lengths = np.zeros(pool.rows, np.uint8)
        self.out = np.zeros((pool.rows, ROW_BYTES), np.uint8)
        self._pool, self._drops = pool, drops
        self._legs: dict[int, _Leg] = {}
        self.behind = NOBODY

    def open(self, row: int, rtp: Datagrams, rtcp: Datagrams) -> None:
        self._legs[row] = _Leg(rtp, rtcp)

    def close(self, row: int) -> None:
        leg = self._legs.pop(row)
        self.lengths[row] = 0
        leg.rtp.close()
        leg.rtcp.close()

    def stop(self) -> None:
        for row in tuple(self._legs):
            self.close(row)

    def aim(self, row: int, rtp: Address | None, rtcp: Address | None) -> None:
        leg = self._legs[row]
        leg.target, leg.report_target = rtp, rtcp

    def lock(self, row: int, source: Address) -> None:
        self._legs[row].source = tuple(source[:2])

    def unlock(self, row: int) -> None:
        self._legs[row].source = None
        self.watch(row)

    def locked_source(self, row: int) -> Address | None:
        return self._legs[row].source

    def follow(self, row: int) -> None:
        self._legs[row].is_followed = True

    def watch(self, row: int) -> None:
        self._legs[row].is_followed = False
        self.lengths[row] = 0

    def set_sending(self, row: int, sends: bool) -> None:
        self._legs[row].sends = sends

    def sweep(self, missed_ticks: int = 0) -> list[tuple[int, bytes]]:  # noqa: ARG002  as the interface has it
        self.behind = np.array([row for row, leg in self._legs.items() if leg.is_followed], np.intp)
        self.sweep_again()
        return []

    def sweep_again(self) -> None:
        self.lengths[:] = 0
        for row in self.behind.tolist():
            data = self._packet(self._legs[row])
            whole = data[:LONGEST_BYTES]  # cut off as `recv_into` would
            self._pool.packet(row)[: len(whole)] = whole
            self.lengths[row] = len(whole)
        self.behind = self.behind[self.lengths[self.behind] > 0]

    def expect_more(self, row: int) -> None:
        """All rows are read until nothing is left anyway."""

    def watched(self) -> Iterator[Arrival]:
        for row, leg in list(self._legs.items()):
            while not leg.is_followed and (arrived := leg.rtp.receive()) is not None:
                if leg.source is None or tuple(arrived[1]) == leg.source:
                    yield row, *arrived

    def reports(self) -> Iterator[Arrival]:
        for row, leg in list(self._legs.items()):
            while (arrived := leg.rtcp.receive()) is not None:
                yield row, *arrived

    def emit(self) -> None:
        for row, leg in self._legs.items():
            if leg.sends:
                self.emit_packet(row, self.out[row, PACKET_AT : PACKET_AT + PACKET_BYTES].tobytes())

    def emit_packet(self, row: int, packet: bytes) -> None:
        leg = self._legs[row]
        target = leg.source or leg.target
        if target is not None:
            leg.rtp.send(packet, *target[:2])

    def emit_report(self, row: int, packet: bytes) -> None:
        leg = self._legs[row]
        if leg.report_target is not None:
            leg.rtcp.send(packet, *leg.report_target[:2])
        elif leg.target is not None:
            self.emit_packet(row, packet)

    def _packet(self, leg: _Leg) -> bytes:
        """The next one of a followed row; empty when there is none."""
        while leg.is_followed and (arrived := leg.rtp.receive()) is not None:
            if tuple(arrived[1]) == leg.source:
                return arrived[0]
        return b""
