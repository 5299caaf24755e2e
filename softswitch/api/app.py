"""The API put together: every resource's routes, behind one gate, with errors in one form.

`create_api` is called once by `serve`, off the event loop: FastAPI takes a good part of a second to build.
"""

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from softswitch import __version__
from softswitch.api.auth import Gate
from softswitch.api.conference.accounts import Accounts
from softswitch.api.conference.call_flows import add_call_flows
from softswitch.api.conference.did_groups import DidGroups
from softswitch.api.conference.dids import ConferenceDids
from softswitch.api.conference.meeting_rooms import MeetingRooms
from softswitch.api.context import ApiContext
from softswitch.api.core.call_drs import CallDrs
from softswitch.api.core.conference_calls import ConferenceCalls
from softswitch.api.core.containers import Containers
from softswitch.api.core.dids import Dids
from softswitch.api.core.endpoints import Endpoints
from softswitch.api.core.files import Files, add_content
from softswitch.api.core.lookup import add_lookup
from softswitch.api.core.mediator_calls import MediatorCalls
from softswitch.api.core.partners import Partners
from softswitch.api.core.tokens import TokensResource
from softswitch.api.core.trunk_groups import TrunkGroups
from softswitch.api.core.trunks import Trunks
from softswitch.api.core.users import Users
from softswitch.api.docs import add_docs
from softswitch.api.errors import handle_errors
from softswitch.api.json_bodies import JsonRoute
from softswitch.api.mediator.envelope import Envelope
from softswitch.api.resources import ConfigurationResource
from softswitch.api.routes import add_routes
from softswitch.api.switch.calling_rules import CallingRulesResource
from softswitch.api.switch.everything import add_live
from softswitch.api.switch.rate_decks import RateDecks

DESCRIPTION = "Everything the switch is made of, and everything that happened in it."

RESOURCES: tuple[type[ConfigurationResource], ...] = (
    Endpoints,
    TrunkGroups,
    Trunks,
    RateDecks,
    CallingRulesResource,
    Dids,
    Users,
    Partners,
    TokensResource,
    CallDrs,
    ConferenceCalls,
    MediatorCalls,
    Accounts,
    DidGroups,
    ConferenceDids,
    MeetingRooms,
)
"""In the order of the documentation."""


def create_api(context: ApiContext) -> ASGIApp:
    """The whole API as an ASGI application."""
    api = FastAPI(
        title="softswitch",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    handle_errors(api)
    router = api.router  # not one to be included, which would build every route twice
    router.route_class = JsonRoute
    for resource in RESOURCES:
        add_routes(router, resource(context))
    _add_storage(router, context)
    add_lookup(router, context)
    add_call_flows(router)
    if context.live is not None:
        add_live(router, context, context.live)
    add_docs(api)
    api.add_middleware(
        Gate,
        tokens=context.tokens,
        passwords=context.passwords,
        upload_limit_bytes=context.settings.api.upload_limit_bytes,
    )
    api.add_middleware(Envelope)
    return api


def _add_storage(router: APIRouter, context: ApiContext) -> None:
    """Containers, files, and the content of files."""
    files = Files(context)
    add_routes(router, Containers(context))
    add_routes(router, files)
    add_content(router, files)
