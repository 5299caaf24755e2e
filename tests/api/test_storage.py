"""Containers and files: what comes in, what is refused on the way, what comes out again."""

import io
import wave
from pathlib import Path

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.real_time

CONTAINERS = "/core/v2/storage/containers"
FILES = "/core/v2/storage/files"


def audio(seconds: int = 2) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(bytes(16_000 * seconds))
    return written.getvalue()


async def container(api: Api, **values: object) -> str:
    return str((await api.client.post(CONTAINERS, json={"name": "c", **values})).json()["container_sid"])


def on_disk(api: Api) -> list[Path]:
    return [path for path in api.context.settings.data.directory.joinpath("files").rglob("*") if path.is_file()]


async def test_a_file_is_uploaded_described_downloaded_and_removed(api: Api) -> None:
    sid = await container(api)
    form = {"container_sid": sid, "name": "greeting.wav", "string_key_1": "evening"}
    made = await api.client.post(FILES, data=form, files={"file": ("whatever.bin", audio())})
    assert made.status_code == 200, made.text
    file = made.json()
    assert (file["name"], file["content_duration"], file["content_classification"]) == ("greeting.wav", 2.0, "media")
    content = await api.client.get(file["publish_uri"])
    assert content.content == audio()
    part = await api.client.get(file["publish_uri"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")
    counted = (await api.client.get(f"{CONTAINERS}/{sid}")).json()
    assert (counted["total_files"], counted["total_bytes"]) == (1, len(audio()))
    renamed = await api.client.patch(f"{FILES}/{file['file_sid']}", json={"name": "evening.wav"})
    assert renamed.json()["name"] == "evening.wav"
    assert (await api.client.delete(f"{CONTAINERS}/{sid}")).status_code == 409
    assert (await api.client.delete(f"{FILES}/{file['file_sid']}")).status_code == 204
    assert on_disk(api) == []
    assert (await api.client.get(f"{CONTAINERS}/{sid}")).json()["total_files"] == 0


async def test_no_name_of_a_client_becomes_part_of_a_path(api: Api, tmp_path: Path) -> None:
    sid = await container(api)
    for name in ("../../escaped", "/etc/escaped", "..\\escaped", "a/../../escaped", ".", ".."):
        await _try_to_escape(api, sid, name)
    assert {path.parent.name for path in on_disk(api)} == {sid}
    assert not list(tmp_path.parent.glob("*escaped*"))


async def _try_to_escape(api: Api, sid: str, name: str) -> None:
    made = await api.client.post(FILES, data={"container_sid": sid}, files={"file": (name, b"content")})
    assert made.status_code == 200, made.text
    named = await api.client.post(FILES, data={"container_sid": sid, "name": name}, files={"file": ("f", b"content")})
    assert named.status_code == 200
    access = {"container_sid": sid, "file_access_name": name}
    refused = await api.client.post(FILES, data=access, files={"file": ("f", b"content")})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "file_access_name")


async def test_a_quota_of_bytes_ends_an_upload_and_leaves_nothing_behind(api: Api) -> None:
    sid = await container(api, quota_bytes=1000)
    fits = await api.client.post(FILES, data={"container_sid": sid}, files={"file": ("f", bytes(600))})
    assert fits.status_code == 200
    too_much = await api.client.post(FILES, data={"container_sid": sid}, files={"file": ("f", bytes(600))})
    assert (too_much.status_code, too_much.json()["errors"][0]["field"]) == (413, "file")
    assert len(on_disk(api)) == 1
    shown = (await api.client.get(f"{CONTAINERS}/{sid}")).json()
    assert (shown["total_bytes"], shown["available_bytes_percent"]) == (600, 40.0)


async def test_a_file_says_when_it_was_changed_and_when_it_was_fetched_last(api: Api) -> None:
    sid = await container(api)
    made = await api.client.post(FILES, data={"container_sid": sid}, files={"file": ("a.wav", audio())})
    file = made.json()
    one = f"{FILES}/{file['file_sid']}"
    assert (file["date_modified"], file["date_last_accessed"]) == (None, None)
    same = (await api.client.patch(one, json={"name": "a.wav"})).json()
    assert same["date_modified"] is None, "nothing has changed"
    changed = (await api.client.patch(one, json={"name": "b.wav"})).json()
    assert changed["date_modified"] > file["date_created"]
    assert (await api.client.get(file["publish_uri"])).content == audio()
    fetched = (await api.client.get(one)).json()
    assert fetched["date_last_accessed"] > changed["date_modified"]
    assert fetched["date_modified"] == changed["date_modified"]


async def test_a_quota_of_files_is_409(api: Api) -> None:
    sid = await container(api, quota_files=1)
    upload = {"container_sid": sid}
    assert (await api.client.post(FILES, data=upload, files={"file": ("f", b"1")})).status_code == 200
    full = await api.client.post(FILES, data=upload, files={"file": ("f", b"2")})
    assert (full.status_code, full.json()["errors"][0]["field"]) == (409, "container_sid")


async def test_a_container_takes_only_the_kinds_it_allows(api: Api) -> None:
    sid = await container(api, allowed_classifications=["media"])
    refused = await api.client.post(FILES, data={"container_sid": sid}, files={"file": ("f.pdf", b"%PDF")})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "file")
    assert on_disk(api) == []


NO_FORM = (
    ("application/json", b"{}"),
    ("multipart/form-data", b""),
    ("multipart/form-data; boundary=x", b"nothing of the kind"),
    ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'),
)


async def test_what_is_no_form_with_a_file_is_400(api: Api) -> None:
    for content_type, body in NO_FORM:
        answered = await api.client.post(FILES, content=body, headers={"Content-Type": content_type})
        assert answered.status_code == 400, answered.text
        assert answered.json()["errors"]
        assert on_disk(api) == []


async def test_a_form_names_its_container_and_nothing_it_may_not(api: Api) -> None:
    sid = await container(api)
    for form, field in (
        ({}, "container_sid"),
        ({"container_sid": "00000000-0000-4000-8000-000000000000"}, "container_sid"),
        ({"container_sid": sid, "file_bytes": "7"}, "file_bytes"),
        ({"container_sid": sid, "path": "/etc/passwd"}, "path"),
    ):
        refused = await api.client.post(FILES, data=form, files={"file": ("f", b"1")})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert on_disk(api) == []


async def test_a_quota_may_be_larger_than_what_31_bits_count(api: Api) -> None:
    terabyte = 2**40
    sid = await container(api, quota_bytes=terabyte)
    shown = (await api.client.get(f"{CONTAINERS}/{sid}")).json()
    assert (shown["quota_bytes"], shown["available_bytes_percent"]) == (terabyte, 100.0)
    found = await api.client.get(CONTAINERS, params={"filter": f"quota_bytes ge {terabyte}"})
    assert [item["container_sid"] for item in found.json()["items"]] == [sid]
    refused = await api.client.post(CONTAINERS, json={"name": "c", "quota_bytes": 2**53})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "quota_bytes")


async def test_a_part_that_there_is_not_is_416_and_what_is_no_range_is_ignored(api: Api) -> None:
    form = {"container_sid": await container(api)}
    file = (await api.client.post(FILES, data=form, files={"file": ("a.bin", bytes(100))})).json()
    path = f"{FILES}/{file['file_sid']}/content"
    for wanted, status, length in (("bytes=0-9", 206, 10), ("bytes=9-1", 200, 100), ("lines=1-2", 200, 100)):
        answered = await api.client.get(path, headers={"Range": wanted})
        assert (answered.status_code, len(answered.content)) == (status, length)
    beyond = await api.client.get(path, headers={"Range": "bytes=100-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */100")
    assert beyond.json()["errors"][0]["field"] == "Range"
    head = await api.client.head(path)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "100", b"")


async def test_nothing_is_its_own_parent(api: Api) -> None:
    """Nobody could have removed it: it was still referred to, by itself."""
    sid = await container(api)
    file = (await api.client.post(FILES, data={"container_sid": sid}, files={"file": ("a", b"1")})).json()["file_sid"]
    for path, field, own in ((CONTAINERS, "parent_container_sid", sid), (FILES, "parent_file_sid", file)):
        refused = await api.client.patch(f"{path}/{own}", json={field: own})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
