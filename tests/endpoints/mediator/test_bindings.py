"""The table of bindings: who is led where, what is free, what ends when; and that it agrees with a plain list."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.endpoints.mediator.binding import ASKED, Binding, Route
from softswitch.endpoints.mediator.bindings import Bindings, Taken

A, B, C = "13105550001", "13105550002", "13105550003"
R, S = "12025550105", "12025550107"
NUMBERS, REDIRECTS = (A, B, C, "1002"), (R, S)


def binding(redirect: str = R, destination: str = B, origin: str | None = None, **values: Any) -> Binding:
    binding.count += 1  # type: ignore[attr-defined]
    return Binding(f"b{binding.count}", redirect, destination, origin, **values)  # type: ignore[attr-defined]


binding.count = 0  # type: ignore[attr-defined]


def table(*bound: Binding) -> Bindings:
    made = Bindings()
    for one in bound:
        made.add(one, 0.0)
    return made


def test_an_originator_reaches_his_destination_and_others_that_of_anybody() -> None:
    own, anybodys = binding(origin=A), binding(destination=C)
    bindings = table(own, anybodys)
    assert bindings.find(R, [A], 1.0) == Route(own, B, False)
    assert bindings.find(R, ["1002"], 1.0) == Route(anybodys, C, False)
    assert bindings.find(S, [A], 1.0) is None


def test_the_destination_reaches_the_originator_also_before_he_has_called() -> None:
    own = binding(origin=A)
    assert table(own).find(R, [B], 1.0) == Route(own, A, True)


def test_a_binding_of_the_destinations_own_comes_before_the_reply() -> None:
    own = binding(origin=B, destination=C)
    assert table(binding(origin=A), own).find(R, [B], 1.0) == Route(own, C, False)


def test_the_reply_goes_to_whoever_called_last() -> None:
    first, second = binding(origin=A), binding(origin=C)
    bindings = table(first, second)
    bindings.called(first, A)
    assert bindings.find(R, [B], 1.0) == Route(first, A, True)
    bindings.called(second, C)
    assert bindings.find(R, [B], 1.0) == Route(second, C, True)
    bindings.remove(second)
    assert bindings.find(R, [B], 1.0) == Route(first, A, True)


def test_of_a_binding_for_anybody_the_last_caller_is_kept_once() -> None:
    anybodys = binding()
    bindings = table(anybodys)
    assert bindings.find(R, [B], 1.0) is None
    assert bindings.called(anybodys, A)
    assert not bindings.called(anybodys, A)
    assert bindings.find(R, [B], 1.0) == Route(anybodys, A, True)
    bindings.change(anybodys, {"destination_did": C}, 1.0)
    assert bindings.find(R, [C], 1.0) is None


def test_the_first_caller_is_fixed_and_the_wait_is_over() -> None:
    waiting = binding(wait_origination_did_ttl=10, maximum_ttl=100)
    bindings = table(waiting)
    assert waiting.expires_at == 10
    assert bindings.called(waiting, A)
    assert (waiting.origination_did, waiting.expires_at) == (A, 100)
    assert bindings.find(R, [C], 50.0) is None
    assert bindings.find(R, [A], 50.0) == Route(waiting, B, False)


def test_what_has_ended_is_not_found_also_before_it_is_taken_away() -> None:
    bindings = table(binding(origin=A, maximum_ttl=10))
    assert bindings.find(R, [A], 9.9) is not None
    assert bindings.find(R, [A], 10.0) is None
    assert bindings.find(R, [B], 10.0) is None
    assert len(bindings) == 1


def test_what_ends_is_told_once_and_in_its_order() -> None:
    first, second, third = (binding(origin=number, maximum_ttl=ttl) for number, ttl in ((A, 30), (C, 20), ("1002", -1)))
    bindings = table(first, second, third)
    ended: list[Binding] = []
    bindings.on_ended = ended.append
    assert bindings.next_due == 20
    bindings.change(second, {"maximum_ttl": 40}, 1.0)
    bindings.expire(35.0)
    assert ended == [first]
    bindings.expire(math.inf)
    assert ended == [first, second]
    assert (list(bindings), bindings.next_due) == ([third], None)


def test_a_binding_that_is_changed_for_ever_leaves_no_heap_behind() -> None:
    one = binding(origin=A)
    bindings = table(one)
    for n in range(1000):
        bindings.change(one, {"maximum_ttl": 100 + n}, 1.0)
    assert len(bindings._due) < 50
    assert bindings.find(R, [A], 1000.0) is not None


def test_the_same_caller_at_the_same_number_is_taken() -> None:
    bindings = table(binding(origin=A))
    with pytest.raises(Taken):
        bindings.add(binding(origin=A, destination=C), 1.0)
    other = binding(S, origin=A)
    bindings.add(other, 1.0)
    with pytest.raises(Taken):
        bindings.change(other, {"redirect_did": R}, 1.0)
    assert bindings.find(S, [A], 1.0) == Route(other, B, False)


def test_a_free_number_is_one_where_neither_is_led_elsewhere() -> None:
    bindings = table(binding(origin=A))
    assert bindings.free([R, S], binding("", C, A), 1.0) == S, "the caller has a binding there"
    assert bindings.free([R, S], binding("", B, C), 1.0) == S, "the destination would not know whom it replies to"
    assert bindings.free([R, S], binding("", A, C), 1.0) == S, "the destination has a binding of its own there"
    assert bindings.free([R, S], binding("", C, B), 1.0) == S, "the caller is a destination there"
    assert bindings.free([R, S], binding("", "1002", C), 1.0) == R
    assert bindings.free([R], binding("", C, A), 1.0) is None


def test_like_is_whatever_was_asked_for_in_the_same_words() -> None:
    one = binding(origin=A, attributes={"a": "1"}, dtmf="1")
    bindings = table(one)
    assert bindings.like(binding("", B, A, attributes={"a": "1"}, dtmf="1"), 1.0) is one
    assert bindings.like(binding("", B, A, attributes={"a": "2"}, dtmf="1"), 1.0) is None
    assert set(ASKED) < set(Binding.__slots__)


# ---- against a plain list


class Plain:
    """The rules, word by word, on a list: slow and obvious. The last called is the last."""

    def __init__(self) -> None:
        self.bindings: list[Binding] = []

    def find(self, redirect: str, caller: str, now: float) -> Route | None:
        there = [one for one in self.bindings if one.redirect_did == redirect and one.expires_at > now]
        for one in there:
            if one.origination_did == caller:
                return Route(one, one.destination_did, False)
        replying = [one for one in there if one.destination_did == caller]
        if replying:
            known = [one for one in replying if one.replies_to is not None]
            return Route(known[-1], known[-1].replies_to or "", True) if known else None
        return next((Route(one, one.destination_did, False) for one in there if one.origination_did is None), None)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "call", "remove", "wait")),
        st.sampled_from(REDIRECTS),
        st.sampled_from(NUMBERS),
        st.sampled_from((*NUMBERS, None)),
        st.sampled_from((-1, 5, 50)),
        st.sampled_from((None, 3)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_the_table_agrees_with_a_plain_list(steps: list[tuple[str, str, str, str | None, int, int | None]]) -> None:
    bindings, plain, now = Bindings(), Plain(), 0.0
    for what, redirect, number, origin, ttl, wait in steps:
        if what == "add":
            one = binding(redirect, number, origin, maximum_ttl=ttl, wait_origination_did_ttl=wait, created_at=now)
            taken = any(
                (old.redirect_did, old.origination_did) == (redirect, origin) and old.expires_at > now
                for old in plain.bindings
            )
            if taken:
                with pytest.raises(Taken):
                    bindings.add(one, now)
            else:
                bindings.add(one, now)
                plain.bindings.append(one)
        elif what == "wait":
            now += 2.0
        else:
            _call_or_remove(bindings, plain, what, redirect, number, now)
        plain.bindings = [one for one in plain.bindings if one.expires_at > now]
        bindings.expire(now)
        assert len(bindings) == len(plain.bindings)
        for at in REDIRECTS:
            for caller in NUMBERS:
                assert bindings.find(at, [caller], now) == plain.find(at, caller, now)
    for one in tuple(bindings):
        bindings.remove(one)
    assert [bindings._by_sid, bindings._routes, bindings._replies, bindings._alike] == [{}] * 4


def _call_or_remove(bindings: Bindings, plain: Plain, what: str, redirect: str, number: str, now: float) -> None:
    route = bindings.find(redirect, [number], now)
    if route is None:
        return
    if what == "remove":
        bindings.remove(route.binding)
        plain.bindings.remove(route.binding)
    elif not route.is_reply:
        bindings.called(route.binding, number)
        plain.bindings.remove(route.binding)
        plain.bindings.append(route.binding)
