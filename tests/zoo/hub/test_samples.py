"""Samples are there, are what they say, and carry their license."""

import io

import pytest
import soundfile

import zoo
from zoo.core.errors import UnknownNameError
from zoo.hub import samples
from zoo.vision.decoding import decode


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_every_sample_can_be_had_and_used(name):
    path = zoo.sample(name)
    if samples.SAMPLES[name].kind == "image":
        assert min(decode(path).size) > 200
    else:
        assert soundfile.info(path).duration > 5


@pytest.mark.parametrize("sample", samples.SAMPLES.values(), ids=lambda s: s.title)
def test_every_sample_names_a_free_license(sample):
    assert any(license in sample.credit for license in ("CC0", "public domain", "MIT", "Apache-2.0"))


def test_the_melody_is_the_same_every_time():
    assert samples.melody() == samples.melody()
    assert soundfile.info(io.BytesIO(samples.melody())).samplerate == 16000


def test_a_sample_from_an_empty_cache(empty_cache):
    assert zoo.sample("melody.wav").read_bytes() == samples.melody()
    assert zoo.sample("cat.png").parent == empty_cache / "samples"


def test_an_unknown_sample():
    with pytest.raises(UnknownNameError, match=r"cat\.png"):
        zoo.sample("dog.png")


def test_digits_are_of_ten_kinds_and_can_be_decoded():
    files = samples.digits(3)
    assert [name.split("_")[0] for name, _ in files] == [str(digit) for digit in range(10) for _ in range(3)]
    assert {decode(data).size for _, data in files} == {(96, 96)}
    assert len({data for _, data in files}) == 30
