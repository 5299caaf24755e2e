"""What can go wrong in media, as its caller sees it.

Every error that leaves the door (`media/__init__.py`) is a `MediaError`; anything else is our bug. Bytes from the peer that make
no sense raise `SdpError` inside and reach the caller as the `NegotiationError` they lead to, or become a counted drop.
"""

from pathlib import Path


class MediaError(Exception):
    """Any failure of the media plane that a caller can do something about."""


class NegotiationError(MediaError):
    """The offer or answer leaves nothing to talk with: no common codec, no usable address (SIP answers 488)."""


class NoPortFree(MediaError):  # noqa: N818 - reads as the condition it is
    """The whole port range is taken (SIP answers 503)."""


class SourceNotFound(MediaError):  # noqa: N818 - reads as the condition it is
    """A prompt or file to be played does not exist or can't be decoded."""

    def __init__(self, path: Path | str, problem: str = "not found") -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class MediaSettingsError(MediaError):
    """A media setting that can't be used: which one, and what is accepted."""

    def __init__(self, key: str, problem: str, accepted: str = "") -> None:
        super().__init__(f"{key}: {problem}" + (f" (accepted: {accepted})" if accepted else ""))
        self.key = key
        self.problem = problem
        self.accepted = accepted
