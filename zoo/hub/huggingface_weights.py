"""Networks of Hugging Face transformers: a folder with ``config.json`` and weights."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from zoo.core.errors import WeightsError


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every tensor of the model by its name in transformers, which also renames those of older files.

    Raises
    ------
    WeightsError
        If the folder holds no network that the zoo knows, or not all of its weights.
    """
    from zoo.hub.huggingface import pretrained

    with _quiet_transformers(), torch.random.fork_rng(devices=[]):
        try:
            model, loading = pretrained(path)
        except WeightsError:
            raise
        except Exception as error:  # transformers raises what Python does over wrong types
            raise WeightsError(f"{path} holds no complete network of transformers.") from error
    if missing := sorted(loading["missing_keys"]):
        raise WeightsError(f"{path} lacks weights of its network: {', '.join(missing[:3])}.")
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Hide the progress bar, and the table of tensors that are not needed, as of CLAP's half that reads."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
