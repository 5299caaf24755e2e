"""What is said when, as media sources: names of prompts, sentences put together from them, sources from properties."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from media import File, Library, Prompt, Source, SourceNotFound, digit_prompts, number_prompts
from softswitch.endpoints.conference.bindings import FOR_HOSTS, Action
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
HELP_BY_ACTION = {
    Action.MUTE_SELF: "help_mute_self",
    Action.RAISE_HAND: "help_hand",
    Action.MUTE_MODE: "help_mute_mode",
    Action.MUTE_MENU: "help_mute_menu",
    Action.HOLD: "help_hold",
    Action.LOCK: "help_lock",
    Action.RECORD: "help_record",
    Action.TONES: "help_tones",
    Action.HEAD_COUNT: "help_head_count",
    Action.ROLE_PIN: "help_role_pin",
    Action.HELP: "help_again",
}
"""In the order in which it is told; the keys follow each."""
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


def help_for(role: Role, properties: Properties) -> tuple[Source, ...]:
    """What somebody of this role can do here, and by which keys: those of the room, wherever they were moved."""
    keys = {action: keys for keys, action in properties.bindings.actions.items()}
    told = [action for action in HELP_BY_ACTION if action in keys and _is_offered(action, role, properties)]
    listens = prompts("help_listener") if role is Role.LISTENER else ()
    each = [(*prompts(HELP_BY_ACTION[action]), *map(Prompt, digit_prompts(keys[action]))) for action in told]
    return (*listens, *chain.from_iterable(each))


def _is_offered(action: Action, role: Role, properties: Properties) -> bool:
    if action is Action.MUTE_SELF:
        return role is not Role.LISTENER
    if action is Action.ROLE_PIN:
        return role is not Role.HOST
    if action is Action.RECORD and not properties.conference_recording_enabled:
        return False
    return role is Role.HOST or action not in FOR_HOSTS


def others(count: int) -> tuple[Source, ...]:
    """How many others are there, as a sentence."""
    if count <= 0:
        return prompts("you_are_the_only_one")
    verb, noun = ("there_is", "other_attendee") if count == 1 else ("there_are", "other_attendees")
    return (*prompts(verb), *map(Prompt, number_prompts(count)), *prompts(noun, "in_the_conference"))
