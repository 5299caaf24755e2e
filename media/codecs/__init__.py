"""The codecs we speak, by their RTP encoding names (RFC 3551 §6). Each lives in a file of its own."""

from enum import StrEnum


class Codec(StrEnum):
    """An audio codec; the value is the encoding name of `a=rtpmap`, so a member compares equal to the plain string."""

    PCMU = "PCMU"
    PCMA = "PCMA"

    @property
    def payload_type(self) -> int:
        """The static RTP payload type (RFC 3551 table 4), which needs no `a=rtpmap`."""
        return _PAYLOAD_TYPES[self]

    @property
    def clock_hz(self) -> int:
        return 8000


_PAYLOAD_TYPES = {Codec.PCMU: 0, Codec.PCMA: 8}
