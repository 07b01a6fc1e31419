"""MobileNet-v2 of TensorFlow Lite, in the network that takes Keras's weights.

Sandler, Howard, Zhu, Zhmoginov and Chen: MobileNetV2: Inverted residuals and linear bottlenecks, CVPR 2018.
"""

import numpy as np

_EPSILON = 1e-3  # of the batch normalization of `zoo.vision.keras_models.mobilenetv2`
# Blocks in each of timm's stages; the first block does not expand.
_STAGES = (1, 2, 3, 4, 3, 3, 1)
_FIRST = (("conv_dw", "bn1"), ("conv_pw", "bn2"))
_BLOCK = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))


def _layers() -> list[tuple[str, str]]:
    """Convolutions and what normalizes after them, in the order of the graph, without the classifier."""
    layers = [("conv_stem", "bn1")]
    for stage, count in enumerate(_STAGES):
        for i in range(count):
            pairs = _BLOCK if stage else _FIRST
            layers += [(f"blocks.{stage}.{i}.{conv}", f"blocks.{stage}.{i}.{norm}") for conv, norm in pairs]
    return [*layers, ("conv_head", "bn2")]


def from_tflite(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name de-quantized kernels and biases, in the order of the graph, as timm's ``mobilenetv2_100`` does.

    Batch normalization is part of the kernels there, so that here only its bias does something. The first of
    1001 classes, the background, is left out.
    """
    kernels = [tensor for tensor in tensors.values() if tensor.ndim == 4]
    biases = [tensor for tensor in tensors.values() if tensor.ndim == 1 and tensor.dtype == np.float32]
    layers = _layers()
    if not len(kernels) == len(biases) == len(layers) + 1:
        raise ValueError(
            f"{len(kernels)} kernels and {len(biases)} biases, and the network has {len(layers) + 1}"
        )
    state = {}
    for (conv, norm), kernel, bias in zip(layers, kernels, biases, strict=False):
        depthwise = conv.endswith("conv_dw")  # (1, height, width, channels); others (out, height, width, in)
        state[f"{conv}.weight"] = kernel.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        state |= {
            f"{norm}.weight": np.ones_like(bias),
            f"{norm}.bias": bias,
            f"{norm}.running_mean": np.zeros_like(bias),
            f"{norm}.running_var": np.full_like(bias, 1 - _EPSILON),
            f"{norm}.num_batches_tracked": np.zeros((), np.int64),
        }
    state["classifier.weight"], state["classifier.bias"] = kernels[-1][1:, 0, 0], biases[-1][1:]
    return state
