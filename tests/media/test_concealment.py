"""Concealment: what is heard when packets are missing, against silence in their place."""

import itertools

import numpy as np
import pytest
import soundfile

from media.concealment import FRAME_SAMPLES, HISTORY_SAMPLES, Concealment
from media.players import SHIPPED

SAMPLES = [soundfile.read(path, dtype="int16")[0] for path in sorted((SHIPPED / "samples").glob("*.flac"))]
SPEECH = np.stack([samples[: 30_000 // 160 * 160] for samples in SAMPLES])
ROWS = len(SPEECH)


def sines(frequency_hz, seconds=2.0, level=8000):
    return (level * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * 8000)) / 8000)).astype(np.int16)[None]


def lossy(sent, lost):
    """Play rows [n, samples] while frames [n, frames] are lost: what is heard with concealment."""
    heard = np.zeros_like(sent)
    rows = np.arange(len(sent))

    def recall(asked):
        histories = np.zeros((len(asked), HISTORY_SAMPLES), np.int16)
        past = heard[asked, max(0, at - HISTORY_SAMPLES) : at]
        histories[:, HISTORY_SAMPLES - past.shape[1] :] = past
        return histories

    concealment = Concealment(len(sent), recall)
    for number in range(sent.shape[1] // FRAME_SAMPLES):
        at = number * FRAME_SAMPLES
        here = slice(at, at + FRAME_SAMPLES)
        missing = lost[:, number]
        heard[missing, here] = concealment.conceal(rows[missing])
        arrived = sent[~missing, here].copy()
        concealment.good(rows[~missing], arrived)
        heard[~missing, here] = arrived
    return heard


def silenced(sent, lost):
    heard = sent.copy()
    heard[np.repeat(lost, FRAME_SAMPLES, axis=1)[:, : sent.shape[1]]] = 0
    return heard


def random_loss(rows, frames, share, seed):
    lost = np.random.default_rng(seed).random((rows, frames)) < share
    lost[:, :4] = False
    return lost


def spectral_distance_db(sent, heard, lost):
    """How far apart the spectra of the lost frames are, in dB per bin, above a floor that the ear would not miss."""
    window = np.hanning(FRAME_SAMPLES)
    distances = []
    for row, number in np.argwhere(lost):
        here = slice(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES)
        pair = [20 * np.log10(np.abs(np.fft.rfft(signal[row, here] * window)) + 3000) for signal in (sent, heard)]
        distances.append(np.sqrt(np.mean((pair[0] - pair[1]) ** 2)))
    return float(np.mean(distances))


def segmental_snr_db(sent, heard, lost):
    ratios = []
    for row, number in np.argwhere(lost):
        here = slice(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES)
        signal = sent[row, here].astype(float)
        if signal.std() > 300:
            error = ((heard[row, here] - signal) ** 2).mean()
            ratios.append(np.clip(10 * np.log10((signal**2).mean() / max(error, 1)), -10, 35))
    return float(np.mean(ratios))


def single_losses(rows, frames, every=20):
    lost = np.zeros((rows, frames), bool)
    lost[:, 9::every] = True
    return lost


@pytest.mark.parametrize("frequency_hz", [80, 130, 200, 333, 440, 1000])
def test_a_lost_frame_of_a_steady_sound_is_hardly_missed(frequency_hz):
    sent = sines(frequency_hz)
    lost = single_losses(1, 100)
    heard = lossy(sent, lost)
    assert segmental_snr_db(sent, heard, lost) > 8  # a pitch of whole samples drifts against the true one
    assert segmental_snr_db(sent, silenced(sent, lost), lost) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.10])
def test_speech_with_losses_is_nearer_to_itself_than_with_holes(share):
    lost = random_loss(ROWS, SPEECH.shape[1] // FRAME_SAMPLES, share, seed=11)
    heard, holes = lossy(SPEECH, lost), silenced(SPEECH, lost)
    assert spectral_distance_db(SPEECH, heard, lost) < 0.6 * spectral_distance_db(SPEECH, holes, lost)
    assert segmental_snr_db(SPEECH, heard, lost) > segmental_snr_db(SPEECH, holes, lost) + 0.5


def test_neither_the_gap_nor_its_ends_click():
    for sent in (SPEECH, np.concatenate([sines(frequency) for frequency in (100, 217, 350)])):
        lost = random_loss(len(sent), sent.shape[1] // FRAME_SAMPLES, 0.05, seed=12)
        heard, holes = lossy(sent, lost).astype(int), silenced(sent, lost).astype(int)
        steepest = np.abs(np.diff(sent.astype(int), axis=1)).max(axis=1)
        assert (np.abs(np.diff(heard, axis=1)).max(axis=1) <= 1.25 * steepest).all()
        assert np.abs(np.diff(holes, axis=1)).max() >= np.abs(np.diff(heard, axis=1)).max()


def test_a_long_gap_fades_to_silence_within_60_ms():
    sent = sines(150)
    lost = np.zeros((1, 100), bool)
    lost[0, 50:60] = True
    heard = lossy(sent, lost)[0].astype(float)
    level = [np.sqrt(np.mean(heard[start : start + 80] ** 2)) for start in range(50 * 160, 60 * 160, 80)]
    assert level[0] == pytest.approx(8000 / np.sqrt(2), rel=0.1)
    assert all(later <= earlier * 1.02 for earlier, later in itertools.pairwise(level))
    assert max(level[6:]) == 0


def test_the_longer_the_gap_the_softer_the_return():
    sent = sines(150)
    for length in (1, 2, 5, 30):
        lost = np.zeros((1, 100), bool)
        lost[0, 20 : 20 + length] = True
        heard = lossy(sent, lost)[0]
        back = (20 + length) * 160
        assert heard[back + 80 : back + 320].tolist() == sent[0, back + 80 : back + 320].tolist()
        assert np.abs(np.diff(heard.astype(int))).max() <= 1.25 * np.abs(np.diff(sent[0].astype(int))).max()


def test_a_row_without_loss_is_never_touched_nor_asked_for():
    def recall(rows):
        raise AssertionError("nothing was lost")

    concealment = Concealment(4, recall)
    frames = SPEECH[:4, 3200:3360].copy()
    concealment.good(np.arange(4), frames)
    assert frames.tolist() == SPEECH[:4, 3200:3360].tolist()
    assert not concealment.lost_blocks.any()


def test_rows_are_concealed_together_as_they_would_be_alone():
    frames = SPEECH.shape[1] // FRAME_SAMPLES
    lost = random_loss(ROWS, frames, 0.2, seed=13)
    together = lossy(SPEECH, lost)
    for row in range(ROWS):
        assert together[row].tolist() == lossy(SPEECH[row : row + 1], lost[row : row + 1])[0].tolist()


def test_silence_is_concealed_by_silence():
    lost = single_losses(1, 50)
    assert not lossy(np.zeros((1, 8000), np.int16), lost).any()


def test_a_new_stream_in_the_row_begins_without_a_gap():
    concealment = Concealment(1, lambda rows: np.full((1, HISTORY_SAMPLES), 5000, np.int16))
    concealment.conceal(np.array([0]))
    concealment.reset(0)
    frames = np.zeros((1, 160), np.int16)
    concealment.good(np.array([0]), frames)
    assert not frames.any()
