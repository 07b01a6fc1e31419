"""SwiftF0 against the graph of its package, and its frames between the own ones."""

from pathlib import Path

import numpy as np
import pytest

import zoo
from benchmarks.melodies import RATE, STEP, melody
from zoo.audio import swiftf0
from zoo.audio.signal import mono, open_sound
from zoo.core.errors import InputError
from zoo.hub import sources
from zoo.inference.tasks.pitch import redecode


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The graph of the package, as a function of a waveform and a range: pitch in Hz, and confidence."""
    import onnxruntime

    source = zoo.describe("swiftf0").sources[0]
    path = sources.get(source.url, tmp_path_factory.mktemp("swift"), checksum=source.checksum)
    session = onnxruntime.InferenceSession(str(path))

    def run(waveform, low=swiftf0.FMIN, high=swiftf0.FMAX):
        limits = {"fmin": np.array(low, np.float32), "fmax": np.array(high, np.float32)}
        pitch, confidence = session.run(["pitch", "confidence"], {"audio": waveform[None], **limits})
        return pitch[0], confidence[0]

    return run


@pytest.fixture(scope="module")
def tune():
    return melody(5, seed=3, seconds=1.5)


@pytest.mark.parametrize("limits", [{}, {"fmin": 200.0, "fmax": 400.0}], ids=["all", "octave"])
@pytest.mark.parametrize("samples", [200, 256, 511, 3 * RATE + 77, None])
def test_own_frames_are_those_of_the_graph(net, original, tune, samples, limits):
    """Looser than for singing: bands without sound hold the rounding of the transform, which is another.

    Where the network is not sure, that may decide between two pitches.
    """
    sound = tune.sound[RATE:][:samples]
    track = zoo.pitch(
        sound, sample_rate=RATE, network=net("swiftf0"), hop=0.016, threshold=0, silence=None, **limits
    )
    pitch, confidence = original(sound, *limits.values())
    assert len(track) == 1 + len(sound) // 256
    np.testing.assert_allclose(track.confidence[: len(pitch)], confidence, atol=1e-2)
    sure = confidence >= 0.9  # the package's own threshold
    np.testing.assert_allclose(track.frequency[: len(pitch)][sure], pitch[sure], rtol=1e-3)


def test_singing_is_right_in_98_percent_of_the_frames(net, original, media):
    import mir_eval

    folder = media / "pitch/vocadito"
    sound = next((folder / "Audio").iterdir())
    truth = np.loadtxt(next((folder / "Annotations/F0").iterdir()), delimiter=",")
    track = zoo.pitch(sound, network=net("swiftf0"), threshold=0, silence=None)
    cents = mir_eval.melody.to_cent_voicing(truth[:, 0], truth[:, 1], track.time, track.frequency)
    assert mir_eval.melody.raw_pitch_accuracy(*cents) >= 0.98
    waveform = np.concatenate(list(mono(open_sound(Path(sound)), RATE)))
    own = zoo.pitch(sound, network=net("swiftf0"), hop=0.016, threshold=0, silence=None)
    pitch, confidence = original(waveform)
    np.testing.assert_allclose(own.frequency[: len(pitch)], pitch, rtol=1e-5)
    np.testing.assert_allclose(own.confidence[: len(pitch)], confidence, atol=1e-4)


@pytest.mark.parametrize("hop", [0.005, 0.01, 0.016, 0.03])
def test_a_stream_gives_the_frames_of_the_whole_recording(net, tune, hop):
    whole = zoo.pitch(tune.sound, sample_rate=RATE, network=net("swiftf0"), hop=hop, smooth=3)
    stream = net("swiftf0").stream(RATE, hop=hop, smooth=3)
    parts = [stream.feed(tune.sound[i : i + 5000]) for i in range(0, len(tune.sound), 5000)]
    joined = stream.processor.merge([*parts, stream.finish()])
    np.testing.assert_allclose(joined.time, whole.time)
    np.testing.assert_allclose(joined.time, np.arange(len(whole)) * hop)
    np.testing.assert_array_equal(joined.voiced, whole.voiced)
    np.testing.assert_allclose(joined.frequency, whole.frequency, rtol=1e-5)
    np.testing.assert_allclose(joined.confidence, whole.confidence, atol=1e-5)


def test_melodies_are_followed(net, tune):
    import mir_eval

    track = zoo.pitch(tune.sound, sample_rate=RATE, network=net("swiftf0"), threshold=0, silence=None)
    time = np.arange(len(tune.frequency)) * STEP / RATE
    inside = tune.frequency * (tune.frequency >= swiftf0.FMIN)
    cents = mir_eval.melody.to_cent_voicing(time, inside, track.time, track.frequency)
    assert mir_eval.melody.raw_pitch_accuracy(*cents) > 0.85


def test_activations_are_decoded_again(net, tune):
    options = {"sample_rate": RATE, "network": net("swiftf0"), "hop": 0.016, "threshold": 0, "silence": None}
    track = zoo.pitch(tune.sound, keep_activations=True, **options)
    narrow = redecode(track, fmin=100, fmax=300)
    direct = zoo.pitch(tune.sound, fmin=100, fmax=300, **options)
    np.testing.assert_allclose(narrow.frequency, direct.frequency, rtol=1e-5)
    np.testing.assert_allclose(narrow.confidence, direct.confidence, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"decoder": "viterbi"}, "choose local-average or argmax"),
        ({"fmin": 3000}, "No pitch lies"),
        ({"hop": 0}, "hop"),
        ({"hop": 0.1}, "hop"),
    ],
)
def test_an_option_that_it_does_not_have_is_refused(net, options, match):
    with pytest.raises(InputError, match=match):
        zoo.pitch(np.zeros(RATE, np.float32), sample_rate=RATE, network=net("swiftf0"), **options)
