"""Any value of an option gives a result, or an error of one sentence that names the option."""

import os
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zoo
from zoo.core import environment, validation
from zoo.core.errors import InputError, UnknownNameError, ZooError
from zoo.inference.tasks.pitch import PitchTracker, redecode
from zoo.inference.tasks.sound_events import relocate

SOUND = (np.random.default_rng(0).standard_normal(16000) * 0.1).astype(np.float32)
PICTURE = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 2**31, 2**63, 10**400, -(10**400)]),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20),
    st.sampled_from(["0", "0.5", "nan", "1e999"]),
    st.binary(max_size=5),
    st.complex_numbers(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([np.float32(0.5), np.int64(3), np.array([1.0, 2.0]), np.nan, object, InputError]),
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def check(call, *arguments, **options):
    """The result, or None after an error that is one short sentence."""
    try:
        return call(*arguments, **options)
    except ZooError as error:
        message = str(error)
    assert message.endswith((".", "?"))
    assert len(message) < 2000
    assert len(message.splitlines()) == 1
    return None


@quick
@given(value=VALUES, low=st.floats(-1e6, 1e6), width=st.floats(0, 1e6))
def test_a_number_is_in_its_range_or_refused(value, low, width):
    accepted = check(validation.number, "overlap", value, low, low + width)
    assert accepted is None or low <= accepted <= low + width


def test_integers_that_python_does_not_write_out_are_refused():
    for refused in (
        lambda: validation.number("sample_rate", 10**5000, 1),
        lambda: validation.count("top", -(10**5000)),
    ):
        with pytest.raises(InputError, match="=int is not a"):
            refused()


@quick
@given(value=VALUES)
def test_a_count_is_whole_and_positive_or_refused(value):
    accepted = check(validation.count, "top", value)
    assert accepted is None or (type(accepted) is int and accepted >= 1)


@quick
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_a_limit_of_the_environment_is_a_number_or_refused(text):
    with mock.patch.dict(os.environ, {"ZOO_MAX_PIXELS": text}):
        accepted = check(environment.setting, "ZOO_MAX_PIXELS", 7)
    assert accepted is None or accepted >= 1


@pytest.fixture(scope="module")
def events_of_tone(net):
    return zoo.sound_events(SOUND, network=net("yamnet"), sample_rate=16000)


@quick
@given(
    name=st.sampled_from(["threshold", "separation", "min_duration", "specificity", "include", "exclude"]),
    value=VALUES,
)
def test_options_of_events(net, events_of_tone, name, value):
    check(relocate, events_of_tone, net("yamnet"), **{name: value})


@pytest.fixture(scope="module")
def track(net):
    return zoo.pitch(SOUND, network=net("crepe.tiny"), sample_rate=16000, keep_activations=True)


@quick
@given(name=st.sampled_from(["decoder", "fmin", "fmax"]), value=VALUES)
def test_options_of_decoding(track, name, value):
    check(redecode, track, **{name: value})


OPTIONS_OF_PITCH = ("hop", "decoder", "threshold", "silence", "fmin", "fmax", "smooth", "smoother")


@quick
@given(name=st.sampled_from(OPTIONS_OF_PITCH), value=VALUES)
def test_options_of_pitch(net, name, value):
    check(PitchTracker, net("crepe.tiny"), **{name: value})


@quick
@given(name=st.sampled_from(["top", "sample_rate", "overlap"]), value=VALUES)
def test_options_of_a_classifier_of_pictures(net, name, value):
    accepted = check(net("squeezenet").classify, PICTURE, **{name: value})
    assert accepted is None or len(accepted.labels) >= 1


@quick
@given(value=VALUES)
def test_overlap_and_rate_of_sound(net, value):
    check(net("yamnet").preprocessor.with_overlap, value)
    check(net("crepe.tiny").preprocessor.with_hop, value)
    check(net("yamnet").preprocessor.batches, SOUND, sample_rate=value)


@quick
@given(name=st.text(max_size=30))
def test_any_name_is_a_network_or_unknown(name):
    for prefix in ("", "timm:"):
        with pytest.raises(UnknownNameError):
            zoo.describe(f"{prefix}{name}#")
