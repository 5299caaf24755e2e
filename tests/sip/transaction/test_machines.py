"""Every row of the four transaction tables, and nothing beside them (RFC 3261 figures 5 to 8, RFC 6026)."""

from enum import Enum

import pytest

from softswitch.sip.message import Message, Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.tables import ImpossibleMoveError
from softswitch.sip.transaction import client_invite, client_non_invite, server_invite, server_non_invite
from softswitch.sip.transaction.machine import (
    Deliver,
    Effect,
    Event,
    Failed,
    Failure,
    Intervals,
    Send,
    StartTimer,
    StopTimers,
    Terminated,
    Timer,
    Transaction,
)

UDP, TCP = Peer(Transport.UDP, "10.0.0.2", 5060), Peer(Transport.TCP, "10.0.0.2", 5060)


def request(method: str) -> Request:
    message = parse(
        f"{method} sip:bob@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        f"From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n"
        "Route: <sip:p;lr>\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert isinstance(message, Request)
    return message


INVITE, OPTIONS = request("INVITE"), request("OPTIONS")
INTERVALS = Intervals()
CI, CN, SI, SN = client_invite.State, client_non_invite.State, server_invite.State, server_non_invite.State
KINDS: dict[type[Enum], type[Transaction]] = {
    CI: client_invite.ClientInvite,
    CN: client_non_invite.ClientNonInvite,
    SI: server_invite.ServerInvite,
    SN: server_non_invite.ServerNonInvite,
}


def transaction_in(state: Enum, peer: Peer = UDP) -> Transaction:
    kind = KINDS[type(state)]
    transaction = kind("key", INVITE if state in (*CI, *SI) else OPTIONS, peer, INTERVALS)
    transaction.state = state
    transaction.data = b"last"
    return transaction


def message_for(transaction: Transaction, event: Enum) -> Message | None:
    statuses = {Event.PROVISIONAL: 180, Event.SUCCESS: 200, Event.FAILURE: 486}
    if event in statuses:
        return Response.for_request(transaction.request, statuses[event], to_tag="t")  # type: ignore[index]
    return transaction.request if event in (Event.REQUEST, Event.ACK) else None


def shown(effect: Effect) -> str:
    """An effect as the expectations below write it."""
    match effect:
        case Send(data):
            return (
                "send again" if data == b"last" else f"send {data.split(b' ')[0 if data[:3] == b'ACK' else 1].decode()}"
            )
        case Deliver(message):
            return "deliver" if isinstance(message, Request) else f"deliver {message.status}"  # type: ignore[attr-defined]
        case StartTimer(timer, after_s):
            return f"{timer.name} {after_s:g}"
        case StopTimers():
            return "stop"
        case Failed(failure):
            return failure.name
        case Terminated():
            return "end"


ROWS: list[tuple[Enum, Enum, Enum, str]] = [
    (CI.CALLING, Timer.A, CI.CALLING, "send again, A 1"),
    (CI.CALLING, Timer.B, CI.TERMINATED, "TIMEOUT, end"),
    (CI.CALLING, Event.TRANSPORT_ERROR, CI.TERMINATED, "TRANSPORT_ERROR, end"),
    (CI.CALLING, Event.PROVISIONAL, CI.PROCEEDING, "stop, deliver 180"),
    (CI.CALLING, Event.SUCCESS, CI.ACCEPTED, "stop, deliver 200, M 32"),
    (CI.CALLING, Event.FAILURE, CI.COMPLETED, "stop, send ACK, deliver 486, D 32"),
    (CI.PROCEEDING, Event.PROVISIONAL, CI.PROCEEDING, "deliver 180"),
    (CI.PROCEEDING, Event.SUCCESS, CI.ACCEPTED, "deliver 200, M 32"),
    (CI.PROCEEDING, Event.FAILURE, CI.COMPLETED, "send ACK, deliver 486, D 32"),
    (CI.PROCEEDING, Event.TRANSPORT_ERROR, CI.PROCEEDING, ""),
    (CI.ACCEPTED, Event.PROVISIONAL, CI.ACCEPTED, ""),
    (CI.ACCEPTED, Event.SUCCESS, CI.ACCEPTED, "deliver 200"),
    (CI.ACCEPTED, Event.FAILURE, CI.ACCEPTED, ""),
    (CI.ACCEPTED, Event.TRANSPORT_ERROR, CI.ACCEPTED, ""),
    (CI.ACCEPTED, Timer.M, CI.TERMINATED, "end"),
    (CI.COMPLETED, Event.PROVISIONAL, CI.COMPLETED, ""),
    (CI.COMPLETED, Event.SUCCESS, CI.COMPLETED, ""),
    (CI.COMPLETED, Event.FAILURE, CI.COMPLETED, "send again"),
    (CI.COMPLETED, Event.TRANSPORT_ERROR, CI.TERMINATED, "stop, end"),
    (CI.COMPLETED, Timer.D, CI.TERMINATED, "end"),
    (CN.TRYING, Timer.E, CN.TRYING, "send again, E 1"),
    (CN.TRYING, Timer.F, CN.TERMINATED, "stop, TIMEOUT, end"),
    (CN.TRYING, Event.TRANSPORT_ERROR, CN.TERMINATED, "stop, TRANSPORT_ERROR, end"),
    (CN.TRYING, Event.PROVISIONAL, CN.PROCEEDING, "deliver 180"),
    (CN.TRYING, Event.SUCCESS, CN.COMPLETED, "stop, deliver 200, K 5"),
    (CN.TRYING, Event.FAILURE, CN.COMPLETED, "stop, deliver 486, K 5"),
    (CN.PROCEEDING, Timer.E, CN.PROCEEDING, "send again, E 4"),
    (CN.PROCEEDING, Timer.F, CN.TERMINATED, "stop, TIMEOUT, end"),
    (CN.PROCEEDING, Event.TRANSPORT_ERROR, CN.TERMINATED, "stop, TRANSPORT_ERROR, end"),
    (CN.PROCEEDING, Event.PROVISIONAL, CN.PROCEEDING, "deliver 180"),
    (CN.PROCEEDING, Event.SUCCESS, CN.COMPLETED, "stop, deliver 200, K 5"),
    (CN.PROCEEDING, Event.FAILURE, CN.COMPLETED, "stop, deliver 486, K 5"),
    (CN.COMPLETED, Event.PROVISIONAL, CN.COMPLETED, ""),
    (CN.COMPLETED, Event.SUCCESS, CN.COMPLETED, ""),
    (CN.COMPLETED, Event.FAILURE, CN.COMPLETED, ""),
    (CN.COMPLETED, Event.TRANSPORT_ERROR, CN.COMPLETED, ""),
    (CN.COMPLETED, Timer.K, CN.TERMINATED, "end"),
    (SI.PROCEEDING, Timer.TRYING, SI.PROCEEDING, ""),
    (SI.PROCEEDING, Event.REQUEST, SI.PROCEEDING, "send again"),
    (SI.PROCEEDING, Event.ACK, SI.PROCEEDING, ""),
    (SI.PROCEEDING, Event.PROVISIONAL, SI.PROCEEDING, "send 180"),
    (SI.PROCEEDING, Event.SUCCESS, SI.ACCEPTED, "stop, send 200, L 32"),
    (SI.PROCEEDING, Event.FAILURE, SI.COMPLETED, "stop, send 486, G 0.5, H 32"),
    (SI.PROCEEDING, Event.TRANSPORT_ERROR, SI.PROCEEDING, "TRANSPORT_ERROR"),
    (SI.ACCEPTED, Event.REQUEST, SI.ACCEPTED, ""),
    (SI.ACCEPTED, Event.ACK, SI.ACCEPTED, "deliver"),
    (SI.ACCEPTED, Event.SUCCESS, SI.ACCEPTED, "send again"),
    (SI.ACCEPTED, Event.TRANSPORT_ERROR, SI.ACCEPTED, "TRANSPORT_ERROR"),
    (SI.ACCEPTED, Timer.L, SI.TERMINATED, "end"),
    (SI.COMPLETED, Timer.G, SI.COMPLETED, "send again, G 1"),
    (SI.COMPLETED, Timer.H, SI.TERMINATED, "stop, TIMEOUT, end"),
    (SI.COMPLETED, Event.REQUEST, SI.COMPLETED, "send again"),
    (SI.COMPLETED, Event.ACK, SI.CONFIRMED, "stop, I 5"),
    (SI.COMPLETED, Event.TRANSPORT_ERROR, SI.COMPLETED, ""),
    (SI.CONFIRMED, Event.REQUEST, SI.CONFIRMED, ""),
    (SI.CONFIRMED, Event.ACK, SI.CONFIRMED, ""),
    (SI.CONFIRMED, Event.TRANSPORT_ERROR, SI.CONFIRMED, ""),
    (SI.CONFIRMED, Timer.I, SI.TERMINATED, "end"),
    (SN.TRYING, Event.REQUEST, SN.TRYING, ""),
    (SN.TRYING, Event.PROVISIONAL, SN.PROCEEDING, "send 180"),
    (SN.TRYING, Event.SUCCESS, SN.COMPLETED, "send 200, J 32"),
    (SN.TRYING, Event.FAILURE, SN.COMPLETED, "send 486, J 32"),
    (SN.TRYING, Event.TRANSPORT_ERROR, SN.TRYING, ""),
    (SN.PROCEEDING, Event.REQUEST, SN.PROCEEDING, "send again"),
    (SN.PROCEEDING, Event.PROVISIONAL, SN.PROCEEDING, "send 180"),
    (SN.PROCEEDING, Event.SUCCESS, SN.COMPLETED, "send 200, J 32"),
    (SN.PROCEEDING, Event.FAILURE, SN.COMPLETED, "send 486, J 32"),
    (SN.PROCEEDING, Event.TRANSPORT_ERROR, SN.TERMINATED, "stop, TRANSPORT_ERROR, end"),
    (SN.COMPLETED, Event.REQUEST, SN.COMPLETED, "send again"),
    (SN.COMPLETED, Event.PROVISIONAL, SN.COMPLETED, ""),
    (SN.COMPLETED, Event.SUCCESS, SN.COMPLETED, ""),
    (SN.COMPLETED, Event.FAILURE, SN.COMPLETED, ""),
    (SN.COMPLETED, Event.TRANSPORT_ERROR, SN.TERMINATED, "stop, TRANSPORT_ERROR, end"),
    (SN.COMPLETED, Timer.J, SN.TERMINATED, "end"),
]


@pytest.mark.parametrize(("state", "event", "to", "expected"), ROWS)
def test_the_row(state: Enum, event: Event | Timer, to: Enum, expected: str) -> None:
    transaction = transaction_in(state)
    effects = transaction.advance(event, message_for(transaction, event))
    assert transaction.state is to
    assert ", ".join(map(shown, effects)) == expected


def test_the_rows_above_are_all_rows() -> None:
    declared = {key for kind in KINDS.values() for key in kind.TABLE}
    assert {(state, event) for state, event, _, _ in ROWS} == declared


@pytest.mark.parametrize("state", [state for states in KINDS for state in states])
def test_a_move_outside_of_the_table_is_our_bug(state: Enum) -> None:
    for event in (*Event, *Timer):
        if (state, event) not in KINDS[type(state)].TABLE:
            with pytest.raises(ImpossibleMoveError):
                transaction_in(state).advance(event)


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (CI.CALLING, Event.FAILURE, "stop, send ACK, deliver 486, D 0"),
        (CN.TRYING, Event.SUCCESS, "stop, deliver 200, K 0"),
        (SI.PROCEEDING, Event.FAILURE, "stop, send 486, H 32"),
        (SI.COMPLETED, Event.ACK, "stop, I 0"),
        (SN.TRYING, Event.SUCCESS, "send 200, J 0"),
    ],
)
def test_over_a_reliable_transport_nothing_waits_for_repetitions(state: Enum, event: Event, expected: str) -> None:
    transaction = transaction_in(state, TCP)
    assert ", ".join(map(shown, transaction.advance(event, message_for(transaction, event)))) == expected


def test_timer_a_doubles_without_limit_and_timer_e_and_g_up_to_t2() -> None:
    for state, timer, expected in (
        (CI.CALLING, Timer.A, [1, 2, 4, 8, 16]),
        (CN.TRYING, Timer.E, [1, 2, 4, 4, 4]),
        (SI.COMPLETED, Timer.G, [1, 2, 4, 4, 4]),
    ):
        transaction = transaction_in(state)
        waits = [
            effect.after_s for _ in expected for effect in transaction.advance(timer) if isinstance(effect, StartTimer)
        ]
        assert waits == expected


def test_100_is_sent_when_the_user_is_silent_for_200_ms_and_not_after_a_180() -> None:
    transaction = server_invite.ServerInvite(("key",), INVITE, UDP, INTERVALS)
    assert transaction.start() == [StartTimer(Timer.TRYING, 0.2)]
    assert shown(transaction.advance(Timer.TRYING)[0]) == "send 100"
    transaction = server_invite.ServerInvite(("key",), INVITE, UDP, INTERVALS)
    transaction.advance(Event.PROVISIONAL, Response.for_request(INVITE, 180))
    assert transaction.advance(Timer.TRYING) == []


def test_clients_start_with_their_timers_and_repeat_only_over_udp() -> None:
    started = client_invite.ClientInvite(("key",), INVITE, UDP, INTERVALS).start()
    assert started == [Send(INVITE.encode()), StartTimer(Timer.B, 32), StartTimer(Timer.A, 0.5)]
    started = client_non_invite.ClientNonInvite(("key",), OPTIONS, UDP, INTERVALS).start()
    assert started == [Send(OPTIONS.encode()), StartTimer(Timer.F, 32), StartTimer(Timer.E, 0.5)]
    assert StartTimer(Timer.A, 0.5) not in client_invite.ClientInvite(("key",), INVITE, TCP, INTERVALS).start()
    assert StartTimer(Timer.E, 0.5) not in client_non_invite.ClientNonInvite(("k",), OPTIONS, TCP, INTERVALS).start()


def test_the_ack_of_a_refusal_has_the_via_of_the_invite_and_the_to_of_the_response() -> None:
    ack = client_invite.ack_for(INVITE, Response.for_request(INVITE, 486, to_tag="theirs"))
    assert ack.encode().decode().split("\r\n")[:8] == [
        "ACK sip:bob@10.0.0.2 SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1",
        "From: <sip:a@x>;tag=1",
        "Call-ID: c",
        "Max-Forwards: 70",
        "Route: <sip:p;lr>",
        "To: <sip:b@y>;tag=theirs",
        "CSeq: 1 ACK",
    ]


def test_a_response_sent_again_is_not_encoded_again() -> None:
    transaction = server_non_invite.ServerNonInvite(("key",), OPTIONS, UDP, INTERVALS)
    (first,) = [
        e for e in transaction.advance(Event.SUCCESS, Response.for_request(OPTIONS, 200)) if isinstance(e, Send)
    ]
    (again,) = transaction.advance(Event.REQUEST, OPTIONS)
    assert isinstance(again, Send)
    assert again.data is first.data


def test_failures_are_told_as_the_statuses_of_the_rfc() -> None:
    assert (Failure.TIMEOUT.value, Failure.TRANSPORT_ERROR.value) == (408, 503)
