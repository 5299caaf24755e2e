"""The settings of the media engine: plain values, checked once.

The switch fills them from its configuration; tests build them by hand.
"""

from dataclasses import dataclass
from pathlib import Path

from media.errors import MediaSettingsError
from media.sdes import Encryption

CODECS = ("PCMU", "PCMA")
DTMF_WAYS = ("auto", "rfc4733", "inband")
ENCRYPTIONS = ("off", "offered", "required")


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """How the media engine listens, mixes and plays. All times carry their unit in the name."""

    address: str = "127.0.0.1"  #: the address RTP sockets are bound to
    advertised_address: str | None = None  #: the address peers are told, when it differs (NAT)
    ports: tuple[int, int] = (10000, 29999)  #: first and last UDP port, RTP on the even ones and RTCP above
    codecs: tuple[str, ...] = CODECS  #: in order of preference
    dtmf: str = "auto"  #: "rfc4733", "inband", or "auto": RFC 4733 where agreed, tones otherwise
    encryption: Encryption = "off"  #: SRTP: refused; taken and offered; or nothing else agreed on
    silence_timeout_s: float = 10.0  #: no RTP for so long gives `RtpSilent`
    realtime: bool = True  #: ask the kernel for SCHED_FIFO; said once when it refuses
    prompts: tuple[Path, ...] = ()  #: folders searched for prompts before the shipped ones
    language: str = "en_US"  #: the folder of the prompts' language
    loudest_talkers: int = 8  #: how many members of a room are mixed at once
    source_cache_s: int = 7200  #: how many seconds of decoded prompts and files are kept ready to play

    def __post_init__(self) -> None:
        low, high = self.ports
        if not 1 <= low < high <= 65535:
            raise MediaSettingsError("ports", f"{low}-{high} is no range of UDP ports (1-65535)")
        if self.dtmf not in DTMF_WAYS:
            raise MediaSettingsError("dtmf", f"{self.dtmf!r} is none of {', '.join(DTMF_WAYS)}")
        if self.encryption not in ENCRYPTIONS:
            raise MediaSettingsError("encryption", f"{self.encryption!r} is none of {', '.join(ENCRYPTIONS)}")
        unknown = set(self.codecs) - set(CODECS)
        if unknown or not self.codecs:
            raise MediaSettingsError("codecs", f"{sorted(unknown)} not among {', '.join(CODECS)}")
        if not 1 <= self.loudest_talkers <= 32:
            raise MediaSettingsError("loudest_talkers", "from 1 to 32")

    @property
    def port_pairs(self) -> int:
        """How many streams the port range can carry."""
        first_even = self.ports[0] + self.ports[0] % 2
        return max(0, (self.ports[1] + 1 - first_even) // 2)
