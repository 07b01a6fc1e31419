"""What a network takes at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True, eq=False)
class Batch:
    """What a network sees at once: preprocessed rows, and where each came from.

    Attributes
    ----------
    data : Tensor, shape (n, ...)
    inputs : ndarray of int, shape (n,)
        Position of the input that each row comes from.
    names : tuple of str, length n
        Name of that input.
    times : ndarray of float64, shape (n, 2), or None
        Start and end of each row in s, for sound.
    samples : ndarray of float32, or None
        The waveform that the rows were cut from, for sound.
    seconds : float
        How much of the input has been read so far, for sound.
    """

    data: torch.Tensor
    inputs: np.ndarray
    names: tuple[str, ...]
    times: np.ndarray | None = None
    samples: np.ndarray | None = None
    seconds: float = 0.0
