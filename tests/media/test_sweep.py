"""The sweep over real sockets of this machine: who is read, who is sent to, who is kept out."""

import socket
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from media.pool import KEPT_TICKS, LONGEST_BYTES, NO_SLOT, Pool
from media.socket_sweep import DRIFT_TURNS, FEW_ROWS, MAX_BACKLOG, TURN_TICKS, SocketSweep


def udp(port: int = 0) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", port))
    return sock


def udp_at_a_named_port() -> socket.socket:
    """As streams have it; a port that the kernel chose would be lost when the source is unlocked."""
    with udp() as sock:
        port = sock.getsockname()[1]
    return udp(port)


class Legs:
    """Far ends and a sweep with one row each."""

    def __init__(self, count: int) -> None:
        self.pool = Pool(max(8, count))
        self.drops: Counter[str] = Counter()
        self.sweep = SocketSweep(self.pool, self.drops)
        self.far = [udp() for _ in range(count)]
        self.near = [udp_at_a_named_port() for _ in range(count)]
        self.addresses = [sock.getsockname() for sock in self.near]
        for row, sock in enumerate(self.near):
            self.sweep.open(row, sock.detach(), udp().detach())

    def close(self) -> None:
        self.sweep.stop()
        for sock in self.far:
            sock.close()

    def follow(self, row: int) -> None:
        self.sweep.lock(row, self.far[row].getsockname())
        self.sweep.follow(row)
        self.sweep.sweep()

    def say(self, row: int, data: bytes) -> None:
        self.far[row].sendto(data, self.addresses[row])


Make = Callable[[int], Legs]


@pytest.fixture
def make_legs() -> Iterator[Make]:
    made: list[Legs] = []

    def make(count: int) -> Legs:
        made.append(Legs(count))
        return made[-1]

    yield make
    for legs in made:
        legs.close()


def test_a_sweep_brings_one_packet_of_each_row_that_has_one(make_legs: Make) -> None:
    legs = make_legs(3)
    for row in range(3):
        legs.follow(row)
    legs.say(0, b"zero")
    legs.say(2, b"second")
    assert legs.sweep.sweep() == []
    assert legs.sweep.lengths[:3].tolist() == [4, 0, 6]
    assert bytes(legs.pool.packet(2)[:6]) == b"second"


def test_what_a_row_missed_is_caught_up_by_further_reads(make_legs: Make) -> None:
    legs = make_legs(1)
    legs.follow(0)
    for _ in range(3):
        legs.sweep.sweep()
    for number in range(4):
        legs.say(0, bytes((number,)))
    further = legs.sweep.sweep()
    assert [data for _, data in further] == [b"\x01", b"\x02", b"\x03"]


def test_a_row_that_is_one_packet_behind_is_read_twice_in_its_turn_only(make_legs: Make) -> None:
    legs = make_legs(1)
    legs.follow(0)
    legs.sweep.sweep()
    legs.say(0, b"a moment too late")
    further = []
    for _ in range(TURN_TICKS):
        legs.say(0, b"in time")
        further += legs.sweep.sweep()
    assert further == [(0, b"in time")]


def test_a_row_whose_clock_is_faster_than_ours_is_read_to_its_end_now_and_then(make_legs: Make) -> None:
    legs = make_legs(1)
    legs.follow(0)
    legs.say(0, b"one too many")
    further = []
    for _ in range(DRIFT_TURNS * TURN_TICKS):
        legs.say(0, b"in time")
        further += legs.sweep.sweep()
    assert further == [(0, b"in time")]


def test_many_rows_that_a_stall_left_behind_are_read_together(make_legs: Make) -> None:
    count = FEW_ROWS + 2
    legs = make_legs(count)
    for row in range(count):
        legs.follow(row)
    for number in range(3):
        for row in range(count):
            legs.say(row, bytes((number, row)))
    assert legs.sweep.sweep(missed_ticks=2) == []
    came = []
    while len(legs.sweep.behind):
        legs.sweep.sweep_again()
        came.append({int(legs.pool.packet(row)[0]) for row in np.flatnonzero(legs.sweep.lengths)})
    assert came == [{1}, {2}, set()]


def test_rows_that_leave_do_not_disturb_the_others(make_legs: Make) -> None:
    legs = make_legs(5)
    for row in range(5):
        legs.follow(row)
        legs.sweep.set_sending(row, True)
    legs.sweep.out[:, 4] = np.arange(8)
    legs.sweep.close(0)
    legs.sweep.close(3)
    for row in (1, 2, 4):
        legs.say(row, bytes((row,)))
    legs.sweep.sweep()
    legs.sweep.emit()
    assert legs.sweep.lengths[:5].tolist() == [0, 1, 1, 0, 1]
    assert [legs.far[row].recv(500)[0] for row in (1, 2, 4)] == [1, 2, 4]


def test_a_locked_row_hears_nobody_else_and_an_unlocked_one_everybody(make_legs: Make) -> None:
    legs, stranger = make_legs(1), udp()
    legs.follow(0)
    stranger.sendto(b"foreign", legs.addresses[0])
    legs.sweep.sweep()
    assert legs.sweep.lengths[0] == 0
    legs.sweep.unlock(0)
    stranger.sendto(b"foreign", legs.addresses[0])
    assert [(row, data) for row, data, _ in legs.sweep.watched()] == [(0, b"foreign")]
    stranger.close()


def test_a_packet_that_is_too_long_is_cut_and_looks_so(make_legs: Make) -> None:
    legs = make_legs(1)
    legs.follow(0)
    legs.say(0, bytes(500))
    legs.sweep.sweep()
    assert legs.sweep.lengths[0] == LONGEST_BYTES


def test_a_far_end_that_is_gone_costs_a_count_and_nothing_else(make_legs: Make) -> None:
    legs = make_legs(2)
    for row in range(2):
        legs.follow(row)
        legs.sweep.set_sending(row, True)
    legs.far[0].close()
    for _ in range(4):
        legs.sweep.emit()
        legs.sweep.sweep()
    assert legs.drops["peer_unreachable"] > 0
    assert legs.far[1].recv(500)


def test_before_the_source_is_known_packets_go_where_the_description_says(make_legs: Make) -> None:
    legs = make_legs(1)
    legs.sweep.aim(0, legs.far[0].getsockname(), None)
    legs.sweep.set_sending(0, True)
    legs.sweep.emit()
    legs.sweep.emit_report(0, b"report")
    assert len(legs.far[0].recv(500)) == 172
    assert legs.far[0].recv(500) == b"report"


def test_what_has_to_wait_is_kept_when_the_next_packet_comes() -> None:
    pool = Pool(4)
    pool.packet(2)[:] = bytes((7,)) * LONGEST_BYTES
    (kept,) = pool.keep(np.array([2], np.int32))
    stored = pool.store(bytes((9,)) * 160)
    for _ in range(KEPT_TICKS - 1):
        pool.turn()
        pool.packet(2)[:] = bytes(LONGEST_BYTES)
        pool.keep(np.arange(4, dtype=np.int32))
        assert pool.store(bytes(160)) is not None
    assert (pool.payload[kept] == 7).all()
    assert (pool.payload[stored] == 9).all()


def test_more_than_two_packets_a_row_to_be_kept_in_one_tick_are_refused() -> None:
    pool = Pool(2)
    assert pool.keep(np.arange(2, dtype=np.int32)).tolist() == [2, 3]
    assert [pool.store(bytes(160)) is None for _ in range(3)] == [False, False, True]
    assert pool.keep(np.arange(2, dtype=np.int32)).tolist() == [NO_SLOT, NO_SLOT]
    pool.turn()
    assert pool.store(bytes(160)) is not None


def test_a_flood_waits_for_the_next_tick(make_legs: Make) -> None:
    count = FEW_ROWS + 1
    legs = make_legs(count)
    for row in range(count):
        legs.follow(row)
    for row in list(range(count)) * (MAX_BACKLOG + 5):
        legs.say(row, b"flood")
    legs.sweep.sweep(missed_ticks=1)
    passes = 0
    while len(legs.sweep.behind):
        legs.sweep.sweep_again()
        passes += 1
    assert passes == MAX_BACKLOG
    legs.sweep.sweep()
    assert legs.sweep.lengths[:count].all()
