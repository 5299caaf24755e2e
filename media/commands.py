"""What travels on the control socket between the signalling process and a worker.

Each is a tagged msgspec struct, packed with msgpack; a datagram carries a list of them. File descriptors (sockets)
travel beside the datagram, in the order in which its `Open` commands name them. Rooms, rows and players are small
numbers given out by the signalling process; `Told` carries the worker's events back.
"""

from __future__ import annotations

import msgspec

from media import events


class _Command(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Something the worker shall do."""


class Start(_Command, frozen=True, tag=True, array_like=True):
    """The first one: take the table and the sources (two descriptors), build everything, wait for `Go`."""

    rows: int
    players: int
    source_frames: int
    loudest_talkers: int
    silence_timeout_s: float
    realtime: bool


class Go(_Command, frozen=True, tag=True, array_like=True):
    """Begin to tick."""


class Open(_Command, frozen=True, tag=True, array_like=True):
    """A row comes to life with two descriptors, RTP and RTCP. `serial` tells this life from others of the row."""

    row: int
    serial: int


class Srtp(msgspec.Struct, frozen=True, array_like=True):
    """The keys of a row, each master key and salt; `suite` is a name of `media.sdes`. They show in no `repr`."""

    suite: str
    send_key: bytes
    receive_key: bytes

    def __repr__(self) -> str:
        return f"Srtp({self.suite})"


class Agree(_Command, frozen=True, tag=True, array_like=True):
    """What offer and answer agreed for a row. Payload types of -1 mean "not agreed"; laws are 0 (mu) and 1 (A).

    An empty `host` is hold by `0.0.0.0`: the peer has no address, neither for audio nor for reports.

    `receive_types` are pairs of payload type and law, the usual one first.
    """

    row: int
    send_law: int
    send_type: int
    receive_types: tuple[tuple[int, int], ...]
    event_send_type: int
    event_receive_types: tuple[int, ...]
    comfort_noise_type: int
    ptime_ms: int
    host: str
    port: int
    rtcp_host: str
    rtcp_port: int
    rtcp_mux: bool
    sends: bool
    receives: bool
    inband_digits: bool
    relatch: bool
    srtp: Srtp | None = None


class Place(_Command, frozen=True, tag=True, array_like=True):
    """Which room a row hears and which it speaks in (0: none), and how loud its speech is mixed.

    Or which row it hears alone (`relays`), and nobody else hears (-1: none).
    """

    row: int
    hears: int
    speaks: int
    gain_db: float
    relays: int = -1


class Close(_Command, frozen=True, tag=True, array_like=True):
    """The row's life ends: BYE is sent, its sockets are closed."""

    row: int


class Play(_Command, frozen=True, tag=True, array_like=True):
    """Segments (first frame, frames) of the sources, to one row or to a room. A first frame of -1 is silence.

    Numbers are used again: `serial` tells this player from earlier ones.
    """

    player: int
    serial: int
    row: int
    room: int
    segments: tuple[tuple[int, int], ...]
    repeat: bool


class StopPlaying(_Command, frozen=True, tag=True, array_like=True):
    """End a player at once."""

    player: int


class Dial(_Command, frozen=True, tag=True, array_like=True):
    """Send digits to the far end of a row: as telephone-events when agreed, else as tones."""

    row: int
    digits: str
    duration_ms: int
    gap_ms: int


class Record(_Command, frozen=True, tag=True, array_like=True):
    """Write what a room says, or what a row's far end says, into a WAV file. `append` goes on with a file."""

    recorder: int
    row: int
    room: int
    path: str
    append: bool


class StopRecording(_Command, frozen=True, tag=True, array_like=True):
    """Finish a recording; `RecordingEnded` says when the file is complete."""

    recorder: int


class CloseRoom(_Command, frozen=True, tag=True, array_like=True):
    """The room's number may be given out again."""

    room: int


class Stop(_Command, frozen=True, tag=True, array_like=True):
    """Finish the files and leave."""


Command = (
    Start | Go | Open | Agree | Place | Close | Play | StopPlaying | Dial | Record | StopRecording | CloseRoom | Stop
)


class StreamTold(_Command, frozen=True, tag=True, array_like=True):
    """An event of one row, in the life that `serial` names."""

    row: int
    serial: int
    event: (
        events.DigitPressed
        | events.TalkStarted
        | events.TalkStopped
        | events.RtpSilent
        | events.RtpResumed
        | events.SourceLatched
        | events.DigitsSent
        | events.StreamFailed
    )


class Speakers(_Command, frozen=True, tag=True, array_like=True):
    """The rows heard in a room, loudest first."""

    room: int
    rows: tuple[int, ...]


class PlayerEnded(_Command, frozen=True, tag=True, array_like=True):
    """A player came to its end (it was not stopped)."""

    player: int
    serial: int


class RecordingEnded(_Command, frozen=True, tag=True, array_like=True):
    """A file is complete, or had to be given up (`problem`)."""

    recorder: int
    problem: str


class Ready(_Command, frozen=True, tag=True, array_like=True):
    """The worker has built everything and waits for `Go` (`realtime`: with SCHED_FIFO)."""

    realtime: bool


class Said(_Command, frozen=True, tag=True, array_like=True):
    """Something for the log."""

    level: str
    text: str


Told = StreamTold | Speakers | PlayerEnded | RecordingEnded | Ready | Said
