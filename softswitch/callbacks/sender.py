"""All callbacks on their way. Whoever has one calls `send`, which queues and returns; nothing on a call's way waits.

Attempts are made in the loop, a few at a time for each URL and those of one call in order, with a time limit each. No
redirect is followed: whoever was allowed to name a URL named that one. What is not taken in the end goes to the dead
letters, whence `redeliver` takes it again; it stays one until it is taken. Deliveries in the queue when the process is
killed are lost; when it is stopped, they become dead letters.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from softswitch import legibly
from softswitch.call import CallbackTried, Events
from softswitch.call.cdr import date
from softswitch.callbacks.backoff import Answer
from softswitch.callbacks.lane import Lane, Letter, host_of
from softswitch.callbacks.signature import HEADER, sign
from softswitch.logs import get_logger
from softswitch.store import AWAY, StoreError, told

if TYPE_CHECKING:
    from softswitch.callbacks.post import Network, Poster

DEAD_LETTERS = "callbacks_dead"
BURIALS_WAITING = 10_000
"""How many dead letters may wait for the store."""
STORE_RETRY_S = 10.0

_encoder = msgspec.json.Encoder()


class DeadLetters(Protocol):
    """Where dead letters lie."""

    async def create(self, resource: str, values: Mapping[str, Any]) -> Any: ...

    async def update(self, resource: str, sid: str, values: Mapping[str, Any]) -> Any: ...

    async def delete(self, resource: str, sid: str) -> Any: ...


class Callbacks:
    """The sender. `run` is its life; a lane begins with the first callback in it and ends with the last."""

    def __init__(
        self,
        dead_letters: DeadLetters,
        events: Events,
        *,
        secret: str = "",
        timeout_s: float = 5.0,
        most_attempts: int = 8,
        longest_queue: int = 10_000,
        refused_networks: "Sequence[Network]" = (),
        open_poster: "Callable[[float], Poster] | None" = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Without a `secret` nothing is signed. `open_poster` is given by tests, in the place of the networks."""
        self.counts: Counter[str] = Counter()
        """taken, failed, dead, lost."""
        self.secret = secret
        self._dead_letters = dead_letters
        self._events = events
        self._timeout_s = timeout_s
        self._most_attempts, self._longest_queue = most_attempts, longest_queue
        self._open_poster = open_poster or partial(_open_poster, refused_networks)
        self._clock, self._wall_clock = clock, wall_clock
        self._lanes: dict[tuple[str, int], Lane] = {}
        """By URL and number; those in which something waits."""
        self._burials: asyncio.Queue[Burial] = asyncio.Queue(BURIALS_WAITING)
        self._in_hand: Burial | None = None
        """The one that waits for a store that is away."""
        self._again: dict[str, int] = {}
        """Dead letters that are on their way again, by sid, with the attempts they had before."""
        self._poster: Poster | None = None

    @property
    def queued(self) -> int:
        """Callbacks that wait for their turn or their answer."""
        return sum(len(lane.queue) for lane in self._lanes.values())

    @property
    def circuits_open(self) -> int:
        """URLs whose last attempt failed."""
        return len({url for (url, _), lane in self._lanes.items() if lane.failures})

    # ---- its life

    async def run(self) -> None:
        """Until cancelled: sends, and brings dead letters to the store."""
        poster = await asyncio.to_thread(self._open_poster, self._timeout_s)
        try:
            async with asyncio.TaskGroup() as self._group:
                self._poster = poster
                for key in self._lanes:
                    self._begin(key)
                await self._bury_all()
        finally:
            self._poster = None
            await poster.close()
            for lane in self._lanes.values():
                lane.give_up("the switch was stopped")
            self._lanes.clear()
            await self._bury_rest()

    def send(self, name: str, url: str, body: Any, *, call_id: str = "") -> None:
        """Queues a callback; `body` is anything that JSON knows."""
        self._queue(Letter(name, url, legibly.encode(_encoder, body), call_id))

    def redeliver(self, row: Mapping[str, Any]) -> bool:
        """Queues a dead letter once more, by its row in the store; False where it is on its way already."""
        sid = row["callback_sid"]
        if sid in self._again:
            return False
        self._again[sid] = row["attempts"]
        self._queue(Letter(row["event"], row["url"], msgspec.json.encode(row["body"]), sid=sid))
        return True

    def is_underway(self, sid: str) -> bool:
        """Whether a dead letter is on its way again."""
        return sid in self._again

    def _queue(self, letter: Letter) -> None:
        key = letter.url, letter.lane
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(
                self._post, self._bury, most_attempts=self._most_attempts, longest_queue=self._longest_queue
            )
            if self._poster is not None:
                self._begin(key)
        lane.put(letter)

    def _begin(self, key: tuple[str, int]) -> None:
        self._group.create_task(self._work_off(key))

    async def _work_off(self, key: tuple[str, int]) -> None:
        await self._lanes[key].run()
        del self._lanes[key]

    # ---- one attempt

    async def _post(self, letter: Letter) -> Answer:
        began_at = self._clock()
        answer = await self._try(letter)
        self.counts["taken" if answer.is_taken else "failed"] += 1
        if answer.is_taken and letter.sid:
            self._hand_over(Burial(letter.sid, None))
        if self._events:
            now = self._clock()
            took_ms = 1000 * (now - began_at)
            tried = CallbackTried(
                letter.call_id,
                now,
                letter.name,
                host_of(letter.url),
                answer.status,
                answer.error,
                took_ms,
                letter.attempts,
            )
            self._events.publish(tried)
        return answer

    async def _try(self, letter: Letter) -> Answer:
        if self._poster is None:
            return Answer(0, "the switch stops")
        headers = {"Content-Type": "application/json", "Softswitch-Event": letter.name}
        if self.secret:
            headers[HEADER] = sign(self.secret, letter.body, int(self._wall_clock()))
        return await self._poster.post(letter.url, letter.body, headers)

    # ---- dead letters

    def _bury(self, letter: Letter, why: str) -> None:
        self.counts["dead"] += 1
        error = why if not letter.last.error else f"{why}: {letter.last.error}"
        fate = {
            "attempts": self._again.get(letter.sid, 0) + letter.attempts,
            "last_status": letter.last.status or None,
            "last_error": error,
            "date_last_attempt": date(self._wall_clock()),
        }
        if not letter.sid:
            fate |= {"event": letter.name, "url": letter.url, "body": msgspec.json.decode(letter.body)}
        self._hand_over(Burial(letter.sid, fate))

    def _hand_over(self, burial: "Burial") -> None:
        try:
            self._burials.put_nowait(burial)
        except asyncio.QueueFull:
            self._lose(burial)

    async def _bury_all(self) -> None:
        """A store that is away is waited for; meanwhile so many wait in the queue, and what comes then is lost."""
        while True:
            self._in_hand = self._in_hand or await self._burials.get()
            if await self._is_put_away(self._in_hand):
                self._in_hand = None
            else:
                await asyncio.sleep(STORE_RETRY_S)

    async def _bury_rest(self) -> None:
        burials = [self._in_hand] if self._in_hand is not None else []
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                burials.append(self._burials.get_nowait())
        for burial in burials:
            if not await self._is_put_away(burial):
                self._lose(burial)

    async def _is_put_away(self, burial: "Burial") -> bool:
        """Whether there is nothing left to do: it is in the store, or never can be."""
        try:
            if burial.row is None:
                await self._dead_letters.delete(DEAD_LETTERS, burial.sid)
            elif burial.sid:
                await self._dead_letters.update(DEAD_LETTERS, burial.sid, burial.row)
            else:
                await self._dead_letters.create(DEAD_LETTERS, burial.row)
        except AWAY as error:
            get_logger().warning("a dead callback waits for the store", problem=told(error))
            return False
        except (OSError, SQLAlchemyError, StoreError) as error:
            get_logger().error("a dead callback can't be kept", problem=told(error))
            self._lose(burial)
        self._again.pop(burial.sid, None)
        return True

    def _lose(self, burial: "Burial") -> None:
        self._again.pop(burial.sid, None)
        self.counts["lost"] += 1


@dataclass(frozen=True, slots=True)
class Burial:
    """What the store has to be told of a dead letter: a new one (no sid), another failure, or its end (no row)."""

    sid: str
    row: dict[str, Any] | None


def _open_poster(refused_networks: "Sequence[Network]", timeout_s: float) -> "Poster":
    from softswitch.callbacks.post import Poster

    return Poster(timeout_s, refused_networks=refused_networks)
