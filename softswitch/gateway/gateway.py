"""The gateway's own SIP stack and media engine, opened together and closed together.

async with Gateway(listen="127.0.0.1:0", media=MediaSettings(...)) as gateway:
    campaign = gateway.campaign(orders, switch="127.0.0.1:5060", cps=10)
    summary = await campaign.run()
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from media import Engine, MediaSettings
from softswitch.certificates import open_tls
from softswitch.gateway.answering import Answering
from softswitch.gateway.caller import NOBODY_THERE, Caller
from softswitch.gateway.campaign import Campaign
from softswitch.gateway.order import Order
from softswitch.gateway.scenario import ScenarioBook
from softswitch.settings import SipTlsSettings
from softswitch.sip import Stack, StackSettings, Transport, Uri

MEDIA_PORTS = (30000, 49999)
"""Above those of the switch, so that both run beside each other."""
USER_AGENT = "softswitch gateway"
LAST_WORDS_S = 2.0
"""At the end: for the answers to what was said last. A socket closed before would answer them with ICMP errors."""


class Gateway:
    """A SIP user agent with as many telephones as it has calls."""

    def __init__(
        self,
        *,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        media: MediaSettings | None = None,
        transport: Transport = Transport.UDP,
        stack: Stack | None = None,
        engine: Engine | None = None,
    ) -> None:
        """`stack` and `engine` are given by tests that run on an in-memory wire."""
        self.stack = stack or Stack(StackSettings(user_agent=USER_AGENT))
        self.engine = engine or Engine(media or MediaSettings(address=listen[0], ports=MEDIA_PORTS))
        self.local = listen
        self._transport = transport
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Media first, ears last. Raises OSError when the SIP port is taken."""
        async with AsyncExitStack() as opening:
            opening.push_async_callback(self.engine.stop)
            await self.engine.start()
            opening.push_async_callback(self.stack.close)
            if self._transport is Transport.TLS and self.stack.tls is None:
                folder = opening.enter_context(tempfile.TemporaryDirectory())
                self.stack.tls = open_tls(SipTlsSettings(), Path(folder), [self.local[0]], "the gateway")
            self.local = await self.stack.listen(self._transport, *self.local)
            opening.push_async_callback(self.stack.last_words, LAST_WORDS_S)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def is_alive(self, switch: tuple[str, int], *, within_s: float = 3.0) -> bool:
        """Whether the switch gives any answer to OPTIONS of its own."""
        try:
            async with asyncio.timeout(within_s):
                answer = await self.stack.request("OPTIONS", self._uri(switch))
        except TimeoutError:
            return False
        return answer.status not in NOBODY_THERE

    def campaign(self, orders: Sequence[Order], *, switch: tuple[str, int], cps: float = 10.0) -> Campaign:
        """The calls of `orders` to `switch`; not begun yet."""
        uri = self._uri(switch)

        def place(order: Order, campaign_began_at: float) -> Caller:
            return Caller(
                order, self.stack, self.engine, switch=uri, local=self.local, campaign_began_at=campaign_began_at
            )

        return Campaign(orders, place, cps=cps)

    def answering(self, book: ScenarioBook, tell: Callable[[str], None]) -> Answering:
        """Take the calls that come in, by `book`, best from before the gateway is entered; run its `run()`."""
        answering = Answering(self.engine, book, tell)
        self.stack.on_invite = answering.handle
        return answering

    def _uri(self, switch: tuple[str, int]) -> Uri:
        params = {} if self._transport is Transport.UDP else {"transport": self._transport.value.lower()}
        return Uri("sip", host=switch[0], port=switch[1], params=params)
