"""Preprocessing does what its sentence says."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from zoo.core.errors import InputError
from zoo.formats.caffe import messages
from zoo.vision import transforms
from zoo.vision.transforms import BaseTransform, ImageTransform


def write_mean(path: Path, mean: np.ndarray) -> None:
    """As Caffe writes it, in its older way."""
    channels, height, width = mean.shape
    blob = messages()["BlobProto"](num=1, channels=channels, height=height, width=width)
    blob.data.append(mean.tobytes())
    path.write_bytes(blob.SerializeToString())


PLAIN = ImageTransform(resize=256, crop=224, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 500, 3), np.uint8))


@pytest.mark.parametrize("size", [(500, 300), (300, 501), (224, 224), (3000, 2001)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_it_is_torchvisions_usual_chain(interpolation, size):
    """To one level of 255 in 1 % of the pixels: PyTorch and Pillow round weights differently."""
    photo = PHOTO.resize(size)
    chain = v2.Compose(
        [
            v2.Resize(256, interpolation=v2.InterpolationMode(interpolation), antialias=True),
            v2.CenterCrop(224),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.1, 0.2, 0.3), (0.5, 0.6, 0.7)),
        ]
    )
    preprocessor = ImageTransform(256, 224, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), interpolation=interpolation)
    difference = (preprocessor(photo) - chain(photo)).abs()
    assert difference.max() < 1.01 / 255 / 0.5
    assert (difference > 1e-5).float().mean() < 0.01


@pytest.mark.parametrize("size", [(500, 300), (301, 401), (40, 31)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("resize", "crop"), [(256, 227), (64, 71), (71, 64)])
def test_it_is_torchvisions_chain_on_tensors_to_the_bit(interpolation, size, resize, crop):
    """Also where the crop is larger than the short side, or than both."""
    photo = PHOTO.resize(size)
    tensor = F.pil_to_tensor(photo)
    mode = v2.InterpolationMode(interpolation)
    tensor = F.center_crop(F.resize(tensor, [resize], interpolation=mode, antialias=True), [crop])
    tensor = tensor.float() * (1 / 255)
    zero, one = (0.0,), (1.0,)
    for channels, expected in (("RGB", tensor), ("gray", F.rgb_to_grayscale(tensor))):
        preprocessor = ImageTransform(resize, crop, zero, one, interpolation=interpolation, channels=channels)
        torch.testing.assert_close(preprocessor(photo), expected, rtol=0, atol=0)


def test_channels_scale_and_mean():
    red = Image.new("RGB", (10, 10), (200, 100, 50))
    preprocessor = ImageTransform(8, 8, (1.0, 2.0, 3.0), (2.0, 1.0, 1.0), channels="BGR", scale=255.0)
    torch.testing.assert_close(preprocessor(red)[:, 0, 0], torch.tensor([24.5, 98.0, 197.0]))


@pytest.mark.parametrize("size", [(1, 1), (3, 1000), (224, 224)])
def test_any_size_comes_out_square(size):
    assert PLAIN(Image.new("RGB", size)).shape == (3, 224, 224)


def test_a_hair_of_a_picture_is_refused_before_it_fills_the_memory():
    with pytest.raises(InputError, match="too long and narrow"):
        PLAIN(Image.new("RGB", (1, 60000)))


def test_a_mean_picture_of_caffe_is_subtracted(tmp_path):
    mean = np.random.default_rng(1).normal(110, 5, (3, 256, 256)).astype(np.float32)
    write_mean(tmp_path / "mean.binaryproto", mean)
    preprocessor = ImageTransform(
        256, 224, str(tmp_path / "mean.binaryproto"), (1.0, 1.0, 1.0), channels="BGR", scale=255.0
    )
    plain = ImageTransform(256, 224, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), channels="BGR", scale=255.0)
    difference = plain(PHOTO) - preprocessor(PHOTO)
    torch.testing.assert_close(difference, torch.from_numpy(mean[:, 16:240, 16:240]), atol=1e-4, rtol=0)
    assert "a mean picture" in preprocessor.describe()


def test_the_sentence_names_every_number():
    for word in ("256", "224", "bilinear", "RGB", "0, 0, 0"):
        assert word in PLAIN.describe()


def test_a_list_is_cut_into_batches_with_names():
    batches = list(PLAIN.batches([PHOTO] * 5, size=2))
    assert [len(batch.data) for batch in batches] == [2, 2, 1]
    assert np.concatenate([batch.inputs for batch in batches]).tolist() == [0, 1, 2, 3, 4]
    assert batches[2].names == ("Image 5",)


def test_an_empty_list_gives_no_batches():
    assert list(PLAIN.batches([])) == []


def test_a_folder_is_cut_into_batches_with_the_names_of_its_files(tmp_path):
    for name in "ba":
        PHOTO.save(tmp_path / f"{name}.png")
    (batch,) = PLAIN.batches(str(tmp_path))
    assert batch.names == (f"{tmp_path}/a.png", f"{tmp_path}/b.png")


@pytest.mark.parametrize("size", [(480, 320), (320, 481), (300, 300), (700, 233), (64, 64)])
@pytest.mark.parametrize(("resize", "crop"), [(256, 224), (256, 227), (256, 256), (200, 224)])
def test_what_is_seen_is_what_a_picture_of_places_shows(size, resize, crop):
    """Computed from torchvision's rule, and measured on pictures whose values are their own coordinates."""
    preprocessor = ImageTransform(resize=resize, crop=crop, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    exact, measured = preprocessor.crop_box(size), BaseTransform.crop_box(preprocessor, size)
    pixel = min(size) / resize  # of what the network sees, on the picture
    levels = max(size) / 255 / 5  # of 8 bits, through which the measurement goes
    np.testing.assert_allclose(measured, exact, atol=0.5 * pixel + levels)
    assert exact[2] - exact[0] == pytest.approx(crop * pixel, rel=0.02)


def test_pictures_are_prepared_by_as_many_threads_as_the_process_has_processors(monkeypatch):
    monkeypatch.setattr(transforms, "available_processors", lambda: 3)
    sizes = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, threads: int):
            sizes.append(threads)
            super().__init__(threads)

    monkeypatch.setattr(transforms, "ThreadPoolExecutor", Pool)
    assert [len(batch.data) for batch in PLAIN.batches([PHOTO, PHOTO])] == [2]
    assert sizes == [3]
