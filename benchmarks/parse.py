"""How many SIP messages a second does one core read and write?

    python -m benchmarks.parse [--json PATH] [--rounds N]

Each figure is the best of several rounds, microseconds a message. The standard library's e-mail parser reads the
headers and body of the same message (without the start line, which it doesn't know) in the same rounds: the ratio to
it is what holds on another machine.
"""

import argparse
import email
import email.policy
import timeit
from collections.abc import Callable

from benchmarks.messages import MESSAGES
from benchmarks.report import Report
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse

CALLS_PER_ROUND = 2000
COLUMNS = (
    "message",
    "bytes",
    "parse µs",
    "parse + 5 headers µs",
    "encode µs",
    "parse per s",
    "e-mail (compat32) µs",
    "e-mail (SMTP policy) µs",
    "parse / e-mail",
)


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--json", default="parse", help="a path, or a bare name in benchmarks/results")
    options.add_argument("--rounds", type=int, default=7, help="the best of so many rounds counts")
    given = options.parse_args()
    report = Report("How many SIP messages a second does one core read and write?", COLUMNS)
    for name, data in MESSAGES.items():
        report.row(name, len(data), *measure(data, given.rounds))
    report.note("parse: bytes to message, start line, CSeq and Content-Length checked, the other headers still text")
    report.note("5 headers: topmost Via, From, To, Call-ID and CSeq read as values")
    report.note(f"answer to an INVITE, built and encoded: {response_us(given.rounds):.3g} µs")
    report.show()
    report.write(given.json)


def measure(data: bytes, rounds: int) -> tuple[float, ...]:
    """The figures of one row behind its name and size, in the order of `COLUMNS`."""
    message = parse(data)
    mail = data.partition(b"\r\n")[2]
    parse_us = best_us(lambda: parse(data), rounds)
    email_us = best_us(lambda: email.message_from_bytes(mail), rounds)
    return (
        parse_us,
        best_us(lambda: read(parse(data)), rounds),
        best_us(message.encode, rounds),
        1e6 / parse_us,
        email_us,
        best_us(lambda: email.message_from_bytes(mail, policy=email.policy.SMTP), rounds),
        parse_us / email_us,
    )


def response_us(rounds: int) -> float:
    """What building and encoding a 180 to an INVITE costs."""
    invite = parse(MESSAGES["INVITE of a softphone"])
    assert isinstance(invite, Request)
    return best_us(lambda: Response.for_request(invite, 180, to_tag="d4c3b2a1").encode(), rounds)


def read(message: Request | Response) -> object:
    """Ask for the five headers every transaction and dialog needs."""
    return message.via, message.from_, message.to, message.call_id, message.cseq


def best_us(work: Callable[[], object], rounds: int) -> float:
    """The fastest of `rounds`, in microseconds a call."""
    return min(timeit.repeat(work, number=CALLS_PER_ROUND, repeat=rounds)) / CALLS_PER_ROUND * 1e6


if __name__ == "__main__":
    main()
