"""The number plan as routing asks it: everything by its name or number, in constant time."""

from softswitch.plan.objects import (
    CallFlow,
    ConferenceEndpoint,
    Did,
    DidGroup,
    MeetingRoom,
    NumberPlan,
    TrunkGroup,
    User,
)


class Plan:
    """A number plan that agrees with itself (`load_plan` saw to that), indexed.

    Where two objects claim one name the first is indexed: `load` reports the second.
    """

    def __init__(self, numbers: NumberPlan | None = None) -> None:
        self.numbers = numbers or NumberPlan()
        self.trunk_groups: dict[str, TrunkGroup] = {}
        self.endpoints: dict[str, ConferenceEndpoint] = {}
        self.dids: dict[str, Did] = {}
        self.users: dict[str, User] = {}
        self.did_groups: dict[str, dict[str, DidGroup]] = {}
        """By name of the endpoint, then by name."""
        self.meeting_rooms: dict[str, dict[str, MeetingRoom]] = {}
        """By name of the endpoint, then by name."""
        self._index()

    def _index(self) -> None:
        for group in self.numbers.trunk_groups:
            self.trunk_groups.setdefault(group.name, group)
        for did in self.numbers.dids:
            self.dids.setdefault(did.phonenumber, did)
        for user in self.numbers.users:
            self.users.setdefault(user.username, user)
        for endpoint in self.numbers.endpoints:
            self.endpoints.setdefault(endpoint.name, endpoint)
            self.did_groups.setdefault(endpoint.name, {group.name: group for group in endpoint.did_groups})
            self.meeting_rooms.setdefault(endpoint.name, {room.name: room for room in endpoint.meeting_rooms})

    def did_group(self, did: Did) -> DidGroup | None:
        """The DID group a DID belongs to."""
        return self.did_groups[did.endpoint].get(did.did_group) if did.did_group else None

    def call_flow(self, did: Did) -> CallFlow:
        """DID, DID group, endpoint: the first that says one."""
        group = self.did_group(did)
        return did.call_flow or (group and group.call_flow) or self.endpoints[did.endpoint].call_flow

    def meeting_room(self, did: Did) -> MeetingRoom | None:
        """The room a DID leads to without a code: the one it names, else the only one its endpoint has."""
        if did.meeting_room is not None:
            return self.meeting_rooms[did.endpoint][did.meeting_room]
        rooms = self.endpoints[did.endpoint].meeting_rooms
        return rooms[0] if len(rooms) == 1 else None
