"""Where packets lie: planes of rows, filled by the sweep, read in place by everybody else; nothing is copied on receive.

A row has 192 bytes, the packet starts at byte 4, so the payload starts at 16 and can be read as 64-bit words. Each tick
fills the next plane, and a plane comes round again after `PLANES` ticks: what the jitter buffer holds must be played by
then. A slot is the number of a row of the pool, over all planes. The first half of a plane belongs to the rows of the
streams table, one packet each; the second half takes further packets of the same tick, in order of arrival.
"""

import numpy as np

ROW_BYTES = 192
PACKET_AT = 4
PAYLOAD_AT = 16
FRAME_SAMPLES = 160  # 20 ms at 8 kHz: 160 bytes of G.711
HEADER_BYTES = 12
PACKET_BYTES = HEADER_BYTES + FRAME_SAMPLES
LONGEST_BYTES = ROW_BYTES - PACKET_AT
PLANES = 16
NO_SLOT = -1


class Pool:
    """The memory of `PLANES` ticks for up to `rows` streams; pages are taken when first touched."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.slots_a_plane = 2 * rows
        self.bytes = np.zeros((PLANES * self.slots_a_plane, ROW_BYTES), np.uint8)
        self.words = self.bytes.view(np.uint64)
        self.payload = self.bytes[:, PAYLOAD_AT : PAYLOAD_AT + FRAME_SAMPLES]
        self.payload_words = self.words[:, 2:22]
        self.first_word = self.bytes[:, 4:6].view(np.uint16)[:, 0]  # as it lies there: version, marker, payload type
        self.sequence = self.bytes[:, 6:8].view(">u2")[:, 0]
        self.timestamp = self.bytes[:, 8:12].view(">u4")[:, 0]
        self.ssrc = self.bytes[:, 12:16].view(">u4")[:, 0]
        self._memory = memoryview(self.bytes.reshape(-1))

    def packet(self, slot: int) -> memoryview:
        """Where the packet of a slot is written to."""
        start = slot * ROW_BYTES + PACKET_AT
        return self._memory[start : start + LONGEST_BYTES]

    def slot(self, plane: int, row: int) -> int:
        return plane * self.slots_a_plane + row

    def spare_slot(self, plane: int, number: int) -> int:
        """The slot of the plane's `number`th further packet."""
        return plane * self.slots_a_plane + self.rows + number
