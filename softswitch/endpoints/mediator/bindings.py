"""All bindings of one mediator, in memory: found by redirect number and caller in constant time. Pure: `now` comes in.

A caller at a redirect number is one of three, asked in this order:

    the originator of a binding there        reaches its destination
    the destination of a binding there       reaches whoever called him over it: a reply
    anybody                                  reaches the destination of the binding for anybody, or of one that waits

So a redirect number leads one caller to one place: a second binding for the same two is refused (`Taken`). One
destination may be reached by several over one redirect number; his reply goes to the last of them.

What has ended is not found, and `expire` takes it away: one heap for all, no timer for any.
"""

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from softswitch.endpoints.mediator.binding import Binding, Route

Key = tuple[str | None, str | None]
Group = Binding | dict[Binding, None]
"""Bindings that share a key: mostly there is one."""

STALE_AT_MOST = 4
"""Times as many moments in the heap as bindings, before those that mean nothing any more are thrown out."""


class Taken(Exception):  # noqa: N818 - a refusal by its name
    """The redirect number already leads this caller somewhere."""

    def __init__(self, binding: Binding) -> None:
        super().__init__(binding.sid)
        self.binding = binding


class Bindings:
    """The table. Whoever changes a binding does it here; `on_ended` hears of those whose time is over."""

    def __init__(self) -> None:
        self.on_ended: Callable[[Binding], None] = _nobody_listens
        self._by_sid: dict[str, Binding] = {}
        self._routes: dict[Key, Binding] = {}
        """By redirect number, and who calls it; None: anybody."""
        self._replies: dict[Key, Group] = {}
        """By redirect number and destination; the last called is the last."""
        self._alike: dict[Key, Group] = {}
        """By originator and destination: those of equal words are among them."""
        self._due: list[tuple[float, int, Binding]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Binding]:
        return iter(self._by_sid.values())

    def get(self, sid: str, now: float) -> Binding | None:
        return _live(self._by_sid.get(sid), now)

    # ---- calls

    def find(self, redirect_did: str, callers: Sequence[str], now: float) -> Route | None:
        """Where a call goes; None where no binding is for it. A destination whom nobody has called reaches nobody.

        `callers`: the numbers the caller is known by.
        """
        for caller in callers:
            binding = _live(self._routes.get((redirect_did, caller)), now)
            if binding is not None:
                return Route(binding, binding.destination_did, False)
        for caller in callers:
            if self.is_destination(redirect_did, caller, now):
                return _reply(self._replies.get((redirect_did, caller)), now)
        binding = _live(self._routes.get((redirect_did, None)), now)
        return None if binding is None else Route(binding, binding.destination_did, False)

    def called(self, binding: Binding, caller: str) -> bool:
        """`caller` has called over a binding, so that a reply reaches him. Whether that is something to keep."""
        replies = self._replies[binding.redirect_did, binding.destination_did]
        if isinstance(replies, dict):
            replies[binding] = replies.pop(binding)
        if binding.is_waiting:
            self._take(binding)
            binding.origination_did = caller
            self._put(binding)
            return True
        if binding.origination_did is None and binding.last_caller != caller:
            binding.last_caller = caller
            return True
        return False

    # ---- what clients do

    def add(self, binding: Binding, now: float) -> None:
        """Raises `Taken`."""
        self.expire(now)
        holder = self._routes.get((binding.redirect_did, binding.origination_did))
        if holder is not None:
            raise Taken(holder)
        self._put(binding)

    def change(self, binding: Binding, values: Mapping[str, Any], now: float) -> None:
        """Gives a binding other words. Raises `Taken`, and then nothing has changed."""
        self.expire(now)
        key = (values.get("redirect_did", binding.redirect_did), values.get("origination_did", binding.origination_did))
        holder = self._routes.get(key)
        if holder is not None and holder is not binding:
            raise Taken(holder)
        self._take(binding)
        if values.get("destination_did", binding.destination_did) != binding.destination_did:
            binding.last_caller = None
        for name, value in values.items():
            setattr(binding, name, value)
        self._put(binding)

    def remove(self, binding: Binding) -> None:
        self._take(binding)

    def restore(self, binding: Binding) -> bool:
        """One that was there before a restart; whether there still is a place for it."""
        is_free = (binding.redirect_did, binding.origination_did) not in self._routes
        if is_free and binding.sid not in self._by_sid:
            self._put(binding)
        return is_free

    def displace(self, binding: Binding) -> None:
        """Puts a binding where another may be, which then has ended."""
        holder = self._routes.get((binding.redirect_did, binding.origination_did))
        if holder is not None:
            self._take(holder)
            self.on_ended(holder)
        self._put(binding)

    def like(self, wanted: Binding, now: float) -> Binding | None:
        """One that was asked for in the same words."""
        alike = _last_first(self._alike.get((wanted.origination_did, wanted.destination_did)))
        return next((binding for binding in alike if binding.expires_at > now and binding.is_like(wanted)), None)

    def free(self, dids: Collection[str], binding: Binding, now: float) -> str | None:
        """The first of `dids` over which both reach each other, and nobody who calls it today is led elsewhere."""
        self.expire(now)
        return next((did for did in dids if self._is_free(did, binding)), None)

    def is_destination(self, redirect_did: str, caller: str, now: float) -> bool:
        """Whether somebody else may reach this caller over a redirect number."""
        return any(one.expires_at > now for one in _last_first(self._replies.get((redirect_did, caller))))

    # ---- the end

    @property
    def next_due(self) -> float | None:
        """A moment before which nothing ends; None: nothing does."""
        return self._due[0][0] if self._due else None

    def expire(self, now: float) -> None:
        """Takes away what has ended by now."""
        while self._due and self._due[0][0] <= now:
            at, _, binding = heapq.heappop(self._due)
            if self._by_sid.get(binding.sid) is binding and binding.expires_at == at:
                self._take(binding)
                self.on_ended(binding)

    # ---- the table

    def _is_free(self, did: str, binding: Binding) -> bool:
        origin, destination = binding.origination_did, binding.destination_did
        return not (
            (did, origin) in self._routes
            or (did, destination) in self._routes
            or (did, destination) in self._replies
            or (origin is not None and (did, origin) in self._replies)
        )

    def _put(self, binding: Binding) -> None:
        self._by_sid[binding.sid] = binding
        self._routes[binding.redirect_did, binding.origination_did] = binding
        _join(self._replies, (binding.redirect_did, binding.destination_did), binding)
        _join(self._alike, (binding.origination_did, binding.destination_did), binding)
        if binding.is_mortal:
            self._serial += 1
            heapq.heappush(self._due, (binding.expires_at, self._serial, binding))
            self._throw_out_stale()

    def _take(self, binding: Binding) -> None:
        del self._by_sid[binding.sid]
        del self._routes[binding.redirect_did, binding.origination_did]
        _leave(self._replies, (binding.redirect_did, binding.destination_did), binding)
        _leave(self._alike, (binding.origination_did, binding.destination_did), binding)

    def _throw_out_stale(self) -> None:
        """A binding that is changed again and again leaves a moment behind each time."""
        if len(self._due) > STALE_AT_MOST * (len(self._by_sid) + STALE_AT_MOST):
            mortal = (binding for binding in self._by_sid.values() if binding.is_mortal)
            self._due = [(binding.expires_at, serial, binding) for serial, binding in enumerate(mortal)]
            self._serial = len(self._due)
            heapq.heapify(self._due)


def _live(binding: Binding | None, now: float) -> Binding | None:
    return binding if binding is not None and binding.expires_at > now else None


def _reply(group: Group | None, now: float) -> Route | None:
    """To whoever called last over one of the bindings whose destination calls now."""
    for binding in _last_first(group):
        if binding.replies_to is not None and binding.expires_at > now:
            return Route(binding, binding.replies_to, True)
    return None


def _last_first(group: Group | None) -> Iterator[Binding]:
    if isinstance(group, dict):
        yield from reversed(group)
    elif group is not None:
        yield group


def _join(groups: dict[Key, Group], key: Key, binding: Binding) -> None:
    group = groups.setdefault(key, binding)
    if isinstance(group, dict):
        group[binding] = None
    elif group is not binding:
        groups[key] = {group: None, binding: None}


def _leave(groups: dict[Key, Group], key: Key, binding: Binding) -> None:
    group = groups[key]
    if isinstance(group, dict):
        del group[binding]
    if not isinstance(group, dict) or not group:
        del groups[key]


def _nobody_listens(_: Binding) -> None:
    return
