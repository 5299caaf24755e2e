"""Phones watch: their mailbox (message-summary), who is there (presence), who is on the phone (dialog).

A SUBSCRIBE proves who it is from as a REGISTER does, gets its answer, and at once a NOTIFY; from then on one NOTIFY for
each change, until it expires, is ended, or is answered no more (RFC 6665). Where changes come from: the location
service, the calls of `dialogs`, and `mailbox`, which voice mail fills.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from math import inf

from softswitch.errors import CallRejected
from softswitch.plan import Plan
from softswitch.registrar import documents
from softswitch.registrar.binding import Binding
from softswitch.registrar.dialogs import Dialogs
from softswitch.registrar.documents import DIALOG_INFO, MESSAGE_SUMMARY, PIDF, Mailbox, MailboxOf
from softswitch.registrar.edge import EdgeProxies
from softswitch.registrar.guard import Guard
from softswitch.registrar.location import Change, Location
from softswitch.settings import RegistrarSettings
from softswitch.sip import Peer, Request, Response, Stack
from softswitch.sip.subscription import Event, Key, Reason, State, Subscription, event_of, key_of

CONTENT_TYPES = {"message-summary": MESSAGE_SUMMARY, "presence": PIDF, "dialog": DIALOG_INFO}
"""By event package, the one body we write for it."""
MOST_OF_ONE_USER = 500
MOST_STALE = 1000
"""Entries of the heap that stand for nobody any more, beyond as many as there are subscriptions."""
SHORTEST_S = 60
NO_WAY = 430
"""For a NOTIFY whose connection is gone and whose dialog leads to a host that its subscriber has merely named."""


class Subscriptions:
    """Everybody who watches something of ours."""

    def __init__(
        self,
        settings: RegistrarSettings,
        plan: Plan,
        stack: Stack,
        guard: Guard,
        location: Location,
        clock: Callable[[], float],
    ) -> None:
        self.counts: Counter[str] = Counter()
        """NOTIFYs sent, and those that failed."""
        self.dialogs = Dialogs()
        self.dialogs.on_change = self._line_moved
        self.mailbox: MailboxOf = _empty_mailbox
        """How many messages wait for a user; who changes that calls `mailbox_changed`."""
        self._settings, self._stack, self._guard = settings, stack, guard
        self._location, self._clock = location, clock
        self._users = plan.users
        self._by_key: dict[Key, Subscription] = {}
        self._watching: dict[tuple[str, str], dict[Key, Subscription]] = {}
        self._of_user: Counter[str] = Counter()
        self._over: dict[Peer, dict[Key, Subscription]] = {}
        """By the connection their last SUBSCRIBE came over."""
        self._edge = EdgeProxies(settings.edge_proxies)
        self._ends: list[tuple[float, Key]] = []
        self._writers: Mapping[str, Callable[[Subscription], bytes]] = {
            "message-summary": self._message_summary,
            "presence": self._presence,
            "dialog": self._dialog_info,
        }

    def __len__(self) -> int:
        return len(self._by_key)

    def adopt(self, plan: Plan) -> None:
        """Who watches a user that is no more is told so, and so is one who is no user any more himself."""
        self._users = plan.users
        for subscription in list(self._by_key.values()):
            if subscription.watcher not in plan.users:
                subscription.end(Reason.REJECTED)
            elif subscription.resource not in plan.users:
                subscription.end(Reason.NO_RESOURCE)
            else:
                continue
            self._go_on(subscription)

    # ---- requests

    def subscribe(self, request: Request, peer: Peer) -> Response:
        """The 200. Raises `CallRejected` for any other answer, and `PeerError`."""
        now = self._clock()
        subscription = self._known(request)
        if subscription is None or subscription.flow != peer:
            watcher = self._guard.authenticate(request, peer, now).username
            if subscription is None:
                subscription = self._new(request, peer, watcher)
            elif subscription.watcher != watcher:
                raise CallRejected(403, "Forbidden")
        expires_s = self._expires_s(request)
        self._take(subscription, peer, expires_s, now)
        asyncio.get_running_loop().call_soon(self._go_on, subscription)
        headers = [("Expires", str(expires_s)), ("Contact", subscription.contact)]
        return Response.for_request(request, 200, to_tag=subscription.dialog.local_tag, headers=headers)

    def lost(self, peer: Peer) -> None:
        """This connection has closed: whoever opens another one from there may be somebody else."""
        for subscription in self._over.pop(peer.place, {}).values():
            subscription.flow = peer._replace(port=0)

    def expire(self, now: float) -> None:
        """Ends what nobody has refreshed."""
        while self._ends and self._ends[0][0] <= now:
            at, key = heapq.heappop(self._ends)
            if not self._is_looked_at(at, key):
                continue
            subscription = self._by_key[key]
            subscription.looked_at = inf
            if subscription.expires_at > now:
                self._queue(subscription)
            else:
                subscription.advance(Event.EXPIRY)
                self._go_on(subscription)

    # ---- what is watched has changed

    def on_binding(self, binding: Binding, change: Change) -> None:
        """A contact has come or gone."""
        if change is not Change.REFRESHED:
            self._changed("presence", binding.username)

    def mailbox_changed(self, username: str) -> None:
        self._changed("message-summary", username)

    def _line_moved(self, username: str) -> None:
        self._changed("dialog", username)
        self._changed("presence", username)

    def _changed(self, package: str, resource: str) -> None:
        for subscription in list(self._watching.get((package, resource), {}).values()):
            subscription.advance(Event.CHANGE)
            self._go_on(subscription)

    # ---- a SUBSCRIBE, step by step

    def _known(self, request: Request) -> Subscription | None:
        """The subscription of its dialog. Raises `CallRejected` 481 for another's, 500 for one that came too late."""
        if request.to.tag is None:
            return None
        found = self._by_key.get(key_of(request))
        if found is None or found.dialog.remote_tag != (request.from_.tag or ""):
            raise CallRejected(481, "Subscription Does Not Exist")
        if not found.dialog.accepts(request):
            raise CallRejected(500, "Older Than What Came Before")
        found.dialog.refresh_target(request)
        return found

    def _new(self, request: Request, peer: Peer, watcher: str) -> Subscription:
        """Raises `CallRejected`: 489 or 406 for what we do not have, 404 for nobody, 403 for another's."""
        package, _ = event_of(request)
        if package not in CONTENT_TYPES:
            raise CallRejected(489, "Bad Event", headers=[("Allow-Events", ", ".join(CONTENT_TYPES))])
        accepted = {one.partition(";")[0].strip().lower() for one in request.tokens("Accept")}
        if accepted and not accepted & {CONTENT_TYPES[package], "*/*", "application/*"}:
            raise CallRejected(406, "Not Acceptable", headers=[("Accept", CONTENT_TYPES[package])])
        if request.uri.username not in self._users:
            raise CallRejected(404, "Not Found")
        if package == "message-summary" and request.uri.username != watcher:
            raise CallRejected(403, "Not Your Mailbox")
        if self._of_user[watcher] >= MOST_OF_ONE_USER:
            raise CallRejected(403, "Too Many Subscriptions")
        return Subscription(request, self._stack.new_tag(), 1, self._stack.contact(peer), watcher)

    def _expires_s(self, request: Request) -> int:
        asked = request.number("Expires")
        most = self._settings.subscription_expires_s
        if asked is None:
            return most
        if 0 < asked < SHORTEST_S:
            raise CallRejected(423, "Interval Too Brief", headers=[("Min-Expires", str(SHORTEST_S))])
        return min(asked, most)

    def _take(self, subscription: Subscription, peer: Peer, expires_s: int, now: float) -> None:
        is_new = subscription.state is State.INITIAL
        self._leave_flow(subscription)
        subscription.flow, subscription.expires_at = peer, now + expires_s
        subscription.advance(Event.SUBSCRIBE if expires_s else Event.UNSUBSCRIBE)
        if subscription.state is State.TERMINATED:
            self._forget(subscription)
            return
        if is_new:
            self._remember(subscription)
        if peer.is_reliable:
            self._over.setdefault(peer.place, {})[subscription.key] = subscription
        self._queue(subscription)

    def _queue(self, subscription: Subscription) -> None:
        """A refresh is seen when the entry of the heap comes up; only an earlier end needs another one."""
        if subscription.expires_at < subscription.looked_at:
            subscription.looked_at = subscription.expires_at
            if len(self._ends) > MOST_STALE + 2 * len(self._by_key):
                self._sweep()
            heapq.heappush(self._ends, (subscription.expires_at, subscription.key))

    def _sweep(self) -> None:
        """Entries of subscriptions that have ended, or end sooner than that, go before their time."""
        self._ends = [entry for entry in self._ends if self._is_looked_at(*entry)]
        heapq.heapify(self._ends)

    def _is_looked_at(self, at: float, key: Key) -> bool:
        subscription = self._by_key.get(key)
        return subscription is not None and subscription.looked_at == at

    # ---- NOTIFY

    def _go_on(self, subscription: Subscription) -> None:
        """Sends the NOTIFY that is due, and forgets what is over."""
        if subscription.state is State.TERMINATED:
            self._forget(subscription)
        notify = subscription.next_notify(self._written, self._clock())
        if notify is None:
            return
        self.counts["notify"] += 1
        flow, next_hop = subscription.flow, subscription.dialog.next_hop
        if flow is not None and self._stack.is_connected(flow):
            self._stack.send(_Notified(self, subscription), notify, next_hop=next_hop, flow=flow)
        elif flow is not None and (next_hop.host == flow.host or self._edge.holds(next_hop.host)):
            self._stack.send(_Notified(self, subscription), notify, next_hop=next_hop)
        else:
            self.notified(subscription, NO_WAY, flow)

    def notified(self, subscription: Subscription, status: int, flow: Peer | None) -> None:
        """The answer to a NOTIFY that went over `flow`, or to where that came from."""
        if status >= 300:
            self.counts["notify_failed"] += 1
        if status >= 300 and subscription.flow != flow:
            subscription.notify_again()
        else:
            subscription.notified(status)
        self._go_on(subscription)

    # ---- the indexes

    def _remember(self, subscription: Subscription) -> None:
        key = subscription.key
        self._by_key[key] = subscription
        self._of_user[subscription.watcher] += 1
        self._watching.setdefault((subscription.package, subscription.resource), {})[key] = subscription

    def _forget(self, subscription: Subscription) -> None:
        if self._by_key.pop(subscription.key, None) is None:
            return
        place = (subscription.package, subscription.resource)
        self._leave_flow(subscription)
        self._watching[place].pop(subscription.key)
        if not self._watching[place]:
            del self._watching[place]
        self._of_user[subscription.watcher] -= 1
        if not self._of_user[subscription.watcher]:
            del self._of_user[subscription.watcher]

    def _leave_flow(self, subscription: Subscription) -> None:
        over = self._over.get(subscription.flow.place) if subscription.flow is not None else None
        if over is not None:
            over.pop(subscription.key, None)
            if not over and subscription.flow is not None:
                del self._over[subscription.flow.place]

    # ---- bodies

    def _written(self, subscription: Subscription) -> tuple[str, bytes]:
        return CONTENT_TYPES[subscription.package], self._writers[subscription.package](subscription)

    def _message_summary(self, subscription: Subscription) -> bytes:
        return documents.message_summary(subscription.entity, self.mailbox(subscription.resource))

    def _presence(self, subscription: Subscription) -> bytes:
        user = subscription.resource
        is_open = any(not binding.is_down for binding in self._location.of(user))
        return documents.pidf(subscription.entity, is_open=is_open, is_talking=bool(self.dialogs.of(user)))

    def _dialog_info(self, subscription: Subscription) -> bytes:
        calls = self.dialogs.of(subscription.resource)
        return documents.dialog_info(subscription.entity, subscription.version, calls)


class _Notified:
    """Waits for the answer to one NOTIFY."""

    __slots__ = ("_flow", "_owner", "_subscription")

    def __init__(self, owner: Subscriptions, subscription: Subscription) -> None:
        self._owner, self._subscription = owner, subscription
        self._flow = subscription.flow

    def receive_response(self, _: Request, response: Response) -> None:
        if response.status >= 200:
            self._owner.notified(self._subscription, response.status, self._flow)


def _empty_mailbox(_: str) -> Mailbox:
    return Mailbox()
