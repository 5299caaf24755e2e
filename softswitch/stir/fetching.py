"""Gets the certificates that others sign with: by HTTPS, once for many calls, never from inside our own network.

Whoever calls us says where his certificate is, so the address is an attacker's to choose: only https, no redirects, no
address that is not public (unless its host is one of `hosts`), the very address that was looked up, no more than
`LARGEST_BYTES`, and a bounded memory. A failure is remembered too, for a shorter time.
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
            chain, why_not = await self._download(await self._request(url)), ""
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            chain, why_not = [], (str(error) or type(error).__name__)[:200]
        lifetime_s = KEPT_FOR_S if chain else FAILURE_KEPT_FOR_S
        fetched = self._kept[url] = Fetched(tuple(chain), why_not, self._clock() + lifetime_s)
        self._kept.move_to_end(url)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return fetched

    async def _download(self, request: httpx.Request) -> list[x509.Certificate]:
        """Raises `httpx.HTTPError`, `ValueError`."""
        answer = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"answered {answer.status_code}")
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > LARGEST_BYTES:
                    raise ValueError(f"has more than {LARGEST_BYTES} bytes")
        finally:
            await answer.aclose()
        return x509.load_pem_x509_certificates(body)

    async def _request(self, url: str) -> httpx.Request:
        """What is asked, and of whom. Raises `ValueError` for an address that is not, `OSError` for an unknown host."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or 443
        if parts.scheme != "https" or not host:
            raise ValueError("is no https address")
        if self._hosts:
            if host not in self._hosts:
                raise ValueError(f"{host} is none of stir.x5u_hosts")
            return self._client.build_request("GET", url)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        places = [str(place[0]) for *_, place in found]
        if not all(ipaddress.ip_address(place).is_global for place in places):
            raise ValueError(f"{host} is no public host")
        there = httpx.URL(url).copy_with(host=places[0])
        shown = host if parts.port is None else f"{host}:{port}"
        return self._client.build_request("GET", there, headers={"Host": shown}, extensions={"sni_hostname": host})
