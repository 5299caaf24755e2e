"""What one line of a ladder says: a SIP message, or an event, in a few words. Pure."""

from collections.abc import Callable
from typing import Any, Literal

from softswitch.call import (
    CallAnswered,
    CallbackTried,
    CallEnded,
    CallMoved,
    CallStarted,
    Event,
    KeyPressed,
    LegMeasured,
    LegStarted,
)
from softswitch.endpoints.conference import AttendeeChanged
from softswitch.endpoints.mediator.record import DialoutFailed, MediationMoved, MediationStarted, MediatorRecord
from softswitch.sip import Message, Request, Response

Kind = Literal["sip", "event", "key", "quality", "callback"]
Told = tuple[Kind, str, dict[str, Any] | None]

KEY_HIDDEN = "•"


def of_message(message: Message) -> str:
    """`INVITE (SDP)`, `200 OK INVITE (SDP)`, `BYE Q.850 16`."""
    extra = [cause] if (cause := _cause(message)) else []
    extra += ["(SDP)"] if message.content_type == "application/sdp" and message.body else []
    if isinstance(message, Request):
        return " ".join([message.method, *extra])
    if isinstance(message, Response):
        return " ".join([str(message.status), message.reason, f"[{message.cseq.method}]", *extra])
    return message.start_line


def _cause(message: Message) -> str:
    reason = message.text("Reason")
    if not reason or not reason.lower().startswith("q.850"):
        return ""
    return "Q.850 " + reason.lower().partition("cause=")[2].partition(";")[0].strip()


def of_event(event: Event) -> Told:
    """Kind, title and figures of an event."""
    told = _TOLD.get(type(event))
    if told is not None:
        return told(event)
    values = (f"{name} {getattr(event, name)}" for name in _own_fields(event))
    return "event", f"{type(event).__name__}: {', '.join(values)}", None


def _own_fields(event: Event) -> list[str]:
    return [name for name in event.__struct_fields__ if name not in ("call_id", "meeting_id", "at")]


def _started(event: CallStarted) -> Told:
    return "event", f"{event.from_number} calls {event.to_number}", None


def _leg(event: LegStarted) -> Told:
    return "event", f"rings {event.target}", None


def _answered(_: CallAnswered) -> Told:
    return "event", "answered", None


def _moved(event: CallMoved) -> Told:
    why = "" if event.why == event.after else f": {event.why.rstrip()}"
    return "event", f"{event.after}{why}", None


def _ended(event: CallEnded) -> Told:
    how = f"{event.status} {event.reason}".rstrip()
    return "event", f"{how}, Q.850 {event.q850}, by {event.party}", None


def _key(event: KeyPressed) -> Told:
    return "key", f"key {event.digit or KEY_HIDDEN} ({event.way})", None


def _measured(event: LegMeasured) -> Told:
    figures = dict(event.figures)
    mos = "no audio" if figures["mos"] is None else f"MOS {figures['mos']:.2f}"
    trip = "" if figures["round_trip_ms"] is None else f", {figures['round_trip_ms']:.0f} ms round trip"
    return "quality", f"{mos}, {100 * figures['loss']:.1f} % lost, {figures['jitter_ms']:.1f} ms jitter{trip}", figures


def _callback(event: CallbackTried) -> Told:
    result = str(event.status) if event.status else event.error
    title = f"callback {event.name} to {event.host}: {result} in {event.took_ms:.0f} ms, attempt {event.attempt}"
    return "callback", title, {"status": event.status, "took_ms": event.took_ms, "attempt": event.attempt}


def _attendee(event: AttendeeChanged) -> Told:
    return "event", f"{event.what} {event.value}".rstrip(), None


def _mediation(event: MediationStarted) -> Told:
    return "event", _mediated(event.record), None


def _stage(event: MediationMoved) -> Told:
    return "event", "both talk" if event.stage == "talk" else event.stage, None


def _dialout_failed(event: DialoutFailed) -> Told:
    record = event.record
    return "event", f"{_mediated(record)}: {record.sipcause} {record.disconnect_reason}", None


def _mediated(record: MediatorRecord) -> str:
    """`binding 2f6ad1a1: 13105550199 to 13105550123 over 12025550105`."""
    ways = f"{record.number_src} to {record.number_dst} over {record.number_redirect}"
    return f"{record.event_type} {record.reference_sid[:8]}: {ways}"


_TOLD: dict[type, Callable[[Any], Told]] = {
    CallStarted: _started,
    LegStarted: _leg,
    CallAnswered: _answered,
    CallMoved: _moved,
    CallEnded: _ended,
    KeyPressed: _key,
    LegMeasured: _measured,
    CallbackTried: _callback,
    AttendeeChanged: _attendee,
    MediationStarted: _mediation,
    MediationMoved: _stage,
    DialoutFailed: _dialout_failed,
}
