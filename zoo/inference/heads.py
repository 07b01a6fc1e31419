"""The layers that training puts in the place of a network's last one."""

from __future__ import annotations

from itertools import chain

import torch
from torch import nn

from zoo.core.errors import InputError
from zoo.core.layers import HeadPlaceholder
from zoo.core.spec import Head


class Distances(nn.Module):
    """Squared distances from vectors that were standardized to others that were, as heads start with.

    Parameters
    ----------
    in_features : int
    vectors : int
        How many there are.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    vectors: torch.Tensor

    def __init__(self, in_features: int, vectors: int):
        super().__init__()
        self.in_features = in_features
        self.register_buffer("mean", torch.zeros(in_features))
        self.register_buffer("scale", torch.ones(in_features))
        self.register_buffer("vectors", torch.zeros(vectors, in_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Vectors (n, in_features), or maps (n, in_features, height, width) -> (n, vectors)."""
        x = x.mean(dim=(2, 3)) if x.ndim == 4 else x
        x = (x - self.mean) / self.scale
        squares = x.square().sum(dim=1, keepdim=True) + self.vectors.square().sum(dim=1)
        return (squares - 2 * x @ self.vectors.T).clamp(min=0)


class RBFSVMHead(Distances):
    """A support vector machine with Gaussian kernels, one class against the others.

    Parameters
    ----------
    in_features, classes, vectors : int
    """

    gamma: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, in_features: int, classes: int, vectors: int):
        super().__init__(in_features, vectors)
        self.register_buffer("gamma", torch.ones(()))
        self.register_buffer("weight", torch.zeros(vectors, classes))
        self.register_buffer("bias", torch.zeros(classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes), or (n, classes, 1, 1) for maps."""
        logits = torch.exp(-self.gamma * super().forward(x)) @ self.weight + self.bias
        return _like(logits, x)


class KNNHead(Distances):
    """The classes of the nearest examples, with one more example of each class (Laplace's rule).

    Parameters
    ----------
    in_features, classes, vectors : int
    neighbors : int
        How many examples vote.
    """

    classes: torch.Tensor
    temperature: torch.Tensor

    def __init__(self, in_features: int, classes: int, vectors: int, neighbors: int):
        super().__init__(in_features, vectors)
        self.neighbors = neighbors
        self.register_buffer("classes", torch.zeros(vectors, classes))  # one-hot
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logarithms of shares (n, classes), or (n, classes, 1, 1) for maps."""
        nearest = super().forward(x).topk(self.neighbors, dim=1, largest=False).indices
        votes = self.classes[nearest].sum(dim=1) + 1
        return _like((votes / votes.sum(dim=1, keepdim=True)).log() / self.temperature, x)


KINDS = {"kernel": RBFSVMHead, "neighbors": KNNHead}


def replace_head(module: nn.Module, name: str, head: Head, *, after: str = "") -> None:
    """Put a fresh, untrained head in the place of the last layer.

    Parameters
    ----------
    module : Module
    name : str
        Of its last layer.
    head : Head
        Its kind, a layer of the same kind as the last one for ``"linear"``, and its sizes.
    after : str
        An activation behind the last layer, which belongs to it and goes with it.

    Raises
    ------
    InputError
        If the layer is unknown: an encoder ends with its vectors.
    """
    old = module.get_submodule(name)
    if not isinstance(old, nn.Linear | nn.Conv2d | HeadPlaceholder):
        raise InputError(
            "This network has no head that can be replaced: it is an encoder, or has a classic one."
        )
    width = old.in_channels if isinstance(old, nn.Conv2d) else old.in_features
    bias = getattr(old, "bias", True) is not None
    device = next(chain(module.parameters(), module.buffers())).device
    if head.kind != "linear":
        new: nn.Module = KINDS[head.kind](width, head.classes, **head.sizes).to(device)
    elif isinstance(old, nn.Conv2d):
        (rows, columns), (down, right) = old.kernel_size, old.stride
        new = nn.Conv2d(width, head.classes, (rows, columns), (down, right), bias=bias, device=device)
    else:
        new = nn.Linear(width, head.classes, bias=bias, device=device)
    module.set_submodule(name, new.train(old.training))
    if after:
        module.set_submodule(after, nn.Identity())


def _like(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return logits[:, :, None, None] if x.ndim == 4 else logits
