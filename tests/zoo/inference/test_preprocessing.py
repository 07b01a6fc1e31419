"""Preprocessing of every kind has what its protocol says."""

import pytest

import zoo
from zoo.inference.build import preprocessor
from zoo.inference.preprocessing import AudioFrontend, ImagePreprocessor, Preprocessor


@pytest.mark.parametrize("name", zoo.networks())
def test_preprocessing_follows_its_protocol(name):
    spec = zoo.describe(name)
    found = preprocessor(spec)
    assert isinstance(found, Preprocessor)
    assert isinstance(found, AudioFrontend) is (spec.modality == "audio")
    assert isinstance(found, ImagePreprocessor) is (spec.modality == "image")
