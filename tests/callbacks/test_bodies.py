"""What callbacks carry: the objects that the API shows, of calls and meetings of a whole switch."""

import asyncio
from pathlib import Path
from typing import Any

from softswitch.call.cdr import opened
from softswitch.call.sids import Sids
from softswitch.callbacks import Callbacks, Owners, Reports
from softswitch.endpoints.conference import Conference, Meeting
from tests.api.live.house import House, house
from tests.callbacks.test_sender import URL, Receiver, sending

OURS = {"endpoint_sid", "partner_sid"}


def reporting(home: House, callbacks: Callbacks, wanted: str) -> None:
    """Callbacks of one name go to URL."""
    loop = asyncio.get_running_loop()
    sids = Sids(home.app.plan, partner=home.store.partner_sid)
    owners = Owners(home.store.account_of, lambda sid: _meeting(home, sid), home.store.partner_sid)
    url_of = {wanted: URL}.get
    reports = Reports(callbacks, url_of, owners, clock=loop.time, wall_clock=loop.time)
    home.app.switch.on_started = lambda call: reports.on_started(call, opened(call, 0.0, sids))
    home.app.events.subscribe(reports.on_event)


def _meeting(home: House, sid: str) -> tuple[Conference, Meeting] | None:
    conference = home.app.endpoints["conference"]
    assert isinstance(conference, Conference)
    return next(((conference, meeting) for meeting in conference.every_meeting() if meeting.id == sid), None)


def same(body: dict[str, Any], shown: dict[str, Any], but_for: set[str]) -> bool:
    return {name: body[name] for name in shown.keys() - but_for} == {
        name: shown[name] for name in shown.keys() - but_for
    }


async def test_a_call_is_told_as_the_api_shows_it_when_it_comes_before_any_room(tmp_path: Path) -> None:
    receiver = Receiver()
    async with house(tmp_path) as home, sending(receiver) as callbacks:
        reporting(home, callbacks, "app_conference_call")
        phone = await home.dial().answered()
        await asyncio.sleep(1)
        shown = await home.seen(phone)
        (body,) = receiver.bodies
        assert body.keys() == shown.keys() | OURS
        assert same(body, shown, {"duration", "state", "codecs", "date_created"})
        assert (body["meeting_sid"], body["role"], body["access_code"], body["direction"]) == (None, None, "", "In")
        (account,) = (await home.owner.get("/conference/v2/accounts")).json()["items"]
        assert (body["account_sid"], body["endpoint_sid"]) == (account["account_sid"], account["endpoint_sid"])
        assert body["partner_sid"] == home.store.partner_sid


async def test_a_meeting_is_told_as_the_api_shows_it_when_it_starts_and_when_it_has_ended(tmp_path: Path) -> None:
    receiver = Receiver()
    async with house(tmp_path) as home, sending(receiver) as callbacks:
        reporting(home, callbacks, "app_conference_meeting")
        await home.enter("host")
        await asyncio.sleep(1)
        shown = await home.meeting()
        (body,) = receiver.bodies
        assert body.keys() == shown.keys() | OURS | {"reason"}
        assert same(body, shown, {"duration", "attendees", "date_created"})
        assert await home.owner.delete(f"/conference/v2/meetings/{shown['meeting_sid']}")
        await asyncio.sleep(30)
        _, ended = receiver.bodies
        assert (ended["meeting_sid"], ended["state"], ended["meeting_room_sid"]) == (
            shown["meeting_sid"],
            "ended",
            shown["meeting_room_sid"],
        )


async def test_whom_we_call_is_no_caller(tmp_path: Path) -> None:
    receiver = Receiver()
    async with house(tmp_path) as home, sending(receiver) as callbacks:
        await home.enter("host")
        reporting(home, callbacks, "app_conference_call")
        dial = {"number_dst": "13105550188", "meeting_sid": (await home.meeting())["meeting_sid"]}
        assert (await home.owner.post("/conference/v2/calls", json=dial)).status_code == 200
        await asyncio.sleep(1)
        assert receiver.bodies == []
