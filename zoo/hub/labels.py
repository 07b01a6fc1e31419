"""The labels that a record names, wherever they are."""

from importlib import import_module

from zoo.core import labels
from zoo.core.extras import optional_libraries
from zoo.core.labels import Label
from zoo.hub import saved
from zoo.hub.registry import HUBS


def read(resource: str) -> tuple[Label, ...]:
    """Read labels in the order of the network's outputs.

    Parameters
    ----------
    resource : str
        ``saved:folder`` of a saved network, ``hub:name`` of a network of a hub, or a file of the package, see
        `zoo.core.labels.read`.
    """
    hub, _, name = resource.partition(":")
    if hub == "saved":
        return saved.labels(name)
    if name:
        with optional_libraries():
            return import_module(HUBS[hub]).labels(name)
    return labels.read(resource)
