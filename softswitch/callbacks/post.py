"""One HTTP attempt. Apart from the rest because httpx takes a while to import: the sender does it when calls are up.

Redirects are not followed and proxies of the environment not used: a callback goes where it was told to, or nowhere.
What the receiver writes into its answer is not read. Where networks are refused, the very address that was looked up is
asked: a name can't lead there either.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence

import httpx

from softswitch.callbacks.backoff import Answer

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _RefusedAddressError(Exception):
    """Its text says which."""


class Poster:
    """An HTTP client with connections that stay open. `transport` is given by tests."""

    def __init__(
        self,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        refused_networks: Sequence[Network] = (),
    ) -> None:
        self._timeout_s = timeout_s
        self._refused = refused_networks
        self._client = httpx.AsyncClient(
            timeout=timeout_s, follow_redirects=False, trust_env=False, transport=transport
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever it is; status 0 where there is none."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.send(await self._request(url, body, headers), stream=True)
                await response.aclose()
                return Answer(response.status_code, "", _retry_after_s(response))
        except TimeoutError:
            return Answer(0, "no answer in time")
        except _RefusedAddressError as refused:
            return Answer(0, str(refused))
        except Exception as error:  # noqa: BLE001 - an odd URL makes many kinds (OverflowError, for one): none ends us
            return Answer(0, type(error).__name__)

    async def _request(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        request = self._client.build_request("POST", url, content=body, headers=dict(headers))
        if not self._refused:
            return request
        name = request.url.host
        address = await self._looked_up(name)
        there = request.url.copy_with(host=address)
        host = {"Host": request.headers["Host"]}
        return self._client.build_request(
            "POST", there, content=body, headers=dict(headers) | host, extensions={"sni_hostname": name}
        )

    async def _looked_up(self, host: str) -> str:
        """The first address of `host`. Raises `_RefusedAddressError` where one of them is in a refused network."""
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = [str(place[4][0]) for place in found]
        for address in map(ipaddress.ip_address, addresses):
            plain = getattr(address, "ipv4_mapped", None) or address
            if any(plain in network for network in self._refused):
                raise _RefusedAddressError(f"{plain} is in one of callbacks.refused_networks")
        return addresses[0]

    async def close(self) -> None:
        await self._client.aclose()


def _retry_after_s(response: httpx.Response) -> float:
    """Seconds; the header's other form, a date, is left alone."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0
