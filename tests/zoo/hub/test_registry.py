"""Names, records and the cost of asking for them."""

import json
import pickle
import subprocess
import sys

import pytest

import zoo
from zoo.core.errors import CatalogError, InputError, UnknownNameError
from zoo.hub.registry import is_default, parse_catalog

RECORD = """
[net]
default = "one"
title = "Net"
tasks = ["embed"]
builder = "alexnet"
parameters = 1
depth = 1
input_shape = [1]
classes = 1
activation = "softmax"
head_layer = "head"
embedding_layer = "body"
license = "MIT"
citation = "c"
homepage = "h"
validation = "f"
preprocess = { type = "resize_crop" }
[net.tag.one]
sources = [{ url = "file:x", format = "torch" }]
[net.tag.two]
license = "BSD"
sources = [{ url = "file:y", format = "torch" }]
"""


def test_tags_inherit_from_the_arch_and_override_it():
    specs, defaults = parse_catalog(RECORD, "image")
    assert (specs["net.one"].license, specs["net.two"].license) == ("MIT", "BSD")
    assert defaults == {"net": "net.one"}


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('license = "MIT"\n', "", "license"),
        ('license = "MIT"', 'license = " "', "license"),
        ("parameters = 1", "parameters = 0", "parameters"),
        ('tasks = ["embed"]', 'tasks = ["dance"]', "tasks"),
        ('tasks = ["embed"]', 'tasks = ["classify"]', "labels"),
        ('title = "Net"', 'title = "Net"\ncolor = "red"', "color"),
        ('title = "Net"', "title = 5", "title"),
        ('title = "Net"', 'title = "Net"\nname = "other"', "name"),
        ('builder = "alexnet"', 'builder = "os:system"', "unknown builder"),
        ('type = "resize_crop"', 'type = "os:system"', "unknown preprocess.type"),
        ('type = "resize_crop"', "resize = 5", "unknown preprocess.type"),
        ('title = "Net"', 'title = "Net"\nfft_builder = "os:system"', "unknown fft_builder"),
        ('format = "torch"', 'format = "torch", convert = "os:system"', "unknown sources.convert"),
        ('format = "torch"', 'format = "torch", checksum = "crc:1"', "checksum"),
        ("input_shape = [1]", "input_shape = [0]", "input_shape"),
        ("[net]", "net = 5\n[other]", "TOML"),
        ("parameters = 1", f"parameters = {'1' * 5000}", "TOML"),
        ("[net.tag.one]", "[net.tag]\none = 5\n[net.tag.three]", "TOML"),
        ('default = "one"', 'default = "three"', "three"),
        ("[net]", "[net", "TOML"),
        ('sources = [{ url = "file:x", format = "torch" }]', "sources = []", "source"),
    ],
)
def test_a_wrong_record_is_refused_and_says_which_field(old, new, word):
    with pytest.raises(CatalogError, match=word):
        parse_catalog(RECORD.replace(old, new), "image")


def test_the_bare_arch_means_its_default_tag():
    assert zoo.describe("crepe") is zoo.describe("CREPE.full")
    assert is_default("crepe.full")
    assert not is_default("crepe.tiny")


def test_networks_are_chosen_by_modality_and_task():
    assert "yamnet.audioset" in zoo.networks("audio", "events")
    assert not set(zoo.networks("image")) & set(zoo.networks("audio"))
    assert len(zoo.networks(task="pitch")) == 6
    assert zoo.networks(task="notes") == ["basicpitch.icassp2022"]


@pytest.mark.parametrize(
    ("name", "hint"), [("yamnett", "yamnet"), ("squeeznet", "squeezenet"), ("zzz", "zoo list")]
)
def test_an_unknown_name_gets_the_closest_ones(name, hint):
    with pytest.raises(UnknownNameError, match=hint):
        zoo.describe(name)


def test_an_unknown_task_names_the_known_ones():
    with pytest.raises(InputError, match="classify"):
        zoo.networks(task="dance")


@pytest.mark.parametrize("name", zoo.networks())
def test_every_record_is_ready_for_json_and_for_other_processes(name):
    spec = zoo.describe(name)
    assert json.loads(json.dumps(spec.to_dict()))["license"]
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize("code", ["import zoo", "import zoo; zoo.networks(); zoo.describe('yamnet')"])
def test_names_are_had_without_anything_heavy(code):
    check = f"{code}; import sys; print(sorted({{'torch', 'numpy', 'tensorflow'}} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
