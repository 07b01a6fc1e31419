"""Networks of Hugging Face transformers: a folder with ``config.json`` and weights."""

from pathlib import Path

import numpy as np

from zoo.core.errors import WeightsError


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every tensor of the model by its name in transformers, which also renames those of older files.

    Raises
    ------
    WeightsError
        If the folder holds no network that the zoo knows, or not all of its weights.
    """
    from transformers.utils import logging

    from zoo.hub.huggingface import pretrained

    logging.disable_progress_bar()
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # a table of tensors that are not needed, such as of CLAP's half that reads
    try:
        model, loading = pretrained(path)
    except WeightsError:
        raise
    except Exception as error:  # transformers raises what Python does over wrong types
        raise WeightsError(f"{path} holds no complete network of transformers.") from error
    finally:
        logging.set_verbosity(level)
    if missing := sorted(loading["missing_keys"]):
        raise WeightsError(f"{path} lacks weights of its network: {', '.join(missing[:3])}.")
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}
