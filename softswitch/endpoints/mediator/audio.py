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
        if self._store is None:
            return None
        from softswitch.store.access import may_play_from

        row = await self._store.get("files", sid)
        if row is None or not await may_play_from(self._store, endpoint_sid, row["container_sid"]):
            return None
        return File(self._path(row))

    def _path(self, row: "Row") -> Path:
        if row["path"] is None:
            return self._files.joinpath(row["container_sid"], row["file_sid"])
        path = (self._recordings / row["path"]).resolve()
        return path if path.is_relative_to(self._recordings.resolve()) else self._files / "none"
