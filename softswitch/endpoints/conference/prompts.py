"""What is said when, as media sources: names of prompts, sentences put together from them, sources from properties."""

from collections.abc import Mapping
from pathlib import Path

from media import File, Library, Prompt, Source, SourceNotFound, number_prompts
from softswitch.endpoints.conference.properties import BY_NAME, PROMPT, Properties, is_accepted
from softswitch.endpoints.conference.roles import MuteMode, Role
from softswitch.errors import ConfigError

ENTRY_TONE = Prompt("tones/entry")
EXIT_TONE = Prompt("tones/exit")

WELCOME_BY_ROLE = {
    Role.HOST: "you_are_host",
    Role.PARTICIPANT: "you_are_participant",
    Role.LISTENER: "you_are_listener",
}
HELP_BY_ROLE = {Role.HOST: "help_host", Role.PARTICIPANT: "help_participant", Role.LISTENER: "help_listener"}
NOTICE_BY_MODE = {
    MuteMode.FALSE: "all_unmuted",
    MuteMode.RELAXED: "all_muted_may_unmute",
    MuteMode.TRUE: "all_muted",
}

PROMPT_PROPERTIES = frozenset(name for name, row in BY_NAME.items() if row.kind is PROMPT)
"""Properties whose value is something to be played."""


def prompts(*names: str) -> tuple[Source, ...]:
    """The prompts of the conference by their short names."""
    return tuple(Prompt(f"conference/{name}") for name in names)


def said(properties: Properties, *names: str) -> tuple[Source, ...]:
    """What has to be said for the caller to find his way; only a quiet conference says none of it."""
    return () if properties.conference_quiet_enabled else prompts(*names)


def source(value: str, default: str) -> Source:
    """The source that a property names: "default", a prompt by name, or the path of an audio file."""
    if value == "default":
        return Prompt(default)
    return File(Path(value)) if Path(value).suffix else Prompt(value)


def check_prompts(properties: Mapping[str, str], library: Library, file: str, place: str) -> list[ConfigError]:
    """Prompts and music that these properties name and nobody could hear; `library` has what calls are played."""
    problems = []
    for name in sorted(PROMPT_PROPERTIES & properties.keys()):
        if not is_accepted(BY_NAME[name], properties[name]):
            continue
        named = source(properties[name], "conference/welcome")
        try:
            library.check(named)
        except SourceNotFound:
            why = "can't be played as audio" if _is_file(named) else f"there is no such {_kind(named)}"
            problems.append(ConfigError(file, f"{place}.{name}", f'is "{properties[name]}": {why}', PROMPT.accepted))
    return problems


def _is_file(named: Source) -> bool:
    return isinstance(named, File) and named.path.is_file()


def _kind(named: Source) -> str:
    return "file" if isinstance(named, File) else "prompt"


def others(count: int) -> tuple[Source, ...]:
    """How many others are there, as a sentence."""
    if count <= 0:
        return prompts("you_are_the_only_one")
    verb, noun = ("there_is", "other_attendee") if count == 1 else ("there_are", "other_attendees")
    return (*prompts(verb), *map(Prompt, number_prompts(count)), *prompts(noun, "in_the_conference"))
