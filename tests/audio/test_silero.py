"""Silero VAD against the graph of its package, which is run window by window."""

import numpy as np
import pytest

import zoo
from zoo.audio.signal import mono, open_sound
from zoo.core.errors import InputError
from zoo.hub import sources

RATE = 16000


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The graph of the package, as a function of a waveform: a probability every 512 samples."""
    import onnxruntime

    source = zoo.describe("silero").sources[0]
    path = sources.get(source.url, tmp_path_factory.mktemp("silero"), checksum=source.checksum)
    session = onnxruntime.InferenceSession(str(path))

    def run(waveform):
        state, context, scores = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
        for i in range(0, len(waveform), 512):
            window = np.pad(waveform[i : i + 512], (0, max(i + 512 - len(waveform), 0)))
            inputs = {"input": np.concatenate([context, window])[None], "state": state}
            output, state = session.run(None, {**inputs, "sr": np.array(RATE)})
            context = window[-64:]
            scores.append(output[0, 0])
        return np.array(scores)

    return run


@pytest.mark.parametrize(
    ("place", "speaks"),
    [("sounds/torchcrepe_test.wav", True), ("digits/7_jackson_3.wav", True), ("sounds/miaow_16k.wav", False)],
)
def test_scores_are_those_of_the_graph(net, original, media, place, speaks):
    waveform = np.concatenate(list(mono(open_sound(media / place), RATE)))
    heard = zoo.sound_events(media / place, network=net("silero"), threshold=0.5, min_duration=0.1)
    np.testing.assert_allclose(heard.scores[:, 0], original(waveform), atol=1e-4)
    assert {event.label for event in heard.events} == ({"Speech"} if speaks else set())
    for event in heard.events:
        assert 0 <= event.start < event.end <= len(waveform) / RATE
        assert 0.5 <= event.score <= 1


def test_a_stream_gives_the_events_of_the_whole_recording(net, media):
    waveform = np.concatenate(list(mono(open_sound(media / "sounds/torchcrepe_test.wav"), RATE)))
    whole = zoo.sound_events(waveform, sample_rate=RATE, network=net("silero"))
    stream = net("silero").stream(RATE)
    events = [event for i in range(0, len(waveform), 1000) for event in stream.feed(waveform[i : i + 1000])]
    events += stream.finish()
    assert len(events) > 1
    assert [(e.start, e.end) for e in events] == [(e.start, e.end) for e in whole.events]
    np.testing.assert_allclose([e.score for e in events], [e.score for e in whole.events], atol=1e-5)


def test_a_recording_does_not_depend_on_the_one_before(net, media):
    files = [media / "sounds/torchcrepe_test.wav", media / "digits/7_jackson_3.wav"]
    first, second = zoo.sound_events(files, network=net("silero"))
    alone = zoo.sound_events(files[1], network=net("silero"))
    np.testing.assert_array_equal(second.scores, alone.scores)
    assert first.scores.shape[1] == 1


def test_an_overlap_is_refused(net):
    with pytest.raises(InputError, match="a window every"):
        zoo.sound_events(np.zeros(RATE, np.float32), sample_rate=RATE, network=net("silero"), overlap=0.5)
