"""Where to cut a network: the layer up to which a fraction of it lies."""

from __future__ import annotations

from torch import nn

from zoo.inference.network import Network

_CONTAINERS = (nn.Sequential, nn.ModuleList)
_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_SMALL = 1 / 8  # of a network: a sequence that is no longer stays whole
_LEAST = 8  # units, or there would be nowhere to cut


def layer_at(net: Network, fraction: float) -> str:
    """Return the last layer before which at most `fraction` of the convolutions and full connections lie.

    Layers are counted in the order of the module. A block with a shortcut is not cut in two: only sequences
    are, and, where there are few of them, the largest blocks.

    Parameters
    ----------
    net : Network
    fraction : float
        From 0 to 1.

    Returns
    -------
    str
        As `Network.freeze` and `Network.embed` take it; the first layer where the fraction is too small.
    """
    ran = {row["name"] for row in net.summary().layers if row["shape"]}
    units = {
        name: _depth(unit) for name, unit in _units(net.module, net.spec.head_layer).items() if name in ran
    }
    budget, last, passed = fraction * sum(units.values()), next(iter(units)), 0
    for name, depth in units.items():
        passed += depth
        if passed > budget:
            break
        last = name
    return last


def _units(module: nn.Module, head: str) -> dict[str, nn.Module]:
    """Return the units of the network in order, each as small as possible."""
    units = {name: child for name, child in module.named_children() if name != head}
    while (name := _next_to_open(units)) is not None:
        opened = {f"{name}.{inner}": child for inner, child in units[name].named_children()}
        units = {
            key: unit
            for outer, whole in units.items()
            for key, unit in (opened.items() if outer == name else [(outer, whole)])
            if key != head
        }
    return units


def _next_to_open(units: dict[str, nn.Module]) -> str | None:
    """Return a long sequence, else, if there are few units, the largest that holds others."""
    depths = {name: _depth(unit) for name, unit in units.items()}
    for name, unit in units.items():
        if isinstance(unit, _CONTAINERS) and depths[name] > _SMALL * sum(depths.values()):
            return name
    holders = {name: depth for name, depth in depths.items() if depth and list(units[name].children())}
    if holders and sum(depth > 0 for depth in depths.values()) < _LEAST:
        return max(holders, key=holders.__getitem__)
    return None


def _depth(unit: nn.Module) -> int:
    """Convolutions and full connections."""
    return sum(isinstance(layer, _LAYERS) for layer in unit.modules())
