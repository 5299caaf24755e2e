"""Digest authentication: the examples of the RFCs, both sides against each other, and what an attacker tries."""

import hashlib
from collections.abc import Iterator
from itertools import count

import pytest

from softswitch.errors import PeerError
from softswitch.sip.digest import Challenger, Credentials, Verdict, answer, challenges_of
from softswitch.sip.headers import AuthValue
from softswitch.sip.message import Request, Response

ALICE = Credentials("alice", 'p:ä"\\')
PASSWORDS = {"alice": ALICE.password, "bob": "secret"}
MUFASA = Credentials("Mufasa", "Circle of Life")
URI = "sip:example.com"
GIVEN = 'Digest username="alice", realm="example.com", nonce="n", uri="u", response="r"'


@pytest.fixture
def challenger() -> Challenger:
    return Challenger("example.com", b"a secret of ours")


def request_with(authorization: str, header: str = "Authorization", method: str = "REGISTER") -> Request:
    return Request(method, URI, [(header, authorization)])


def answered(challenges: list[str], credentials: Credentials = ALICE, method: str = "REGISTER", nc: int = 1) -> Request:
    name, value = answer(challenges, credentials, method, URI, cnonce="0a4f113b", nc=nc)
    return request_with(value, name, method)


def response_of(value: str) -> str:
    return AuthValue.parse(value).params["response"]


# The examples of the RFCs are HTTP's, the arithmetic is the same.
HTTP = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
)


@pytest.mark.parametrize(
    ("challenge", "response"),
    [
        (f"{HTTP}, algorithm=MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (f"{HTTP}, algorithm=SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(challenge: str, response: str) -> None:
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    _, value = answer([challenge], Credentials("Mufasa", "Circle of Life"), "GET", "/dir/index.html", cnonce=cnonce)
    assert response_of(value) == response


def test_the_example_of_rfc_2617() -> None:
    challenge = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    name, value = answer(
        [challenge], Credentials("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", cnonce="0a4f113b"
    )
    assert (name, response_of(value)) == ("Authorization", "6629fae49393a05397450978507c4ef1")
    assert AuthValue.parse(value).params["opaque"] == "5ccc069c403ebaf9f0171e9517f40e41"
    assert "nc=00000001" in value


def test_the_example_of_rfc_2069() -> None:
    """With the digest of RFC 2617, which corrects the one printed there."""
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    _, value = answer([challenge], Credentials("Mufasa", "CircleOfLife"), "GET", "/dir/index.html", cnonce="x")
    assert response_of(value) == "1949323746fe6a43ef61f9606e7febea"
    assert "qop" not in value


@pytest.mark.parametrize(
    ("algorithm", "qop"), [("MD5-sess", "auth"), ("MD5", "auth-int"), ("SHA-256-sess", "auth-int")]
)
def test_session_algorithms_and_body_protection(algorithm: str, qop: str) -> None:
    hash_ = hashlib.md5 if algorithm.startswith("MD5") else hashlib.sha256

    def h(text: str) -> str:
        return hash_(text.encode()).hexdigest()

    _, value = answer(
        [f'Digest realm="r", nonce="n", algorithm={algorithm}, qop="{qop}"'],
        Credentials("u", "p"),
        "INVITE",
        "sip:x",
        b"v=0",
        cnonce="c",
        nc=2,
    )
    ha1 = h("u:r:p")
    if algorithm.endswith("-sess"):
        ha1 = h(f"{ha1}:n:c")
    ha2 = h("INVITE:sip:x" + (f":{h('v=0')}" if qop == "auth-int" else ""))
    assert response_of(value) == h(f"{ha1}:n:00000002:c:{qop}:{ha2}")


def test_a_challenge_offers_sha_256_first_and_md5_last(challenger: Challenger) -> None:
    """Phones that know MD5 alone answer the last line, whatever it says."""
    algorithms = [AuthValue.parse(value).params["algorithm"] for value in challenger.challenge(0.0)]
    assert algorithms == ["SHA-256", "MD5"]


def test_the_strongest_algorithm_is_answered_whatever_the_order(challenger: Challenger) -> None:
    for challenges in (challenger.challenge(0.0), challenger.challenge(0.0)[::-1]):
        _, value = answer(["Basic x=y", "nonsense/", *challenges], ALICE, "REGISTER", URI, cnonce="c")
        assert "algorithm=SHA-256" in value


@pytest.mark.parametrize(
    "challenges",
    [
        [],
        ['Basic realm="x"'],
        ['Digest realm="x", nonce="y", algorithm=SHA-512'],
        ['Digest realm="x", nonce="y", qop="new"'],
        ['Digest realm="x"'],
    ],
)
def test_a_challenge_we_do_not_know_is_not_answered(challenges: list[str]) -> None:
    with pytest.raises(PeerError):
        answer(challenges, ALICE, "REGISTER", URI, cnonce="c")


def test_a_407_is_answered_in_its_own_header() -> None:
    response = Response(407, headers=[("Proxy-Authenticate", 'Digest realm="x", nonce="y"'), ("WWW-Authenticate", "z")])
    name, challenges = challenges_of(response)
    assert (name, challenges) == ("Proxy-Authorization", ['Digest realm="x", nonce="y"'])
    assert answer(challenges, ALICE, "INVITE", URI, cnonce="c", header_name=name)[0] == "Proxy-Authorization"
    assert challenges_of(Response(401, headers=[("WWW-Authenticate", "z")])) == ("Authorization", ["z"])


@pytest.mark.parametrize("algorithm", [0, 1])
def test_a_right_answer_is_ok(challenger: Challenger, algorithm: int) -> None:
    request = answered([challenger.challenge(1000.0)[algorithm]])
    assert challenger.verify(request, PASSWORDS.get, 1001.0) is Verdict.OK
    assert challenger.username(request) == "alice"


def test_a_right_answer_in_proxy_authorization_is_ok(challenger: Challenger) -> None:
    _, value = answer(challenger.challenge(0.0), ALICE, "INVITE", URI, cnonce="c")
    other = 'Digest username="alice", realm="elsewhere", nonce="x", uri="x", response="x"'
    request = Request("INVITE", URI, [("Authorization", other), ("Proxy-Authorization", value)])
    assert challenger.verify(request, PASSWORDS.get, 1.0) is Verdict.OK


def test_a_phone_that_knows_no_qop_may_still_answer_md5(challenger: Challenger) -> None:
    """pyVoIP answers by RFC 2069 although qop was offered."""
    sha256, md5 = [value.replace(', qop="auth"', "") for value in challenger.challenge(0.0)]
    assert challenger.verify(answered([md5]), PASSWORDS.get, 1.0) is Verdict.OK
    assert challenger.verify(answered([sha256]), PASSWORDS.get, 1.0) is Verdict.NONE


def test_an_answer_without_qop_can_not_be_replayed(challenger: Challenger) -> None:
    request = answered([challenger.challenge(0.0)[1].replace(', qop="auth"', "")])
    verdicts = [challenger.verify(request, PASSWORDS.get, 1.0) for _ in range(3)]
    assert verdicts == [Verdict.OK, Verdict.STALE, Verdict.STALE]


@pytest.mark.parametrize(
    ("called", "verdict"),
    [
        ("sip:example.com", Verdict.OK),
        ("sip:EXAMPLE.com:5060;transport=tcp", Verdict.OK),
        ("sip:19005551234@example.com", Verdict.NONE),
        ("sip:other.example", Verdict.NONE),
    ],
)
def test_an_answer_for_another_request_uri_is_none(challenger: Challenger, called: str, verdict: Verdict) -> None:
    name, value = answer(challenger.challenge(0.0), ALICE, "INVITE", URI, cnonce="c")
    assert challenger.verify(Request("INVITE", called, [(name, value)]), PASSWORDS.get, 1.0) is verdict


def test_an_answer_from_another_address_than_was_challenged_is_stale(challenger: Challenger) -> None:
    request = answered(challenger.challenge(0.0, source="192.0.2.10"))
    assert challenger.verify(request, PASSWORDS.get, 1.0, "198.51.100.7") is Verdict.STALE
    assert challenger.verify(request, PASSWORDS.get, 1.0, "192.0.2.10") is Verdict.OK


@pytest.mark.parametrize("password", [ALICE.password, "guess"])
def test_a_nonce_that_is_not_ours_tells_nothing_about_a_password(challenger: Challenger, password: str) -> None:
    foreign = Challenger("example.com", b"another secret").challenge(1000.0)
    for challenges in (challenger.challenge(0.0), foreign):
        request = answered(challenges, Credentials("alice", password))
        assert challenger.verify(request, PASSWORDS.get, 1000.0) is Verdict.STALE


@pytest.mark.parametrize(
    "credentials", [Credentials("alice", "wrong"), Credentials("bob", ALICE.password), Credentials("nobody", "")]
)
def test_a_wrong_password_or_user_is_wrong(challenger: Challenger, credentials: Credentials) -> None:
    request = answered(challenger.challenge(0.0), credentials)
    assert challenger.verify(request, PASSWORDS.get, 1.0) is Verdict.WRONG


def test_an_answer_for_another_method_is_wrong(challenger: Challenger) -> None:
    request = answered(challenger.challenge(0.0), method="REGISTER")
    request.method = "INVITE"
    assert challenger.verify(request, PASSWORDS.get, 1.0) is Verdict.WRONG


@pytest.mark.parametrize(
    "value",
    [
        "NoOneKnows a=b",
        "Digest nonsense",
        'Digest username="alice", realm="other", nonce="n", uri="u", response="r"',
        'Digest username="alice", realm="example.com", nonce="n", uri="u"',
        f"{GIVEN}, algorithm=SHA-1",
        'Digest username="alice", realm="example.com", nonce="n", uri="u", response="é"',
        f'{GIVEN}, qop=auth, cnonce="c", nc=1',
        f'{GIVEN}, qop=auth, cnonce="c", nc=00000000',
        f"{GIVEN}, qop=auth, nc=00000001",
        f'{GIVEN}, qop=auth-int, cnonce="c", nc=00000001',
    ],
)
def test_credentials_that_can_not_be_checked_are_as_none(challenger: Challenger, value: str) -> None:
    assert challenger.verify(request_with(value), PASSWORDS.get, 1.0) is Verdict.NONE
    assert challenger.username(request_with(value)) is None


def test_an_old_nonce_is_stale_and_the_new_challenge_says_so(challenger: Challenger) -> None:
    request = answered(challenger.challenge(1000.0))
    assert challenger.verify(request, PASSWORDS.get, 1301.0) is Verdict.STALE
    assert all("stale=true" in value for value in challenger.challenge(1301.0, stale=True))


@pytest.mark.parametrize("nonce", ["n", "", "x" * 35, "é", "=" * 5, "AAAA" * 9])
def test_a_nonce_we_never_issued_is_stale_for_who_knows_the_password(challenger: Challenger, nonce: str) -> None:
    request = answered([f'Digest realm="example.com", nonce="{nonce}", qop="auth", algorithm=SHA-256'])
    assert challenger.verify(request, PASSWORDS.get, 1.0) is Verdict.STALE


def test_nonces_are_good_for_their_own_realm_and_secret_only() -> None:
    one = Challenger("example.com", b"secret")
    nonce = AuthValue.parse(one.challenge(5.0)[0]).params["nonce"]
    challenge = f'Digest realm="{{}}", nonce="{nonce}", qop="auth", algorithm=SHA-256'
    for other, verdict in (
        (Challenger("example.com", b"secret"), Verdict.OK),
        (Challenger("example.com", b"other"), Verdict.STALE),
        (Challenger("example.org", b"secret"), Verdict.STALE),
    ):
        assert other.verify(answered([challenge.format(other.realm)]), PASSWORDS.get, 6.0) is verdict


def test_no_two_challenges_share_a_nonce(challenger: Challenger) -> None:
    assert len({challenger.challenge(1.0)[0] for _ in range(100)}) == 100


def test_a_replayed_nonce_count_is_stale_and_later_ones_are_not(challenger: Challenger) -> None:
    challenges = challenger.challenge(0.0)
    verdicts = [
        challenger.verify(answered(challenges, nc=nc), PASSWORDS.get, 1.0) for nc in (1, 1, 3, 2, 2, 70, 7, 6, 3, 71)
    ]
    ok, stale = Verdict.OK, Verdict.STALE
    assert verdicts == [ok, stale, ok, ok, stale, ok, ok, stale, stale, ok]


def test_of_the_counts_below_the_highest_the_63_next_are_good_once_each(challenger: Challenger) -> None:
    challenges = challenger.challenge(0.0)
    counts = (1, 0xFFFFFF00, 0xFFFFFF00 - 63, 0xFFFFFF00 - 64, 0xFFFFFF00 - 63, 0xFFFFFFFF)
    verdicts = [challenger.verify(answered(challenges, nc=nc), PASSWORDS.get, 1.0) for nc in counts]
    ok, stale = Verdict.OK, Verdict.STALE
    assert verdicts == [ok, ok, ok, stale, stale, ok]


def test_nonce_counts_are_remembered_in_bounded_memory() -> None:
    challenger = Challenger("example.com", b"a secret of ours", nonces_remembered=3)
    times: Iterator[int] = count(1)
    requests = [answered(challenger.challenge(next(times))) for _ in range(5)]
    unused = answered(challenger.challenge(0.5))
    assert [challenger.verify(request, PASSWORDS.get, 10.0) for request in requests] == [Verdict.OK] * 5
    assert [challenger.verify(request, PASSWORDS.get, 10.0) for request in requests] == [Verdict.STALE] * 5
    assert challenger.verify(unused, PASSWORDS.get, 10.0) is Verdict.STALE  # it might be one of the forgotten


def test_a_wrong_password_is_never_remembered() -> None:
    challenger = Challenger("example.com", b"a secret of ours", nonces_remembered=1)
    good = answered(challenger.challenge(1.0))
    assert challenger.verify(good, PASSWORDS.get, 2.0) is Verdict.OK
    for now in range(3, 10):
        bad = answered(challenger.challenge(now), Credentials("alice", "guess"))
        assert challenger.verify(bad, PASSWORDS.get, now) is Verdict.WRONG
    assert challenger.verify(answered(challenger.challenge(0.9), nc=1), PASSWORDS.get, 10.0) is Verdict.OK


def test_one_algorithm_alone_for_a_phone_that_fails_at_the_sight_of_another(challenger: Challenger) -> None:
    assert [challenge.rpartition("=")[2] for challenge in challenger.challenge(1.0, only="MD5")] == ["MD5"]
    strong = Challenger("example.com", b"a secret of ours", ("SHA-256",))
    assert [challenge.rpartition("=")[2] for challenge in strong.challenge(1.0, only="MD5")] == ["SHA-256"]


def test_credentials_keep_the_password_out_of_logs() -> None:
    assert "secret" not in repr(Credentials("bob", "secret"))
