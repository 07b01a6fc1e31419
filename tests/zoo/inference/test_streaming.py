"""Live streams: whatever the chunks, all that comes out is what the verb gives for the whole recording."""

import numpy as np
import pytest

import zoo
from zoo.audio.signal import read_mono
from zoo.core.errors import InputError

# The frames of a chunk go through the network together, so sums are rounded in another order.
ROUNDING = {"rtol": 1e-4, "atol": 1e-4}


def chunks(samples, longest, seed=0):
    rng = np.random.default_rng(seed)
    while len(samples):
        n = int(rng.integers(1, longest))
        yield samples[:n]
        samples = samples[n:]


@pytest.fixture(scope="module")
def melody():
    return read_mono(zoo.sample("melody.wav"), 44100)


@pytest.fixture(scope="module")
def bell():
    return read_mono(zoo.sample("bicycle-bell.wav"), 44100)[: 40 * 44100]


@pytest.mark.parametrize("longest", [4410, 3 * 44100])
@pytest.mark.parametrize("options", [{}, {"specificity": "medium", "separation": 1.0, "min_duration": 2.0}])
def test_streamed_events_are_those_of_the_recording(net, bell, longest, options):
    network = net("yamnet")
    whole = zoo.sound_events(bell, network=network, sample_rate=44100, threshold=0.3, **options)
    stream = network.stream(44100, threshold=0.3, **options)
    early = [event for chunk in chunks(bell, longest) for event in stream.feed(chunk)]
    assert stream.seconds == pytest.approx(40, abs=0.1)
    events = sorted(early + stream.finish(), key=lambda event: (event.start, -event.score))
    assert len(early) > 3
    assert [event[:3] for event in events] == [event[:3] for event in whole.events]
    for streamed, offline in zip(events, whole.events, strict=True):
        assert streamed[3:] == pytest.approx(offline[3:], abs=1e-4)


def test_the_latest_classes_are_those_of_the_newest_patch(net, bell):
    stream = net("yamnet").stream(44100)
    assert stream.processor.latest is None
    stream.feed(bell[: 10 * 44100])  # which rings from 6.9 s on
    assert stream.processor.latest.labels[0] == "Bicycle bell"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decoder": "viterbi"},
        {"smooth": 7, "hop": 0.005},
        {"decoder": "viterbi", "smooth": 5, "smoother": "mean", "fmin": 200.0},
        {"keep_activations": True, "silence": None, "threshold": 0.0},
    ],
    ids=str,
)
def test_streamed_pitch_is_that_of_the_recording(net, melody, options):
    network = net("crepe.tiny")
    whole = zoo.pitch(melody, network=network, sample_rate=44100, **options)
    stream = network.stream(44100, **options)
    parts = [stream.feed(chunk) for chunk in chunks(melody, 9000)]
    assert sum(len(part) > 0 for part in parts) > 10
    parts.append(stream.finish())
    columns = ["time", "frequency", "confidence", "voiced", "level"]
    columns += ["activations"] if "keep_activations" in options else []
    for column in columns:
        streamed = np.concatenate([getattr(part, column) for part in parts])
        np.testing.assert_allclose(streamed, getattr(whole, column), err_msg=column, **ROUNDING)


@pytest.mark.parametrize("name", ["yamnet", "vggish", "openl3", "crepe.tiny"])
def test_streamed_vectors_are_those_of_the_recording(name, melody):
    network = zoo.load(name, weights=None, device="cpu")
    sound = melody[: 2 * 44100]
    whole = network.embed(sound, sample_rate=44100)
    stream = network.stream(44100, task="embed")
    assert len(stream.feed(sound[:100])) == 0
    parts = [*map(stream.feed, chunks(sound[100:], 40000)), stream.finish()]
    np.testing.assert_allclose(np.concatenate([part.times for part in parts if len(part)]), whole.times)
    streamed = np.concatenate([part.values for part in parts if len(part)])
    scale = np.abs(whole.values).max()
    np.testing.assert_allclose(streamed / scale, whole.values / scale, **ROUNDING)


def test_chunks_may_be_stereo_and_integers(net, melody):
    stream, other = (net("crepe.tiny").stream(44100) for _ in range(2))
    sound = melody[:44100]
    integers = (sound * 32767).astype(np.int16)
    expected, actual = stream.feed(sound), other.feed(np.stack([integers, integers]))
    assert len(actual) == len(expected) > 50
    np.testing.assert_allclose(actual.confidence, expected.confidence, atol=0.02)


def test_a_picture_network_has_no_stream(net):
    with pytest.raises(InputError, match="takes no sound"):
        net("squeezenet").stream(16000)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"task": "pitch"}, "does not support the task pitch"),
        ({"threshold": 2}, "threshold"),
        ({"include": ["Dgo"]}, "Dog"),
        ({"specificity": "none"}, "specificity"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(net, options, sentence):
    with pytest.raises(zoo.ZooError, match=sentence):
        net("yamnet").stream(16000, **options)


def test_bad_rates_chunks_and_ends(net):
    network = net("yamnet")
    with pytest.raises(InputError, match="sample rate"):
        network.stream(0)
    stream = network.stream(16000)
    for chunk in (np.zeros(0), np.zeros((300, 2)), np.array(["a"]), np.full(10, np.nan)):
        with pytest.raises(InputError):
            stream.feed(chunk)
    stream.feed(np.zeros(16000, np.float32))
    stream.finish()
    with pytest.raises(InputError, match="finished"):
        stream.feed(np.zeros(100))
    with pytest.raises(InputError, match="finished"):
        stream.finish()
    with pytest.raises(InputError, match="no samples"):
        network.stream(16000).finish()
    empty = zoo.load("vggish", weights=None).stream(16000)
    empty.feed(np.zeros(1000, np.float32))
    with pytest.raises(InputError, match="shorter than one window"):
        empty.finish()
