"""Codes at the door and in the room: what they open, and who has tried too many wrong ones.

Every code that a caller enters goes through here, so that a wrong one counts wherever it was entered: at the door, as
a role PIN, in this call or in the last ones. In the open flow every code opens something: those that
make a new room on the fly count, or the codes of rooms could be guessed without end.
"""

from collections.abc import Callable

from softswitch.call import Call, Code
from softswitch.endpoints.conference.attendee import Attendee
from softswitch.endpoints.conference.properties import Properties
from softswitch.endpoints.conference.roles import Role
from softswitch.endpoints.conference.rooms import Key, Place, Rooms
from softswitch.endpoints.conference.wrong_codes import Guesser, WrongCodes
from softswitch.errors import CallRejected
from softswitch.logs import get_logger

LONGEST_CODE = 20
FINISH_KEYS = "#*"
NO_NUMBERS = frozenset({"", "anonymous", "unknown", "unavailable", "restricted", "private"})
"""What stands in From for somebody who shows no number."""


class CodeGuard:
    """The codes of one conference endpoint, and the memory of wrong ones."""

    __slots__ = ("_is_live", "_rooms", "_wrong")

    def __init__(self, rooms: Rooms, is_live: Callable[[Place], bool]) -> None:
        """`is_live`: whether there is a meeting in a room."""
        self._rooms = rooms
        self._is_live = is_live
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
            return self._on_the_fly(digits, attendee)
        if key is None:
            self._count(digits, attendee)
        else:
            self._wrong.forgive(_guesser(attendee.call))
        return key

    def _on_the_fly(self, digits: str, attendee: Attendee) -> Key:
        key = self._rooms.on_the_fly(digits)
        if not self._is_live(key.place):
            self._count(digits, attendee)
        return key

    def role_in(self, place: Place, digits: str, attendee: Attendee) -> Role | None:
        """The role that a code of this very room gives; None for a wrong one, or for somebody who only guesses.

        A right one forgives nothing: whoever has one code of the room could guess at the others for ever.
        """
        if self._is_guessing(attendee.call, attendee.properties):
            return None
        key = self._rooms.key(digits)
        if key is not None and key.place == place:
            return key.role
        self._count(digits, attendee)
        return None

    def _is_guessing(self, call: Call, properties: Properties) -> bool:
        return self._wrong.blocks(_guesser(call), properties.wrong_code_limits, call.clock())

    def _count(self, digits: str, attendee: Attendee) -> None:
        """A wrong code; nothing entered is none."""
        if digits:
            call, who = attendee.call, _guesser(attendee.call)
            self._wrong.add(who, attendee.properties.wrong_code_limits, call.clock())
            get_logger().info("wrong code", **{"call": call.id, "from": who.number, "source": who.source})


def _guesser(call: Call) -> Guesser:
    """A user is himself whatever number he shows; a trunk group is one source, over whichever trunk it comes."""
    source = call.source
    if source is None:
        return Guesser(call.caller.session.peer.host, _shown(call.from_number))
    if source.user is not None:
        return Guesser(source.name, source.user.username)
    return Guesser(source.trunk_group.name if source.trunk_group else source.name, _shown(call.from_number))


def _shown(number: str) -> str:
    return "" if number.lower() in NO_NUMBERS else number
