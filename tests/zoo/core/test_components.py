"""The closed table: every name leads somewhere, and nothing that a record can use is missing from it."""

import pytest

import zoo
from zoo.core import components
from zoo.core.components import BUILDERS, CONVERTERS, FAMILIES, FORMS, PREPROCESSORS, find


@pytest.mark.parametrize("table", [BUILDERS, CONVERTERS, FAMILIES, FORMS, PREPROCESSORS])
def test_every_name_stands_for_something_to_call(table):
    for name in table:
        assert callable(find(table, name)), name


def test_the_tables_hold_what_the_catalogs_name_and_what_the_hubs_need():
    specs = [zoo.describe(name) for name in zoo.networks()]
    hubs = {"hf.classifier", "hf.encoder", "tfhub"}
    assert set(BUILDERS) == {spec.builder for spec in specs} | hubs | {"imported", "small_cnn"}
    used = {spec.preprocess["type"] for spec in specs}
    assert set(PREPROCESSORS) == used | {"hf.feature_extractor", "hf.image_processor", "tfhub.windows"}
    converts = {source.convert for spec in specs for source in spec.sources} - {None}
    assert set(CONVERTERS) == converts | {"hf"}
    assert set(FORMS) == {spec.fft_builder for spec in specs} - {""}


def test_a_name_that_is_not_there_is_not_imported():
    with pytest.raises(KeyError):
        components.find(BUILDERS, "os:system")
