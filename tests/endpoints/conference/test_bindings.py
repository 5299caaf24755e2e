"""Key sequences on their way to actions."""

from hypothesis import given
from hypothesis import strategies as st

from softswitch.endpoints.conference.bindings import TIMEOUT_S, Action, BindingMatcher, Bindings
from softswitch.endpoints.conference.properties import resolve

BINDINGS = resolve("secured").bindings


def actions(keys: str, bindings: Bindings | None = None) -> list[Action]:
    matcher = BindingMatcher(BINDINGS if bindings is None else bindings)
    done: list[Action] = []
    for n, key in enumerate(keys):
        done += matcher.press(key, 0.1 * n)
    return done + list(matcher.expire(100.0))


def test_a_sequence_acts_with_its_last_key() -> None:
    matcher = BindingMatcher(BINDINGS)
    assert matcher.press("*", 0.0) == ()
    assert matcher.press("6", 0.3) == (Action.MUTE_SELF,)
    assert matcher.deadline_at is None


def test_sequences_with_the_same_beginning_are_told_apart() -> None:
    assert actions("99") == [Action.ROLE_PIN]
    assert actions("95") == [Action.MUTE_MENU]
    assert actions("*9") == [Action.RECORD]
    assert actions("*#") == [Action.HEAD_COUNT]


def test_keys_that_lead_nowhere_are_forgotten_from_the_front() -> None:
    assert actions("1*6") == [Action.MUTE_SELF]
    assert actions("**6") == [Action.MUTE_SELF]
    assert actions("#9*6") == [Action.MUTE_SELF]
    assert actions("123") == []


def test_sequences_one_after_another_all_act() -> None:
    assert actions("*6*6*7") == [Action.MUTE_SELF, Action.MUTE_SELF, Action.LOCK]


def test_an_unfinished_sequence_is_forgotten_after_the_timeout() -> None:
    matcher = BindingMatcher(BINDINGS)
    matcher.press("*", 0.0)
    assert matcher.deadline_at == TIMEOUT_S
    assert matcher.expire(TIMEOUT_S) == ()
    assert matcher.press("6", TIMEOUT_S + 0.1) == ()


def test_a_late_key_does_not_complete_an_old_sequence_even_unasked() -> None:
    matcher = BindingMatcher(BINDINGS)
    matcher.press("*", 0.0)
    assert matcher.press("6", TIMEOUT_S + 0.1) == ()


NESTED = Bindings({"9": Action.LOCK, "99": Action.ROLE_PIN, "998": Action.HOLD})


def test_the_shorter_of_two_waits_for_the_longer() -> None:
    matcher = BindingMatcher(NESTED)
    assert matcher.press("9", 0.0) == ()
    assert matcher.expire(TIMEOUT_S - 0.1) == ()
    assert matcher.expire(TIMEOUT_S) == (Action.LOCK,)


def test_the_longest_sequence_wins() -> None:
    assert actions("998", NESTED) == [Action.HOLD]
    assert actions("99", NESTED) == [Action.ROLE_PIN]


def test_a_key_that_ends_the_wait_settles_what_waited() -> None:
    assert actions("97", NESTED) == [Action.LOCK]
    assert actions("9979", NESTED) == [Action.ROLE_PIN, Action.LOCK]


def test_without_bindings_no_key_does_anything() -> None:
    assert actions("*6*799", Bindings({})) == []


@given(st.text("0123456789*#ABCD", max_size=20), st.sampled_from(sorted(BINDINGS.actions)))
def test_after_a_pause_every_sequence_acts_whatever_was_pressed_before(before: str, keys: str) -> None:
    matcher = BindingMatcher(BINDINGS)
    for n, key in enumerate(before):
        matcher.press(key, 0.1 * n)
    done = [action for n, key in enumerate(keys) for action in matcher.press(key, 10.0 + 0.1 * n)]
    assert done == [BINDINGS.actions[keys]]
