"""Recordings of conferences become files of the storage: those that end now, and those found on disk at the start.

A recording goes into the container that its endpoint's `properties.container_sid` names, else into one called
"recordings", which is made when it is first needed. The content stays where the conference wrote it.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from softswitch.api.core.storage import Storage, content_of
from softswitch.call import Event, Events
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.conference import Conference, Recording
from softswitch.logs import get_logger
from softswitch.settings import DataSettings
from softswitch.store import AWAY, Condition, ListQuery, Store, StoreError, told
from softswitch.store.access import RECORDINGS

SETTLED_S = 1.0
"""After a recording has stopped its last second is still being written."""

WAITING_AT_MOST = 10_000
STORE_RETRY_S = 10.0


class Recordings:
    """Runs beside the API; calls and meetings do not wait for it."""

    def __init__(
        self, store: Store, storage: Storage, data: DataSettings, events: Events, endpoints: Mapping[str, Endpoint]
    ) -> None:
        self._store = store
        self._storage = storage
        self._folder = data.recordings
        self._events = events
        self._endpoints = endpoints
        self._ended: asyncio.Queue[tuple[Path, str]] = asyncio.Queue(WAITING_AT_MOST)

    async def run(self) -> None:
        """Until it is cancelled."""
        unsubscribe = self._events.subscribe(self._on_event, Recording)
        try:
            for path in await asyncio.to_thread(lambda: sorted(self._folder.rglob("*.wav"))):
                await self._keep(path, "")
            while True:
                path, endpoint_sid = await self._ended.get()
                await asyncio.sleep(SETTLED_S)
                await self._keep(path, endpoint_sid)
        finally:
            unsubscribe()

    def _on_event(self, event: Event) -> None:
        """What finds no room in the queue is found on disk at the next start."""
        if isinstance(event, Recording) and event.state != "started" and not self._ended.full():
            self._ended.put_nowait((Path(event.path), self._endpoint_of(event.meeting_id)))

    def _endpoint_of(self, meeting_id: str) -> str:
        """The sid of the conference where this meeting is."""
        for endpoint in self._endpoints.values():
            if isinstance(endpoint, Conference) and any(m.meeting_id == meeting_id for m in endpoint.meetings()):
                return endpoint.sid
        return ""

    async def _keep(self, path: Path, endpoint_sid: str) -> None:
        """A store that is away is waited for: its disk may be as full as that of the recording."""
        log = get_logger().bind(path=str(path))
        while True:
            try:
                await self._add(path, str(path.relative_to(self._folder)), endpoint_sid)
                return
            except AWAY as error:
                log.warning("a recording waits for the store", problem=told(error))
            except (OSError, StoreError) as error:
                log.warning("a recording did not become a file", reason=str(error))
                return
            await asyncio.sleep(STORE_RETRY_S)

    async def _add(self, path: Path, known_as: str, endpoint_sid: str) -> None:
        same = ListQuery(conditions=(Condition(("path",), "eq", known_as),), limit=1)
        if (await self._store.list("files", same)).items:
            return
        values = {
            "container_sid": await self._container(endpoint_sid),
            "name": path.name,
            "path": known_as,
            "type": "recording",
            **await asyncio.to_thread(content_of, path, path.name),
        }
        self._storage.added(await self._store.create("files", values))

    async def _container(self, endpoint_sid: str) -> str:
        endpoint = await self._store.get("endpoints", endpoint_sid) if endpoint_sid else None
        sid = endpoint["properties"].get("container_sid") if endpoint is not None else None
        if sid is not None and await self._store.get("containers", sid) is not None:
            return str(sid)
        named = ListQuery(conditions=(Condition(("unique",), "eq", RECORDINGS),), limit=1)
        found = (await self._store.list("containers", named)).items
        made = found or [await self._store.create("containers", {"name": RECORDINGS, "unique": RECORDINGS})]
        return str(made[0]["container_sid"])
