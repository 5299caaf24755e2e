"""Packets of 10, 30, 40, 60 ms (or any length) of a peer become frames of 20 ms. One object a row that needs it."""

from collections.abc import Iterator

from media.pool import FRAME_SAMPLES

LONGEST_PAYLOAD_BYTES = 8 * FRAME_SAMPLES
USUAL_PACKETS = 50  # of exactly one frame in a row: then the row needs no rechunking any more


class Rechunker:
    """Collects payload (a byte a sample) until frames are full; a gap in the timestamps drops the unfinished frame."""

    __slots__ = ("_next_timestamp", "_rest", "_usual_packets")

    def __init__(self) -> None:
        self._rest = b""
        self._next_timestamp = 0
        self._usual_packets = 0

    def push(self, timestamp: int, payload: bytes) -> Iterator[tuple[int, bytes]]:
        """The frames that the payload completes, each with its timestamp."""
        payload = payload[:LONGEST_PAYLOAD_BYTES]
        self._usual_packets = self._usual_packets + 1 if len(payload) == FRAME_SAMPLES else 0
        if timestamp != self._next_timestamp:
            self._rest = b""
        self._next_timestamp = (timestamp + len(payload)) & 0xFFFFFFFF
        start = timestamp - len(self._rest)
        audio = self._rest + payload
        whole = len(audio) - len(audio) % FRAME_SAMPLES
        self._rest = audio[whole:]
        for offset in range(0, whole, FRAME_SAMPLES):
            yield (start + offset) & 0xFFFFFFFF, audio[offset : offset + FRAME_SAMPLES]

    @property
    def is_needless(self) -> bool:
        """The peer has come back to packets of one frame."""
        return self._usual_packets >= USUAL_PACKETS and not self._rest
