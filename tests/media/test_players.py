"""From anything that sounds to frames of 20 ms."""

import os

import numpy as np
import pytest
import soundfile

from media.codecs import Codec, g711
from media.errors import SourceNotFound
from media.players import SHIPPED, Library, speech_level_db
from media.sources import File, Prompt, Silence, Tone


def sine(rate_hz, seconds=0.5, level=0.2):
    return level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)


def pitch_hz(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 8000 / len(samples)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff"])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_file_becomes_mono_frames_at_8_khz(tmp_path, suffix, rate_hz, channels):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.repeat(sine(rate_hz)[:, None], channels, axis=1), rate_hz)
    audio = Library().load(File(path))
    assert audio.frames.shape == (25, 160)
    assert audio.frames.dtype == np.int16
    assert audio.duration_s == pytest.approx(0.5, abs=0.001)
    assert pitch_hz(audio.frames.ravel()) == pytest.approx(440, abs=4)


def test_the_last_frame_is_filled_with_silence(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.full(170, 0.1), 8000)
    audio = Library().load(File(tmp_path / "short.wav"))
    assert audio.frames.shape == (2, 160)
    assert audio.frames[1, :10].all()
    assert not audio.frames[1, 10:].any()


def test_usual_loudness_is_kept(tmp_path):
    soundfile.write(tmp_path / "usual.wav", sine(8000), 8000)
    frames = Library().load(File(tmp_path / "usual.wav")).frames
    assert np.abs(frames.ravel() - sine(8000) * 32768).max() <= 2


@pytest.mark.parametrize(("level", "expected_db"), [(0.99, -14.0), (0.01, -32.0), (0.2, -17.0)])
def test_what_shouts_is_lowered_and_what_whispers_is_raised(tmp_path, level, expected_db):
    soundfile.write(tmp_path / "odd.wav", sine(8000, level=level), 8000)
    samples = Library().load(File(tmp_path / "odd.wav")).frames.ravel() / np.float32(32768)
    assert speech_level_db(samples) == pytest.approx(expected_db, abs=0.1)


def test_raising_never_clips(tmp_path):
    samples = sine(8000, level=0.005)
    samples[2000] = 0.5
    soundfile.write(tmp_path / "click.wav", samples, 8000)
    assert np.abs(Library().load(File(tmp_path / "click.wav")).frames.astype(int)).max() <= 29300


def test_a_file_of_nothing_is_no_error(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 44100)
    assert Library().load(File(tmp_path / "empty.wav")).frames.shape == (0, 160)


def test_a_file_with_impossible_numbers_in_it_is_silence_there(tmp_path):
    soundfile.write(tmp_path / "nan.wav", np.full(320, np.nan, np.float32), 8000, subtype="FLOAT")
    assert not Library().load(File(tmp_path / "nan.wav")).frames.any()


def test_payloads_are_encoded_once(tmp_path):
    audio = Library().load(Tone((((440.0,), 100, 0),)))
    assert audio.payloads(Codec.PCMU).tolist() == g711.ENCODE_U[audio.frames.view(np.uint16)].tolist()
    assert audio.payloads(Codec.PCMA).tolist() == g711.ENCODE_A[audio.frames.view(np.uint16)].tolist()
    assert audio.payloads(Codec.PCMA) is audio.payloads(Codec.PCMA)


def test_tones_and_silence_are_made():
    library = Library()
    audio = library.load(Tone((((480.0, 620.0), 500, 500), ((440.0,), 40, 0)), level_db=-16.0))
    assert len(audio.frames) == 52
    assert not audio.frames[25:50].any()
    assert speech_level_db(audio.frames[:25].ravel() / np.float32(32768)) == pytest.approx(-16, abs=0.3)
    assert not library.load(Silence(60)).frames.any()
    assert library.load(Silence(60)).duration_s == 0.06


@pytest.mark.parametrize("content", [None, b"", b"this is no sound", b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_missing_and_broken_files_are_named(tmp_path, content):
    path = tmp_path / "broken.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceNotFound, match=r"broken\.wav"):
        Library().load(File(path))


def test_a_rate_that_is_no_rate_is_refused(tmp_path):
    soundfile.write(tmp_path / "slow.wav", np.zeros(10), 11)
    with pytest.raises(SourceNotFound, match="11 Hz"):
        Library().load(File(tmp_path / "slow.wav"))


def test_a_person_s_own_prompt_is_found_before_the_shipped_one(tmp_path):
    own = tmp_path / "en_US" / "conference" / "welcome.wav"
    own.parent.mkdir(parents=True)
    soundfile.write(own, sine(16000), 16000)
    library = Library((tmp_path / "missing", tmp_path))
    assert library.find("conference/welcome") == own
    assert library.load(Prompt("conference/welcome")).duration_s == 0.5
    assert SHIPPED in library.find("conference/goodbye").parents


def test_a_language_without_that_prompt_is_an_error_that_says_where_was_searched(tmp_path):
    with pytest.raises(SourceNotFound, match=str(tmp_path)):
        Library((tmp_path,), language="de_DE").find("conference/welcome")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "conference/../../x"])
def test_a_name_never_leads_out_of_the_folders(name):
    with pytest.raises(SourceNotFound):
        Library().find(name)


def test_a_source_is_decoded_once_until_the_file_changes(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, sine(8000), 8000)
    library = Library()
    first = library.load(File(path))
    assert library.load(File(path)) is first
    soundfile.write(path, sine(8000, seconds=1.0), 8000)
    os.utime(path, ns=(1, 1))
    assert library.load(File(path)).duration_s == 1.0


def test_what_was_not_used_for_long_is_forgotten_first():
    library = Library(kept_s=2.0)
    first, second = library.load(Silence(900)), library.load(Silence(800))
    assert library.load(Silence(900)) is first
    library.load(Silence(700))
    assert library.load(Silence(900)) is first
    assert library.load(Silence(800)) is not second


def test_what_is_missing_is_said_in_words_and_not_as_python_writes_it() -> None:
    with pytest.raises(SourceNotFound, match='no audio for prompt "nope/nothing"'):
        Library().load(Prompt("nope/nothing"))
