"""Make the audio files of `media/prompts`: `python -m tools.make_prompts` (needs flite: apt-get install flite).

Speech is rendered at 16 kHz, trimmed, brought to one loudness, converted to 8 kHz and stored as FLAC; music and chimes
are computed. The result is the same at every run. To change a prompt, change its text in `prompts.toml` and run this;
to use a recording of your own, put it in a folder of yours (docs/prompts.md).
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import soundfile

from media.players import speech_level_db
from media.resample import Resampler
from tools import make_music

PROMPTS = Path(__file__).parents[1] / "media" / "prompts"
RATE_HZ = 8000
SPEECH_DB = -20.0
PEAK = 0.89
SILENT = 0.02  # of the loudest sample: below is trimmed
BEFORE_S, AFTER_S = 0.02, 0.09  # of silence kept around speech, so that joined prompts keep their rhythm

COMPUTED = {
    "tones/entry": make_music.entry_chime,
    "tones/exit": make_music.exit_chime,
    "tones/beep": make_music.beep,
    "music/hold": make_music.hold_music,
}


def main() -> None:
    """Write every file, and say how much it is."""
    if shutil.which("flite") is None:
        sys.exit("flite speaks the prompts, and is not installed: apt-get install flite")
    table = tomllib.loads((PROMPTS / "prompts.toml").read_text(encoding="utf-8"))
    voice = table.pop("voice")["prompts"]
    for folder, texts in table.items():
        for name, text in texts.items():
            spoken_by = name.partition("_")[0] if folder == "samples" else voice
            store(f"{folder}/{name}", speech(text, spoken_by))
    for name, compute in COMPUTED.items():
        store(name, compute())
    files = list(PROMPTS.rglob("*.flac"))
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.2f} MB")


def speech(text: str, voice: str) -> np.ndarray:
    """The text, spoken, trimmed and levelled; float at 8 kHz."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, "-t", " ".join(text.split()), "-o", file.name], check=True)
        spoken, rate_hz = soundfile.read(file.name, dtype="float32")
    resampler = Resampler(rate_hz, RATE_HZ)
    samples = np.concatenate((resampler.feed(spoken[None, :])[0], resampler.finish()[0]))
    return limited(trimmed(samples))


def trimmed(samples: np.ndarray) -> np.ndarray:
    """Without the silence around it, but for a little."""
    loud = np.flatnonzero(np.abs(samples) > SILENT * np.abs(samples).max())
    before, after = round(BEFORE_S * RATE_HZ), round(AFTER_S * RATE_HZ)
    padded = np.concatenate((np.zeros(before), samples, np.zeros(after)))
    return padded[loud[0] : loud[-1] + before + after]


def limited(samples: np.ndarray) -> np.ndarray:
    """At the loudness of all prompts; the few peaks that stand out are bent, not cut."""
    louder = samples * 10 ** ((SPEECH_DB - speech_level_db(samples.astype(np.float32))) / 20)
    return PEAK * np.tanh(louder / PEAK)


def store(name: str, samples: np.ndarray) -> None:
    path = PROMPTS / f"{name}.flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")


if __name__ == "__main__":
    main()
