"""What the attributes `announce` and `ringback` name: a file of the storage by its sid, or a prompt by its name.

A file has to lie in a container of the endpoint's own, or in one that is no other endpoint's. No path of this machine
is ever taken from an attribute.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from media import File, Library, Prompt, Source, SourceNotFound
from softswitch.endpoints.mediator.attributes import SID

if TYPE_CHECKING:
    from softswitch.store import Row, Store


class Audio:
    """The audios there are. `files`: the folder of uploaded files; `recordings`: that of conferences."""

    def __init__(self, library: Library, files: Path, recordings: Path, store: "Store | None" = None) -> None:
        self._library, self._files, self._recordings, self._store = library, files, recordings, store

    async def source(self, endpoint_sid: str, name: str) -> Source | None:
        """What an attribute of an endpoint names; None where that is nothing that can be played."""
        source = await self._file(endpoint_sid, name) if SID.fullmatch(name) else Prompt(name)
        if source is None:
            return None
        try:
            await asyncio.to_thread(self._library.check, source)
        except SourceNotFound:
            return None
        return source

    async def _file(self, endpoint_sid: str, sid: str) -> File | None:
        row = await self._store.get("files", sid) if self._store is not None else None
        if row is None or not await self._may_play(endpoint_sid, row["container_sid"]):
            return None
        return File(self._path(row))

    def _path(self, row: "Row") -> Path:
        if row["path"] is None:
            return self._files.joinpath(row["container_sid"], row["file_sid"])
        path = (self._recordings / row["path"]).resolve()
        return path if path.is_relative_to(self._recordings.resolve()) else self._files / "none"

    async def _may_play(self, endpoint_sid: str, container_sid: str) -> bool:
        """Whether a container of the same partner is the endpoint's own, or nobody's."""
        from softswitch.store import Condition, ListQuery

        assert self._store is not None  # noqa: S101 - a file was found there
        endpoint = await self._store.get("endpoints", endpoint_sid)
        container = await self._store.get("containers", container_sid)
        if endpoint is None or container is None or container["partner_sid"] != endpoint["partner_sid"]:
            return False
        theirs = ListQuery(conditions=(Condition(("properties", "container_sid"), "eq", container_sid),), limit=2)
        owners = [owner["endpoint_sid"] for owner in (await self._store.list("endpoints", theirs)).items]
        return not owners or endpoint_sid in owners
