"""The challenge for who has not proved anything yet: of it nothing is kept, whoever asks and however often."""

import pytest

from tests.registrar.house import HERE, House, house

REGISTER = (
    "REGISTER sip:{here} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.{n}:5060;branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n"
    "From: <sip:1001@{here}>;tag=f\r\nTo: <sip:1001@{here}>\r\nCall-ID: {n}\r\nCSeq: 1 REGISTER\r\n"
    "Contact: <sip:1001@10.0.0.{n}>\r\n{more}Content-Length: 0\r\n\r\n"
)


async def asked(home: House, *, n: int = 2, times: int = 1, more: str = "", method: str = "REGISTER") -> list[str]:
    """What so many copies of a request without credentials are answered."""
    socket = home.wire.datagrams(f"10.0.0.{n}", 5060)
    text = REGISTER.format(here=HERE, n=n, more=more).replace("REGISTER", method)
    for _ in range(times):
        socket.send(text.encode(), HERE, 5060)
    answers = [(await socket.received())[0].decode() for _ in range(times)]
    socket.close()
    return answers


@pytest.mark.parametrize("method", ["REGISTER", "SUBSCRIBE"])
async def test_a_flood_of_senders_who_prove_nothing_leaves_nothing_behind(method: str) -> None:
    async with house() as home:
        for n in range(2, 200):
            (answer,) = await asked(home, n=n, method=method, more="Event: presence\r\n")
            assert answer.startswith("SIP/2.0 401 Unauthorized\r\n")
        assert home.stack.counts()["transactions"] == 0
        assert home.phones.guard.counts["challenged"] == 198


async def test_an_answer_to_no_challenge_of_ours_leaves_nothing_behind_either() -> None:
    digest = 'username="1001", realm="softswitch", nonce="x", uri="sip:10.0.0.1", response="y", algorithm=MD5'
    async with house() as home:
        answers = await asked(home, times=3, more=f"Authorization: Digest {digest}\r\n")
        assert all(answer.startswith("SIP/2.0 401 ") and "stale=true" in answer for answer in answers)
        assert home.stack.counts()["transactions"] == 0
        assert home.phones.guard.counts == {"stale": 3}


async def test_a_request_that_comes_again_is_challenged_again_with_the_same_tag() -> None:
    async with house() as home:
        answers = await asked(home, times=3)
        tags = {line for answer in answers for line in answer.split("\r\n") if line.startswith("To:")}
        nonces = {line for answer in answers for line in answer.split("\r\n") if "algorithm=MD5" in line}
        assert (len(tags), len(nonces)) == (1, 3)
        assert ";tag=" in tags.pop()
        assert home.phones.answers == {401: 3}


async def test_what_it_requires_and_we_do_not_have_is_told_before() -> None:
    async with house() as home:
        (answer,) = await asked(home, more="Require: gruu\r\n")
        assert answer.startswith("SIP/2.0 420 Bad Extension\r\n")
        assert "Unsupported: gruu\r\n" in answer


async def test_the_strongest_algorithm_is_offered_first_each_on_a_line_of_its_own() -> None:
    async with house() as home:
        (answer,) = await asked(home)
        offered = [
            line.rpartition("=")[2] for line in answer.split("\r\n") if line.startswith("WWW-Authenticate: Digest ")
        ]
        assert offered == ["SHA-256", "MD5"]
        (answer,) = await asked(home, n=3, more="User-Agent: baresip v1.0.0 (x86_64/Linux)\r\n")
        offered = [
            line.rpartition("=")[2] for line in answer.split("\r\n") if line.startswith("WWW-Authenticate: Digest ")
        ]
        assert offered == ["MD5"]
