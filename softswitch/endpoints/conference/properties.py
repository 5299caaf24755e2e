"""The properties of a conference by their CarrierX names, what each accepts, and how the levels override each other.

Values are text, as CarrierX writes them: `*_policy` a subset of the letters h, p, l; `*_enabled` on or off;
`*_dtmf_binding` the key sequence (empty = no keys lead there). Each property is resolved on its own: meeting room,
then DID, then DID group, then account, then the default of the call flow. `Properties` is what comes out, typed.

A name or value that is not known is refused when the configuration is loaded (`check`), not when a call comes. Whether
a prompt is there takes a look at the disk: that is `prompts.check_prompts`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from softswitch.call.digits import KEYS
from softswitch.endpoints.conference.bindings import Action, Bindings
from softswitch.endpoints.conference.wrong_codes import WrongCodeLimits
from softswitch.errors import ConfigError


class StartHow(StrEnum):
    """With whom a meeting starts: the first caller, or the first host."""

    FIRST = "first"
    HOST = "host"


class StopHow(StrEnum):
    """With whom a meeting stops: the last caller, or the last host."""

    LAST = "last"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a property accepts, in words, and how its text is read (raises ValueError)."""

    accepted: str
    read: Callable[[str], Any]


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return read


def _on_or_off(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


def _policy(text: str) -> str:
    if len(set(text)) != len(text) or not set(text) <= set("hpl"):
        raise ValueError(text)
    return text


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return read


def _keys(text: str) -> str:
    if len(text) > 8 or not set(text) <= KEYS:
        raise ValueError(text)
    return text


def _prompt(text: str) -> str:
    if not text or ".." in text or not text.isprintable():
        raise ValueError(text)
    return text


ON_OFF = Kind("on or off", _on_or_off)
POLICY = Kind("any of the letters h, p, l, each once, or nothing", _policy)
PROMPT = Kind("default, the name of a prompt, or the path of an audio file", _prompt)
BINDING = Kind("up to 8 of the keys 0-9 * # A-D, or nothing", _keys)
SECONDS = Kind("seconds, from 0 to 86400", _number(0, 86_400))
TRIES = Kind("a number from 1 to 10", _number(1, 10))
START_HOW = Kind("first or host", StartHow)
STOP_HOW = Kind("last or host", StopHow)
COUNT = Kind("a number from 0 to 1000000; 0 = no limit", _number(0, 1_000_000))


@dataclass(frozen=True, slots=True)
class Property:
    """One row of the table below."""

    name: str
    default: str
    kind: Kind
    meaning: str
    ours: bool = False  #: an addition of this software; the others are CarrierX's


TABLE = (
    Property("did_welcomeprompt", "default", PROMPT, "what a caller hears on answering"),
    Property("did_welcomeprompt_enabled", "on", ON_OFF, "whether he hears it", ours=True),
    Property("did_language", "en_US", Kind("en_US", _one_of("en_US")), "language of the prompts"),
    Property("did_prompt_serial", "001", Kind("001", _one_of("001")), "voice of the prompts"),
    Property("conference_welcomeprompt", "default", PROMPT, "greeting on entering the room"),
    Property("conference_welcomeprompt_enabled", "on", ON_OFF, "whether it is played"),
    Property("conference_announceparticipantcount_policy", "hpl", POLICY, "roles told how many others are there"),
    Property("conference_entrytones_enabled", "on", ON_OFF, "a chime when somebody enters"),
    Property("conference_exittones_enabled", "on", ON_OFF, "a chime when somebody leaves"),
    Property("conference_prompts_enabled", "on", ON_OFF, "spoken notices in the room (muted, locked ...)", ours=True),
    Property("conference_quiet_enabled", "off", ON_OFF, "on = no prompt, tone or music at all", ours=True),
    Property("conference_moh", "default", PROMPT, "the hold music"),
    Property("conference_moh_enabled", "on", ON_OFF, "music while waiting or on hold; off = silence"),
    Property("conference_start_how", "first", START_HOW, "who starts the meeting: anybody or a host"),
    Property("conference_start_wait", "360", SECONDS, "how long a caller waits for the start"),
    Property("conference_stop_how", "last", STOP_HOW, "whose leaving stops it: the last one's, or the last host's"),
    Property("conference_stop_wait", "180", SECONDS, "how long the meeting stays after that"),
    Property("conference_mute_policy", "l", POLICY, "roles muted on entry"),
    Property("conference_maximum_attendees", "1000", COUNT, "how many may be in the room; 0 = no limit", ours=True),
    Property("conference_code_tries", "3", TRIES, "how often a code may be entered", ours=True),
    Property("conference_code_first_digit_wait", "10", SECONDS, "wait for the first key of a code", ours=True),
    Property("conference_code_inter_digit_wait", "4", SECONDS, "wait for each further key", ours=True),
    Property("conference_wrongcodes_limit", "9", COUNT, "wrong codes of one caller in the window; then 403", ours=True),
    Property("conference_wrongcodes_anonymous_limit", "100", COUNT, "the same for all without number", ours=True),
    Property("conference_wrongcodes_source_limit", "0", COUNT, "the same for all of a trunk group", ours=True),
    Property("conference_wrongcodes_window", "600", SECONDS, "the window", ours=True),
    Property("conference_recording_enabled", "on", ON_OFF, "whether the meeting may be recorded"),
    Property("conference_mute_dtmf_binding", "*5", BINDING, "host: next mute mode: false, relaxed, true"),
    Property("conference_mute_menu_dtmf_binding", "95", BINDING, "host: mute mode by one more key: 1, 2 or 3"),
    Property("conference_hold_dtmf_binding", "*3", BINDING, "host: all others on hold and back"),
    Property("conference_lock_dtmf_binding", "*7", BINDING, "host: lock and unlock the room"),
    Property("conference_recording_dtmf_binding", "*9", BINDING, "host: start and stop the recording"),
    Property("conference_tones_dtmf_binding", "*8", BINDING, "host: entry and exit tones on and off", ours=True),
    Property("call_mute_dtmf_binding", "*6", BINDING, "mute and unmute oneself"),
    Property("call_rolepin_dtmf_binding", "99", BINDING, "take another role of the room by entering its code"),
    Property("call_hand_dtmf_binding", "*2", BINDING, "raise and lower one's hand", ours=True),
    Property("call_help_dtmf_binding", "*4", BINDING, "spoken help, fit for the role", ours=True),
    Property("call_headcount_dtmf_binding", "*#", BINDING, "how many others are there, told to oneself", ours=True),
)  # fmt: skip

BY_NAME = {row.name: row for row in TABLE}

ACTION_BY_BINDING = {
    "conference_mute_dtmf_binding": Action.MUTE_MODE,
    "conference_mute_menu_dtmf_binding": Action.MUTE_MENU,
    "conference_hold_dtmf_binding": Action.HOLD,
    "conference_lock_dtmf_binding": Action.LOCK,
    "conference_recording_dtmf_binding": Action.RECORD,
    "conference_tones_dtmf_binding": Action.TONES,
    "call_mute_dtmf_binding": Action.MUTE_SELF,
    "call_rolepin_dtmf_binding": Action.ROLE_PIN,
    "call_hand_dtmf_binding": Action.RAISE_HAND,
    "call_help_dtmf_binding": Action.HELP,
    "call_headcount_dtmf_binding": Action.HEAD_COUNT,
}

CALL_FLOW_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    flow: {row.name: row.default for row in TABLE} for flow in ("open", "secured", "direct_host", "direct_participant")
}
"""The lowest level: what holds where nobody says otherwise. CarrierX documents one set; all four flows use it."""


@dataclass(frozen=True, slots=True)
class Properties:
    """The resolved properties of a call or a meeting, by the same names; quiet has already been applied."""

    did_welcomeprompt: str
    did_welcomeprompt_enabled: bool
    did_language: str
    did_prompt_serial: str
    conference_welcomeprompt: str
    conference_welcomeprompt_enabled: bool
    conference_announceparticipantcount_policy: str
    conference_entrytones_enabled: bool
    conference_exittones_enabled: bool
    conference_prompts_enabled: bool
    conference_quiet_enabled: bool
    conference_moh: str
    conference_moh_enabled: bool
    conference_start_how: StartHow
    conference_start_wait: int
    conference_stop_how: StopHow
    conference_stop_wait: int
    conference_mute_policy: str
    conference_maximum_attendees: int
    conference_code_tries: int
    conference_code_first_digit_wait: int
    conference_code_inter_digit_wait: int
    conference_wrongcodes_limit: int
    conference_wrongcodes_anonymous_limit: int
    conference_wrongcodes_source_limit: int
    conference_wrongcodes_window: int
    conference_recording_enabled: bool
    bindings: Bindings

    @property
    def wrong_code_limits(self) -> WrongCodeLimits:
        return WrongCodeLimits(
            self.conference_wrongcodes_limit,
            self.conference_wrongcodes_anonymous_limit,
            self.conference_wrongcodes_source_limit,
            self.conference_wrongcodes_window,
        )


QUIET: Mapping[str, object] = {
    "did_welcomeprompt_enabled": False,
    "conference_welcomeprompt_enabled": False,
    "conference_announceparticipantcount_policy": "",
    "conference_entrytones_enabled": False,
    "conference_exittones_enabled": False,
    "conference_prompts_enabled": False,
    "conference_moh_enabled": False,
}


def resolve(call_flow: str, *levels: Mapping[str, str]) -> Properties:
    """The properties of `call_flow`, with `levels` over it, the most specific first."""
    merged = dict(CALL_FLOW_DEFAULTS[call_flow])
    for level in reversed(levels):
        merged.update(level)
    values = {name: BY_NAME[name].kind.read(text) for name, text in merged.items()}
    if values["conference_quiet_enabled"]:
        values.update(QUIET)
    values["bindings"] = Bindings({values[name]: action for name, action in ACTION_BY_BINDING.items() if values[name]})
    return Properties(**{field.name: values[field.name] for field in fields(Properties)})


def without_hosts(properties: Properties) -> Properties:
    """For a room where no host can come: no rule waits for one."""
    return replace(properties, conference_start_how=StartHow.FIRST, conference_stop_how=StopHow.LAST)


def check(properties: Mapping[str, str], file: str, place: str) -> list[ConfigError]:
    """What is wrong with the properties that `place` of `file` sets: unknown names, values that are not accepted."""
    problems = []
    for name, text in properties.items():
        row = BY_NAME.get(name)
        if row is None:
            problems.append(ConfigError(file, f"{place}.{name}", f"is no property of a conference{_meant(name)}"))
        elif not is_accepted(row, text):
            problems.append(ConfigError(file, f"{place}.{name}", f'is "{text}"', row.kind.accepted))
    return problems


def check_bindings(call_flow: str, levels: Iterable[Mapping[str, str]], file: str, place: str) -> list[ConfigError]:
    """Two actions on one key sequence, after all levels are merged; every level must have passed `check`."""
    merged = dict(CALL_FLOW_DEFAULTS[call_flow])
    for level in reversed(list(levels)):
        merged.update(level)
    owners: dict[str, str] = {}
    problems = []
    for name in ACTION_BY_BINDING:
        keys = merged[name]
        owner = owners.setdefault(keys, name)
        if keys and owner != name:
            problems.append(ConfigError(file, f"{place}.{name}", f'is "{keys}", and so is {owner}', "each keys once"))
    return problems


def is_accepted(row: Property, text: str) -> bool:
    """Whether the text can be a value of the property."""
    try:
        row.kind.read(text)
    except ValueError:
        return False
    return True


def _meant(name: str) -> str:
    """What was meant: the nearest ones, or where all of them stand."""
    near = get_close_matches(name, BY_NAME, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else "; numbers.toml as we ship it lists them all"
