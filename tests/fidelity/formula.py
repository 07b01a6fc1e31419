"""Weights that everybody can compute: kernels from an integer hash of the index, biases from cosines.

As the README of the golden files defines them; those of networks were made with these weights.
"""

import numpy as np


def kernel(shape: tuple[int, ...], layer: int, fan_in: int) -> np.ndarray:
    """In Keras's order, float32, uniform in ± sqrt(6 / fan_in)."""
    h = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(2654435761)
    h ^= np.uint32(2246822507 * (layer + 1) & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    h *= np.uint32(3266489917)
    h ^= h >> np.uint32(16)
    return ((h / 2147483648 - 1) * np.sqrt(6 / fan_in)).astype(np.float32).reshape(shape)


def bias(n: int, layer: int) -> np.ndarray:
    return (0.1 * np.cos(np.arange(n) + layer)).astype(np.float32)


def batch_norm(n: int, j: int) -> list[np.ndarray]:
    """Gamma, beta, moving mean, moving variance; j = 0 is the one on the spectrogram."""
    if j == 0:
        return [np.array([value], np.float32) for value in (1.0, 0.1, -40.0, 400.0)]
    k = np.arange(n)
    values = (
        0.6 + 0.1 * np.sin(k + j),
        0.1 * np.cos(k + j),
        0.2 * np.sin(0.5 * k + j),
        0.6 + 0.5 * np.cos(0.3 * k + j),
    )
    return [value.astype(np.float32) for value in values]
