"""What a wrong password costs, and what a scanner does not learn."""

from collections.abc import Callable

import pytest

from softswitch.errors import CallRejected
from softswitch.registrar.guard import Denied
from softswitch.routing import Refused
from softswitch.settings import GuardSettings
from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer, Transport
from tests.registrar.phones import HOME, Home, Phone

ATTACKER = Peer(Transport.UDP, "203.0.113.66", 5060)
STRICT = GuardSettings(wrong_passwords=3, window_s=60, ban_s=300, slowed_s=1)


def shape(response: Response) -> tuple[int, str, list[str]]:
    """What an answer tells, but for the nonce."""
    names = [name for name, _ in response.headers]
    return response.status, response.reason, names


def test_a_challenge_offers_sha_256_first_and_md5_last_by_401() -> None:
    home = Home()
    response = home.take(Phone(home).request())
    challenges = response.headers.all("WWW-Authenticate")
    assert response.status == 401
    assert [challenge.rpartition("=")[2] for challenge in challenges] == ["SHA-256", "MD5"]
    assert all('realm="softswitch"' in challenge and 'qop="auth"' in challenge for challenge in challenges)


def test_an_old_baresip_that_gives_up_at_the_sight_of_sha_256_is_offered_md5_alone() -> None:
    home = Home()
    response = home.take(Phone(home, headers=["User-Agent: baresip v1.0.0 (x86_64/linux)"]).request())
    assert [one.rpartition("=")[2] for one in response.headers.all("WWW-Authenticate")] == ["MD5"]


def test_a_user_that_does_not_exist_gets_the_very_answers_of_a_wrong_password() -> None:
    home = Home()
    known, unknown = Phone(home, "1001", password="guess"), Phone(home, "4711", password="guess")
    assert shape(home.take(known.request(), ATTACKER)) == shape(home.take(unknown.request(), ATTACKER))
    assert shape(known.register()) == shape(unknown.register())
    assert known.register().status == 403


def test_a_wrong_password_is_to_wait_for_its_answer_whether_the_user_exists_or_not() -> None:
    home = Home(guard=STRICT)
    for username in ("1001", "4711"):
        phone = Phone(home, username, password="guess")
        first = home.take(phone.request(), ATTACKER)
        request = phone.request(challenge=first.headers.all("WWW-Authenticate")[0])
        with pytest.raises(Denied) as denied:
            home.guard.authenticate(request, ATTACKER, home.now)
        assert denied.value.after_s == 1


def test_nobody_gets_another_address_banned_by_packets_that_only_seem_to_come_from_there() -> None:
    home = Home(guard=STRICT)
    spoofing = Phone(home, password="guess")
    own = home.take(spoofing.request(), ATTACKER).headers.all("WWW-Authenticate")[0]
    invented = 'Digest realm="softswitch", nonce="AAAA", qop="auth", algorithm=SHA-256'
    for challenge in (invented, own) * 5:
        assert home.take(spoofing.request(challenge=challenge), HOME).status == 401
    assert not home.guard.is_banned(HOME, home.now)
    assert Phone(home).register().status == 200


def test_wrong_passwords_beyond_so_many_that_wait_do_not_wait_whatever_they_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("softswitch.registrar.guard.MOST_SLOWED", 2)
    home = Home(guard=GuardSettings(wrong_passwords=0))

    def waits_s(prove: Callable[[Request, Peer, float], object]) -> float:
        phone = Phone(home, password="guess")
        challenge = home.take(phone.request()).headers.all("WWW-Authenticate")[0]
        with pytest.raises(Denied) as denied:
            prove(phone.request(challenge=challenge), HOME, home.now)
        return denied.value.after_s

    both = (home.guard.authenticate, home.guard.caller)
    assert [waits_s(prove) for prove in (*both, *both)] == [1.0, 1.0, 0.0, 0.0]
    home.now += 1
    assert waits_s(home.guard.caller) == 1.0


def test_an_answer_overheard_is_of_no_use_elsewhere() -> None:
    home = Home()
    phone = Phone(home)
    phone.register()
    overheard = phone.request(phone.contact, challenge=phone.challenge)
    assert home.take(overheard, ATTACKER).status == 401
    assert home.take(overheard, HOME).status == 200


def test_a_stale_nonce_is_challenged_again_and_counts_as_no_guess() -> None:
    home = Home(guard=STRICT)
    phone = Phone(home)
    phone.register()
    for _ in range(5):
        home.now += 4000
        assert phone.register().status == 200
    assert home.guard.counts["wrong_password"] == 0
    assert home.guard.counts["stale"] == 5


def test_after_too_many_wrong_passwords_the_right_one_is_not_looked_at_for_a_while() -> None:
    home = Home(guard=STRICT)
    for _ in range(3):
        assert Phone(home, password="guess", peer=ATTACKER).register().status == 403
    assert home.guard.is_banned(ATTACKER, home.now)
    assert Phone(home, peer=ATTACKER).register().status == 403
    assert home.contacts() == []
    home.now += 301
    assert Phone(home, peer=ATTACKER).register().status == 200


def test_a_ban_answers_users_that_exist_and_those_that_do_not_alike() -> None:
    home = Home(guard=STRICT)
    for _ in range(3):
        Phone(home, password="guess", peer=ATTACKER).register()
    right, wrong, unknown = (Phone(home, peer=ATTACKER), Phone(home, password="x", peer=ATTACKER), Phone(home, "4711"))
    unknown.peer = ATTACKER
    assert shape(right.register()) == shape(wrong.register()) == shape(unknown.register())


def test_a_ban_is_of_one_address() -> None:
    home = Home(guard=STRICT)
    for _ in range(3):
        Phone(home, password="guess", peer=ATTACKER).register()
    assert Phone(home).register().status == 200


def test_a_phone_that_is_registered_from_the_address_of_a_scanner_stays_able_to_refresh() -> None:
    home = Home(guard=STRICT)
    neighbour = Phone(home, peer=ATTACKER._replace(port=40001))
    neighbour.register()
    for number in range(2000, 2010):
        Phone(home, str(number), password="guess", peer=ATTACKER).register()
    assert home.guard.is_banned(neighbour.peer, home.now)
    assert neighbour.register().status == 200
    assert Phone(home, peer=ATTACKER._replace(port=40002)).register().status == 200


def test_a_known_good_user_who_is_guessed_at_keeps_his_flow_and_loses_the_rest() -> None:
    home = Home(guard=STRICT)
    neighbour = Phone(home, peer=ATTACKER._replace(port=40001))
    neighbour.register()
    for _ in range(7):
        Phone(home, password="guess", peer=ATTACKER).register()
    assert Phone(home, peer=ATTACKER).register().status == 403
    assert neighbour.register().status == 200


def test_wrong_passwords_far_apart_are_forgotten() -> None:
    home = Home(guard=STRICT)
    for _ in range(10):
        Phone(home, password="guess", peer=ATTACKER).register()
        home.now += 31
    assert not home.guard.is_banned(ATTACKER, home.now)


def test_0_wrong_passwords_never_ban() -> None:
    home = Home(guard=GuardSettings(wrong_passwords=0))
    for _ in range(50):
        Phone(home, password="guess", peer=ATTACKER).register()
    assert Phone(home, peer=ATTACKER).register().status == 200


def test_an_ipv6_network_is_one_source() -> None:
    home = Home(guard=STRICT)
    for host in ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"):
        Phone(home, password="guess", peer=Peer(Transport.UDP, host, 5060)).register()
    assert home.guard.is_banned(Peer(Transport.UDP, "2001:db8:1:2:9::9", 5060), home.now)
    assert not home.guard.is_banned(Peer(Transport.UDP, "2001:db8:1:3::1", 5060), home.now)


def test_what_is_remembered_of_sources_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.registrar.guard.SOURCES_REMEMBERED", 5)
    home = Home(guard=STRICT)
    for host in range(20):
        Phone(home, password="guess", peer=Peer(Transport.UDP, f"203.0.113.{host}", 5060)).register()
    assert len(home.guard._sources) == 5


def test_who_authenticates_is_known_by_his_credentials_whatever_his_address_claims() -> None:
    home = Home()
    phone = Phone(home, "1002")
    first = home.take(phone.request())
    request = phone.request(challenge=first.headers.all("WWW-Authenticate")[0])
    assert home.guard.authenticate(request, HOME, home.now).username == "1002"


def test_a_replayed_request_is_challenged_again() -> None:
    home = Home()
    phone = Phone(home)
    phone.register()
    spent = phone.request(challenge=phone.challenge)
    assert home.take(spent).status == 200
    with pytest.raises(Refused) as refused:
        home.guard.authenticate(spent, ATTACKER, home.now)
    assert (refused.value.status, "stale=true" in str(refused.value.headers)) == (401, True)


def test_refusals_are_no_bugs() -> None:
    assert issubclass(Denied, CallRejected)
