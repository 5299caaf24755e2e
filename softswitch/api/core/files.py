"""`/core/v2/storage/files`: what is kept, uploaded files and recordings of conferences alike.

    curl -F container_sid=... -F name=greeting -F file=@greeting.wav http://.../core/v2/storage/files
    curl -o greeting.wav http://.../core/v2/storage/files/<file_sid>/content

An upload goes to disk while it comes in and ends as soon as it is larger than the container's quota has room for. What
can be said of the content (type, format, duration) is found out here; the client's words are not believed.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from pydantic import AfterValidator, Field, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import MalformedRangeHeader, RangeNotSatisfiable

from softswitch.api.core.multipart import Form
from softswitch.api.core.storage import content_of
from softswitch.api.errors import ApiError, faults_of
from softswitch.api.lists import json_response
from softswitch.api.resources import ConfigurationResource, Values, refuse_itself
from softswitch.api.routes import ERRORS, described
from softswitch.api.schemas import SID, Date, Name, Object, ReadOnly, Sid, Text, Whole, not_acceptable
from softswitch.store import Row
from softswitch.store.columns import now_text

DEFAULT_NAME = "file"
MINUTE = len("2026-01-31T09:45")


def _relative(path: str) -> str:
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise not_acceptable(f'is "{path[:64]}"', "names with / between them, such as greetings/evening.wav")
    return path


class File(Object):
    """One file."""

    file_sid: ReadOnly[Sid]
    container_sid: Sid
    """It stays in its container."""
    parent_file_sid: Sid | None = None
    name: Name = "N/A"
    file_access_name: Annotated[str, Field(max_length=512), AfterValidator(_relative)] | None = None
    """A path by which people know it; nothing on disk has this name."""
    file_bytes: ReadOnly[int]
    mime_type: ReadOnly[str | None]
    type: ReadOnly[str | None]
    """`upload` or `recording`."""
    publish: Literal["file_sid", "file_access_name", "none"] = "file_sid"
    publish_uri: ReadOnly[str | None]
    """Where the content is; a token is needed there."""
    content_format: ReadOnly[str | None]
    content_duration: ReadOnly[float | None]
    """Seconds."""
    content_classification: ReadOnly[str | None]
    content_transcoding_progress: ReadOnly[float | None]
    lifecycle_action: Literal["no_action"] = "no_action"
    lifecycle_ttl: Literal[-1] = -1
    """-1: for ever."""
    integer_key_1: Whole | None = None
    integer_key_2: Whole | None = None
    string_key_1: Text | None = None
    string_key_2: Text | None = None
    string_key_3: Text | None = None
    string_key_4: Text | None = None
    desired_format: ReadOnly[str | None]
    """Files are kept as they came: nothing is transcoded."""
    desired_bitrate: ReadOnly[int | None]
    date_modified: ReadOnly[Date | None]
    """When attributes last changed."""
    date_last_accessed: ReadOnly[Date | None]
    """When the content was last fetched, to the minute."""
    date_created: ReadOnly[Date]


class Content(FileResponse):
    """A file, or parts of it. What is no range is as if it was not there (RFC 9110 §14.2)."""

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        """Raises `ApiError` 416."""
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
        except RangeNotSatisfiable:
            whole = {"Content-Range": f"bytes */{file_size}"}
            raise ApiError(416, field="Range", message=f"has {file_size} bytes", headers=whole) from None


class Files(ConfigurationResource):
    """POST takes multipart/form-data; everything else is as with any object."""

    kind = "files"
    path = "/core/v2/storage/files"
    area = "storage"
    tag = "files"
    shown = File
    verbs = frozenset({"list", "get", "change", "replace", "remove"})
    example: ClassVar[Values] = {
        "file_sid": "a97f2c8b-0d1c-4e35-9c52-6f1b7d0e4c88",
        "container_sid": "e1f6a1f0-2c43-4f0a-b6f0-6a0b1c9d2e33",
        "parent_file_sid": None,
        "name": "greeting.wav",
        "file_access_name": None,
        "file_bytes": 80_044,
        "mime_type": "audio/x-wav",
        "type": "upload",
        "publish": "file_sid",
        "publish_uri": "/core/v2/storage/files/a97f2c8b-0d1c-4e35-9c52-6f1b7d0e4c88/content",
        "content_format": "wav",
        "content_duration": 5.0,
        "content_classification": "media",
        "content_transcoding_progress": None,
        "lifecycle_action": "no_action",
        "lifecycle_ttl": -1,
        "integer_key_1": None,
        "integer_key_2": None,
        "string_key_1": None,
        "string_key_2": None,
        "string_key_3": None,
        "string_key_4": None,
        "desired_format": None,
        "desired_bitrate": None,
        "date_modified": None,
        "date_last_accessed": None,
        "date_created": "2026-01-31T09:45:00.000Z",
    }

    def show(self, row: Row) -> Values:
        return {**super().show(row), "publish_uri": f"{self.path}/{row['file_sid']}/content"}

    async def prepare(self, values: Values, before: Row | None) -> Values:
        if before is None:
            return values
        refuse_itself(values, before, "parent_file_sid", self.sid)
        if values["container_sid"] != before["container_sid"]:
            raise ApiError(422, field="container_sid", message="does not change")
        is_other = any(before.get(name) != value for name, value in values.items())
        return {**values, "date_modified": now_text()} if is_other else values

    async def remove(self, request: Request) -> Response:
        row = await self.find(request)
        response = await super().remove(request)
        await self.context.storage.removed(row)
        return response

    # ---- content

    async def upload(self, request: Request) -> Response:
        """A new file. Raises `ApiError`: 400 for a body that is no form, 413 where it does not fit, 422."""
        with self.context.storage.incoming() as path:
            form = Form(request.headers.get("content-type", ""), path, self.context.settings.api.upload_limit_bytes)
            await form.read(request.stream(), self._room_bytes)
            values = self._checked(form)
            container = await self._container(values["container_sid"])
            values |= await asyncio.to_thread(content_of, path, values["name"])
            _check_classification(container, values["content_classification"])
            async with self.context.changing:
                return json_response(self.show(await self._keep(path, container, values)))

    async def download(self, request: Request) -> Response:
        """The content as it was uploaded or recorded; parts of it with `Range`."""
        row = await self.find(request)
        path = self.context.storage.path_of(row)
        if path is None:
            raise ApiError(404, field=self.sid, message="its content is gone")
        await self._note_access(row)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return Content(path, media_type=row["mime_type"], filename=row["name"], headers=headers)

    async def _note_access(self, row: Row) -> None:
        """Once a minute is enough: a player asks for parts. The content comes also where the store takes nothing."""
        now = now_text()
        if (row["date_last_accessed"] or "")[:MINUTE] != now[:MINUTE]:
            with contextlib.suppress(OSError, SQLAlchemyError):
                await self.store.update(self.kind, row[self.sid], {"date_last_accessed": now})

    def _checked(self, form: Form) -> Values:
        sent = {"name": Path((form.file_name or "").replace("\\", "/")).name[:128] or DEFAULT_NAME, **form.fields}
        try:
            body = self.body.model_validate(sent)
        except ValidationError as error:
            raise ApiError(422, *faults_of(error.errors(include_url=False))) from None
        self.refuse_unknown(body, None)
        values = body.model_dump(include=set(self.body.model_fields))
        return {**values, "file_bytes": form.file_bytes, "type": "upload"}

    async def _room_bytes(self, fields: Mapping[str, str]) -> int | None:
        """How much fits, once the form has said where; None before, and where there is no limit."""
        sid = fields.get("container_sid")
        container = await self.store.get("containers", sid) if sid is not None and SID.fullmatch(sid) else None
        if container is None or container["quota_bytes"] is None:
            return None
        return (
            int(container["quota_bytes"]) - (await self.context.storage.usage(container["container_sid"])).total_bytes
        )

    async def _container(self, sid: str) -> Row:
        container = await self.store.get("containers", sid)
        if container is None:
            raise ApiError(422, field="container_sid", message="names no container")
        return container

    async def _keep(self, path: Path, container: Row, values: Values) -> Row:
        """The row and its content, where the container has room for it."""
        usage = await self.context.storage.usage(container["container_sid"])
        bytes_free, files_free = container["quota_bytes"], container["quota_files"]
        if bytes_free is not None and usage.total_bytes + values["file_bytes"] > bytes_free:
            raise ApiError(
                413, field="file", message=f"does not fit: {usage.total_bytes} of {bytes_free} bytes are used"
            )
        if files_free is not None and usage.total_files >= files_free:
            raise ApiError(409, field="container_sid", message=f"is full: it has {usage.total_files} files")
        values["file_sid"] = str(uuid.uuid4())
        row = await self.store.create(self.kind, values)
        await asyncio.to_thread(self.context.storage.keep, path, row)
        self.context.storage.added(row)
        return row


def add_content(router: APIRouter, files: Files) -> None:
    """The routes that a file has and other objects have not."""
    form = {"type": "object", "required": ["container_sid", "file"], "properties": _form_properties(files)}
    upload = described(
        tag=files.tag,
        name="create_files",
        guard=files.guard("create"),
        path=files.path,
        answer=File,
        example=files.example,
        also=(507,),
    )
    upload["openapi_extra"] = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}
    content = f"{files.path}/{{file_sid}}/content"
    download = described(tag=files.tag, name="get_file_content", guard=files.guard("read"), path=content, answer=None)
    download["status_code"] = 200
    download["responses"] = {
        **download["responses"],
        200: {"description": "The content."},
        206: {"description": "The part of it that `Range` asks for."},
        416: {"content": ERRORS, "description": "It has no such part."},
    }
    del download["responses"][204]
    router.add_api_route(files.path, files.upload, methods=["POST"], **upload)
    router.add_api_route(content, files.download, methods=["GET"], **download)
    router.add_api_route(
        content, files.download, methods=["HEAD"], include_in_schema=False, dependencies=download["dependencies"]
    )


def _check_classification(container: Row, classification: str) -> None:
    allowed, blocked = container["allowed_classifications"], container["blocked_classifications"]
    if classification in blocked or (allowed and classification not in allowed):
        raise ApiError(422, field="file", message=f"is of a kind ({classification}) this container does not take")


def _form_properties(files: Files) -> Values:
    properties = files.body.model_json_schema()["properties"]
    return {**properties, "file": {"type": "string", "format": "binary", "description": "The content."}}
