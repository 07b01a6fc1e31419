"""Any network of Hugging Face by its name: which package it belongs to, and its record in both.

Wolf et al.: Transformers: State-of-the-Art Natural Language Processing, EMNLP 2020.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import ModelCard
from torch import nn
from transformers import (
    MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING,
    MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForAudioClassification,
    AutoModelForImageClassification,
    ClapAudioModelWithProjection,
    ClapConfig,
    PreTrainedConfig,
)

from zoo.core.environment import offline
from zoo.core.errors import UnknownNameError, WeightsError, ZooError
from zoo.core.hashing import digest
from zoo.core.spec import Parent, Source, Spec
from zoo.hub.huggingface_limits import require_sane_files, require_sane_values, require_sane_weights

# For everything that transformers loads. Without it, a checkpoint with code of its own asks on the terminal.
DATA_ONLY = {"trust_remote_code": False}


class Classifier(nn.Module):
    """A model of transformers whose output is plain logits."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.input_name = str(model.main_input_name)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return self.model(**{self.input_name: data}).logits


def build(checkpoint: str) -> Classifier:
    """Build the untrained classifier of a checkpoint."""
    return Classifier(untrained(config_of(checkpoint)))


def from_transformers(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the tensors of a model as `Classifier` does."""
    return {f"model.{name}": tensor for name, tensor in tensors.items()}


def config_of(checkpoint: str | Path) -> Any:
    """Read the configuration of a checkpoint, ``owner/repository`` or a folder.

    Raises
    ------
    UnknownNameError
        If it cannot be reached, transformers does not know its kind, or it asks for what no network needs.
    """
    refusal = f"The checkpoint hf:{checkpoint} cannot be reached, or transformers does not support it."
    if offline() and not Path(checkpoint).is_dir():
        refusal = f"{refusal[:-1]}: downloads are disabled (ZOO_OFFLINE=1)."
    with refusing(refusal):
        require_sane_files(checkpoint)
        values, _ = PreTrainedConfig.get_config_dict(checkpoint, local_files_only=offline())
        require_sane_values(values, f"The configuration of hf:{checkpoint}")
        return AutoConfig.from_pretrained(checkpoint, **DATA_ONLY, local_files_only=offline())


@contextmanager
def refusing(refusal: str) -> Iterator[None]:
    """Say in one sentence that the files of a checkpoint are damaged.

    Transformers builds its objects from any JSON and raises what Python does over wrong types, so here any
    error is one of the files; those of the zoo are sentences already.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        raise UnknownNameError(refusal) from error


def is_classifier(config: Any) -> bool:
    """Whether a checkpoint of sound has the head of a classifier, and is not only an encoder."""
    expected: Any = MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING.get(type(config), None)
    return expected is not None and expected.__name__ in (config.architectures or ())


def untrained(config: Any) -> nn.Module:
    """Build the model of a configuration as Zoo uses it: a classifier of images or audio, or an encoder."""
    if isinstance(config, ClapConfig):
        audio: Any = config.audio_config
        return ClapAudioModelWithProjection(audio)
    return _loader(config).from_config(config)


def pretrained(folder: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """Load the same model with the weights of a folder, and what transformers reports about them."""
    config = config_of(folder)
    require_sane_weights(Path(folder))
    _require_bytes(Path(folder), config)
    loader: Any = _loader(config)
    if isinstance(config, ClapConfig):
        loader, config = ClapAudioModelWithProjection, config.audio_config
    return loader.from_pretrained(
        folder,
        **DATA_ONLY,
        config=config,
        local_files_only=True,
        dtype=torch.float32,
        output_loading_info=True,
    )


def _require_fit(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Follow the shapes through the network; a step whose shapes depend on values ends the check."""
    try:
        module.eval()(torch.zeros(2, *shape, device="meta"))
    except RuntimeError as error:
        if not isinstance(error, NotImplementedError) and "meta" not in str(error):
            raise


def _require_bytes(folder: Path, config: Any) -> None:
    """Raise a `WeightsError` if the network needs more tensors than the folder's files can hold.

    Transformers would fill up what is missing with random numbers first. The smallest number that is
    published takes half a byte.
    """
    held = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".safetensors", ".bin"))
    with torch.device("meta"):
        needed = sum(parameter.numel() for parameter in untrained(config).parameters())
    if needed > 2 * held:
        raise WeightsError(
            f"{folder} holds no complete network: {held} bytes of weights for {needed} parameters."
        )


def names_of(checkpoint: str) -> list[str]:
    """Return the class names of the configuration, in the order of the outputs."""
    return [name for _, name in sorted(config_of(checkpoint).id2label.items())]


def record(checkpoint: str, module: nn.Module, **fields: Any) -> Spec:
    """Make a record with the fields common to all checkpoints, and the given ones.

    Parameters
    ----------
    checkpoint : str
    module : Module
        The untrained network on the device ``meta``, to count its parameters.
    **fields
        The other fields of `Spec`; they come first where both say something.

    Raises
    ------
    RuntimeError, ValueError
        If the network does not take inputs of ``fields["input_shape"]``.
    """
    _require_fit(module, fields["input_shape"])
    folder = Path(checkpoint)
    local = folder.is_dir()
    source = Source(
        f"file:{folder.absolute()}" if local else f"hf:{checkpoint}",
        "transformers",
        "hf",
    )
    common = {
        "name": f"hf:{folder.name}@{digest(folder)[:12]}" if local else f"hf:{checkpoint}",
        "title": folder.name,
        "arguments": {"checkpoint": checkpoint},
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "depth": None,
        "license": _license(checkpoint),
        "citation": "See the model's card.",
        "homepage": str(folder) if local else f"https://huggingface.co/{checkpoint}",
        "validation": "The network and weights of transformers; nothing was checked here.",
        "sources": (source,),
        "origin": "hf",
        "parent": Parent(f"hf:{folder.absolute()}") if local else None,
    }
    return Spec(**(common | fields))


def classifier_fields(checkpoint: str, module: nn.Module) -> dict[str, Any]:
    """Return the record's fields about a classifier's head, from the configuration.

    Raises
    ------
    UnknownNameError
        If it has no last layer that can be found, or its outputs are not classes.
    """
    config = config_of(checkpoint)
    heads = [
        name
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features == config.num_labels
    ]
    if not heads or config.problem_type == "regression":
        raise UnknownNameError(f"hf:{checkpoint} has no last layer that tells classes apart.")
    return {
        "builder": "hf.classifier",
        "classes": config.num_labels,
        "labels": f"hf:{checkpoint}",
        "activation": "sigmoid" if config.problem_type == "multi_label_classification" else "softmax",
        "head_layer": heads[-1],
        "embedding_layer": f"input of {heads[-1]}",
    }


def _loader(config: Any) -> type:
    if type(config) in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        return AutoModelForImageClassification
    return AutoModelForAudioClassification if is_classifier(config) else AutoModel


def _license(checkpoint: str) -> str:
    card = Path(checkpoint) / "README.md"
    try:
        if card.is_file() or not Path(checkpoint).is_dir():
            data: Any = ModelCard.load(card if card.is_file() else checkpoint).data
            return str(data.license or "not stated by its authors")
    except Exception:  # a card that is damaged, or cannot be reached, states nothing
        pass
    return "not stated by its authors"
