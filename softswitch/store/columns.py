"""The kinds of columns our tables are made of, the same on SQLite and PostgreSQL.

Sids are UUIDs as text; dates are ISO 8601 in UTC with microseconds ("2026-11-23T13:24:13.123456Z"), which sort as text.
Text sorts by code point on both databases, so that a list has one order and an index serves a prefix.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TEXT = String().with_variant(String(collation="C"), "postgresql")
SIZE = BigInteger().with_variant(Integer, "sqlite")
DOCUMENT = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def now_text() -> str:
    """This moment, as every date column has it."""
    return date_text(datetime.now(UTC))


def date_text(moment: datetime) -> str:
    """A moment as every date column has it: UTC, microseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def date_of(posix_s: float) -> str:
    """POSIX seconds as every date column has them."""
    return date_text(datetime.fromtimestamp(posix_s, UTC))


def posix_s_of(date: str) -> float:
    """A date column as POSIX seconds."""
    return datetime.fromisoformat(date).timestamp()


def new_sid() -> str:
    return str(uuid.uuid4())


def sid(name: str) -> Column[str]:
    """The primary key."""
    return Column(name, TEXT, primary_key=True, default=new_sid)


def date_created() -> Column[str]:
    return Column("date_created", TEXT, nullable=False, default=now_text)


def reference(name: str, to: str, *, required: bool = False, cascade: bool = False) -> Column[str]:
    """A foreign key; `cascade`: this row goes with the one it points to."""
    key = ForeignKey(f"{to}", ondelete="CASCADE" if cascade else "RESTRICT")
    return Column(name, TEXT, key, nullable=not required, index=True)


def text(name: str, default: str | None = None, *, required: bool = False) -> Column[str]:
    return Column(name, TEXT, nullable=not required and default is None, default=default)


def whole(name: str, default: int | None = None) -> Column[int]:
    return Column(name, Integer, nullable=default is None, default=default)


def size_bytes(name: str, default: int | None = None) -> Column[int]:
    """A number of bytes: more than 31 bits of them."""
    return Column(name, SIZE, nullable=default is None, default=default)


def real(name: str, default: float | None = None) -> Column[float]:
    return Column(name, Float, nullable=default is None, default=default)


def flag(name: str, default: bool | None = None) -> Column[bool]:
    return Column(name, Boolean, nullable=default is None, default=default)


def document(name: str, default: Callable[[], Any] | None = None) -> Column[Any]:
    """A JSON value; a filter reaches into it with dotted names."""
    return Column(name, DOCUMENT, nullable=default is None, default=default)


def as_json(value: object) -> str:
    """A JSON value as its column has it; several times quicker than the standard library, twice for every call."""
    return msgspec.json.encode(value).decode()
