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


def named(name: str, data: bytes) -> io.BytesIO:
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
    found = collect(net("squeezenet"), photos, progress=lambda done, name: calls.append((done, name)))
    expected = net("squeezenet").embed(photos)
    np.testing.assert_allclose(found.embedding.values, expected.values, atol=1e-4)
    assert found.embedding.inputs == expected.inputs
    assert found.embedding.layer == expected.layer
    assert calls == [(i, str(photo)) for i, photo in enumerate(photos)]
    assert (found.files, found.problems) == ((0, 1, 2), ())


def test_the_mean_of_a_recording_is_that_of_its_windows(net):
    files = [named("a.wav", tone(440, 40)), named("b.wav", tone(880))]
    windows = collect(net("yamnet"), files).embedding
    means = collect(net("yamnet"), files, mean=True).embedding
    assert len(windows) > len(means) == 2
    np.testing.assert_allclose(means.values, windows.by_input().values, atol=1e-4)
    np.testing.assert_allclose(means.times, windows.by_input().times)


def test_any_layer_flattened_or_not(net):
    cat = zoo.sample("cat.png")
    for pool, width in ((True, 64), (False, 64 * 56 * 56)):
        found = collect(net("squeezenet"), [cat], layer="features.2", pool=pool).embedding
        np.testing.assert_array_equal(
            found.values, net("squeezenet").embed(cat, layer="features.2", pool=pool).values
        )
        assert found.values.shape[1] == pytest.approx(width, rel=0.1)
    with pytest.raises(UnknownNameError):
        collect(net("squeezenet"), [cat], layer="nowhere")


def test_what_cannot_be_read_is_told_and_left_out(net):
    cat = zoo.sample("cat.png").read_bytes()
    files = [named("bad.jpg", b"text"), named("cat.png", cat), named("empty.png", b""), named("cat.png", cat)]
    found = collect(net("squeezenet"), files)
    assert found.embedding.inputs == ("cat.png", "cat.png (2)")
    assert found.files == (1, 3)
    assert [problem.input for problem in found.problems] == ["bad.jpg", "empty.png"]
    assert found.problems[0].reason.startswith("bad.jpg is not a picture")
    with pytest.raises(InputError, match="No file can be used; of the first: bad"):
        collect(net("squeezenet"), [named("bad.jpg", b"text")])
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
    files = [named("a.wav", tone(440)), named("long.wav", tone(440, 5)), named("b.wav", tone(880))]
    found = collect(net("yamnet"), files, mean=mean, limits=limits)
    assert list(dict.fromkeys(found.embedding.inputs)) == ["a.wav", "b.wav"]
    assert [problem.reason.startswith(sentence) for problem in found.problems] == [True]
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
    found = collect(net("squeezenet"), [named(name, data) for name, data in digits()])
    assert len(found.embedding) == 80
    assert same_group(found.embedding) > 0.6


def test_spoken_digits_of_a_voice_are_nearest_to_that_voice(net, media):
    """A sixth would be by chance: a digit was spoken by six people."""
    files = [
        (f"{path.name.split('_')[1]}_{path.name}", path.read_bytes())
        for path in sorted((media / "digits").glob("[37]_*_[1-4].wav"))
    ]
    found = collect(net("yamnet"), [named(name, data) for name, data in files], mean=True)
    assert same_group(found.embedding) > 0.5


def test_ants_are_nearest_to_ants(net, media):
    files = [
        named(f"{path.parent.name}/{path.name}", path.read_bytes())
        for kind in ("ants", "bees")
        for path in sorted((media / "ants-bees" / "val" / kind).glob("*.jpg"))[:20]
    ]
    assert same_group(collect(net("efficientnet_lite0"), files).embedding) > 0.8


def test_pictures_beyond_the_limit_of_pixels_are_left_out(net, tmp_path):
    files = []
    for name, side in {"a.png": 30, "b.png": 40, "c.png": 10}.items():
        files.append(tmp_path / name)
        Image.new("RGB", (side, side)).save(files[-1])
    found = collect(net("squeezenet.caffe"), files, limits=Limits(pixels=1000))
    assert found.files == (0, 2)
    assert [problem.reason.split(":")[0] for problem in found.problems] == [f"{files[1]} is left out"]
