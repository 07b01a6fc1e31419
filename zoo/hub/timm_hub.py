"""Any image classifier of timm by its name, with timm's own preprocessing, labels and license.

Wightman: PyTorch Image Models, https://github.com/huggingface/pytorch-image-models
"""

import math

import numpy as np
import timm
import torch
from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset
from timm.models import PretrainedCfg, get_pretrained_cfg

from zoo.core.errors import UnknownNameError
from zoo.core.labels import Label
from zoo.core.spec import Source, Spec


def checkpoint(name: str) -> PretrainedCfg:
    """Return the configuration of a checkpoint in timm.

    Raises
    ------
    UnknownNameError
        If timm has no such checkpoint; the message names the closest ones.
    """
    try:
        config = get_pretrained_cfg(name)
    except RuntimeError:  # a tag that the architecture does not have
        config = None
    if config is None or not (config.hf_hub_id or config.url):
        close = timm.list_models(f"*{name.partition('.')[0]}*", pretrained=True)[:3]
        hint = f"; did you mean {' or '.join(f'timm:{n}' for n in close)}?" if close else "."
        raise UnknownNameError(f"timm has no checkpoint {name!r}{hint}")
    return config


def describe(name: str) -> Spec:
    """Describe a checkpoint of timm.

    Parameters
    ----------
    name : str
        ``architecture.tag`` or ``architecture``, as in `timm.list_models(pretrained=True)`.

    Raises
    ------
    UnknownNameError
        If timm has no such checkpoint, or it is not a classifier that this preprocessing fits.
    """
    config = checkpoint(name)
    if not isinstance(config.classifier, str) or not config.num_classes:
        raise UnknownNameError(f"timm:{name} has no single classifier.")
    if config.crop_mode != "center":
        raise UnknownNameError(f"timm:{name} crops pictures in a way that is not supported here.")
    name = name if "." in name or not config.tag else f"{name}.{config.tag}"
    with torch.device("meta"):
        module = timm.create_model(name)
    crop = config.input_size[-1]
    return Spec(
        name=f"timm:{name}",
        title=name,
        modality="image",
        tasks=("classify", "embed"),
        builder="timm",
        arguments={"model_name": name},
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        depth=None,
        input_shape=config.input_size,
        classes=config.num_classes,
        preprocess={
            "type": "resize_crop",
            "resize": math.floor(crop / config.crop_pct),
            "crop": crop,
            "interpolation": config.interpolation,
            "mean": config.mean,
            "std": config.std,
        },
        labels=_labels_of(config, name),
        activation="softmax",
        head_layer=config.classifier,
        embedding_layer=f"input of {config.classifier}",
        license=config.license or "not stated by timm",
        citation=config.paper_name or "R. Wightman: PyTorch Image Models, 2019.",
        homepage=config.origin_url or "https://github.com/huggingface/pytorch-image-models",
        validation="timm's own network, weights and figures; nothing was checked here.",
        origin="timm",
        sources=(
            Source(
                f"timm:{name}",
                "safetensors" if config.hf_hub_id else "torch",
                "timm",
                {"name": name},
            ),
        ),
    )


def _labels_of(config: PretrainedCfg, name: str) -> str:
    if config.num_classes == 1000:
        return "vision/labels/imagenet.csv"
    return f"timm:{infer_imagenet_subset(config.to_dict()) or name}"


def filtered(tensors: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Convert the tensors of a checkpoint to those of its network, as timm itself does on loading.

    Raises
    ------
    ValueError
        If there are no tensors: timm would download its own.
    """
    if not tensors:
        raise ValueError("it has no tensors")
    state = {key: torch.from_numpy(tensor) for key, tensor in tensors.items()}
    with torch.random.fork_rng(devices=[]):
        module = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"state_dict": state})
    return {key: tensor.numpy() for key, tensor in module.state_dict().items()}


def labels(name: str) -> tuple[Label, ...]:
    """Labels of a set of classes that timm has (``imagenet-22k``); else numbers for a checkpoint's."""
    try:
        info = ImageNetInfo(name)
    except AssertionError:
        return tuple(Label(str(i), f"class {i}") for i in range(checkpoint(name).num_classes))
    ids = info.label_names()
    words = [info.label_name_to_description(identity) for identity in ids]
    return tuple(Label(i, text.split(", ")[0], text) for i, text in zip(ids, words, strict=True))
