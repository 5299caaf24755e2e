"""Is the phone still there? Every contact is asked by OPTIONS now and then, which also keeps its NAT open.

All contacts stand in one round and are asked one after another, evenly over the interval: twenty thousand phones are
no burst. One that stops to answer is called last from then on; a phone that never answers OPTIONS is left alone.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from softswitch.registrar.binding import Binding
from softswitch.registrar.location import Location
from softswitch.sip import Request, Response, Stack

STEP_S = 0.1
UNREACHED = frozenset({408, 430, 503})
"""What the stack answers for a peer that says nothing or can't be reached."""


class Qualify:
    """Asks them all; `location` hears who answers."""

    def __init__(self, every_s: float, stack: Stack, location: Location, clock: Callable[[], float]) -> None:
        """An `every_s` of 0 asks nobody."""
        self.counts: Counter[str] = Counter()
        """Phones asked, and answers that did not come."""
        self._every_s = every_s
        self._stack, self._location, self._clock = stack, location, clock
        self._round: deque[Binding] = deque()
        self._share = 0.0

    def add(self, binding: Binding) -> None:
        """A new contact takes its place at the end of the round."""
        if self._every_s:
            self._round.append(binding)

    async def run(self) -> None:
        """Until it is cancelled."""
        before = self._clock()
        while self._every_s:
            await asyncio.sleep(STEP_S)
            now = self._clock()
            self.step(now - before)
            before = now

    def step(self, elapsed_s: float) -> None:
        """Asks the share of the round that falls into so many seconds."""
        self._share = min(len(self._round), self._share + len(self._round) * elapsed_s / self._every_s)
        while self._share >= 1 and self._round:
            self._share -= 1
            binding = self._round.popleft()
            if binding.is_gone:
                continue
            self._round.append(binding)
            if not binding.is_asked and not binding.is_cut_off:
                self.ask(binding)

    def ask(self, binding: Binding) -> None:
        """One OPTIONS to one phone."""
        request = self._stack.new_request("OPTIONS", binding.target_uri)
        for route in binding.path:
            request.headers.add("Route", route)
        binding.is_asked = True
        self.counts["asked"] += 1
        self._stack.send(_Asked(self, binding), request, flow=binding.flow)

    def answered(self, binding: Binding, status: int) -> None:
        """Any answer means that somebody is there."""
        binding.is_asked = False
        if status in UNREACHED:
            self.counts["silent"] += 1
            if binding.has_answered:
                self._location.mark(binding, is_down=True)
            return
        binding.has_answered, binding.answered_at = True, self._clock()
        self._location.mark(binding, is_down=False)


class _Asked:
    """Waits for the answer to one OPTIONS."""

    __slots__ = ("_binding", "_owner")

    def __init__(self, owner: Qualify, binding: Binding) -> None:
        self._owner, self._binding = owner, binding

    def receive_response(self, _: Request, response: Response) -> None:
        if response.status >= 200:
            self._owner.answered(self._binding, response.status)
