"""How the routes of `/switch/v1` are declared: a path, what it answers with an example, and the right it needs."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from softswitch.api.auth import needs
from softswitch.api.routes import described

PREFIX = "/switch/v1"


def add(
    router: APIRouter,
    method: str,
    path: str,
    handler: Any,
    *,
    name: str,
    answer: type[BaseModel] | None,
    example: Any = None,
    right: str = "read",
) -> None:
    """One route below `/switch/v1`, for tokens with `switch.{right}`."""
    whole = f"{PREFIX}{path}"
    said = described(
        tag="switch", name=name, guard=needs(f"switch.{right}"), path=whole, answer=answer, example=example
    )
    router.add_api_route(whole, handler, methods=[method], **said)
