"""The number plan as routing asks it: everything by its name or number, in constant time."""

import copy
from collections.abc import Iterable

from softswitch.plan.fields import CallFlow
from softswitch.plan.objects import (
    AnyEndpoint,
    CallingRules,
    ConferenceEndpoint,
    Did,
    DidGroup,
    MeetingRoom,
    NumberPlan,
    Object,
    RateDeck,
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
        self.endpoints: dict[str, AnyEndpoint] = {}
        self.dids: dict[str, Did] = {}
        self.users: dict[str, User] = {}
        self.rate_decks: dict[str, RateDeck] = {}
        self.calling_rules: dict[tuple[str, str], CallingRules] = {}
        """By kind (user, endpoint) and name; those of everybody else by two empty texts."""
        self.did_groups: dict[str, dict[str, DidGroup]] = {}
        """By name of the endpoint, then by name."""
        self.meeting_rooms: dict[str, dict[str, MeetingRoom]] = {}
        """By name of the endpoint, then by name."""
        self._index_trunk_groups()
        self._index_endpoints()
        self._index_dids()
        self._index_users()
        self._index_rate_decks()
        self._index_calling_rules()

    def with_parts(
        self,
        *,
        trunk_groups: Iterable[TrunkGroup] | None = None,
        endpoints: Iterable[AnyEndpoint] | None = None,
        dids: Iterable[Did] | None = None,
        users: Iterable[User] | None = None,
        rate_decks: Iterable[RateDeck] | None = None,
        calling_rules: Iterable[CallingRules] | None = None,
    ) -> "Plan":
        """The plan with these in place of its own; everything else is shared. Nobody checks it again."""
        parts: dict[str, Iterable[Object] | None] = {
            "rate_decks": rate_decks,
            "trunk_groups": trunk_groups,
            "endpoints": endpoints,
            "dids": dids,
            "users": users,
            "calling_rules": calling_rules,
        }
        given = {name: tuple(part) for name, part in parts.items() if part is not None}
        changed = copy.copy(self)
        changed.numbers = self.numbers.model_copy(update=given)
        for name in given:
            getattr(changed, f"_index_{name}")()
        return changed

    def _index_trunk_groups(self) -> None:
        self.trunk_groups = {group.name: group for group in reversed(self.numbers.trunk_groups)}

    def _index_endpoints(self) -> None:
        endpoints = self.numbers.endpoints
        self.endpoints = {end.name: end for end in reversed(endpoints)}
        conferences = [end for end in reversed(endpoints) if isinstance(end, ConferenceEndpoint)]
        self.did_groups = {end.name: {group.name: group for group in end.did_groups} for end in conferences}
        self.meeting_rooms = {end.name: {room.name: room for room in end.meeting_rooms} for end in conferences}

    def _index_dids(self) -> None:
        self.dids = {did.phonenumber: did for did in reversed(self.numbers.dids)}

    def _index_users(self) -> None:
        self.users = {user.username: user for user in reversed(self.numbers.users)}

    def _index_rate_decks(self) -> None:
        self.rate_decks = {deck.name: deck for deck in reversed(self.numbers.rate_decks)}

    def _index_calling_rules(self) -> None:
        by_subject: dict[tuple[str, str], CallingRules] = {}
        for rules in reversed(self.numbers.calling_rules):
            by_subject |= {("user", username): rules for username in rules.users}
            by_subject |= {("endpoint", endpoint): rules for endpoint in rules.endpoints}
            if not rules.users and not rules.endpoints:
                by_subject["", ""] = rules
        self.calling_rules = by_subject

    def is_source(self, trunk_group: str) -> bool:
        """Whether calls come from a trunk group, so that it limits who may reach a DID; else it leads inward."""
        group = self.trunk_groups.get(trunk_group)
        return group is None or not any(trunk.endpoint for trunk in group.trunks)

    def did_group(self, did: Did) -> DidGroup | None:
        """The DID group a DID belongs to."""
        return self.did_groups.get(did.endpoint or "", {}).get(did.did_group or "")

    def call_flow(self, did: Did) -> CallFlow:
        """DID, DID group, endpoint: the first that says one. For a DID of a conference."""
        group = self.did_group(did)
        return did.call_flow or (group and group.call_flow) or self.conference(did).call_flow

    def meeting_room(self, did: Did) -> MeetingRoom | None:
        """The room a DID leads to without a code: the one it names, else the only one its endpoint has."""
        if did.meeting_room is not None:
            return self.meeting_rooms[did.endpoint or ""][did.meeting_room]
        rooms = self.conference(did).meeting_rooms
        return rooms[0] if len(rooms) == 1 else None

    def conference(self, did: Did) -> ConferenceEndpoint:
        """The conference a DID leads to. Raises `KeyError` where it leads elsewhere."""
        endpoint = self.endpoints[did.endpoint or ""]
        if not isinstance(endpoint, ConferenceEndpoint):
            raise KeyError(did.phonenumber)
        return endpoint

    def leads_to_conference(self, did: Did) -> bool:
        """Whether a DID has call flows and rooms."""
        return isinstance(self.endpoints.get(did.endpoint or ""), ConferenceEndpoint)
