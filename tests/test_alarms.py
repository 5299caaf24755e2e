"""Alarms: told once, counted always, kept for who looks; what was spent outlives the program."""

from pathlib import Path

import pytest

from softswitch.alarms import KEPT, QUIET_S, AlarmRaised, Alarms, TrunkMoved
from softswitch.call import Event, Events
from softswitch.plan import NumberPlan, Plan
from softswitch.routing import Alarm, Outward, Spending, TrunkService
from softswitch.spending import SpendingKeeper, today
from softswitch.store import Store
from softswitch.store.tables.rates import spendings
from tests.store.blank import open_blank

GROUP = Plan(
    NumberPlan.model_validate({"trunk_groups": [{"name": "pstn", "trunks": [{"name": "gw", "address": "192.0.2.1"}]}]})
).trunk_groups["pstn"]


def told() -> tuple[Alarms, list[Event]]:
    events, heard = Events(), list[Event]()
    events.subscribe(heard.append)
    return Alarms(events), heard


def alarm(at: float, number: str = "19005550123", subject: str = "user 1001") -> Alarm:
    return Alarm("destination", subject, number, "calling rules default refuse prefix 1900", at)


def test_a_flood_of_refused_calls_is_one_alarm_that_says_how_often() -> None:
    alarms, heard = told()
    for at in range(50):
        alarms.on_alarm(alarm(float(at), f"1900555{at:04}"))
    assert [type(event) for event in heard] == [AlarmRaised]
    (kept,) = alarms.latest()
    assert (kept.count, kept.alarm.number, alarms.counts["destination"]) == (50, "19005550049", 50)


def test_the_same_is_told_again_after_a_while_and_another_subject_at_once() -> None:
    alarms, heard = told()
    for one in (alarm(0.0), alarm(1.0, subject="user 1002"), alarm(QUIET_S)):
        alarms.on_alarm(one)
    assert len(heard) == 3
    assert [kept.alarm.subject for kept in alarms.latest()] == ["user 1001", "user 1002"]


def test_only_the_last_alarms_are_kept() -> None:
    alarms, _ = told()
    for number in range(KEPT + 5):
        alarms.on_alarm(alarm(float(number), subject=f"user {number}"))
    assert len(alarms.latest()) == KEPT
    assert alarms.latest()[0].alarm.subject == f"user {KEPT + 4}"


def test_a_media_process_that_was_replaced_is_an_alarm() -> None:
    alarms, heard = told()
    alarms.on_media("media process 17 hung")
    alarms.on_media("media process 18 died (-9)")
    (event,) = heard
    assert isinstance(event, AlarmRaised)
    assert (event.alarm, event.subject, event.why) == ("media", "media process", "media process 17 hung")
    assert alarms.latest()[0].count == 2


def test_a_trunk_out_of_service_is_an_alarm_and_every_move_an_event() -> None:
    alarms, heard = told()
    trunk = GROUP.trunks[0]
    alarms.on_trunk(GROUP, trunk, TrunkService.IN_SERVICE, TrunkService.RESTING, "3 hard failures in 60 s", 1.0)
    alarms.on_trunk(GROUP, trunk, TrunkService.RESTING, TrunkService.PROBED, "a call tries it", 2.0)
    alarms.on_trunk(GROUP, trunk, TrunkService.PROBED, TrunkService.IN_SERVICE, "answered 200", 3.0)
    moves = [(event.before, event.after) for event in heard if isinstance(event, TrunkMoved)]
    assert moves == [("in service", "resting"), ("resting", "probed"), ("probed", "in service")]
    assert [(kept.alarm.subject, kept.alarm.why) for kept in alarms.latest()] == [
        ("trunk pstn/gw", "3 hard failures in 60 s (192.0.2.1:5060)"),
    ]


@pytest.mark.real_time
async def test_what_was_spent_today_is_there_after_a_restart_and_older_days_are_removed(tmp_path: Path) -> None:
    store = await open_blank(tmp_path)
    guard = Outward(Plan()).guard
    guard.today = today
    guard.changed = {
        (one.subject, one.day): one
        for one in (Spending("user 1001", today(), 7, 1.25), Spending("user 1001", "2001-01-01", 1, 9.0))
    }
    await SpendingKeeper(guard, store).write()
    await store.close()

    store = await Store.open("", tmp_path)
    again = Outward(Plan()).guard
    again.today = today
    keeper = SpendingKeeper(again, store)
    await keeper.load()
    assert list(again.spendings()) == [Spending("user 1001", today(), 7, 1.25)]
    await keeper.write()
    assert [row["day"] for row in await store.read_behind(spendings)] == [today()]
    await store.close()
