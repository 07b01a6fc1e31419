"""Any image classifier of Hugging Face by its name, with its own image processor, labels and licence.

Wolf et al.: Transformers: State-of-the-Art Natural Language Processing, EMNLP 2020.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import ModelCard
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled
from PIL import Image
from torch import nn
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageClassification

from vision.presets import PicturePreset
from zoo.errors import UnknownNameError
from zoo.labels import Label
from zoo.sources import digest, offline
from zoo.spec import Source, Spec


class Classifier(nn.Module):
    """A model of transformers whose output is plain logits."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=pictures).logits


def build(checkpoint: str) -> Classifier:
    """The untrained network of a checkpoint."""
    return Classifier(AutoModelForImageClassification.from_config(_config(checkpoint)))


def from_transformers(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the tensors of the model as `Classifier` does."""
    return {f"model.{name}": tensor for name, tensor in tensors.items()}


class Processor(PicturePreset):
    """The image processor that a checkpoint brings.

    Parameters
    ----------
    checkpoint : str
        ``owner/repository`` or a folder.
    """

    def __init__(self, checkpoint: str):
        self.checkpoint = checkpoint

    @cached_property
    def processor(self) -> Any:
        return AutoImageProcessor.from_pretrained(self.checkpoint, local_files_only=offline())

    def describe(self) -> str:
        settings = self.processor.to_dict()
        steps = []
        if settings.get("do_resize"):
            steps.append(f"resized to {_size(settings['size'])}")
        if settings.get("do_center_crop"):
            steps.append(f"cropped to the central {_size(settings['crop_size'])}")
        if settings.get("do_rescale"):
            steps.append(f"multiplied by {settings['rescale_factor']:.5g}")
        if settings.get("do_normalize"):
            mean, std = (", ".join(f"{v:g}" for v in settings[f"image_{key}"]) for key in ("mean", "std"))
            steps.append(f"minus {mean}, divided by {std}")
        return f"The checkpoint's own {settings['image_processor_type']}: RGB, {', '.join(steps)}."

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """An RGB picture as a float32 tensor, shape (3, height, width)."""
        return self.processor(images=image, return_tensors="pt")["pixel_values"][0].float()


def describe(checkpoint: str) -> Spec:
    """The record of a checkpoint of Hugging Face.

    Parameters
    ----------
    checkpoint : str
        ``owner/repository`` or a folder.

    Raises
    ------
    UnknownNameError
        If there is no such checkpoint, or it is no image classifier.
    """
    config = _config(checkpoint)
    folder = Path(checkpoint)
    with torch.device("meta"):
        try:
            module = build(checkpoint)
        except ValueError as error:
            raise UnknownNameError(f"hf:{checkpoint} is no image classifier.") from error
    heads = [
        name
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features == config.num_labels
    ]
    if not heads:
        raise UnknownNameError(f"hf:{checkpoint} has no last layer that can be found.")
    local = folder.is_dir()
    return Spec(
        name=f"hf:{folder.name}@{digest(folder)[:12]}" if local else f"hf:{checkpoint}",
        title=folder.name,
        modality="picture",
        tasks=("classify", "embed"),
        builder="vision.hugging_face:build",
        arguments={"checkpoint": checkpoint},
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        depth=None,
        input_shape=tuple(Processor(checkpoint)(Image.new("RGB", (64, 64))).shape),
        classes=config.num_labels,
        preprocess={"type": "vision.hugging_face:Processor", "checkpoint": checkpoint},
        labels=f"hf:{checkpoint}",
        activation="sigmoid" if config.problem_type == "multi_label_classification" else "softmax",
        head=heads[-1],
        embedding=f"input of {heads[-1]}",
        licence=_licence(checkpoint),
        citation="See the model's card.",
        homepage=str(folder) if local else f"https://huggingface.co/{checkpoint}",
        fidelity="The network and weights of transformers; nothing was checked here.",
        sources=(
            Source(
                f"file:{folder.absolute()}" if local else f"hf:{checkpoint}",
                "transformers",
                "vision.hugging_face:from_transformers",
            ),
        ),
    )


def labels(checkpoint: str) -> tuple[Label, ...]:
    """The labels that the checkpoint's configuration names."""
    names = _config(checkpoint).id2label
    return tuple(Label(str(i), text.split(", ")[0], text) for i, text in sorted(names.items()))


def _config(checkpoint: str) -> Any:
    try:
        return AutoConfig.from_pretrained(checkpoint, local_files_only=offline())
    except (OSError, ValueError, KeyError) as error:
        raise UnknownNameError(
            f"There is no checkpoint hf:{checkpoint} that can be reached and that transformers knows."
        ) from error


def _licence(checkpoint: str) -> str:
    card = Path(checkpoint) / "README.md"
    try:
        if card.is_file() or not Path(checkpoint).is_dir():
            data = ModelCard.load(card if card.is_file() else checkpoint).data
            return data.license or "not stated by its authors"
    except (EntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled, OSError, ValueError):
        pass
    return "not stated by its authors"


def _size(size: dict[str, int]) -> str:
    if "shortest_edge" in size:
        return f"a short side of {size['shortest_edge']}"
    return f"{size['height']} × {size['width']} pixels"
