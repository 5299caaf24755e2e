"""A whole switch with its store and its API: calls on a wire in virtual time, requests over real HTTP.

`house()` is App, Store and ApiServer put together as the program does it. Phones are those of the conference's own
tests, made of bytes; they speak tones, so who is heard can be seen.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from media import Engine, MediaSettings
from softswitch.api.context import ApiContext
from softswitch.api.events import Feed
from softswitch.api.live import Live
from softswitch.api.passwords import Passwords
from softswitch.api.serve import ApiServer, listen
from softswitch.api.tokens import Tokens
from softswitch.app import App
from softswitch.call import Call
from softswitch.call.cdr import date
from softswitch.plan import NumberPlan
from softswitch.settings import Settings
from softswitch.sip import Stack, Transport
from softswitch.store import Store
from tests.api.declared import Declared
from tests.api.http import client
from tests.endpoints.conference import prompt_book
from tests.endpoints.conference.house import BRIEF
from tests.endpoints.conference.phone import Phone
from tests.store.blank import open_blank
from tests.wire import Wire

DECLARED = Declared()

HERE, OUTSIDE = "10.0.0.1", "10.0.0.2"
NUMBER, OTHER_NUMBER = "12025550101", "12025550102"
LOGIN, PASSWORD = "conference-1", "a long password"
CODES = {"host": "111111", "participant": "222222", "listener": "333333"}
ROOM = [{"access_code": code, "role": role} for role, code in CODES.items()]
PLAN = {
    "trunk_groups": [
        {"name": "pstn", "acls": ["10.0.0.0/8"], "trunks": [{"name": "gateway", "address": OUTSIDE, "port": 5060}]}
    ],
    "endpoints": [
        {
            "name": "conference",
            "type": "conference",
            "properties": BRIEF,
            "meeting_rooms": [
                {"name": "standup", "access_codes": ROOM},
                {"name": "lobby", "access_codes": [{"access_code": "444444", "role": "participant"}]},
            ],
        },
        {"name": "other", "type": "conference", "meeting_rooms": [{"name": "elsewhere"}]},
    ],
    "dids": [
        {"phonenumber": NUMBER, "endpoint": "conference", "trunk_group": "pstn"},
        {"phonenumber": OTHER_NUMBER, "endpoint": "other", "trunk_group": "pstn", "call_flow": "direct_participant"},
    ],
}


class House:
    """`admin` carries a token that may do everything, `owner` the login of the conference, `stranger` nothing."""

    def __init__(
        self, app: App, store: Store, feed: Feed, wire: Wire, phones: Stack, api: ApiServer, token: str
    ) -> None:
        self.app, self.store, self.feed = app, store, feed
        self.wire, self.phones = wire, phones
        self.api, self.url, self.token = api, api.url, token
        # No connection that is kept: the server would close it after a while of virtual time, which does not wait for
        # sockets and threads.
        once = httpx.Limits(max_keepalive_connections=0)
        bearer = {"Authorization": f"Bearer {token}"}
        self.admin = client(self.url, headers=bearer, limits=once)
        self.owner = client(self.url, auth=(LOGIN, PASSWORD), limits=once)
        self.stranger = client(self.url, limits=once)

    def dial(self, number: str = NUMBER, *, caller: str = "13105550001", tone_hz: int = 0) -> Phone:
        phone = Phone(self.wire, self.phones, caller, tone_hz)
        phone.dial(number, self.app.sip_address)
        return phone

    async def enter(self, role: str = "participant", *, caller: str = "13105550001", tone_hz: int = 0) -> Phone:
        """Somebody who has entered his code and is in the room, talking, waiting or on hold."""
        phone = await self.dial(caller=caller, tone_hz=tone_hz).answered()
        await phone.press(f"{CODES.get(role, role)}#")
        await self.reached(self.call(phone), "talking", "waiting", "on hold")
        return phone

    async def reached(self, call: Call, *states: str) -> None:
        while call.state not in states:  # noqa: ASYNC110 - the clock is virtual
            await asyncio.sleep(0.02)

    def call(self, phone: Phone) -> Call:
        calls = self.app.switch.calls.values()
        return next(call for call in calls if call.caller.session.call_id == phone.session.call_id)

    async def meeting(self) -> dict[str, Any]:
        """The one meeting there is, as GET shows it."""
        (meeting,) = (await self.owner.get("/conference/v2/meetings")).json()["items"]
        return dict(meeting)

    async def seen(self, phone: Phone) -> dict[str, Any]:
        """The call of a phone, as GET shows it."""
        return dict((await self.owner.get(f"/conference/v2/calls/{self.call(phone).sid}")).json())

    async def change(self, phone: Phone, **attributes: Any) -> httpx.Response:
        return await self.owner.patch(f"/conference/v2/calls/{self.call(phone).sid}", json=attributes)

    async def steer(self, **attributes: Any) -> httpx.Response:
        """PATCH the one meeting there is."""
        return await self.owner.patch(
            f"/conference/v2/meetings/{(await self.meeting())['meeting_sid']}", json=attributes
        )


@asynccontextmanager
async def house(folder: Path, plan: Mapping[str, Any] = PLAN, **feed: int) -> AsyncIterator[House]:
    """`feed`: the sizes of the ring and of readers' queues, where they are not to be the usual ones."""
    prompt_book.write(folder / "prompts")
    wire = Wire(record=False)
    sip = {"addresses": [HERE], "transports": ["udp"], "options_every_s": 0}  # trunks are asked by the tests alone
    settings = Settings.model_validate({"sip": sip, "api": {"port": 0}, "data": {"directory": str(folder)}})
    store = await open_blank(folder)
    await store.apply(NumberPlan.model_validate(plan))
    engine = Engine(MediaSettings(address=HERE, prompts=(folder / "prompts",)), in_process=wire)
    app = App(settings, store.plan, engine=engine, stack=Stack(network=wire))
    store.on_plan = app.adopt
    phones = Stack(network=wire)
    await phones.listen(Transport.UDP, OUTSIDE, 5060)
    async with app:
        live = live_of(app, **feed)
        context = ApiContext(store, settings, Tokens(store), Passwords(store), live)
        token = await context.tokens.create_first()
        server = ApiServer(listen(settings.api), context)
        serving = asyncio.create_task(server.serve())
        home = House(app, store, live.feed, wire, phones, server, token or "")
        for one in (home.admin, home.owner, home.stranger):
            await DECLARED.ask(one)
        await _give_login(home)
        try:
            yield home
        finally:
            live.feed.close()
            for one in (home.admin, home.owner, home.stranger):
                await one.aclose()
            server.stop()
            await serving
    await asyncio.sleep(1)
    await phones.close()
    await store.close()


def live_of(app: App, **feed: int) -> Live:
    """The live part of the API for a switch that is put together by hand."""
    events = Feed(app.events, lambda at: date(at), **feed)
    return Live(
        app.switch,
        app.endpoints,
        app.engine,
        app.stack,
        events,
        app.carriers.health,
        plan=lambda: app.plan,
        sip_address=lambda: app.sip_address,
        watching=app.watching,
        phones=app.phones,
        alarms=app.carriers.alarms,
    )


async def _give_login(home: House) -> None:
    listed = await home.admin.get("/core/v2/endpoints", params={"filter": "name eq conference"})
    sid = listed.json()["items"][0]["endpoint_sid"]
    given = await home.admin.patch(
        f"/core/v2/endpoints/{sid}", json={"properties": {"login": LOGIN, "password": PASSWORD}}
    )
    assert given.status_code == 200, given.text
