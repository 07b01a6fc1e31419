"""Any image classifier of Hugging Face by its name, with its own image processor, labels and license."""

from functools import cached_property
from typing import Any

import torch
from PIL import Image
from transformers import AutoImageProcessor, BaseImageProcessor

from zoo.core.environment import offline
from zoo.core.labels import Label
from zoo.core.spec import Spec
from zoo.hub import huggingface
from zoo.hub.huggingface_limits import require_sane_values
from zoo.vision.transforms import BaseTransform


class Processor(BaseTransform):
    """The image processor of a checkpoint.

    Parameters
    ----------
    checkpoint : str
        ``owner/repository`` or a folder.
    """

    def __init__(self, checkpoint: str):
        self.checkpoint = checkpoint

    @cached_property
    def processor(self) -> Any:
        options = {"local_files_only": offline()}
        with huggingface.refusing(f"hf:{self.checkpoint} has no image processor that transformers knows."):
            values, _ = BaseImageProcessor.get_image_processor_dict(self.checkpoint, **options)
            require_sane_values(values, f"The image processor of hf:{self.checkpoint}")
            return AutoImageProcessor.from_pretrained(self.checkpoint, **huggingface.DATA_ONLY, **options)

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
        """Return an RGB image as a float32 tensor, shape (3, height, width)."""
        return self.processor(images=image, return_tensors="pt")["pixel_values"][0].float()


def describe(checkpoint: str) -> Spec:
    """Describe an image classifier.

    Parameters
    ----------
    checkpoint : str
        ``owner/repository`` or a folder.

    Raises
    ------
    UnknownNameError
        If it has no last layer that can be found.
    """
    with torch.device("meta"):
        module = huggingface.build(checkpoint)
    return huggingface.record(
        checkpoint,
        module,
        modality="image",
        tasks=("classify", "embed"),
        input_shape=tuple(Processor(checkpoint)(Image.new("RGB", (64, 64))).shape),
        preprocess={"type": "hf.image_processor", "checkpoint": checkpoint},
        **huggingface.classifier_fields(checkpoint, module),
    )


def labels(checkpoint: str) -> tuple[Label, ...]:
    """Read the labels of the checkpoint's configuration; the first of several names is the short one."""
    names = huggingface.names_of(checkpoint)
    return tuple(Label(str(i), name.split(", ")[0], name) for i, name in enumerate(names))


def _size(size: dict[str, int]) -> str:
    if "shortest_edge" in size:
        return f"a short side of {size['shortest_edge']}"
    return f"{size['height']} × {size['width']} pixels"
