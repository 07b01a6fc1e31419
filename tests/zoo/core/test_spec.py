"""Records of any content: valid, or refused by one typed error that names what is wrong."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.core.errors import CatalogError, InputError
from zoo.core.spec import Head, Spec, parse, validate
from zoo.training.recipes import RECIPES

FIELDS = [field.name for field in msgspec.structs.fields(Spec)]
REQUIRED = [field.name for field in msgspec.structs.fields(Spec) if field.required]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def table(name: str = "yamnet.audioset") -> dict:
    fields = msgspec.to_builtins(zoo.describe(name))
    del fields["name"]
    return fields


@pytest.mark.parametrize("name", zoo.networks())
def test_a_record_of_the_catalog_is_read_again_as_it_was(name):
    spec = zoo.describe(name)
    assert validate(spec) == spec


def is_accepted(values: dict) -> bool:
    """Whether a record is valid; any other error than the typed one fails the test."""
    try:
        spec = parse("net.tag", values)
    except CatalogError:
        return False
    return validate(spec) == spec


@given(st.sampled_from(FIELDS), VALUES)
def test_a_field_of_any_value_is_taken_or_refused(field, value):
    if is_accepted(table() | {field: value}):
        assert field != "name"


@given(st.dictionaries(st.sampled_from([*FIELDS, "type"]) | st.text(max_size=5), VALUES, max_size=40))
def test_a_table_of_anything_is_refused(values):
    assert not is_accepted(values)  # a builder that exists is never guessed


@given(st.sampled_from(["url", "format", "convert", "arguments", "checksum", "other"]), VALUES)
def test_a_source_of_any_value_is_taken_or_refused(field, value):
    fields = table()
    fields["sources"][0][field] = value
    if is_accepted(fields):
        assert field != "other"


@pytest.mark.parametrize("missing", sorted(set(REQUIRED) - {"name"}))
def test_a_missing_field_is_named(missing):
    fields = table()
    del fields[missing]
    with pytest.raises(CatalogError, match=missing):
        parse("net.tag", fields)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("kernel", {}),
        ("kernel", {"vectors": 0}),
        ("kernel", {"vectors": 4, "neighbors": 2}),
        ("kernel", {"vectors": 10**12}),
        ("linear", {"vectors": 4}),
        ("neighbors", {"vectors": 4}),
        ("neighbors", {"vectors": 4, "neighbors": 5}),
        ("neighbors", {"vectors": "4", "neighbors": 1}),
        ("os:system", {}),
        ("linear", {"color": 1}),
    ],
)
def test_a_head_of_other_sizes_is_refused(net, kind, sizes):
    with pytest.raises(
        InputError, match=r"cannot get this head|Unknown kind of head '.*'; choose one of linear"
    ):
        net("squeezenet").replace_head(2, kind=kind, **sizes)


def test_a_family_takes_its_own_sizes_only():
    from zoo.vision.small import describe

    digits = RECIPES["digits-offline"].network.parent
    assert describe(digits.arguments) == RECIPES["digits-offline"].network
    for wrong in (
        {"classes": 0},
        {"size": 3},
        {"size": "8"},
        {"widths": []},
        {"widths": [10**9]},
        {"mean": [0.1, 0.2]},
        {"std": [0.0]},
        {"color": 1},
    ):
        with pytest.raises(CatalogError, match="small_cnn"):
            describe(digits.arguments | wrong)


def test_a_record_says_what_it_was_made_from(net):
    spec = net("squeezenet").replace_head(["a", "b"]).replace_head(["c", "d", "e"]).spec
    assert spec.made_from.name == "squeezenet.caffe"
    assert spec.new_head == Head(3)


def test_a_record_shows_what_tells_it_from_others():
    text = repr(zoo.describe("squeezenet"))
    assert text.startswith("Spec(name='squeezenet.caffe', title='SqueezeNet 1.1', modality='image'")
    assert len(text) < 400
