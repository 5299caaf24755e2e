"""Q.850 and SIP statuses, both ways."""

import pytest

from softswitch.sip.message import Request
from softswitch.sip.session.causes import CAUSE_OF, reason_header, reason_of, status_for


@pytest.mark.parametrize(
    ("cause", "status"), [(1, 404), (17, 486), (18, 408), (21, 403), (34, 503), (16, 480), (99, 480)]
)
def test_a_cause_becomes_the_status_of_rfc_3398(cause: int, status: int) -> None:
    assert status_for(cause) == status


@pytest.mark.parametrize(("status", "cause"), [(404, 1), (486, 17), (480, 18), (403, 21), (488, 65), (503, 41)])
def test_a_status_becomes_the_cause_of_rfc_3398(status: int, cause: int) -> None:
    assert CAUSE_OF[status] == cause


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['Q.850;cause=16;text="Normal"'], (16, "Normal")),
        (["SIP;cause=200;text=x, Q.850 ;cause=17"], (17, "")),
        (["SIP;cause=200", "q.850;cause=31"], (31, "")),
        (["Q.850;cause=many"], (None, "")),
        (["Q.850;cause"], (None, "")),
        (["Q.850;;"], (None, "")),
        ([], (None, "")),
    ],
)
def test_reason_is_read_whatever_stands_beside_it(lines: list[str], expected: tuple[int | None, str]) -> None:
    request = Request("BYE", "sip:x", [("Reason", line) for line in lines])
    assert reason_of(request) == expected


def test_reason_is_written_without_breaking_its_quotes() -> None:
    assert reason_header(16, 'a "b"\\') == ("Reason", "Q.850;cause=16;text=\"a 'b'\"")
