"""All routes of a running switch: meetings and calls of conferences, `/switch/v1`, and the events."""

from fastapi import APIRouter

from softswitch.api.conference.calls import Calls
from softswitch.api.conference.meetings import Meetings, add_play
from softswitch.api.context import ApiContext
from softswitch.api.events_stream import add_events
from softswitch.api.live import Live
from softswitch.api.mediator.accounts import MediatorAccounts
from softswitch.api.mediator.bindings import CREATE_QUERY, BindingsResource
from softswitch.api.mediator.dialouts import DialoutsResource
from softswitch.api.mediator.dids import MediatorDids
from softswitch.api.mediator.resource import add_mediator_routes
from softswitch.api.routes import add_routes
from softswitch.api.switch.alarms import add_alarms
from softswitch.api.switch.calls import add_calls
from softswitch.api.switch.dead_letters import add_dead_letters
from softswitch.api.switch.drain import add_drain
from softswitch.api.switch.explain import add_explain
from softswitch.api.switch.registrations import add_registrations
from softswitch.api.switch.rooms import add_rooms
from softswitch.api.switch.trunks import add_trunks
from softswitch.api.switch.watch import add_watching


def add_live(router: APIRouter, context: ApiContext, live: Live) -> None:
    """The routes that need calls to talk about."""
    meetings = Meetings(context, live)
    add_routes(router, meetings)
    add_play(router, meetings)
    add_routes(router, Calls(context, live))
    add_mediator_routes(router, BindingsResource(context, live), **CREATE_QUERY)
    add_mediator_routes(router, DialoutsResource(context, live))
    add_mediator_routes(router, MediatorDids(context, live))
    add_mediator_routes(router, MediatorAccounts(context, live))
    add_calls(router, live)
    if live.phones is not None:
        add_registrations(router, live, live.phones)
    add_explain(router, live, context.settings.sip.unknown_sender)
    add_trunks(router, live)
    add_alarms(router, live)
    add_rooms(router, live)
    add_drain(router, live)
    add_dead_letters(router, context, live)
    add_watching(router, live)
    add_events(router, live.feed)
