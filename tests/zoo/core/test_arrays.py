"""Arrays and tensors of several libraries, and what is neither."""

import ml_dtypes
import numpy as np
import pytest
import torch

from zoo.core.arrays import as_array
from zoo.core.errors import InputError

VALUES = [0.0, 0.25, 1.0]


@pytest.mark.parametrize(
    "x",
    [
        torch.tensor(VALUES, dtype=torch.bfloat16),
        torch.tensor(VALUES, dtype=torch.float16, requires_grad=True),
        torch.tensor(VALUES).to(torch.float8_e4m3fn),
        np.array(VALUES, ml_dtypes.bfloat16),
        np.array(VALUES, np.float16),
    ],
    ids=[
        "bfloat16",
        "float16 with a gradient",
        "float8",
        "bfloat16 of JAX and TensorFlow",
        "NumPy's float16",
    ],
)
def test_short_floats_become_float32(x):
    array = as_array(x, "an image")
    assert array.dtype == np.float32
    assert array.tolist() == VALUES


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_other_types_stay(dtype):
    array = np.ones(3, dtype)
    assert as_array(array, "an image") is array
    assert as_array(torch.from_numpy(array), "an image").dtype == dtype


@pytest.mark.parametrize(
    "x",
    [None, 3, float("nan"), object(), torch.tensor(1.0), torch.zeros(2, device="meta"), [[1], [1, 2]]],
    ids=["None", "int", "NaN", "object", "scalar tensor", "no data", "ragged"],
)
def test_what_is_no_array_is_refused(x):
    with pytest.raises(InputError, match=rf"type {type(x).__name__} .* an image\.$"):
        as_array(x, "an image")
