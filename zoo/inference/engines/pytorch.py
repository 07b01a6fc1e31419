"""PyTorch: any device, any dtype, any layer."""

import threading
from collections.abc import Sequence

import torch
from torch import nn

from zoo.core.errors import InputError
from zoo.core.layers import grad_from_layer, record_layers
from zoo.inference.engines import DTYPES, Engine


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
        self.module = module.to(memory_format=self.memory_format)  # pyright: ignore[reportCallIssue]  (torch takes it)
        self._lock = threading.Lock()  # hooks and the device are shared by all users of this network

    def __call__(
        self, data: torch.Tensor, layers: Sequence[str] = ()
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        memory_format = self.memory_format if data.ndim == 4 else torch.contiguous_format
        autocast = torch.autocast(self.device.type, self.dtype, enabled=self.reduced)
        with self._lock, torch.inference_mode(), autocast, record_layers(self.module, layers) as recorded:
            outputs = self.module(data.to(self.device, memory_format=memory_format))
        return outputs.float(), recorded

    def gradient(
        self, data: torch.Tensor, layer: str, target: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """How one output changes with what a layer gives out.

        Nothing before the layer takes part in it, and no parameter gets a gradient.

        Parameters
        ----------
        data : Tensor of float32, shape (n, ...)
        layer : str
        target : int
            Which output.

        Returns
        -------
        outputs : Tensor, shape (n, classes)
        activation, gradient : Tensor of float32, shape (n, ...)
            Of the layer.

        Raises
        ------
        InputError
            If the output does not change smoothly with the layer.
        """
        memory_format = self.memory_format if data.ndim == 4 else torch.contiguous_format
        autocast = torch.autocast(self.device.type, self.dtype, enabled=self.reduced)
        with self._lock, torch.no_grad(), autocast, grad_from_layer(self.module, layer) as recorded:
            outputs = self.module(data.to(self.device, memory_format=memory_format)).float()
            if not recorded:
                raise InputError(f"The layer {layer} gives no tensor out.")
            smooth = outputs.requires_grad
            gradients = (
                torch.autograd.grad(outputs[:, target].sum(), recorded, allow_unused=True)
                if smooth
                else [None]
            )
            if gradients[0] is None:
                raise InputError(f"The outputs have no gradient with respect to {layer}.")
        return outputs.detach(), recorded[0].detach().float(), gradients[0].float()
