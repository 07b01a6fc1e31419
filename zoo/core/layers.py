"""What is done to a module by the names of its layers: look at them, count, freeze."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from zoo.core.errors import UnknownNameError

INPUT = "input of "  # before a layer's name: what goes into it


class HeadPlaceholder(nn.Identity):
    """Where the head would be of a network that was trained for its embedding: `replace_head` puts one there.

    Parameters
    ----------
    in_features : int
        Width of the embedding.
    """

    def __init__(self, in_features: int):
        super().__init__()
        self.in_features = in_features


def layer_of(module: nn.Module, name: str) -> nn.Module:
    """Return a layer by its name, or by ``"input of <name>"``.

    Raises
    ------
    UnknownNameError
        If there is none; the message names the closest ones.
    """
    name = str(name).removeprefix(INPUT)
    layers = {path: layer for path, layer in module.named_modules() if path}
    if name not in layers:
        close = get_close_matches(name, layers, n=3, cutoff=0.3)
        hint = f"did you mean {' or '.join(close)}?" if close else "layers() names them all."
        raise UnknownNameError(f"Unknown layer {name!r}; {hint}")
    return layers[name]


@contextmanager
def record_layers(module: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, torch.Tensor]]:
    """Keep what some layers give out (or take in) while the module runs.

    A layer may change its output in place after the hook has seen it (ReLU does), so a copy is kept.
    """
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str, value: Any) -> None:
        if (tensor := _tensor(value)) is not None:
            outputs[name] = tensor.clone()

    hooks = []
    try:
        for name in map(str, layers):
            layer = layer_of(module, name)
            if name.startswith(INPUT):
                hook = layer.register_forward_pre_hook(lambda _m, inputs, *, name=name: keep(name, inputs))
            else:
                hook = layer.register_forward_hook(lambda _m, _i, out, *, name=name: keep(name, out))
            hooks.append(hook)
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def grad_from_layer(module: nn.Module, layer: str) -> Iterator[list[torch.Tensor]]:
    """Record a layer's output and compute gradients from that layer on, not before it.

    To be entered with gradients off. Behind the layer the module goes on with a copy, which it may change in
    place.
    """
    outputs: list[torch.Tensor] = []

    def depart(_layer: nn.Module, _inputs: Any, out: Any) -> Any:
        if (tensor := _tensor(out)) is None:
            return None
        outputs[:] = [tensor.detach().clone().requires_grad_()]
        torch.set_grad_enabled(True)
        copied = outputs[0].clone()
        if out is tensor:
            return copied
        if isinstance(out, (tuple, list)):
            return type(out)([copied, *out[1:]])
        out[next(iter(out))] = copied  # of a transformer
        return out

    hook = layer_of(module, layer).register_forward_hook(depart)
    try:
        yield outputs
    finally:
        hook.remove()


def measure(module: nn.Module, data: torch.Tensor) -> tuple[list[dict[str, Any]], int]:
    """One row a layer: name, kind, shape of its output for one input, parameters, multiply-adds; their sum.

    A layer that holds others counts them in. Multiply-adds are those of convolutions and matrix products,
    half of what `torch.utils.flop_counter` counts.
    """
    from torch.utils.flop_counter import FlopCounterMode  # imports Triton

    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, value: Any) -> None:
        if (tensor := _tensor(value)) is not None:
            shapes[name] = tuple(tensor.shape[1:])

    layers = {name: layer for name, layer in module.named_modules() if name}
    hooks = [
        layer.register_forward_hook(lambda _m, _i, out, *, name=name: note(name, out))
        for name, layer in layers.items()
    ]
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            module(data)
    finally:
        for hook in hooks:
            hook.remove()
    root = type(module).__name__
    flops = {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    rows = [
        {
            "name": name,
            "kind": type(layer).__name__,
            "shape": shapes.get(name),
            "parameters": sum(parameter.numel() for parameter in layer.parameters()),
            "multiply_adds": flops.get(f"{root}.{name}", 0) // 2 // len(data),
        }
        for name, layer in layers.items()
    ]
    return rows, counter.get_total_flops() // 2 // len(data)


def freeze(module: nn.Module, last: str) -> None:
    """Keep the layers up to and including `last` as they are while the rest is trained.

    Their parameters take no gradient, and they stay in eval mode, so that batch norm keeps its statistics
    and dropout stays off, in any mode of the module. Layers are counted as the module lists them.
    """
    last_layer = layer_of(module, last)
    inside = {id(layer) for layer in last_layer.modules()}
    reached = False
    for layer in module.modules():
        reached |= layer is last_layer
        if reached and id(layer) not in inside:
            return
        own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
        if own or not list(layer.children()):
            for tensor in own:
                tensor.requires_grad_(False)
            layer.register_forward_pre_hook(_stay_in_eval_mode)


def _stay_in_eval_mode(layer: nn.Module, _inputs: Any) -> None:
    layer.training = False  # of this layer, and not of those in it


def _tensor(value: Any) -> torch.Tensor | None:
    """Return the tensor that a layer gives out, which may come in a tuple or a transformer's output."""
    if isinstance(value, (tuple, list)) or hasattr(value, "to_tuple"):
        value = value[0]
    return value if isinstance(value, torch.Tensor) else None
