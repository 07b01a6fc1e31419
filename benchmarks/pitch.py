"""How right our pitch and its peers' is, with and without noise: ``python benchmarks/pitch.py``.

Synthetic melodies from 34 to 1900 Hz (`melodies.py`), clean and in white and pink noise, through every
decoder of ours, torchcrepe's and librosa's pYIN; with ``--singing FOLDER``, recordings of vocadito in their
place, with times real time. Measures are mir_eval's, all in %: raw pitch accuracy
within 50 cents; octave errors, which are raw chroma accuracy minus that; voicing recall and false alarms at
each program's own threshold (ours 0.5 and -60 dB; torchcrepe has none, and gets 0.5 on its periodicity).
All state the pitch of a frame at its center, every 10 ms, as the melodies do, so mir_eval has nothing to
interpolate.

torchcrepe is not a dependency of ours; ``uv pip install --target PEERS --no-deps torchcrepe==0.0.24`` and
``--peers PEERS``. It frames, normalizes and decodes for itself, the whole recording at once as is its
default. Its network has our weights and is slow, so ours takes its frames, after the activations of the
first ones were found the same; ``--slow`` runs its own throughout.
"""

import argparse
import sys
import time
import types
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import librosa
import mir_eval
import numpy as np
import torch
from melodies import RATE, STEP, Melody, hidden, melody

import zoo
from zoo.audio.options import DECODERS
from zoo.audio.pitch import Decoder, to_hertz
from zoo.audio.signal import mono, open_sound
from zoo.inference.network import Network

Track = tuple[np.ndarray, np.ndarray]
"""Frequency in Hz and whether it is voiced, of each frame."""


def measure(tune: Melody, track: Track) -> np.ndarray:
    """Raw pitch accuracy, octave errors, voicing recall and false alarms, in %."""
    times, (frequency, voiced) = np.arange(len(tune.frequency)) * STEP / RATE, track
    assert len(frequency) == len(times), "frames are not those of the melody"
    truth = mir_eval.melody.to_cent_voicing(times, tune.frequency, times, frequency, voiced.astype(float))
    pitch, chroma = mir_eval.melody.raw_pitch_accuracy(*truth), mir_eval.melody.raw_chroma_accuracy(*truth)
    recall, alarm = mir_eval.melody.voicing_measures(truth[0], truth[2])
    return 100 * np.array([pitch, chroma - pitch, recall, alarm])


def ours(net: Network, sound: np.ndarray) -> Iterator[tuple[str, Track]]:
    track = zoo.pitch(sound, sample_rate=RATE, network=net, threshold=0, silence=None, keep_activations=True)
    voiced = track.gated(threshold=0.5, silence=-60).voiced
    if net.spec.arch == "swiftf0":  # which decodes each frame by itself
        yield f"{net.name} local-average", (track.frequency, voiced)
        return
    for name in DECODERS:  # as zoo.pitch does, but the network hears the melody once
        decoder = Decoder(name)
        cents = np.concatenate([decoder.feed(track.activations), decoder.finish()])
        yield f"{net.name} {name}", (to_hertz(cents), voiced)


def torchcrepe(
    folder: str, slow: bool
) -> Callable[[Network, np.ndarray], Iterator[tuple[str, Track]]] | None:
    """Return a function that runs torchcrepe's decoders, or None if torchcrepe is not in the folder."""
    sys.path.append(folder)
    sys.modules.setdefault("resampy", types.ModuleType("resampy"))  # which it needs for other rates only
    try:
        import torchcrepe as peer
    except ImportError:
        return None

    def run(net: Network, sound: np.ndarray) -> Iterator[tuple[str, Track]]:
        capacity, parts = net.name.removeprefix("crepe."), []
        for frames in peer.preprocess(torch.from_numpy(sound)[None], RATE, STEP, 128):
            if slow or not parts:
                with torch.inference_mode():
                    theirs = peer.infer(frames, capacity)
            if not slow:
                parts.append(torch.from_numpy(net.scores(frames)))
                assert len(parts) > 1 or torch.allclose(parts[0], theirs, atol=1e-4), "not our weights"
            else:
                parts.append(theirs)
        activations = torch.cat(parts).T[None]
        for decoder in ("argmax", "weighted_argmax", "viterbi"):
            for fmin in (50.0, 31.7):
                np.random.seed(0)  # noqa: NPY002 - its dither comes from there
                frequency, periodicity = peer.postprocess(
                    activations.clone(), fmin, 2006.0, getattr(peer.decode, decoder), return_periodicity=True
                )
                track = frequency[0].numpy(), periodicity[0].numpy() >= 0.5
                yield f"torchcrepe.{capacity} {decoder} from {fmin:g} Hz", track

    return run


def pyin(sound: np.ndarray) -> Iterator[tuple[str, Track]]:
    frequency, voiced, _ = librosa.pyin(
        sound, fmin=32, fmax=2006, sr=RATE, hop_length=STEP, frame_length=2048, fill_na=None
    )
    yield "librosa pyin from 32 Hz", (frequency, voiced)


def singing(nets: list[Network], folder: Path, with_pyin: bool, repeats: int) -> None:
    """Print accuracy and speed on recordings with annotated pitch, as vocadito keeps them.

    The programs take turns, in this order and in the opposite one; the fastest pass of each counts.
    """
    print(
        "raw pitch accuracy, octave errors, in %, of all annotated frames without gates; times real time by"
    )
    print("the clock, and by processor time, which does not pass faster on a busy machine")
    for path in sorted((folder / "Audio").glob("*.wav")):
        annotated = np.loadtxt(folder / "Annotations" / "F0" / f"{path.stem}_f0.csv", delimiter=",")
        sound = np.concatenate(list(mono(open_sound(path), RATE)))
        runs: dict[str, Callable[[], Track]] = {net.name: partial(plain, net, sound) for net in nets}
        if with_pyin:
            runs["librosa pyin from 32 Hz"] = lambda sound=sound: next(pyin(sound))[1]
        seconds = {name: np.full(2, np.inf) for name in runs}  # by the clock, and of all processors
        tracks: dict[str, Track] = {}
        for turn in range(repeats):
            for name in list(runs)[:: -1 if turn % 2 else 1]:
                if not turn and name in {net.name for net in nets}:
                    runs[name]()  # the first pass compiles
                begin = time.perf_counter(), time.process_time()
                tracks[name] = runs[name]()
                passed = time.perf_counter() - begin[0], time.process_time() - begin[1]
                seconds[name] = np.minimum(seconds[name], passed)
        for name, (frequency, _) in tracks.items():
            times = np.arange(len(frequency)) * STEP / RATE
            truth = mir_eval.melody.to_cent_voicing(annotated[:, 0], annotated[:, 1], times, frequency)
            accuracy = 100 * mir_eval.melody.raw_pitch_accuracy(*truth)
            chroma = 100 * mir_eval.melody.raw_chroma_accuracy(*truth)
            speed, share = len(sound) / RATE / seconds[name]
            print(
                f"{path.stem:<12} {name:<30}{accuracy:7.2f}{chroma - accuracy:7.2f}{speed:9.1f}{share:9.1f}",
                flush=True,
            )


def plain(net: Network, sound: np.ndarray) -> Track:
    track = zoo.pitch(sound, sample_rate=RATE, network=net, threshold=0, silence=None)
    return track.frequency, track.voiced


def conditions(tune: Melody) -> Iterator[tuple[str, tuple[Melody, np.ndarray]]]:
    yield "clean", (tune, tune.sound)
    for color in ("white", "pink"):
        for decibels in (20, 10, 5, 0):
            yield f"{color} {decibels}", (tune, hidden(tune, color, decibels, seed=7))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default="peers", help="folder that holds torchcrepe")
    parser.add_argument("--slow", action="store_true", help="torchcrepe's own network for all frames")
    parser.add_argument("--only", nargs="+", default=["swiftf0", "crepe.tiny", "crepe.full", "pyin"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="of melodies of 24 s")
    parser.add_argument("--singing", type=Path, help="folder of vocadito, measured in place of melodies")
    parser.add_argument("--repeats", type=int, default=3, help="passes of each program with --singing")
    parser.add_argument("--threads", type=int, help="of PyTorch; processor time of one has no waiting in it")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    nets = [zoo.load(name, device="cpu") for name in options.only if name != "pyin"]
    if options.singing:
        return singing(nets, options.singing, "pyin" in options.only, options.repeats)
    peer = torchcrepe(options.peers, options.slow)
    if peer is None:
        print("torchcrepe is not here, see --help")
    melodies = [dict(conditions(melody(8, seed))) for seed in options.seeds]
    print("raw pitch accuracy, octave errors, voicing recall, voicing false alarms; %")
    for noise in melodies[0]:
        measures: dict[str, list[np.ndarray]] = {}
        for tune, sound in (tunes[noise] for tunes in melodies):
            tracks = [
                track
                for net in nets
                for run in (ours, peer if net.spec.arch == "crepe" else None)
                if run
                for track in run(net, sound)
            ]
            tracks += pyin(sound) if "pyin" in options.only else []
            for name, track in tracks:
                measures.setdefault(name, []).append(measure(tune, track))
        for name, values in measures.items():
            cells = "".join(f"{value:7.1f}" for value in np.mean(values, axis=0))
            print(f"{noise:<9} {name:<44}{cells}", flush=True)


if __name__ == "__main__":
    main()
