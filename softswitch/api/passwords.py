"""The logins of endpoints for HTTP Basic: passwords are kept as argon2id hashes, and only here.

A hash costs a good part of a tenth of a second, so it is worked out in a thread, one at a time, and a login that was
right is remembered (under a key of this process, never the password itself) until an endpoint changes. Who waits in
line with a pair that is found right meanwhile needs no hash of his own.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from softswitch.store import Condition, ListQuery, Row, Store

CONFERENCES = frozenset({"conference", "conference_v2"})
REMEMBERED = 1024
LONGEST_PASSWORD = 256

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$/qCVs7HcH111QSZodOd8Zg$FUymKiOxgQCl57kBhWstwE2GFQCSOaTooa4XKZLBkXo"
"""What the password of a login that does not exist is compared with, so that it takes as long."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who calls with an endpoint's own login."""

    login: str
    endpoint_sid: str
    account_sid: str
    type: str = "conference"
    """Of the endpoint."""


class Passwords:
    """The logins of the endpoints that have an API of their own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, Login] = OrderedDict()
        self._forgotten = 0
        """How often everything was: what was read before the last time is not remembered after it."""
        self._one_at_a_time = asyncio.Lock()

    def remembered(self, login: str, password: str) -> Login | None:
        """The login, if this very pair was right before."""
        return self._known.get(self._mark(login, password))

    async def find(self, login: str, password: str, types: Collection[str] = CONFERENCES) -> Login | None:
        """The login of an endpoint of these types, if the password is right."""
        async with self._one_at_a_time:
            known = self.remembered(login, password)
            if known is not None and known.type in types:
                return known
            forgotten = self._forgotten
            found = await self._proved(login, password, types)
            if found is not None and forgotten == self._forgotten:
                self._remember(self._mark(login, password), found)
        return found

    async def hashed(self, password: str) -> str:
        """What the store keeps of a password."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(_HASHER.hash, password)

    def forget(self) -> None:
        """Something about the logins has changed: everybody proves again who he is."""
        self._forgotten += 1
        self._known.clear()

    async def _proved(self, login: str, password: str, types: Collection[str]) -> Login | None:
        """Asking the store, and the hash. Takes as long where there is no such login."""
        row = await self._endpoint(login)
        row = row if row is not None and row["type"] in types else None
        kept = (row["properties"].get("password_hash") if row else None) or _NOBODY
        if len(password) > LONGEST_PASSWORD or not await asyncio.to_thread(_verify, kept, password):
            return None
        return await self._account(login, row) if row else None

    def _remember(self, mark: bytes, login: Login) -> None:
        self._known[mark] = login
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _endpoint(self, login: str) -> Row | None:
        condition = Condition(("properties", "login"), "eq", login)
        page = await self._store.list("endpoints", ListQuery(conditions=(condition,), limit=1))
        return page.items[0] if page.items else None

    async def _account(self, login: str, endpoint: Row) -> Login | None:
        """A conference has an account with a sid of its own; another endpoint is its own account."""
        sid, type_ = endpoint["endpoint_sid"], endpoint["type"]
        if type_ not in CONFERENCES:
            return Login(login, sid, sid, type_)
        condition = Condition(("endpoint_sid",), "eq", sid)
        page = await self._store.list("conference_accounts", ListQuery(conditions=(condition,), limit=1))
        return Login(login, sid, page.items[0]["account_sid"], type_) if page.items else None

    def _mark(self, login: str, password: str) -> bytes:
        pair = f"{len(login)}:{login}{password}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, pair, hashlib.sha256)


def new_login(kind: str) -> str:
    """A login for an endpoint whose maker did not choose one."""
    return f"{kind}-{secrets.token_hex(4)}"


def new_password() -> str:
    return secrets.token_urlsafe(18)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
