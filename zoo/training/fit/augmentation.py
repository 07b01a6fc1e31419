"""Random changes of pictures and sounds that leave their class as it is.

Each is a function of an example and of a random generator, so that many threads can work at once and a run
can be repeated. The arithmetic is torchvision's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

Change = Callable[..., object]


def pictures(level: str, size: int) -> Callable[[Image.Image, np.random.Generator], Image.Image] | None:
    """Augment images: a random part of them, mirrored half the time, in another light.

    Parameters
    ----------
    level : {"none", "light", "strong", "shift", "mirror"}
        Light: at least 70 % of the area, up to a tenth brighter or darker; strong: 30 %, and four tenths,
        with contrast and saturation. For small pictures that their subject fills: shifted by up to an eighth
        of the side, where mirror images are something else, as those of letters are; or mirrored as well.
    size : int
        Side of the square that is cut out, in pixels.

    Returns
    -------
    callable or None
    """
    if level == "none":
        return None
    if level in ("shift", "mirror"):
        return shifted(mirror=level == "mirror")
    min_area, jitter = (0.7, 0.1) if level == "light" else (0.3, 0.4)

    def change(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        area = picture.width * picture.height * rng.uniform(min_area, 1)
        ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        width = min(max(round(np.sqrt(area * ratio)), 1), picture.width)
        height = min(max(round(np.sqrt(area / ratio)), 1), picture.height)
        left, top = rng.integers(picture.width - width + 1), rng.integers(picture.height - height + 1)
        mode = InterpolationMode.BILINEAR
        picture = F.resized_crop(picture, int(top), int(left), height, width, [size, size], mode)
        if rng.random() < 0.5:
            picture = F.horizontal_flip(picture)
        picture = F.adjust_brightness(picture, rng.uniform(1 - jitter, 1 + jitter))
        if level == "strong":
            picture = F.adjust_contrast(picture, rng.uniform(1 - jitter, 1 + jitter))
            picture = F.adjust_saturation(picture, rng.uniform(1 - jitter, 1 + jitter))
        return picture

    return change


def shifted(*, mirror: bool) -> Callable[[Image.Image, np.random.Generator], Image.Image]:
    """Move pictures by up to an eighth of their short side, into a margin of what is at their edge.

    He et al. (arXiv:1512.03385, 4.2) moved those of CIFAR-10 by as much, and mirrored them.
    """

    def change(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        width, height = picture.size
        margin = max(min(width, height) // 8, 1)
        left, top = rng.integers(2 * margin + 1, size=2)
        picture = F.pad(picture, [margin] * 4, padding_mode="edge")
        picture = F.crop(picture, int(top), int(left), height, width)
        return F.horizontal_flip(picture) if mirror and rng.random() < 0.5 else picture

    return change


def sounds(level: str, sample_rate: int) -> Callable[[np.ndarray, np.random.Generator], np.ndarray] | None:
    """Augment waveforms: another level, a shift in time, noise.

    Parameters
    ----------
    level : {"none", "light", "strong"}
        Light: ±6 dB, a shift of up to 50 ms, noise 30 to 50 dB below the sound; strong: ±12 dB, 200 ms, noise
        10 to 40 dB below.
    sample_rate : int
        In Hz.

    Returns
    -------
    callable or None
    """
    if level == "none":
        return None
    decibels, shift, loudest, softest = (6, 0.05, -30, -50) if level == "light" else (12, 0.2, -10, -40)

    def change(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        by = int(rng.integers(-int(shift * sample_rate), int(shift * sample_rate) + 1))
        moved = np.roll(samples, by)
        moved[: max(by, 0)] = 0
        moved[len(moved) + min(by, 0) :] = 0
        noise = rng.standard_normal(len(moved)).astype(np.float32)
        noise *= np.sqrt(np.mean(moved**2)) * 10 ** (rng.uniform(softest, loudest) / 20)
        return (moved + noise) * np.float32(10 ** (rng.uniform(-decibels, decibels) / 20))

    return change


def spectrograms(level: str) -> Callable[[torch.Tensor, np.random.Generator], torch.Tensor] | None:
    """Augment log-mel patches (1, frames, bands): a stretch of time and a band replaced by the mean.

    SpecAugment without its warping (Park et al., Interspeech 2019, arXiv:1904.08779); up to an eighth of each
    axis where it is light, up to a third where it is strong.
    """
    if level == "none":
        return None
    max_fraction = 1 / 8 if level == "light" else 1 / 3

    def mask(patch: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        patch, mean = patch.clone(), patch.mean()
        for axis in (1, 2):
            size = patch.shape[axis]
            width = int(rng.integers(int(max_fraction * size) + 1))
            start = int(rng.integers(size - width + 1))
            patch.narrow(axis, start, width).fill_(mean)
        return patch

    return mask
