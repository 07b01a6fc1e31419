"""Heat maps: where in a picture the evidence for a class is.

Selvaraju et al.: Grad-CAM: Visual explanations from deep networks via gradient-based localization, ICCV 2017,
arXiv:1610.02391. Zeiler, Fergus: Visualizing and understanding convolutional networks, ECCV 2014,
arXiv:1311.2901 (occlusion).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zoo.core.errors import InputError
from zoo.core.inputs import name_of
from zoo.core.labels import find
from zoo.core.validation import choice
from zoo.inference.preprocessing import as_image_preprocessor
from zoo.inference.tasks.inputs import run_each
from zoo.results import Explanation, Problem
from zoo.results.explanation import ExplanationMethod

if TYPE_CHECKING:
    from zoo.inference.model import Model

METHODS: dict[ExplanationMethod, str] = {"gradcam": "Grad-CAM", "occlusion": "Occlusion"}
CELLS = 8  # along each side of a map by occlusion; a square hides two by two of them
_ROWS = 9  # pictures with something hidden that are looked at together


@dataclass(frozen=True, kw_only=True)
class ExplanationOptions:
    """What to look for on an image, and how.

    Attributes
    ----------
    target : int, str or None
        The class, by its number, label or identifier; None: the best one of each image.
    method : {"gradcam", "occlusion"}
    layer : str or None
        For Grad-CAM; None: the record's, else the last one that gives maps.
    """

    target: int | str | None = None
    method: ExplanationMethod = "gradcam"
    layer: str | None = None

    def __post_init__(self) -> None:
        choice("method", self.method, METHODS)
        if self.layer is not None and self.method != "gradcam":
            raise InputError(f"The method {self.method} uses no layer; leave it out.")


def explain(
    net: Model,
    x: Any,
    options: ExplanationOptions,
    *,
    on_error: str = "raise",
    progress: Callable[[float], object] | None = None,
) -> Explanation | list[Explanation | Problem]:
    """Map where on an image a network finds a class; see `zoo.inference.network.Network.explain`."""
    if net.spec.modality != "image":
        raise InputError(f"{net.name} takes no pictures, and only those can be explained.")
    net.require("classify")
    target = None if options.target is None else _index(net, options.target)
    return run_each(
        net, x, on_error, lambda image, position: _explain(net, image, position, options, target, progress)
    )


def _explain(
    net: Model,
    x: Any,
    position: int,
    options: ExplanationOptions,
    target: int | None,
    progress: Callable[[float], object] | None,
) -> Explanation:
    from zoo.vision.decoding import decode

    preprocessor = as_image_preprocessor(net.preprocessor)
    image = decode(x)
    data = preprocessor(image)[None]
    scores = net.scores(data)[0]
    index = int(scores.argmax()) if target is None else target
    if options.method == "gradcam":
        layer = options.layer or net.spec.cam_layer or layer_of_maps(net, data)
        values = gradcam(net, data, index, layer)
    else:
        layer, values = "", occlusion(net, data, index, progress)
    return Explanation(
        network=net.name,
        input=name_of(x, position),
        index=index,
        id=net.labels[index].id,
        label=net.labels[index].label,
        score=float(scores[index]),
        method=options.method,
        layer=layer,
        values=values,
        crop_box=preprocessor.crop_box(image.size),
        size=image.size,
    )


def gradcam(net: Model, data: torch.Tensor, index: int, layer: str) -> np.ndarray:
    """Grad-CAM: the maps of a layer, each weighted by the mean of the class's gradient over it.

    The gradient is of the class's output before the softmax. What speaks against the class is cut off, and
    the rest divided by its maximum.

    Parameters
    ----------
    net : Model
    data : Tensor, shape (1, channels, height, width)
        Preprocessed.
    index : int
        Of the class.
    layer : str

    Returns
    -------
    ndarray of float32, shape (rows, columns)

    Raises
    ------
    UnknownNameError
        If the layer is unknown.
    InputError
        If the layer gives no maps, or the class has no gradient there.
    """
    try:
        _, maps, gradient = net.eager.gradient(data, layer, index)
    except InputError as error:
        raise InputError(f"{str(error).rstrip('.')}; occlusion needs none.") from error
    if not _are_maps(maps, data):
        raise InputError(
            f"{layer} of {net.name} gives out {tuple(maps.shape[1:])}, not maps of a picture; choose another "
            "layer, or occlusion."
        )
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return _scaled((weights * maps).sum(dim=1)[0].cpu().numpy())


def occlusion(
    net: Model, data: torch.Tensor, index: int, progress: Callable[[float], object] | None = None
) -> np.ndarray:
    """Occlusion: how much the score of a class falls when a part is hidden, by a square of the mean color.

    Squares overlap by half; a cell has the mean of the squares that hide it.

    Parameters
    ----------
    net : Model
    data : Tensor, shape (1, channels, height, width)
        Preprocessed.
    index : int
        Of the class.
    progress : callable, optional
        Called with the fraction of the squares that were hidden.

    Returns
    -------
    ndarray of float32, shape (`CELLS`, `CELLS`)
    """
    rows, columns = (np.linspace(0, side, CELLS + 1).round().astype(int) for side in data.shape[2:])
    color = data.mean(dim=(2, 3), keepdim=True)[0]
    corners = [(i, j) for i in range(CELLS + 1) for j in range(CELLS + 1)]
    scores = []
    for start in range(0, len(corners), _ROWS):
        hidden = data.repeat(len(corners[start : start + _ROWS]), 1, 1, 1)
        for row, (i, j) in zip(hidden, corners[start : start + _ROWS], strict=True):
            top, bottom = rows[max(i - 1, 0)], rows[min(i + 1, CELLS)]
            left, right = columns[max(j - 1, 0)], columns[min(j + 1, CELLS)]
            row[:, top:bottom, left:right] = color
        scores.append(net.scores(hidden)[:, index])
        if progress:
            progress((start + len(hidden)) / len(corners))
    falls = net.scores(data)[0, index] - np.concatenate(scores).reshape(CELLS + 1, CELLS + 1)
    return _scaled((falls[1:, 1:] + falls[1:, :-1] + falls[:-1, 1:] + falls[:-1, :-1]) / 4)


def layer_of_maps(net: Model, data: torch.Tensor) -> str:
    """Find the last layer of maps that the outputs change with, of a network whose record names none.

    Raises
    ------
    InputError
        If there is none, or tokens come after it, which are not maps.
    """
    _, outputs = net.eager(data, [name for name, _ in net.module.named_modules() if name])
    for name, output in reversed(outputs.items()):
        if _are_maps(output, data) and _has_gradient(net, data, name):
            return name
        if output.ndim == 3 and output.shape[1] > 1:
            break
    raise InputError(f"{net.name} does not end in maps that Grad-CAM could use; occlusion needs none.")


def _has_gradient(net: Model, data: torch.Tensor, layer: str) -> bool:
    try:
        net.eager.gradient(data, layer, 0)
    except InputError:
        return False
    return True


def _are_maps(output: torch.Tensor, data: torch.Tensor) -> bool:
    """Whether a layer's output is (n, channels, rows, columns), in about the shape of the picture."""
    if output.ndim != 4 or min(output.shape[2:]) < 2:
        return False
    (rows, columns), (height, width) = output.shape[2:], data.shape[2:]
    return 0.5 < rows * width / (columns * height) < 2


def _index(net: Model, target: int | str) -> int:
    if isinstance(target, str):
        return find(net.labels, target)
    if isinstance(target, bool) or not isinstance(target, (int, np.integer)):
        raise InputError(f"target={target!r} is neither a class's label nor its number.")
    if not 0 <= target < len(net.labels):
        raise InputError(
            f"target={target} is not a class of {net.name}; choose a number from 0 to {len(net.labels) - 1}."
        )
    return int(target)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Divide the values above 0 by their maximum."""
    above = np.maximum(values, 0).astype(np.float32)
    return above / above.max() if above.max() > 0 else above
