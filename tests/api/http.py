"""Clients of an API on a real socket."""

from typing import Any

import httpx


def client(url: str, **more: Any) -> httpx.AsyncClient:
    """Without time-outs, which virtual time would bring about, and without the certificates of the world to read."""
    return httpx.AsyncClient(base_url=url, timeout=None, verify=False, **more)
