"""Gets the certificates that others sign with: by HTTPS, once for many calls, never from inside our own network.

Whoever calls us says where his certificate is, so the address is an attacker's to choose: only https, no redirects, no
address that is not public (unless its host is one of `hosts`), no more than `LARGEST_BYTES`, and a bounded memory. A
failure is remembered too, for a shorter time.
"""

import asyncio
import ipaddress
import socket
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from cryptography import x509

LARGEST_BYTES = 65_536
KEPT = 1000
KEPT_FOR_S = 3600.0
FAILURE_KEPT_FOR_S = 60.0


class Fetched(NamedTuple):
    """A chain, the certificate that signs first; or why there is none. `until`: monotonic seconds."""

    chain: tuple[x509.Certificate, ...]
    why_not: str
    until: float


class Fetching:
    """The certificates of others, by address."""

    def __init__(
        self, client: httpx.AsyncClient, clock: Callable[[], float], hosts: frozenset[str] = frozenset()
    ) -> None:
        """`hosts`: the only ones that are asked, wherever they are; none: any that is public."""
        self._client, self._clock, self._hosts = client, clock, hosts
        self._kept: OrderedDict[str, Fetched] = OrderedDict()
        self._running: dict[str, asyncio.Task[Fetched]] = {}

    async def get(self, url: str) -> Fetched:
        """From memory, else from the network; calls that ask for the same at once share one request."""
        kept = self._kept.get(url)
        if kept is not None and kept.until > self._clock():
            return kept
        task = self._running.get(url)
        if task is None:
            task = self._running[url] = asyncio.get_running_loop().create_task(self._fetch(url))
            task.add_done_callback(lambda _: self._running.pop(url, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Requests that run are given up."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._client.aclose()

    async def _fetch(self, url: str) -> Fetched:
        try:
            why_not = await self._why_not(url)
            chain = () if why_not else await self._download(url)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            chain, why_not = (), f"{type(error).__name__}: {error}"[:200]
        lifetime_s = KEPT_FOR_S if chain else FAILURE_KEPT_FOR_S
        fetched = self._kept[url] = Fetched(tuple(chain), why_not, self._clock() + lifetime_s)
        self._kept.move_to_end(url)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return fetched

    async def _download(self, url: str) -> list[x509.Certificate]:
        async with self._client.stream("GET", url, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"answered {answer.status_code}")
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LARGEST_BYTES:
                    raise ValueError(f"has more than {LARGEST_BYTES} bytes")
        return x509.load_pem_x509_certificates(body)

    async def _why_not(self, url: str) -> str:
        """Why an address is not asked at all. Raises `OSError`, `ValueError`."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" or not host:
            return "is no https address"
        if self._hosts:
            return "" if host in self._hosts else f"{host} is none of stir.x5u_hosts"
        found = await asyncio.get_running_loop().getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        places = {str(place[0]) for *_, place in found}
        return "" if all(ipaddress.ip_address(place).is_global for place in places) else f"{host} is no public host"
