"""Whether a module still is what something was derived from."""

from torch import nn


class ModuleFingerprint:
    """Notices when a parameter, statistic or layer of a module is changed or exchanged for another."""

    def __init__(self, module: nn.Module):
        self._tensors = [
            (held, name, tensor, tensor._version)
            for layer in module.modules()
            for held in (layer._parameters, layer._buffers)
            for name, tensor in held.items()
            if tensor is not None
        ]
        self._layers = [
            (layer._modules, name, child)
            for layer in module.modules()
            for name, child in layer._modules.items()
        ]

    def holds(self) -> bool:
        return all(held.get(name) is t and t._version == v for held, name, t, v in self._tensors) and all(
            held.get(name) is child for held, name, child in self._layers
        )
