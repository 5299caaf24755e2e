"""The location service by itself: groups, flows, ends."""

import random

from msgspec.structs import replace

from softswitch.plan import User
from softswitch.registrar.binding import Binding, Offered, Origin
from softswitch.registrar.location import Change, Location
from softswitch.sip.peer import Peer, Transport
from tests.registrar.phones import HOME, plan_of

ANN = User(username="1001", password="one-secret")


def offered(uri: str, *, expires_s: int = 600, q: int = 1000, instance: str = "", reg_id: int = 0) -> Offered:
    return Offered(uri, f"<{uri}>", q, expires_s, instance, reg_id)


def origin(peer: Peer = HOME, cseq: int = 1) -> Origin:
    return Origin(peer, (), "call-1", cseq, "test", is_symmetric=True)


class Watched:
    """A location service whose changes are noted."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, Change]] = []
        self.location = Location(plan_of({"1001": "a", "1002": "b"}))
        self.location.on_change = self._note

    def _note(self, binding: Binding, change: Change) -> None:
        self.changes.append((binding.uri, change))


def test_contacts_of_one_q_ring_together_and_lower_ones_later() -> None:
    it = Watched()
    for uri, q in (("sip:a@h", 500), ("sip:b@h", 1000), ("sip:c@h", 1000), ("sip:d@h", 0)):
        it.location.put("1001", offered(uri, q=q), origin(), 0.0)
    groups = [[str(target.uri) for target in group] for group in it.location.targets(ANN, 1.0)]
    assert groups == [["sip:b@h", "sip:c@h"], ["sip:a@h"], ["sip:d@h"]]


def test_a_contact_that_does_not_answer_is_called_last() -> None:
    it = Watched()
    silent = it.location.put("1001", offered("sip:a@h"), origin(), 0.0)
    it.location.put("1001", offered("sip:b@h", q=100), origin(), 0.0)
    it.location.mark(silent, is_down=True)
    groups = [[str(target.uri) for target in group] for group in it.location.targets(ANN, 1.0)]
    assert groups == [["sip:b@h"], ["sip:a@h"]]
    it.location.mark(silent, is_down=False)
    assert [change for _, change in it.changes[2:]] == [Change.DOWN, Change.UP]


def test_nobody_is_called_after_his_time_even_before_anybody_has_looked() -> None:
    it = Watched()
    it.location.put("1001", offered("sip:a@h", expires_s=60), origin(), 0.0)
    assert it.location.targets(ANN, 59.9)
    assert it.location.targets(ANN, 60.0) == []


def test_what_ends_is_told_once_and_a_refresh_moves_the_end() -> None:
    it = Watched()
    it.location.put("1001", offered("sip:a@h", expires_s=60), origin(), 0.0)
    it.location.put("1001", offered("sip:a@h", expires_s=60), origin(cseq=2), 50.0)
    assert it.location.expire(60.0) == 0
    assert it.location.expire(110.0) == 1
    assert it.location.expire(1000.0) == 0
    assert [change for _, change in it.changes] == [Change.ADDED, Change.REFRESHED, Change.EXPIRED]
    assert (len(it.location), it.location.users) == (0, 0)


def test_an_end_that_moves_back_and_forth_keeps_the_queue_short() -> None:
    it = Watched()
    for cseq in range(1000):
        it.location.put("1001", offered("sip:a@h", expires_s=3600 if cseq % 2 else 60), origin(cseq=cseq), 0.01 * cseq)
    assert len(it.location._ends) <= 3
    assert it.location.expire(3700.0) == 1


def test_who_is_behind_an_address_is_known_in_constant_time_and_follows_the_contact() -> None:
    it = Watched()
    elsewhere = HOME._replace(port=5999)
    it.location.put("1001", offered("sip:a@h"), origin(), 0.0)
    found = it.location.user_behind(HOME._replace(local_port=0))
    assert found is not None
    assert found.username == "1001"
    it.location.put("1001", offered("sip:a@h"), origin(elsewhere, 2), 0.0)
    assert it.location.user_behind(HOME) is None
    assert it.location.user_behind(elsewhere) is not None
    it.location.expire(700.0)
    assert it.location.user_behind(elsewhere) is None


def test_behind_the_address_of_a_proxy_is_no_user() -> None:
    it = Watched()
    by_path = replace(origin(), path=("<sip:192.0.2.10;lr>",))
    it.location.put("1001", offered("sip:a@h"), by_path, 0.0)
    assert it.location.user_behind(HOME) is None
    it.location.put("1001", offered("sip:a@h"), origin(cseq=2), 1.0)
    assert it.location.user_behind(HOME) is not None
    it.location.put("1001", offered("sip:a@h"), by_path, 2.0)
    assert it.location.user_behind(HOME) is None
    it.location.expire(1000.0)
    assert len(it.location) == 0


def test_a_connection_that_closes_ends_its_flow_and_leaves_other_contacts_to_their_uri() -> None:
    it = Watched()
    connection = Peer(Transport.TCP, "192.0.2.10", 51000, 5060)
    it.location.put("1001", offered("sip:a@192.0.2.10;transport=tcp", instance="i", reg_id=1), origin(connection), 0.0)
    it.location.put("1001", offered("sip:b@192.0.2.10;transport=tcp"), origin(connection), 0.0)
    assert it.location.targets(ANN, 1.0)[0][0].flow == connection
    it.location.lost(connection._replace(local_port=0))
    ((target,),) = it.location.targets(ANN, 1.0)
    assert (str(target.uri), target.flow) == ("sip:b@192.0.2.10;transport=tcp", None)
    assert [change for _, change in it.changes[2:]] == [Change.LOST, Change.DOWN]


def test_a_contact_that_says_it_is_gone_is_forgotten_and_one_that_says_nothing_is_called_last() -> None:
    it = Watched()
    for uri in ("sip:a@h", "sip:b@h", "sip:c@h"):
        it.location.put("1001", offered(uri), origin(), 0.0)
    ((a, b, c),) = it.location.targets(ANN, 1.0)
    it.location.tried(ANN, a, 430)
    it.location.tried(ANN, b, 408)
    it.location.tried(ANN, c, 486)
    groups = [[str(target.uri) for target in group] for group in it.location.targets(ANN, 1.0)]
    assert groups == [["sip:c@h"], ["sip:b@h"]]


def test_users_that_are_no_more_lose_their_contacts() -> None:
    it = Watched()
    it.location.put("1001", offered("sip:a@h"), origin(), 0.0)
    it.location.put("1002", offered("sip:b@h"), origin(), 0.0)
    it.location.adopt(plan_of({"1002": "b"}))
    assert [binding.username for binding in it.location] == ["1002"]
    assert it.changes[-1] == ("sip:a@h", Change.DELETED)


def test_ten_thousand_random_steps_leave_the_indexes_in_agreement() -> None:
    chance = random.Random(5)
    names = [str(number) for number in range(1000, 1050)]
    location = Location(plan_of(dict.fromkeys(names, "x")))
    now = 0.0
    for step in range(10_000):
        now += chance.random() * 5
        name = chance.choice(names)
        peer = Peer(Transport.UDP, f"192.0.2.{chance.randrange(8)}", 5060)
        match chance.randrange(5):
            case 0 | 1 | 2:
                wanted = offered(f"sip:{chance.randrange(3)}@h", expires_s=chance.choice((60, 600, 3600)))
                location.put(name, wanted, origin(peer, step), now)
            case 3:
                location.remove(list(location.of(name))[:1], Change.REMOVED)
            case 4:
                location.expire(now)
    location.expire(now)
    kept = list(location)
    assert kept
    assert all(binding.expires_at > now for binding in kept)
    assert sum(len(location.of(name)) for name in names) == len(kept)
    assert sum(map(len, location._behind.values())) == len(kept)
    assert all(binding in location._behind[binding.flow_key] for binding in kept)
    location.expire(now + 4000)
    assert (len(location), location._behind, location._of_user) == (0, {}, {})
