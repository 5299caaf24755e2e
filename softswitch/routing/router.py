"""Where a call from a known sender goes: numbers, transformations, DID, endpoint; and why.

    caller (From, P-Asserted-Identity) -> transformations of trunk, trunk group -> DID -> those of DID, endpoint

The DID is looked up once, with what the trunk and its group made of the number. Pure: the same request gives the same
decision, so `softswitch explain` asks the very same code.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from softswitch.plan import ConferenceEndpoint, Did, Plan, Trunk, TrunkGroup
from softswitch.routing.identify import Identified
from softswitch.routing.identity import Identity, identity_of
from softswitch.routing.number import number_of
from softswitch.routing.reasons import Reason, Refused
from softswitch.routing.transformations import Subject, Transformations
from softswitch.sip.message import Request


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a call goes. `number_src`, `number_dst` and `headers` are what the transformations left."""

    did: Did
    endpoint: ConferenceEndpoint
    identity: Identity
    number_src: str
    number_dst: str
    headers: dict[str, str]
    reasons: tuple[Reason, ...]


class Router:
    """The number plan, ready to route."""

    def __init__(self, plan: Plan) -> None:
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan. A DID's transformations are compiled when the first call comes to it."""
        numbers = plan.numbers
        self._plan = plan
        self._of_did: dict[str, Transformations] = {}
        self._of_endpoint = {end.name: _compiled(f"endpoint {end.name}", end) for end in numbers.endpoints}
        self._of_group = {group.name: _compiled(f"trunk group {group.name}", group) for group in numbers.trunk_groups}
        self._of_trunk = {
            (group.name, trunk.name): _compiled(f"trunk {trunk.name}", trunk)
            for group in numbers.trunk_groups
            for trunk in group.trunks
        }

    def route(self, source: Identified, request: Request) -> Decision:
        """The endpoint for an INVITE. Raises `Refused`: 404 where nothing leads on, or what a transformation says."""
        identity = identity_of(request, trusts_asserted=_trusts_asserted(source))
        subject = Subject(identity.number, number_of(request.uri), request.headers, [])
        subject.reasons.append(Reason("caller", identity.number, True, f"header {identity.header}"))
        for transformations in self._inward(source):
            transformations.apply(subject)
        did = self._did(source, subject)
        self._transformations(did).apply(subject)
        self._of_endpoint[did.endpoint].apply(subject)
        subject.reasons.append(Reason("endpoint", did.endpoint, True, f"DID {did.phonenumber} leads there"))
        return Decision(
            did,
            self._plan.endpoints[did.endpoint],
            identity,
            subject.number_src,
            subject.number_dst,
            subject.changed_headers,
            tuple(subject.reasons),
        )

    def _transformations(self, did: Did) -> Transformations:
        compiled = self._of_did.get(did.phonenumber)
        if compiled is None:
            compiled = self._of_did[did.phonenumber] = _compiled(f"DID {did.phonenumber}", did)
        return compiled

    def _inward(self, source: Identified) -> Iterable[Transformations]:
        if source.trunk_group is None:
            return ()
        of_group = self._of_group[source.trunk_group.name]
        if source.trunk is None:
            return (of_group,)
        return self._of_trunk[source.trunk_group.name, source.trunk.name], of_group

    def _did(self, source: Identified, subject: Subject) -> Did:
        number = subject.number_dst
        did = self._plan.dids.get(number)
        if did is None:
            raise _not_found(subject, number, "no DID has this number" if number else "the request names no number")
        group = source.trunk_group.name if source.trunk_group else None
        only = did.trunk_group if did.trunk_group and self._plan.is_source(did.trunk_group) else None
        if only is not None and only != group:
            raise _not_found(subject, number, f"only trunk group {only} may reach it, not {source.name}")
        why = f"trunk group {only} may reach it" if only else "everybody known may reach it"
        subject.reasons.append(Reason("did", number, True, why))
        return did


def _compiled(place: str, of: TrunkGroup | Trunk | Did | ConferenceEndpoint) -> Transformations:
    return Transformations(place, of.transformations)


def _trusts_asserted(source: Identified) -> bool:
    """A trunk group's callers are trusted unless their trunk says otherwise; users never are."""
    if source.trunk is not None:
        return source.trunk.in_identity_mode == "passthrough"
    return source.trunk_group is not None


def _not_found(subject: Subject, number: str, why: str) -> Refused:
    reasons = (*subject.reasons, Reason("did", number, False, why))
    return Refused(404, "Not Found", reasons=reasons)
