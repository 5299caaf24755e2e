"""The composition root: builds every part once, wires them, starts them upward and stops them downward. No logic.

    app = App(settings, plan)
    async with app:
        ...                     # calls come in

What flows upward between the parts is wired here (`stack.on_invite = switch.handle`), never imported.
"""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from media import Engine, Library, MediaError, MediaSettings
from softswitch import __version__
from softswitch.call import Events, Lines
from softswitch.carriers import Carriers
from softswitch.certificates import unusable_files
from softswitch.configfile import refusal
from softswitch.destinations import Destinations
from softswitch.destinations.mediated import MediatedWays
from softswitch.duties import Duties
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.conference import Conference
from softswitch.endpoints.mediator import Forgetful, Means, Mediator
from softswitch.endpoints.mediator.audio import Audio
from softswitch.endpoints.third_party import ThirdParty
from softswitch.errors import ConfigError
from softswitch.listening import Listeners
from softswitch.logs import Counts, get_logger
from softswitch.plan import AnyEndpoint, ConferenceEndpoint, MediatorEndpoint, Plan, ThirdPartyEndpoint
from softswitch.registrar import Phones
from softswitch.settings import SETTINGS_FILE, Settings
from softswitch.sip import Stack, StackSettings, Transport
from softswitch.sip.digest import Challenger
from softswitch.switch import Switch
from softswitch.watching import Watching

if TYPE_CHECKING:  # a switch without a store, as the demo is one, need not wait for its imports
    from softswitch.api.live import Live
    from softswitch.api.serve import ApiServer
    from softswitch.endpoints.mediator.keeping import Keeping
    from softswitch.store import Store

CHANGED_ALIVE = frozenset({"limits", "logs", "callbacks", "guard", "records"})
"""Tables of the settings whose changes hold without a restart."""

LAST_WORDS_S = 1.0
"""How long the end waits for the answers to its BYEs; long enough to send a lost one again."""


class App:
    """A whole switch."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        *,
        store: "Store | None" = None,
        settings_file: str = SETTINGS_FILE,
        engine: Engine | None = None,
        stack: Stack | None = None,
        end_program: Callable[[], None] | None = None,
    ) -> None:
        """`store` changes the plan later on; without one it stays as it is. Whoever opened it closes it.

        `settings_file` is what errors call the settings. `engine` and `stack` are given by tests that run a whole
        switch on an in-memory wire. `end_program` is what the API does when it is told to end the program after the
        last call.
        """
        self.settings = settings
        self.plan = plan
        self.store = store
        self._settings_file = settings_file
        self.api: ApiServer | None = None
        """Where there is a store, and the settings want it."""
        self.events = Events()
        self.engine = engine or Engine(media_settings(settings))
        self.stack = stack or Stack(stack_settings(settings))
        self.listeners = Listeners(settings, self.stack, settings_file)
        self.endpoints: dict[str, Endpoint] = {}
        self._former: list[Endpoint] = []
        self.phones = Phones(settings, plan, self.stack, self.events, secret=secrets.token_bytes(32))
        self.lines = Lines(self.stack, self.engine, lambda: self.sip_address)
        self.destinations = Destinations(plan, self.endpoints, self.lines, self.phones.location, draw=random.random)
        self.bindings: Keeping | None = None
        """Who keeps what mediators have, where there is a store."""
        self._means = self._means_of_mediators()
        for account in plan.numbers.endpoints:
            self._found(account)
        self.switch = Switch(
            settings,
            plan,
            self.engine,
            self.destinations,
            challenger=Challenger(settings.sip.realm, secrets.token_bytes(32)),
            answer_known=self.stack.answer_options,
            events=self.events,
            user_behind=self.phones.location.user_behind,
            authenticate=self.phones.guard.caller,
        )
        self.carriers = Carriers(
            settings, self.destinations.outward, self.stack, self.events, lambda: self.plan, settings_file
        )
        self.switch.verify = self.carriers.verify
        self.switch.on_wrong_password = self.phones.guard.note_wrong
        self.failures: Counter[str] = Counter()
        """Unexpected ends of duties, by name."""
        self.watching = Watching(
            settings, self.switch, self.stack, self.engine, self.events, store, self.listeners.here, self.failures
        )
        self.watching.phones, self.watching.endpoints = self.phones, self.endpoints
        self.phones.subscriptions.dialogs.calls = self.switch.calls
        told = {"sip": lambda: self.stack.drops, "calls": lambda: self.switch.refused, "duties": lambda: self.failures}
        self.counts = Counts(told)
        self._end_program = end_program
        self._stopping = asyncio.Event()
        self._parts = AsyncExitStack()

    def adopt(self, plan: Plan) -> None:
        """The next call goes by this plan. Calls and meetings go on, also where their endpoint is no more."""
        before = {self.plan.endpoints[name].sid or name: endpoint for name, endpoint in self.endpoints.items()}
        self.plan = plan
        self.endpoints.clear()
        for account in plan.numbers.endpoints:
            known = before.pop(account.sid or account.name, None)
            if known is not None:
                known.adopt(account)
                self.endpoints[account.name] = known
            else:
                self._found(account)
        self._former = [former for former in (*self._former, *before.values()) if not former.is_idle]
        self.switch.adopt(plan)
        self.phones.adopt(plan)
        self.watching.adopt(plan)

    def reload(self, settings: Settings) -> list[str]:
        """Takes over what may change while calls are up; the tables that need a restart for their changes."""
        before, self.settings = self.settings, settings
        self.switch.limit(settings.limits.calls, settings.limits.cps)
        self.phones.reload(settings)
        self.watching.reload(settings)
        self._reload_certificates()
        tables = sorted(set(Settings.model_fields) - CHANGED_ALIVE)
        return [name for name in tables if getattr(before, name) != getattr(settings, name)]

    def _found(self, account: AnyEndpoint) -> None:
        """An endpoint that was not there before."""
        match account:
            case ConferenceEndpoint():
                data = self.settings.data.directory
                made: Endpoint = Conference(account, engine=self.engine, events=self.events, data=data)
            case ThirdPartyEndpoint():
                made = ThirdParty(account, lines=self.lines, onward=self.destinations)
            case MediatorEndpoint():
                made = Mediator(account, self._means)
        self.endpoints[account.name] = made

    def _audio(self) -> Audio:
        media, data = self.settings.media, self.settings.data
        return Audio(Library(media.prompts, media.language), data.directory / "files", data.recordings, self.store)

    def _means_of_mediators(self) -> Means:
        nothing_kept = Forgetful()
        return Means(
            lines=self.lines,
            events=self.events,
            ways=MediatedWays(self.destinations, self.phones.location, lambda: self.plan),
            place=lambda call, run: self.switch.place(call, run),
            end=lambda call, reason: self.switch.end(call, reason),
            audio=self._audio().source,
            plan=lambda: self.plan,
            keeper=lambda: self.bindings or nothing_kept,
        )

    def _reload_certificates(self) -> None:
        """From the same files, for the connections to come. Files that are no good leave what was."""
        tls = self.stack.tls
        if tls is not None:
            try:
                tls.reload()
            except OSError as error:
                problem = unusable_files(tls.settings, error, self._settings_file)
                get_logger().error("the certificate is not reloaded", problem=str(problem))

    @property
    def listening(self) -> list[tuple[Transport, str, int]]:
        """Where it is heard, once it has started."""
        return self.listeners.places

    @property
    def sip_address(self) -> tuple[str, int]:
        """Where to call it: host and port of the first listener."""
        return self.listeners.address

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Media first, ears last. Raises `ConfigError` where a port is taken or no media process starts;
        nothing stays behind then."""
        async with AsyncExitStack() as parts:
            self.listeners.refuse_what_would_fail_later()
            parts.push_async_callback(self.engine.stop)
            try:
                await self.engine.start()
            except MediaError as error:
                raise ConfigError(self._settings_file, "media", str(error)) from None
            parts.push_async_callback(self.stack.close)
            await parts.enter_async_context(self.watching.running(self.plan))
            parts.push_async_callback(self.carriers.close)
            serving = asyncio.create_task(self.switch.serve(self._stopping))
            serving.add_done_callback(self._note_end)
            parts.push_async_callback(self._end_all_calls, serving)
            if self.store is not None:
                await self.phones.keep_in(self.store)
                parts.push_async_callback(self.phones.close)
                await self.carriers.keep_in(self.store)
                await self._keep_bindings(self.store, parts)
            duties = await parts.enter_async_context(Duties(self.failures))
            for name, duty in self.phones.duties().items():
                duties.begin(name, duty)
            duties.begin("carriers", self.carriers.run)
            duties.begin("counts", partial(self.counts.log_every, self.settings.logs.drops_every_s))
            if self.store is not None:
                self.store.on_plan = self.adopt
                duties.begin("news of the store", self.store.watch)
                self._open_api(self.store, duties, parts)
            self._wire()
            await self.switch.is_open.wait()
            await self.listeners.open()
            if self.api is not None:
                parts.push_async_callback(self._end_api, self.api, asyncio.create_task(self.api.serve()))
            self._parts = parts.pop_all()

    async def _keep_bindings(self, store: "Store", parts: AsyncExitStack) -> None:
        """What mediators had when the program last ended; and from now on what becomes of it is kept."""
        from softswitch.endpoints.mediator.keeping import Keeping

        mediators = [endpoint for endpoint in self.endpoints.values() if isinstance(endpoint, Mediator)]
        self.bindings = Keeping(store, lambda: {endpoint.sid for endpoint in self.plan.numbers.endpoints})
        bindings, dialouts = await self.bindings.restore()
        for mediator in mediators:
            mediator.ledger.restore([binding for sid, binding in bindings if sid == mediator.sid])
            mediator.dialouts.restore([dialout for sid, dialout in dialouts if sid == mediator.sid])
        self.bindings.start()
        parts.push_async_callback(self.bindings.close)

    async def stop(self) -> None:
        """Hangs up every call, closes the recordings, and is quick about it."""
        await self._parts.aclose()

    def _wire(self) -> None:
        self.stack.on_invite = self.switch.handle
        self.stack.knows = lambda peer: not self.switch.is_stranger(peer)
        self.phones.otherwise = self.switch.answer
        self.stack.on_request = self.phones.answer
        self.engine.on_worker_replaced = self.carriers.alarms.on_media
        if self.settings.sip.unknown_sender == "silence":
            self.stack.ignores = self.switch.is_stranger

    def _open_api(self, store: "Store", duties: Duties, parts: AsyncExitStack) -> None:
        """Takes the port of the API, so that a port in use is told; SIP is heard before the API answers."""
        from softswitch.api.context import ApiContext
        from softswitch.api.core.recordings import Recordings
        from softswitch.api.serve import ApiServer, listen

        if self.settings.api.enabled:
            try:
                listener = listen(self.settings.api, self._settings_file)
            except ConfigError as problem:
                raise refusal([problem, *self.listeners.in_use()]) from None
            parts.callback(listener.close)
            live = self._live()
            context = ApiContext.of(store, self.settings, live)
            recordings = Recordings(store, context.storage, self.settings.data, self.events, self.endpoints)
            duties.begin("list of recordings", recordings.run)
            self.api = ApiServer(listener, context)

    def _live(self) -> "Live":
        from softswitch.api.live import Live

        return Live.of(
            self.switch,
            self.endpoints,
            self.engine,
            self.stack,
            plan=lambda: self.plan,
            sip_address=lambda: self.sip_address,
            watching=self.watching,
            health=self.carriers.health,
            alarms=self.carriers.alarms,
            phones=self.phones,
            stop=self._end_program,
        )

    def _note_end(self, _serving: asyncio.Task[None]) -> None:
        """Calls are served until we stop; where they are not, a program that stays would only turn them away.

        `_end_all_calls` raises what has ended them.
        """
        if not self._stopping.is_set():
            get_logger().error("calls are not served any more: the program ends")
            if self._end_program is not None:
                self._end_program()

    async def _end_api(self, api: "ApiServer", serving: asyncio.Task[None]) -> None:
        api.stop()
        await asyncio.wait({serving})

    async def _end_all_calls(self, serving: asyncio.Task[None]) -> None:
        self._stopping.set()
        for endpoint in (*self.endpoints.values(), *self._former):
            await endpoint.close()
        await serving
        await self.stack.last_words(LAST_WORDS_S)


def media_settings(settings: Settings) -> MediaSettings:
    """The `[media]` table as the media engine takes it."""
    return MediaSettings(**settings.media.model_dump())


def stack_settings(settings: Settings) -> StackSettings:
    """The `[sip]` table as the SIP stack takes it."""
    return StackSettings(
        user_agent=f"softswitch/{__version__}",
        session_expires_s=settings.sip.session_expires_s,
        min_se_s=settings.sip.min_se_s,
        advertised_host=settings.sip.advertised_address,
        tcp_connections=settings.sip.connections,
        tcp_connections_of_source=settings.sip.connections_of_source,
    )
