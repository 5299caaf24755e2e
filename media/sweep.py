"""How packets come in and go out, as the tick sees it. `media.socket_sweep` does it, and in tests `media.memory_sweep`.

A row is either *followed* (its source is known, locked and talks in packets of 20 ms) or *watched*: its packets are
handed out one by one with their sender, which costs nothing while nothing comes. Reports (RTCP) are always watched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Address = tuple[Any, ...]  # host, port, and for IPv6 flow and scope
Arrival = tuple[int, bytes, Address]

NOBODY = np.zeros(0, np.intp)


class Sweep(Protocol):
    """What the tick needs of the network."""

    lengths: NDArray[np.uint8]  # of the packet that each row got in this tick, 0 for none
    out: NDArray[np.uint8]  # one packet a row, sent by `emit`

    def open(self, row: int, rtp: Any, rtcp: Any) -> None:
        """The row exists; it is watched, and sends nothing."""

    def close(self, row: int) -> None: ...

    def stop(self) -> None:
        """Closes all rows."""

    def aim(self, row: int, rtp: Address | None, rtcp: Address | None) -> None:
        """Where packets go to while the source is not locked, and reports always (None: beside the audio, RFC 5761).

        Without `rtp` neither goes anywhere.
        """

    def lock(self, row: int, source: Address) -> None:
        """From now on only this source is heard, and packets go to it."""

    def unlock(self, row: int) -> None:
        """Any source may be heard again."""

    def follow(self, row: int) -> None: ...
    def watch(self, row: int) -> None: ...
    def set_sending(self, row: int, sends: bool) -> None:
        """Whether `emit` sends the row's packet."""

    def sweep(self, missed_ticks: int = 0) -> list[tuple[int, bytes]]:
        """Fills the pool's first rows and `lengths`; returns further packets of a few rows, in order of arrival."""

    behind: NDArray[np.intp]  # rows of which `sweep_again` would read the next packet: none, or many

    def sweep_again(self) -> None:
        """The next packet of the rows that are behind, over their last one; `lengths` of all others is 0."""

    def expect_more(self, row: int) -> None:
        """The row may send more than one packet a tick just now."""

    def watched(self) -> Iterator[Arrival]: ...
    def reports(self) -> Iterator[Arrival]: ...
    def emit(self) -> None: ...
    def emit_packet(self, row: int, packet: bytes) -> None: ...
    def emit_report(self, row: int, packet: bytes) -> None: ...
    def locked_source(self, row: int) -> Address | None:
        """Whom the row is locked to already, when it is taken over."""
