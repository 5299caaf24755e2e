"""Gets the certificates that others sign with: by HTTPS, once for many calls, never from inside our own network.

Whoever calls us says where his certificate is, so the address is an attacker's to choose: only https, no redirects, no
address that is not public (unless its host is one of `hosts`), the very address that was looked up, no more than
`LARGEST_BYTES` and those as they are sent (nothing is inflated), no longer than `FETCH_AT_MOST_S` from the name to the
last byte, no more than `RUNNING_AT_MOST` at once, and a bounded memory. A failure is remembered too, but not as long.
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import httpx
from cryptography import x509

LARGEST_BYTES = 65_536
KEPT = 1000
KEPT_FOR_S = 3600.0
FAILURE_KEPT_FOR_S = 60.0
FETCH_AT_MOST_S = 10.0
RUNNING_AT_MOST = 32
AS_IT_IS = {"Accept-Encoding": "identity"}

Lookup = Callable[[str], Awaitable[list[str]]]
"""The addresses of a host."""


class Fetched(NamedTuple):
    """A chain, the certificate that signs first; or why there is none. `until`: monotonic seconds."""

    chain: tuple[x509.Certificate, ...]
    why_not: str
    until: float


class Fetching:
    """The certificates of others, by address."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        clock: Callable[[], float],
        hosts: frozenset[str] = frozenset(),
        lookup: Lookup | None = None,
    ) -> None:
        """`hosts`: the only ones that are asked, wherever they are; none: any that is public. `lookup`: by DNS."""
        self._client, self._clock, self._hosts = client, clock, hosts
        self._lookup = lookup or addresses_of
        self._kept: OrderedDict[str, Fetched] = OrderedDict()
        self._running: dict[str, asyncio.Task[Fetched]] = {}

    async def get(self, url: str) -> Fetched:
        """From memory, else from the network; calls that ask for the same at once share one request."""
        kept = self._kept.get(url)
        if kept is not None and kept.until > self._clock():
            return kept
        task = self._running.get(url)
        if task is None:
            if len(self._running) >= RUNNING_AT_MOST:
                return Fetched((), f"{RUNNING_AT_MOST} others are being fetched", self._clock())
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
            async with asyncio.timeout(FETCH_AT_MOST_S):
                chain, why_not = await self._download(await self._request(url)), ""
        except TimeoutError:
            chain, why_not = [], f"took longer than {FETCH_AT_MOST_S:g} s"
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
            if (encoding := answer.headers.get("Content-Encoding", "identity").lower()) != "identity":
                raise ValueError(f"is encoded ({encoding[:20]})")
            body = b""
            async for part in answer.aiter_raw():
                body += part
                if len(body) > LARGEST_BYTES:
                    raise ValueError(f"has more than {LARGEST_BYTES} bytes")
        finally:
            await answer.aclose()
        return x509.load_pem_x509_certificates(body)

    async def _request(self, url: str) -> httpx.Request:
        """What is asked, and of whom. Raises `ValueError` for an address that is not, `OSError` for an unknown host."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" or not host:
            raise ValueError("is no https address")
        if self._hosts:
            if host not in self._hosts:
                raise ValueError(f"{host} is none of stir.x5u_hosts")
            return self._client.build_request("GET", url, headers=AS_IT_IS)
        places = await self._lookup(host)
        if not places or not all(ipaddress.ip_address(place).is_global for place in places):
            raise ValueError(f"{host} is no public host")
        there = httpx.URL(url).copy_with(host=places[0])
        shown = host if parts.port is None else f"{host}:{parts.port}"
        headers = {**AS_IT_IS, "Host": shown}
        return self._client.build_request("GET", there, headers=headers, extensions={"sni_hostname": host})


async def addresses_of(host: str) -> list[str]:
    """By DNS, without a thread: a name server of an attacker that says nothing holds nobody else up.

    Raises `OSError` where there are none.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = await dns.asyncresolver.resolve_name(f"{host.rstrip('.')}.", search=False)
    except dns.exception.DNSException as error:
        raise OSError(f"{host} is not known ({type(error).__name__})") from error
    return list(found.addresses())
