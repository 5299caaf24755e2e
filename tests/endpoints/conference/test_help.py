"""Spoken help: what this role can do in this room, and by which keys."""

import pytest

from media import Library, Prompt
from softswitch.endpoints.conference.bindings import Action
from softswitch.endpoints.conference.prompts import HELP_BY_ACTION, help_for, prompts
from softswitch.endpoints.conference.properties import Properties, resolve
from softswitch.endpoints.conference.roles import Role

HOST, PARTICIPANT, LISTENER = Role


def told(role: Role, **properties: str) -> list[str]:
    """Each thing with its keys: `mute_self *6`."""
    said: list[str] = []
    for one in help_for(role, resolve("secured", properties)):
        assert isinstance(one, Prompt)
        folder, _, name = one.name.partition("/")
        if folder == "conference":
            said.append(name.removeprefix("help_") + " ")
        else:
            said[-1] += {"star": "*", "pound": "#"}.get(name, name)
    return said


def test_a_host_is_told_all_his_keys() -> None:
    assert told(HOST) == [
        "mute_self *6", "hand *2", "mute_mode *5", "mute_menu 95", "hold *3", "lock *7", "record *9", "tones *8",
        "head_count *#", "again *4",
    ]  # fmt: skip


def test_a_participant_is_told_what_he_may_do() -> None:
    assert told(PARTICIPANT) == ["mute_self *6", "hand *2", "head_count *#", "role_pin 99", "again *4"]


def test_a_listener_is_told_first_that_he_is_one() -> None:
    assert told(LISTENER) == ["listener ", "hand *2", "head_count *#", "role_pin 99", "again *4"]


def test_keys_that_were_moved_are_told_where_they_are_and_none_that_were_taken_away() -> None:
    """The help named the keys of the default, in a room whose keys were others."""
    moved = told(PARTICIPANT, call_mute_dtmf_binding="A1", call_hand_dtmf_binding="", call_help_dtmf_binding="0")
    assert moved == ["mute_self A1", "head_count *#", "role_pin 99", "again 0"]


def test_no_recording_is_offered_where_there_may_be_none() -> None:
    assert "record *9" not in told(HOST, conference_recording_enabled="off")


@pytest.mark.parametrize("role", Role)
def test_everything_that_is_told_is_shipped(role: Role) -> None:
    library = Library()
    for one in help_for(role, _with_every_key()):
        library.check(one)


def test_every_action_has_its_sentence() -> None:
    assert set(HELP_BY_ACTION) == set(Action)
    library = Library()
    for one in prompts(*HELP_BY_ACTION.values(), "host_left"):
        library.check(one)


def _with_every_key() -> Properties:
    keys = {"call_mute_dtmf_binding": "0123456", "call_hand_dtmf_binding": "789*#A", "call_help_dtmf_binding": "BCD"}
    return resolve("secured", keys)
