"""Variables of TensorFlow's checkpoints; runs in the process of `zoo.formats.checkpoint` only."""

from math import prod

import numpy as np
import tensorflow as tf

from zoo.formats import sizes


def read(path: str) -> dict[str, np.ndarray]:
    """Every floating-point variable, see `zoo.formats.checkpoint.read`."""
    checkpoint = tf.train.load_checkpoint(path)
    shapes = checkpoint.get_variable_to_shape_map()
    kinds = {
        name: kind
        for name, kind in checkpoint.get_variable_to_dtype_map().items()
        if name in shapes and kind.is_floating
    }
    sizes.require(path, sum(prod(shapes[name]) * kind.size for name, kind in kinds.items()))
    return {name: checkpoint.get_tensor(name) for name in kinds}
