"""torchvision's data sets, in tiny files of their formats read by torchvision's own classes; and digits."""

import pickle
import struct

import numpy as np
import pytest
import scipy.io
import torchvision.datasets as sets
from PIL import Image

import zoo
from tests.zoo.training.examples import picture, tree
from zoo.core.errors import InputError, UnknownNameError
from zoo.training.data import builtin
from zoo.training.data.dataset import content_hash


@pytest.fixture
def cache(empty_cache, monkeypatch):
    """Where data sets are kept; nothing may be fetched."""
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    return empty_cache / "datasets"


def idx(array):
    """MNIST's format: a magic number, the shape, the bytes."""
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return struct.pack(">HBB", 0, 8, array.ndim) + shape + array.astype(np.uint8).tobytes()


def images(count, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def write_mnist(cache, name):
    """20 and 10 pictures of noise."""
    folder = cache / f"torchvision-{name}" / name / "raw"
    folder.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 10)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images(count, 28, 28, seed=count)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))


def write_cifar(cache, name, monkeypatch):
    """10 pictures of noise in each file of the data set; torchvision does not check them."""
    kind = getattr(sets, name)
    folder = cache / f"torchvision-{name}" / kind.base_folder
    folder.mkdir(parents=True)
    classes = [f"class {i}" for i in range(10)]
    for i, (file, _) in enumerate(kind.train_list + kind.test_list):
        key = "labels" if name == "CIFAR10" else "fine_labels"
        batch = {"data": images(10, 3072, seed=i), key: list(range(10))}
        (folder / file).write_bytes(pickle.dumps(batch))
    (folder / kind.meta["filename"]).write_bytes(pickle.dumps({kind.meta["key"]: classes}))
    for names in ("train_list", "test_list"):
        monkeypatch.setattr(kind, names, [[file, None] for file, _ in getattr(kind, names)])
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": None})


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_mnist(cache, name):
    write_mnist(cache, name)
    data = zoo.dataset(f"torchvision:{name}")
    assert (len(data), len(data.classes), data.modality) == (20, 10, "image")
    assert data.classes == tuple(getattr(sets, name).classes)
    np.testing.assert_array_equal(data.targets, np.arange(20) % 10)
    np.testing.assert_array_equal(np.asarray(data.inputs[3]), images(20, 28, 28, seed=20)[3])
    assert isinstance(data.inputs[-1], Image.Image)
    assert len(data.inputs[2:5]) == 3
    assert data.hashes[3] == content_hash(images(20, 28, 28, seed=20)[3])
    train, held = data.split(0.5)
    assert list(train.counts()) == list(held.counts()) == [1] * 10
    assert len(zoo.dataset(f"torchvision:{name}", split="test")) == 10
    two = zoo.dataset(f"torchvision:{name}", classes=[data.classes[7], data.classes[1]])
    np.testing.assert_array_equal(two.targets, [1, 0, 1, 0])
    assert np.array_equal(np.asarray(two.inputs[1]), np.asarray(data.inputs[7]))
    with pytest.raises(InputError, match=r"no split 'val'; it has train, test"):
        zoo.dataset(f"torchvision:{name}", split="val")


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_cifar(cache, name, monkeypatch):
    write_cifar(cache, name, monkeypatch)
    data = zoo.dataset(f"torchvision:{name}", split="train")
    assert len(data) == 10 * len(getattr(sets, name).train_list)
    assert data.classes == tuple(f"class {i}" for i in range(10))
    expected = images(10, 3072, seed=0)[4].reshape(3, 32, 32).transpose(1, 2, 0)
    np.testing.assert_array_equal(np.asarray(data.inputs[4]), expected)
    assert len(zoo.dataset(f"torchvision:{name}", split="test")) == 10


def test_imagenette(cache):
    for part in ("train", "val"):
        for wnid in ("n01440764", "n02102040"):
            for i in range(2):
                path = cache / "torchvision-Imagenette/imagenette2-320" / part / wnid / f"{i}.JPEG"
                picture(path)
    data = zoo.dataset("torchvision:Imagenette", split="val")
    assert data.classes == ("tench", "English springer")
    np.testing.assert_array_equal(data.targets, [0, 0, 1, 1])
    assert data.inputs[0].size == (10, 12)
    with pytest.raises(InputError, match=r"no split 'test'; it has train, val"):
        zoo.dataset("torchvision:Imagenette", split="test")


def test_flowers(cache, monkeypatch):
    folder = cache / "torchvision-Flowers102" / "flowers-102"
    for i in range(1, 7):
        picture(folder / "jpg" / f"image_{i:05d}.jpg")
    scipy.io.savemat(folder / "imagelabels.mat", {"labels": [1, 2, 102, 1, 2, 102]})
    scipy.io.savemat(folder / "setid.mat", {"trnid": [1, 2, 3], "valid": [4, 5], "tstid": [6, 5]})
    unchecked = {key: (file, None) for key, (file, _) in sets.Flowers102._file_dict.items()}
    monkeypatch.setattr(sets.Flowers102, "_file_dict", unchecked)
    data = zoo.dataset("torchvision:Flowers102")
    assert len(data.classes) == 102
    np.testing.assert_array_equal(data.targets, [0, 1, 101])
    assert data.inputs[0].size == (10, 12)
    assert list(zoo.dataset("torchvision:Flowers102", split="val").targets) == [0, 1]
    assert list(zoo.dataset("torchvision:Flowers102", split="test").targets) == [101, 1]


def test_caltech(cache):
    folder = cache / "torchvision-Caltech101" / "caltech101" / "101_ObjectCategories"
    for name, count in (("BACKGROUND_Google", 1), ("ant", 2), ("Faces", 3)):
        for i in range(1, count + 1):
            picture(folder / name / f"image_{i:04d}.jpg")
    data = zoo.dataset("torchvision:Caltech101")
    assert data.counts().to_dict() == {"Faces": 3, "ant": 2}
    assert data.inputs[4].size == (10, 12)
    with pytest.raises(InputError, match="no split 'train'"):
        zoo.dataset("torchvision:Caltech101", split="train")


def test_the_network_may_be_forbidden(cache):
    with pytest.raises(InputError, match=r"torchvision:MNIST is not cached, .*ZOO_OFFLINE=1"):
        zoo.dataset("torchvision:MNIST")


def test_a_download_is_whole_or_not_there(empty_cache, monkeypatch):
    def fail(self):
        (self._size_root / "train").mkdir(parents=True)  # which torchvision would take for the whole
        raise OSError("the line went dead")

    monkeypatch.setattr(sets.Imagenette, "_download", fail)
    with pytest.raises(InputError, match="Imagenette cannot be downloaded: the line went dead"):
        zoo.dataset("torchvision:Imagenette")
    assert [name for name in tree(empty_cache) if not name.endswith(".lock")] == ["datasets"]


def test_a_damaged_copy_is_named(cache):
    (cache / "torchvision-MNIST").mkdir(parents=True)
    with pytest.raises(InputError, match="torchvision-MNIST is damaged"):
        zoo.dataset("torchvision:MNIST")


def test_names_and_options_that_make_no_sense(cache):
    with pytest.raises(
        UnknownNameError, match=r"Unknown data set of torchvision .mnist.; choose one of MNIST"
    ):
        zoo.dataset("torchvision:mnist")
    with pytest.raises(InputError, match="label="):
        zoo.dataset("torchvision:MNIST", label="(x)")
    with pytest.raises(InputError, match="holds pictures"):
        zoo.dataset("torchvision:MNIST", modality="audio")


def test_digits():
    data = zoo.dataset("sklearn:digits")
    assert len(data) == 1797
    assert data.classes == tuple("0123456789")
    assert data.inputs[0].shape == (8, 8)
    assert data.inputs[0].dtype == np.uint8
    assert (np.min(data.inputs), np.max(data.inputs)) == (0, 255)
    assert data.counts()["0"] == 178  # as scikit-learn's documentation says
    assert sorted(data.split(0.1)[1].counts()) == [17] + [18] * 9  # a tenth of each class, rounded
    with pytest.raises(InputError, match="is not split"):
        zoo.dataset("sklearn:digits", split="train")


def test_all_that_is_promised_is_there():
    assert [name for name in builtin._TORCHVISION if name not in zoo.dataset.__doc__] == []
    assert all(hasattr(sets, name) for name in builtin._TORCHVISION)
