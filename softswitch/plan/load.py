"""Read `numbers.toml` and find what contradicts itself across its objects: every contradiction at once."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from softswitch.configfile import did_you_mean, read, read_toml, refusal
from softswitch.errors import ConfigError
from softswitch.plan.objects import ConferenceEndpoint, Did, NumberPlan, User
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
    for group in numbers.trunk_groups:
        yield from _twice(f"trunk_groups[{group.name}].trunks", "name", (trunk.name for trunk in group.trunks))
        for trunk in group.trunks:
            if trunk.endpoint is not None:
                place = f"trunk_groups[{group.name}].trunks[{trunk.name}].endpoint"
                yield from _reference(place, trunk.endpoint, plan.endpoints)
    yield from ambiguous_acls(plan)
    for endpoint in numbers.endpoints:
        yield from _conference(endpoint)
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
                address = (trunk.transport, trunk.address, trunk.port if trunk.transport == "udp" else 0)
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
