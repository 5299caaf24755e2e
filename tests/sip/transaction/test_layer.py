"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3)."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer, Transport
from softswitch.sip.transaction.layer import Layer, server_key
from softswitch.sip.transaction.machine import Event, Intervals, Send, Timer

PEER = Peer(Transport.UDP, "10.0.0.2", 5060)


def request(
    method: str, branch: str = "z9hG4bK1", sent_by: str = "10.0.0.1", to: str = "", cseq: str = "1 INVITE"
) -> Request:
    cseq = f"{cseq.split()[0]} {method}"
    message = parse(
        f"{method} sip:bob@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP {sent_by};branch={branch}\r\n"
        f"From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>{to}\r\nCall-ID: c\r\nCSeq: {cseq}\r\n\r\n".encode()
    )
    assert isinstance(message, Request)
    return message


def test_a_request_that_comes_again_and_its_ack_find_their_transaction() -> None:
    layer = Layer(Intervals())
    transaction = layer.open_server(request("INVITE"), PEER)
    assert layer.server_for(request("INVITE")) is transaction
    assert layer.server_for(request("ACK", to=";tag=x")) is transaction
    assert layer.cancelled_by(request("CANCEL")) is transaction
    assert layer.server_for(request("CANCEL")) is None


def test_another_branch_sent_by_or_method_is_another_transaction() -> None:
    layer = Layer(Intervals())
    layer.open_server(request("INVITE"), PEER)
    assert layer.server_for(request("INVITE", branch="z9hG4bK2")) is None
    assert layer.server_for(request("INVITE", sent_by="10.0.0.1:5070")) is None
    assert layer.server_for(request("OPTIONS")) is None


def test_without_the_magic_cookie_the_rules_of_rfc_2543_hold() -> None:
    layer = Layer(Intervals())
    transaction = layer.open_server(request("INVITE", branch="1"), PEER)
    assert layer.server_for(request("INVITE", branch="1")) is transaction
    assert layer.server_for(request("ACK", branch="1", to=";tag=ours")) is transaction
    assert layer.server_for(request("INVITE", branch="1", cseq="2 INVITE")) is None


def test_a_response_finds_its_transaction_by_branch_and_method() -> None:
    layer = Layer(Intervals())
    invite = request("INVITE")
    transaction = layer.open_client(invite, PEER)
    assert layer.client_for(Response.for_request(invite, 200)) is transaction
    assert layer.client_for(Response.for_request(request("CANCEL"), 200)) is None


def test_the_same_request_on_another_path_is_merged() -> None:
    layer = Layer(Intervals())
    transaction = layer.open_server(request("INVITE"), PEER)
    assert layer.open_server(request("INVITE", branch="z9hG4bKother"), PEER).is_merged
    assert not layer.open_server(request("INVITE", branch="z9hG4bKother", cseq="2 INVITE"), PEER).is_merged
    layer.forget(transaction)
    assert not layer.open_server(request("INVITE", branch="z9hG4bKagain"), PEER).is_merged


def test_what_is_over_is_forgotten_and_answered_no_more() -> None:
    layer = Layer(Intervals())
    transaction = layer.open_server(request("OPTIONS"), PEER)
    ok = Response.for_request(transaction.request, 200)
    layer.respond(transaction, ok)
    layer.advance(transaction, Timer.J)
    assert len(layer) == 0
    assert layer.respond(transaction, ok) == []
    client = layer.open_client(request("INVITE"), PEER)
    layer.advance(client, Event.TRANSPORT_ERROR)
    assert not layer.is_alive(client)


def test_a_request_that_was_answered_is_let_go_and_its_repeat_gets_the_same_bytes() -> None:
    layer = Layer(Intervals())
    transaction = layer.open_server(request("OPTIONS"), PEER)
    layer.respond(transaction, Response.for_request(transaction.request, 200))
    assert transaction.is_spent
    assert not hasattr(transaction, "request")
    assert layer.server_for(request("OPTIONS")) is transaction
    assert layer.advance(transaction, Event.REQUEST, request("OPTIONS")) == [Send(transaction.data)]


def test_of_an_answered_request_the_answer_is_left_for_repeats_and_for_other_paths_until_its_time_is_over() -> None:
    layer = Layer(Intervals())
    transaction = layer.open_server(request("OPTIONS"), PEER)
    layer.respond(transaction, Response.for_request(transaction.request, 200))
    layer.keep_answer(transaction, until=32.0)
    assert (len(layer), layer.unspent, layer.spent, layer.at_work()) == (1, 0, 1, [])
    assert layer.server_for(request("OPTIONS")) is None
    assert layer.answers.get(server_key(request("OPTIONS"), "OPTIONS")) == transaction.data
    assert layer.open_server(request("OPTIONS", branch="z9hG4bKother"), PEER).is_merged
    layer.answers.end(31.9)
    assert layer.answers.next_at() == 32.0
    layer.answers.end(32.0)
    assert (layer.spent, layer.answers.next_at(), layer.answers.merge_keys) == (0, None, set())
    assert layer.answers.get(transaction.key) is None


def test_a_call_that_is_over_is_no_work_that_waits_whatever_its_transactions_went_through() -> None:
    """Counted wrongly, 50,000 calls after its start a switch refused every new one as if it were overloaded."""
    layer = Layer(Intervals())
    for number in range(3):
        invite = layer.open_server(request("INVITE", branch=f"z9hG4bK{number}"), PEER)
        assert layer.unspent == 1
        layer.respond(invite, Response.for_request(invite.request, 200))
        layer.spend(invite)
        layer.spend(invite)
        assert (layer.unspent, layer.at_work()) == (0, [])
        layer.advance(invite, Timer.L)
        layer.spend(invite)
        assert (layer.unspent, len(layer)) == (0, 0)


@pytest.mark.parametrize("broken", ["From", "To"])
def test_a_request_whose_from_or_to_can_t_be_read_leaves_no_transaction_behind(broken: str) -> None:
    layer, odd = Layer(Intervals()), request("INVITE")
    odd.headers.set(broken, "<sip:")
    with pytest.raises(PeerError):
        layer.open_server(odd, PEER)
    assert len(layer) == 0
