"""A multipart/form-data body as it comes in: short fields in memory, the one file straight to disk.

Nothing is kept of a body that turns out wrong. Raises `ApiError` 400 for what is no such form, 413 where the file is
larger than `room_bytes` says, as soon as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from softswitch.api.errors import ApiError

FIELDS_LIMIT = 40
FIELD_LIMIT_BYTES = 4096
WRITTEN_AT_ONCE_BYTES = 1 << 18

FILE_FIELD = "file"

Room = Callable[[Mapping[str, str]], Awaitable[int | None]]
"""How many bytes fit, of what the fields so far say; None while they do not say it."""


class Form:
    """What has been read so far. `file_name` and `file_type` are the client's words for the file; None: no file yet."""

    def __init__(self, content_type: str, path: Path, room_bytes: int) -> None:
        """The file goes to `path`, which is this form's own. Raises `ApiError` 400."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise ApiError(400, field="Content-Type", message="must be multipart/form-data with a boundary")
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self.file_type = ""
        self.file_bytes = 0
        self._path = path
        self._room_bytes = room_bytes
        self._is_room_known = False
        self._headers: dict[bytes, bytes] = {}
        self._header_name = b""
        self._header_value = b""
        self._field: str | None = None
        self._value = b""
        self._unwritten: list[bytes] = []
        self._unwritten_bytes = 0
        callbacks: dict[str, Callable[..., Any]] = {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name_comes,
            "on_header_value": self._header_value_comes,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data_comes,
            "on_part_end": self._part_ends,
        }
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    async def read(self, chunks: AsyncIterator[bytes], room: Room) -> None:
        """The whole body; the file is on disk afterwards. `room` says what fits. Raises `ApiError`."""
        opened = await asyncio.to_thread(self._path.open, "xb")
        try:
            async for chunk in chunks:
                self._parser.write(chunk)
                if not self._is_room_known and self.fields:
                    await self._ask(room)
                if self._unwritten_bytes >= WRITTEN_AT_ONCE_BYTES:
                    await asyncio.to_thread(self._write, opened)
            self._parser.finalize()
            await asyncio.to_thread(self._write, opened)
        except OSError as error:
            raise ApiError(507, field=FILE_FIELD, message=f"can't be written: {error.strerror}") from None
        except FormParserError as error:
            raise ApiError(400, field="body", message=f"is no multipart form: {error}") from None
        finally:
            await asyncio.to_thread(opened.close)
        if self.file_name is None:
            raise ApiError(400, field=FILE_FIELD, message="is required: the part with the content")

    async def _ask(self, room: Room) -> None:
        room_bytes = await room(self.fields)
        if room_bytes is not None:
            self._is_room_known = True
            self._room_bytes = min(self._room_bytes, room_bytes)
            self._check_size()

    def _check_size(self) -> None:
        if self.file_bytes > self._room_bytes:
            raise ApiError(413, field=FILE_FIELD, message=f"has more than the {self._room_bytes} bytes there are")

    def _write(self, opened: BinaryIO) -> None:
        pieces, self._unwritten, self._unwritten_bytes = self._unwritten, [], 0
        opened.writelines(pieces)

    # ---- what the parser finds

    def _part_begins(self) -> None:
        self._headers = {}
        self._field, self._value = None, b""

    def _header_name_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_comes(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options or name == FILE_FIELD:
            if self.file_name is not None:
                raise ApiError(400, field=name, message="is a second file; one at a time")
            self.file_name = options.get(b"filename", b"").decode("utf-8", "replace")
            self.file_type = self._headers.get(b"content-type", b"").decode("latin-1").strip().lower()
            return
        if not name or name in self.fields or len(self.fields) >= FIELDS_LIMIT:
            raise ApiError(400, field=name or "body", message="is a part without a name, twice there, or one too many")
        self._field = name

    def _data_comes(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._unwritten.append(data[start:end])
            self._unwritten_bytes += end - start
            self.file_bytes += end - start
            self._check_size()
            return
        self._value += data[start:end]
        if len(self._value) > FIELD_LIMIT_BYTES:
            raise ApiError(400, field=self._field, message=f"has more than {FIELD_LIMIT_BYTES} bytes")

    def _part_ends(self) -> None:
        if self._field is not None:
            self.fields[self._field] = self._value.decode("utf-8", "replace")
