"""`/conference/v2/calls`: what can be done to people who are on the phone, and calling others."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from softswitch.sip import Answered, Ended, Session, SessionEvent
from softswitch.sip.digest import Challenger, Verdict
from tests.api.live.house import OTHER_NUMBER, OUTSIDE, PLAN, House, house
from tests.endpoints.conference import prompt_book
from tests.endpoints.conference.phone import HZ, TONE_LEVEL, Phone

CALLS = "/conference/v2/calls"
NOBODY = "0b6f2a7e-6b0e-4e0c-9a39-5a4f0c6f1c55"


class Called:
    """The second stack, which answers calls that the switch places: a phone of bytes for each."""

    def __init__(self, home: House) -> None:
        self.home = home
        self.sessions: list[Session] = []
        self.events: list[SessionEvent] = []
        self.status = 200
        self.rings_s = 0.5
        self.tone_hz = 0
        self.phone: Phone | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        home.phones.on_invite = self.take

    def take(self, session: Session) -> None:
        self.sessions.append(session)
        session.on_event = self.events.append
        task = asyncio.create_task(self._answer(session))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, session: Session) -> None:
        session.ring(180)
        await asyncio.sleep(self.rings_s)
        if any(isinstance(event, Ended) for event in self.events):
            return
        if self.status >= 300:
            session.reject(self.status)
            return
        self.phone = phone = Phone(self.home.wire, self.home.phones, "13105550188", self.tone_hz)
        phone.session = session
        session.answer(phone.sdp())
        offer = session.remote_offer
        assert offer is not None
        phone._connect(offer)
        session.on_event = self.heard

    def heard(self, event: SessionEvent) -> None:
        self.events.append(event)
        if isinstance(event, Ended) and self.phone is not None:
            self.phone._on_event(event)

    @property
    def end(self) -> Ended | None:
        return next((event for event in self.events if isinstance(event, Ended)), None)


@pytest.fixture
async def called(home: House) -> Called:
    return Called(home)


async def dial(home: House, **body: object) -> dict[str, object]:
    meeting = await home.meeting()
    made = await home.owner.post(
        CALLS, json={"number_dst": "13105550188", "meeting_sid": meeting["meeting_sid"], **body}
    )
    assert made.status_code == 200, made.text
    return dict(made.json())


async def until_state(home: House, sid: object, state: str) -> dict[str, object]:
    while True:
        seen = await home.owner.get(f"{CALLS}/{sid}")
        if seen.json().get("state") == state:
            return dict(seen.json())
        assert seen.status_code == 200, seen.text
        await asyncio.sleep(0.05)


async def test_a_call_shows_what_carrierx_shows(home: House) -> None:
    phone = await home.enter("participant", tone_hz=2200)
    await asyncio.sleep(1)
    seen = await home.seen(phone)
    assert seen["access_code"] == "222222"
    assert (seen["codecs"], seen["direction"], seen["role"]) == ("PCMU", "In", "participant")
    assert seen["number_dst"] == "sip:12025550101@10.0.0.1:5060"
    assert seen["number_src"] == "sip:13105550001@10.0.0.2"
    assert (seen["muted"], seen["on_hold"], seen["name"], seen["talking"]) == (False, False, "", True)
    assert seen["meeting_sid"] == (await home.meeting())["meeting_sid"]
    listed = await home.owner.get(CALLS, params={"filter": "role eq participant", "order": "date_created desc"})
    assert [item["call_sid"] for item in listed.json()["items"]] == [seen["call_sid"]]


async def test_a_caller_who_has_not_entered_his_code_has_no_meeting_and_can_be_sent_away(home: House) -> None:
    phone = await home.dial().answered()
    seen = await home.seen(phone)
    assert (seen["meeting_sid"], seen["meeting_room_sid"], seen["role"]) == (None, None, None)
    refused = await home.change(phone, muted=True)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "muted")
    assert (await home.change(phone, name="Unknown")).json()["name"] == "Unknown"
    assert (await home.owner.delete(f"{CALLS}/{seen['call_sid']}")).status_code == 204
    assert (await phone.ended()).by == "remote"


async def test_an_attendee_muted_over_rest_is_silent_for_all_others_within_100_ms(home: House) -> None:
    talker = await home.enter("participant", tone_hz=2200)
    others = [await home.enter("participant", caller=f"1310555010{n}") for n in range(2)]
    await asyncio.sleep(1)
    assert all(other.hears(2200) for other in others)
    assert (await home.change(talker, muted=True)).json()["muted"] is True
    for other in others:
        other.forget()
    await asyncio.sleep(0.5)
    for other in others:
        heard = other.heard
        assert len(heard) >= 0.4 * HZ
        after = heard[int(0.1 * HZ) :]
        windows = [prompt_book.level(after[at : at + 400], 2200) for at in range(0, len(after) - 400, 400)]
        assert max(windows) < TONE_LEVEL / 30, windows
    assert (await home.change(talker, muted=False)).json()["muted"] is False
    await asyncio.sleep(1)
    assert all(other.hears(2200) for other in others)


async def test_one_attendee_on_hold_hears_music_and_is_not_heard(home: House) -> None:
    host = await home.enter("host", tone_hz=2200)
    guest = await home.enter("participant", caller="13105550002", tone_hz=2600)
    await asyncio.sleep(1)
    assert (await home.change(guest, on_hold="true")).json()["on_hold"] is True
    await asyncio.sleep(2)
    assert not guest.hears(2200)
    assert not host.hears(2600)
    assert np.abs(guest.heard[-4000:].astype(int)).max() > 300
    await home.change(guest, on_hold=False)
    await asyncio.sleep(1)
    assert guest.hears(2200)
    assert host.hears(2600)


async def test_name_and_role_change_and_a_listener_stays_muted(home: House) -> None:
    phone = await home.enter("participant")
    changed = (await home.change(phone, name="Front desk", role="listener")).json()
    assert (changed["name"], changed["role"], changed["muted"]) == ("Front desk", "listener", True)
    refused = await home.change(phone, muted=False)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "muted")
    assert (await home.change(phone, role="host")).json()["muted"] is False
    assert (await home.meeting())["attendees"] == {"hosts": 1, "participants": 0, "listeners": 0}


async def test_a_kick_sends_bye_and_the_others_stay(home: House) -> None:
    kicked, stays = await home.enter(tone_hz=2200), await home.enter("host", caller="13105550002")
    sid = (await home.seen(kicked))["call_sid"]
    assert (await home.owner.delete(f"{CALLS}/{sid}")).status_code == 204
    end = await kicked.ended()
    assert (end.by, end.status) == ("remote", 200)
    assert (await home.owner.get(f"{CALLS}/{sid}")).status_code == 404
    assert stays.end is None


async def test_an_attendee_moves_to_another_room_and_is_heard_there_alone(home: House) -> None:
    one, other = await home.enter(tone_hz=2200), await home.enter(caller="13105550002")
    lobby = await home.enter("444444", caller="13105550003")
    rooms = {room["name"]: room for room in (await home.owner.get("/conference/v2/meeting_rooms")).json()["items"]}
    moved = await home.change(one, meeting_room_sid=rooms["lobby"]["meeting_room_sid"])
    assert moved.status_code == 200, moved.text
    await home.reached(home.call(one), "talking")
    await asyncio.sleep(1)
    assert lobby.hears(2200)
    assert not other.hears(2200)
    assert (await home.seen(one))["meeting_room_sid"] == rooms["lobby"]["meeting_room_sid"]
    back = (await home.seen(other))["meeting_sid"]
    assert (await home.change(one, meeting_sid=back)).status_code == 200
    await home.reached(home.call(one), "talking")
    await asyncio.sleep(1)
    assert other.hears(2200)
    path = [step.after for step in home.call(one).story]
    assert path.count("entering") == 3


async def test_nobody_is_moved_into_a_locked_room_or_one_of_another_conference(home: House) -> None:
    one = await home.enter()
    await home.enter("444444", caller="13105550003")
    meetings = {m["name"]: m for m in (await home.owner.get("/conference/v2/meetings")).json()["items"]}
    lobby = meetings["lobby"]["meeting_sid"]
    await home.owner.patch(f"/conference/v2/meetings/{lobby}", json={"locked": True})
    refused = await home.change(one, meeting_sid=lobby)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "meeting_sid")
    elsewhere = home.app.plan.meeting_rooms["other"]["elsewhere"].sid
    for sid in (elsewhere, NOBODY, None):
        refused = await home.change(one, meeting_room_sid=sid)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "meeting_room_sid")


async def test_who_is_called_is_in_the_meeting_when_he_answers(home: House, called: Called) -> None:
    called.tone_hz = 2600
    host = await home.enter("host", tone_hz=2200)
    made = await dial(home, name="Bob", role="listener")
    assert (made["direction"], made["name"], made["state"]) == ("Out", "Bob", "answering")
    assert made["meeting_sid"] is None
    seen = await until_state(home, made["call_sid"], "talking")
    assert (seen["role"], seen["number_dst"]) == ("listener", "sip:13105550188@10.0.0.2:5060")
    assert str(called.sessions[0].request.from_.uri).startswith("sip:12025550101@10.0.0.1")
    await home.owner.patch(f"{CALLS}/{made['call_sid']}", json={"role": "participant"})
    await asyncio.sleep(1.5)
    assert called.phone is not None
    assert called.phone.hears(2200)
    assert host.hears(2600)
    called.phone.hang_up()
    await asyncio.sleep(0.5)
    assert (await home.owner.get(f"{CALLS}/{made['call_sid']}")).status_code == 404
    assert home.app.switch.outcomes[200] == 1


@pytest.mark.parametrize("status", [486, 404, 603, 503])
async def test_a_refusal_of_who_is_called_is_the_outcome_of_the_call(home: House, called: Called, status: int) -> None:
    called.status = status
    host = await home.enter("host")
    ended = []
    home.app.switch.on_ended = ended.append
    await dial(home)
    while not ended:  # noqa: ASYNC110 - the clock is virtual
        await asyncio.sleep(0.1)
    assert (ended[0].outcome.status, ended[0].outcome.by) == (status, "DST")
    assert host.end is None
    assert home.app.engine.counters()["streams"] == 1  # the host's


async def test_a_call_that_rings_is_cancelled_when_the_meeting_ends(home: House, called: Called) -> None:
    called.rings_s = 30
    await home.enter("host")
    made = await dial(home)
    await asyncio.sleep(2)
    meeting = await home.meeting()
    await home.owner.delete(f"/conference/v2/meetings/{meeting['meeting_sid']}")
    await asyncio.sleep(3)
    assert called.end is not None
    assert called.end.status == 487
    assert not any(isinstance(event, Answered) for event in called.events)
    assert (await home.owner.get(f"{CALLS}/{made['call_sid']}")).status_code == 404


async def test_a_call_that_rings_is_cancelled_by_delete(home: House, called: Called) -> None:
    called.rings_s = 30
    await home.enter("host")
    made = await dial(home)
    await asyncio.sleep(2)
    assert (await home.owner.delete(f"{CALLS}/{made['call_sid']}")).status_code == 204
    await asyncio.sleep(1)
    assert called.end is not None
    assert called.end.status == 487
    assert home.app.engine.counters()["streams"] == 1  # the host's


async def test_a_silent_trunk_makes_the_next_one_be_tried_with_its_own_credentials(tmp_path: Path) -> None:
    silent = {"name": "silent", "address": "10.0.0.3", "priority": 0}
    ours = {"sip_username": "us", "sip_password": "pw"}
    wary = {"name": "wary", "address": OUTSIDE, "priority": 1, "out_capacity": 1, **ours}
    plan = {**PLAN, "trunk_groups": [{"name": "pstn", "acls": ["10.0.0.0/8"], "trunks": [silent, wary]}]}
    async with house(tmp_path, plan) as home:
        called = Called(home)
        challenger = Challenger("outside", b"secret")
        answer = called.take

        def challenge(session: Session) -> None:
            now = asyncio.get_running_loop().time()
            if challenger.verify(session.request, {"us": "pw"}.get, now) is Verdict.OK:
                answer(session)
            else:
                headers = [("WWW-Authenticate", value) for value in challenger.challenge(now)]
                session.reject(401, "Unauthorized", headers=headers)

        home.phones.on_invite = challenge
        await home.enter("host")
        made = await dial(home)
        await until_state(home, made["call_sid"], "talking")
        assert len(called.sessions) == 1
        trunks = (await home.admin.get("/switch/v1/trunks/health")).json()["trunks"]
        assert {trunk["trunk"]: trunk["calls_out"] for trunk in trunks} == {"silent": 0, "wary": 1}
        assert called.phone is not None
        called.phone.hang_up()
        await asyncio.sleep(1)
        trunks = (await home.admin.get("/switch/v1/trunks/health")).json()["trunks"]
        assert {trunk["calls_out"] for trunk in trunks} == {0}


async def test_a_dial_that_can_not_be_is_refused_with_the_field(home: House, called: Called) -> None:
    await home.enter("host")
    sid = (await home.meeting())["meeting_sid"]
    right = {"number_dst": "13105550188", "meeting_sid": sid}
    for body, field in (
        ({"meeting_sid": sid}, "number_dst"),
        ({**right, "number_dst": "bob"}, "number_dst"),
        ({**right, "meeting_sid": NOBODY}, "meeting_sid"),
        ({"number_dst": "13105550188"}, "meeting_sid"),
        ({**right, "number_src": OTHER_NUMBER}, "number_src"),
        ({**right, "role": "king"}, "role"),
        ({**right, "muted": True}, "muted"),
    ):
        refused = await home.owner.post(CALLS, json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text
    assert called.sessions == []


async def test_wrong_sids_are_404_and_wrong_attributes_422(home: House) -> None:
    phone = await home.enter()
    for sid in ("nothing", NOBODY):
        assert (await home.owner.get(f"{CALLS}/{sid}")).status_code == 404
        assert (await home.owner.patch(f"{CALLS}/{sid}", json={"muted": True})).status_code == 404
        assert (await home.owner.delete(f"{CALLS}/{sid}")).status_code == 404
    for body, field in (
        ({"muted": "loud"}, "muted"),
        ({"role": None}, "role"),
        ({"gain_level": 3}, "gain_level"),
        ({"name": 7}, "name"),
        ({"nmae": "x"}, "nmae"),
    ):
        refused = await home.change(phone, **body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text


async def test_the_calls_of_another_conference_do_not_exist(home: House) -> None:
    stranger = await home.dial(OTHER_NUMBER, caller="13105550009").answered()
    sid = home.call(stranger).sid
    assert (await home.owner.get(CALLS)).json()["items"] == []
    assert (await home.owner.get(f"{CALLS}/{sid}")).status_code == 404
