"""Many files become one embedding; what cannot be used or goes beyond the limits is told and left out."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image

import zoo
from zoo.core.errors import InputError, UnknownNameError
from zoo.hub.samples import digits
from zoo.inference.tasks.embed_files import Limits, collect, grouped

RATE = 16000


def tone(hertz: float, seconds: float = 2) -> bytes:
    stream = io.BytesIO()
    samples = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)
    soundfile.write(stream, samples, RATE, format="wav")
    return stream.getvalue()


def stream_of(name: str, data: bytes) -> io.BytesIO:
    stream = io.BytesIO(data)
    stream.name = name
    return stream


def same_group(embedding: zoo.Embedding) -> float:
    """The share of inputs whose nearest neighbor is of their group."""
    groups = np.array(grouped(embedding.inputs))
    nearest = [embedding.neighbors(row, 1).indices[0] for row in range(len(embedding))]
    return float((groups == groups[nearest]).mean())


def test_pictures_have_the_vectors_of_the_verb(net, media):
    photos = sorted((media / "photos").glob("*.jpg"))[:3]
    calls = []
    collection = collect(net("squeezenet"), photos, progress=lambda done, name: calls.append((done, name)))
    expected = net("squeezenet").embed(photos)
    np.testing.assert_allclose(collection.embedding.values, expected.values, atol=1e-4)
    assert collection.embedding.inputs == expected.inputs
    assert collection.embedding.layer == expected.layer
    assert calls == [(i, str(photo)) for i, photo in enumerate(photos)]
    assert (collection.files, collection.problems) == ((0, 1, 2), ())


def test_the_mean_of_a_recording_is_that_of_its_windows(net):
    files = [stream_of("a.wav", tone(440, 40)), stream_of("b.wav", tone(880))]
    windows = collect(net("yamnet"), files).embedding
    means = collect(net("yamnet"), files, mean=True).embedding
    assert len(windows) > len(means) == 2
    np.testing.assert_allclose(means.values, windows.by_input().values, atol=1e-4)
    np.testing.assert_allclose(means.times, windows.by_input().times)


def test_any_layer_flattened_or_not(net):
    cat = zoo.sample("cat.png")
    for pool, width in ((True, 64), (False, 64 * 56 * 56)):
        embedding = collect(net("squeezenet"), [cat], layer="features.2", pool=pool).embedding
        np.testing.assert_array_equal(
            embedding.values, net("squeezenet").embed(cat, layer="features.2", pool=pool).values
        )
        assert embedding.values.shape[1] == pytest.approx(width, rel=0.1)
    with pytest.raises(UnknownNameError):
        collect(net("squeezenet"), [cat], layer="nowhere")


def test_what_cannot_be_read_is_told_and_left_out(net):
    cat = zoo.sample("cat.png").read_bytes()
    files = [
        stream_of("bad.jpg", b"text"),
        stream_of("cat.png", cat),
        stream_of("empty.png", b""),
        stream_of("cat.png", cat),
    ]
    collection = collect(net("squeezenet"), files)
    assert collection.embedding.inputs == ("cat.png", "cat.png (2)")
    assert collection.files == (1, 3)
    assert [problem.input for problem in collection.problems] == ["bad.jpg", "empty.png"]
    assert collection.problems[0].reason.startswith("bad.jpg is not a picture")
    with pytest.raises(InputError, match="No file can be used; of the first: bad"):
        collect(net("squeezenet"), [stream_of("bad.jpg", b"text")])
    with pytest.raises(InputError, match="there are none"):
        collect(net("squeezenet"), [])


@pytest.mark.parametrize(
    ("limits", "mean", "sentence"),
    [
        (Limits(seconds=6), True, "long.wav would make more than 0.1 minutes of sound"),
        (Limits(vectors=10), False, "long.wav would make more than 10 windows in all"),
        (Limits(numbers=10 * 1024), False, "long.wav would make more than 0.01024 million numbers"),
    ],
    ids=["seconds", "vectors", "numbers"],
)
def test_limits_leave_out_what_is_too_much_and_take_what_comes_after(net, limits, mean, sentence):
    files = [
        stream_of("a.wav", tone(440)),
        stream_of("long.wav", tone(440, 5)),
        stream_of("b.wav", tone(880)),
    ]
    collection = collect(net("yamnet"), files, mean=mean, limits=limits)
    assert list(dict.fromkeys(collection.embedding.inputs)) == ["a.wav", "b.wav"]
    assert [problem.reason.startswith(sentence) for problem in collection.problems] == [True]
    roomy = collect(net("yamnet"), files, mean=True, limits=Limits(seconds=9.5, vectors=3))
    assert len(roomy.embedding) == 3


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["1_a.png", "1_b.png", "2_a.png"], ("1", "1", "2")),
        (["x/ants/1_a.jpg", "x/ants/2_b.jpg", "x/bees/1_a.jpg"], ("ants", "ants", "bees")),
        (["zip/1_a.png", "zip/1_b.png", "zip/2_a.png"], ("1", "1", "2")),
        (["a.png", "1_b.png", "1_c.png"], None),
        (["1_a.png", "2_b.png"], None),
        (["1_a.png", "1_b.png"], None),
        ([f"{i % 13}_{i}.png" for i in range(40)], None),
        ([], None),
    ],
)
def test_groups_are_told_by_folders_or_by_what_names_begin_with(names, groups):
    assert grouped(names) == groups


def test_digits_are_nearest_to_their_like(net):
    """A tenth would be by chance; 75 % were measured."""
    collection = collect(net("squeezenet"), [stream_of(name, data) for name, data in digits()])
    assert len(collection.embedding) == 80
    assert same_group(collection.embedding) > 0.6


def test_spoken_digits_of_a_voice_are_nearest_to_that_voice(net, media):
    """A sixth would be by chance: a digit was spoken by six people."""
    files = [
        (f"{path.name.split('_')[1]}_{path.name}", path.read_bytes())
        for path in sorted((media / "digits").glob("[37]_*_[1-4].wav"))
    ]
    collection = collect(net("yamnet"), [stream_of(name, data) for name, data in files], mean=True)
    assert same_group(collection.embedding) > 0.5


def test_ants_are_nearest_to_ants(net, media):
    files = [
        stream_of(f"{path.parent.name}/{path.name}", path.read_bytes())
        for kind in ("ants", "bees")
        for path in sorted((media / "ants-bees" / "val" / kind).glob("*.jpg"))[:20]
    ]
    assert same_group(collect(net("efficientnet_lite0"), files).embedding) > 0.8


def test_pictures_beyond_the_limit_of_pixels_are_left_out(net, tmp_path):
    files = []
    for name, side in {"a.png": 30, "b.png": 40, "c.png": 10}.items():
        files.append(tmp_path / name)
        Image.new("RGB", (side, side)).save(files[-1])
    collection = collect(net("squeezenet.caffe"), files, limits=Limits(pixels=1000))
    assert collection.files == (0, 2)
    assert [problem.reason.split(":")[0] for problem in collection.problems] == [f"{files[1]} is left out"]
