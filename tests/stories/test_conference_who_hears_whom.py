"""A conference as its callers hear it: everybody speaks a tone of his own, and each is asked which tones he hears."""

import asyncio
from pathlib import Path

from softswitch.endpoints.conference import MuteMode
from tests.endpoints.conference.house import BRIEF, House, house
from tests.endpoints.conference.phone import Phone

DID = {"properties": {**BRIEF, "conference_prompts_enabled": "off"}}
TONES = {"host": 1740, "anna": 2000, "ben": 2300, "listener": 2600, "late": 2900}
CODES = {"host": "111111", "anna": "222222", "ben": "222222", "listener": "333333", "late": "222222"}


async def enter(home: House, *names: str) -> dict[str, Phone]:
    return {name: await home.enter(CODES[name], TONES[name]) for name in names}


async def heard_by(callers: dict[str, Phone]) -> dict[str, set[str]]:
    """Whom each caller hears, after half a second for everything to settle."""
    await asyncio.sleep(1.2)
    return {
        name: {other for other in callers if caller.hears(TONES[other])}
        for name, caller in callers.items()
        if caller.end is None
    }


async def test_all_hear_all_but_themselves_and_nobody_hears_a_listener(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        callers = await enter(home, "host", "anna", "ben", "listener")
        assert await heard_by(callers) == {
            "host": {"anna", "ben"},
            "anna": {"host", "ben"},
            "ben": {"host", "anna"},
            "listener": {"host", "anna", "ben"},
        }


async def test_the_muted_hear_and_are_not_heard(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        callers = await enter(home, "host", "anna", "ben")
        await callers["anna"].press("*6")
        assert await heard_by(callers) == {"host": {"ben"}, "anna": {"host", "ben"}, "ben": {"host"}}


async def test_a_mode_that_mutes_all_leaves_the_host_to_speak(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        callers = await enter(home, "host", "anna", "ben", "listener")
        home.meeting.set_mute_mode(MuteMode.TRUE)
        heard = await heard_by(callers)
        assert heard == {"host": set(), "anna": {"host"}, "ben": {"host"}, "listener": {"host"}}
        anna = home.meeting.attendees[home.call(callers["anna"]).id]
        home.meeting.mute(anna, False)
        assert (await heard_by(callers))["ben"] == {"host", "anna"}


async def test_hold_separates_hosts_from_all_others_and_brings_them_back(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        callers = await enter(home, "host", "anna", "ben", "listener")
        home.meeting.set_on_hold("pl")
        assert await heard_by(callers) == {"host": set(), "anna": set(), "ben": set(), "listener": set()}
        home.meeting.set_on_hold("l")
        assert await heard_by(callers) == {
            "host": {"anna", "ben"},
            "anna": {"host", "ben"},
            "ben": {"host", "anna"},
            "listener": set(),
        }


async def test_those_on_hold_share_one_player_of_music(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        callers = await enter(home, "host", "anna", "ben")
        home.meeting.set_on_hold("p")
        for name in ("anna", "ben"):
            callers[name].forget()
        await asyncio.sleep(1.0)
        assert callers["anna"].prompts() == callers["ben"].prompts() == ["music/hold"]
        rooms = {home.call(callers[name]).caller.stream.room for name in ("anna", "ben")}
        (aside,) = rooms
        assert aside is not None
        assert len(aside.players) == 1


async def test_who_leaves_is_no_longer_heard_and_who_comes_is(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        callers = await enter(home, "host", "anna")
        callers["anna"].hang_up()
        callers |= await enter(home, "late")
        assert await heard_by(callers) == {"host": {"late"}, "late": {"host"}}


async def test_two_rooms_do_not_hear_each_other(tmp_path: Path) -> None:
    async with house(tmp_path, account={"call_flow": "open"}, did=DID) as home:
        callers = await enter(home, "host", "anna")
        elsewhere = await home.enter("4711", TONES["ben"])
        callers["ben"] = elsewhere
        assert await heard_by(callers) == {"host": {"anna"}, "anna": {"host"}, "ben": set()}


async def test_a_phone_on_hold_hears_nothing_and_its_hold_music_is_not_heard(tmp_path: Path) -> None:
    async with house(tmp_path, did=DID) as home:
        callers = await enter(home, "host", "anna")
        anna = callers["anna"]
        anna.session.reoffer(anna.sdp("sendonly"))
        await asyncio.sleep(0.5)
        assert b"a=recvonly" in anna.answer
        anna.forget()
        assert await heard_by(callers) == {"host": set(), "anna": set()}
        anna.session.reoffer(anna.sdp())
        assert await heard_by(callers) == {"host": {"anna"}, "anna": {"host"}}
