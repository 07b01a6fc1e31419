"""Basic Pitch against the graph of its package, and its frames over the seams of windows."""

import numpy as np
import onnx
import pytest
import torch

import zoo
from benchmarks.notes import as_rows, f1, progression
from zoo.audio.basicpitch import FRAMES, HOP, OVERLAP, SAMPLE_RATE, WINDOW, frame_times, posteriors
from zoo.audio.signal import read_mono
from zoo.hub import sources

SPECTRUM = "model_1/tf.expand_dims_1/ExpandDims;model_1/tf.expand_dims_1/ExpandDims"
CONTOURS, NOTES, ONSETS = (f"StatefulPartitionedCall:{i}" for i in range(3))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The graph of the package, as a function of windows: spectrum, contours, notes, onsets."""
    import onnxruntime

    source = zoo.describe("basicpitch").sources[0]
    path = sources.get(source.url, tmp_path_factory.mktemp("basic"), checksum=source.checksum)
    model = onnx.load(path)
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(SPECTRUM))
    session = onnxruntime.InferenceSession(model.SerializeToString())

    def run(windows):
        data = {"serving_default_input_2:0": windows[..., None]}
        return session.run([SPECTRUM, CONTOURS, NOTES, ONSETS], data)

    return run


def windows_of(path):
    samples = read_mono(path, SAMPLE_RATE)
    samples = np.pad(samples, (0, max(0, WINDOW - len(samples))))
    return samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)[:4]


@pytest.mark.parametrize(
    ("name", "of_spectrum", "tolerance"),
    [
        ("sounds/miaow_16k.wav", 1e-4, 1e-4),
        ("sounds/torchcrepe_test.wav", 1e-4, 1e-4),
        ("pitch/vocadito/Audio/vocadito_1.wav", 1e-4, 1e-4),
        ("sounds/crepe_sweep.wav", 5e-3, 1e-3),  # a pure tone: most bins hold nothing but rounding
    ],
)
def test_posteriors_are_those_of_the_graph(net, original, media, name, of_spectrum, tolerance):
    windows = windows_of(media / name)
    spectrum, contours, notes, onsets = original(windows)
    own = net("basicpitch").module.cqt(torch.from_numpy(windows)).numpy()
    np.testing.assert_allclose(own, spectrum[..., 0], atol=of_spectrum)
    scores = net("basicpitch").scores(torch.from_numpy(windows)).reshape(len(windows), FRAMES, -1)
    expected = np.concatenate([contours, notes, onsets], axis=2)
    assert notes.max() > 0.3  # there is something to find
    np.testing.assert_allclose(scores, expected, atol=tolerance)


def test_silence_is_no_sound_and_no_note(net):
    data = torch.zeros(2, WINDOW)
    assert np.isfinite(net("basicpitch").scores(data)).all()
    silence = zoo.notes(np.zeros(5 * SAMPLE_RATE), sample_rate=SAMPLE_RATE, network=net("basicpitch"))
    assert silence.notes == ()
    assert silence.duration == pytest.approx(5)


def test_frames_of_windows_follow_each_other_in_time():
    times = frame_times(np.arange(3 * (FRAMES - OVERLAP)))
    steps = np.unique(np.round(np.diff(times) * SAMPLE_RATE).astype(int))
    assert steps.tolist() == [68, HOP]
    assert times[FRAMES - OVERLAP] * SAMPLE_RATE == pytest.approx(WINDOW - OVERLAP * HOP)


def test_posteriors_are_the_middles_of_windows():
    scores = np.arange(2 * FRAMES, dtype=float).repeat(440).reshape(2, -1)
    middles = posteriors(scores)
    assert middles.notes.shape == middles.onsets.shape == (2 * (FRAMES - OVERLAP), 88)
    assert middles.contours.shape[1] == 264
    assert middles.notes[:, 0].tolist() == [*range(15, 157), *range(172 + 15, 172 + 157)]


@pytest.fixture(scope="module")
def chords():
    return progression(3)


def test_chords_are_written_down(net, chords):
    sound, truth = chords
    notes = zoo.notes(sound, sample_rate=SAMPLE_RATE, network=net("basicpitch"))
    onsets, offsets = f1(truth, as_rows(notes))
    assert onsets > 0.9
    assert offsets > 0.85
    in_tune = [abs(note.cents) for note in notes.notes if note.end - note.start > 0.3]
    assert np.median(in_tune) < 5


def test_notes_do_not_depend_on_where_the_recording_is_cut_into_windows(net, chords):
    """A recording that begins later has the seams of its windows at other places of the music."""
    sound, truth = chords
    late = 0.77  # s
    moved = np.concatenate([np.zeros(int(late * SAMPLE_RATE), np.float32), sound])
    notes = as_rows(zoo.notes(moved, sample_rate=SAMPLE_RATE, network=net("basicpitch")))
    straight = as_rows(zoo.notes(sound, sample_rate=SAMPLE_RATE, network=net("basicpitch")))
    assert f1((straight[:, :2] + late, straight[:, 2]), notes)[0] > 0.9
    assert f1((truth[0] + late, truth[1]), notes)[0] > 0.9


def test_the_end_of_a_recording_is_heard_and_nothing_lies_behind_it(net):
    sound, (intervals, _) = progression(5)
    sound = np.tile(sound, 2)
    last = 1 / 2 * len(sound) / SAMPLE_RATE + intervals[:, 0].max()
    notes = zoo.notes(sound, sample_rate=SAMPLE_RATE, network=net("basicpitch"))
    assert max(note.start for note in notes.notes) > last - 0.06
    cut = zoo.notes(sound[: int(2.2 * SAMPLE_RATE)], sample_rate=SAMPLE_RATE, network=net("basicpitch"))
    assert max(note.end for note in cut.notes) <= cut.duration == pytest.approx(2.2, abs=1e-3)
