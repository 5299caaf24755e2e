"""Rows as objects of the number plan, and back. Pure.

An object's fields are columns of the same name, but for those that say where it leads: there the plan has names and
the rows have sids. What the plan does not know, and is not at its default, is the object's `stored`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import JSON, Float

from softswitch.plan import (
    CallingRules,
    ConferenceEndpoint,
    Did,
    DidGroup,
    EndpointAddress,
    MediatorEndpoint,
    MeetingRoom,
    RateDeck,
    ThirdPartyEndpoint,
    Trunk,
    TrunkGroup,
    User,
)
from softswitch.plan.objects import Object, with_sid
from softswitch.store.call_flows import CALL_FLOW_NAMES, CALL_FLOW_SIDS
from softswitch.store.errors import InvalidValue
from softswitch.store.query import Row
from softswitch.store.resources import RESOURCES

M = TypeVar("M", bound=Object)
Name = Callable[[str | None], str | None]
"""The plan's name for a sid; None where the plan has no such object."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "rate_decks": ("currency", "rates"),
    "trunk_groups": (
        *("acls", "routing_type", "in_capacity", "out_capacity", "cps_limit", "transformations"),
        *("hard_failure_codes", "hard_failure_threshold", "hard_failure_interval", "hard_failure_cooldown"),
        *("hard_failure_last_resort", "soft_failure_codes", "sip_options_threshold"),
    ),
    "trunks": (
        *("address", "port", "transport", "acls", "priority", "weight", "in_capacity", "out_capacity", "cps_limit"),
        *("in_identity_mode", "in_sip_username", "in_sip_password", "sip_username", "sip_password", "transformations"),
        *("out_identity_mode", "allow_forward", "allow_transfer", "relay_sip_headers", "media_encryption"),
    ),
    "endpoints": ("type", "capacity", "transformations"),
    "did_groups": ("properties",),
    "meeting_rooms": ("access_codes", "properties"),
    "dids": ("phonenumber", "properties", "transformations"),
    "users": (
        *("username", "password", "name", "phonenumber", "ring_s"),
        *("forward_busy", "forward_no_answer", "forward_unregistered", "codecs", "media_encryption", "transformations"),
    ),
    "calling_rules": (
        *("users", "endpoints", "allowed_prefixes", "refused_prefixes", "capacity", "cps_limit"),
        *("calls_per_day", "spend_per_day", "caller_ids"),
    ),
}
"""By resource: the fields of the plan that are columns of the same name."""

NOT_STORED = frozenset({"partner_sid", "date_created", "is_system", "name", "call_flow_sid"})

OF_TYPE: Mapping[str, tuple[str, ...]] = {
    "third_party": (
        *("cps_limit", "out_sip_username", "out_sip_password", "in_sip_username", "in_sip_password"),
        *("relay_sip_headers", "codecs", "media_encryption"),
    ),
    "mediator": ("bindings",),
}
"""Endpoints of these types: further columns that are fields of theirs."""

REFERENCES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "trunks": {"endpoint": ("endpoint_sid", "endpoints"), "rate_deck": ("rate_deck_sid", "rate_decks")},
    "calling_rules": {"rate_deck": ("rate_deck_sid", "rate_decks")},
    "endpoints": {"trunk_group": ("trunk_group_sid", "trunk_groups")},
    "meeting_rooms": {"did_group": ("did_group_sid", "did_groups")},
    "dids": {
        "trunk_group": ("trunk_group_sid", "trunk_groups"),
        "endpoint": ("endpoint_sid", "endpoints"),
        "user": ("user_sid", "users"),
        "did_group": ("did_group_sid", "did_groups"),
        "meeting_room": ("meeting_room_sid", "meeting_rooms"),
    },
    "users": {"trunk_group": ("trunk_group_sid", "trunk_groups")},
}
"""By resource: the field that names another object, its column, and what it names."""

CALL_FLOWS = frozenset({"did_groups", "dids"})
"""Resources whose `call_flow` is the column `call_flow_sid`. An endpoint's is that of its account."""


def _default(column: Any) -> Any:
    default = column.default
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


STORED: Mapping[str, tuple[tuple[str, Any], ...]] = {
    name: tuple(
        (column.name, _default(column))
        for column in RESOURCES[name].table.c
        if column.name not in NOT_STORED | set(fields) | set(RESOURCES[name].references) | {RESOURCES[name].sid}
        and not (name == "dids" and column.name == "active_capabilities")
    )
    for name, fields in FIELDS.items()
}
"""By resource: the columns that the plan does not know, with their defaults."""


# ---- rows to objects


def trunk_group(row: Row, trunks: Iterable[Trunk], name: str) -> TrunkGroup:
    return _object(TrunkGroup, "trunk_groups", row, name=name, trunks=tuple(trunks))


def trunk(row: Row, name: str, endpoint: str | None, rate_deck: str | None) -> Trunk:
    return _object(Trunk, "trunks", row, name=name, endpoint=endpoint, rate_deck=rate_deck)


def rate_deck(row: Row, name: str) -> RateDeck:
    return _object(RateDeck, "rate_decks", row, name=name)


def calling_rules(row: Row, name: str, rate_deck: str | None) -> CallingRules:
    return _object(CallingRules, "calling_rules", row, name=name, rate_deck=rate_deck)


def endpoint(row: Row, account: Row, name: str) -> ConferenceEndpoint:
    """Without its DID groups and meeting rooms."""
    call_flow = CALL_FLOW_NAMES.get(account["call_flow_sid"] or "", "secured")
    return _object(
        ConferenceEndpoint, "endpoints", row, name=name, call_flow=call_flow, properties=account["properties"]
    )


def party(row: Row, addresses: Iterable[Row], name: str) -> ThirdPartyEndpoint | MediatorEndpoint:
    """Without its trunk group."""
    if row["type"] == "mediator":
        return _object(MediatorEndpoint, "endpoints", row, name=name)
    row = {**row, **{key: row[key] or "" for key in ("out_sip_username", "out_sip_password")}}
    made = tuple(dict(_address(address)) for address in addresses)
    return _object(ThirdPartyEndpoint, "endpoints", row, name=name, addresses=made)


def _address(row: Row) -> Iterator[tuple[str, Any]]:
    for name in EndpointAddress.model_fields:
        yield name, "" if row[name] is None and name.startswith("sip_") else row[name]


def did_group(row: Row, name: str) -> DidGroup:
    return _object(DidGroup, "did_groups", row, name=name, call_flow=_call_flow(row))


def meeting_room(row: Row, name: str, did_group: str | None) -> MeetingRoom:
    return _object(MeetingRoom, "meeting_rooms", row, name=name, did_group=did_group)


def did(row: Row, **names: str | None) -> Did:
    """`names`: endpoint, user, trunk_group, did_group and meeting_room, as the plan knows them."""
    return _object(Did, "dids", row, call_flow=_call_flow(row), **names)


def user(row: Row, trunk_group: str | None) -> User:
    return _object(User, "users", row, trunk_group=trunk_group)


def _object(model: type[M], resource: str, row: Row, **fields: Any) -> M:
    """Raises `InvalidValue` where a row can't be what it should be."""
    of_type = OF_TYPE.get(row["type"], ()) if resource == "endpoints" else ()
    values = {field: row[field] for field in (*FIELDS[resource], *of_type)}
    stored = {
        column: row[column] for column, default in STORED[resource] if row[column] != default and column not in of_type
    }
    try:
        made = model.model_validate(values | fields | {"stored": stored})
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise InvalidValue(_place(found["loc"]), _sentence(found)) from None
    return with_sid(made, row[RESOURCES[resource].sid])


def _place(path: Sequence[int | str]) -> str:
    """`acls[0]` for ("acls", 0)."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _sentence(found: Any) -> str:
    context = found.get("ctx", {})
    if "problem" in context:
        return str(context["problem"]) + (f" (accepted: {context['accepted']})" if context.get("accepted") else "")
    return str(found["msg"])


def _call_flow(row: Row) -> str | None:
    return CALL_FLOW_NAMES.get(row["call_flow_sid"] or "")


# ---- objects to rows


def refuse_unknown(resource: str, of: Object, place: str) -> None:
    """Raises `InvalidValue` for what an object wants stored and has no place for."""
    if not of.stored:
        return
    table = RESOURCES[resource].table
    of_type = OF_TYPE.get(getattr(of, "type", ""), ())
    names = [column for column, _ in STORED[resource] if column not in of_type]
    for name, value in of.stored.items():
        if name not in names:
            raise InvalidValue(f"{place}.stored.{name}", f"is not kept here (accepted: {', '.join(names)})")
        kind = table.c[name].type
        accepted = (
            (dict, list) if isinstance(kind, JSON) else (int, float) if isinstance(kind, Float) else kind.python_type
        )
        if not isinstance(value, accepted) or (isinstance(value, bool) and accepted is int):
            raise InvalidValue(f"{place}.stored.{name}", f"is {value!r}")


def columns_of(resource: str, of: Object, fields: Sequence[str], sid_of: Callable[[str, str], str]) -> Row:
    """The columns that say what `fields` of an object say. `sid_of(resource, name)` finds what a field names."""
    document = of.model_dump(mode="json")
    row: Row = {}
    for field in fields:
        value = document[field]
        reference = REFERENCES.get(resource, {}).get(field)
        if reference is not None:
            column, target = reference
            row[column] = None if value is None else sid_of(target, value)
        elif field == "call_flow":
            row["call_flow_sid"] = None if value is None else CALL_FLOW_SIDS[value]
        elif field == "stored":
            row |= value
        else:
            row[field] = value
    return row
