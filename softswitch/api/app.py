"""The API put together: every resource's routes, behind one gate, with errors in one form.

`create_api` is called once by `serve`, off the event loop: FastAPI takes a good part of a second to build.
"""

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from softswitch import __version__
from softswitch.api.auth import Gate
from softswitch.api.context import ApiContext
from softswitch.api.core.endpoints import Endpoints
from softswitch.api.core.trunk_groups import TrunkGroups
from softswitch.api.core.trunks import Trunks
from softswitch.api.docs import add_docs
from softswitch.api.errors import handle_errors
from softswitch.api.resources import ConfigurationResource
from softswitch.api.routes import add_routes

DESCRIPTION = "Everything the switch is made of, and everything that happened in it."

CONFIGURATION: tuple[type[ConfigurationResource], ...] = (Endpoints, TrunkGroups, Trunks)


def create_api(context: ApiContext) -> ASGIApp:
    """The whole API as an ASGI application."""
    api = FastAPI(
        title="softswitch",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    handle_errors(api)
    router = APIRouter()
    for resource in CONFIGURATION:
        add_routes(router, resource(context))
    api.include_router(router)
    add_docs(api)
    return Gate(api, context.tokens, context.passwords, context.settings.api.upload_limit_bytes)
