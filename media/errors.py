"""What can go wrong at the door of `media`; every error says whose fault it is.

`MediaError` is the family, so that a caller who does not care may catch one name.
"""

from pathlib import Path


class MediaError(Exception):
    """Anything the media engine refuses to do."""


class NegotiationError(MediaError):
    """The peer's session description has nothing in common with us (488 in SIP)."""


class NoPortFree(MediaError):  # noqa: N818  reads as the sentence it is
    """Every RTP port of the range is taken, or the system opens none (503 in SIP)."""


class SourceNotFound(MediaError):  # noqa: N818
    """A prompt or file that does not exist, or that holds no audio we can read."""

    def __init__(self, source: object, searched: tuple[Path, ...] = ()) -> None:
        self.source, self.searched = source, searched
        where = f" (searched {', '.join(map(str, searched))})" if searched else ""
        super().__init__(f"no audio for {source}{where}")


class MediaSettingsError(MediaError):
    """A setting out of range; names the setting and what is accepted."""

    def __init__(self, setting: str, problem: str) -> None:
        self.setting = setting
        super().__init__(f"{setting}: {problem}")
