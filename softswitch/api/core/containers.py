"""`/core/v2/storage/containers`: where files are kept, and how many of them."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from fastapi import Request
from pydantic import Field

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.core.owned import Owned
from softswitch.api.core.storage import Usage
from softswitch.api.resources import Values, refuse_itself
from softswitch.api.schemas import Bytes, Count, Date, Name, Object, ReadOnly, Sid, Text, Whole
from softswitch.store import Row

Classification = Literal["archive", "document", "executable", "media", "unknown"]
Classifications = Annotated[list[Classification], Field(max_length=5)]


class Container(Object):
    """Files, and what holds for all of them. Quotas of null: no limit."""

    container_sid: ReadOnly[Sid]
    partner_sid: ReadOnly[Sid]
    name: Name = "N/A"
    parent_container_sid: Sid | None = None
    unique: Text | None = None
    quota_bytes: Bytes | None = None
    quota_files: Count | None = None
    total_bytes: ReadOnly[int]
    total_files: ReadOnly[int]
    available_bytes_percent: ReadOnly[float]
    available_files_percent: ReadOnly[float]
    durability_class: Literal["standard"] = "standard"
    allow_publish: bool = True
    allowed_classifications: Classifications = Field(default_factory=list)
    """Nothing here: all."""
    blocked_classifications: Classifications = Field(default_factory=list)
    default_file_lifecycle_action: Literal["no_action"] = "no_action"
    default_file_lifecycle_ttl: Literal[-1] = -1
    """-1: for ever."""
    default_file_publish: Literal["file_sid", "file_access_name", "none"] = "file_sid"
    default_file_threshold_include: bool = True
    default_file_unique: bool = False
    integer_key_1: Whole | None = None
    integer_key_2: Whole | None = None
    string_key_1: Text | None = None
    string_key_2: Text | None = None
    date_created: ReadOnly[Date]


class Containers(Owned):
    """A container is removed once it is empty."""

    kind = "containers"
    path = "/core/v2/storage/containers"
    area = "storage"
    tag = "containers"
    shown = Container
    counted = frozenset({"total_bytes", "total_files", "available_bytes_percent", "available_files_percent"})
    example: ClassVar[Values] = {
        "container_sid": "e1f6a1f0-2c43-4f0a-b6f0-6a0b1c9d2e33",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "name": "recordings",
        "parent_container_sid": None,
        "unique": None,
        "quota_bytes": 1_000_000_000,
        "quota_files": None,
        "total_bytes": 0,
        "total_files": 0,
        "available_bytes_percent": 100.0,
        "available_files_percent": 100.0,
        "durability_class": "standard",
        "allow_publish": True,
        "allowed_classifications": [],
        "blocked_classifications": [],
        "default_file_lifecycle_action": "no_action",
        "default_file_lifecycle_ttl": -1,
        "default_file_publish": "file_sid",
        "default_file_threshold_include": True,
        "default_file_unique": False,
        "integer_key_1": None,
        "integer_key_2": None,
        "string_key_1": None,
        "string_key_2": None,
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    async def prepare(self, values: Values, before: Row | None) -> Values:
        if before is not None:
            refuse_itself(values, before, "parent_container_sid", self.sid)
        return values

    async def show_all(self, request: Request, rows: Sequence[Row]) -> list[Values]:  # noqa: ARG002
        return [
            {**self.show(row), **_totals(row, await self.context.storage.usage(row["container_sid"]))} for row in rows
        ]


def _totals(row: Row, usage: Usage) -> Values:
    return {
        "total_bytes": usage.total_bytes,
        "total_files": usage.total_files,
        "available_bytes_percent": _available(usage.total_bytes, row["quota_bytes"]),
        "available_files_percent": _available(usage.total_files, row["quota_files"]),
    }


def _available(total: int, quota: int | None) -> float:
    if quota is None:
        return 100.0
    return round(max(0.0, 100.0 * (1 - total / quota)), 2) if quota else 0.0
