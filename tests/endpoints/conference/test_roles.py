"""Who may speak: role, mode and own mute."""

import itertools

import pytest

from softswitch.endpoints.conference.roles import Mute, MuteMode, Role, enter

FALSE, RELAXED, TRUE = MuteMode
HOST, PARTICIPANT, LISTENER = Role


@pytest.mark.parametrize(("policy", "own", "mode"), [*itertools.product(["", "l", "hpl"], [True, False], MuteMode)])
def test_a_listener_is_never_heard_whatever_happens(policy: str, own: bool, mode: MuteMode) -> None:
    mute = enter(LISTENER, policy, mode).set(own).under(mode).set(False)
    assert mute.muted
    assert not mute.may_unmute


@pytest.mark.parametrize(
    ("role", "mode", "muted"),
    [
        (HOST, FALSE, False),
        (HOST, RELAXED, False),
        (HOST, TRUE, False),
        (PARTICIPANT, FALSE, False),
        (PARTICIPANT, RELAXED, True),
        (PARTICIPANT, TRUE, True),
    ],
)
def test_the_mode_of_the_meeting_mutes_participants_only(role: Role, mode: MuteMode, muted: bool) -> None:
    assert enter(role, "l", mode).muted is muted


@pytest.mark.parametrize(("role", "policy"), [(HOST, "h"), (PARTICIPANT, "pl"), (PARTICIPANT, "hpl")])
def test_the_policy_mutes_on_entry_and_its_roles_may_unmute(role: Role, policy: str) -> None:
    mute = enter(role, policy, FALSE)
    assert mute.muted
    assert mute.may_unmute
    assert not mute.set(False).muted


def test_relaxed_lets_participants_unmute_themselves() -> None:
    mute = Mute(PARTICIPANT).under(RELAXED)
    assert mute.may_unmute
    assert not mute.set(False).muted


def test_true_does_not_let_participants_unmute_themselves_but_a_host_can() -> None:
    mute = Mute(PARTICIPANT).under(TRUE)
    assert not mute.may_unmute
    unmuted_by_host = mute.set(False)
    assert not unmuted_by_host.muted
    assert unmuted_by_host.set(True).may_unmute


def test_a_new_mode_mutes_those_again_who_had_unmuted() -> None:
    assert Mute(PARTICIPANT).under(RELAXED).set(False).under(TRUE).muted


def test_leaving_a_muted_mode_keeps_ones_own_mute() -> None:
    assert Mute(PARTICIPANT).set(True).under(TRUE).under(FALSE).muted
    assert not Mute(PARTICIPANT).under(TRUE).under(FALSE).muted


def test_the_modes_go_round() -> None:
    assert [FALSE.next, RELAXED.next, TRUE.next] == [RELAXED, TRUE, FALSE]


def test_a_new_role_starts_from_the_mode_of_the_meeting() -> None:
    listener = Mute(LISTENER, own=True)
    assert not listener.as_role(HOST, TRUE).muted
    assert listener.as_role(PARTICIPANT, TRUE).muted
    assert Mute(HOST).as_role(LISTENER, FALSE).muted
