"""Properties: names, values, levels."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from media import Library
from softswitch.endpoints.conference.bindings import Action
from softswitch.endpoints.conference.prompts import check_prompts
from softswitch.endpoints.conference.properties import (
    BY_NAME,
    TABLE,
    StartHow,
    StopHow,
    check,
    check_bindings,
    resolve,
)

DOCUMENTED = {
    "did_welcomeprompt": "default",
    "did_language": "en_US",
    "did_prompt_serial": "001",
    "conference_welcomeprompt": "default",
    "conference_welcomeprompt_enabled": "on",
    "conference_announceparticipantcount_policy": "hpl",
    "conference_entrytones_enabled": "on",
    "conference_exittones_enabled": "on",
    "conference_moh": "default",
    "conference_moh_enabled": "on",
    "conference_start_how": "first",
    "conference_start_wait": "360",
    "conference_stop_how": "last",
    "conference_stop_wait": "180",
    "conference_mute_policy": "l",
    "conference_mute_dtmf_binding": "*5",
    "conference_mute_menu_dtmf_binding": "95",
    "conference_hold_dtmf_binding": "*3",
    "conference_lock_dtmf_binding": "*7",
    "conference_recording_dtmf_binding": "*9",
    "conference_recording_enabled": "on",
    "call_mute_dtmf_binding": "*6",
    "call_rolepin_dtmf_binding": "99",
}
"""The properties of the `secured` flow as CarrierX documents them."""


def test_the_documented_properties_have_their_documented_defaults() -> None:
    assert {row.name: row.default for row in TABLE if not row.ours} == DOCUMENTED


def test_every_default_is_accepted_by_its_own_row() -> None:
    assert check({row.name: row.default for row in TABLE}, "numbers.toml", "here") == []


def test_without_levels_the_defaults_hold() -> None:
    properties = resolve("secured")
    assert properties.conference_start_how is StartHow.FIRST
    assert properties.conference_stop_how is StopHow.LAST
    assert properties.conference_maximum_attendees == 1000
    assert properties.bindings.actions["*6"] is Action.MUTE_SELF


def test_each_property_is_resolved_on_its_own_the_most_specific_level_first() -> None:
    room, did = {"conference_start_wait": "10"}, {"conference_start_wait": "20", "conference_stop_wait": "21"}
    group, account = {"conference_stop_wait": "30", "conference_mute_policy": "p"}, {"conference_moh_enabled": "off"}
    properties = resolve("secured", room, did, group, account)
    assert properties.conference_start_wait == 10
    assert properties.conference_stop_wait == 21
    assert properties.conference_mute_policy == "p"
    assert properties.conference_moh_enabled is False


def test_a_binding_can_be_moved_to_other_keys_or_to_none() -> None:
    properties = resolve("secured", {"call_mute_dtmf_binding": "**", "conference_lock_dtmf_binding": ""})
    assert properties.bindings.actions["**"] is Action.MUTE_SELF
    assert "*6" not in properties.bindings.actions
    assert Action.LOCK not in properties.bindings.actions.values()


def test_quiet_turns_off_every_prompt_tone_and_music_whatever_the_others_say() -> None:
    properties = resolve("secured", {"conference_entrytones_enabled": "on"}, {"conference_quiet_enabled": "on"})
    on = {name for name in BY_NAME if name.endswith("_enabled") and getattr(properties, name)}
    assert on == {"conference_quiet_enabled", "conference_recording_enabled"}
    assert properties.conference_announceparticipantcount_policy == ""


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("conference_mute_policy", "x", "any of the letters h, p, l"),
        ("conference_mute_policy", "pp", "any of the letters h, p, l"),
        ("conference_moh_enabled", "true", "on or off"),
        ("conference_start_how", "last", "first or host"),
        ("conference_stop_how", "first", "last or host"),
        ("conference_start_wait", "-1", "seconds"),
        ("conference_start_wait", "soon", "seconds"),
        ("conference_start_wait", "٣", "seconds"),
        ("call_mute_dtmf_binding", "*6x", "keys"),
        ("conference_code_tries", "0", "1 to 10"),
        ("did_welcomeprompt", "../../etc/passwd", "name of a prompt"),
        ("did_language", "tlh", "en_US"),
    ],
)
def test_a_value_that_is_not_accepted_is_named_with_what_is(name: str, value: str, accepted: str) -> None:
    (problem,) = check({name: value}, "numbers.toml", "endpoints[c].properties")
    assert problem.key == f"endpoints[c].properties.{name}"
    assert accepted in problem.accepted


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("conference_moh", "/no/such/file.wav", "there is no such file"),
        ("conference_moh", "{text}", "can't be played as audio"),
        ("conference_moh", "{folder}", "there is no such prompt"),
        ("did_welcomeprompt", "nope/nothing", "there is no such prompt"),
        ("conference_welcomeprompt", "n" * 256, "there is no such prompt"),
    ],
)
def test_a_prompt_that_nobody_could_hear_is_named_with_what_is_accepted(
    tmp_path: Path, name: str, value: str, why: str
) -> None:
    (tmp_path / "music.wav").write_text("no music at all")
    value = value.format(text=tmp_path / "music.wav", folder=tmp_path)
    (problem,) = check_prompts({name: value}, Library(), "numbers.toml", "endpoints[c].properties")
    assert (problem.key, problem.problem) == (f"endpoints[c].properties.{name}", f'is "{value}": {why}')
    assert problem.accepted == "default, the name of a prompt, or the path of an audio file"


def test_prompts_of_one_s_own_shipped_ones_and_files_are_playable(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "ours.wav", np.zeros(160), 8000)
    library = Library((tmp_path,))
    for value in ("default", "ours", "music/hold", "conference/welcome", str(tmp_path / "ours.wav")):
        assert check_prompts({"conference_moh": value}, library, "numbers.toml", "here") == []


def test_an_unknown_name_is_refused_with_the_closest_known_one() -> None:
    (problem,) = check({"conference_start_wiat": "1"}, "numbers.toml", "here")
    assert "conference_start_wait" in str(problem)


def test_two_actions_on_the_same_keys_are_refused() -> None:
    (problem,) = check_bindings("secured", [{"conference_lock_dtmf_binding": "*6"}], "numbers.toml", "here")
    assert "call_mute_dtmf_binding" in str(problem)
    assert "*6" in str(problem)


def test_several_actions_may_have_no_keys() -> None:
    off = {"conference_lock_dtmf_binding": "", "call_mute_dtmf_binding": ""}
    assert check_bindings("secured", [off], "numbers.toml", "here") == []
