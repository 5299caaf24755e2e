"""Where a call from a known sender goes: numbers, transformations, destination; and why.

    caller (From, P-Asserted-Identity) -> transformations of trunk, trunk group, user -> destination -> of DID, endpoint

A DID is looked up once, with what the trunk and its group, or the user who dials, made of the number. A trunk reaches
our DIDs and nothing else. A user reaches other users by name, DIDs, and any other number over the trunk group that is
his; so does a third party, but where it has no trunk group it reaches nobody outside. Pure: the same request gives the
same decision, so `softswitch explain` asks the very same code.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from softswitch.errors import PeerError
from softswitch.plan import AnyEndpoint, Did, Plan, Trunk, TrunkGroup, User
from softswitch.routing.destination import Destination, ToEndpoint, ToPstn, ToTalk, ToUser
from softswitch.routing.identify import Identified
from softswitch.routing.identity import Identity, identity_of
from softswitch.routing.number import digits, number_of
from softswitch.routing.reasons import Reason, Refused
from softswitch.routing.transformations import Subject, Transformations
from softswitch.sip.grammar import legible
from softswitch.sip.message import Headers, Request
from softswitch.sip.replaces import Replaces


class Decision(Struct, frozen=True):
    """Where a call goes. `number_src`, `number_dst` and `headers` are what the transformations left."""

    destination: Destination
    identity: Identity
    number_src: str
    number_dst: str
    headers: dict[str, str]
    reasons: tuple[Reason, ...]

    @property
    def did(self) -> Did | None:
        """The DID that was called, where it was one."""
        return self.destination.did if isinstance(self.destination, ToEndpoint | ToUser) else None


class Router:
    """The number plan, ready to route."""

    def __init__(self, plan: Plan) -> None:
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan. Those of DIDs and users are compiled when the first call needs them."""
        numbers = plan.numbers
        self._plan = plan
        self._of_did: dict[str, Transformations] = {}
        self._of_user: dict[str, Transformations] = {}
        self._of_endpoint = {end.name: _compiled(f"endpoint {end.name}", end) for end in numbers.endpoints}
        self._of_group = {group.name: _compiled(f"trunk group {group.name}", group) for group in numbers.trunk_groups}
        self._of_trunk = {
            (group.name, trunk.name): _compiled(f"trunk {trunk.name}", trunk)
            for group in numbers.trunk_groups
            for trunk in group.trunks
        }

    def route(self, source: Identified, request: Request) -> Decision:
        """Where an INVITE goes. Raises `Refused`: 404 where nothing leads on, or what a transformation says."""
        identity = _identity(source, request)
        subject = Subject(identity.number, number_of(request.uri), request.headers, [])
        subject.reasons.append(Reason("caller", identity.number, True, f"header {identity.header}"))
        for transformations in self._inward(source):
            transformations.apply(subject)
        destination = self._talk(source, request) or self._destination(source, subject)
        self._lead_on(destination, subject)
        return Decision(
            destination,
            identity,
            subject.number_src,
            subject.number_dst,
            subject.changed_headers,
            tuple(subject.reasons),
        )

    def dialled(self, number: str, user: User | None) -> str:
        """What a number means that `user` has dialled. Raises `Refused` where his transformations say so."""
        if user is None or not user.transformations:
            return number
        subject = Subject(user.username, number, Headers(), [])
        self._transformations_of(user).apply(subject)
        return digits(subject.number_dst)

    def onward(self, number: str, user: User | None) -> Destination | None:
        """Where a number or the name of a user leads, for a call that `user` forwards, transfers or places."""
        return self.over(number, self._trunk_group(user))

    def over(self, number: str, trunk_group: TrunkGroup | None) -> Destination | None:
        """Where a number or the name of a user leads, for a caller who reaches all others over a trunk group."""
        called = self._plan.users.get(number)
        if called is not None:
            return ToUser(called)
        did = self._plan.dids.get(number)
        if did is not None:
            return self._of(did)
        return ToPstn(number, trunk_group) if trunk_group is not None and number.isdigit() else None

    def forwarded(
        self, number_src: str, number_dst: str, request: Request, changed: Mapping[str, str], to: ToEndpoint | ToUser
    ) -> Subject:
        """What a DID and its endpoint make of a call that is forwarded there. Raises `Refused` as they say."""
        subject = Subject(number_src, number_dst, request.headers, [])
        subject.changed_headers = dict(changed)
        self._lead_on(to, subject)
        return subject

    # ---- the steps

    def _inward(self, source: Identified) -> Iterable[Transformations]:
        if source.user is not None and source.user.transformations:
            return (self._transformations_of(source.user),)
        if source.trunk_group is None:
            return ()
        of_group = self._of_group.get(source.trunk_group.name)
        if source.trunk is None:
            return (_still_there(of_group, source),)
        of_trunk = self._of_trunk.get((source.trunk_group.name, source.trunk.name))
        return _still_there(of_trunk, source), _still_there(of_group, source)

    def _talk(self, source: Identified, request: Request) -> ToTalk | None:
        """The talk that a call wants to enter. Raises `Refused`: only users may, and it has to be named."""
        if "Replaces" not in request.headers:
            return None
        if source.user is None:
            raise Refused(403, "Forbidden")
        try:
            return ToTalk(Replaces.parse(request.headers.get("Replaces") or ""))
        except PeerError as error:
            raise Refused(400, error.reason) from None

    def _destination(self, source: Identified, subject: Subject) -> Destination:
        number = subject.number_dst
        if source.user is None and source.endpoint is None:
            return self._of(self._did(source, subject))
        if source.endpoint is not None:
            group = self._plan.trunk_groups.get(source.endpoint.trunk_group or "")
            destination = self.over(digits(number), group)
        else:
            destination = self.onward(digits(number), source.user)
        if destination is None:
            raise _not_found(subject, number, "is no user, no DID, and no trunk group leads to it")
        return destination

    def _did(self, source: Identified, subject: Subject) -> Did:
        number = subject.number_dst
        did = self._plan.dids.get(number)
        if did is None:
            raise _not_found(subject, number, self._why_no_did(number))
        group = source.trunk_group.name if source.trunk_group else None
        only = did.trunk_group if did.trunk_group and self._plan.is_source(did.trunk_group) else None
        if only is not None and only != group:
            raise _not_found(subject, number, f"only trunk group {only} may reach it, not {source.name}")
        why = f"trunk group {only} may reach it" if only else "everybody known may reach it"
        subject.reasons.append(Reason("did", number, True, why))
        return did

    def _why_no_did(self, number: str) -> str:
        if number in self._plan.users:
            return "is a user, whom users alone reach by name; others need a DID that leads to him"
        return "no DID has this number" if number else "the request names no number"

    def _of(self, did: Did) -> Destination:
        if did.user is not None:
            return ToUser(self._plan.users[did.user], did)
        return ToEndpoint(did, self._plan.endpoints[did.endpoint or ""])

    def _lead_on(self, destination: Destination, subject: Subject) -> None:
        """The transformations of the destination, and the reason it is one."""
        if isinstance(destination, ToEndpoint | ToUser) and destination.did is not None:
            self._transformations(destination.did).apply(subject)
        match destination:
            case ToEndpoint(did, endpoint):
                of_endpoint = self._of_endpoint.get(endpoint.name)
                if of_endpoint is None:  # of whoever is there an older plan may speak
                    raise _not_found(subject, subject.number_dst, f"endpoint {endpoint.name} is not there any more")
                of_endpoint.apply(subject)
                subject.reasons.append(Reason("endpoint", endpoint.name, True, f"DID {did.phonenumber} leads there"))
            case ToUser(user, did):
                why = f"DID {did.phonenumber} leads there" if did is not None else "called by name"
                subject.reasons.append(Reason("user", user.username, True, why))
            case ToPstn(number, group):
                subject.number_dst = number
                subject.reasons.append(Reason("pstn", number, True, f"over trunk group {group.name}"))
            case ToTalk(replaces):
                subject.reasons.append(Reason("talk", legible(replaces.call_id), True, "in the place of one side"))

    def _transformations(self, did: Did) -> Transformations:
        compiled = self._of_did.get(did.phonenumber)
        if compiled is None:
            compiled = self._of_did[did.phonenumber] = _compiled(f"DID {did.phonenumber}", did)
        return compiled

    def _transformations_of(self, user: User) -> Transformations:
        compiled = self._of_user.get(user.username)
        if compiled is None:
            compiled = self._of_user[user.username] = _compiled(f"user {user.username}", user)
        return compiled

    def _trunk_group(self, user: User | None) -> TrunkGroup | None:
        """Over which a user's calls go out: his own group, else the first with an address. Nowhere where his own is no
        more: of whoever is on the phone an older plan may speak."""
        if user is not None and user.trunk_group is not None:
            return self._plan.trunk_groups.get(user.trunk_group)
        groups = self._plan.numbers.trunk_groups
        return next((group for group in groups if any(trunk.address for trunk in group.trunks)), None)


def _compiled(place: str, of: TrunkGroup | Trunk | Did | AnyEndpoint | User) -> Transformations:
    return Transformations(place, of.transformations)


def _still_there(transformations: Transformations | None, source: Identified) -> Transformations:
    """Raises `Refused` where the plan has changed while a call waited, and has its sender no more."""
    if transformations is None:
        reason = Reason("identify", source.name, False, "is not there any more")
        raise Refused(403, "Forbidden", counted_as="unknown_sender", reasons=(reason,))
    return transformations


def _identity(source: Identified, request: Request) -> Identity:
    """A user is who he has proved to be; whom a trunk sends is who it says."""
    if source.user is not None:
        name = source.user.name or request.from_.name
        return Identity(source.user.username, name, "of the user")
    return identity_of(request, trusts_asserted=_trusts_asserted(source))


def _trusts_asserted(source: Identified) -> bool:
    """Callers of a trunk group or a third party are trusted unless their trunk says otherwise."""
    if source.trunk is not None:
        return source.trunk.in_identity_mode == "passthrough"
    return source.trunk_group is not None or source.endpoint is not None


def _not_found(subject: Subject, number: str, why: str) -> Refused:
    reasons = (*subject.reasons, Reason("did", number, False, why))
    return Refused(404, "Not Found", reasons=reasons)
