"""The whole configuration of a switch, read and found good: `softswitch.toml` and `numbers.toml` of one folder.

What `settings` and `plan` say of themselves is checked there; here is what takes several of them to see: the properties
of the endpoints, and that nobody opens the shipped access codes and passwords to the world.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from media import Library, SourceNotFound
from softswitch.configfile import refusal
from softswitch.endpoints.conference import check_conference
from softswitch.endpoints.mediator.attributes import check_bindings
from softswitch.errors import ConfigError
from softswitch.plan import (
    ConferenceEndpoint,
    Did,
    EndpointAddress,
    MediatorEndpoint,
    Plan,
    ThirdPartyEndpoint,
    Trunk,
    demo_credentials,
)
from softswitch.plan.load import read_plan
from softswitch.settings import PLAN_FILE, SETTINGS_FILE, Settings, config_folder, load_settings

T = TypeVar("T")

GREETING = "conference/welcome"
"""The first that a caller hears."""


@dataclass(frozen=True, slots=True)
class Configuration:
    folder: Path
    settings: Settings
    plan: Plan


def load_configuration(given: Path | None = None, environment: Mapping[str, str] = os.environ) -> Configuration:
    """The configuration in `given`, else in ./config, else the one that came with the program.

    Raises `ConfigError`, or an ExceptionGroup of all the `ConfigError`s of both files.
    """
    folder = config_folder(given)
    problems: list[ConfigError] = []
    settings = _collecting(problems, lambda: load_settings(folder, environment))
    plan, wrong = _collecting(problems, lambda: read_plan(folder)) or (None, ())
    problems += wrong
    if plan is not None:
        problems += wrong_properties(plan, str(folder / PLAN_FILE), library_of(settings) if settings else None)
    if plan is not None and settings is not None:
        problems += open_to_the_world(settings, plan, str(folder / SETTINGS_FILE))
        problems += _without_tls(settings, plan, str(folder / SETTINGS_FILE))
    if settings is not None:
        problems += _without_audio(settings, str(folder / SETTINGS_FILE))
        problems += _without_a_voice(settings, str(folder / SETTINGS_FILE))
    if problems or settings is None or plan is None:
        raise refusal(problems)
    return Configuration(folder, settings, plan)


def _collecting(problems: list[ConfigError], load: Callable[[], T]) -> T | None:
    """What `load` gives; what it raises goes to `problems`."""
    try:
        return load()
    except ConfigError as problem:
        problems.append(problem)
    except ExceptionGroup as group:
        problems.extend(problem for problem in group.exceptions if isinstance(problem, ConfigError))
    return None


def library_of(settings: Settings) -> Library:
    """Everything that calls can be played."""
    return Library(settings.media.prompts, settings.media.language)


def wrong_properties(plan: Plan, file: str, library: Library | None = None) -> Iterator[ConfigError]:
    """What the endpoints of a plan find wrong with their properties; prompts are looked for in `library`."""
    dids: dict[str, list[Did]] = {}
    for did in plan.numbers.dids:
        dids.setdefault(did.endpoint or "", []).append(did)
    for endpoint in plan.numbers.endpoints:
        if isinstance(endpoint, ConferenceEndpoint):
            yield from check_conference(endpoint, dids.get(endpoint.name, ()), file, library)
        elif isinstance(endpoint, MediatorEndpoint):
            yield from check_bindings(endpoint, file, library)


def open_to_the_world(settings: Settings, plan: Plan, file: str) -> Iterator[ConfigError]:
    shipped = demo_credentials(plan)
    listening = {"sip.addresses": settings.sip.public_addresses, "api.address": settings.api.public_addresses}
    for key, public in listening.items():
        if public and shipped:
            yield ConfigError(
                file,
                key,
                f"{public[0]} can be reached from outside, but codes and passwords in {PLAN_FILE} still are the ones "
                f"we ship, which everybody knows; change them first: {', '.join(shipped)}",
                "until then an address of this machine alone (127.0.0.1, ::1)",
            )


def _without_tls(settings: Settings, plan: Plan, file: str) -> Iterator[ConfigError]:
    """Who is called over TLS by a switch that does not speak it."""
    numbers = plan.numbers
    called = [f"trunk {trunk.name}" for group in numbers.trunk_groups for trunk in group.trunks if _is_tls(trunk)]
    outside = (endpoint for endpoint in numbers.endpoints if isinstance(endpoint, ThirdPartyEndpoint))
    called += [f"endpoint {endpoint.name}" for endpoint in outside if any(map(_is_tls, endpoint.addresses))]
    if called and "tls" not in settings.sip.transports:
        yield ConfigError(
            file,
            "sip.transports",
            f'has no "tls", but over it {", ".join(called)} would be called',
            '"tls" beside the others, or another transport there',
        )


def _is_tls(far_end: Trunk | EndpointAddress) -> bool:
    return far_end.transport == "tls"


def _without_audio(settings: Settings, file: str) -> Iterator[ConfigError]:
    public = settings.sip.public_addresses
    if public and settings.media.is_local:
        yield ConfigError(
            file,
            "media.address",
            f"{settings.media.address} can be reached from this machine alone, but SIP is heard on {public[0]}: "
            "callers from outside would have no audio",
            "an address that they reach",
        )


def _without_a_voice(settings: Settings, file: str) -> Iterator[ConfigError]:
    """A language that nothing is spoken in: callers would hear silence where they are asked for their code."""
    language = settings.media.language
    try:
        library_of(settings).find(GREETING)
    except SourceNotFound:
        problem = f'is "{language}", and no folder of prompts has {language}/{GREETING}'
        yield ConfigError(file, "media.language", problem, "en_US, or a language that media.prompts has all names of")
