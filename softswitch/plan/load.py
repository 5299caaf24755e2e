"""Read `numbers.toml` and find what contradicts itself across its objects: every contradiction at once."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from softswitch.configfile import did_you_mean, read, read_toml, refusal
from softswitch.errors import ConfigError
from softswitch.plan.fields import DATAGRAMS
from softswitch.plan.objects import ConferenceEndpoint, Did, MediatorEndpoint, NumberPlan, ThirdPartyEndpoint, User
from softswitch.plan.plan import Plan
from softswitch.settings import PLAN_FILE

DEMO_SECRETS = frozenset({"111111", "222222", "333333", "demo-1001", "demo-1002", "demo-1003"})
"""The access codes and passwords we ship: everybody knows them."""


def load_plan(folder: Path) -> Plan:
    """The number plan of `folder`. Raises an ExceptionGroup of `ConfigError`, or one, with all that is wrong."""
    plan, problems = read_plan(folder)
    if problems:
        raise refusal(problems)
    return plan


def read_plan(folder: Path) -> tuple[Plan, list[ConfigError]]:
    """The number plan of `folder` as far as it is right, and all that is wrong. Raises `ConfigError` for no TOML."""
    path = folder / PLAN_FILE
    reading = read(NumberPlan, read_toml(path), str(path))
    plan = Plan(reading.model)
    between = (ConfigError(str(path), *problem) for problem in contradictions(plan))
    return plan, [*reading.problems, *(problem for problem in between if not reading.explains(problem))]


def is_demo_secret(secret: str) -> bool:
    """Whether an access code or a password is one that we ship."""
    return secret in DEMO_SECRETS


def demo_credentials(plan: Plan) -> list[str]:
    """Key paths of the access codes and passwords that still are the ones we ship."""
    users = [f"users[{user.username}].password" for user in plan.numbers.users if user.password in DEMO_SECRETS]
    codes = [
        f"endpoints[{endpoint.name}].meeting_rooms[{room.name}].access_codes"
        for endpoint in plan.numbers.endpoints
        if isinstance(endpoint, ConferenceEndpoint)
        for room in endpoint.meeting_rooms
        if any(code.access_code in DEMO_SECRETS for code in room.access_codes)
    ]
    return users + codes


Problem = tuple[str, str, str]
"""Key path, what is wrong, what is accepted."""


def contradictions(plan: Plan) -> Iterator[Problem]:
    """Everything that two objects of a plan disagree on."""
    numbers = plan.numbers
    yield from _twice("trunk_groups", "name", (group.name for group in numbers.trunk_groups))
    yield from _twice("endpoints", "name", (endpoint.name for endpoint in numbers.endpoints))
    yield from _twice("dids", "phonenumber", (did.phonenumber for did in numbers.dids))
    yield from _twice("users", "username", (user.username for user in numbers.users))
    yield from _twice("rate_decks", "name", (deck.name for deck in numbers.rate_decks))
    yield from _calling_rules(plan)
    for group in numbers.trunk_groups:
        yield from _twice(f"trunk_groups[{group.name}].trunks", "name", (trunk.name for trunk in group.trunks))
        for trunk in group.trunks:
            if trunk.rate_deck is not None:
                place = f"trunk_groups[{group.name}].trunks[{trunk.name}].rate_deck"
                yield from _reference(place, trunk.rate_deck, plan.rate_decks)
            if trunk.endpoint is not None:
                place = f"trunk_groups[{group.name}].trunks[{trunk.name}].endpoint"
                yield from _reference(place, trunk.endpoint, plan.endpoints)
    yield from ambiguous_acls(plan)
    for endpoint in numbers.endpoints:
        match endpoint:
            case ConferenceEndpoint():
                yield from _conference(endpoint)
            case ThirdPartyEndpoint():
                yield from _trunk_group_of(plan, endpoint)
            case MediatorEndpoint():
                yield from _trunk_group_of(plan, endpoint)
                yield from _bindings(plan, endpoint)
    yield from _logins_twice(numbers)
    for did in numbers.dids:
        yield from _did(plan, did)
    for user in numbers.users:
        yield from _user(plan, user)


def _twice(place: str, key: str, values: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            yield f"{place}[{value}].{key}", "is there twice", "each only once"
        seen.add(value)


def _calling_rules(plan: Plan) -> Iterator[Problem]:
    """Rules that name nobody who exists, and two rules for the same."""
    rules = plan.numbers.calling_rules
    yield from _twice("calling_rules", "name", (rule.name for rule in rules))
    owners: dict[object, str] = {}
    for rule in rules:
        place = f"calling_rules[{rule.name}]"
        if rule.rate_deck is not None:
            yield from _reference(f"{place}.rate_deck", rule.rate_deck, plan.rate_decks)
        for username in rule.users:
            yield from _reference(f"{place}.users", username, plan.users)
            yield from _claim(owners, ("user", username), f"{place}.users", f"user {username}")
        for endpoint in rule.endpoints:
            yield from _reference(f"{place}.endpoints", endpoint, plan.endpoints)
            yield from _claim(owners, ("endpoint", endpoint), f"{place}.endpoints", f"endpoint {endpoint}")
        if not rule.users and not rule.endpoints:
            yield from _claim(owners, "everybody else", f"{place}.users", "everybody else")


def ambiguous_acls(plan: Plan) -> Iterator[Problem]:
    """The same network in two trunk groups, or the same in two trunks: nobody could say whose call it is."""
    owners: dict[object, str] = {}
    for group in plan.numbers.trunk_groups:
        for acl in group.acls:
            yield from _claim(owners, ("group", acl), f"trunk_groups[{group.name}].acls", f"{acl}")
        for trunk in group.trunks:
            place = f"trunk_groups[{group.name}].trunks[{trunk.name}]"
            for acl in trunk.acls:
                yield from _claim(owners, ("trunk", acl), f"{place}.acls", f"{acl}")
            if trunk.address is not None:
                address = (trunk.transport, trunk.address, trunk.port if trunk.transport in DATAGRAMS else 0)
                yield from _claim(owners, address, f"{place}.address", f"{trunk.address}:{trunk.port}")


def _claim(owners: dict[object, str], claim: object, place: str, shown: str) -> Iterator[Problem]:
    owner = owners.setdefault(claim, place)
    if owner != place:
        yield place, f"{shown} is also in {owner}", "each only once"


def _conference(endpoint: ConferenceEndpoint) -> Iterator[Problem]:
    place = f"endpoints[{endpoint.name}]"
    yield from _twice(f"{place}.did_groups", "name", (group.name for group in endpoint.did_groups))
    yield from _twice(f"{place}.meeting_rooms", "name", (room.name for room in endpoint.meeting_rooms))
    did_groups = {group.name for group in endpoint.did_groups}
    rooms_by_code: dict[str, str] = {}
    for room in endpoint.meeting_rooms:
        room_place = f"{place}.meeting_rooms[{room.name}]"
        if room.did_group is not None:
            yield from _reference(f"{room_place}.did_group", room.did_group, did_groups)
        for position, code in enumerate(room.access_codes):
            owner = rooms_by_code.setdefault(code.access_code, f"{room.name}[{position}]")
            if owner != f"{room.name}[{position}]":
                where = f'also a code of room "{owner.rpartition("[")[0]}"'
                yield f"{room_place}.access_codes[{position}]", where, "each code once in all rooms of an endpoint"


def _trunk_group_of(plan: Plan, endpoint: ThirdPartyEndpoint | MediatorEndpoint) -> Iterator[Problem]:
    if endpoint.trunk_group is not None:
        yield from _reference(f"endpoints[{endpoint.name}].trunk_group", endpoint.trunk_group, plan.trunk_groups)


def _bindings(plan: Plan, endpoint: MediatorEndpoint) -> Iterator[Problem]:
    """Each redirect number is a DID of this mediator, and leads each caller to one place."""
    own = {did.phonenumber for did in plan.numbers.dids if did.endpoint == endpoint.name}
    owners: dict[object, str] = {}
    for position, binding in enumerate(endpoint.bindings):
        place = f"endpoints[{endpoint.name}].bindings[{position}]"
        if binding.redirect_did not in own:
            yield f"{place}.redirect_did", f"{binding.redirect_did} is no DID of this endpoint", _some_of(own)
        who = binding.origination_did or "everybody"
        yield from _claim(owners, (binding.redirect_did, who), place, f"{binding.redirect_did} for {who}")


def _logins_twice(numbers: NumberPlan) -> Iterator[Problem]:
    """Who proves an `in_sip_username` has to be one: a user or a third party."""
    seen: dict[object, str] = {user.username: f"users[{user.username}]" for user in numbers.users}
    for endpoint in numbers.endpoints:
        if isinstance(endpoint, ThirdPartyEndpoint) and endpoint.in_sip_username:
            place = f"endpoints[{endpoint.name}].in_sip_username"
            yield from _claim(seen, endpoint.in_sip_username, place, endpoint.in_sip_username)


def _did(plan: Plan, did: Did) -> Iterator[Problem]:
    place = f"dids[{did.phonenumber}]"
    if did.trunk_group is not None:
        yield from _reference(f"{place}.trunk_group", did.trunk_group, plan.trunk_groups)
    if did.user is not None:
        yield from _reference(f"{place}.user", did.user, plan.users)
        return
    if did.endpoint is None or did.endpoint not in plan.endpoints:
        yield from _reference(f"{place}.endpoint", did.endpoint or "", plan.endpoints)
        return
    if not plan.leads_to_conference(did):
        for field in ("did_group", "call_flow", "meeting_room"):
            if getattr(did, field) is not None:
                yield f"{place}.{field}", f'is for conferences, and "{did.endpoint}" is none', ""
        return
    if did.did_group is not None:
        yield from _reference(f"{place}.did_group", did.did_group, plan.did_groups[did.endpoint])
    rooms = plan.meeting_rooms[did.endpoint]
    if did.meeting_room is not None:
        yield from _reference(f"{place}.meeting_room", did.meeting_room, rooms)
    elif plan.call_flow(did).startswith("direct") and plan.meeting_room(did) is None:
        yield f"{place}.meeting_room", f"is missing: the call flow is {plan.call_flow(did)}", _some_of(rooms)


def _user(plan: Plan, user: User) -> Iterator[Problem]:
    """A number may lead anywhere; a name has to be that of a user."""
    place = f"users[{user.username}]"
    if user.trunk_group is not None:
        yield from _reference(f"{place}.trunk_group", user.trunk_group, plan.trunk_groups)
    for field in ("forward_busy", "forward_no_answer", "forward_unregistered"):
        onward = getattr(user, field)
        if onward and not onward.isdigit():
            yield from _reference(f"{place}.{field}", onward, plan.users)


def _reference(place: str, name: str, known: Collection[str]) -> Iterator[Problem]:
    if name not in known:
        yield place, f'"{name}" does not exist{did_you_mean(name, known)}', _some_of(known)


def _some_of(names: Collection[str]) -> str:
    shown = sorted(names)[:10]
    return ", ".join(shown) + (", ..." if len(names) > 10 else "") if shown else "none is defined"
