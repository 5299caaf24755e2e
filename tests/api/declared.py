"""Whether the OpenAPI document knows of every answer that a test gets: its status is declared for its route."""

import re
from typing import Any

import httpx

Operations = list[tuple[re.Pattern[str], dict[str, Any]]]


class Declared:
    """A hook for clients. The document is that of the first who asks: all of one kind have the same."""

    def __init__(self) -> None:
        self._operations: Operations = []

    async def ask(self, client: httpx.AsyncClient) -> None:
        """Reads the document, and looks at every answer that comes to `client` from now on."""
        if not self._operations:
            self._operations = _operations((await client.get("/openapi.json")).json())
        client.event_hooks = {"response": [self._check]}

    async def _check(self, response: httpx.Response) -> None:
        if response.status_code == 500:
            return  # a bug that a test has made
        path, method = response.request.url.path, response.request.method.lower()
        for pattern, operations in self._operations:
            if pattern.fullmatch(path) and method in operations:
                declared = operations[method]["responses"]
                assert str(response.status_code) in declared, f"{method} {path}: {response.status_code}"
                return


def _operations(document: dict[str, Any]) -> Operations:
    """By their path, those with the fewest unknown words first."""
    paths = sorted(document["paths"].items(), key=lambda found: found[0].count("{"))
    return [(re.compile(re.sub(r"{[a-z_]+}", "[^/]+", path)), operations) for path, operations in paths]
