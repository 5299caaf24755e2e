"""Where everything has its home: configuration objects, records, tokens, in SQLite or PostgreSQL.

`Store` is the door. `resources` says what is kept, `tables` in which columns, `query` what a list may be asked for,
`selection` makes SQL of it, `writing` changes rows, `errors` is what it refuses. Nothing on a call's way asks it: the
number plan is in memory, and records come in batches.
"""

from softswitch.store.database import AWAY
from softswitch.store.errors import (
    Conflict,
    InvalidQuery,
    InvalidReference,
    InvalidValue,
    StillReferenced,
    StoreError,
    told,
)
from softswitch.store.query import Condition, Either, ListQuery, OneOf, Page, Restriction, Row
from softswitch.store.resources import RESOURCES, Resource
from softswitch.store.store import Store

__all__ = [
    "AWAY",
    "RESOURCES",
    "Condition",
    "Conflict",
    "Either",
    "InvalidQuery",
    "InvalidReference",
    "InvalidValue",
    "ListQuery",
    "OneOf",
    "Page",
    "Resource",
    "Restriction",
    "Row",
    "StillReferenced",
    "Store",
    "StoreError",
    "told",
]
