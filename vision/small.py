"""A small network for small pictures, to be trained from scratch in minutes.

Pairs of 3 × 3 convolutions between halvings, as in VGG (Simonyan and Zisserman, arXiv:1409.1556), with batch
norm (Ioffe and Szegedy, arXiv:1502.03167) and an average in place of its wide full connections.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import torch
from msgspec import Meta, Struct
from torch import nn

from zoo.core.errors import CatalogError
from zoo.core.spec import Parent, Spec

# Of channels on a scale from 0 to 1.
Channels = Annotated[tuple[Annotated[float, Meta(ge=-10, le=10)], ...], Meta(min_length=1, max_length=3)]


class SmallCNN(nn.Sequential):
    """Pictures (n, channels, size, size) -> logits (n, classes).

    Parameters
    ----------
    classes : int
    channels : int
        Of the pictures.
    widths : sequence of int
        Channels of each pair of convolutions; each halves the size, so that 2 to the power of their number
        is the smallest size.
    dropout : float
        In training, share of the averages that the head does not see.
    """

    def __init__(self, classes: int, channels: int, widths: Sequence[int], dropout: float = 0.2) -> None:
        blocks = []
        for before, width in zip([channels, *widths], widths, strict=False):
            blocks.append(nn.Sequential(*_convolution(before, width), *_convolution(width, width)))
            blocks[-1].append(nn.MaxPool2d(2))
        super().__init__(
            OrderedDict(
                blocks=nn.Sequential(*blocks),
                average=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                dropout=nn.Dropout(dropout),
                head=nn.Linear(widths[-1], classes),
            )
        )


class Sizes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The arguments of `small_cnn`, within what trains in minutes."""

    classes: Annotated[int, Meta(ge=1, le=10_000)]
    size: Annotated[int, Meta(ge=1, le=1024)]
    mean: Channels
    std: Channels
    widths: Annotated[tuple[Annotated[int, Meta(ge=1, le=1024)], ...], Meta(min_length=1, max_length=10)]

    def __post_init__(self) -> None:
        if len(self.mean) not in (1, 3) or len(self.mean) != len(self.std) or min(self.std) < 1e-3:
            raise ValueError("mean and std have one number for gray pictures, or three; std is 0.001 or more")
        if self.size < 2 ** len(self.widths):
            raise ValueError(f"pictures of {self.size} pixels cannot be halved {len(self.widths)} times")


def describe(arguments: dict[str, Any]) -> Spec:
    """Return the record of an untrained `SmallCNN`, from arguments that may come from a file.

    Raises
    ------
    CatalogError
        If they are not those of `small_cnn`.
    """
    try:
        sizes = msgspec.convert(arguments, Sizes)
    except msgspec.ValidationError as error:
        raise CatalogError(f"small_cnn does not take these arguments: {error}.") from error
    return small_cnn(**msgspec.structs.asdict(sizes))


def small_cnn(
    *, classes: int, size: int, mean: Sequence[float], std: Sequence[float], widths: Sequence[int]
) -> Spec:
    """Return the record of an untrained `SmallCNN`.

    Parameters
    ----------
    classes, widths
        As of `SmallCNN`.
    size : int
        Side of the pictures, in pixels.
    mean, std : sequence of float
        Of the pictures' channels, on a scale from 0 to 1: three of them, or one for pictures in gray.
    """
    channels = len(mean)
    arguments = {"classes": classes, "channels": channels, "widths": list(widths)}
    sizes = {"classes": classes, "size": size, "mean": list(mean), "std": list(std), "widths": list(widths)}
    with torch.device("meta"):
        module = SmallCNN(**arguments)
    return Spec(
        name="small_cnn",
        title=f"Small CNN for pictures of {size} × {size}",
        modality="image",
        tasks=("classify", "embed"),
        builder="small_cnn",
        arguments=arguments,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        depth=2 * len(widths) + 1,
        input_shape=(channels, size, size),
        classes=classes,
        preprocess={
            "type": "resize_crop",
            "resize": size,
            "crop": size,
            "channels": "gray" if channels == 1 else "RGB",
            "mean": list(mean),
            "std": list(std),
        },
        activation="softmax",
        head_layer="head",
        embedding_layer="flatten",
        cam_layer="blocks",
        license="Apache-2.0",
        citation="After Simonyan and Zisserman, arXiv:1409.1556, with batch norm (Ioffe and Szegedy, 2015).",
        homepage="https://arxiv.org/abs/1409.1556",
        validation="Untrained.",
        sources=(),
        parent=Parent("small_cnn", sizes),
    )


def _convolution(before: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
