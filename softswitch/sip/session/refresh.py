"""Session timers: a session that nobody refreshes ends (RFC 4028).

Either side may be the refresher. The refresher sends an UPDATE (a re-INVITE where the far end knows no UPDATE) after
half of the interval; the other side says BYE when the refresh stays away.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from softswitch.errors import PeerError
from softswitch.sip.grammar import parse_params
from softswitch.sip.message import Message, Request, Response
from softswitch.sip.session import authorize, bye, reoffer, update
from softswitch.sip.session.effects import SessionTimer, StartTimer, StopTimer
from softswitch.sip.session.offers import OfferState
from softswitch.sip.session.states import State
from softswitch.sip.transaction.machine import Transaction

if TYPE_CHECKING:
    from softswitch.sip.session.session import Session

OPTION_TAG = "timer"
SMALLEST_MIN_SE_S = 90  # RFC 4028 §5
LONGEST_INTERVAL_S = 24 * 3600
"""Of a longer one nothing is timed but our own refreshes: a timer costs memory for as long as it was set."""
MOST_RETRIES = 3
RETRY_AFTER_S = 5.0


class Terms(Struct):
    """What was agreed: the interval (0: none), and who refreshes."""

    interval_s: int = 0
    is_refresher: bool = False
    min_se_s: int = SMALLEST_MIN_SE_S
    peer_updates: bool = False

    def hear(self, message: Message) -> None:
        """Note whether the far end knows UPDATE."""
        if "allow" in message.headers.fields:
            self.peer_updates = "UPDATE" in message.tokens("Allow")


def request_headers(session: "Session") -> list[tuple[str, str]]:
    """Session-Expires and Min-SE for our INVITE, re-INVITE or UPDATE."""
    wanted_s = session.timer.interval_s or session.settings.session_expires_s
    if not wanted_s or session.state is State.ENDED:
        return []
    role = ""
    if session.timer.interval_s:
        role = ";refresher=uac" if session.timer.is_refresher else ";refresher=uas"
    headers = [("Session-Expires", f"{wanted_s}{role}")]
    if session.timer.min_se_s > SMALLEST_MIN_SE_S:
        headers.append(("Min-SE", str(session.timer.min_se_s)))
    return headers


def is_acceptable(session: "Session", transaction: Transaction) -> bool:
    """Answers 422 to a request whose interval is too small for us (RFC 4028 §9)."""
    if not is_too_small(transaction.request, session.settings.min_se_s):
        return True
    session.respond(transaction, 422, headers=(("Min-SE", str(session.settings.min_se_s)),))
    return False


def is_too_small(request: Request, min_se_s: int) -> bool:
    if "session-expires" not in request.headers.fields:
        return False
    return (request.number("Session-Expires") or 0) < min_se_s and OPTION_TAG in request.tokens("Supported")


def answer_headers(session: "Session", request: Request) -> list[tuple[str, str]]:
    """Agree as the UAS: Session-Expires for our 2xx, and the timers that go with it (RFC 4028 §9, table 2)."""
    session.timer.hear(request)
    ours_s = session.settings.session_expires_s
    if not ours_s:
        return []
    fields = request.headers.fields
    supported = "supported" in fields and OPTION_TAG in request.tokens("Supported")
    asked_s, refresher = _session_expires(request)
    floor_s = max((request.number("Min-SE") or 0) if "min-se" in fields else 0, session.settings.min_se_s)
    interval_s = max(min(asked_s or ours_s, ours_s), floor_s)
    we_refresh = refresher == "uas" or not supported
    _set(session, interval_s, is_refresher=we_refresh)
    headers = [("Session-Expires", f"{interval_s};refresher={'uas' if we_refresh else 'uac'}")]
    return headers if we_refresh else [*headers, ("Require", OPTION_TAG)]


def agree_as_client(session: "Session", response: Response) -> None:
    """Take the terms of a 2xx to a request of ours (RFC 4028 §7.2); without any there is no timer."""
    session.timer.hear(response)
    interval_s, refresher = _session_expires(response)
    _set(session, interval_s, is_refresher=refresher != "uas")


def _session_expires(message: Message) -> tuple[int, str | None]:
    if "session-expires" not in message.headers.fields:
        return 0, None
    value = message.headers.get("Session-Expires") or ""
    try:
        interval_s = message.number("Session-Expires") or 0
        _, semicolon, params = value.partition(";")
        return interval_s, (parse_params(semicolon + params).get("refresher") or "").lower() or None
    except PeerError:
        return 0, None


def _set(session: "Session", interval_s: int, *, is_refresher: bool) -> None:
    if session.is_over:
        return  # the answer to an offer that was overtaken by the end
    session.timer.interval_s, session.timer.is_refresher = interval_s, is_refresher
    if interval_s and is_refresher:
        session.do(StartTimer(SessionTimer.REFRESH, min(interval_s, LONGEST_INTERVAL_S) / 2))
    else:
        session.do(StopTimer(SessionTimer.REFRESH))
    if 0 < interval_s <= LONGEST_INTERVAL_S:
        session.do(StartTimer(SessionTimer.EXPIRY, interval_s - min(32.0, interval_s / 3)))
    else:
        session.do(StopTimer(SessionTimer.EXPIRY))


def refresh(session: "Session") -> None:
    """Half of the interval is over, and we are the refresher."""
    if session.state is not State.CONFIRMED:
        return
    if session.timer.peer_updates:
        update.send(session, None)
    elif session.next_offer is None and session.offer_state is OfferState.STABLE:
        reoffer.reoffer(session, session.local_sdp)


def try_later(session: "Session", response: Response) -> None:
    """A refresh was refused: once more before the interval is over, and without UPDATE where it is not known."""
    if response.status in (405, 501):
        session.timer.peer_updates = False
    session.do(StartTimer(SessionTimer.REFRESH, RETRY_AFTER_S))


def once_more(session: "Session") -> None:
    """A re-INVITE was refused that may have been our refresh: another one before the interval is over."""
    terms = session.timer
    if terms.interval_s and terms.is_refresher and SessionTimer.REFRESH not in session.running and not session.is_over:
        session.do(StartTimer(SessionTimer.REFRESH, RETRY_AFTER_S))


def expired(session: "Session") -> None:
    """The interval is over without a refresh (RFC 4028 §10)."""
    bye.lost(session, 408, "Session expired")


def retry_longer(session: "Session", request: Request, response: Response) -> Request | None:
    """The request again after a 422, with the interval the far end wants at least (RFC 4028 §7.3)."""
    if response.status != 422 or session.retries >= MOST_RETRIES:
        return None
    wanted_s = response.number("Min-SE") or 0
    if not wanted_s:
        return None
    session.retries += 1
    session.timer.min_se_s = max(session.timer.min_se_s, wanted_s)
    again = authorize.repeated(request)
    again.headers.set("Session-Expires", str(max(wanted_s, session.settings.session_expires_s)))
    again.headers.set("Min-SE", str(session.timer.min_se_s))
    return again
