"""Conference properties in a body: the names and values that the conference takes, or 422 that names them."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from media import File
from softswitch.api.context import ApiContext
from softswitch.api.errors import ApiError, Fault
from softswitch.api.schemas import at_most
from softswitch.endpoints.conference.prompts import PROMPT_PROPERTIES, check_prompts, source
from softswitch.endpoints.conference.properties import BY_NAME, check, check_bindings
from softswitch.errors import ConfigError
from softswitch.store import Row

NAMES_OF_PROMPTS = "default, or the name of a prompt"
"""What a client may say; the paths of files on the switch's disk are for its own configuration."""


Properties = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=256)]],
    at_most(len(BY_NAME)),
    Field(max_length=len(BY_NAME), examples=[{"conference_start_how": "host"}]),
]
"""Text by CarrierX name, which `check_properties` looks at. What is not set here holds as the next level says."""


def check_properties(
    context: ApiContext, properties: Mapping[str, str], before: Row | None, *levels: Mapping[str, str]
) -> None:
    """Raises `ApiError` 422 for names and values that there are not, prompts that are not there, and two actions on one
    key sequence.

    The latter once the properties and `levels`, most specific first, are one. What was so `before` may stay.
    """
    unknown = check(properties, "", "properties")
    if unknown:
        raise ApiError(422, *(Fault(found.key, _with_accepted(found)) for found in unknown))
    had = before["properties"] if before is not None else {}
    changed = {name: text for name, text in properties.items() if had.get(name) != text}
    clashes = check_bindings("secured", (properties, *levels), "", "properties")
    problems = [*_not_playable(changed, context), *(Fault(found.key, found.problem) for found in clashes)]
    if problems:
        raise ApiError(422, *problems)


def _with_accepted(found: ConfigError) -> str:
    return f"{found.problem} (accepted: {found.accepted})" if found.accepted else found.problem


def _not_playable(properties: Mapping[str, str], context: ApiContext) -> Iterator[Fault]:
    named = {name: properties[name] for name in sorted(PROMPT_PROPERTIES & properties.keys())}
    paths = {name for name, text in named.items() if isinstance(source(text, "default"), File)}
    for name in sorted(paths):
        yield Fault(f"properties.{name}", f"is a path of the switch's disk (accepted: {NAMES_OF_PROMPTS})")
    prompts = {name: text for name, text in named.items() if name not in paths}
    for found in check_prompts(prompts, context.library, "", "properties"):
        yield Fault(found.key, f"{found.problem} (accepted: {NAMES_OF_PROMPTS})")
