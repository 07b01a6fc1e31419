"""Calibration: scores that mean what they say."""

from __future__ import annotations

import numpy as np

from zoo.core.errors import InputError

LIMITS = (0.01, 100.0)


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Fit the temperature that divides logits so that their softmax is calibrated.

    It minimizes the negative log likelihood of a validation set: Guo et al. 2017, On Calibration of Modern
    Neural Networks, section 4.2, arXiv:1706.04599. The best class of no example changes.

    Parameters
    ----------
    logits : ndarray, shape (n, classes)
        What goes into the softmax; logarithms of its scores do as well.
    targets : ndarray of int, shape (n,)

    Returns
    -------
    float
        Between 0.01 and 100; above 1 where the network is too sure of itself. 1 where every example is right:
        the likelihood then grows without end as the temperature falls, so it says nothing.

    Raises
    ------
    InputError
        If there are no examples, the shapes do not fit, a logit is not a number, or a target is not a class.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([[0.9, 0.1]] * 10)     # nine tenths sure
    >>> targets = np.array([0] * 7 + [1] * 3)  # and right seven times in ten
    >>> round(temperature(logits, targets), 2)
    2.59
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logits, targets = _checked(logits, targets)
    own = logits[np.arange(len(targets)), targets]
    others = logits.copy()
    others[np.arange(len(targets)), targets] = -np.inf
    if (own > others.max(axis=1)).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        return float(np.mean(logsumexp(logits * inverse, axis=1) - own * inverse))

    optimum = minimize_scalar(loss, bounds=tuple(np.log(LIMITS)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(optimum.x))


def _checked(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logits, targets = np.asarray(logits, np.float64), np.asarray(targets)
    if logits.ndim != 2 or not logits.size or targets.shape != logits.shape[:1]:
        raise InputError(
            f"Logits of shape {logits.shape} and targets of shape {targets.shape} do not fit: "
            "(n, classes) and (n,) are expected."
        )
    if not np.isfinite(logits).all():
        raise InputError("There are logits that are not a number.")
    if targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= logits.shape[1]:
        raise InputError(f"The targets are not whole numbers from 0 to {logits.shape[1] - 1}.")
    return logits, targets
