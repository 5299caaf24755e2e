"""Bearer tokens: made here, shown once, kept as SHA-256 alone.

A token is 256 random bits, so its plain hash can't be searched, and looking it up costs no more than a dictionary. The
tokens that have been used are remembered in memory; another process may add one to the store, which is then found
there.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from softswitch.store import Condition, ListQuery, Store

PREFIX = "sw_"
REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who calls with a token: its sid, its name for the log, and what it may do."""

    token_sid: str
    name: str
    scopes: frozenset[str]


class Tokens:
    """The tokens of the switch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[str, Bearer] = OrderedDict()
        self._forgotten = 0
        """How many were: what the store said before is not remembered after."""

    def remembered(self, secret: str) -> Bearer | None:
        """Whose secret this is, if it has been used before. Costs nothing worth waiting for."""
        return self._known.get(_hashed(secret))

    async def find(self, secret: str) -> Bearer | None:
        """Whose secret this is, asking the store."""
        digest = _hashed(secret)
        forgotten = self._forgotten
        wanted = ListQuery(conditions=(Condition(("token_hash",), "eq", digest),), limit=1)
        page = await self._store.list("tokens", wanted)
        row = page.items[0] if page.items else None
        if row is None or row["revoked"]:
            return None
        bearer = Bearer(row["token_sid"], row["name"], frozenset(row["scopes"]))
        if forgotten == self._forgotten:
            self._known[digest] = bearer
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return bearer

    async def create(self, name: str, scopes: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """A new token: its secret, which nobody can show again, and its row."""
        secret = PREFIX + secrets.token_urlsafe(32)
        values = {"name": name, "scopes": list(scopes), "token_hash": _hashed(secret)}
        return secret, await self._store.create("tokens", values)

    async def create_first(self) -> str | None:
        """The secret of an admin token where there is no token yet, else None."""
        page = await self._store.list("tokens", ListQuery(limit=1))
        if page.items:
            return None
        secret, _ = await self.create("admin", ["*"])
        return secret

    def forget(self, token_sid: str) -> None:
        """The token has been revoked or changed."""
        self._forgotten += 1
        for digest in [digest for digest, bearer in self._known.items() if bearer.token_sid == token_sid]:
            del self._known[digest]


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
