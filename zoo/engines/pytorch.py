"""PyTorch: any device, any dtype, any layer."""

import threading
from collections.abc import Sequence

import torch
from torch import nn

from zoo.engines import DTYPES, Engine
from zoo.modules import watching


class PyTorch(Engine):
    """Runs the module itself; on a GPU, or in reduced precision, with channels last.

    Parameters
    ----------
    module : torch.nn.Module
        In eval mode and on its device.
    device : torch.device
    dtype : str
        Key of `DTYPES`; ``"bf16"`` and ``"fp16"`` by autocast: weights and outputs stay in float32.
    """

    name = "torch"

    def __init__(self, module: nn.Module, device: torch.device, dtype: str = "fp32"):
        self.device, self.dtype = device, DTYPES[dtype]
        self.reduced = dtype != "fp32"
        last = self.reduced or device.type == "cuda"
        self.memory_format = torch.channels_last if last else torch.contiguous_format
        self.module = module.to(memory_format=self.memory_format)
        self._lock = threading.Lock()  # hooks and the device are shared by all who hold this network

    def __call__(
        self, data: torch.Tensor, layers: Sequence[str] = ()
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        memory_format = self.memory_format if data.ndim == 4 else torch.contiguous_format
        autocast = torch.autocast(self.device.type, self.dtype, enabled=self.reduced)
        with self._lock, torch.inference_mode(), autocast, watching(self.module, layers) as kept:
            outputs = self.module(data.to(self.device, memory_format=memory_format))
        return outputs.float(), kept
