"""The journal: what is written is on disk, in whole lines, and survives whoever wrote it."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from softswitch.records.journal import Journal, Segment
from softswitch.records.slate import SIZE_BYTES

WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from softswitch.records.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.open()
journal.write(b'{"one": 1}\\n')
journal.keep(b'{"two": 2}\\n')
journal.keep(b'{"three": 3}\\n')
os.kill(os.getpid(), 9)
"""


def journal(folder: Path) -> Journal:
    it = Journal(folder)
    it.open()
    return it


def contents(segment: Segment) -> list[bytes]:
    return segment.path.read_bytes().splitlines()


def test_what_is_written_is_there_before_the_segment_is_closed(tmp_path: Path) -> None:
    it = journal(tmp_path)
    it.write(b"one\n")
    (path,) = tmp_path.glob("*.jsonl")
    assert path.read_bytes() == b"one\n"
    it.close().remove()
    assert list(tmp_path.iterdir()) == []


def test_a_turn_hands_over_the_old_segment_and_begins_a_new_one_with_what_is_alive(tmp_path: Path) -> None:
    it = journal(tmp_path)
    it.write(b"alive\n")
    it.write(b"ended\n")
    old = it.turn(b"alive\n")
    assert old is not None
    assert contents(old) == [b"alive", b"ended"]
    it.write(b"more\n")
    new = it.close()
    assert contents(new) == [b"alive", b"more"]
    assert old.path.name < new.path.name
    old.remove()
    new.remove()


def test_the_segments_of_a_living_process_are_left_alone(tmp_path: Path) -> None:
    living = journal(tmp_path)
    living.write(b"mine\n")
    assert Journal(tmp_path).leftovers() == []
    living.close().release()
    (left,) = Journal(tmp_path).leftovers()
    assert contents(left) == [b"mine"]
    left.release()


def test_what_a_killed_process_has_written_is_found(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(tmp_path)], check=False, timeout=60)
    assert died.returncode == -9
    written, kept = Journal(tmp_path).leftovers()
    assert contents(written) == [b'{"one": 1}']
    assert [line for line in contents(kept) if line] == [b'{"two": 2}', b'{"three": 3}']
    for left in (written, kept):
        left.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_written_with_the_next_line_and_before_it(tmp_path: Path) -> None:
    it = journal(tmp_path)
    (slate,) = tmp_path.glob("*.slate")
    (segment,) = tmp_path.glob("*.jsonl")
    it.keep(b"one\n")
    it.keep(b"two\n")
    assert slate.read_bytes().split() == [b"one", b"two"]
    assert segment.read_bytes() == b""
    it.write(b"three\n")
    assert segment.read_bytes().split() == [b"one", b"two", b"three"]
    assert slate.read_bytes().split() == []
    it.keep(b"four\n")
    assert contents(it.close()) == [b"one", b"two", b"three", b"four"]


def test_what_is_kept_belongs_to_the_segment_that_a_turn_closes(tmp_path: Path) -> None:
    it = journal(tmp_path)
    it.keep(b"one\n")
    old = it.turn(b"alive\n")
    assert old is not None
    assert contents(old) == [b"one"]
    assert contents(it.close()) == [b"alive"]


def test_what_has_no_room_on_the_slate_is_written(tmp_path: Path) -> None:
    it = journal(tmp_path)
    (segment,) = tmp_path.glob("*.jsonl")
    long = b"x" * SIZE_BYTES + b"\n"
    it.keep(b"one\n")
    it.keep(long)
    it.keep(b"three\n")
    assert [line[:5] for line in segment.read_bytes().splitlines()] == [b"one", b"xxxxx"]
    assert [line[:5] for line in contents(it.close())] == [b"one", b"xxxxx", b"three"]


def test_a_disk_without_room_for_a_slate_takes_lines_as_long_as_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("softswitch.records.slate.os.posix_fallocate", refuse)
    it = journal(tmp_path)
    it.keep(b"one\n")
    (only,) = tmp_path.iterdir()
    assert only.read_bytes() == b"one\n"
    assert contents(it.close()) == [b"one"]


def test_the_slate_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    living = journal(tmp_path)
    living.keep(b"mine\n")
    assert Journal(tmp_path).leftovers() == []
    living.close().remove()


def test_a_folder_that_does_not_exist_yet_is_made(tmp_path: Path) -> None:
    assert Journal(tmp_path / "new" / "journal").leftovers() == []
    journal(tmp_path / "new" / "journal").close().remove()


class Disk:
    """Stands before `os.write` and has `room` bytes left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 1 << 30
        self._write = os.write
        monkeypatch.setattr("softswitch.records.journal.os.write", self.write)

    def write(self, file: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(file, data[: self.room])
        self.room -= written
        return written


def test_a_full_disk_loses_nothing_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = Disk(monkeypatch)
    it = journal(tmp_path)
    it.write(b"one\n")
    disk.room = 0
    for line in (b"two\n", b"three\n"):
        it.write(line)
    assert it.waiting == 2
    disk.room = 1000
    it.write(b"four\n")
    assert (it.waiting, it.lost) == (0, 0)
    assert contents(it.close()) == [b"one", b"two", b"three", b"four"]
    told = capsys.readouterr().out
    assert told.count("can't be written") == 1
    assert told.count("is written again") == 1


def test_a_line_torn_by_a_full_disk_is_written_whole_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    it = journal(tmp_path)
    disk.room = 2
    it.write(b"one\n")
    assert it.waiting == 1
    disk.room = 1000
    it.write(b"two\n")
    assert contents(it.close()) == [b"on", b"one", b"two"]


def test_beyond_the_limit_the_oldest_lines_are_lost_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("softswitch.records.journal.LINES_KEPT", 2)
    disk = Disk(monkeypatch)
    it = journal(tmp_path)
    disk.room = 0
    for line in (b"1\n", b"2\n", b"3\n"):
        it.write(line)
    assert (it.waiting, it.lost) == (2, 1)
    disk.room = 1000
    assert contents(it.close()) == [b"2", b"3"]
