"""What the worker knows of each row beside the shared table: what commands have said, in the form the tick wants.

All of it can be rebuilt from the commands, so none of it is shared. Columns are as long as the table and cost nothing
until a row is used; `n` is one more than the highest open row, and the tick looks at the first n only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from media import commands

LAWS = 2
U, A = 0, 1  # the two laws of G.711, as indices of every table that has one for each
NOT_AGREED = -1
FLIP = (0x7F7F7F7F7F7F7F7F, 0x5555555555555555)  # exclusive or with it, the low 7 bits of a byte are its loudness
NOWHERE = 0
NOBODY = -1


@dataclass(slots=True)
class Leg:
    """The rarely needed side of a row: what the slow ways look up."""

    serial: int
    agreed: commands.Agree | None = None
    laws: dict[int, int] = field(default_factory=dict)  # of each payload type that may come
    receive_type: int = NOT_AGREED  # the one that comes
    placed: commands.Place | None = None


class Rows:
    """One row a stream, the same number as in the streams table."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.n = 0
        self.changes = 0  # how often anything here was changed
        self.legs: dict[int, Leg] = {}
        self.receives = np.zeros(length, np.bool_)
        self.sends = np.zeros(length, np.bool_)
        self.receive_law = np.zeros(length, np.uint8)
        self.flip = np.full((length, 1), FLIP[U], np.uint64)
        self.send_law = np.zeros(length, np.uint8)
        self.hears = np.zeros(length, np.int32)  # the room whose mix goes out
        self.speaks = np.zeros(length, np.int32)  # the room whose mix it is part of
        self.hears_mix = np.zeros(length, np.intp)  # LAWS * hears + send_law
        self.gain = np.ones(length, np.float32)
        self.has_gain = np.zeros(length, np.bool_)
        self.heard_at_tick = np.zeros(length, np.int64)  # when the last packet came

    def open(self, row: int, serial: int) -> None:
        self.changes += 1
        self.legs[row] = Leg(serial)
        self.n = max(self.n, row + 1)

    def close(self, row: int) -> None:
        self.changes += 1
        del self.legs[row]
        self.receives[row] = self.sends[row] = False
        self.n = max(self.legs, default=-1) + 1

    def agree(self, agreed: commands.Agree) -> None:
        row, leg = agreed.row, self.legs[agreed.row]
        self.changes += 1
        leg.agreed = agreed
        leg.laws = {0: U, 8: A} | dict(agreed.receive_types)
        self.receives[row] = agreed.receives
        self.sends[row] = agreed.sends
        self.send_law[row] = agreed.send_law
        self.hears_mix[row] = LAWS * self.hears[row] + agreed.send_law
        payload_type, law = agreed.receive_types[0]
        self.expect(row, payload_type, law)

    def expect(self, row: int, payload_type: int, law: int) -> None:
        """Audio comes under this payload type now."""
        self.legs[row].receive_type = payload_type
        self.receive_law[row] = law
        self.flip[row] = FLIP[law]

    def place(self, placed: commands.Place) -> None:
        row = placed.row
        self.changes += 1
        self.legs[row].placed = placed
        self.hears[row] = placed.hears
        self.speaks[row] = placed.speaks
        self.hears_mix[row] = LAWS * placed.hears + int(self.send_law[row])
        self.gain[row] = 10 ** (placed.gain_db / 20)
        self.has_gain[row] = placed.gain_db != 0.0
