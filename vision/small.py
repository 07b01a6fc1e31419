"""A small network for small pictures, to be trained from scratch in minutes.

Pairs of 3 × 3 convolutions between halvings, as in VGG (Simonyan and Zisserman, arXiv:1409.1556), with batch
norm (Ioffe and Szegedy, arXiv:1502.03167) and an average in place of its wide full connections.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from zoo.spec import Spec


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


def small_cnn(
    *, classes: int, size: int, mean: Sequence[float], std: Sequence[float], widths: Sequence[int]
) -> Spec:
    """The record of an untrained `SmallCNN`.

    Parameters
    ----------
    classes, widths
        As of `SmallCNN`.
    size : int
        Side of the pictures, in pixels.
    mean, std : sequence of float
        Of the pictures' channels, on a scale from 0 to 1: three of them, or one for pictures in grey.
    """
    channels = len(mean)
    arguments = {"classes": classes, "channels": channels, "widths": list(widths)}
    return Spec(
        name="small_cnn",
        title=f"Small CNN for pictures of {size} × {size}",
        modality="picture",
        tasks=("classify", "embed"),
        builder="vision.small:SmallCNN",
        arguments=arguments,
        parameters=sum(parameter.numel() for parameter in SmallCNN(**arguments).parameters()),
        depth=2 * len(widths) + 1,
        input_shape=(channels, size, size),
        classes=classes,
        preprocess={
            "type": "vision.presets:Preset",
            "resize": size,
            "crop": size,
            "channels": "grey" if channels == 1 else "RGB",
            "mean": list(mean),
            "std": list(std),
        },
        activation="softmax",
        head="head",
        embedding="flatten",
        cam="blocks",
        licence="Apache-2.0",
        citation="After Simonyan and Zisserman, arXiv:1409.1556, with batch norm (Ioffe and Szegedy, 2015).",
        homepage="https://arxiv.org/abs/1409.1556",
        fidelity="Untrained.",
        sources=(),
    )


def _convolution(before: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
