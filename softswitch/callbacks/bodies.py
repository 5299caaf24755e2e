"""Which callbacks there are, and what they carry: the affected object, as CarrierX's API shows it.

    app_conference_call      somebody calls a conference, before any room: the call object
    app_conference_meeting   a meeting starts or ends: the meeting object
    call_dr                  a call is over: its record

Each is sent where a URL is set for it; the URLs are looked up when something happens, so a change holds at once.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict

from softswitch.call import Call, Event
from softswitch.call.cdr import CallRecord
from softswitch.callbacks.sender import Callbacks
from softswitch.endpoints.conference import MeetingMoved

CALL, MEETING, CALL_DR = "app_conference_call", "app_conference_meeting", "call_dr"


class Reports:
    """Sends a callback where somebody wants one. `url_of` says where to, for each name."""

    def __init__(self, callbacks: Callbacks, url_of: Callable[[str], str | None]) -> None:
        self._callbacks = callbacks
        self._url_of = url_of

    def on_started(self, call: Call, record: CallRecord) -> None:
        """A call has come to a conference."""
        url = self._url_of(CALL)
        if url:
            self._callbacks.send(CALL, url, _call_object(call, record), call_id=call.id)

    def on_ended(self, call: Call, record: CallRecord) -> None:
        """A call is over."""
        url = self._url_of(CALL_DR)
        if url:
            self._callbacks.send(CALL_DR, url, asdict(record), call_id=call.id)

    def on_event(self, event: Event) -> None:
        """Meetings that start and end."""
        if type(event) is MeetingMoved:
            url = self._url_of(MEETING)
            if url and (event.after == "ended" or (event.before, event.after) == ("waiting", "live")):
                self._callbacks.send(MEETING, url, _meeting_object(event))


def _call_object(call: Call, record: CallRecord) -> dict[str, Any]:
    request = call.caller.session.request
    return {
        "call_sid": call.sid,
        "endpoint_sid": record.endpoint_sid_dst,
        "partner_sid": record.partner_sid,
        "date_created": record.date_start,
        "direction": "In",
        "number_src": str(request.from_.uri),
        "number_dst": str(request.uri),
    }


def _meeting_object(event: MeetingMoved) -> dict[str, Any]:
    return {"meeting_sid": event.meeting_id, "name": event.room, "state": event.after, "reason": event.why}
