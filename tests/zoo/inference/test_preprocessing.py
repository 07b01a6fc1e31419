"""Preprocessing of every kind has what its protocol says."""

import pytest

import zoo
from zoo.inference.build import preprocessor
from zoo.inference.preprocessing import AudioFrontend, ImagePreprocessor, Preprocessor


@pytest.mark.parametrize("name", zoo.networks())
def test_preprocessing_follows_its_protocol(name):
    spec = zoo.describe(name)
    front_end = preprocessor(spec)
    assert isinstance(front_end, Preprocessor)
    assert isinstance(front_end, AudioFrontend) is (spec.modality == "audio")
    assert isinstance(front_end, ImagePreprocessor) is (spec.modality == "image")
