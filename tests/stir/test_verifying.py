"""Calls that come in with a statement: passed, failed or not validated, and never later than the limit."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography import x509

from softswitch.stir import Passport, Verdict, Verifier, Verstat
from softswitch.stir.fetching import FAILURE_KEPT_FOR_S, FETCH_AT_MOST_S, KEPT_FOR_S, RUNNING_AT_MOST, Fetching, Lookup
from tests.stir.authority import DAY, NOW, X5U, Authority, new_key, pem

ORIG, DEST = "12025550101", "13105550123"
IAT = int(NOW.timestamp())


class House:
    """A verifier that trusts one authority, and the web server where certificates are."""

    def __init__(
        self,
        *roots: x509.Certificate,
        served: bytes = b"",
        hosts: frozenset[str] | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        self.served, self.status, self.takes_s, self.asked = served, 200, 0.0, 0
        self.drips_every_s = 0.0
        self.headers: dict[str, str] = {}
        self.now = NOW
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._serve))
        self.fetching = Fetching(
            client, asyncio.get_running_loop().time, frozenset({"certs.example"}) if hosts is None else hosts, lookup
        )
        self.verifier = Verifier(self.fetching, roots, timeout_s=2.0, wall_clock=lambda: self.now.timestamp())

    async def _serve(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.wanted = request.headers["Accept-Encoding"]
        await asyncio.sleep(self.takes_s)
        return httpx.Response(self.status, headers=self.headers, content=self._stream())

    async def _stream(self) -> AsyncIterator[bytes]:
        if not self.drips_every_s:
            yield self.served
            return
        for byte in self.served:
            await asyncio.sleep(self.drips_every_s)
            yield bytes([byte])

    async def verdict(self, *identities: str, orig: str = ORIG, dest: str = DEST, date: str = "") -> Verdict:
        return await self.verifier.verify(list(identities), orig, dest, date)


def signed(key: object, *, orig: str = ORIG, dest: str = DEST, iat: int = IAT, attest: str = "A") -> str:
    return Passport(orig, (dest,), iat, X5U, attest, "origin-1" if attest else "").signed(key)  # type: ignore[arg-type]


async def test_a_statement_for_this_call_by_somebody_certified_passes_with_its_attestation() -> None:
    authority = Authority()
    key, chain = authority.provider("Acme Telecom")
    house = House(authority.root, served=pem(chain))
    verdict = await house.verdict(signed(key))
    assert verdict == Verdict(Verstat.PASSED, "attested A", "A", "origin-1", "Acme Telecom")


async def test_the_order_of_the_intermediates_does_not_matter_and_the_root_may_be_among_them() -> None:
    authority = Authority()
    key, chain = authority.provider()
    house = House(authority.root, served=pem([chain[0], authority.root, chain[1]]))
    assert (await house.verdict(signed(key))).verstat is Verstat.PASSED


async def test_a_call_without_a_statement_is_not_validated() -> None:
    assert (await House().verdict()).verstat is Verstat.NONE


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"orig": "12025550102"}, "another caller"),
        ({"dest": "13105550124"}, "another number"),
        ({"iat": IAT - 61}, "61 s ago"),
        ({"iat": IAT + 61}, "-61 s ago"),
    ],
)
async def test_a_statement_for_another_call_fails(other: dict[str, object], why: str) -> None:
    authority = Authority()
    key, chain = authority.provider()
    verdict = await House(authority.root, served=pem(chain)).verdict(signed(key, **other))  # type: ignore[arg-type]
    assert verdict.verstat is Verstat.FAILED
    assert why in verdict.why


async def test_a_statement_signed_with_another_key_fails() -> None:
    authority = Authority()
    _, chain = authority.provider()
    verdict = await House(authority.root, served=pem(chain)).verdict(signed(new_key()))
    assert (verdict.verstat, verdict.attest) == (Verstat.FAILED, "")
    assert "signature" in verdict.why


async def test_a_certificate_of_an_authority_we_do_not_know_fails() -> None:
    key, chain = Authority().provider()
    verdict = await House(Authority("Somebody else").root, served=pem(chain)).verdict(signed(key))
    assert verdict.verstat is Verstat.FAILED
    assert "nobody we trust has issued" in verdict.why


async def test_a_certificate_that_has_run_out_fails() -> None:
    authority = Authority()
    key, chain = authority.provider(from_=NOW - 3 * DAY, until=NOW - DAY)
    verdict = await House(authority.root, served=pem(chain)).verdict(signed(key))
    assert verdict.verstat is Verstat.FAILED
    assert "not valid now" in verdict.why


async def test_a_provider_can_not_certify_another() -> None:
    authority = Authority()
    key, chain = authority.provider()
    forged_key = new_key()
    from tests.stir.authority import certificate, name

    forged = certificate(name("forged"), forged_key, chain[0].subject, key)
    verdict = await House(authority.root, served=pem([forged, *chain])).verdict(signed(forged_key))
    assert verdict.verstat is Verstat.FAILED
    assert "may not issue" in verdict.why


async def test_one_of_several_statements_is_enough() -> None:
    authority = Authority()
    key, chain = authority.provider()
    house = House(authority.root, served=pem(chain))
    assert (await house.verdict("nonsense", signed(key))).verstat is Verstat.PASSED


async def test_a_compact_statement_takes_its_time_from_the_date_header() -> None:
    authority = Authority()
    key, chain = authority.provider()
    token, _, params = signed(key, attest="").partition(";")
    house = House(authority.root, served=pem(chain))
    date = NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert (await house.verdict(f"..{token.split('.')[2]};{params}", date=date)).verstat is Verstat.PASSED
    assert (await house.verdict(f"..{token.split('.')[2]};{params}", date="soon")).verstat is Verstat.FAILED


# ---- the certificate from elsewhere


async def test_a_server_that_is_slow_does_not_hold_the_call_beyond_the_limit() -> None:
    authority = Authority()
    key, chain = authority.provider()
    house = House(authority.root, served=pem(chain))
    house.takes_s = 4.0
    begun = asyncio.get_running_loop().time()
    verdict = await house.verdict(signed(key))
    assert (verdict.verstat, verdict.why) == (Verstat.NONE, "no certificate within 2 s")
    assert asyncio.get_running_loop().time() - begun == 2.0
    await asyncio.sleep(3)
    assert (await house.verdict(signed(key))).verstat is Verstat.PASSED
    assert house.asked == 1


async def test_a_certificate_is_fetched_once_for_many_calls_and_again_when_it_is_old() -> None:
    authority = Authority()
    key, chain = authority.provider()
    house = House(authority.root, served=pem(chain))
    house.takes_s = 0.1
    verdicts = await asyncio.gather(*(house.verdict(signed(key)) for _ in range(20)))
    assert {verdict.verstat for verdict in verdicts} == {Verstat.PASSED}
    assert house.asked == 1
    await asyncio.sleep(KEPT_FOR_S)
    await house.verdict(signed(key))
    assert house.asked == 2


@pytest.mark.parametrize(("status", "served"), [(404, b""), (302, b""), (200, b"no certificate"), (200, b"x" * 70_000)])
async def test_a_server_without_the_certificate_leaves_the_call_not_validated_and_is_left_alone_for_a_while(
    status: int, served: bytes
) -> None:
    house = House(served=served)
    house.status = status
    for _ in range(3):
        verdict = await house.verdict(signed(new_key()))
        assert verdict.verstat is Verstat.NONE
    assert house.asked == 1
    await asyncio.sleep(FAILURE_KEPT_FOR_S)
    await house.verdict(signed(new_key()))
    assert house.asked == 2


@pytest.mark.parametrize(
    "url", ["http://certs.example/c.pem", "https://127.0.0.1/c.pem", "https://[::1]/c", "file:///x"]
)
async def test_nobody_makes_us_ask_inside_our_own_network(url: str) -> None:
    house = House(hosts=frozenset())
    fetched = await house.fetching.get(url)
    assert (fetched.chain, house.asked) == ((), 0)
    assert "public host" in fetched.why_not or "https" in fetched.why_not


async def test_what_was_looked_up_is_what_is_asked_with_the_name_for_the_certificate_of_the_server() -> None:
    async def lookup(host: str) -> list[str]:
        return {"certs.example": ["93.184.216.34"]}[host]

    house = House(hosts=frozenset(), lookup=lookup)
    request = await house.fetching._request("https://Certs.example/sti.pem?v=1")
    assert str(request.url) == "https://93.184.216.34/sti.pem?v=1"
    assert (request.headers["Host"], request.extensions["sni_hostname"]) == ("certs.example", "certs.example")


async def test_where_hosts_are_named_no_other_is_asked() -> None:
    house = House()
    assert "none of stir.x5u_hosts" in (await house.fetching.get("https://other.example/c.pem")).why_not
    assert house.asked == 0


async def test_the_end_of_the_program_gives_up_what_is_being_fetched() -> None:
    house = House()
    house.takes_s = 1000.0
    asking = asyncio.create_task(house.verdict(signed(new_key())))
    await asyncio.sleep(1)
    await house.verifier.close()
    await asyncio.gather(asking, return_exceptions=True)
    assert not house.fetching._running


async def test_a_server_that_sends_a_byte_now_and_then_is_given_up() -> None:
    house = House(served=b"x" * 60_000)
    house.drips_every_s = 1.0
    begun = asyncio.get_running_loop().time()
    fetched = await house.fetching.get(X5U)
    assert fetched.why_not == "took longer than 10 s"
    assert asyncio.get_running_loop().time() - begun == FETCH_AT_MOST_S
    assert not house.fetching._running


async def test_a_name_server_that_says_nothing_is_given_up() -> None:
    async def lookup(_: str) -> list[str]:
        await asyncio.sleep(1000)
        return []

    house = House(hosts=frozenset(), lookup=lookup)
    assert (await house.fetching.get(X5U)).why_not == "took longer than 10 s"


async def test_no_more_than_so_many_certificates_are_fetched_at_once() -> None:
    house = House()
    house.takes_s = 5.0
    asking = [asyncio.create_task(house.fetching.get(f"{X5U}?{n}")) for n in range(RUNNING_AT_MOST)]
    await asyncio.sleep(1)
    assert "others are being fetched" in (await house.fetching.get(f"{X5U}?more")).why_not
    assert house.asked == RUNNING_AT_MOST
    await asyncio.gather(*asking)
    assert "others" not in (await house.fetching.get(f"{X5U}?more")).why_not


async def test_a_certificate_that_comes_compressed_is_not_inflated() -> None:
    house = House(served=gzip.compress(b"x" * 50_000_000))
    house.headers = {"Content-Encoding": "gzip"}
    assert (await house.fetching.get(X5U)).why_not == "is encoded (gzip)"
    assert house.wanted == "identity"
