"""``hf:`` names: the record and the labels of a checkpoint, whichever kind it is."""

from types import ModuleType

from transformers import (
    MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING,
    MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
    ClapConfig,
)

from zoo.core.errors import UnknownNameError
from zoo.core.labels import Label
from zoo.core.spec import Spec, validate
from zoo.hub.huggingface import config_of, refusing


def describe(checkpoint: str) -> Spec:
    """Describe a checkpoint.

    Parameters
    ----------
    checkpoint : str
        ``owner/repository`` or a folder.

    Raises
    ------
    UnknownNameError
        If the checkpoint is unknown, or it has a kind that the zoo does not support.
    """
    with refusing(f"hf:{checkpoint} is damaged: transformers cannot build what its files describe."):
        return validate(_package(checkpoint).describe(checkpoint))


def labels(checkpoint: str) -> tuple[Label, ...]:
    """Read the labels of the checkpoint's configuration."""
    with refusing(f"hf:{checkpoint} is damaged: its labels are not names."):
        return _package(checkpoint).labels(checkpoint)


def _package(checkpoint: str) -> ModuleType:
    """Return the module for the kind of a checkpoint, as transformers' tables tell kinds apart."""
    config = config_of(checkpoint)
    if type(config) in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        from zoo.hub import huggingface_image

        return huggingface_image
    if type(config) in MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING or isinstance(config, ClapConfig):
        from zoo.hub import huggingface_audio

        return huggingface_audio
    raise UnknownNameError(
        f"hf:{checkpoint} is neither an image classifier nor an audio network that Zoo supports."
    )
