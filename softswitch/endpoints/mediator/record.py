"""The record of a mediated call or a dialout (CarrierX: app_mediator), and the events that carry it.

A record is opened when the call has found its binding or the dialout begins, and closed when that is over: whoever
keeps records hears of both. A dialout that comes to nothing before anybody is called has a record too.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from softswitch.call import Event
from softswitch.call.cdr import CallRecord, date, seconds_between

EventType = Literal["binding", "dialout"]
Stage = Literal["stage one", "stage two", "talk"]


class MediatorRecord(Struct, kw_only=True, omit_defaults=True):
    """As `/core/v2/app/mediator/calls` shows it."""

    dr_sid: str
    event_type: EventType
    reference_sid: str
    """Of the binding or the dialout."""
    date_start: str
    date_talk: str | None = None
    """When both had answered."""
    date_stop: str | None = None
    direction: str = "undirected"
    endpoint_sid: str | None = None
    endpoint_type: str = "mediator"
    partner_sid: str | None = None
    number_src: str | None = None
    number_dst: str | None = None
    number_redirect: str | None = None
    dtmf: str = ""
    attributes: dict[str, str] | None = None
    duration: float = 0.0
    """Seconds from start to stop."""
    type: str = "app_mediator"
    version: int = 1
    stage: Stage | None = None
    """How far it got."""
    sipcause: int | None = None
    q850_cause: int | None = None
    disconnect_originator: str | None = None
    disconnect_reason: str | None = None


class MediationStarted(Event, frozen=True):
    """A call has found its binding, or a dialout calls somebody: the record as it begins."""

    call_id: str
    record: MediatorRecord


class MediationMoved(Event, frozen=True):
    """It has come to another stage; `at` is the moment (monotonic seconds)."""

    call_id: str
    at: float
    stage: Stage


class DialoutFailed(Event, frozen=True):
    """A dialout came to nothing before anybody was called: the whole record."""

    record: MediatorRecord


def moved(record: MediatorRecord, stage: Stage, when: str) -> MediatorRecord:
    """The record of one that has got so far."""
    return replace(record, stage=stage, date_talk=when if stage == "talk" else record.date_talk)


def closed(record: MediatorRecord, call: CallRecord) -> MediatorRecord:
    """The record of one whose call is over, as its own record says."""
    date_stop = call.date_stop or record.date_start
    return replace(
        record,
        date_stop=date_stop,
        duration=seconds_between(record.date_start, date_stop),
        sipcause=call.sipcause,
        q850_cause=call.q850_cause,
        disconnect_originator=call.disconnect_originator,
        disconnect_reason=call.disconnect_reason,
        partner_sid=record.partner_sid or call.partner_sid,
    )


def moment(posix_s: float) -> str:
    """A moment as every date of a record has it."""
    return date(posix_s)
