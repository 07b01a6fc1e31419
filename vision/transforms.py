"""Preprocessing of pictures, as data that travels with the checkpoint."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import interpolate, pad

from zoo.core.batch import Batch
from zoo.core.errors import InputError
from zoo.core.inputs import Failures, name_of
from zoo.core.machine import available_processors
from zoo.vision.decoding import decode, is_one, max_pixels, several


class BaseTransform(ABC):
    """What all preprocessing of pictures shares: batches of decoded pictures.

    A subclass says in `__call__` how an RGB picture becomes a tensor, and in `describe` the same in words.
    """

    is_one = staticmethod(is_one)
    several = staticmethod(several)

    @abstractmethod
    def describe(self) -> str:
        """Describe the preprocessing in one sentence."""

    @abstractmethod
    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Return an RGB image as a float32 tensor, shape (channels, height, width)."""

    def crop_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Which part of a picture the network sees, found by preprocessing pictures whose values are places.

        Parameters
        ----------
        size : tuple of int
            Width and height of the picture, in pixels.

        Returns
        -------
        tuple of float
            Left, top, right and bottom on that picture, in pixels; beyond it where it is padded.
        """
        width, height = size
        ramps = np.zeros((4, height, width), np.uint8)  # black, white, and a ramp along each axis
        ramps[1] = 255
        ramps[2] = np.linspace(0, 255, width).round()
        ramps[3] = np.linspace(0, 255, height).round()[:, None]
        pictures = [Image.fromarray(np.stack([ramp] * 3, axis=2)) for ramp in ramps]
        black, white, across, down = (self(picture).sum(dim=0).double().numpy() for picture in pictures)
        middle = tuple(slice(side // 4, side - side // 4) for side in black.shape)  # never padding
        scale = (white - black)[middle]
        columns = ((across - black)[middle] / scale).mean(axis=0) * (width - 1) + 0.5
        rows = ((down - black)[middle] / scale).mean(axis=1) * (height - 1) + 0.5
        left, right = _ends(columns, middle[1], black.shape[1])
        top, bottom = _ends(rows, middle[0], black.shape[0])
        return left, top, right, bottom

    def with_overlap(self, overlap: float) -> Self:
        """Raise an `InputError`: images have no windows."""
        raise InputError(f"overlap={overlap!r} is for sound; a picture is seen as a whole.")

    def batches(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        size: int | None = None,
        failures: Failures | None = None,
    ) -> Generator[Batch, None, None]:
        """Decode and preprocess pictures, `size` (default 16) at a time; no batches if `x` is an empty list.

        Parameters
        ----------
        x : see `zoo.vision.decoding.several`
        sample_rate : float, optional
            For sound, and ignored.
        size : int, optional
        failures : dict, optional
            Takes the errors of pictures that cannot be used, which are left out; by default the first is
            raised.
        """
        pictures = several(x)
        size = size or 16
        with closing(self._prepared(pictures, size, failures)) as prepared:
            while chunk := list(islice(prepared, size)):
                inputs, rows = zip(*chunk, strict=True)
                names = tuple(name_of(pictures[i], i) for i in inputs)
                yield Batch(data=torch.stack(rows), inputs=np.array(inputs), names=names)

    def _prepared(
        self, pictures: Sequence[Any], ahead: int, failures: Failures | None
    ) -> Generator[tuple[int, torch.Tensor], None, None]:
        """Prepare the pictures in order, and give the position of each that can be used."""
        with closing(self._calls(pictures, ahead)) as calls:
            for index, call in enumerate(calls):
                try:
                    row = call()
                except InputError as error:
                    if failures is None:
                        raise
                    failures[index] = error
                else:
                    yield index, row

    def _calls(
        self, pictures: Sequence[Any], ahead: int
    ) -> Generator[Callable[[], torch.Tensor], None, None]:
        """Prepare pictures in several threads `ahead` of their use; each call returns one, or raises.

        Decoding and resizing take longer than most networks.
        """

        def prepare(picture: Any) -> torch.Tensor:
            return self(decode(picture))

        if len(pictures) == 1:
            yield partial(prepare, pictures[0])
            return
        pool, waiting = ThreadPoolExecutor(available_processors()), deque()
        try:
            for picture in pictures:
                waiting.append(pool.submit(prepare, picture))
                if len(waiting) > ahead:
                    yield waiting.popleft().result
            while waiting:
                yield waiting.popleft().result
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class ImageTransform(BaseTransform):
    """Resize the short side, cut the center, order the channels, scale and normalize.

    Attributes
    ----------
    resize, crop : int
        Short side and side of the square, in pixels.
    interpolation : str
        ``"bilinear"`` or ``"bicubic"``, always antialiased.
    channels : str
        ``"RGB"``, ``"BGR"``, or ``"gray"`` for one: their luma.
    scale : float
        What a full channel (255) becomes: 1 or 255.
    mean : tuple of float, or str
        In the order of `channels` and on the scale of `scale`; or the path of a mean picture of Caffe's
        (``.binaryproto``), whose center is cut out as that of a picture is.
    std : tuple of float
    """

    resize: int
    crop: int
    mean: tuple[float, ...] | str
    std: tuple[float, ...]
    interpolation: str = "bilinear"
    channels: str = "RGB"
    scale: float = 1.0

    def describe(self) -> str:
        """Describe the preprocessing in one sentence."""
        mean = "a mean picture" if isinstance(self.mean, str) else ", ".join(f"{v:g}" for v in self.mean)
        std = ", ".join(f"{v:g}" for v in self.std)
        return (
            f"The short side is resized to {self.resize} pixels ({self.interpolation}, antialiased), "
            f"the central {self.crop} × {self.crop} pixels are cut out, channels are {self.channels} "
            f"from 0 to {self.scale:g}, minus {mean}, divided by {std}."
        )

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Return an RGB image as a float32 tensor, shape (3, crop, crop), or (1, crop, crop) in gray.

        PyTorch resizes bytes as Pillow does, to one level in a few of a thousand pixels, and faster. The
        result is that of torchvision's transforms, whose import takes 2.5 s, nearly as long as PyTorch's.

        Raises
        ------
        InputError
            If it is so long and narrow that it would have too many pixels once resized.
        """
        short, long = sorted(image.size)
        if self.resize**2 * long / short > max_pixels():
            raise InputError(f"A picture of {image.width} × {image.height} pixels is too long and narrow.")
        tensor = torch.from_numpy(np.array(image)[None]).permute(0, 3, 1, 2)
        width, height = self._resized(image.size)
        tensor = interpolate(tensor, (height, width), mode=self.interpolation, antialias=True)[0]
        tensor = _center_crop(tensor, self.crop).float() * (self.scale / 255)
        if self.channels == "BGR":
            tensor = tensor.flip(0)
        elif self.channels == "gray":
            tensor = _luma(tensor)
        return (tensor - self._mean) / torch.tensor(self.std).view(-1, 1, 1)

    def crop_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """As of `BaseTransform`, and exact: computed from how torchvision resizes and cuts."""
        width, height = size
        wide, high = self._resized(size)
        left, top = (_margin(side, self.crop) for side in (wide, high))
        across, down = width / wide, height / high
        return left * across, top * down, (left + self.crop) * across, (top + self.crop) * down

    def _resized(self, size: tuple[int, int]) -> tuple[int, int]:
        width, height = (int(self.resize * side / min(size)) for side in size)
        return width, height

    @cached_property
    def _mean(self) -> torch.Tensor:
        if not isinstance(self.mean, str):
            return torch.tensor(self.mean).view(-1, 1, 1)
        from zoo.formats.caffe import read_mean

        return _center_crop(torch.from_numpy(read_mean(self.mean)), self.crop)


def _center_crop(tensor: torch.Tensor, side: int) -> torch.Tensor:
    """Cut out the central square, shape (channels, side, side); pad a smaller picture with zeros."""
    edges = []
    for pixels in (tensor.shape[2], tensor.shape[1]):
        before = _margin(pixels, side)
        edges += [-before, before + side - pixels]  # negative ones cut
    return pad(tensor, edges)


def _margin(pixels: int, side: int) -> int:
    """Count the pixels before the center; negative where they are padding. Halves go as in torchvision."""
    return round((pixels - side) / 2) if pixels >= side else -((side - pixels) // 2)


def _luma(tensor: torch.Tensor) -> torch.Tensor:
    """Weight red, green and blue as ITU-R BT.601 and torchvision do, shape (1, height, width)."""
    red, green, blue = tensor
    return (red * 0.2989).add(green, alpha=0.587).add(blue, alpha=0.114)[None]


def _ends(places: np.ndarray, middle: slice, pixels: int) -> tuple[float, float]:
    """Where a row of pixels begins and ends on the picture, if the places of its middle ones are known."""
    slope, start = np.polyfit(np.arange(pixels)[middle] + 0.5, places, 1)
    return float(start), float(start + slope * pixels)
