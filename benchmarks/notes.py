"""How right the notes of Basic Pitch are, beside its package's: ``python benchmarks/notes.py``.

Twenty progressions of chords are made of sums of harmonics with envelopes, whose notes are known. With
``--package PYTHON``, both decoders get the same posteriors, those of the package's graph in ONNX Runtime on
windows cut as the package cuts them; ours also runs as a whole from the waveform. Measures are mir_eval's,
means over the progressions: F1 of notes within 50 ms of their onset and 50 cents, without and with offsets.

PYTHON is that of an environment with ``basic-pitch==0.4.0`` (``--no-deps``), onnxruntime, librosa,
pretty_midi, resampy, mir_eval, and ``setuptools<80``. Without it, only ours is measured.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import mir_eval
import numpy as np

import zoo
from zoo.audio.basicpitch import SAMPLE_RATE, Posteriors, frame_times
from zoo.audio.note_decoder import NoteDecoder
from zoo.audio.options import NoteOptions
from zoo.hub import sources

PROGRESSIONS = 20
_TRIADS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 11), (0, 3, 7, 10), (0, 5, 7))
Truth = tuple[np.ndarray, np.ndarray]
"""Intervals in s, shape (notes, 2), and MIDI numbers, shape (notes,)."""

# Runs in the package's environment: folders of recordings (waveform.npy) get posteriors and notes.
_PACKAGE = """
import sys
from pathlib import Path
import numpy as np
from basic_pitch import inference, note_creation
graph = inference.Model(sys.argv[1])
half, window = 15 * 256, inference.AUDIO_N_SAMPLES
hop = window - 2 * half
for folder in sorted(Path(sys.argv[2]).iterdir()):
    samples = np.load(folder / "waveform.npy")
    padded = np.concatenate([np.zeros(half, np.float32), samples])
    outputs = [graph.predict(w[None]) for w, _ in inference.window_audio_file(padded, hop)]
    whole = {
        key: inference.unwrap_output(np.concatenate([out[key] for out in outputs]), len(samples), 30)
        for key in ("note", "onset", "contour")
    }
    np.savez(folder / "posteriors.npz", **whole)
    _, notes = note_creation.model_output_to_notes(whole, onset_thresh=0.5, frame_thresh=0.3)
    np.save(folder / "notes.npy", np.array([note[:3] for note in notes], float).reshape(-1, 3))
"""


def progression(seed: int, chords: int = 8) -> tuple[np.ndarray, Truth]:
    """Render chords of three or four keys, each key a sum of harmonics that decays or is held."""
    random = np.random.default_rng(seed)
    fall, decay = random.uniform(0.8, 2.0), random.choice([0.4, 1.2, np.inf])
    length = random.uniform(0.5, 1.2)
    sound = np.zeros(int((chords * length + 1) * SAMPLE_RATE), np.float32)
    intervals, keys = [], []
    for chord in range(chords):
        root, shape = random.integers(45, 70), _TRIADS[random.integers(len(_TRIADS))]
        for key in root + np.array(shape):
            start = 0.3 + chord * length + random.uniform(0, 0.01)
            end = start + length * random.uniform(0.7, 0.95)
            first, count = int(start * SAMPLE_RATE), int((end - start) * SAMPLE_RATE)
            sound[first : first + count] += _tone(key, count, fall, decay, random)
            intervals.append((start, end))
            keys.append(key)
    return 0.8 * sound / np.abs(sound).max(), (np.array(intervals), np.array(keys))


def _tone(key: int, count: int, fall: float, decay: float, random: np.random.Generator) -> np.ndarray:
    seconds = np.arange(count) / SAMPLE_RATE
    frequency = 440 * 2 ** ((key - 69) / 12)
    partials = range(1, min(12, int(SAMPLE_RATE / 2 / frequency)) + 1)
    phases = random.uniform(0, 2 * np.pi, len(partials))
    tone = sum(
        k**-fall * np.sin(2 * np.pi * k * frequency * seconds + phase)
        for k, phase in zip(partials, phases, strict=True)
    )
    envelope = np.minimum(1, seconds / 0.01) * np.minimum(1, (seconds[-1] - seconds) / 0.03)
    return tone * envelope * np.exp(-seconds / decay) * random.uniform(0.6, 1)


def f1(truth: Truth, notes: np.ndarray) -> tuple[float, float]:
    """F1 of notes, rows of start, end and MIDI number, without and with offsets."""
    hertz = [440 * 2 ** ((keys - 69) / 12) for keys in (truth[1], notes[:, 2])]
    arguments = (truth[0], hertz[0], notes[:, :2], hertz[1])
    measure = mir_eval.transcription.precision_recall_f1_overlap
    return measure(*arguments, offset_ratio=None)[2], measure(*arguments)[2]


def decoded(posteriors: Posteriors) -> np.ndarray:
    """Return the notes of our decoder as rows of start, end and MIDI number."""
    decoder = NoteDecoder(NoteOptions())
    notes = [*decoder.feed(posteriors), *decoder.finish(len(posteriors.notes))]
    numbers = np.array([note[:3] for note in notes], int).reshape(-1, 3)
    return np.column_stack([frame_times(numbers[:, 0]), frame_times(numbers[:, 1]), numbers[:, 2]])


def as_rows(notes: zoo.Notes) -> np.ndarray:
    return np.array([note[:3] for note in notes.notes], float).reshape(-1, 3)


def run_package(python: str, folder: Path) -> None:
    """Write the package's posteriors and notes beside each waveform."""
    source = zoo.describe("basicpitch").sources[0]
    graph = sources.get(source.url, folder.parent, checksum=source.checksum)
    model = graph.with_suffix(".onnx")
    graph.rename(model)
    subprocess.run([python, "-c", _PACKAGE, str(model), str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", metavar="PYTHON")
    parser.add_argument("--seed", type=int, default=0, help="of the first progression; others follow")
    options = parser.parse_args()
    net, rows = zoo.load("basicpitch", device="cpu"), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "recordings"
        tunes = [progression(options.seed + number) for number in range(PROGRESSIONS)]
        for i, (sound, _) in enumerate(tunes):
            (folder / f"{i:02d}").mkdir(parents=True)
            np.save(folder / f"{i:02d}" / "waveform.npy", sound)
        if options.package:
            run_package(options.package, folder)
        for i, (sound, truth) in enumerate(tunes):
            own = f1(truth, as_rows(zoo.notes(sound, sample_rate=SAMPLE_RATE, network=net)))
            row = {"ours, whole": own}
            if options.package:
                arrays = np.load(folder / f"{i:02d}" / "posteriors.npz")
                graph = Posteriors(arrays["note"], arrays["onset"], arrays["contour"])
                row["ours, package's graph"] = f1(truth, decoded(graph))
                row["package"] = f1(truth, np.load(folder / f"{i:02d}" / "notes.npy"))
            rows.append(row)
    print(f"{'F1 of notes, mean of ' + str(PROGRESSIONS):<34}  onsets  with offsets")
    for name in rows[0]:
        onset, offset = np.mean([row[name] for row in rows], axis=0)
        print(f"{name:<34}  {onset:.4f}  {offset:.4f}")


if __name__ == "__main__":
    main()
