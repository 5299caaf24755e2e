"""Recordings: playable at any moment, never in the way, honest about failure."""

import os
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from media import recorders
from media.recorders import BLOCK_SAMPLES, Writer

TONE = (8000 * np.sin(np.arange(8000) * 0.3)).astype(np.int16)


@pytest.fixture
def writer():
    writer = Writer(threaded=False)
    yield writer
    writer.stop()


def heard(path):
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    return samples


def record(writer, path, samples, *, append=False):
    recording = writer.open(path, append=append)
    for start in range(0, len(samples), 160):
        recording.write(samples[start : start + 160])
    return recording


def writing_threads():
    return [thread for thread in threading.enumerate() if thread.name == "recorders"]


def test_the_thread_is_there_while_there_are_recordings(tmp_path):
    writer = Writer()
    assert not writing_threads()
    for name in ("first.wav", "second.wav"):
        recording = record(writer, tmp_path / name, TONE)
        (thread,) = writing_threads()
        recording.close()
        while not writer.ended():
            pass
        thread.join(5)
        assert not thread.is_alive()
        assert heard(tmp_path / name).tolist() == TONE.tolist()
    writer.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a thread descriptors of its own")
def test_a_socket_that_is_closed_while_something_is_recorded_is_closed(tmp_path):
    writer = Writer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        address = sock.getsockname()
        recording = record(writer, tmp_path / "talk.wav", TONE[:160])
        while not (tmp_path / "talk.wav").exists():
            pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(address)
    recording.close()
    writer.stop()


@pytest.mark.parametrize("threaded", [True, False])
def test_what_was_said_is_what_is_heard(tmp_path, threaded):
    writer = Writer(threaded=threaded)
    recording = record(writer, tmp_path / "new" / "folder" / "talk.wav", TONE)
    recording.close()
    writer.stop()
    assert heard(recording.path).tolist() == TONE.tolist()
    (ended,) = writer.ended()
    assert (ended.recording, ended.problem) == (recording, "")
    assert writer.ended() == []


def test_a_file_is_playable_while_it_is_written(writer, tmp_path):
    recording = record(writer, tmp_path / "talk.wav", TONE[: BLOCK_SAMPLES + 160])
    assert heard(recording.path).tolist() == TONE[:BLOCK_SAMPLES].tolist()
    assert (tmp_path / "talk.wav").stat().st_size == 44 + 2 * BLOCK_SAMPLES


def test_a_recording_of_nothing_is_a_file_of_nothing(writer, tmp_path):
    writer.open(tmp_path / "nothing.wav").close()
    assert len(heard(tmp_path / "nothing.wav")) == 0


def test_another_writer_goes_on_where_the_first_one_died(writer, tmp_path):
    record(writer, tmp_path / "talk.wav", TONE[: 2 * BLOCK_SAMPLES])
    another = Writer(threaded=False)
    record(another, tmp_path / "talk.wav", TONE[:320], append=True).close()
    assert heard(tmp_path / "talk.wav").tolist() == [*TONE[: 2 * BLOCK_SAMPLES], *TONE[:320]]


def test_samples_behind_an_old_header_are_found_again(writer, tmp_path):
    path = tmp_path / "talk.wav"
    path.write_bytes(recorders.header(0) + TONE[:100].tobytes() + b"\x01")
    record(writer, path, TONE[:160], append=True).close()
    assert heard(path).tolist() == [*TONE[:100], *TONE[:160]]


def test_append_to_nothing_begins_a_file(writer, tmp_path):
    record(writer, tmp_path / "talk.wav", TONE[:320], append=True).close()
    assert heard(tmp_path / "talk.wav").tolist() == TONE[:320].tolist()


def test_without_append_an_old_file_is_replaced(writer, tmp_path):
    for count in (640, 160):
        record(writer, tmp_path / "talk.wav", TONE[:count]).close()
    assert len(heard(tmp_path / "talk.wav")) == 160


def test_a_file_that_is_no_recording_is_left_alone(writer, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a recording, and longer than a header of forty-four octets")
    before = path.read_bytes()
    record(writer, path, TONE, append=True)
    (ended,) = writer.ended()
    assert "no recording" in ended.problem
    assert path.read_bytes() == before


def test_a_path_that_cannot_be_written_is_told_once(writer, tmp_path):
    (tmp_path / "file").write_text("in the way")
    recording = record(writer, tmp_path / "file" / "talk.wav", TONE)
    recording.close()
    (ended,) = writer.ended()
    assert ended.recording is recording
    assert "directory" in ended.problem.lower() or "exists" in ended.problem.lower()
    assert writer.failed_recordings == 1


def full(monkeypatch, room_bytes):
    """A disk that has this much room for each file."""
    real = os.pwrite

    def pwrite(descriptor, data, offset):
        if offset >= room_bytes:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: room_bytes - offset], offset)

    monkeypatch.setattr(recorders.os, "pwrite", pwrite)


def test_a_full_disk_ends_the_recording_and_keeps_what_was_written(writer, tmp_path, monkeypatch):
    full(monkeypatch, 44 + 2 * BLOCK_SAMPLES + 1000)
    record(writer, tmp_path / "talk.wav", TONE)
    assert [ended.problem for ended in writer.ended()] == ["No space left on device"]
    assert heard(tmp_path / "talk.wav").tolist() == TONE[:BLOCK_SAMPLES].tolist()


@pytest.mark.parametrize("room_bytes", [0, 44, 1000])
def test_a_recording_begun_on_a_full_disk_leaves_no_file(writer, tmp_path, monkeypatch, room_bytes):
    """It left one of no bytes, which no player opens."""
    full(monkeypatch, room_bytes)
    record(writer, tmp_path / "talk.wav", TONE)
    assert [ended.problem for ended in writer.ended()] == ["No space left on device"]
    assert list(tmp_path.iterdir()) == []


def test_a_recording_gone_on_with_on_a_full_disk_stays_as_it_was(writer, tmp_path, monkeypatch):
    path = tmp_path / "talk.wav"
    record(writer, path, TONE).close()
    before = path.read_bytes()
    full(monkeypatch, len(before))
    record(writer, path, TONE, append=True)
    assert [ended.problem for ended in writer.ended()] == ["", "No space left on device"]
    assert path.read_bytes() == before


def test_dev_full_is_a_full_disk(writer, tmp_path):
    full = tmp_path / "full.wav"
    try:
        full.symlink_to("/dev/full")
        os.close(os.open(full, os.O_RDWR))
    except OSError:
        pytest.skip("this system has no /dev/full")
    record(writer, full, TONE)
    assert len(writer.ended()) == 1


def test_a_disk_that_is_too_slow_loses_samples_and_never_waits(tmp_path, monkeypatch):
    is_free, file = threading.Event(), recorders._WavFile
    monkeypatch.setattr(recorders, "_WavFile", lambda *arguments: is_free.wait() and file(*arguments))
    writer = Writer(queue_blocks=2)
    recording = record(writer, tmp_path / "talk.wav", np.tile(TONE, 2))
    assert recording.dropped_samples == writer.dropped_blocks * BLOCK_SAMPLES > 0
    is_free.set()
    recording.close()
    writer.stop()
    assert len(heard(recording.path)) == 16000 - recording.dropped_samples


def test_one_failed_recording_does_not_disturb_another(writer, tmp_path):
    (tmp_path / "file").write_text("in the way")
    good, bad = writer.open(tmp_path / "good.wav"), writer.open(tmp_path / "file" / "bad.wav")
    for recording in (bad, good):
        recording.write(TONE)
        recording.close()
    assert len(heard(good.path)) == 8000


KILLED = """
import sys, time, numpy as np
from pathlib import Path
from media.recorders import Writer
writer = Writer()
recording = writer.open(Path(sys.argv[1]))
for _ in range(50):
    recording.write(np.full(160, 77, np.int16))
while not writer._orders.empty():
    time.sleep(0.01)
print("written", flush=True)
time.sleep(60)
"""


def test_kill_9_leaves_a_playable_file(tmp_path):
    path = tmp_path / "killed.wav"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"written\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    samples = heard(path)
    assert len(samples) >= 8000 - 2 * BLOCK_SAMPLES
    assert set(samples.tolist()) == {77}
