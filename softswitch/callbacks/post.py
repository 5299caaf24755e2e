"""One HTTP attempt. Apart from the rest because httpx takes a while to import: the sender does it when calls are up.

Redirects are not followed and proxies of the environment not used: a callback goes where it was told to, or nowhere.
What the receiver writes into its answer is not read.
"""

import asyncio
from collections.abc import Mapping

import httpx

from softswitch.callbacks.backoff import Answer


class Poster:
    """An HTTP client with connections that stay open. `transport` is given by tests."""

    def __init__(self, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            timeout=timeout_s, follow_redirects=False, trust_env=False, transport=transport
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever it is; status 0 where there is none."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", url, content=body, headers=dict(headers)) as response,
            ):
                return Answer(response.status_code, "", _retry_after_s(response))
        except TimeoutError:
            return Answer(0, "no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            return Answer(0, type(error).__name__)

    async def close(self) -> None:
        await self._client.aclose()


def _retry_after_s(response: httpx.Response) -> float:
    """Seconds; the header's other form, a date, is left alone."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0
