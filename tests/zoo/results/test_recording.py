"""A result plays the recording that it was computed from."""

import base64
import io
import pickle
import re

import numpy as np
import pytest
import soundfile

import zoo
from tests.audio.test_signal import encode, tone
from zoo.results.recording import Recording

RATE = 16000


def played(source: str) -> tuple[np.ndarray, int]:
    """The samples of the one player in a piece of HTML."""
    (content,) = re.findall(r'<audio controls [^>]*src="data:audio/flac;base64,([^"]+)"></audio>', source)
    return soundfile.read(io.BytesIO(base64.b64decode(content)))


@pytest.fixture
def sound() -> np.ndarray:
    return tone(RATE, 1.5)[:, 0]


def test_events_and_pitch_of_a_file_play_it(tmp_path, net, sound):
    path = tmp_path / "tone.wav"
    path.write_bytes(encode(sound, RATE, "wav"))
    for result in (net("yamnet").sound_events(path), net("crepe.tiny").pitch([str(path)])[0]):
        samples, rate = played(result._repr_html_())
        assert len(samples) / rate == pytest.approx(1.5, abs=0.01)
        assert np.abs(samples).max() == pytest.approx(np.abs(sound).max(), rel=0.05)
    path.unlink()
    assert "<audio" not in result._repr_html_()


def test_an_array_is_played_at_its_rate_and_never_clipped(net, sound):
    result = net("yamnet").sound_events(np.stack([sound, sound]), sample_rate=RATE)
    samples, rate = played(result._repr_html_())
    assert len(samples) / rate == pytest.approx(1.5, abs=0.01)
    loud, _ = played(Recording(np.float32(3 * np.sign(sound)), RATE).player())
    assert np.abs(loud).max() <= 1


@pytest.mark.parametrize("kind", ["stream", "url", "stdin"])
def test_what_cannot_be_opened_again_has_no_player(kind, sound):
    inputs = {"stream": io.BytesIO(encode(sound, RATE, "wav")), "url": "https://host/a.wav", "stdin": "-"}
    assert Recording.of(inputs[kind]) is None


def test_a_long_recording_has_no_player():
    assert Recording(np.zeros(301 * 1000, np.float32), 1000).player() == ""


def test_the_recording_is_no_part_of_the_repr_and_is_pickled(net, sound):
    result = net("crepe.tiny").pitch(sound, sample_rate=RATE)
    assert "recording" not in repr(result)
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.recording.source, sound)
    assert isinstance(again, zoo.PitchTrack)
