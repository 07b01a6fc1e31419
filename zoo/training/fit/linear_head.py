"""Setting the last layer of a network, of any kind."""

from __future__ import annotations

import numpy as np
import torch

from zoo.inference.network import Network
from zoo.training.evaluation.calibration import temperature

LEAST_SPREAD = 0.01  # of a feature, as a share of the root mean square of all


def feature_scale(deviations: np.ndarray) -> np.ndarray:
    """Return the divisors of features: their standard deviations, but none much smaller than the others.

    A unit that was silent but for one example would otherwise decide alone, once it speaks.

    Parameters
    ----------
    deviations : ndarray, shape (d,)
    """
    least = LEAST_SPREAD * np.sqrt(np.mean(deviations**2))
    return np.maximum(deviations, least) if least else np.ones_like(deviations)


def set_head(net: Network, weight: np.ndarray, bias: np.ndarray) -> None:
    """Give a linear head its numbers.

    Parameters
    ----------
    net : Network
        Whose head was replaced; it is changed.
    weight : ndarray, shape (classes, d)
    bias : ndarray, shape (classes,)
    """
    head = net.module.get_submodule(net.spec.head_layer)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight).view_as(head.weight))
        if head.bias is not None:
            head.bias.copy_(torch.from_numpy(bias))


def apply_temperature(net: Network, logits: np.ndarray, targets: np.ndarray) -> float:
    """Divide the logits of a head by the temperature that fits examples it was not trained on.

    Parameters
    ----------
    net : Network
        It is changed.
    logits : ndarray, shape (n, classes)
    targets : ndarray of int, shape (n,)

    Returns
    -------
    float
        The temperature, see `zoo.training.evaluation.calibration`.
    """
    softness = temperature(logits, targets)
    head = net.module.get_submodule(net.spec.head_layer)
    with torch.no_grad():
        head.weight /= softness
        if head.bias is not None:
            head.bias /= softness
    return softness
