"""What networks ask of their preprocessing, as types."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from zoo.core.batch import Batch
from zoo.core.errors import InputError
from zoo.core.inputs import Failures

if TYPE_CHECKING:
    import torch
    from PIL import Image


@runtime_checkable
class Preprocessor(Protocol):
    """Turns inputs into batches for a network."""

    def describe(self) -> str:
        """Describe the preprocessing in one sentence."""
        ...

    def is_one(self, x: Any) -> bool:
        """Tell whether `x` is one input, not several."""
        ...

    def several(self, x: Any) -> list[Any]:
        """List the inputs that `x` stands for."""
        ...

    def with_overlap(self, overlap: float) -> Self:
        """Return the same preprocessing with another overlap of windows; images refuse it."""
        ...

    def batches(
        self,
        x: Any,
        *,
        sample_rate: float | None = None,
        size: int | None = None,
        failures: Failures | None = None,
    ) -> Generator[Batch, None, None]:
        """Decode and preprocess inputs, `size` rows at a time; `failures` takes errors of inputs."""
        ...


@runtime_checkable
class AudioFrontend(Preprocessor, Protocol):
    """Cuts recordings into windows."""

    sample_rate: int
    framing: Any

    @property
    def span(self) -> float:
        """Return how much time a window stands for, in s."""
        ...

    def __call__(self, waveform: torch.Tensor) -> torch.Tensor:
        """Turn a waveform, shape (samples,), into a row for each of its windows."""
        ...

    def with_hop(self, seconds: float) -> Self:
        """Return the same front-end with another time between windows."""
        ...

    def padded(self) -> Self:
        """Return the same front-end, which fills up the last window with zeros."""
        ...

    def listen(self, name: str, sample_rate: float) -> Any:
        """Begin a live stream of samples."""
        ...


@runtime_checkable
class ImagePreprocessor(Preprocessor, Protocol):
    """Turns images into tensors of one shape."""

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Turn an RGB image into a tensor, shape (channels, height, width)."""
        ...

    def crop_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return which part of an image of that size the network sees: left, top, right, bottom."""
        ...


def as_frontend(preprocessor: Preprocessor) -> AudioFrontend:
    """Return the preprocessing of an audio network, typed as such."""
    if not isinstance(preprocessor, AudioFrontend):
        raise InputError(f"An audio network is required; this one takes images: {preprocessor.describe()}")
    return preprocessor


def as_image_preprocessor(preprocessor: Preprocessor) -> ImagePreprocessor:
    """Return the preprocessing of an image network, typed as such."""
    if not isinstance(preprocessor, ImagePreprocessor):
        raise InputError(f"An image network is required; this one takes audio: {preprocessor.describe()}")
    return preprocessor
