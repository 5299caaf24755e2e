"""What the attributes of a binding or a dialout ask for. All are text; those that are not known here are the client's.

    announce               what one side hears when he has answered, before he is joined to the other
    cnam                   the name shown with the number
    maximum_duration       seconds that both may talk; a dialout that says nothing: LONGEST_DIALOUT_S
    hide_origination_did   true: the called side sees the redirect number, and nothing of who calls
    ringback               what the waiting side hears meanwhile: moh, false (nothing), or an audio of one's own
    X-...                  a SIP header of this name for the called side

An audio is a file of the storage by its sid, or a prompt by its name.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from media import Library, Prompt, SourceNotFound
from softswitch.errors import ConfigError
from softswitch.plan import MediatorEndpoint
from softswitch.plan.fields import STRUCTURAL_HEADERS

ANNOUNCE, CNAM, HIDE, RINGBACK = "announce", "cnam", "hide_origination_did", "ringback"
MAXIMUM_DURATION = "maximum_duration"
TRUE, FALSE, MOH = "true", "false", "moh"
LONGEST_CNAM = 64
LONGEST_TALK_S = 24 * 3600
LONGEST_DIALOUT_S = 4 * 3600
"""Nobody is there who would end one that both sides have forgotten."""

SID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What names a file of the storage."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The attributes, understood."""

    hides: bool = False
    cnam: str = ""
    announce: str = ""
    ringback: str = TRUE
    maximum_duration: int | None = None
    """Seconds."""
    headers: tuple[tuple[str, str], ...] = ()


def wishes(attributes: Mapping[str, str]) -> Wishes:
    """Of attributes that `problems` has nothing against."""
    return Wishes(
        hides=attributes.get(HIDE, FALSE).lower() == TRUE,
        cnam=attributes.get(CNAM, ""),
        announce=attributes.get(ANNOUNCE, ""),
        ringback=attributes.get(RINGBACK, "") or TRUE,
        maximum_duration=int(attributes.get(MAXIMUM_DURATION) or 0) or None,
        headers=tuple((name, value) for name, value in attributes.items() if _is_header(name)),
    )


def problems(attributes: Mapping[str, str], knows_audio: Callable[[str], bool]) -> Iterator[tuple[str, str, str]]:
    """Name, what is wrong, what is accepted."""
    hide, cnam = attributes.get(HIDE, FALSE), attributes.get(CNAM, "")
    if hide.lower() not in (TRUE, FALSE):
        yield HIDE, f'is "{hide[:40]}"', "true, false"
    if len(cnam) > LONGEST_CNAM:
        yield CNAM, f"has {len(cnam)} characters", f"at most {LONGEST_CNAM}"
    if not _is_duration(duration := attributes.get(MAXIMUM_DURATION, "")):
        yield MAXIMUM_DURATION, f'is "{duration[:40]}"', f"seconds, 1 to {LONGEST_TALK_S}"
    for name, words in ((ANNOUNCE, ("",)), (RINGBACK, ("", TRUE, FALSE, MOH))):
        audio = attributes.get(name, "")
        if audio not in words and not knows_audio(audio):
            accepted = [*filter(None, words), "the sid of a file", "the name of a prompt"]
            yield name, f'"{audio[:80]}" is no audio', ", ".join(accepted)


def check_bindings(account: MediatorEndpoint, file: str, library: Library | None = None) -> Iterator[ConfigError]:
    """What is wrong with the attributes of the plan's own bindings; prompts are looked for in `library`."""

    def knows_audio(name: str) -> bool:
        if library is None or SID.fullmatch(name):
            return True
        try:
            library.check(Prompt(name))
        except SourceNotFound:
            return False
        return True

    for position, binding in enumerate(account.bindings):
        place = f"endpoints[{account.name}].bindings[{position}].attributes"
        for name, problem, accepted in problems(binding.attributes, knows_audio):
            yield ConfigError(file, f"{place}.{name}", problem, accepted)


def _is_duration(text: str) -> bool:
    return not text or (bool(re.fullmatch(r"[0-9]{1,5}", text)) and 1 <= int(text) <= LONGEST_TALK_S)


def _is_header(name: str) -> bool:
    return bool(re.fullmatch(r"X-[A-Za-z0-9-]+", name)) and name.lower() not in STRUCTURAL_HEADERS
