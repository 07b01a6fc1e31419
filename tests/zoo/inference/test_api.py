"""Sound events and pitch on sounds whose answer is known, and the options of both."""

import numpy as np
import pytest
import torch

import zoo
from zoo.core.errors import InputError, UnknownNameError
from zoo.inference import api
from zoo.inference.tasks.pitch import redecode

RATE = 16000
CAPACITIES = [
    pytest.param(name, marks=[] if name in ("crepe.tiny", "crepe.full") else [pytest.mark.exhaustive])
    for name in zoo.networks(task="pitch")
    if name.startswith("crepe.")
]


def tone(hertz: float, seconds: float = 2.0, sample_rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * sample_rate)) / sample_rate)).astype(
        np.float32
    )


def cents(frequency: np.ndarray, truth: float) -> np.ndarray:
    return 1200 * np.log2(frequency / truth)


def test_the_bicycle_bell_is_heard_where_it_rings(net):
    """Labeled: 0 to 1.3, 6.9 to 24.9, 25.9 to 37.0 and 54.9 to 60.1 s; the original hears it from 7 to 22 s,
    from 26 to 37 s and faintly at 54 s, so that is what the events must cover, to one hop of 0.48 s."""
    labeled = [(0, 1.326), (6.893, 24.892), (25.904, 36.974), (54.863, 60.103)]
    result = zoo.sound_events(zoo.sample("bicycle-bell.wav"), network=net("yamnet"), include=["Bicycle bell"])
    assert {event.label for event in result.events} == {"Bicycle bell"}
    for start, end in ((7.2, 22.0), (26.0, 36.9)):
        times = np.arange(start, end, 0.1)
        covered = [any(event.start <= t <= event.end for event in result.events) for t in times]
        longest_gap = max(len(gap) for gap in "".join("x" if c else "." for c in covered).split("x"))
        assert longest_gap * 0.1 <= 0.5
    for event in result.events:
        assert any(start - 1 <= event.start and event.end <= end + 1 for start, end in labeled), event


@pytest.mark.parametrize(
    ("sound", "label", "top"),
    [
        (np.zeros(3 * RATE, np.float32), "Silence", 1),
        (np.random.default_rng(51773).uniform(-1, 1, 3 * RATE).astype(np.float32), "White noise", 1),
        (tone(440, 3), "Sine wave", 10),
    ],
    ids=["silence", "noise", "sine"],
)
def test_yamnet_passes_the_tests_of_its_authors(net, sound, label, top):
    assert label in net("yamnet").classify(sound, sample_rate=RATE, top=top).labels


def test_events_and_their_options(net):
    network, bell = net("yamnet"), zoo.sample("bicycle-bell.wav")
    everything = zoo.sound_events(bell, network=network, threshold=0.2)
    fewer = zoo.sound_events(bell, network=network, threshold=0.2, exclude=["Bicycle bell", "/m/07phxs1"])
    assert {"Bicycle bell", "Ding"} <= {event.label for event in everything.events}
    assert not {"Bicycle bell", "Ding"} & {event.label for event in fewer.events}
    assert all(0 <= event.start < event.end <= everything.duration for event in everything.events)
    assert list(everything.events) == sorted(everything.events, key=lambda e: (e.start, -e.score))
    assert everything.scores.shape == (len(everything.times), 521)
    long = zoo.sound_events(bell, network=network, min_duration=5, include=["Bicycle bell"])
    assert [round(event.start, 2) for event in long.events] == [7.2]
    joined = zoo.sound_events(bell, network=network, separation=1, include=["Bicycle bell"])
    assert len(joined.events) == 3


def test_events_under_their_categories(net):
    network, bell = net("yamnet"), zoo.sample("bicycle-bell.wav")
    every = zoo.sound_events(bell, network=network)
    alarms = zoo.sound_events(bell, network=network, specificity="medium")
    things = zoo.sound_events(bell, network=network, specificity="low")
    assert {"Bell", "Alarm"} <= {event.label for event in alarms.events}
    assert "Bicycle bell" not in {event.label for event in alarms.events}
    assert "Sounds of things" in {event.label for event in things.events}
    assert "Music" not in {e.label for e in things.events if e.end < 37}  # although bells are instruments
    for result in (every, alarms, things):
        np.testing.assert_array_equal(result.scores, every.scores)
        for event in result.events:
            inside = (result.times[:, 0] >= event.start) & (result.times[:, 0] < event.end)
            assert event.score == result.scores[inside, event.index].max()
    ringing = [e.index for e in things.events if e.label == "Sounds of things" and e.score > 0.98]
    assert {things.labels[index] for index in ringing} == {"Bicycle bell"}


def test_events_below_a_category(net):
    network, bell = net("yamnet"), zoo.sample("bicycle-bell.wav")
    vehicles = zoo.sound_events(bell, network=network, threshold=0.1, include="Vehicle")
    assert {"Bicycle", "Bicycle bell"} <= {event.label for event in vehicles.events}
    assert "Ding" not in {event.label for event in vehicles.events}
    rest = zoo.sound_events(bell, network=network, threshold=0.1, exclude=["Vehicle", "Sounds of things"])
    assert rest.events
    assert not {"Bicycle", "Bicycle bell"} & {event.label for event in rest.events}


@pytest.mark.parametrize(
    ("options", "error", "word"),
    [
        ({"threshold": 2}, InputError, "threshold"),
        ({"overlap": 1}, InputError, "less than 1"),
        ({"overlap": -0.1}, InputError, "overlap"),
        ({"overlap": "half"}, InputError, "overlap"),
        ({"threshold": float("nan")}, InputError, "threshold"),
        ({"threshold": "high"}, InputError, "threshold"),
        ({"separation": -1}, InputError, "separation"),
        ({"min_duration": None}, InputError, "min_duration"),
        ({"top": 0}, InputError, "top"),
        ({"top": "5"}, InputError, "top"),
        ({"include": "Bicycle bel"}, UnknownNameError, "Bicycle bell"),
        ({"exclude": [3]}, InputError, "exclude= takes names"),
        ({"include": ["Bicycle bel"]}, UnknownNameError, "Bicycle bell"),
        ({"include": ["zzzz"]}, UnknownNameError, "zzzz"),
        ({"include": "Human voise"}, UnknownNameError, "Human voice"),
        ({"specificity": "extreme"}, InputError, "medium"),
        ({"network": "crepe.tiny"}, InputError, "events"),
        ({"device": "cpu"}, InputError, "already: pass device and engine to zoo.load"),
        ({"engine": "torch"}, InputError, "already: pass device and engine to zoo.load"),
        ({"sample_rate": None}, InputError, "sample_rate"),
        ({"sample_rate": str(RATE)}, InputError, "sample rate of '16000' Hz"),
    ],
)
def test_options_of_events_that_make_no_sense(net, options, error, word):
    settings = {"network": net("yamnet"), "sample_rate": RATE, **options}
    with pytest.raises(error, match=word):
        zoo.sound_events(tone(440, 1), **settings)


@pytest.mark.parametrize(("decoder", "tolerance"), [("local-average", 5), ("viterbi", 5), ("argmax", 15)])
@pytest.mark.parametrize("name", CAPACITIES)
def test_a_tone_of_440_hz_is_found(net, name, decoder, tolerance):
    """Within 5 cents, or the bin beside the nearest of argmax, whose bins are 20 cents apart."""
    track = zoo.pitch(tone(440), sample_rate=RATE, network=net(name), decoder=decoder)
    middle = slice(10, -10)  # at the ends a frame is half padding
    assert track.voiced[middle].all()
    assert np.abs(cents(track.frequency[middle], 440)).max() < tolerance


def sung(frequency: np.ndarray) -> np.ndarray:
    """Three harmonics of a frequency in Hz, a value a sample."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    return (0.3 * (np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase))).astype(np.float32)


def test_vibrato_and_glides_are_followed(net):
    """Vibrato of ±50 cents at 5.5 Hz, and an octave in 2 s, within 20 cents for 19 frames of 20."""
    time = np.arange(2 * RATE) / RATE
    for semitones in (0.5 * np.sin(2 * np.pi * 5.5 * time), 6 * time):
        truth = 220 * 2 ** (semitones / 12)
        track = zoo.pitch(sung(truth), sample_rate=RATE, network=net("crepe.full"))
        inner = slice(5, -5)
        assert track.voiced[inner].all()
        off = 1200 * np.log2(track.frequency[inner] / np.interp(track.time[inner], time, truth))
        assert np.percentile(np.abs(off), 95) < 20


def test_a_range_keeps_the_pitch_in_it(net):
    """Two tones at once: which of them is found is up to the range; each disturbs the other a little."""
    both = tone(220) + tone(700)
    for limits, truth in (({"fmax": 300}, 220), ({"fmin": 500}, 700)):
        track = zoo.pitch(both, sample_rate=RATE, network=net("crepe.full"), threshold=0, **limits)
        assert abs(cents(np.median(track.frequency), truth)) < 50
        assert (track.frequency >= limits.get("fmin", 0)).all()
        assert (track.frequency <= limits.get("fmax", 2100)).all()


@pytest.mark.parametrize("decoder", ["local-average", "viterbi", "soft-viterbi", "argmax"])
def test_known_activations_are_decoded_as_the_recording_would_be(net, decoder):
    noise = np.random.default_rng(0).normal(0, 0.1, 12 * RATE)  # more frames than are decoded at a time
    sound = (tone(440, 12) + noise).astype(np.float32)
    options = {"sample_rate": RATE, "network": net("crepe.tiny"), "threshold": 0, "silence": None}
    track = zoo.pitch(sound, **options, keep_activations=True)
    expected = zoo.pitch(sound, **options, decoder=decoder, fmin=100, fmax=500)
    decoded = redecode(track, decoder=decoder, fmin=100, fmax=500)
    np.testing.assert_array_equal(decoded.frequency, expected.frequency)
    np.testing.assert_array_equal(decoded.confidence, expected.confidence)
    assert decoded.voiced.all()
    with pytest.raises(InputError, match="keep_activations"):
        redecode(expected, decoder=decoder)


def test_a_smoothed_track_is_the_track_smoothed(net):
    melody = zoo.sample("melody.wav")
    rough = zoo.pitch(melody, network=net("crepe.tiny"))
    for smoother in ("median", "mean"):
        smooth = zoo.pitch(melody, network=net("crepe.tiny"), smooth=9, smoother=smoother)
        np.testing.assert_array_equal(smooth.frequency, rough.smoothed(9, smoother).frequency)
        steps, before = (np.nanmedian(np.abs(np.diff(t.frequency))) for t in (smooth, rough))
        assert steps < 0.7 * before


@pytest.mark.parametrize("name", CAPACITIES)
def test_silence_is_unvoiced_and_noise_nearly_so(net, name):
    silence = zoo.pitch(np.zeros(4 * RATE, np.float32), sample_rate=RATE, network=net(name))
    assert not silence.voiced.any()
    assert np.isnan(silence.frequency).all()
    for loudness in (0.01, 0.1, 0.3):
        noise = np.random.default_rng(1).standard_normal(4 * RATE).astype(np.float32) * loudness
        assert zoo.pitch(noise.clip(-1, 1), sample_rate=RATE, network=net(name)).voiced.mean() < 0.05


@pytest.mark.parametrize("name", CAPACITIES)
def test_the_sweep_is_followed_from_end_to_end(net, name, media):
    track = zoo.pitch(media / "sounds" / "crepe_sweep.wav", network=net(name))
    assert track.voiced.mean() > 0.98
    assert 180 < track.frequency[track.voiced][0] < 190
    assert 1750 < track.frequency[track.voiced][-1] < 1830
    assert (
        np.nanmin(np.diff(track.frequency[track.voiced])) > -12
    )  # it only rises, up to half a bin at the top


def test_quiet_sound_is_gated_by_its_level_and_the_gate_can_be_opened(net):
    quiet = tone(440) * 1e-4  # -86 dB
    assert not zoo.pitch(quiet, sample_rate=RATE, network=net("crepe.tiny")).voiced.any()
    assert zoo.pitch(quiet, sample_rate=RATE, network=net("crepe.tiny"), silence=None).voiced.mean() > 0.9


@pytest.mark.parametrize("sample_rate", [8000, np.int16(11025), 22050, 44100, 48000])
def test_the_sample_rate_of_an_array_does_not_matter(net, sample_rate):
    track = zoo.pitch(tone(440, sample_rate=sample_rate), sample_rate=sample_rate, network=net("crepe.tiny"))
    assert np.abs(cents(np.nanmedian(track.frequency), 440)) < 5
    assert track.time[-1] == pytest.approx(2.0)


def test_the_step_is_the_time_between_frames(net):
    track = zoo.pitch(tone(440), sample_rate=RATE, network=net("crepe.tiny"), hop=0.005)
    np.testing.assert_allclose(np.diff(track.time), 0.005)
    assert len(track.time) == 401


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"decoder": "magic"}, "viterbi"),
        ({"threshold": -1}, "threshold"),
        ({"hop": 0}, "hop"),
        ({"hop": 1}, "hop"),
        ({"hop": None}, "hop"),
        ({"silence": "loud"}, "silence"),
        ({"fmin": "low"}, "fmin"),
        ({"fmin": 500, "fmax": 400}, "between fmin=500 and fmax=400"),
        ({"fmax": 10}, "31.7"),
        ({"smooth": 4}, "odd"),
        ({"smooth": 0}, "smooth"),
        ({"smoother": "mode"}, "median, mean"),
        ({"threshold": "x"}, "threshold"),
        ({"network": "yamnet"}, "pitch"),
    ],
)
def test_options_of_pitch_that_make_no_sense(net, options, word):
    with pytest.raises(InputError, match=word):
        zoo.pitch(tone(440, 1), sample_rate=RATE, **{"network": net("crepe.tiny"), **options})


def test_a_fresh_head_takes_pitch_away():
    with pytest.raises(InputError, match="pitch"):
        zoo.pitch(tone(440), sample_rate=RATE, network=zoo.load("crepe.tiny", num_classes=3, device="cpu"))


def test_a_single_class_may_be_named_without_a_list(net):
    bell = zoo.sample("bicycle-bell.wav")
    result = zoo.sound_events(bell, network=net("yamnet"), include="bicycle bell")
    assert {event.label for event in result.events} == {"Bicycle bell"}


def test_a_list_gives_a_list(net):
    options = {"sample_rate": RATE, "network": net("crepe.tiny")}
    low, high = zoo.pitch([tone(220), tone(440)], **options)
    assert np.nanmedian(low.frequency) == pytest.approx(220, rel=0.01)
    assert [low.input, high.input] == ["ndarray 1", "ndarray 2"]
    np.testing.assert_array_equal(high.frequency, zoo.pitch(tone(440), **options).frequency)
    assert zoo.pitch([], **options) == []
    yamnet = net("yamnet")
    both = zoo.sound_events([tone(440), tone(880)], network=yamnet, sample_rate=RATE)
    assert [result.duration for result in both] == [2.0, 2.0]
    assert [(result.input, result.clip.input) for result in both] == [("ndarray 1",) * 2, ("ndarray 2",) * 2]
    assert yamnet.sound_events([], sample_rate=RATE) == []


def test_the_last_networks_stay_loaded_whether_the_device_is_a_name_or_of_torch():
    api.loaded.cache_clear()
    first, again = (
        zoo.pitch(tone(440), sample_rate=RATE, network="crepe.tiny", device=device, engine="torch")
        for device in ("cpu", torch.device("cpu"))
    )
    np.testing.assert_array_equal(first.frequency, again.frequency)
    assert api.loaded.cache_info().hits == 1


def test_embeddings_of_sound_have_times(net):
    result = zoo.embed(tone(440, 3), sample_rate=RATE, network=net("yamnet"))
    assert result.values.shape == (6, 1024)
    np.testing.assert_allclose(result.times[:, 0], np.arange(6) * 0.48)
    np.testing.assert_allclose(result.times[:, 1] - result.times[:, 0], 0.96)
    crepe = zoo.embed(tone(440, 1), sample_rate=RATE, network=net("crepe.tiny"))
    assert crepe.values.shape == (101, 256)


def test_overlap_is_that_of_the_call(net):
    network, bell = net("yamnet"), zoo.sample("bicycle-bell.wav")
    options = {"network": network, "include": "Bicycle bell"}
    coarse, fine = (zoo.sound_events(bell, **options, overlap=overlap) for overlap in (0, 0.75))
    assert coarse.times[1].tolist() == pytest.approx([0.96, 1.92])
    assert fine.times[1].tolist() == pytest.approx([0.24, 1.20])
    assert (len(coarse.scores), len(fine.scores)) == (len(coarse.times), len(fine.times))
    assert all(abs(result.events[0].start - 7.0) < 0.96 for result in (coarse, fine))
    assert net("yamnet").preprocessor.framing.hop == 7680
    vectors = zoo.embed(tone(440, 3), sample_rate=RATE, network=network, overlap=0)
    np.testing.assert_allclose(vectors.times[:, 0], np.arange(4) * 0.96)
    one = zoo.classify(tone(440, 3), sample_rate=RATE, network=network, overlap=0.9, top=20)
    assert "Sine wave" in one.labels
    with pytest.raises(InputError, match="for sound"):
        zoo.embed(np.zeros((32, 32, 3), np.uint8), network="squeezenet", overlap=0.5)


def test_classify_and_embed_by_name():
    picture = np.zeros((32, 32, 3), np.uint8)
    assert zoo.classify(picture, network="squeezenet", top=1).network == "squeezenet.caffe"
    assert zoo.embed(picture, network="squeezenet").values.shape == (1, 512)
