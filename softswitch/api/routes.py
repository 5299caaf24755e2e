"""The routes of a resource, and what the OpenAPI document says of each: who may, what comes back, an example.

Handlers only hand on: what they do is in `resources`. Their bodies are the resource's own models, made while the
program runs, so the annotation FastAPI reads is set by hand.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from softswitch.api.errors import Errors
from softswitch.api.lists import Asked, Fields, WithRelated, fields_asked, list_of, list_parameters
from softswitch.api.resources import ConfigurationResource, Values
from softswitch.api.schemas import view_of

ERRORS = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}}

ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Errors, "description": description}
    if status == 400
    else {"content": ERRORS, "description": description}
    for status, description in {
        400: "The request can't be read: broken JSON, a bad parameter or filter.",
        401: "Who calls is not known.",
        403: "The token's scopes are not enough.",
        404: "There is no such object.",
        408: "The body did not come in time.",
        409: "In conflict with another object.",
        413: "The body is too large.",
        422: "An attribute is not acceptable; `field` names it.",
        429: "Too many wrong tries.",
        503: "The store does not answer now; later again.",
    }.items()
}
"""What every route may answer."""

MORE_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"content": ERRORS, "description": description}
    for status, description in {
        503: "Not now: no trunk, no port, no room for it, or the store takes nothing.",
        507: "There is no room on the disk.",
    }.items()
}
"""What some may answer too."""


def add_routes(router: APIRouter, resource: ConfigurationResource) -> None:
    """The routes of a resource, with what the OpenAPI document says of them."""
    one = f"{resource.path}/{{{resource.sid}}}"
    if "list" in resource.verbs:
        router.add_api_route(resource.path, _list(resource), methods=["GET"], **_described(resource, "list", "read"))
    if "create" in resource.verbs:
        router.add_api_route(
            resource.path, _taking(resource, "create"), methods=["POST"], **_described(resource, "create", "create")
        )
    if "get" in resource.verbs:
        router.add_api_route(one, _get(resource), methods=["GET"], **_described(resource, "get", "read"))
    for verb, method in (("change", "PATCH"), ("replace", "PUT")):
        if verb in resource.verbs:
            router.add_api_route(one, _taking(resource, verb), methods=[method], **_described(resource, verb, "manage"))
    if "remove" in resource.verbs:
        router.add_api_route(one, _remove(resource), methods=["DELETE"], **_described(resource, "remove", "manage"))


def described(
    *,
    tag: str,
    name: str,
    guard: Any,
    path: str,
    answer: type[BaseModel] | None,
    example: Any = None,
    also: Iterable[int] = (),
) -> dict[str, Any]:
    """What every route of the API says of itself: who may, what comes back, which sids stand in its address.

    `also` are statuses out of MORE_RESPONSES.
    """
    ok: dict[str, Any] = {"description": "Done."}
    if answer is not None:
        ok |= {"model": answer, "content": {"application/json": {"example": example}}}
    more = {status: MORE_RESPONSES[status] for status in also}
    sids = [word[1:-1] for word in path.split("/") if word.startswith("{")]
    return {
        "tags": [tag],
        "operation_id": name,
        "summary": name.replace("_", " "),
        "dependencies": [guard],
        "responses": {**ERROR_RESPONSES, **more, (200 if answer is not None else 204): ok},
        "status_code": 200 if answer is not None else 204,
        "response_class": Response if answer is None else JSONResponse,
        "openapi_extra": {"parameters": [_sid_parameter(sid) for sid in sids]} if sids else None,
    }


def _described(resource: ConfigurationResource, verb: str, right: str) -> dict[str, Any]:
    answer: type[BaseModel] | None = view_of(resource.shown)
    example: Any = resource.example
    if verb == "list":
        answer, example = list_of(resource.shown), list_example(resource.example)
    elif verb == "remove":
        answer = None
    one = verb in ("get", "change", "replace", "remove")
    path = f"{resource.path}/{{{resource.sid}}}" if one else resource.path
    name = f"{verb}_{resource.tag}".replace(" ", "_")
    return described(
        tag=resource.tag,
        name=name,
        guard=resource.guard(right),
        path=path,
        answer=answer,
        example=example,
        also=resource.also.get(verb, ()),
    )


def _list(resource: ConfigurationResource) -> Any:
    async def handler(request: Request, asked: Annotated[Asked, Depends(list_parameters)]) -> Response:
        return await resource.page(request, asked)

    return handler


def _get(resource: ConfigurationResource) -> Any:
    async def handler(
        request: Request,
        fields: Annotated[Fields, Depends(fields_asked)],
        with_related: WithRelated = False,
    ) -> Response:
        return await resource.get(request, fields, with_related=with_related)

    return handler


def _taking(resource: ConfigurationResource, verb: str) -> Any:
    """A handler whose body is the resource's own model, which only the running program knows."""
    act = {"create": resource.create, "change": resource.change, "replace": resource.replace}[verb]
    model = {"create": resource.body, "change": resource.changes, "replace": resource.replacements}[verb]
    writable = {name: value for name, value in resource.example.items() if name in resource.body.model_fields}
    example = dict(list(writable.items())[:1]) if verb == "change" else writable

    async def handler(request: Request, body: BaseModel) -> Response:
        return await act(request, body)

    handler.__annotations__["body"] = Annotated[model, Body(openapi_examples={resource.tag: {"value": example}})]
    return handler


def _remove(resource: ConfigurationResource) -> Any:
    async def handler(request: Request) -> Response:
        return await resource.remove(request)

    return handler


def list_example(item: Values) -> Values:
    """The envelope around one object."""
    pagination = {"next": None, "previous": None}
    envelope = {"count": 1, "has_more": False, "items": [item], "limit": 10, "offset": 0}
    return {**envelope, "pagination": pagination, "total": 1}


def _sid_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"}
    return {"name": name, "in": "path", "required": True, "schema": schema}
