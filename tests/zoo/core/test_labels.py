"""Labels are those of the originals, in their order."""

import csv

import pytest

import zoo
from zoo.core import labels
from zoo.core.errors import CatalogError, UnknownNameError

IMAGENET = labels.read("vision/labels/imagenet.csv")
AUDIOSET = labels.read("audio/labels/audioset_yamnet.csv")


def test_imagenet_has_a_thousand_sorted_wnids_and_distinct_labels():
    assert len(IMAGENET) == 1000
    assert [label.id for label in IMAGENET] == sorted(label.id for label in IMAGENET)
    assert len({label.label for label in IMAGENET}) == 1000
    assert IMAGENET[281].synonyms == "tabby, tabby cat"


def test_places365_has_scenes_indoors_and_outdoors():
    places = labels.read("vision/labels/places365.csv")
    assert len({label.label for label in places}) == 365
    assert places[8] == ("/a/apartment_building/outdoor", "apartment building (outdoor)", "", "outdoor")
    assert sum(label.group == "indoor" for label in places) == 161
    assert {label.group for label in places} == {"indoor", "outdoor"}


def test_labels_are_those_of_the_original_files(media):
    shared = media.parent / "labels"
    lines = (shared / "synset_words.txt").read_text().splitlines()
    assert [f"{label.id} {label.synonyms}" for label in IMAGENET] == lines
    places = (shared / "categories_places365.txt").read_text().splitlines()
    ids = [label.id for label in labels.read("vision/labels/places365.csv")]
    assert [f"{identity} {i}" for i, identity in enumerate(ids)] == places
    rows = csv.DictReader((shared / "yamnet_class_map.csv").read_text().splitlines())
    assert [(row["mid"], row["display_name"]) for row in rows] == [
        (label.id, label.label) for label in AUDIOSET
    ]


def test_a_class_is_found_by_label_or_identifier_whatever_its_case():
    assert labels.find(AUDIOSET, "bicycle BELL") == labels.find(AUDIOSET, "/m/0gy1t2s") == 198
    assert labels.find(IMAGENET, "tabby cat") == 281


def test_an_unknown_class_gets_the_closest_labels():
    with pytest.raises(UnknownNameError, match='"Bicycle bell"'):
        labels.find(AUDIOSET, "Bicicle bell")


@pytest.mark.parametrize("name", zoo.networks(task="classify", bundled=True))
def test_results_carry_them(net, name):
    assert len(net(name).labels) == zoo.describe(name).classes


@pytest.mark.parametrize(
    "content",
    [
        b"index,id,label\n0,a,\xff\n",
        b"index,label\n0,a\n",
        b"index,id,label\n0,a\n",
        b"index,id,label\n0,a,b,c\n",
    ],
)
def test_a_damaged_file_is_refused(content, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=r"labels\.csv"):
        labels.read(str(path))


def test_a_name_in_a_message_takes_one_short_line():
    with pytest.raises(UnknownNameError) as caught:
        labels.find(IMAGENET, "a\nb" * 1000)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
