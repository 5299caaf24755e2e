"""What sees the calls and changes nothing about them: records, callbacks, ladder, quality, metrics, capture.

Built and wired here once, for the composition root. Each part hears of calls by the switch's hooks, the stack's trace
or the events of the program, and none of them can make a call wait.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from media import Engine
from softswitch.call import CallAnswered, CallStarted, Event, Events, LegStarted
from softswitch.call.sids import Sids
from softswitch.duties import Duties, Duty
from softswitch.endpoints.base import Endpoint
from softswitch.endpoints.conference import Conference, Meeting, MeetingMoved
from softswitch.errors import ConfigError
from softswitch.ladder import Ladder
from softswitch.logs import MessageLog
from softswitch.measuring import Measuring
from softswitch.plan import Plan
from softswitch.registrar import Phones
from softswitch.settings import SETTINGS_FILE, Settings
from softswitch.sip import Peer, Stack, Transport
from softswitch.switch import Switch

if TYPE_CHECKING:
    from softswitch.callbacks import Callbacks
    from softswitch.hep import HepExporter
    from softswitch.metrics import Metrics, Sources
    from softswitch.records import Records
    from softswitch.store import Store

Trace = Callable[[str, Peer, bytes], None]
PARTNER_READ_EVERY_S = 5.0


class Watching:
    """The watchers of one switch. `records` and `callbacks` are there where there is a store to keep what they have."""

    def __init__(
        self,
        settings: Settings,
        switch: Switch,
        stack: Stack,
        engine: Engine,
        events: Events,
        store: "Store | None",
        here: Callable[[Transport], tuple[str, int]],
        failures: Counter[str],
    ) -> None:
        """`here` says where we are heard over a transport; `failures` counts duties that ended unexpectedly."""
        self.ladder = Ladder(settings.ladder.messages) if settings.ladder.messages else None
        self.measuring = Measuring(switch.calls, events, settings.quality.every_s)
        self.records: Records | None = None
        self.callbacks: Callbacks | None = None
        self.hep: HepExporter | None = None
        self.endpoints: Mapping[str, Endpoint] = {}
        """Where calls end, by name."""
        self.phones: Phones | None = None
        """Users' phones, where there are any to measure."""
        self._settings = settings
        self._switch, self._stack, self._engine, self._events = switch, stack, engine, events
        self._store, self._here = store, here
        self.failures = failures
        self._urls: dict[str, str] = {}
        self._metrics: Metrics | None = None
        self._duties: dict[str, Duty] = {"measuring": self.measuring.run}

    def adopt(self, plan: Plan) -> None:
        """Records name the objects of this plan from now on."""
        if self.records is not None:
            self.records.sids.adopt(plan)

    def reload(self, settings: Settings) -> None:
        """Callbacks go where these settings say, and are signed so; records are kept as long as they say."""
        self._settings = settings
        if self.records is not None and self.records.strangers is not None:
            kept, strangers = settings.records, self.records.strangers
            strangers.per_source, strangers.in_all = kept.strangers_per_minute, kept.all_strangers_per_minute
        if self.callbacks is not None:
            self.callbacks.secret = settings.callbacks.secret

    @property
    def metrics(self) -> "Metrics":
        """Made by `running`, and only then asked for."""
        assert self._metrics is not None, "nobody is watching yet"  # noqa: S101
        return self._metrics

    # ---- their life

    @asynccontextmanager
    async def running(self, plan: Plan) -> AsyncIterator["Watching"]:
        """Watches from the first call to the last. Raises `ConfigError` where a setting can't be used."""
        async with AsyncExitStack() as parts:
            if self._store is not None:
                await self._keep_records(self._store, plan, parts)
            if self._settings.hep.address:
                self._capture(parts)
            self._observe()
            duties = await parts.enter_async_context(Duties(self.failures))
            for name, duty in self._duties.items():
                duties.begin(name, duty)
            yield self

    async def _keep_records(self, store: "Store", plan: Plan, parts: AsyncExitStack) -> None:
        from softswitch.callbacks import Callbacks, Owners, Reports
        from softswitch.records import Records, Retention, Strangers

        sids = Sids(plan, partner=store.partner_sid, system_gateway=store.system_gateway_sid)
        kept = self._settings.records
        strangers = Strangers(kept.strangers_per_minute, kept.all_strangers_per_minute)
        self.records = Records(
            self._settings.data.directory, store, sids=sids, quality_of=self.measuring.at_end, strangers=strangers
        )
        retention = Retention(store, lambda: self._settings.records, self._forget_messages)
        await self.records.open()
        parts.push_async_callback(self.records.close)
        wanted = self._settings.callbacks
        self.callbacks = Callbacks(
            store,
            self._events,
            secret=wanted.secret,
            timeout_s=wanted.timeout_s,
            most_attempts=wanted.attempts,
            refused_networks=wanted.refused_networks,
        )
        reports = Reports(self.callbacks, self._url_of, Owners(store.account_of, self._meeting, store.partner_sid))
        self.records.on_opened, self.records.on_closed = reports.on_started, reports.on_ended
        self.records.on_mediated = reports.on_mediated
        self._switch.on_started, self._switch.on_ended = self.records.on_started, self.records.on_ended
        self._events.subscribe(self.records.on_event, *self.records.hears)
        self._events.subscribe(reports.on_event, MeetingMoved)
        await self._read_partner(store)
        self._duties |= {
            "records": self.records.run,
            "callbacks": self.callbacks.run,
            "retention": retention.run,
            "partner": partial(self._follow_partner, store),
        }

    def _forget_messages(self, before: float) -> None:
        if self.ladder is not None:
            self.ladder.forget(before)

    def _capture(self, parts: AsyncExitStack) -> None:
        from softswitch.hep import HepExporter

        wanted = self._settings.hep
        try:
            self.hep = HepExporter(
                (wanted.address, wanted.port), self._here, agent=wanted.agent, password=wanted.password
            )
        except OSError as error:
            raise ConfigError(SETTINGS_FILE, "hep.address", f"{wanted.address}: {error}") from None
        parts.callback(self.hep.close)
        self._events.subscribe(self.hep.on_event)

    def _observe(self) -> None:
        from softswitch.metrics import Metrics

        self._metrics = Metrics(sources_of(self._switch, self._stack, self._engine, self))
        self._events.subscribe(self._metrics.on_event, CallStarted, CallAnswered)
        traces: list[Trace] = []
        if self._settings.logs.sip_messages:
            messages = MessageLog()
            self._events.subscribe(lambda event: _tell_start(messages, event), CallStarted, LegStarted)
            traces.append(messages.trace)
        if self.ladder is not None:
            self._events.subscribe(self.ladder.on_event)
            traces.append(self.ladder.trace)
        if self.hep is not None:
            traces.append(self.hep.trace)
        self._stack.trace = _all_of(traces)

    # ---- whom to tell

    def _url_of(self, name: str) -> str | None:
        """Where a callback goes: the settings', else the partner's."""
        return getattr(self._settings.callbacks, name, "") or self._urls.get(name)

    def _meeting(self, sid: str) -> tuple[Conference, Meeting] | None:
        """A meeting that is live, or closing, and the conference where it is."""
        conferences = (endpoint for endpoint in self.endpoints.values() if isinstance(endpoint, Conference))
        return next(((it, found) for it in conferences for found in it.every_meeting() if found.id == sid), None)

    async def _follow_partner(self, store: "Store") -> None:
        while True:
            await asyncio.sleep(PARTNER_READ_EVERY_S)
            await self._read_partner(store)

    async def _read_partner(self, store: "Store") -> None:
        from sqlalchemy.exc import SQLAlchemyError

        with contextlib.suppress(OSError, SQLAlchemyError):  # what was read last holds
            partner = await store.get("partners", store.partner_sid) or {}
            self._urls = {name: url for name, value in partner["callbacks"].items() if (url := _url(value))}


def sources_of(switch: Switch, stack: Stack, engine: Engine, watching: Watching) -> "Sources":
    """Where the metrics of a switch are."""
    from softswitch.metrics import Sources

    sources = Sources(
        outcomes=lambda: {str(status): count for status, count in switch.outcomes.items()},
        media=engine.counters,
        drops={"sip": lambda: stack.drops, "calls": lambda: switch.refused},
    )
    sources.gauges["calls"] = ("Calls that are up.", lambda: len(switch.calls))
    sources.gauges["draining"] = ("1 while no new calls are taken.", lambda: float(switch.is_draining))
    for name in ("sessions", "transactions", "timers", "sendings"):
        sources.gauges[f"sip_{name}"] = (f"SIP {name} that are alive.", partial(_one_of, stack.counts, name))
    failures, guard = switch.outward.failures, switch.outward.guard
    sources.gauges["trunks_out_of_service"] = ("Trunks that calls avoid.", lambda: failures.out_of_service)
    sources.gauges["calls_out_guarded"] = ("Calls out of users and endpoints.", lambda: guard.calls_up)
    about = "Duties beside the calls that a bug of ours has ended; each was begun anew."
    sources.counters["duty_failures"] = (about, lambda: sum(watching.failures.values()))
    sources.counters["bugs"] = ("Calls that a bug of ours has ended.", lambda: switch.bugs)
    if watching.phones is not None:
        _add_phones(sources, watching.phones)
    records, callbacks = watching.records, watching.callbacks
    if records is not None:
        sources.gauges["journal_segments"] = ("Segments that wait for the store.", lambda: records.segments)
        sources.gauges["journal_lines_waiting"] = ("Lines that wait for the disk.", lambda: records.journal.waiting)
        sources.counters["journal_lines_lost"] = ("Lines that no disk took.", lambda: records.journal.lost)
        sources.counters["records_written"] = ("Calls recorded in the journal.", lambda: records.written)
        if (strangers := records.strangers) is not None:
            about = "Calls of unknown senders that left no record, because there were too many."
            sources.counters["strangers_not_recorded"] = (about, lambda: strangers.left_out)
        about = "Records that the store refuses for what is in them; they lie in refused.jsonl of the journal."
        sources.counters["records_refused"] = (about, lambda: records.refused)
        sources.counters["records_imported"] = ("Calls recorded in the store.", lambda: records.imported)
    if callbacks is not None:
        sources.gauges["callbacks_queued"] = ("Callbacks on their way.", lambda: callbacks.queued)
        sources.gauges["callbacks_circuits_open"] = ("Receivers that fail.", lambda: callbacks.circuits_open)
        for name in ("taken", "failed", "dead", "lost"):
            about = f"Callbacks: attempts or letters {name}."
            sources.counters[f"callbacks_{name}"] = (about, partial(_one_of, lambda: callbacks.counts, name))
    return sources


def _add_phones(sources: "Sources", phones: Phones) -> None:
    location, guard, answers = phones.location, phones.guard.counts, phones.answers
    refused = frozenset({200, 401})
    sources.gauges["registered_contacts"] = ("Contacts of users that are registered.", lambda: len(location))
    sources.gauges["registered_users"] = ("Users with a contact.", lambda: location.users)
    sources.gauges["subscriptions"] = ("Subscriptions that stand.", lambda: len(phones.subscriptions))
    about = "REGISTER requests per second, over the last 10 s."
    sources.gauges["registers_per_second"] = (about, lambda: phones.registers_per_second)
    sources.counters["registers"] = ("REGISTER requests answered.", lambda: sum(answers.values()))
    about = "REGISTER requests that got neither 200 nor a challenge."
    failed = lambda: sum(count for status, count in answers.items() if status not in refused)  # noqa: E731 - a source
    sources.counters["registers_failed"] = (about, failed)
    for name in ("challenged", "stale", "wrong_password", "banned", "refused_by_ban"):
        sources.counters[f"guard_{name}"] = (f"Users' passwords: {name}.", partial(_one_of, lambda: guard, name))
    for name in ("asked", "silent"):
        about = f"OPTIONS to phones: {name}."
        sources.counters[f"qualify_{name}"] = (about, partial(_one_of, lambda: phones.qualify.counts, name))
    for name in ("notify", "notify_failed"):
        about = f"NOTIFY to subscribers: {name}."
        sources.counters[f"subscription_{name}"] = (about, partial(_one_of, lambda: phones.subscriptions.counts, name))


def _tell_start(messages: MessageLog, event: Event) -> None:
    if isinstance(event, CallStarted | LegStarted):
        messages.started(event.sip_call_id, event.call_id)


def _one_of(counts: Callable[[], Mapping[str, int]], name: str) -> int:
    return counts().get(name, 0)


def _all_of(traces: list[Trace]) -> Trace | None:
    if len(traces) < 2:
        return traces[0] if traces else None

    def trace(direction: str, peer: Peer, data: bytes) -> None:
        for one in traces:
            one(direction, peer, data)

    return trace


def _url(value: object) -> str:
    """A callback of a partner: the URL, or an object that has it."""
    url = value.get("url") if isinstance(value, dict) else value
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else ""
