"""What the configuration of a Keras network may name: layers, operations and their parts, in closed tables.

A configuration says by name which classes are made, from which modules, and with which arguments. Keras
itself imports what it is told to; so everything is compared with these tables before Keras gets it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.core.errors import InputError, WeightsError

MAX_DEPTH = 100
MAX_ENTRIES = 5_000_000


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LAYERS = _names(
    """
    Activation Add Average AveragePooling1D AveragePooling2D BatchNormalization CenterCrop Concatenate Conv1D
    Conv2D Conv2DTranspose Cropping1D Cropping2D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU
    EinsumDense Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalMaxPooling1D GlobalMaxPooling2D GroupNormalization InputLayer LayerNormalization LeakyReLU
    MaxPooling1D MaxPooling2D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU Permute
    RandomBrightness RandomContrast RandomFlip RandomRotation RandomTranslation RandomZoom ReLU RepeatVector
    Rescaling Reshape Resizing SeparableConv1D SeparableConv2D Softmax SpatialDropout1D SpatialDropout2D
    Subtract UnitNormalization UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D
    """
)
_INITIALIZERS = _names(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
    RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """
)
_REGULARIZERS = frozenset(["L1", "L1L2", "L2", "OrthogonalRegularizer"])
_CONSTRAINTS = frozenset(["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"])
_FUNCTIONS = _names(
    """
    celu elu exponential gelu glu hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu softmax softplus softsign swish tanh
    """
)
_OPERATIONS = _names(
    """
    Absolute Add Clip Concatenate Divide Exp ExpandDims GetItem Log Max Maximum Mean Min Minimum Multiply
    Negative Power Reshape Sqrt Square Squeeze Subtract Sum Tanh Transpose TrueDivide
    """
)
_NETWORKS = frozenset(["Functional", "Sequential"])
CLASSES: dict[str, frozenset[str]] = {
    "keras": _NETWORKS | {"DTypePolicy", "Model"},
    "keras.models": _NETWORKS | {"Model"},
    "keras.src.models.functional": frozenset(["Functional"]),
    "keras.src.models.sequential": frozenset(["Sequential"]),
    "keras.src.applications.convnext": frozenset(["LayerScale"]),
    "keras.layers": _LAYERS,
    "keras.initializers": _INITIALIZERS,
    "keras.regularizers": _REGULARIZERS,
    "keras.constraints": _CONSTRAINTS,
    "keras.dtype_policies": frozenset(["DTypePolicy"]),
    "keras.src.activations.activations": frozenset(["ReLU", "Softmax", "Sigmoid"]),
    "keras.src.ops.numpy": _OPERATIONS,
    "keras.src.ops.nn": frozenset(
        ["Elu", "Gelu", "HardSigmoid", "HardSilu", "Relu", "Relu6", "Sigmoid", "Silu", "Softmax"]
    ),
}
# Of files before Keras 3, which name no modules.
_ANY = _NETWORKS | _LAYERS | _INITIALIZERS | _REGULARIZERS | _CONSTRAINTS | {"DTypePolicy", "Model"}
_VALUES = frozenset(["__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tuple__"])


def checked(path: Path, config: Any, *, has_modules: bool) -> dict[str, Any]:
    """Compare the configuration of a network with the tables, and return it without what training needs.

    Parameters
    ----------
    path : Path
        Of the file, for errors.
    config : object
        From JSON.
    has_modules : bool
        Whether all classes name their modules, as in `.keras` files.

    Raises
    ------
    InputError
        If it names a class or function that is not in the tables.
    WeightsError
        If it is not a configuration.
    """
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise WeightsError(
            f"{path} is not a complete Keras file: its configuration is not that of a network."
        )
    config = {key: value for key, value in config.items() if key not in ("compile_config", "optimizer")}
    if config.get("class_name") not in (*_NETWORKS, "Model"):
        raise InputError(
            f"{path.name} is a network of the class {_shown(config.get('class_name'))}, whose code is not "
            "in the file; networks of the classes Functional and Sequential are imported."
        )
    _check(path, config, has_modules)
    return config


def _check(path: Path, config: Any, has_modules: bool) -> None:
    entries = [(config, 0)]
    count = 0
    while entries:
        value, depth = entries.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_ENTRIES:
            raise WeightsError(f"{path} is damaged: its configuration is too deep or too long.")
        if isinstance(value, dict):
            if "class_name" in value or "registered_name" in value:
                _require_known(path, value, has_modules)
            entries += [(one, depth + 1) for one in value.values()]
        elif isinstance(value, list):
            entries += [(one, depth + 1) for one in value]


def _require_known(path: Path, entry: dict[str, Any], has_modules: bool) -> None:
    name, module, registered = (entry.get(key) for key in ("class_name", "module", "registered_name"))
    if name == "function":
        known = entry.get("config") in _FUNCTIONS and module in ("builtins", "keras.activations")
        name = entry.get("config")
    elif isinstance(name, str) and name in _VALUES:
        known = module is None and registered is None
    elif module is None:
        known = not has_modules and isinstance(name, str) and name in _ANY
    else:
        known = isinstance(name, str) and isinstance(module, str) and name in CLASSES.get(module, ())
    if not known or registered not in (None, name, "function"):
        raise InputError(
            f"{path.name} has {_shown(name)}"
            f"{f' of {_shown(module)}' if module else ''}, which is not imported: only layers of Keras "
            "itself are, and nothing that holds or names code."
        )


def _shown(text: Any) -> str:
    return repr(text)[:100]
