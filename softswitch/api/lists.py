"""What every list understands, and the envelope it comes in.

    ?limit=10&offset=0&order=name desc&filter=type eq conference&include_fields=name,type

    {"count": 1, "has_more": false, "items": [...], "limit": 10, "offset": 0,
     "pagination": {"next": null, "previous": null}, "total": 1}

`order` may also be `shuffle`; `after` and `before` are sids and exclude `offset`. A path of a filter or an order begins
with an attribute that the object shows, so nothing hidden can be found out by asking. Mistakes are 400 and name the
parameter.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, create_model

from softswitch.api.errors import ApiError
from softswitch.api.filter import FilterError, parse_filter
from softswitch.api.schemas import SID, Object, view_of, write_only
from softswitch.configfile import did_you_mean
from softswitch.store import Condition, ListQuery, Page, Restriction

LIMIT_DEFAULT = 10
LIMIT_MAX = 1000
OFFSET_MAX = 2**31 - 1

SECRET_NAMES = frozenset({"password", "password_hash", "sip_password", "in_sip_password", "out_sip_password"})
"""Never asked about, at any depth."""

PARAMETERS = frozenset(
    {
        "limit", "offset", "order", "after", "before", "filter", "include_fields", "exclude_fields", "includeFields",
        "excludeFields", "with_related", "with_trunks",
    }
)  # fmt: skip

WithRelated = Annotated[bool, Query(description="Embed the objects that are referred to.")]
Names = Annotated[str | None, Query(max_length=2048, examples=["name,type"])]


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as it was asked for, words not yet looked at."""

    query: ListQuery
    order: str | None
    filter: str | None
    fields: "Fields"
    with_related: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """Which attributes of an object are wanted."""

    included: frozenset[str]
    excluded: frozenset[str]

    def check(self, shown: type[Object]) -> None:
        """Raises `ApiError` 400 for an attribute that the object does not show."""
        for parameter, names in (("include_fields", self.included), ("exclude_fields", self.excluded)):
            for name in sorted(names - _visible(shown)):
                raise ApiError(400, field=parameter, message=_unknown(name, shown))

    def of(self, item: dict[str, Any]) -> dict[str, Any]:
        if self.included:
            item = {name: value for name, value in item.items() if name in self.included}
        if self.excluded:
            item = {name: value for name, value in item.items() if name not in self.excluded}
        return item


def fields_asked(
    include_fields: Names = None,
    exclude_fields: Names = None,
    include: Annotated[str | None, Query(alias="includeFields", include_in_schema=False)] = None,
    exclude: Annotated[str | None, Query(alias="excludeFields", include_in_schema=False)] = None,
) -> Fields:
    """A dependency of every route that shows objects."""
    return Fields(_names(include_fields or include), _names(exclude_fields or exclude))


def list_parameters(
    request: Request,
    fields: Annotated[Fields, Depends(fields_asked)],
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many at most.")] = LIMIT_DEFAULT,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX, description="How many to leave out first.")] = 0,
    order: Annotated[
        str | None, Query(max_length=256, description="`attribute [asc|desc]` or `shuffle`.", examples=["name desc"])
    ] = None,
    after: Annotated[str | None, Query(max_length=64, description="Behind the object of this sid.")] = None,
    before: Annotated[str | None, Query(max_length=64, description="In front of the object of this sid.")] = None,
    filter: Annotated[  # noqa: A002 - its name in the query
        str | None,
        Query(description="`attribute op value`, joined by `and`; op: eq, ne, lt, le, gt, ge, like (`%`)."),
    ] = None,
    with_related: WithRelated = False,
) -> Asked:
    """A dependency of every list route. Raises `ApiError` 400 for parameters that are unknown or exclude each other."""
    for name in sorted(set(request.query_params) - PARAMETERS):
        raise ApiError(400, field=name[:64], message=f"is no parameter{did_you_mean(name[:64], PARAMETERS)}")
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if count > 1:
            raise ApiError(400, field=name, message="is there twice")
    cursors = {name: sid for name, sid in (("after", after), ("before", before)) if sid is not None}
    for name, sid in cursors.items():
        if not SID.fullmatch(sid):
            raise ApiError(400, field=name, message="is no sid")
        if len(cursors) == 2 or offset:
            raise ApiError(400, field=name, message="after, before and offset exclude each other")
    query = ListQuery(limit=limit, offset=offset, after=after, before=before)
    return Asked(query, order, filter, fields, with_related)


def query_of(asked: Asked, shown: type[Object], only: Sequence[Restriction] = ()) -> ListQuery:
    """What the store is asked: the client's conditions, and `only` what the client may see.

    Raises `ApiError` 400 for a filter, an order or fields that do not fit the object.
    """
    asked.fields.check(shown)
    query = replace(asked.query, only=tuple(only), conditions=_conditions(asked.filter, shown))
    if asked.order is None:
        return query
    if asked.order.strip().lower() == "shuffle":
        return replace(query, shuffle=True)
    return replace(query, order=(_order(asked.order, shown),))


def envelope(
    request: Request, query: ListQuery, page: Page, items: Sequence[Mapping[str, Any] | msgspec.Raw], sid: str
) -> Response:
    """The answer to a list, whose items may be JSON already."""
    return json_response(
        {
            "count": len(items),
            "has_more": page.has_more,
            "items": items,
            "limit": query.limit,
            "offset": query.offset,
            "pagination": {"next": _next(request, query, page, sid), "previous": _previous(request, query)},
            "total": page.total,
        }
    )


class Pagination(BaseModel):
    """Where the neighbouring pages are; null where there is none, or the order is no order."""

    next: str | None
    previous: str | None


@cache
def list_of(shown: type[Object]) -> type[BaseModel]:
    """The envelope as the OpenAPI document describes it."""
    item: Any = view_of(shown)
    fields: dict[str, Any] = {
        "count": (int, ...),
        "has_more": (bool, ...),
        "items": (list[item], ...),
        "limit": (int, ...),
        "offset": (int, ...),
        "pagination": (Pagination, ...),
        "total": (int | None, ...),
    }
    return create_model(f"{shown.__name__}List", __doc__=f"A page of a list of {shown.__name__}.", **fields)


def json_response(content: Any, status: int = 200) -> Response:
    """JSON, quickly: what comes from the store needs no second look."""
    return Response(msgspec.json.encode(content), status, media_type=JSONResponse.media_type)


def _conditions(text: str | None, shown: type[Object]) -> tuple[Condition, ...]:
    if text is None:
        return ()
    try:
        comparisons = parse_filter(text)
    except FilterError as error:
        raise ApiError(400, field="filter", message=str(error)) from None
    for comparison in comparisons:
        _check_path("filter", comparison.path, shown)
    return tuple(Condition(found.path, found.op, found.value) for found in comparisons)


def _order(text: str, shown: type[Object]) -> tuple[tuple[str, ...], bool]:
    words = text.split()
    if len(words) not in (1, 2) or words[-1:] not in ([words[0]], ["asc"], ["desc"], ["ASC"], ["DESC"]):
        raise ApiError(400, field="order", message="is not `attribute [asc|desc]` or `shuffle`")
    path = tuple(words[0].split("."))
    _check_path("order", path, shown)
    return path, len(words) == 2 and words[1].lower() == "desc"


def _check_path(parameter: str, path: tuple[str, ...], shown: type[Object]) -> None:
    if path[0] not in _visible(shown) or SECRET_NAMES.intersection(path):
        raise ApiError(400, field=parameter, message=_unknown(".".join(path), shown))


def _visible(shown: type[Object]) -> frozenset[str]:
    return frozenset(shown.model_fields) - write_only(shown)


def _unknown(name: str, shown: type[Object]) -> str:
    return f'"{name[:80]}" is no attribute of this object{did_you_mean(name[:80], _visible(shown))}'


def _names(text: str | None) -> frozenset[str]:
    return frozenset(filter(None, map(str.strip, (text or "").split(","))))


def _next(request: Request, query: ListQuery, page: Page, sid: str) -> str | None:
    if not page.has_more or query.shuffle or not page.items:
        return None
    if query.before is not None:
        return str(request.url.include_query_params(before=page.items[0][sid]))
    if query.after is not None:
        return str(request.url.include_query_params(after=page.items[-1][sid]))
    return str(request.url.include_query_params(offset=query.offset + query.limit))


def _previous(request: Request, query: ListQuery) -> str | None:
    if query.shuffle or not query.offset:
        return None
    return str(request.url.include_query_params(offset=max(0, query.offset - query.limit)))
