"""Build modules whose tensors come from a file, without drawing random numbers for them first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn import init
from torch.overrides import TorchFunctionMode

_RANDOM = {
    *(init.uniform_, init.normal_, init.kaiming_uniform_, init.kaiming_normal_),
    *(torch.Tensor.uniform_, torch.Tensor.normal_),
}


class _SkipRandom(TorchFunctionMode):
    """Leave tensors as they are where a function would fill them with random numbers."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _RANDOM:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextlib.contextmanager
def skip_initialization() -> Iterator[None]:
    """Build modules without random weights, and leave the global random state as it is.

    Most of the time of building VGG-19 goes into random numbers that its file then replaces.
    """
    with torch.random.fork_rng(devices=[]), _SkipRandom():  # timm's transformers also call torch.randn
        yield
