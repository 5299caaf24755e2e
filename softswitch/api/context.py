"""What the routes of the API work with: the parts of the program, put together once by `app`."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

from media import Library
from softswitch.api.core.storage import Storage
from softswitch.api.passwords import Passwords
from softswitch.api.tokens import Tokens
from softswitch.settings import Settings
from softswitch.store import Store

if TYPE_CHECKING:
    from softswitch.api.live import Live


@dataclass(frozen=True)
class ApiContext:
    """Made by the composition root; `create_api` hands it to every resource."""

    store: Store
    settings: Settings
    tokens: Tokens
    passwords: Passwords
    live: "Live | None" = None
    """The running switch; None where only its configuration is served."""
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from reading an object until its change is written, so that two changes of one object both count."""

    @cached_property
    def storage(self) -> Storage:
        """The content of files, with the one count of how much there is."""
        return Storage(self.store, self.settings.data)

    @cached_property
    def library(self) -> Library:
        """The prompts that there are."""
        return Library(self.settings.media.prompts, self.settings.media.language)

    @classmethod
    def of(cls, store: Store, settings: Settings, live: "Live | None" = None) -> Self:
        """For a store that is open."""
        return cls(store, settings, Tokens(store), Passwords(store), live)
