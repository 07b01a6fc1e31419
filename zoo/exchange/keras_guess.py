"""How images are prepared for a Keras network, as its first layers and its name tell."""

from __future__ import annotations

import re
from typing import Any

# keras/applications/imagenet_utils.py and the `preprocess_input` of each file of keras/applications.
_BYTES = {"scale": 255}
_SIGNED = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
_TORCH = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
_CAFFE = {"scale": 255, "channels": "BGR", "mean": [103.939, 116.779, 123.68], "std": [1.0, 1.0, 1.0]}
_APPLICATIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (r"(resnet(50|101|152)|vgg(16|19))", _CAFFE, "BGR from 0 to 255 without the mean of ImageNet"),
    (r"densenet\d+", _TORCH, "RGB normalized by the mean and deviation of ImageNet"),
    (
        r"(mobilenet(v2)?_\d.*|xception|inception_(v3|resnet_v2)|nasnet.*|resnet\d+v2)",
        _SIGNED,
        "RGB from -1 to 1",
    ),
)
_SCALING = ("Rescaling", "Normalization")
_LOOK_AT = 3  # layers behind the input


def guess(name: str, config: dict[str, Any]) -> dict[str, Any] | None:
    """Return the fields of a preprocessing and a reason; None where nothing tells.

    Parameters
    ----------
    name : str
        Of the network.
    config : dict
        Its configuration, which was checked.
    """
    layers = config["config"].get("layers", [])
    kinds = [layer.get("class_name") for layer in layers if isinstance(layer, dict)]
    behind = [kind for kind in kinds if kind != "InputLayer"][:_LOOK_AT]
    if scaling := [kind for kind in behind if kind in _SCALING]:
        return {
            "fields": _BYTES,
            "reason": f"RGB from 0 to 255, for the network scales its input itself (layer {scaling[0]})",
        }
    for pattern, fields, words in _APPLICATIONS:
        if re.fullmatch(pattern, name):
            return {
                "fields": fields,
                "reason": f"{words}, as Keras's network of the name {name} takes them",
            }
    return None
