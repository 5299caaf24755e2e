"""What a server looks at before it works on a request: the headers its refusals carry, and what it lets pass."""

from softswitch.sip.message import Request
from softswitch.sip.validation import Capabilities, Rejection, check_request

OURS = Capabilities(methods=("INVITE", "ACK"), extensions=("timer",), content_types=("application/sdp",))
HEADERS = (
    ("Via", "SIP/2.0/UDP h;branch=z9hG4bK1"),
    ("From", "<sip:a@b>;tag=1"),
    ("To", "<sip:b@b>"),
    ("Call-ID", "x"),
    ("CSeq", "1 INVITE"),
)


def verdict(*headers: tuple[str, str], method: str = "INVITE", body: bytes = b"") -> Rejection | None:
    return check_request(Request(method, "sip:b@b", [*HEADERS, *headers], body), OURS)


def test_405_and_501_say_what_is_allowed() -> None:
    allow = (("Allow", "INVITE, ACK"),)
    assert verdict(method="BYE") == Rejection(405, "Method Not Allowed", allow)
    assert verdict(method="bye") == Rejection(501, "Not Implemented", allow)


def test_415_says_what_is_accepted() -> None:
    rejection = verdict(("Content-Type", "text/plain"), body=b"x")
    assert rejection == Rejection(415, "Unsupported Media Type", (("Accept", "application/sdp"),))
    assert verdict(body=b"x") == rejection
    assert verdict(("c", "application/sdp"), ("e", "gzip"), body=b"x") == Rejection(
        415, "Unsupported Media Type", (("Accept-Encoding", "identity"),)
    )


def test_a_body_we_may_ignore_is_no_reason_to_refuse() -> None:
    assert verdict(("c", "text/plain"), ("Content-Disposition", "render; handling=optional"), body=b"x") is None


def test_extensions_are_compared_without_case_and_only_the_unknown_are_named() -> None:
    assert verdict(("Require", "TIMER")) is None
    assert verdict(("Require", "timer, x"), ("Proxy-Require", "y")) == Rejection(
        420, "Bad Extension", (("Unsupported", "x, y"),)
    )


def test_accept_with_a_wildcard_takes_sdp() -> None:
    assert verdict(("Accept", "text/plain, application/*;q=0.5")) is None
    assert verdict(("Accept", "*/*")) is None
    assert verdict(("Accept", "")) == Rejection(406, "Not Acceptable")


def test_an_invite_with_contact_star_is_malformed() -> None:
    rejection = verdict(("Contact", "*"))
    assert rejection is not None
    assert rejection.status == 400


def test_a_tel_request_uri_is_understood() -> None:
    assert check_request(Request("INVITE", "tel:+12015550123", HEADERS), OURS) is None


def test_the_capabilities_as_headers() -> None:
    assert OURS.headers() == [("Allow", "INVITE, ACK"), ("Accept", "application/sdp"), ("Supported", "timer")]
