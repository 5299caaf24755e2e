"""What all resources of `/mediator/v1` have in common: they are those of one mediator, whose login it is.

What clients see is what the running mediator has: before a list or an object is read from the store, whatever it has
changed is written there.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from softswitch.api.auth import login_of
from softswitch.api.context import ApiContext
from softswitch.api.errors import ApiError
from softswitch.api.json_bodies import JsonRoute
from softswitch.api.live import Live
from softswitch.api.mediator.envelope import MediatorErrors, Nothing, enveloped, enveloped_list, wrapped
from softswitch.api.passwords import Login
from softswitch.api.resources import ConfigurationResource
from softswitch.api.routes import add_routes, list_example
from softswitch.api.schemas import view_of
from softswitch.endpoints.mediator import Mediator
from softswitch.endpoints.mediator.attributes import ANNOUNCE, RINGBACK, problems


class MediatorResource(ConfigurationResource):
    """Objects of the mediator that calls; those of others do not exist for it."""

    area: ClassVar[str] = ""

    def __init__(self, context: ApiContext, live: Live) -> None:
        super().__init__(context)
        self.live = live

    def guard(self, right: str) -> Any:  # noqa: ARG002 - a login may do everything with its own mediator
        return Depends(login_of)

    async def owner(self, request: Request) -> Mapping[str, str]:
        login: Login = request.state.caller
        return {"endpoint_sid": login.endpoint_sid}

    def mediator(self, request: Request) -> Mediator:
        """The one whose login it is. Raises `ApiError` 409 where it does not run (any more)."""
        login: Login = request.state.caller
        for endpoint in self.live.endpoints.values():
            if isinstance(endpoint, Mediator) and endpoint.sid == login.endpoint_sid:
                return endpoint
        raise ApiError(409, message="the mediator is not running")

    async def settle(self, mediator: Mediator) -> None:
        """What the mediator has changed is in the store.

        Raises `ApiError` 503 where the store takes nothing: POST then takes back what it has made; what was changed or
        deleted is so, and is written as soon as that is possible.
        """
        if not await mediator.ledger.settle():
            raise ApiError(503, message="the store takes nothing now")

    async def check_attributes(self, mediator: Mediator, attributes: Mapping[str, str]) -> None:
        """Raises `ApiError` 422 for what an attribute can't be."""
        named = {attributes.get(name, "") for name in (ANNOUNCE, RINGBACK)}
        audios = {name for name in named if name and await mediator.audio(name) is not None}
        for name, problem, accepted in problems(attributes, audios.__contains__):
            raise ApiError(422, field=f"attributes.{name}", message=f"{problem} (accepted: {accepted})")


def add_mediator_routes(router: APIRouter, resource: MediatorResource, **query: Any) -> None:
    """The routes of a resource, described with the envelope. `query`: parameters of POST, by name their schema."""
    own = APIRouter(route_class=JsonRoute)
    add_routes(own, resource)
    for route in own.routes:
        _describe(route, resource)
        if query and "POST" in getattr(route, "methods", ()):
            described = [{"name": name, "in": "query", "required": False, **schema} for name, schema in query.items()]
            route.openapi_extra = {"parameters": described}  # type: ignore[attr-defined]
    router.include_router(own)  # which builds them as they are described by now


def _describe(route: Any, resource: MediatorResource) -> None:
    """Says of a route what it answers once the envelope is around it."""
    shown: type[BaseModel] = view_of(resource.shown)
    answer, example = enveloped(shown), wrapped(resource.example, 200)
    if "DELETE" in route.methods:
        answer, example = enveloped(Nothing), wrapped({}, 200)
    elif "GET" in route.methods and route.path == resource.path:
        answer, example = enveloped_list(shown), wrapped(list_example(resource.example), 200)
    responses = {
        status: {"model": MediatorErrors, "description": said["description"]}
        for status, said in route.responses.items()
        if status not in (200, 204)
    }
    ok = {"description": "Done.", "model": answer, "content": {"application/json": {"example": example}}}
    route.responses = {**responses, 200: ok}
    route.status_code = 200
