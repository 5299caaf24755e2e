"""`/core/v2/app/mediator/calls`: the record of every mediated call and every dialout."""

from typing import Any, ClassVar

from softswitch.api.core.attributes import PARTNER_EXAMPLE
from softswitch.api.core.owned import Recorded
from softswitch.api.resources import Values
from softswitch.api.schemas import Date, Object, Sid


class Mediation(Object):
    """One call over a binding, or one dialout."""

    dr_sid: Sid
    """That of the record of the same call in `/core/v2/calls/call_drs`, where somebody was called."""
    partner_sid: str | None
    endpoint_sid: str | None
    endpoint_type: str | None
    event_type: str | None
    """binding or dialout."""
    type: str | None
    version: int
    direction: str | None
    """inbound, outbound, any or undirected."""
    reference_sid: str | None
    """Of the binding or the dialout."""
    number_src: str | None
    number_dst: str | None
    number_redirect: str | None
    dtmf: str | None
    attributes: Any
    """As they were."""
    date_start: Date
    date_talk: Date | None
    """When both had answered."""
    date_stop: Date
    date_insert: Date
    duration: float | None
    """Seconds from `date_start` to `date_stop`."""
    stage: str | None
    """How far it got: stage one, stage two, talk. (Ours, as all below.)"""
    sipcause: int | None
    q850_cause: int | None
    disconnect_originator: str | None
    disconnect_reason: str | None


class MediatorCalls(Recorded):
    """Written by the switch, read by everybody who may."""

    kind = "mediator_calls"
    path = "/core/v2/app/mediator/calls"
    area = "app"
    tag = "mediator records"
    shown = Mediation
    example: ClassVar[Values] = dict.fromkeys(Mediation.model_fields) | {
        "dr_sid": "b7d3c1f2-3a55-4cf2-9f5e-6c2f0d9b1a34",
        "partner_sid": PARTNER_EXAMPLE["partner_sid"],
        "endpoint_sid": "5d1f0c8e-77c4-4c1b-9c53-8f7b3d0b1a52",
        "endpoint_type": "mediator",
        "event_type": "binding",
        "type": "app_mediator",
        "version": 1,
        "direction": "inbound",
        "reference_sid": "2f6ad1a1-77f2-4f7b-8a55-6a27a1c6f0b3",
        "number_src": "13105550199",
        "number_dst": "13105550123",
        "number_redirect": "12025550105",
        "dtmf": "",
        "attributes": {"hide_origination_did": "true"},
        "date_start": "2026-01-31T09:45:00.000Z",
        "date_talk": "2026-01-31T09:45:09.500Z",
        "date_stop": "2026-01-31T09:46:12.000Z",
        "date_insert": "2026-01-31T09:46:12.900Z",
        "duration": 72.0,
        "stage": "talk",
        "sipcause": 200,
        "q850_cause": 16,
        "disconnect_originator": "SRC",
        "disconnect_reason": "Normal",
    }
