"""A folder holds results of one kind of settings."""

import msgspec
import pytest

import zoo
from zoo.batches.configuration import make_settings
from zoo.batches.options import task_options
from zoo.batches.settings import NetworkSettings, Settings, read_settings, write_settings

ONE, TWO = NetworkSettings("one", "1" * 64, {"size": 1}), NetworkSettings("two", "2" * 64, {})


@pytest.fixture
def settings() -> Settings:
    return Settings(
        task="classify", modality="image", options={"top": 5}, engine="auto", networks=(ONE,), shard_files=32
    )


def change(settings: Settings, **fields: object) -> Settings:
    return msgspec.structs.replace(settings, **fields)


def test_settings_are_read_as_they_were_written(settings, tmp_path):
    assert read_settings(tmp_path) is None
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"options": {"top": 3}}, "top was 5 and is 3 now"),
        ({"engine": "torch"}, "engine was auto and is torch now"),
        ({"task": "embed", "options": {}}, r"other settings: task was classify and is embed now\. Choose"),
        (
            {"networks": (NetworkSettings("one", "3" * 64, {"size": 1}),)},
            "weights of one were 1{12} and are 3",
        ),
        ({"networks": (NetworkSettings("one", "1" * 64, {"size": 2}),)}, "preprocessing of one has changed"),
    ],
)
def test_other_settings_are_refused_with_what_differs(settings, tmp_path, fields, match):
    with pytest.raises(zoo.InputError, match=match):
        change(settings, **fields).merged(settings, tmp_path)


def test_another_network_is_added(settings, tmp_path):
    merged = change(settings, networks=(TWO, ONE), shard_files=0).merged(settings, tmp_path)
    assert merged == change(settings, networks=(ONE, TWO))


def test_the_first_run_fixes_the_size_of_shards(settings):
    assert settings.with_shards_for(10**6, None) == settings
    with pytest.raises(zoo.InputError, match="have 32 files"):
        settings.with_shards_for(10, 64)
    fresh = change(settings, shard_files=0)
    assert [fresh.with_shards_for(n, None).shard_files for n in (1, 1000, 10**7)] == [16, 32, 1024]
    assert fresh.with_shards_for(10, 100).shard_files == 112  # whole batches
    sounds = change(fresh, modality="audio")
    assert [sounds.with_shards_for(n, None).shard_files for n in (1, 1000, 10**7)] == [1, 32, 64]


def test_options_are_those_of_the_task_with_its_defaults():
    assert task_options("classify", {"top": 3}) == {"overlap": None, "top": 3}
    assert task_options("pitch", {})["hop"] == 0.01
    assert task_options("events", {"include": "Dog"})["include"] == ["Dog"]
    for task, options, match in (
        ("classify", {"hop": 0.01}, "The task classify has no option hop; it has overlap, top"),
        ("classify", {"top": 0}, "top=0"),
        ("embed", {"overlap": 2}, "overlap=2"),
        ("sing", {}, "Unknown task 'sing'; choose one of classify"),
    ):
        with pytest.raises(zoo.InputError, match=match):
            task_options(task, options)


def test_networks_have_to_share_task_and_modality():
    for networks, task, match in (
        (["yamnet"], "pitch", "yamnet.audioset does not support the task pitch"),
        (["squeezenet", "yamnet"], "classify", "squeezenet.caffe takes images and yamnet.audioset takes rec"),
        ([], "classify", "needs a network"),
    ):
        with pytest.raises(zoo.InputError, match=match):
            make_settings(task, networks, {}, engine="auto", trust=False)
