"""Codes at the door and in the room: what they open, and who has tried too many wrong ones.

Every code that a caller enters goes through here, so that a wrong one counts wherever it was entered: at the door, as
a role PIN, in this call or in the last ones.
"""

from softswitch.call import Call, Code
from softswitch.endpoints.conference.attendee import Attendee
from softswitch.endpoints.conference.properties import Properties
from softswitch.endpoints.conference.roles import Role
from softswitch.endpoints.conference.rooms import Key, Place, Rooms
from softswitch.endpoints.conference.wrong_codes import WrongCodes
from softswitch.errors import CallRejected
from softswitch.logs import get_logger

LONGEST_CODE = 20
FINISH_KEYS = "#*"


class CodeGuard:
    """The codes of one conference endpoint, and the memory of wrong ones."""

    __slots__ = ("_rooms", "_wrong")

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._wrong = WrongCodes()

    def code(self, properties: Properties) -> Code:
        """How a code is read from the keypad: ended by # or *, as hosts and participants are used to."""
        return Code(
            LONGEST_CODE,
            FINISH_KEYS,
            properties.conference_code_first_digit_wait,
            properties.conference_code_inter_digit_wait,
        )

    def refuse_guessers(self, call: Call, properties: Properties) -> None:
        """Raises `CallRejected` 403 for a caller with too many wrong codes lately."""
        if self._is_guessing(call, properties):
            raise CallRejected(403, "Too many wrong codes")

    def open(self, flow: str, digits: str, attendee: Attendee) -> Key | None:
        """What a code opens at the door; None for a wrong one, which counts. Nothing entered counts as nothing."""
        key = self._rooms.key(digits)
        if key is None and flow == "open" and digits:
            return self._rooms.on_the_fly(digits)
        self._count(digits, key is not None, attendee)
        return key

    def role_in(self, place: Place, digits: str, attendee: Attendee) -> Role | None:
        """The role that a code of this very room gives; None for a wrong one, or for somebody who only guesses."""
        if self._is_guessing(attendee.call, attendee.properties):
            return None
        key = self._rooms.key(digits)
        right = key is not None and key.place == place
        self._count(digits, right, attendee)
        return key.role if key is not None and right else None

    def _is_guessing(self, call: Call, properties: Properties) -> bool:
        source, number = _caller(call)
        return self._wrong.blocks(source, number, properties.wrong_code_limits, call.clock())

    def _count(self, digits: str, right: bool, attendee: Attendee) -> None:
        call = attendee.call
        source, number = _caller(call)
        if right:
            self._wrong.forgive(source, number)
        elif digits:
            self._wrong.add(source, number, attendee.properties.wrong_code_limits, call.clock())
            get_logger().info("wrong code", **{"call": call.id, "from": number, "source": source})


def _caller(call: Call) -> tuple[str, str]:
    return call.caller.session.peer.host, call.from_number
