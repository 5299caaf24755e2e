"""Conference properties in a body: the names and values that the conference takes, or 422 that names them."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from softswitch.api.errors import ApiError, Fault
from softswitch.api.schemas import not_acceptable
from softswitch.endpoints.conference.properties import BY_NAME, check, check_bindings

PROMPT_PROPERTIES = frozenset({"did_welcomeprompt", "conference_welcomeprompt", "conference_moh"})


def _known(properties: dict[str, str]) -> dict[str, str]:
    for name in PROMPT_PROPERTIES & properties.keys():
        if properties[name].startswith(("/", "~")):
            raise not_acceptable(f"{name} is a path of the switch's disk", "default, or the name of a prompt")
    for problem in check(properties, "", "properties"):
        raise not_acceptable(f"{problem.key.rpartition('.')[2]} {problem.problem}", problem.accepted)
    return properties


Properties = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=256)]],
    Field(max_length=len(BY_NAME), examples=[{"conference_start_how": "host"}]),
    AfterValidator(_known),
]
"""Text by CarrierX name. What is not set here holds as the next level says."""


def check_levels(field: str, *levels: Mapping[str, str]) -> None:
    """Raises `ApiError` 422 where two actions share a key sequence once these levels, most specific first, are one."""
    problems = check_bindings("secured", levels, "", field)
    if problems:
        raise ApiError(422, *(Fault(problem.key, problem.problem) for problem in problems))
