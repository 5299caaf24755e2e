"""A town in virtual time: a whole switch, phones that register and call, and a carrier, all on one in-memory wire.

A phone is a SIP stack of its own with plain RTP: it speaks a tone, and by the spectrum of what it hears we know whom it
hears. Whoever is called waits for `rings`, then says `answer` or `refuse`.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile

from media import Engine
from media.codecs.g711 import DECODE_A, DECODE_U, ENCODE_A, ENCODE_U
from softswitch.app import App, media_settings, stack_settings
from softswitch.configfile import validated
from softswitch.plan import NumberPlan, Plan
from softswitch.settings import Settings
from softswitch.sip import (
    Address,
    Answered,
    Credentials,
    Ended,
    InfoReceived,
    Offered,
    Provisional,
    Reanswered,
    Request,
    Response,
    Session,
    SessionEvent,
    Stack,
    StackSettings,
    Transport,
    Uri,
)
from softswitch.sip.digest import Challenger
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from tests.endpoints.conference.prompt_book import level
from tests.wire import Datagrams, Packet, Receive, Unreachable, Wire

HERE = "127.0.0.1"
CARRIER = "127.0.0.50"
HZ = 8000
FRAME = 160
LOUDNESS = 0.3
MUSIC_HZ, RINGBACK_HZ = 1900, 440
PATIENCE_S = 120.0
LAWS = {0: (ENCODE_U, DECODE_U), 8: (ENCODE_A, DECODE_A)}
NAMES = {0: "PCMU", 8: "PCMA"}
EVENTS = "0123456789*#ABCD"
TELEPHONE_EVENT = 101

USERS = [
    {"username": "1001", "password": "secret-1001", "name": "Ann", "phonenumber": "12025550111"},
    {"username": "1002", "password": "secret-1002", "name": "Bob", "phonenumber": "12025550112"},
    {"username": "1003", "password": "secret-1003", "name": "Cid"},
]
PSTN = {
    "name": "pstn",
    "acls": [f"{CARRIER}/32"],
    "trunks": [{"name": "carrier", "address": CARRIER, "port": 5060}],
}
DIDS = [{"phonenumber": "12025550112", "user": "1002"}]
ROOM = {"name": "room", "properties": {"conference_quiet_enabled": "on"}}
CONFERENCE = {"name": "conference", "type": "conference", "call_flow": "direct_host", "meeting_rooms": [ROOM]}

SECOND_TRUNK = "127.0.0.51"


def two_trunks(**more: Any) -> list[dict[str, Any]]:
    """The carrier, and where he fails a second one."""
    trunks = [
        {"name": "first", "address": CARRIER, "port": 5060, **more},
        {"name": "second", "address": SECOND_TRUNK, "port": 5060, "priority": 1, **more},
    ]
    return [{"name": "pstn", "acls": [f"{CARRIER}/32", f"{SECOND_TRUNK}/32"], "trunks": trunks}]


E = TypeVar("E", bound=SessionEvent)


class Phone:
    """One telephone, or one line of a carrier: at most one call at a time in `session`, all of them in `sessions`."""

    _ports = count(20000, 2)

    def __init__(self, town: "Town", name: str, host: str, tone_hz: int, *, law: int = 0, port: int = 5060) -> None:
        self.town, self.name, self.host, self.port, self.tone_hz = town, name, host, port, tone_hz
        self.law = law
        self.laws = [law]
        self.events: list[SessionEvent] = []
        self.requests: list[Request] = []
        self.sessions: list[Session] = []
        self.keys: list[str] = []
        self.speaks = True
        self.takes_events = True
        self.is_speaking_for_another = False
        self.password = ""
        self.by = ""
        """The parameter of its URIs, where it speaks TCP."""
        self.notified: list[str] = []
        """What NOTIFYs have said of a transfer."""
        self.stack = Stack(StackSettings(user_agent="phone"), network=_Attentive(town.wire, self.notified))
        self.stack.on_invite, self.stack.on_request = self._on_invite, self._on_request
        self._rtp = town.wire.datagrams(host, next(self._ports), self._receive)
        self._remote: tuple[str, int] | None = None
        self._heard: list[np.ndarray] = []
        self._sequence = self._timestamp = 1000
        self._talk: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.direction = "sendrecv"
        self.payload_types: list[int] = []

    async def start(self, transport: Transport = Transport.UDP) -> "Phone":
        self.by = "" if transport is Transport.UDP else f";transport={transport.lower()}"
        await self.stack.listen(transport, self.host, self.port)
        self.town.phones.append(self)
        return self

    async def close(self) -> None:
        if self._talk is not None:
            self._talk.cancel()
        self._rtp.close()
        await self.stack.close()

    # ---- registering

    async def register(self, expires_s: int = 3600, q: str = "") -> Response:
        contact = f"<sip:{self.name}@{self.host}:{self.port}{self.by}>{f';q={q}' if q else ''}"
        aor = Address(Uri.parse(f"sip:{self.user}@{HERE}"))
        return await self.stack.request(
            "REGISTER",
            Uri.parse(f"sip:{HERE}{self.by}"),
            from_=aor,
            to=aor,
            headers=[("Contact", contact), ("Expires", str(expires_s))],
            credentials=Credentials(self.user, self.password),
        )

    async def ask_for_contacts(self) -> Response:
        """REGISTER without a Contact."""
        aor = Address(Uri.parse(f"sip:{self.user}@{HERE}"))
        who = Credentials(self.user, self.password)
        return await self.stack.request("REGISTER", Uri.parse(f"sip:{HERE}"), from_=aor, to=aor, credentials=who)

    @property
    def user(self) -> str:
        return self.name.partition("-")[0]

    # ---- calling

    def dial(self, number: str, *, late_offer: bool = False, headers: Any = (), **more: Any) -> Session:
        from_ = Address(Uri.parse(f"sip:{self.user}@{self.host}"))
        return self._own(
            self.stack.invite(
                Uri.parse(f"sip:{number}@{HERE}{self.by}"),
                from_=from_,
                headers=headers,
                **{"offer": None if late_offer else self.sdp(), **more},
                credentials=Credentials(self.user, self.password) if self.password else None,
                on_event=self._on_event,
            )
        )

    @property
    def session(self) -> Session:
        return self.sessions[-1]

    def _own(self, session: Session) -> Session:
        self.sessions.append(session)
        self.events.clear()
        return session

    async def seen(self, kind: type[E], condition: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of a kind in the present call; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and condition(event):
                        return event
                await self._change()

    async def ringing(self, status: int = 180) -> Provisional:
        return await self.seen(Provisional, lambda event: event.status == status)

    async def answered(self) -> Answered:
        return await self.seen(Answered)

    async def ended(self) -> Ended:
        return await self.seen(Ended)

    # ---- being called

    async def rings(self, calls: int = 1) -> Session:
        """Waits for the first call, or a later one."""
        async with asyncio.timeout(PATIENCE_S):
            while len([each for each in self.sessions if each.direction == "in"]) < calls:
                await self._change()
        return self.session

    def ring(self, status: int = 180, *, early_media: bool = False) -> None:
        self.session.ring(status, sdp=self._answer() if early_media else None)

    def answer(self, headers: Any = ()) -> None:
        self.session.answer(self._answer(), headers=headers)

    async def picks_up(self) -> Session:
        session = await self.rings()
        self.ring()
        await asyncio.sleep(1)
        self.answer()
        return session

    def refuse(self, status: int, reason: str = "", headers: Any = ()) -> None:
        self.session.reject(status, reason, headers=headers)

    def joins(self, offer: bytes) -> None:
        """Speaks to where an offer says, as somebody in whose name another answers."""
        self.is_speaking_for_another = True
        self._connect(offer)

    def challenge(self) -> None:
        """407: whoever calls has to prove who he is."""
        (challenge,) = Challenger("carrier", b"secret", ("MD5",)).challenge(asyncio.get_running_loop().time())
        self.refuse(407, headers=(("Proxy-Authenticate", challenge),))

    def hang_up(self) -> None:
        self.session.hang_up()

    def _answer(self) -> bytes:
        if self.session.remote_offer is not None:
            self._connect(self.session.remote_offer)
        return self.sdp()

    # ---- within the call

    def hold(self, direction: str = "sendonly") -> None:
        self.direction = direction
        self.session.reoffer(self.sdp())

    def resume(self) -> None:
        self.hold("sendrecv")

    def move_audio(self, host: str) -> None:
        """A re-INVITE from another address for RTP."""
        self._rtp.close()
        self._rtp = self.town.wire.datagrams(host, next(self._ports), self._receive)
        self.session.reoffer(self.sdp())

    def refer(self, to: str, headers: Any = ()) -> None:
        """REFER in the dialog of the present call."""
        dialog = self.session.dialog
        assert dialog is not None
        request = dialog.request("REFER")
        request.headers.add("Contact", self.session.contact)
        request.headers.add("Refer-To", to)
        for name, value in headers:
            request.headers.add(name, value)
        self.session.send(request)
        self.session.flush(self.session)

    def bring_together(self, first: Session, second: Session, number: str) -> None:
        """An attended transfer: who talks in the first of our calls is to talk with `number`, who is in the second."""
        self.sessions.append(first)
        self.refer(f"<sip:{number}@{HERE}?Replaces={self.dialog_of(second)}>")

    def dialog_of(self, session: Session) -> str:
        """A Replaces value for this dialog, as the switch sees it, escaped for a URI."""
        return replaces_of(session).replace(";", "%3B").replace("=", "%3D")

    async def press(self, keys: str) -> None:
        """Telephone-events (RFC 4733)."""
        for key in keys:
            for end, duration in ((0, 160), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480)):
                event = struct.pack("!BBH", EVENTS.index(key), end | 10, duration)
                self._send(TELEPHONE_EVENT, event, marker=duration == 160)
                await asyncio.sleep(0.02)
            self._timestamp += FRAME * 5
            await asyncio.sleep(0.2)

    def sdp(self) -> bytes:
        host, port = self._rtp.address
        types = " ".join(map(str, self.laws)) + (f" {TELEPHONE_EVENT}" if self.takes_events else "")
        maps = "".join(f"a=rtpmap:{law} {NAMES[law]}/8000\r\n" for law in self.laws)
        if self.takes_events:
            maps += f"a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000\r\na=fmtp:{TELEPHONE_EVENT} 0-16\r\n"
        return (
            f"v=0\r\no=- 1 {len(self.events)} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {types}\r\n{maps}a={self.direction}\r\n"
        ).encode()

    # ---- what is heard

    def forget(self) -> None:
        self._heard.clear()
        self.payload_types.clear()

    def has_heard(self, *tones_hz: int) -> bool:
        """Whether these tones were there together at any time."""
        heard = np.concatenate(self._heard) if self._heard else np.zeros(0, np.int16)
        windows = [heard[start : start + 400] for start in range(0, len(heard), 400)]
        return any(all(level(window, tone) > LOUDNESS / 10 for tone in tones_hz) for window in windows)

    def hears(self, tone_hz: int, seconds: float = 0.5) -> bool:
        """Whether the last `seconds` held this tone."""
        heard = np.concatenate(self._heard) if self._heard else np.zeros(0, np.int16)
        last = heard[-int(seconds * HZ) :]
        return len(last) > 0 and level(last, tone_hz) > LOUDNESS / 10

    # ---- underneath

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _on_invite(self, session: Session) -> None:
        self._own(session)
        session.on_event = self._on_event
        self._changed.set()

    def _on_request(self, request: Request, peer: Peer) -> Response | None:
        self.requests.append(request)
        self._changed.set()
        return self.stack.answer_options(request, peer)

    def _on_event(self, event: SessionEvent) -> None:
        self.events.append(event)
        match event:
            case Provisional() | Reanswered() if event.sdp is not None:
                self._connect(event.sdp)
            case Answered() if event.sdp is not None:
                self._connect(event.sdp)
                if self.session.open_offer is not None:
                    self.session.accept(self.sdp())
            case Offered():
                if event.sdp is not None:
                    self._connect(event.sdp)
                self.session.accept(self.sdp())
            case InfoReceived():
                self.keys.append(event.body.decode().partition("Signal=")[2][:1])
            case _:
                pass
        self._changed.set()

    def _connect(self, sdp: bytes) -> None:
        lines = sdp.decode().split("\r\n")
        host = next(line.split()[-1] for line in lines if line.startswith("c="))
        media = next(line.split() for line in lines if line.startswith("m=audio"))
        self._remote = (host, int(media[1]))
        self.law = next((law for law in map(int, media[3:]) if law in self.laws), self.law)
        if self._talk is None:
            self._talk = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        phase = 0
        while True:
            is_up = self.is_speaking_for_another or any(not session.has_ended for session in self.sessions)
            loud = self.speaks and is_up
            at = (phase + np.arange(FRAME)) / HZ
            frame = (32767 * LOUDNESS * loud * np.sin(2 * np.pi * self.tone_hz * at)).astype(np.int16)
            if loud and self.direction in ("sendrecv", "sendonly"):
                self._send(self.law, LAWS[self.law][0][frame.view(np.uint16)].tobytes())
            self._timestamp += FRAME
            phase += FRAME
            await asyncio.sleep(0.02)

    def _send(self, payload_type: int, payload: bytes, *, marker: bool = False) -> None:
        if self._remote is not None:
            self._sequence += 1
            kind = payload_type | (0x80 if marker else 0)
            header = struct.pack("!BBHII", 0x80, kind, self._sequence & 0xFFFF, self._timestamp, id(self) & 0xFFFFFFFF)
            self._rtp.send(header + payload, *self._remote)

    def _receive(self, data: bytes, _host: str, _port: int) -> None:
        payload_type = data[1] & 0x7F
        self.payload_types.append(payload_type)
        if payload_type in LAWS:
            self._heard.append(LAWS[payload_type][1][np.frombuffer(data, np.uint8, offset=12)])
        elif payload_type == TELEPHONE_EVENT and data[13] & 0x80:
            stamp = data[4:8].hex()
            if self.keys[-1:] != [f"{EVENTS[data[12]]} {stamp}"]:
                self.keys.append(f"{EVENTS[data[12]]} {stamp}")

    @property
    def pressed(self) -> str:
        """The keys that came, by RTP or INFO."""
        return "".join(key[:1] for key in self.keys)


class _Attentive:
    """The wire of a phone that has sent REFER: NOTIFYs are answered here, a stack that never refers knows none."""

    def __init__(self, wire: Wire, notified: list[str]) -> None:
        self._wire, self._notified = wire, notified

    async def open_datagrams(self, host: str, port: int, receive: Receive, unreachable: Unreachable) -> Datagrams:
        def hear(data: bytes, from_host: str, from_port: int) -> None:
            if not data.startswith(b"NOTIFY"):
                receive(data, from_host, from_port)
                return
            notify = parse(data)
            assert isinstance(notify, Request)
            self._notified.append(notify.body.decode().strip())
            socket.send(Response.for_request(notify, 200).encode(), from_host, from_port)

        socket = await self._wire.open_datagrams(host, port, hear, unreachable)
        return socket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wire, name)


class Town:
    """The switch, the wire, and everybody in it."""

    def __init__(self, wire: Wire, app: App) -> None:
        self.wire, self.app = wire, app
        self.phones: list[Phone] = []
        self._hosts = count(2)
        self._tones = count(310, 130)

    async def phone(
        self, name: str, *, registers: bool = True, law: int = 0, q: str = "", by: Transport = Transport.UDP
    ) -> Phone:
        """A phone of a user; a second one of his is called "1002-desk"."""
        phone = Phone(self, name, f"127.0.0.{next(self._hosts)}", next(self._tones), law=law)
        await phone.start(by)
        phone.password = f"secret-{phone.user}"
        if registers:
            assert (await phone.register(q=q)).status == 200
        return phone

    async def carrier(self, host: str = CARRIER, name: str = "13105550199") -> Phone:
        """The far end of a trunk."""
        return await Phone(self, name, host, next(self._tones)).start()

    def messages(self, host: str, starts_with: str = "") -> list[str]:
        """What was sent to a host by SIP, in order."""
        sent = (packet.data for packet in self.wire.packets if packet.destination[0] == host and _is_sip(packet))
        return [text for data in sent if (text := data.decode("utf-8", "replace")).startswith(starts_with)]

    def flow(self, phone: Phone, since: int = 0) -> list[str]:
        """What went between a phone and the switch: "> INVITE" from the phone, "< 180" to it.

        Repeats are left out, and 100, which only comes where nothing else does in 200 ms."""
        lines: list[str] = []
        seen: set[bytes] = set()
        for packet in self.wire.packets[since:]:
            is_from, is_to = packet.source == (phone.host, phone.port), packet.destination == (phone.host, phone.port)
            if (is_from or is_to) and _is_sip(packet) and packet.data not in seen:
                seen.add(packet.data)
                words = packet.data.split(b"\r\n", 1)[0].decode().split(" ")
                what = words[1] if words[0] == "SIP/2.0" else words[0]
                if what == "100":
                    continue
                lines.append(f"{'>' if is_from else '<'} {what}")
        return lines

    @property
    def now(self) -> int:
        """How many packets there were so far, for `flow`."""
        return len(self.wire.packets)

    @property
    def story(self) -> list[str]:
        """The states of the one call that is up."""
        (call,) = self.app.switch.calls.values()
        return [step.after for step in call.story]


@asynccontextmanager
async def town(
    folder: Path,
    *,
    users: list[dict[str, Any]] | None = None,
    groups: list[dict[str, Any]] | None = None,
    dids: list[dict[str, Any]] | None = None,
    endpoints: list[dict[str, Any]] | None = None,
    wire: Wire | None = None,
    tables: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Town]:
    """A switch with three users, a trunk to a carrier, a DID of user 1002, and a conference; `tables`: what else the
    number plan has."""
    wire = wire or Wire(record=True, delay_s=0.005)
    _write_music(folder / "prompts")
    table = {
        "users": [{**user, **(users or [{}] * 9)[place]} for place, user in enumerate(USERS)],
        "trunk_groups": [PSTN] if groups is None else groups,
        "dids": DIDS if dids is None else dids,
        "endpoints": [CONFERENCE, *(endpoints or [])],
        **(tables or {}),
    }
    plan = Plan(validated(NumberPlan, table, "numbers.toml"))
    of_media = {"prompts": [str(folder / "prompts")], **settings.pop("media", {})}
    of_registrar = {"qualify_s": 0, **settings.pop("registrar", {})}  # its clock is the real one
    chosen = Settings.model_validate(
        {
            "data": {"directory": str(folder)},
            "sip": settings.pop("sip", {"transports": ["udp"], "options_every_s": 0}),
            "media": of_media,
            "registrar": of_registrar,
            **settings,
        }
    )
    engine = Engine(media_settings(chosen), in_process=wire)
    app = App(chosen, plan, engine=engine, stack=Stack(stack_settings(chosen), network=wire))
    tasks_before = asyncio.all_tasks()
    async with app:
        it = Town(wire, app)
        try:
            yield it
        finally:
            for phone in it.phones:
                for session in phone.sessions:
                    session.hang_up()
            wire.sends_icmp, wire.refuses = True, lambda _: False  # those that are asked whether they live say so
            await asyncio.sleep(70)  # every transaction has ended
            assert app.switch.calls == {}
            assert app.switch.bugs == 0
            assert app.stack.drops["our_bug"] == 0
            left = app.stack.counts()
            assert left == dict.fromkeys(left, 0), left
            assert engine.counters()["streams"] == engine.counters()["rooms"] == 0
            assert app.switch.gates_in_use() == {}
            assert app.switch.outward.guard.calls_up == 0
            for phone in it.phones:
                await phone.close()
    await asyncio.sleep(0)
    ghosts = {task for task in asyncio.all_tasks() - tasks_before if not task.done() and not task.cancelling()}
    assert not ghosts, ghosts


async def calling(one: Phone, other: Phone) -> tuple[Session, Session]:
    """The sessions of a call from one phone to the other, which rings."""
    ours = one.dial(other.user)
    theirs = await other.rings()
    other.ring()
    await one.ringing()
    return ours, theirs


async def talking(it: Town, one: Phone, other: Phone, number: str = "") -> tuple[Session, Session]:
    """The sessions of a call from one phone to the other, answered."""
    ours = one.dial(number or other.user)
    theirs = await other.picks_up()
    await one.answered()
    await asyncio.sleep(1)
    return ours, theirs


async def two_talking_and_a_third(it: Town) -> tuple[Phone, Phone, Phone]:
    """The phones of 1001, who has called 1002, and of 1003."""
    ann, bob, cid = [await it.phone(name) for name in ("1001", "1002", "1003")]
    await talking(it, ann, bob)
    return ann, bob, cid


def replaces_of(session: Session) -> str:
    """What Replaces says of this dialog of a phone, as the switch sees it (RFC 3891 §3)."""
    dialog = session.dialog or next(iter(session.early.values()))
    return f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"


def hear_each_other(one: Phone, other: Phone) -> bool:
    return one.hears(other.tone_hz) and other.hears(one.tone_hz)


def _is_sip(packet: Packet) -> bool:
    return packet.data[:1].isalpha() and b"SIP/2.0" in packet.data


def _write_music(folder: Path) -> None:
    (folder / "music").mkdir(parents=True)
    at = np.arange(HZ * 2) / HZ
    soundfile.write(folder / "music" / "hold.wav", LOUDNESS * np.sin(2 * np.pi * MUSIC_HZ * at), HZ)
