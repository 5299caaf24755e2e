"""What is kept, by name: its table, what it points to, what lives inside it, what must not be shown.

Everything that reads or writes goes by this registry; a new kind of object is a table and an entry here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import JSON, Column, Table

from softswitch.store.tables import (
    conference,
    dids,
    endpoints,
    mediator,
    partners,
    rates,
    records,
    storage,
    switch,
    trunks,
)

RECORDS_COUNTED = 1000
"""Matching records are counted up to here; a list of more has no total."""


@dataclass(frozen=True, slots=True)
class Child:
    """Rows that live inside another's: written as a list in the parent and replaced as a whole."""

    table: Table
    parent: str
    """The column that points to the parent."""
    embedded: bool = True
    """Whether the parent is shown with them; else they are a resource of their own, and only filters look inside."""
    attributes: tuple[str, ...] = ()
    """What the parent shows of each, and takes for each."""
    inherited: str | None = None
    """A column of the parent that they repeat."""

    def shown(self, row: Any) -> dict[str, Any]:
        return {name: row[name] for name in self.attributes}


@dataclass(frozen=True)
class Resource:
    """One kind of object."""

    name: str
    table: Table
    references: Mapping[str, str] = field(default_factory=dict)
    """Column -> resource whose sid it holds."""
    children: Mapping[str, Child] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    """Attributes, also of children, that nobody may read back: API, log and event leave them out."""
    read_only: frozenset[str] = frozenset()
    default_order: str = "date_created"
    counted: int | None = None
    in_plan: bool = False
    """Whether a change concerns the number plan."""

    @cached_property
    def sid(self) -> str:
        """The name of the primary key."""
        return next(iter(self.table.primary_key.columns)).name

    @cached_property
    def columns(self) -> Mapping[str, Column[object]]:
        return {column.name: column for column in self.table.columns}

    @cached_property
    def documents(self) -> frozenset[str]:
        """The JSON columns."""
        return frozenset(name for name, column in self.columns.items() if isinstance(column.type, JSON))

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Everything `get` gives: columns, and children by their name."""
        return (*self.columns, *(name for name, child in self.children.items() if child.embedded))


PARTNER = {"partner_sid": "partners"}
ADDRESS = tuple(
    column.name for column in endpoints.addresses.c if column.name not in ("address_sid", "endpoint_sid", "position")
)

_ALL = (
    Resource("partners", partners.partners, read_only=frozenset({"is_default"})),
    Resource(
        "users",
        partners.users,
        PARTNER | {"trunk_group_sid": "trunk_groups"},
        secrets=frozenset({"password"}),
        in_plan=True,
    ),
    Resource("tokens", partners.tokens, PARTNER, secrets=frozenset({"token_hash"})),
    Resource(
        "endpoints",
        endpoints.endpoints,
        PARTNER | {"trunk_group_sid": "trunk_groups"},
        {"addresses": Child(endpoints.addresses, "endpoint_sid", attributes=ADDRESS)},
        secrets=frozenset({"in_sip_password", "out_sip_password", "sip_password", "voip_token"}),
        read_only=frozenset({"voip_token", "is_system"}),
        in_plan=True,
    ),
    Resource("rate_decks", rates.rate_decks, PARTNER, in_plan=True),
    Resource("calling_rules", rates.calling_rules, PARTNER | {"rate_deck_sid": "rate_decks"}, in_plan=True),
    Resource(
        "trunk_groups",
        trunks.trunk_groups,
        PARTNER,
        {"trunks": Child(trunks.trunks, "trunk_group_sid", embedded=False)},
        in_plan=True,
    ),
    Resource(
        "trunks",
        trunks.trunks,
        {"trunk_group_sid": "trunk_groups", "endpoint_sid": "endpoints", "rate_deck_sid": "rate_decks"},
        secrets=frozenset({"in_sip_password", "sip_password"}),
        in_plan=True,
    ),
    Resource(
        "dids",
        dids.dids,
        PARTNER
        | {
            "trunk_group_sid": "trunk_groups",
            "endpoint_sid": "endpoints",
            "user_sid": "users",
            "did_group_sid": "did_groups",
            "meeting_room_sid": "meeting_rooms",
        },
        read_only=frozenset({"active_capabilities"}),
        in_plan=True,
    ),
    Resource(
        "conference_accounts",
        conference.conference_accounts,
        PARTNER | {"endpoint_sid": "endpoints"},
        read_only=frozenset({"endpoint_sid", "partner_sid"}),
        in_plan=True,
    ),
    Resource("did_groups", conference.did_groups, {"account_sid": "conference_accounts"}, in_plan=True),
    Resource(
        "meeting_rooms",
        conference.meeting_rooms,
        {"account_sid": "conference_accounts", "did_group_sid": "did_groups"},
        {
            "access_codes": Child(
                conference.access_codes,
                "meeting_room_sid",
                attributes=("access_code", "role"),
                inherited="account_sid",
            )
        },
        in_plan=True,
    ),
    Resource("containers", storage.containers, PARTNER | {"parent_container_sid": "containers"}),
    Resource("files", storage.files, {"container_sid": "containers", "parent_file_sid": "files"}),
    Resource("mediator_bindings", mediator.mediator_bindings, {"endpoint_sid": "endpoints"}),
    Resource("mediator_dialouts", mediator.mediator_dialouts, {"endpoint_sid": "endpoints"}),
    Resource("call_drs", records.call_drs, default_order="date_stop", counted=RECORDS_COUNTED),
    Resource("conference_calls", records.conference_calls, default_order="date_stop", counted=RECORDS_COUNTED),
    Resource("mediator_calls", mediator.mediator_calls, default_order="date_stop", counted=RECORDS_COUNTED),
    Resource("callbacks_dead", switch.callbacks_dead),
)

RESOURCES: Mapping[str, Resource] = {resource.name: resource for resource in _ALL}

REFERRERS: Mapping[str, tuple[tuple[Resource, str], ...]] = {
    target.name: tuple(
        (resource, column)
        for resource in _ALL
        for column, name in resource.references.items()
        if name == target.name and next(iter(resource.table.c[column].foreign_keys)).ondelete == "RESTRICT"
    )
    for target in _ALL
}
"""Who points to a resource and keeps its rows from being deleted."""
