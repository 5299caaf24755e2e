"""Which callbacks there are, and what they carry: the affected object, as CarrierX's API shows it.

    app_conference_call      somebody calls a conference, before any room: the call object
    app_conference_meeting   a meeting starts or ends: the meeting object
    call_dr                  a call is over: its record
    app_mediator             a mediated call or a dialout is over: its record

The objects are those of `/conference/v2`, and say besides whose they are: `endpoint_sid` and `partner_sid`. Each is
sent where a URL is set for it; the URLs are looked up when something happens, so a change holds at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import asdict

from softswitch.call import Call, Event
from softswitch.call.cdr import CallRecord, date
from softswitch.callbacks.sender import Callbacks
from softswitch.endpoints.conference import Conference, Meeting, MeetingMoved
from softswitch.endpoints.conference.objects import arriving, meeting_attributes
from softswitch.endpoints.mediator import MediatorRecord

CALL, MEETING, CALL_DR = "app_conference_call", "app_conference_meeting", "call_dr"
MEDIATOR = "app_mediator"


@dataclass(frozen=True, slots=True)
class Owners:
    """Who has what: what a callback says of an object besides the object itself."""

    account_of: Callable[[str], str | None]
    """The account of an endpoint; None for one that is no conference."""
    meeting: Callable[[str], tuple[Conference, Meeting] | None]
    """The live meeting with this sid, and where it is."""
    partner_sid: str


class Reports:
    """Sends a callback where somebody wants one. `url_of` says where to, for each name."""

    def __init__(
        self,
        callbacks: Callbacks,
        url_of: Callable[[str], str | None],
        owners: Owners,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is the one of the calls; `wall_clock` gives POSIX time."""
        self._callbacks = callbacks
        self._url_of = url_of
        self._owners = owners
        self._clock, self._wall_clock = clock, wall_clock
        self._live: dict[str, tuple[Conference, Meeting]] = {}
        """Meetings that have been told of, also once their endpoint is no more."""

    def on_started(self, call: Call, record: CallRecord) -> None:
        """A call has found its endpoint."""
        url = self._url_of(CALL)
        endpoint_sid = record.endpoint_sid_dst
        if not url or endpoint_sid is None or call.is_placed:
            return
        account_sid = self._owners.account_of(endpoint_sid)
        if account_sid is not None:
            body = arriving(call, account_sid, self._date)
            owners = {"endpoint_sid": endpoint_sid, "partner_sid": record.partner_sid}
            self._callbacks.send(CALL, url, body | owners, call_id=call.id)

    def on_ended(self, call: Call, record: CallRecord) -> None:
        """A call is over."""
        url = self._url_of(CALL_DR)
        if url:
            self._callbacks.send(CALL_DR, url, asdict(record), call_id=call.id)

    def on_mediated(self, record: MediatorRecord) -> None:
        """A mediated call or a dialout is over."""
        url = self._url_of(MEDIATOR)
        if url:
            self._callbacks.send(MEDIATOR, url, asdict(record))

    def on_event(self, event: Event) -> None:
        """Meetings that start and end."""
        if type(event) is not MeetingMoved:
            return
        url = self._url_of(MEETING)
        if event.after == "ended":
            self._tell(event, url, self._live.pop(event.meeting_id, None))
        elif (event.before, event.after) == ("waiting", "live") and url:
            self._tell(event, url, None)

    def _tell(self, event: MeetingMoved, url: str | None, known: tuple[Conference, Meeting] | None) -> None:
        found = known or self._owners.meeting(event.meeting_id)
        if not url or found is None:
            return
        if event.after != "ended":
            self._live[event.meeting_id] = found
        conference, meeting = found
        attributes = meeting_attributes(self._owners.account_of(conference.sid) or "", self._date)
        body = {name: value(meeting) for name, value in attributes.items()}
        owners = {"endpoint_sid": conference.sid, "partner_sid": self._owners.partner_sid}
        self._callbacks.send(MEETING, url, body | owners | {"reason": event.why})

    def _date(self, at: float) -> str:
        return date(self._wall_clock() - self._clock() + at)
