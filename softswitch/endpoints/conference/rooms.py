"""Which room a code or a number leads to, with which role and which properties: the plan of one endpoint, made quick.

The flow of a call is the DID's, else its DID group's, else the account's (the endpoint's own). The levels of the
properties are: meeting room, DID, DID group, account, call flow. Resolved properties are kept, because a thousand
callers of one number have the same.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from msgspec import Struct

from media import Library
from softswitch.endpoints.conference.prompts import check_prompts
from softswitch.endpoints.conference.properties import (
    ACTION_BY_BINDING,
    Properties,
    check,
    check_bindings,
    resolve,
)
from softswitch.endpoints.conference.roles import Role
from softswitch.errors import CallRejected, ConfigError
from softswitch.plan import ConferenceEndpoint, Did, DidGroup, MeetingRoom

NOTHING: Mapping[str, str] = {}
RESOLVED_KEPT = 10_000
NAME_BYTES = 6
"""Of the names of rooms made on the fly: enough for no two to be the same."""


Place = tuple[str, bool]
"""A room by sid or name, and whether it is of the plan: nobody comes into one of the plan by naming it on the fly."""


class Key(Struct, frozen=True):
    """What an access code or a direct number opens."""

    room: MeetingRoom
    role: Role
    is_of_plan: bool = True

    @property
    def place(self) -> Place:
        return self.room.sid or self.room.name, self.is_of_plan

    @property
    def may_bring_hosts(self) -> bool:
        """Nobody comes as a host into a room on the fly whose callers are participants."""
        return self.is_of_plan or self.role is Role.HOST


class Rooms:
    """The rooms of one conference endpoint, as its callers find them."""

    def __init__(self, account: ConferenceEndpoint) -> None:
        self._secret = secrets.token_bytes(16)
        self._rooms: dict[str, MeetingRoom] = {}
        self._keys: dict[str, Key] = {}
        self._resolved: dict[tuple[int, str, int], tuple[Did | None, MeetingRoom | None, Properties]] = {}
        self._take(account)

    def adopt(self, account: ConferenceEndpoint) -> None:
        """The next caller finds it so. Rooms that stay what they were cost nothing."""
        self._resolved.clear()
        if account is not self.account:
            self._take(account)

    def _take(self, account: ConferenceEndpoint) -> None:
        before = self._rooms
        self.account = account
        self._groups = {group.name: group for group in account.did_groups}
        self._rooms = {room.name: room for room in account.meeting_rooms}
        for room in before.values():
            if self._rooms.get(room.name) is not room:
                for code in room.access_codes:
                    self._keys.pop(code.access_code, None)
        for room in account.meeting_rooms:
            if before.get(room.name) is not room:
                for code in room.access_codes:
                    self._keys[code.access_code] = Key(room, Role(code.role))

    def call_flow(self, did: Did | None) -> str:
        """The flow of a call to `did`. Raises `CallRejected` 500 where no level names one: a misconfigured account."""
        group = self._group(did)
        flow = (did and did.call_flow) or (group and group.call_flow) or self.account.call_flow
        if not flow:
            raise CallRejected(500, f"Conference {self.account.name} is misconfigured: no call flow")
        return flow

    def key(self, code: str) -> Key | None:
        """What a code opens, if it belongs to a room."""
        return self._keys.get(code)

    def room(self, sid: str) -> MeetingRoom | None:
        """A room of the plan by its sid; by its name where there is no store to give it one."""
        return next((room for room in self._rooms.values() if (room.sid or room.name) == sid), None)

    def on_the_fly(self, code: str) -> Key:
        """What an unknown code opens in the open flow: a room that nobody has configured, for participants.

        The code is what keeps others out, and names of rooms are seen by many: this one can't be turned back into it.
        """
        named = hashlib.blake2b(code.encode(), key=self._secret, digest_size=NAME_BYTES).hexdigest()
        return Key(MeetingRoom(name=f"open-{named}"), Role.PARTICIPANT, is_of_plan=False)

    def direct(self, did: Did | None, flow: str) -> Key:
        """The one room of a direct flow: the DID's, else the only one there is, else one named after the number."""
        role = Role.HOST if flow == "direct_host" else Role.PARTICIPANT
        named = self._rooms.get(did.meeting_room) if did is not None and did.meeting_room is not None else None
        if named is not None:
            return Key(named, role)
        if len(self.account.meeting_rooms) == 1:
            return Key(self.account.meeting_rooms[0], role)
        return Key(MeetingRoom(name=did.phonenumber if did else self.account.name), role, is_of_plan=False)

    def properties(self, did: Did | None, flow: str, room: MeetingRoom | None = None) -> Properties:
        """The properties of a call to `did`, before it has come to a room or in `room`."""
        room = room if room and room.properties else None
        key = (id(did), flow, id(room))
        known = self._resolved.get(key)
        if known is not None:
            return known[2]
        if len(self._resolved) >= RESOLVED_KEPT:
            self._resolved.clear()
        resolved = resolve(flow, *self._levels(did, room))
        self._resolved[key] = (did, room, resolved)  # which keeps the two alive, and their ids theirs
        return resolved

    def _levels(self, did: Did | None, room: MeetingRoom | None) -> tuple[Mapping[str, str], ...]:
        group = self._group(did)
        return (
            room.properties if room else NOTHING,
            did.properties if did else NOTHING,
            group.properties if group else NOTHING,
            self.account.properties,
        )

    def _group(self, did: Did | None) -> DidGroup | None:
        return self._groups.get(did.did_group) if did and did.did_group else None


def check_conference(
    account: ConferenceEndpoint, dids: Iterable[Did], file: str, library: Library | None = None
) -> list[ConfigError]:
    """Everything that is wrong with the properties of an endpoint and of the DIDs that lead to it.

    Whether their prompts are there is asked of `library`, where there is one.
    """
    dids = tuple(dids)
    problems = []
    for place, level in _places(account, dids):
        problems += check(level, file, place)
        if library is not None:
            problems += check_prompts(level, library, file, place)
    return problems or _clashes(account, dids, file)


def _places(account: ConferenceEndpoint, dids: Iterable[Did]) -> Iterator[tuple[str, Mapping[str, str]]]:
    place = f"endpoints[{account.name}]"
    yield f"{place}.properties", account.properties
    for group in account.did_groups:
        yield f"{place}.did_groups[{group.name}].properties", group.properties
    for room in account.meeting_rooms:
        yield f"{place}.meeting_rooms[{room.name}].properties", room.properties
    for did in dids:
        yield f"dids[{did.phonenumber}].properties", did.properties


def _clashes(account: ConferenceEndpoint, dids: Iterable[Did], file: str) -> list[ConfigError]:
    """Two actions on the same keys, in any combination of room and DID that can come together."""
    place = f"endpoints[{account.name}].properties"
    groups = {group.name: group.properties for group in account.did_groups}
    rooms = _distinct((room.properties,) for room in account.meeting_rooms)
    ways_in = _distinct((did.properties, groups.get(did.did_group or "", NOTHING)) for did in dids)
    found: dict[str, ConfigError] = {}
    for room, way_in in product(rooms, ways_in):
        for problem in check_bindings("secured", (*room, *way_in, account.properties), file, place):
            found.setdefault(str(problem), problem)
    return list(found.values())


def _distinct(levels: Iterable[tuple[Mapping[str, str], ...]]) -> list[tuple[Mapping[str, str], ...]]:
    """Only what concerns key bindings, each different combination once, and the empty one."""
    bindings = (tuple({k: v for k, v in level.items() if k in ACTION_BY_BINDING} for level in way) for way in levels)
    return list({repr(way): way for way in (({},), *bindings)}.values())
