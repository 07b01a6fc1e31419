"""The networks that the app offers to every session: the catalog's, and those that its owner allows.

The environment variable ``ZOO_APP_NETWORKS`` names the latter, separated by commas, for example
``timm:resnet18.a1_in1k,hf:owner/repository``. Pages get names and records from here and networks of their
session from `zoo.app.state`, so that no other name reaches `zoo.describe` or `zoo.load`.
"""

import logging
import os
import threading
from collections.abc import Mapping

from cachetools import TTLCache, cached

import zoo
from zoo.core.errors import UnknownNameError, ZooError
from zoo.core.spec import Spec
from zoo.hub import weights
from zoo.hub.saved import is_saved

VARIABLE = "ZOO_APP_NETWORKS"
RETRY = 600  # s, after which names that could not be described are tried again
_log = logging.getLogger("zoo")


def allowed() -> Mapping[str, Spec]:
    """Return the records of the networks that the owner allows beyond the catalog, by name."""
    return _described(os.environ.get(VARIABLE, ""))


@cached(TTLCache(maxsize=1, ttl=RETRY), condition=threading.Condition())
def _described(names: str) -> Mapping[str, Spec]:
    specs = {}
    for name in filter(None, map(str.strip, names.split(","))):
        try:
            specs[name] = zoo.describe(name, trust=True)  # the owner does
        except ZooError as error:
            _log.warning("%s names %s, which is not offered: %s", VARIABLE, name, error)
    catalog = set(zoo.networks())
    return {name: spec for name, spec in specs.items() if spec.name not in catalog}


def networks(
    modality: str | None = None, task: str | None = None, *, bundled: bool | None = None
) -> list[str]:
    """Return the names of the networks that are offered, as `zoo.networks` does for the catalog."""
    return zoo.networks(modality, task, bundled=bundled) + [
        name
        for name, spec in allowed().items()
        if modality in (None, spec.modality)
        and (task is None or task in spec.tasks)
        and bundled in (None, spec.bundled)
    ]


def records() -> dict[str, Spec]:
    """Return the records of all networks that are offered, by name."""
    return {name: zoo.describe(name) for name in zoo.networks()} | dict(allowed())


def spec_of(name: str) -> Spec:
    """Return the record of a network that is offered.

    Raises
    ------
    UnknownNameError
        If it is not offered; nothing is looked up then.
    """
    if name in allowed():
        return allowed()[name]
    if name in zoo.networks():
        return zoo.describe(name)
    raise UnknownNameError(f"The network {str(name)[:60]!r} is not offered here; choose one of those shown.")


def is_here(name: str) -> bool:
    """Return whether the weights of a network that is offered are on this machine."""
    return weights.path_of(spec_of(name)).is_file() or (name in allowed() and is_saved(name))
