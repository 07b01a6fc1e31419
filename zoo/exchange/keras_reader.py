"""Keras networks of strangers: the configuration is checked as data, and only then built."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo.core.errors import InputError, WeightsError, reason
from zoo.exchange import keras_config
from zoo.exchange.keras_guess import guess
from zoo.formats import sizes
from zoo.formats.hdf5 import require_self_contained

MAX_CONFIG = 32 << 20  # bytes
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


class KerasNetwork:
    """A network that Keras built.

    Attributes
    ----------
    facts : dict
    """

    def __init__(self, network: Any, version: str, config: dict[str, Any]):
        import tensorflow as tf

        if len(network.inputs) != 1:
            raise InputError(f"The network takes {len(network.inputs)} inputs; networks of one are imported.")
        self.network = network
        self.facts = {"format": f"Keras {version}".strip(), "guess": guess(network.name, config)}
        (field,) = network.inputs
        signature = tf.TensorSpec((None, *field.shape[1:]), tf.as_dtype(field.dtype), name=field.name)
        self._function = tf.function(lambda x: tf.nest.flatten(network(x, training=False)))
        self._function = self._function.get_concrete_function(signature)
        self._dtype = signature.dtype

    def model(self) -> Any:
        """Return the graph of ONNX."""
        from zoo.exchange import tensorflow_graph

        return tensorflow_graph.of_function(self._function)

    def outputs(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs of the network."""
        import tensorflow as tf

        outputs = self._function(tf.cast(tf.constant(batch), self._dtype))
        return [np.asarray(output, np.float32) for output in outputs]


def read(path: Path) -> KerasNetwork:
    """Build a network from a ``.keras`` or ``.h5`` file.

    Raises
    ------
    InputError
        If it has classes that are not in the tables of `zoo.exchange.keras_config`.
    WeightsError
        If the file is damaged, or points to other files.
    """
    return _from_archive(path) if zipfile.is_zipfile(path) else _from_hdf5(path)


def _from_archive(path: Path) -> KerasNetwork:
    config_text, metadata, weights = _members(path)
    config = keras_config.checked(path, _json(path, config_text), has_modules=True)
    version = _version(_json(path, metadata).get("keras_version"))
    with h5py.File(io.BytesIO(weights), "r") as file:
        require_self_contained(path, file)
    from keras.src.saving import saving_lib

    # What is loaded is written anew, so that it is what was checked. Keras has no public function that takes
    # a network from memory.
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w") as archive:
        archive.writestr(_METADATA, metadata)
        archive.writestr(_CONFIG, json.dumps(config))
        archive.writestr(_WEIGHTS, weights)
    network = saving_lib._load_model_from_fileobj(clean, None, compile=False, safe_mode=True)
    return KerasNetwork(network, version, config)


def _members(path: Path) -> tuple[bytes, bytes, bytes]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if other := set(names) - {_CONFIG, _METADATA, _WEIGHTS}:
            raise InputError(
                f"{path.name} holds {sorted(other)[0][:80]!r}; a Keras file that is imported holds "
                f"{_CONFIG}, {_METADATA} and {_WEIGHTS} only."
            )
        if len(names) != 3 or len(set(names)) != 3:
            raise WeightsError(f"{path} is not a complete Keras file: it does not hold each part once.")
        sizes.require(path, sum(entry.file_size for entry in entries))
        if archive.getinfo(_CONFIG).file_size + archive.getinfo(_METADATA).file_size > MAX_CONFIG:
            raise WeightsError(f"{path} has a configuration of more than {MAX_CONFIG >> 20} MB.")
        return archive.read(_CONFIG), archive.read(_METADATA), archive.read(_WEIGHTS)


def _from_hdf5(path: Path) -> KerasNetwork:
    with h5py.File(io.BytesIO(path.read_bytes()), "r") as file:
        require_self_contained(path, file)
        text = file.attrs.get("model_config")
        if text is None:
            raise InputError(
                f"{path.name} holds weights and no network; save the whole network with model.save(path)."
            )
        config = keras_config.checked(path, _json(path, text), has_modules=False)
        version = _version(file.attrs.get("keras_version"))
        from keras.src.legacy.saving import legacy_h5_format

        network = legacy_h5_format.load_model_from_hdf5(file, compile=False, safe_mode=True)
    return KerasNetwork(network, version, config)


def _json(path: Path, text: Any) -> Any:
    try:
        if len(text) > MAX_CONFIG:
            raise ValueError("it is too long")
        return json.loads(text)
    except (ValueError, RecursionError, TypeError) as error:
        raise WeightsError(
            f"{path} is damaged: its configuration cannot be read ({reason(error)})."
        ) from error


def _version(text: Any) -> str:
    text = text.decode() if isinstance(text, bytes) else text
    return text[:20] if isinstance(text, str) and text.isprintable() else ""
