"""The location service: every contact of every user, found by user and by the address behind it in constant time.

`registrar` puts bindings in; calls ask `targets`, the switch `user_behind`. One heap holds the moments at which
bindings end, one entry each: a refresh moves nothing, the entry is looked at again when it comes up. Who wants to keep
what is here, or tell of it, sets `on_change`.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from math import inf
from operator import attrgetter

from softswitch.plan import Plan, User
from softswitch.registrar.binding import MOST_Q, Binding, FlowKey, Offered, Origin
from softswitch.routing import Reason
from softswitch.routing.target import Target
from softswitch.sip.peer import Peer, Transport
from softswitch.uuids import new_uuid


class Change(StrEnum):
    """What has become of a binding."""

    ADDED = "registered"
    REFRESHED = "refreshed"
    REMOVED = "unregistered"
    EXPIRED = "expired"
    LOST = "flow lost"
    REPLACED = "replaced"
    """By a newer one of the same user, who has as many as he may."""
    DELETED = "deleted"
    """By an operator, or with its user."""
    DOWN = "not reachable"
    UP = "reachable"


ENDS = frozenset({Change.REMOVED, Change.EXPIRED, Change.LOST, Change.REPLACED, Change.DELETED})


GONE = (410, 430)
MOST_STALE = 1000
"""Entries of the heap that stand for nobody any more, beyond as many as there are bindings."""


class Location:
    """All bindings. `now` is monotonic seconds and comes from outside."""

    def __init__(self, plan: Plan) -> None:
        self.on_change: Callable[[Binding, Change], None] = _nobody_listens
        self._users = plan.users
        self._by_sid: dict[str, Binding] = {}
        self._of_user: dict[str, list[Binding]] = {}
        self._behind: dict[FlowKey, dict[Binding, None]] = {}
        self._ends: list[tuple[float, int, Binding]] = []
        self._queued = 0

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Binding]:
        return iter(list(self._by_sid.values()))

    def adopt(self, plan: Plan) -> None:
        """Users of this plan from now on; the bindings of those who are no more go."""
        self._users = plan.users
        for username in [name for name in self._of_user if name not in plan.users]:
            self.remove(list(self._of_user[username]), Change.DELETED)

    # ---- asked by calls

    def targets(self, user: User, now: float) -> list[list[Target]]:
        """Where to call a user: the groups to ring at once, one after another by q; empty where he is not registered.

        Of several flows to one phone the newest is taken (RFC 5626 §5.1); phones that do not answer come last.
        """
        groups: dict[tuple[bool, int], list[Target]] = {}
        for binding in self._called(user.username, now):
            groups.setdefault((binding.is_down, -binding.q), []).append(_target(binding, user))
        return [groups[rank] for rank in sorted(groups)]

    def explain(self, user: User, now: float) -> list[Reason]:
        """Each contact of a user, whether it rings with the first, and why or why not."""
        bindings = sorted(self._called(user.username, now), key=lambda it: (it.is_down, -it.q))
        if not bindings:
            missing = "no phone can be reached" if self.of(user.username) else "no phone is registered"
            onward = f"; forwarded to {user.forward_unregistered}" if user.forward_unregistered else ""
            return [Reason("contact", f"user {user.username}", False, f"{missing}{onward}")]
        first = (bindings[0].is_down, bindings[0].q)
        return [_reason(binding, now, is_first=(binding.is_down, binding.q) == first) for binding in bindings]

    def user_behind(self, peer: Peer) -> User | None:
        """Whose contact has registered from there: one of them, where there are several users."""
        behind = self._behind.get((peer.transport, peer.host, peer.port))
        return self._users.get(next(iter(behind)).username) if behind else None

    def is_behind(self, username: str, peer: Peer) -> bool:
        """Whether a contact of this user stands over this very flow."""
        key = (peer.transport, peer.host, peer.port)
        return any(binding.flow_key == key and not binding.path for binding in self._of_user.get(username, ()))

    def is_registered_from(self, username: str, host: str) -> bool:
        """Whether a contact of this user has registered from this address."""
        return any(binding.peer.host == host for binding in self._of_user.get(username, ()))

    def of(self, username: str) -> Sequence[Binding]:
        """The bindings of one user."""
        return self._of_user.get(username, ())

    def find(self, sid: str) -> Binding | None:
        return self._by_sid.get(sid)

    @property
    def users(self) -> int:
        """How many users have a contact."""
        return len(self._of_user)

    # ---- changed by REGISTER

    def put(
        self, username: str, offered: Offered, origin: Origin, now: float, binding: Binding | None = None
    ) -> Binding:
        """The binding of a contact, new or refreshed; `binding` is what `same` has found, where it was asked."""
        if binding is None or binding.is_gone:
            binding = self.same(username, offered, origin)
        change, was_down = Change.REFRESHED, binding is not None and binding.is_down
        if binding is None:
            binding, change = Binding(new_uuid(), username), Change.ADDED
            binding.take(offered, origin, now)
            self._add(binding)
        elif (binding.peer, binding.path) == (origin.peer, origin.path):
            binding.take(offered, origin, now)
        else:
            self._leave(binding)
            binding.take(offered, origin, now)
            self._enter(binding)
        self._queue(binding)
        self.on_change(binding, change)
        if was_down:
            self.on_change(binding, Change.UP)  # who registers is there
        return binding

    def same(self, username: str, offered: Offered, origin: Origin) -> Binding | None:
        """The binding that an offered contact means, where it is there."""
        return next((one for one in self._of_user.get(username, ()) if one.is_same_as(offered, origin)), None)

    def restore(self, binding: Binding) -> None:
        """A binding that was kept elsewhere; nobody is told."""
        if binding.username in self._users and binding.sid not in self._by_sid:
            self._add(binding)
            self._queue(binding)

    def remove(self, bindings: Iterable[Binding], why: Change) -> None:
        for binding in bindings:
            if not binding.is_gone:
                self._drop(binding)
                self.on_change(binding, why)

    def replace_oldest(self, username: str, most: int) -> None:
        """Room for as many as a user may have: the one that was silent the longest goes first."""
        bindings = self._of_user.get(username, [])
        if len(bindings) > most:
            self.remove(sorted(bindings, key=attrgetter("refreshed_at"))[: len(bindings) - most], Change.REPLACED)

    def expire(self, now: float) -> int:
        """Takes out what has ended by `now`; how many that were."""
        ended = 0
        while self._ends and self._ends[0][0] <= now:
            at, _, binding = heapq.heappop(self._ends)
            if binding.is_gone or binding.looked_at != at:
                continue
            binding.looked_at = inf
            if binding.expires_at > now:
                self._queue(binding)
            else:
                self.remove([binding], Change.EXPIRED)
                ended += 1
        return ended

    # ---- learned of flows

    def lost(self, peer: Peer) -> None:
        """Nothing reaches this far end any more: its connection has closed, or the network says so.

        A flow of RFC 5626 ends with its connection. Any other contact is called last, and by its URI where that names
        the very host that registered it: the phone may take connections, and will register again.
        """
        for binding in list(self._behind.get((peer.transport, peer.host, peer.port), ())):
            if binding.is_outbound and peer.transport is not Transport.UDP:
                self.remove([binding], Change.LOST)
            else:
                if peer.transport is not Transport.UDP:
                    binding.uses_source = False
                self.mark(binding, is_down=True)

    def tried(self, user: User, target: Target, status: int) -> None:
        """What came of a call to one of his contacts: who is gone is forgotten, who says nothing is called last.

        430 says that the flow has failed (RFC 5626 §5.3), 410 that nobody is there any more; 408 stands for silence.
        """
        if status not in (408, *GONE):
            return
        place = str(target.uri), target.flow
        for binding in [one for one in self._of_user.get(user.username, ()) if (one.uri, one.flow) == place]:
            if status in GONE:
                self.remove([binding], Change.LOST)
            else:
                self.mark(binding, is_down=True)

    def mark(self, binding: Binding, *, is_down: bool) -> None:
        """Whether somebody answers there."""
        if binding.is_down != is_down and not binding.is_gone:
            binding.is_down = is_down
            self.on_change(binding, Change.DOWN if is_down else Change.UP)

    # ---- the indexes

    def _called(self, username: str, now: float) -> Iterator[Binding]:
        newest: dict[str, Binding] = {}
        for binding in self._of_user.get(username, ()):
            if binding.expires_at <= now or not binding.has_way:
                continue
            phone = binding.instance or binding.sid
            other = newest.get(phone)
            if other is None or (other.is_down, -other.refreshed_at) > (binding.is_down, -binding.refreshed_at):
                newest[phone] = binding
        yield from newest.values()

    def _add(self, binding: Binding) -> None:
        self._by_sid[binding.sid] = binding
        self._of_user.setdefault(binding.username, []).append(binding)
        self._enter(binding)

    def _drop(self, binding: Binding) -> None:
        binding.is_gone = True
        del self._by_sid[binding.sid]
        others = self._of_user[binding.username]
        others.remove(binding)
        if not others:
            del self._of_user[binding.username]
        self._leave(binding)

    def _enter(self, binding: Binding) -> None:
        if binding.path:  # what is behind that address is a proxy
            return
        self._behind.setdefault(binding.flow_key, {})[binding] = None

    def _leave(self, binding: Binding) -> None:
        if binding.path:
            return
        behind = self._behind[binding.flow_key]
        del behind[binding]
        if not behind:
            del self._behind[binding.flow_key]

    def _queue(self, binding: Binding) -> None:
        """A refresh is seen when the entry of the heap comes up; only an earlier end needs another one."""
        if binding.expires_at < binding.looked_at:
            binding.looked_at = binding.expires_at
            self._queued += 1
            if len(self._ends) > MOST_STALE + 2 * len(self._by_sid):
                self._sweep()
            heapq.heappush(self._ends, (binding.expires_at, self._queued, binding))

    def _sweep(self) -> None:
        """Entries of those who are gone, or end sooner than that, go before their time: there may be any number."""
        self._ends = [entry for entry in self._ends if not entry[2].is_gone and entry[2].looked_at == entry[0]]
        heapq.heapify(self._ends)


def _target(binding: Binding, user: User) -> Target:
    return Target(
        f"contact of {user.username}",
        binding.target_uri,
        route=binding.path,
        flow=binding.flow,
        codecs=user.codecs,
        media_encryption=user.media_encryption,
    )


def _reason(binding: Binding, now: float, *, is_first: bool) -> Reason:
    way = f"at {binding.peer}" if binding.flow is not None else "by its path" if binding.path else "by its URI"
    state = "not reachable, " if binding.is_down else ""
    later = "" if is_first else ", after those before"
    why = f"{state}q {binding.q / MOST_Q:g}, {way}, {binding.remaining_s(now)} s left{later}"
    return Reason("contact", binding.uri, is_first, why)


def _nobody_listens(_: Binding, __: Change) -> None:
    return
