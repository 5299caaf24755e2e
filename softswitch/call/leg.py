"""One party of a call: its SIP session and its audio stream, driven by whatever the call has come to.

An endpoint rings, answers, plays, reads keys. It never hears of SDP, re-INVITEs or where a key came from: that is
settled here. Exactly one task, the call's, waits on a leg; everything that happens wakes that task. The legs of a call
share the place where it waits (`waiting`). Three things end its waiting early: the far end hangs up (`on_ended` is
called, and who owns the task cancels it), `interrupt` (an exception raised where the task waits), and its own timeout.

What it hears and presses is `leg_audio`; here is its session, and what session and stream have to agree on. The stream
is closed when the session ends, so nothing that an endpoint forgets can leak one.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from media import Encryption, Engine, MediaError, NegotiationError, offered_codecs
from softswitch.call.digits import digit_of_info
from softswitch.call.leg_audio import LegAudio
from softswitch.call.leg_states import LEG_TABLE, LegState, LegTrigger
from softswitch.call.outcome import NORMAL_CLEARING, Outcome, q850_of
from softswitch.call.waiting import Waiting
from softswitch.errors import CallRejected
from softswitch.sip import Confirmed, Ended, InfoReceived, Offered, Reanswered, Referred, SessionEvent

if TYPE_CHECKING:
    from softswitch.call.call import Call
    from softswitch.plan import ThirdPartyEndpoint, Trunk, User
    from softswitch.routing import Passage
    from softswitch.sip import Session

DTMF_RELAY = "application/dtmf-relay"
INFO_MS = 160
TEMPORARY_FAILURE = 41
INCOMPATIBLE_DESTINATION = 88


class Referral(NamedTuple):
    """A wish for a transfer (REFER)."""

    wanted: Referred
    place: "Leg | None"
    """The leg in whose dialog it was said, where that is one at an endpoint: its place is to be given away."""


class Leg(LegAudio):
    """The caller's side of a call that came in."""

    __slots__ = (
        "_agreed",
        "_confirmed",
        "answered_at",
        "call",
        "holds_us",
        "may_transfer",
        "on_answered",
        "on_ended",
        "on_hold",
        "passage",
        "referral",
        "session",
        "state",
        "takes_info",
        "user",
    )

    def __init__(self, session: "Session", engine: Engine, waiting: Waiting | None = None) -> None:
        """`waiting`: the place where the task of its call waits, if it has one already."""
        super().__init__(engine, waiting or Waiting())
        self.session = session
        session.owner = self
        self.call: Call | None = None
        self.user: User | None = None
        """The user of ours at the far end, where it is one."""
        self.may_transfer = False
        """Whether its trunk may send REFER; users always may."""
        self.referral: Referral | None = None
        """What the far end asked for by REFER, and nobody has looked at yet."""
        self.takes_info = False
        """The far end sends its keys as INFO, so that it takes them as INFO too."""
        self.passage: Passage | None = None
        """What it has passed on its way in, once another call has taken it and its own is over."""
        self.state = LEG_TABLE.initial
        self.answered_at: float | None = None
        self.holds_us = False
        self.on_answered: Callable[[float], None] | None = None
        self.on_ended: Callable[[Ended], None] | None = None
        self.on_hold: Callable[[bool], None] | None = None
        self._agreed: bytes | None = None
        self._confirmed = False
        session.on_event = self._on_session_event

    def know(self, user: "User | None", trunk: "Trunk | None", third_party: "ThirdPartyEndpoint | None" = None) -> None:
        """Who is at the far end: a user of ours, a trunk, or a third party."""
        self.user = user
        account = user or trunk or third_party
        if account is not None:
            self.codecs = account.codecs
            self.encryption = _demanded(account.media_encryption)
        if trunk is not None:
            self.may_transfer = trunk.allow_transfer == "enabled"

    def __repr__(self) -> str:
        stream = "" if self._stream is None else f" {self._stream!r}"
        return f"<Leg {self.session.call_id[:8]} {self.session.direction} {self.state}{stream}>"

    @property
    def name(self) -> str:
        """Who is at the far end, for people."""
        return f"user {self.user.username}" if self.user is not None else self.session.remote_address.uri.username

    @property
    def wished_codecs(self) -> tuple[str, ...]:
        """What the far end would like to speak, best first: what is agreed, else what it offers."""
        if self.codec is not None:
            return (self.codec,)
        offer = self.session.remote_offer
        return () if offer is None else offered_codecs(offer)

    def check_offer(self) -> None:
        """Raises `CallRejected` 488 where the answer would: before anybody else is troubled."""
        offer = self.session.remote_offer
        if offer is not None and not self.is_audible and self.end is None:
            try:
                self.stream.check(offer)
            except NegotiationError as error:
                raise CallRejected(488, str(error)) from error

    def prefer(self, codec: str | None) -> None:
        """Speak this where the far end offers it: then nothing has to be transcoded. No effect once agreed."""
        if codec is not None and self._agreed is None and self.end is None:
            self.stream.prefer(codec)

    @property
    def is_audible(self) -> bool:
        """Whether the far end hears our stream, also before the answer."""
        return self._agreed is not None or self.state is LegState.ANSWERED

    # ---- answering

    def ring(self, status: int = 180, *, early_media: bool = False) -> None:
        """A provisional response; with `early_media` the caller hears the stream from now on (183 is usual)."""
        self.state = LEG_TABLE.after(self.state, LegTrigger.RING)
        self.session.ring(status, sdp=self._agree() if early_media else None)

    async def answer(self) -> None:
        """200 OK. Raises `CallRejected`: 488 when we share no codec with the caller, 503 when no port is free.

        An INVITE without an offer gets ours, and only its ACK says where to send: this waits for it (RFC 3261 §13.2.1).
        Whoever talks already, having been transferred or called by us, is put through and hears no more of it.
        """
        if self.state is LegState.ANSWERED:
            if self.on_answered is not None:
                self.on_answered(asyncio.get_running_loop().time())
            return
        sdp = self._agree()
        self.state = LEG_TABLE.after(self.state, LegTrigger.ANSWER)
        self.answered_at = asyncio.get_running_loop().time()
        if self.on_answered is not None:
            self.on_answered(self.answered_at)  # before the caller knows: a record that is lost now would be missing
        self.session.answer(sdp)
        while self.session.remote_offer is None and not self._confirmed:
            await self.waiting.until()

    def _agree(self) -> bytes:
        if self._agreed is None:
            offer = self.session.remote_offer
            try:
                self._agreed = self.stream.offer() if offer is None else self.stream.answer(offer)
            except NegotiationError as error:
                raise CallRejected(488, str(error)) from error
        return self._agreed

    # ---- keys for the far end

    def send_digits(self, digits: str) -> None:
        """Keys for the far end: as telephone-events where those were agreed, as INFO where it speaks so, else tones."""
        agreement = self.stream.agreement
        if self.takes_info and (agreement is None or agreement.telephone_event_send is None):
            for digit in digits:
                self.session.info(DTMF_RELAY, f"Signal={digit}\r\nDuration={INFO_MS}\r\n".encode())
        else:
            self.stream.send_digits(digits)

    # ---- the end

    def hang_up(
        self,
        q850: int = NORMAL_CLEARING,
        reason: str = "Normal call clearing",
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Ends the session by whatever its state needs; harmless when it has ended."""
        self.session.hang_up(q850=q850, reason=reason, headers=headers)

    async def ended(self) -> Ended:
        """Waits until the session is over."""
        while self.end is None:
            await self.waiting.until()
        return self.end

    def outcome(self) -> Outcome:
        """How the session ended, as the outcome of its call; only after its end."""
        end = self.end
        if end is None:
            raise RuntimeError(f"{self!r} has not ended")
        q850 = q850_of(end.status) if end.q850 is None else end.q850
        return Outcome(end.status, end.reason, q850, "SRC" if end.by == "remote" else "DST")

    def interrupt(self, error: Exception) -> None:
        """Raises `error` in the task that waits on this leg, or at its next wait."""
        self.waiting.interrupt(error)

    # ---- what happens to the session

    def _on_session_event(self, event: SessionEvent) -> None:
        match event:
            case Ended():
                self._on_end(event)
            case Confirmed():
                self._on_confirmed(event.sdp)
            case Offered():
                self._on_offered(event.sdp)
            case Reanswered():
                self._accept(event.sdp)
            case InfoReceived():
                digit = digit_of_info(event.content_type, event.body)
                if digit is not None:
                    self.takes_info = True
                    self._on_digit(digit, "info")
            case Referred():
                self._on_referred(event)
            case _:
                pass  # provisional and final responses belong to legs that we place

    def _on_referred(self, wanted: Referred) -> None:
        """Who talks with somebody can be transferred; who is at an endpoint can give his place away."""
        call = self.call
        if call is not None and call.talk is not None:
            self.refer_to(wanted)
        elif call is not None and call.caller is self and call.on_referred is not None:
            call.on_referred(call, wanted)
        else:
            self.session.refuse_referral(403)

    def refer_to(self, wanted: Referred, *, place: "Leg | None" = None) -> None:
        """Its far end wants the other party of their talk transferred."""
        self.referral = Referral(wanted, place)
        self.waiting.wake()

    def _on_end(self, end: Ended) -> None:
        self.state = LEG_TABLE.after(self.state, LegTrigger.END)
        self.end = end
        if self._stream is not None:
            self._stream.close()
        if self.on_ended is not None:
            self.on_ended(end)
        self.waiting.wake()
        self._let_go()

    def _let_go(self) -> None:
        """Nothing more happens to this leg; without its callbacks it is freed without the garbage collector."""
        self.session.on_event, self.session.owner, self.call = _nothing_more, None, None
        if self._stream is not None:
            self._stream.on_event = _nothing_more
        if self.passage is not None:
            self.passage.leave()
        self.on_answered = self.on_digit = self.on_ended = self.on_talk = self.on_hold = None

    def _on_confirmed(self, sdp: bytes | None) -> None:
        self._confirmed = True
        if sdp is not None:
            self._accept(sdp)
        elif self.codec is None:
            self.hang_up(INCOMPATIBLE_DESTINATION, "no answer to our offer")  # which this ACK owed: RFC 3261 §13.2.1
        if self.session.remote_offer is None:
            self.waiting.wake()  # `answer` waits for it

    def _on_offered(self, offer: bytes | None) -> None:
        """A re-INVITE or UPDATE: hold, a new address, a session refresh (RFC 3264 §8)."""
        try:
            self.session.accept(self.stream.offer() if offer is None else self.stream.answer(offer))
        except MediaError as error:
            self.session.refuse(488, str(error))
        else:
            self._look_for_hold()

    def _accept(self, answer: bytes) -> None:
        try:
            self.stream.accept(answer)
        except MediaError as error:
            self.hang_up(INCOMPATIBLE_DESTINATION, str(error))
        else:
            self._look_for_hold()

    def _look_for_hold(self) -> None:
        """A far end that wants nothing from us has put us on hold, and what it sends is its own hold music."""
        agreement = self.stream.agreement
        holds_us = agreement is not None and not agreement.direction.sends
        if holds_us != self.holds_us:
            self.holds_us = holds_us
            self.waiting.wake()
            if self.on_hold is not None:
                self.on_hold(holds_us)

    def _on_stream_failed(self) -> None:
        self.hang_up(TEMPORARY_FAILURE, "Media failure")


def _demanded(encryption: Encryption) -> Encryption | None:
    """What a caller must do by the plan; None: what the settings say."""
    return "required" if encryption == "required" else None


def _nothing_more(_event: object) -> None:
    """What a session or stream tells after the end."""
