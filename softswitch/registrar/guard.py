"""Who asks proves who he is, and who guesses gets slow: digest for users (RFC 7616, RFC 8760), and what errors cost.

    challenge first       401, SHA-256 before MD5, never 407: phones hang on that
    a nonce not for him   401 again, whatever the password: who can't receive there makes nobody's wrong passwords
    a wrong password      403 after a pause, the same for a user that does not exist, after the same work
    too many of them      for a while no password from that address is looked at; every answer is that same 403

Users whose phone is registered from the very address stay able to prove themselves during a ban, until too many wrong
passwords name them. What is remembered of addresses has a bound; nothing here waits, `after_s` tells how long to.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from softswitch.plan import Plan, ThirdPartyEndpoint, User
from softswitch.registrar.location import Location
from softswitch.routing import Refused
from softswitch.settings import GuardSettings
from softswitch.sip.digest import Challenger, Verdict
from softswitch.sip.message import Request
from softswitch.sip.peer import Peer, network_of

Who = TypeVar("Who", User, User | ThirdPartyEndpoint)

SOURCES_REMEMBERED = 20_000
NAMES_REMEMBERED = 100
"""Of one address, so many users that were guessed at."""
SOURCES_TOLD = 1000
"""Addresses with wrong passwords that are named when somebody asks for news; more are only counted."""
MOST_SLOWED = 1000
"""Wrong passwords that wait for their answer at the same time, in requests of any kind."""


class Denied(Refused):
    """403 for a wrong password; the answer is to wait for `after_s`, or not at all where too many wait."""

    def __init__(self, after_s: float, *, is_one_too_many: bool = False) -> None:
        super().__init__(403, "Forbidden", counted_as="wrong_credentials", q850=21)
        self.after_s = after_s
        self.is_one_too_many = is_one_too_many


@dataclass(frozen=True, slots=True)
class Banned:
    """An address whose passwords are not looked at for a while (`Guard.on_ban`)."""

    source: str
    wrong_passwords: int
    ban_s: float


class Guard:
    """The door of everything that users ask for: REGISTER, SUBSCRIBE, and calls."""

    def __init__(
        self,
        settings: GuardSettings,
        plan: Plan,
        location: Location,
        challenger: Challenger,
        md5_agents: tuple[str, ...] = (),
    ) -> None:
        """`md5_agents`: how the User-Agent of phones begins that are offered MD5 alone."""
        self.counts: Counter[str] = Counter()
        """Challenges, wrong passwords, stale nonces, bans, and requests that a ban has refused."""
        self.on_ban: Callable[[Banned], None] = _nobody_listens
        self._settings, self._location, self._challenger = settings, location, challenger
        self._md5_agents = md5_agents
        self._users = plan.users
        self._callers = _callers(plan)
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._slowed: deque[float] = deque()
        """When each wrong password that waits for its answer gets it."""
        self._wrong_from: Counter[str] = Counter()

    def adopt(self, plan: Plan) -> None:
        """Users and passwords of this plan from now on."""
        self._users = plan.users
        self._callers = _callers(plan)

    def reload(self, settings: GuardSettings) -> None:
        self._settings = settings

    def authenticate(self, request: Request, peer: Peer, now: float) -> User:
        """The user who sends a request. Raises `Refused`: 401 with challenges; `Denied`, 403, for a wrong password."""
        return self._prove(request, peer, now, self._users)

    def caller(self, request: Request, peer: Peer, now: float) -> User | ThirdPartyEndpoint:
        """Who calls: a user, or a third party with credentials. Raises like `authenticate`."""
        return self._prove(request, peer, now, self._callers)

    def _prove(self, request: Request, peer: Peer, now: float, known: Mapping[str, Who]) -> Who:
        claimed: list[Who | None] = []

        def password_of(username: str) -> str | None:
            who = known.get(username)
            claimed.append(who)
            return _password_of(who) if who is not None and not self._is_shut(username, peer, now) else None

        verdict = self._challenger.verify(request, password_of, now, peer.host)
        who = claimed[0] if claimed else None
        if verdict is Verdict.OK and who is not None:
            return who
        if verdict is Verdict.WRONG:
            raise self._denied(request, peer, now)
        headers = self.challenge(request, peer, now, is_stale=verdict is Verdict.STALE)
        raise Refused(401, "Unauthorized", counted_as="", headers=headers)

    def challenge(self, request: Request, peer: Peer, now: float, *, is_stale: bool = False) -> list[tuple[str, str]]:
        """The headers of a 401."""
        self.counts["stale" if is_stale else "challenged"] += 1
        agent = request.headers.get("User-Agent") or ""
        only = "MD5" if agent.startswith(self._md5_agents) else ""
        challenges = self._challenger.challenge(now, stale=is_stale, only=only, source=peer.host)
        return [("WWW-Authenticate", challenge) for challenge in challenges]

    def note_wrong(self, source: str) -> None:
        """A wrong password came from there, a user's or anybody's: told with the news."""
        is_told = source in self._wrong_from or len(self._wrong_from) < SOURCES_TOLD
        self._wrong_from[source if is_told else "others"] += 1

    def news(self) -> Counter[str]:
        """Wrong passwords since this was asked last, by the address they came from; "others" beyond so many."""
        news, self._wrong_from = self._wrong_from, Counter()
        return news

    def is_banned(self, peer: Peer, now: float) -> bool:
        """Whether passwords from this address are not looked at."""
        source = self._sources.get(network_of(peer.host))
        return source is not None and source.banned_until > now

    def _is_shut(self, username: str, peer: Peer, now: float) -> bool:
        """Whether this user can't prove himself from there: a ban, and he is none of those who are known good."""
        source = self._sources.get(network_of(peer.host))
        if source is None or source.banned_until <= now:
            return False
        if self._location.is_behind(username, peer):
            return False
        guessed_at = source.by_name[username] >= self._settings.wrong_passwords
        return guessed_at or not self._location.is_registered_from(username, peer.host)

    def _denied(self, request: Request, peer: Peer, now: float) -> Denied:
        """Counts a wrong password, for its address and the name it was tried with."""
        settings = self._settings
        source = self._source(network_of(peer.host), now)
        self.note_wrong(peer.host)
        if source.banned_until > now:
            self.counts["refused_by_ban"] += 1
        else:
            self.counts["wrong_password"] += 1
            source.wrong += 1
        name = self._challenger.username(request) or ""
        if name in source.by_name or len(source.by_name) < NAMES_REMEMBERED:
            source.by_name[name] += 1
        if settings.wrong_passwords and source.wrong >= settings.wrong_passwords and source.banned_until <= now:
            self._ban(network_of(peer.host), source, now)
        return self._slowed_down(settings.slowed_s, now)

    def _slowed_down(self, after_s: float, now: float) -> Denied:
        while self._slowed and self._slowed[0] <= now:
            self._slowed.popleft()
        if after_s and len(self._slowed) >= MOST_SLOWED:
            self.counts["not_slowed"] += 1
            return Denied(0.0, is_one_too_many=True)
        self._slowed.append(now + after_s)
        return Denied(after_s)

    def _ban(self, name: str, source: "_Source", now: float) -> None:
        wrong, source.wrong = source.wrong, 0
        source.banned_until = now + self._settings.ban_s
        self.counts["banned"] += 1
        self.on_ban(Banned(name, wrong, self._settings.ban_s))

    def _source(self, name: str, now: float) -> "_Source":
        """What is known of an address, with what lies too long ago forgotten."""
        source = self._sources.get(name)
        if source is None:
            if len(self._sources) >= SOURCES_REMEMBERED:
                self._sources.popitem(last=False)
            source = self._sources[name] = _Source(now)
        elif now - source.since >= self._settings.window_s and source.banned_until <= now:
            source.begin(now)
        self._sources.move_to_end(name)
        return source


class _Source:
    """Wrong passwords from one address since a moment."""

    __slots__ = ("banned_until", "by_name", "since", "wrong")

    def __init__(self, now: float) -> None:
        self.banned_until = 0.0
        self.begin(now)

    def begin(self, now: float) -> None:
        self.since = now
        self.wrong = 0
        self.by_name: Counter[str] = Counter()


def _callers(plan: Plan) -> Mapping[str, User | ThirdPartyEndpoint]:
    """All who can prove that they may call, by the name they prove."""
    parties = {
        endpoint.in_sip_username: endpoint
        for endpoint in plan.numbers.endpoints
        if isinstance(endpoint, ThirdPartyEndpoint) and endpoint.in_sip_username
    }
    return {**parties, **plan.users} if parties else plan.users


def _password_of(who: User | ThirdPartyEndpoint) -> str:
    return who.password if isinstance(who, User) else who.in_sip_password


def _nobody_listens(_: Banned) -> None:
    return
