"""Names -> records. Reads the two catalogues once; imports nothing heavy."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from zoo import storing
from zoo.errors import CatalogError, UnknownNameError
from zoo.spec import MODALITIES, TASKS, Spec, parse

# Where names of other people's collections lead: modules with ``describe(name)`` and ``labels(name)``.
HUBS = {
    "hf": "zoo.hugging_face",
    "saved": "zoo.storing",
    "tfhub": "audio.tensorflow_hub",
    "timm": "vision.timm_models",
}
CATALOGS = {"picture": "vision", "sound": "audio"}


def parse_catalog(text: str, modality: str) -> tuple[dict[str, Spec], dict[str, str]]:
    """Read one catalogue.

    Each table is an arch; its ``tag`` sub-tables override the arch's fields, its ``default`` names the
    tag that the bare arch means. A table ``defaults`` has fields of every arch.

    Returns
    -------
    specs : dict
        ``arch.tag`` -> Spec.
    defaults : dict
        arch -> ``arch.tag``.

    Raises
    ------
    CatalogError
        If the text is no TOML or a record is invalid.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"The {modality} catalogue is not valid TOML: {error}.") from error
    specs, defaults, common = {}, {}, tables.pop("defaults", {})
    for arch, table in tables.items():
        shared = {key: value for key, value in table.items() if key not in ("tag", "default")}
        tags: Mapping[str, Any] = table.get("tag", {})
        if table.get("default") not in tags:
            raise CatalogError(
                f"The default tag of {arch} is {table.get('default')!r}, which it does not have."
            )
        defaults[arch] = f"{arch}.{table['default']}"
        for tag, own in tags.items():
            name = f"{arch}.{tag}"
            specs[name] = parse(name, {"modality": modality, **common, **shared, **own})
    return specs, defaults


@cache
def _catalog() -> tuple[Mapping[str, Spec], Mapping[str, str]]:
    specs, defaults = {}, {}
    for modality, package in CATALOGS.items():
        text = files(package).joinpath("catalog.toml").read_text(encoding="utf-8")
        more_specs, more_defaults = parse_catalog(text, modality)
        specs |= more_specs
        defaults |= more_defaults
    return MappingProxyType(specs), MappingProxyType(defaults)


def networks(
    modality: str | None = None, task: str | None = None, *, embedded: bool | None = None
) -> list[str]:
    """Names of the networks of the zoo, in catalogue order.

    Parameters
    ----------
    modality : {"picture", "sound"}, optional
    task : {"classify", "embed", "events", "pitch"}, optional
    embedded : bool, optional
        Only those whose weights the Python package index has, or only the others.

    Raises
    ------
    UnknownNameError
        If there is no such modality or task.

    Examples
    --------
    >>> import zoo
    >>> zoo.networks(task="events")
    ['yamnet.audioset']
    """
    for value, known in ((modality, MODALITIES), (task, TASKS)):
        if value is not None and value not in known:
            raise UnknownNameError(f"There is no {value!r}; choose one of {', '.join(known)}.")
    return [
        name
        for name, spec in _catalog()[0].items()
        if modality in (None, spec.modality)
        and (task is None or task in spec.tasks)
        and embedded in (None, spec.embedded)
    ]


def describe(name: str) -> Spec:
    """The record of a network.

    Parameters
    ----------
    name : str
        ``arch`` or ``arch.tag`` of the catalogues; the folder of a saved network; ``timm:name`` for any image
        classifier of timm; ``hf:owner/repository``, or ``hf:/folder``, for any of Hugging Face, and for any
        classifier or encoder of sound there; ``tfhub:google/yamnet/1``, ``tfhub:google/vggish/1``, or
        ``tfhub:/folder`` of a SavedModel of their kind, for the original graph, run by TensorFlow.

    Raises
    ------
    UnknownNameError
        If there is no such network; the message names the closest ones.

    Examples
    --------
    >>> import zoo
    >>> zoo.describe("yamnet").parameters
    3729481
    """
    if storing.is_saved(name):
        return storing.describe(name)
    hub, _, rest = str(name).strip().partition(":")
    if rest and hub in HUBS:
        return _from_hub(hub, rest)
    specs, defaults = _catalog()
    key = str(name).strip().lower()
    key = defaults.get(key, key)
    if key not in specs:
        close = get_close_matches(key, [*defaults, *specs], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "`zoo list` names them all."
        raise UnknownNameError(f"There is no network {name!r}; {hint}")
    return specs[key]


@lru_cache(maxsize=32)
def _from_hub(hub: str, name: str) -> Spec:
    return import_module(HUBS[hub]).describe(name)


def is_default(name: str) -> bool:
    """Whether `name` is the checkpoint that its bare arch means."""
    return name in _catalog()[1].values()
