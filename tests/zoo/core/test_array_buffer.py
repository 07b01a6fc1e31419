"""A growing array is what concatenating its parts gives."""

import numpy as np

from zoo.core.array_buffer import ArrayBuffer


def test_rows_come_back_in_order_and_type():
    parts = [np.arange(6.0).reshape(2, 3), np.zeros((0, 3)), np.ones((1, 3))]
    growing = ArrayBuffer(np.float32, (3,))
    for part in parts:
        growing.add(part)
    np.testing.assert_array_equal(growing.array(), np.concatenate(parts))
    assert growing.array().dtype == np.float32


def test_nothing_added_is_an_empty_array():
    assert ArrayBuffer(np.float64, (2,)).array().shape == (0, 2)
