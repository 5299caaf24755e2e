"""What the objects of the API look like: one declaration an object, from which the rest follows.

A resource declares its object once, as a subclass of `Object` whose fields are in CarrierX's words. Fields marked
`ReadOnly` are shown and not taken; fields marked `WriteOnly` are taken and never shown. `body_of` makes of it what
POST takes (the writable fields, the required ones required), `replacement_of` what PUT does (the same, but nothing
write-only required), `change_of` what PATCH does (all optional). So an attribute has one place where its type, its
limits, its default and its meaning stand.

No text in here may have a NUL or half a surrogate pair, no number may be beyond what a database holds, and no value
of free form may be deep or large: what gets through can be stored and given back.
"""

import math
import re
from collections.abc import Iterable, Mapping
from copy import copy
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_origin

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

T = TypeVar("T")

DEPTH_LIMIT = 8
ENTRIES_LIMIT = 1000
LARGEST_BYTES = 1 << 17
"""Of a value of free form: looking at each part of it takes time."""
INT_LIMIT = 2**31 - 1
BYTES_LIMIT = 2**53 - 1
"""The largest number that every reader of JSON has exactly."""
SID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def not_acceptable(problem: str, accepted: str = "") -> PydanticCustomError:
    """What a validator raises: what is wrong, and what is accepted."""
    return PydanticCustomError("unusable", "{problem}", {"problem": problem, "accepted": accepted})


def _storable(text: str) -> str:
    if not _is_storable(text):
        raise not_acceptable("has a NUL or half a character", "Unicode text")
    return text


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def at_most(limit: int) -> BeforeValidator:
    """No more entries than this, before anybody looks at each and finds fault with it."""

    def check(value: Any) -> Any:
        if isinstance(value, dict | list) and len(value) > limit:
            raise not_acceptable(f"has {len(value)} entries", f"at most {limit}")
        return value

    return BeforeValidator(check)


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise not_acceptable(f"is {str(value).lower()}", "a number")
    return value


A_NUMBER = BeforeValidator(_no_truth)
"""Python has true among its numbers; JSON has not."""


def _free_form(value: Any) -> Any:
    if _is_large(value) or not fits(value):
        accepted = f"JSON at most {DEPTH_LIMIT} deep with {ENTRIES_LIMIT} entries a level, {LARGEST_BYTES} bytes"
        raise not_acceptable("can't be kept", accepted)
    return value


def _is_large(value: Any) -> bool:
    try:
        return len(msgspec.json.encode(value)) > LARGEST_BYTES
    except (OverflowError, UnicodeEncodeError, RecursionError):
        return True  # which no database takes


def fits(value: Any, depth: int = DEPTH_LIMIT) -> bool:
    """Whether a JSON value can be stored: not too deep, not too large, no NUL, no number without end."""
    match value:
        case str():
            return _is_storable(value)
        case float():
            return math.isfinite(value)
        case bool() | None:
            return True
        case int():
            return abs(value) < 2**63
        case dict() | list():
            inner: Iterable[Any] = (*value, *value.values()) if isinstance(value, dict) else value
            return depth > 0 and len(value) <= ENTRIES_LIMIT and all(fits(part, depth - 1) for part in inner)
    return False


READ_ONLY = Field(json_schema_extra={"readOnly": True})
WRITE_ONLY = Field(json_schema_extra={"writeOnly": True})
ReadOnly = Annotated[T, READ_ONLY]
WriteOnly = Annotated[T, WRITE_ONLY]

Text = Annotated[str, Field(max_length=1024), AfterValidator(_storable)]
Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_storable)]
Sid = Annotated[str, Field(pattern=f"^{SID.pattern}$", json_schema_extra={"format": "uuid"})]
Date = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Count = Annotated[int, A_NUMBER, Field(ge=0, le=INT_LIMIT)]
Bytes = Annotated[int, A_NUMBER, Field(ge=0, le=BYTES_LIMIT)]
Whole = Annotated[int, A_NUMBER, Field(ge=-INT_LIMIT, le=INT_LIMIT)]
PortNumber = Annotated[int, A_NUMBER, Field(ge=1, le=65535)]
Rate = Annotated[float, A_NUMBER, Field(ge=0, le=1e9, allow_inf_nan=False)]
FreeForm = Annotated[dict[str, Any], AfterValidator(_free_form)]
"""A JSON object whose keys are the client's own."""


def _none_required(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class Object(BaseModel):
    """An object of the API as it is shown. Every attribute may be missing there: `include_fields` says which come."""

    model_config = ConfigDict(use_attribute_docstrings=True, frozen=True, json_schema_extra=_none_required)


class Body(BaseModel):
    """What is taken. Attributes that are not declared here are kept aside: `resources` says what becomes of them."""

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra={"additionalProperties": False})


@cache
def body_of(shown: type[Object]) -> type[Body]:
    """What POST takes for an object."""
    return _derived(shown, f"{shown.__name__}Body", _writable(shown))


@cache
def change_of(shown: type[Object]) -> type[Body]:
    """What PATCH takes for an object: any part of it."""
    return _derived(shown, f"{shown.__name__}Change", {n: _optional(field) for n, field in _writable(shown).items()})


@cache
def replacement_of(shown: type[Object]) -> type[Body]:
    """What PUT takes: as POST, but what is write-only stays as it is where it is left out."""
    kept = {n: _optional(field) if n in write_only(shown) else field for n, field in _writable(shown).items()}
    return _derived(shown, f"{shown.__name__}Replacement", kept) if write_only(shown) else body_of(shown)


@cache
def view_of(shown: type[Object]) -> type[BaseModel]:
    """The object as an answer has it, without what is write-only."""
    hidden = write_only(shown)
    if not hidden:
        return shown
    fields = {name: field for name, field in shown.model_fields.items() if name not in hidden}
    return _made(shown, f"{shown.__name__}Shown", Object, fields)


@cache
def read_only(shown: type[Object]) -> frozenset[str]:
    return frozenset(name for name, field in shown.model_fields.items() if _marked(field, "readOnly"))


@cache
def write_only(shown: type[Object]) -> frozenset[str]:
    return frozenset(name for name, field in shown.model_fields.items() if _marked(field, "writeOnly"))


def _writable(shown: type[Object]) -> Mapping[str, FieldInfo]:
    hidden = read_only(shown)
    return {name: field for name, field in shown.model_fields.items() if name not in hidden}


def _marked(field: FieldInfo, mark: str) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get(mark))


def _optional(field: FieldInfo) -> FieldInfo:
    """What PATCH takes of a field. An object may come in part, with null for what goes: judged once it is whole."""
    optional = copy(field)
    if get_origin(field.annotation) is dict:
        optional.annotation, optional.metadata = dict[str, Any], []
    optional.default, optional.default_factory = None, None
    return optional


def _derived(shown: type[Object], name: str, fields: Mapping[str, FieldInfo]) -> type[Body]:
    return cast("type[Body]", _made(shown, name, Body, fields))


def _made(shown: type[Object], name: str, base: type[BaseModel], fields: Mapping[str, FieldInfo]) -> type[BaseModel]:
    definitions: dict[str, Any] = {n: (field.annotation, copy(field)) for n, field in fields.items()}
    return create_model(name, __base__=base, __module__=shown.__module__, __doc__=shown.__doc__, **definitions)
