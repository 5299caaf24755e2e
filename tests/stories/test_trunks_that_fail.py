"""Trunks that answer nothing, half, twice or garbage: the call goes on over the next one, and soon calls avoid them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.call.fork import SILENT_S, STUCK_S
from softswitch.plan import NumberPlan
from softswitch.routing import TrunkService
from softswitch.sip import Request, Response
from softswitch.sip.parser import parse
from tests.stories.test_two_parties_records import keep_records
from tests.stories.town import CARRIER, HERE, SECOND_TRUNK, Town, replaces_of, town, two_trunks

TO = "13105550177"


class Strange:
    """The far end of a trunk, made of bytes: `answers` says what it sends for a request."""

    def __init__(self, it: Town, answers: Callable[[Request], list[bytes]], host: str = CARRIER) -> None:
        self.requests: list[str] = []
        self._answers = answers
        self._socket = it.wire.datagrams(host, 5060, self._receive)

    def _receive(self, data: bytes, host: str, port: int) -> None:
        request = parse(data)
        if isinstance(request, Request):
            self.requests.append(request.method)
            for answer in self._answers(request):
                self._socket.send(answer, host, port)

    def close(self) -> None:
        self._socket.close()


def nothing(_: Request) -> list[bytes]:
    return []


def half(request: Request) -> list[bytes]:
    return [Response.for_request(request, 100).encode()] if request.method == "INVITE" else []


def garbage(request: Request) -> list[bytes]:
    if request.method != "INVITE":
        return []
    whole = Response.for_request(request, 200, to_tag="x").encode()
    return [b"\x00\xff\xfe garbage \r\n\r\n", b"SIP/2.0 9999 No\r\n\r\n", whole[:40], whole.replace(b"CSeq", b"XSeq")]


def only_options(request: Request) -> list[bytes]:
    return [Response.for_request(request, 200, to_tag="x").encode()] if request.method == "OPTIONS" else []


@pytest.mark.parametrize(("answers", "after_s"), [(nothing, SILENT_S), (garbage, SILENT_S), (half, STUCK_S)])
async def test_a_trunk_that_does_not_get_anywhere_is_given_up_for_the_next_within_its_timer(
    tmp_path: Path, answers: Callable[[Request], list[bytes]], after_s: float
) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        records, clock = keep_records(it), asyncio.get_running_loop().time
        ann, second = await it.phone("1001"), await it.carrier(SECOND_TRUNK)
        strange = Strange(it, answers)
        begun = clock()
        ann.dial(TO)
        await second.rings()
        assert after_s <= clock() - begun < after_s + 0.5
        second.answer()
        await ann.answered()
        ann.hang_up()
        await second.ended()
        await asyncio.sleep(1)
        assert records[0].user_data is not None
        assert [(step["target"], step["status"]) for step in records[0].user_data["failover"]] == [
            *(("trunk pstn/first", 408), ("trunk pstn/second", 200)),
        ]
        strange.close()


async def test_where_no_trunk_says_a_word_the_caller_hears_so_by_the_timer_of_the_transaction(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, clock = await it.phone("1001"), asyncio.get_running_loop().time
        strange = Strange(it, nothing)
        begun = clock()
        ann.dial(TO)
        assert (await ann.ended()).status == 408
        assert clock() - begun < 33
        strange.close()


async def test_a_trunk_that_answers_twice_gets_one_call_and_the_other_is_hung_up(tmp_path: Path) -> None:
    def twice(request: Request) -> list[bytes]:
        if request.method != "INVITE":
            return [Response.for_request(request, 200).encode()] if request.method == "BYE" else []
        answers = []
        for tag in ("one", "two"):
            answer = Response.for_request(request, 200, to_tag=tag, body=request.body)
            answer.headers.add("Contact", f"<sip:{tag}@{CARRIER}:5060>")
            answer.headers.add("Content-Type", "application/sdp")
            answers.append(answer.encode())
        return answers

    async with town(tmp_path) as it:
        ann = await it.phone("1001")
        strange = Strange(it, twice)
        ann.dial(TO)
        await ann.answered()
        await asyncio.sleep(2)
        assert [method for method in strange.requests if method != "OPTIONS"] == ["INVITE", "ACK", "ACK", "BYE"]
        assert len(it.app.switch.calls) == 1
        ann.hang_up()
        await asyncio.sleep(1)
        assert strange.requests.count("BYE") == 2


async def test_a_trunk_that_has_failed_three_times_rests_and_calls_do_not_wait_for_it_any_more(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, second = await it.phone("1001"), await it.carrier(SECOND_TRUNK)
        strange, clock = Strange(it, only_options), asyncio.get_running_loop().time
        it.app.destinations._clock = it.app.destinations.outward.clock = clock
        for calls in range(1, 4):
            ann.dial(TO)
            await second.rings(calls)
            second.refuse(486)
            await ann.ended()
        group = it.app.plan.trunk_groups["pstn"]
        assert it.app.destinations.outward.failures.of(group, group.trunks[0]).state is TrunkService.RESTING
        assert [one.alarm.subject for one in it.app.carriers.alarms.latest()] == ["trunk pstn/first"]
        invites, begun = strange.requests.count("INVITE"), clock()
        ann.dial(TO)
        await second.rings(4)
        assert clock() - begun < 1
        assert strange.requests.count("INVITE") == invites
        second.refuse(486)
        await ann.ended()
        await asyncio.sleep(group.hard_failure_cooldown)
        strange.close()
        first = await it.carrier()
        ann.dial(TO)
        await first.rings()
        first.refuse(486)
        await ann.ended()
        assert it.app.destinations.outward.failures.of(group, group.trunks[0]).state is TrunkService.IN_SERVICE


async def test_a_trunk_that_does_not_answer_options_is_passed_over_until_it_does(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, second = await it.phone("1001"), await it.carrier(SECOND_TRUNK)
        strange = Strange(it, nothing)
        for _ in range(3):
            await it.app.carriers.health.ask_all()
        ann.dial(TO)
        await second.rings()
        assert "INVITE" not in strange.requests
        second.refuse(486)
        await ann.ended()
        strange.close()
        first = await it.carrier()
        await it.app.carriers.health.ask_all()
        ann.dial(TO)
        await first.rings()
        first.refuse(486)


async def test_a_callee_who_rings_and_does_not_answer_is_not_rung_again_over_the_next_trunk(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        ann, first, second = await it.phone("1001"), await it.carrier(), await it.carrier(SECOND_TRUNK)
        ann.dial(TO)
        await first.rings()
        first.ring()
        assert (await ann.ended()).status == 480
        assert not second.sessions


async def test_a_call_to_a_forbidden_number_reaches_no_trunk_and_raises_an_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        ann.dial("19005550123")
        ended = await ann.ended()
        assert (ended.status, ended.reason) == (403, "Destination not allowed")
        assert not carrier.sessions
        (kept,) = it.app.carriers.alarms.latest()
        assert (kept.alarm.kind, kept.alarm.subject, kept.alarm.number) == ("destination", "user 1001", "19005550123")
        assert it.app.switch.refused["toll_guard_destination"] == 1


async def test_a_302_is_followed_where_the_trunk_may_forward(tmp_path: Path) -> None:
    async with town(tmp_path, groups=two_trunks(allow_forward="direct_uri")) as it:
        ann, first, second = await it.phone("1001"), await it.carrier(), await it.carrier(SECOND_TRUNK)
        ann.dial(TO)
        await first.rings()
        first.refuse(302, headers=(("Contact", f"<sip:13105550999@{SECOND_TRUNK}>"),))
        session = await second.picks_up()
        assert session.request.uri.username == "13105550999"
        await ann.answered()


async def test_a_302_is_followed_over_the_trunk_that_the_call_itself_has_filled(tmp_path: Path) -> None:
    trunk = {"name": "carrier", "address": CARRIER, "out_capacity": 1, "allow_forward": "direct"}
    async with town(tmp_path, groups=[{"name": "pstn", "trunks": [trunk]}]) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        ann.dial(TO)
        await carrier.rings()
        carrier.refuse(302, headers=(("Contact", f"<sip:13105550999@{CARRIER}>"),))
        await carrier.rings(2)
        carrier.answer()
        await ann.answered()


async def test_a_caller_who_hides_is_anonymous_to_the_callee_and_known_to_the_carrier(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        ann, carrier = await it.phone("1001"), await it.carrier()
        ann.dial(TO, headers=(("Privacy", "id"),))
        session = await carrier.picks_up()
        assert str(session.request.from_.uri) == "sip:anonymous@anonymous.invalid"
        assert "12025550111" in (session.request.headers.get("P-Asserted-Identity") or "")
        assert session.request.headers.get("Privacy") == "id"
        await ann.answered()


def two_minutes_a_day(it: Town) -> Callable[[], float]:
    """Nobody has money for more; the clock that says so."""
    rules = {"name": "r", "spend_per_day": 1.0, "rate_deck": "retail"}
    deck = {"name": "retail", "rates": {"1": 0.5}}
    made = NumberPlan.model_validate({"rate_decks": [deck], "calling_rules": [rules]})
    it.app.adopt(it.app.plan.with_parts(rate_decks=made.rate_decks, calling_rules=made.calling_rules))
    clock = asyncio.get_running_loop().time
    outward = it.app.destinations.outward
    it.app.destinations._clock = outward.clock = outward.guard._clock = clock
    return clock


async def test_a_call_ends_when_the_money_of_the_day_is_gone(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        clock = two_minutes_a_day(it)
        records = keep_records(it)
        ann, carrier = await it.phone("1001"), await it.carrier()
        ann.dial(TO)
        await carrier.picks_up()
        await ann.answered()
        begun = clock()
        await asyncio.sleep(110)
        assert carrier.session.has_ended is False
        await carrier.ended()
        assert 120 <= clock() - begun <= 126
        ann.dial(TO)
        assert (await ann.ended()).reason == "Spending limit reached"
        assert (records[0].rate, records[0].rate_lcr_dst) == (0.5, None)
        assert records[0].price == 0.5 * records[0].duration_billing / 60


async def test_a_leg_that_a_transfer_has_brought_ends_when_the_money_of_the_day_is_gone(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        clock = two_minutes_a_day(it)
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        ann.dial("1002")
        await bob.picks_up()
        await ann.answered()
        bob.refer(f"<sip:{TO}@{HERE}>")
        await carrier.picks_up()
        begun = clock()
        await asyncio.sleep(60)
        await carrier.ended()
        assert 120 <= clock() - begun <= 126
        await ann.ended()
        assert not it.app.switch.calls


async def test_a_leg_that_another_call_has_taken_ends_when_the_money_of_the_day_is_gone(tmp_path: Path) -> None:
    async with town(tmp_path) as it:
        clock = two_minutes_a_day(it)
        ann, bob, carrier = await it.phone("1001"), await it.phone("1002"), await it.carrier()
        ann.dial(TO)
        await carrier.picks_up()
        begun = clock()
        await ann.answered()
        await asyncio.sleep(1)
        replaces = replaces_of(ann.session)
        bob.dial(TO, headers=[("Replaces", replaces)])
        await bob.answered()
        await ann.ended()
        await asyncio.sleep(60)
        await carrier.ended()
        assert 120 <= clock() - begun <= 126
        await bob.ended()
        assert not it.app.switch.calls


async def test_a_call_is_charged_to_its_end_though_the_trunk_that_was_given_up_for_it_ends_before(
    tmp_path: Path,
) -> None:
    async with town(tmp_path, groups=two_trunks()) as it:
        clock, guard = two_minutes_a_day(it), it.app.destinations.outward.guard
        ann, second = await it.phone("1001"), await it.carrier(SECOND_TRUNK)
        strange = Strange(it, nothing)
        ann.dial(TO)
        await second.picks_up()
        begun = clock()
        await ann.answered()
        await asyncio.sleep(50)  # the INVITE to the first trunk has timed out meanwhile
        assert guard.calls_up == 1
        await second.ended()
        assert 120 <= clock() - begun <= 126
        await asyncio.sleep(1)
        assert [spending.price for spending in guard.spendings()] == [1.5]  # two minutes, and the one that was begun
        assert guard.calls_up == 0
        strange.close()
