"""The shared table, and RFC 3550's bookkeeping over it."""

import mmap
import os
import struct
from pathlib import Path

import numpy as np
import pytest

import media
from media.pool import PACKET_AT, PAYLOAD_AT, ROW_BYTES, HeaderNumbers, header_words
from media.rtp.packet import Packet
from media.rtp.source import JITTER_EVERY, MAX_DROPOUT, Sources, Verdict
from media.streams import COUNTERS, StreamColumns, Table

ROWS = 8


def sources() -> tuple[Sources, StreamColumns]:
    streams = StreamColumns(ROWS, mmap.mmap(-1, StreamColumns.size_bytes(ROWS)), 0)
    return Sources(streams), streams


def test_two_views_of_one_descriptor_share_every_column() -> None:
    table = Table(ROWS, 4)
    other = Table(ROWS, 4, os.dup(table.descriptor))
    table.streams.out_sequence[3] = 77
    table.players.segment[2] = 5
    table.count("ticks", 9)
    assert other.streams.out_sequence[3] == 77
    assert other.players.segment[2] == 5
    assert other.counts()["ticks"] == 9
    for each in (table, other):
        each.close()


def test_every_counter_is_counted_somewhere() -> None:
    """The longest tick and the events that were dropped were told as 0 for ever."""
    program = "".join(path.read_text() for path in Path(media.__file__).parent.rglob("*.py"))
    by_duration = {name for name in COUNTERS if name.startswith(("tick_below_", "tick_above_"))}
    assert {name for name in COUNTERS if program.count(f'"{name}"') < 2} == by_duration


def test_columns_do_not_overlap() -> None:
    table = Table(ROWS, 4)
    columns = StreamColumns._layout()
    for number, name in enumerate(columns, 1):
        getattr(table.streams, name)[:] = number
    assert all((getattr(table.streams, name) == number).all() for number, name in enumerate(columns, 1))
    assert not any(table.counts().values())
    table.close()


def test_clearing_a_row_leaves_the_others() -> None:
    table = Table(ROWS, 4)
    table.streams.received_packets[:] = 5
    table.streams.clear(2)
    assert table.streams.received_packets.tolist() == [5, 5, 0, 5, 5, 5, 5, 5]
    table.close()


def test_a_huge_table_costs_nothing_until_it_is_used() -> None:
    table = Table(1_000_000, 1_000_000)
    assert os.fstat(table.descriptor).st_blocks == 0
    table.streams.level[0] = 1
    assert os.fstat(table.descriptor).st_blocks * 512 <= 65536
    table.close()


def test_counters_are_named_once() -> None:
    assert len(set(COUNTERS)) == len(COUNTERS)


def judge_all(judge: Sources, sequences: list[int]) -> list[Verdict]:
    return [judge.judge(0, 1, sequence & 0xFFFF, 0) for sequence in sequences]


def test_sequence_numbers_wrap_and_count_cycles() -> None:
    judge, streams = sources()
    judge_all(judge, list(range(65500, 65600)))
    assert streams.highest_sequence[0] == 65599
    assert judge.expected(0) == 100
    assert judge.lost(0) == 0


def test_lost_packets_are_expected_minus_received() -> None:
    judge, _ = sources()
    judge_all(judge, [n for n in range(100) if n % 10 != 3])
    assert judge.lost(0) == 10


@pytest.mark.parametrize(
    ("sequences", "last"),
    [
        ([10], Verdict.FIRST),
        ([10, 11], Verdict.NEXT),
        ([10, 13], Verdict.LATER),
        ([10, 11, 11], Verdict.DUPLICATE),
        ([10, 12, 11], Verdict.EARLIER),
        ([10, 10 + MAX_DROPOUT], Verdict.PROBATION),
        ([10, 20000, 20001], Verdict.RESTARTED),
        ([10, 20000, 11], Verdict.NEXT),
    ],
)
def test_each_packet_is_judged_by_its_sequence_number(sequences: list[int], last: Verdict) -> None:
    judge, _ = sources()
    assert judge_all(judge, sequences)[-1] is last


def test_a_restarted_source_keeps_its_counts() -> None:
    judge, streams = sources()
    judge_all(judge, [1, 2, 4, 30000, 30001, 30002])
    assert streams.received_packets[0] == 5
    assert judge.lost(0) == 1


def headers_of(number: int, timestamp: int, *, ssrc: int = 1, first: int = 0x8000) -> HeaderNumbers:
    """What `ROWS` rows have got, all the same."""
    packets = np.zeros((ROWS, ROW_BYTES), np.uint8)
    packets[:, PACKET_AT:PAYLOAD_AT] = np.frombuffer(struct.pack("!HHII", first, number, timestamp, ssrc), np.uint8)
    headers = HeaderNumbers(ROWS)
    headers.read(header_words(packets), ROWS)
    return headers


def test_rows_at_once_and_one_by_one_give_the_same_counts_and_on_average_the_same_jitter() -> None:
    at_once, one_by_one = sources(), sources()
    chance = np.random.default_rng(1)
    transit = chance.integers(-400, 400, (200, ROWS)).astype(np.int32)
    whole = np.ones(ROWS, np.bool_)
    jitter = []
    for number in range(200):
        for row in range(ROWS):
            one_by_one[0].judge(row, 1, number, int(transit[number, row]))
        if number == 0:
            for row in range(ROWS):
                at_once[0].judge(row, 1, 0, int(transit[0, row]))
                at_once[0].expect(row, 0, 160)
            continue
        assert at_once[0].in_order(ROWS, headers_of(number, 160 * number), whole).all()
        if number % JITTER_EVERY == 0:
            at_once[0].follow_jitter(ROWS, whole, transit[number].copy())
            jitter.append((at_once[1].jitter_samples.mean(), one_by_one[1].jitter_samples.mean()))
    ours, theirs = np.mean(jitter[20:], axis=0)
    assert ours == pytest.approx(theirs, rel=0.1)
    assert (at_once[1].received_packets == one_by_one[1].received_packets).all()
    assert (at_once[1].highest_sequence == one_by_one[1].highest_sequence).all()


def test_only_what_follows_from_the_packet_before_is_in_order() -> None:
    judge, streams = sources()
    for row in range(ROWS):
        judge.judge(row, 1, 7, 0)
        judge.expect(row, 0, 160)
    whole = np.ones(ROWS, np.bool_)
    for other in (
        headers_of(9, 160),
        headers_of(8, 320),
        headers_of(8, 160, ssrc=2),
        headers_of(8, 160, first=0x8008),
        headers_of(8, 160, first=0x9000),
    ):
        assert not judge.in_order(ROWS, other, whole).any()
    assert not judge.in_order(ROWS, headers_of(8, 160), ~whole).any()
    assert judge.in_order(ROWS, headers_of(8, 160, first=0x8080), whole).all()  # the marker bit makes no difference
    assert not judge.in_order(ROWS, headers_of(8, 160), whole).any()
    assert (streams.received_packets == 2).all()
    judge.expect_nothing(1)
    assert judge.in_order(ROWS, headers_of(9, 320), whole).sum() == ROWS - 1


def test_headers_of_all_rows_are_written_as_they_are_read() -> None:
    packets = np.zeros((ROWS, ROW_BYTES), np.uint8)
    headers_of(65535, 0xFFFFFFFE, ssrc=0xDEADBEEF, first=0x8008).write(header_words(packets), ROWS)
    assert Packet.parse(packets[2, PACKET_AT:].tobytes()[:12]) == Packet(8, 65535, 0xFFFFFFFE, 0xDEADBEEF)
    assert not packets[:, :PACKET_AT].any()
    assert not packets[:, PAYLOAD_AT:].any()
