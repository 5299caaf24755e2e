"""The bytes behind `/core/v2/storage`: where a file's content lies, and how much is kept in each container.

Content of an uploaded file lies in `<data>/files/<container_sid>/<file_sid>`: no name of a client ever becomes part of
a path. A recording stays where the conference wrote it, below `<data>/recordings`; its row has the path from there.
"""

import asyncio
import contextlib
import mimetypes
import uuid
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softswitch.settings import DataSettings
from softswitch.store import Condition, ListQuery, Row, Store

INCOMING = "incoming"
READ_AT_ONCE = 1000


@dataclass(slots=True)
class Usage:
    """What a container holds."""

    total_bytes: int = 0
    total_files: int = 0


class Storage:
    """All content, and how much there is; every file comes and goes through here."""

    def __init__(self, store: Store, data: DataSettings) -> None:
        self._store = store
        self._files = data.directory / "files"
        self._recordings = data.recordings
        self._usage: dict[str, Usage] = {}
        self._counting = asyncio.Lock()

    async def usage(self, container_sid: str) -> Usage:
        """What a container holds; counted once, then kept up to date."""
        async with self._counting:
            if container_sid not in self._usage:
                self._usage[container_sid] = await self._count(container_sid)
            return self._usage[container_sid]

    def added(self, row: Row) -> None:
        """The row of a file has been made."""
        self._changed(row["container_sid"], row["file_bytes"], 1)

    async def removed(self, row: Row) -> None:
        """The row is gone: so is its content."""
        self._changed(row["container_sid"], -row["file_bytes"], -1)
        path = self.path_of(row)
        if path is not None:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A path for a file on its way in; what is still there afterwards was not wanted."""
        folder = self._files / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / str(uuid.uuid4())
        try:
            yield path
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def keep(self, incoming: Path, row: Row) -> None:
        """The file that came in becomes the content of `row`."""
        path = self._files / row["container_sid"] / row["file_sid"]
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming.rename(path)

    def path_of(self, row: Row) -> Path | None:
        """Where the content lies; None where it is gone."""
        if row["path"] is None:
            path = self._files / row["container_sid"] / row["file_sid"]
            return path if path.is_file() else None
        path = (self._recordings / row["path"]).resolve()
        return path if path.is_relative_to(self._recordings.resolve()) and path.is_file() else None

    def _changed(self, container_sid: str, more_bytes: int, more_files: int) -> None:
        usage = self._usage.get(container_sid)
        if usage is not None:
            usage.total_bytes += more_bytes
            usage.total_files += more_files

    async def _count(self, container_sid: str) -> Usage:
        usage = Usage()
        conditions = (Condition(("container_sid",), "eq", container_sid),)
        after = None
        while True:
            page = await self._store.list("files", ListQuery(conditions=conditions, limit=READ_AT_ONCE, after=after))
            usage.total_bytes += sum(row["file_bytes"] for row in page.items)
            usage.total_files += len(page.items)
            if not page.has_more:
                return usage
            after = page.items[-1]["file_sid"]


def content_of(path: Path, name: str) -> dict[str, Any]:
    """What can be said of the content: by the name its type, by a WAV file's bytes the duration. Raises OSError."""
    mime_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    found: dict[str, Any] = {
        "file_bytes": path.stat().st_size,
        "mime_type": mime_type,
        "content_format": Path(name).suffix.lstrip(".").lower()[:16] or None,
        "content_classification": classification_of(mime_type),
        "content_duration": None,
    }
    if found["content_format"] == "wav":
        found["content_duration"] = duration_of(path)
    return found


def duration_of(path: Path) -> float | None:
    """Seconds of a WAV file; None for what is none. Read in Python alone: a stranger's file reaches no C library."""
    try:
        with wave.open(str(path), "rb") as audio:
            return round(audio.getnframes() / audio.getframerate(), 3)
    except (wave.Error, EOFError, OSError, ZeroDivisionError):
        return None


def classification_of(mime_type: str) -> str:
    """archive, document, executable, media or unknown."""
    kind, _, form = mime_type.partition("/")
    if kind in ("audio", "video", "image"):
        return "media"
    if kind == "text" or form in ("pdf", "json", "msword", "rtf") or "officedocument" in form:
        return "document"
    if form in ("zip", "gzip", "x-tar", "x-7z-compressed", "x-bzip2", "vnd.rar"):
        return "archive"
    if form in ("x-msdos-program", "x-sh", "x-executable", "vnd.microsoft.portable-executable"):
        return "executable"
    return "unknown"
