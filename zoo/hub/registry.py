"""Names -> records. Reads the two catalogs once; imports nothing heavy."""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import msgspec

from zoo.core import components
from zoo.core.errors import CatalogError, InputError, TrustError, UnknownNameError
from zoo.core.extras import optional_libraries
from zoo.core.spec import MODALITIES, TASKS, Parent, Spec, parse, validate
from zoo.core.validation import choice
from zoo.hub import saved

# Where names of other people's collections lead: modules with ``describe(name)`` and ``labels(name)``.
HUBS = {
    "hf": "zoo.hub.huggingface_records",
    "tfhub": "zoo.hub.tfhub",
    "timm": "zoo.hub.timm_hub",
}
CATALOGS = {"image": "vision", "audio": "audio"}


def parse_catalog(text: str, modality: str) -> tuple[dict[str, Spec], dict[str, str]]:
    """Read one catalog.

    Each table is an arch; its ``tag`` sub-tables override the arch's fields, its ``default`` names the
    tag that the bare arch means. A table ``defaults`` has fields of every arch. An empty table takes away
    what the arch says, for TOML has no null.

    Returns
    -------
    specs : dict
        ``arch.tag`` -> Spec.
    defaults : dict
        arch -> ``arch.tag``.

    Raises
    ------
    CatalogError
        If the text is not TOML, or a record is invalid.
    """
    try:
        tables = msgspec.convert(tomllib.loads(text), dict[str, dict[str, Any]])
        tagged = {
            arch: msgspec.convert(table.pop("tag", {}), dict[str, dict[str, Any]])
            for arch, table in tables.items()
        }
    except (ValueError, RecursionError) as error:  # of TOML, of a type, or of an endless number
        raise CatalogError(f"The {modality} catalog is not valid TOML: {error}.") from error
    specs, defaults, common = {}, {}, tables.pop("defaults", {})
    for arch, table in tables.items():
        tags, default = tagged[arch], table.pop("default", None)
        if not isinstance(default, str) or default not in tags:
            raise CatalogError(f"The default tag of {arch} is {default!r}, which it does not have.")
        defaults[arch] = f"{arch}.{default}"
        for tag, own in tags.items():
            name = f"{arch}.{tag}"
            fields = {"modality": modality, **common, **table, **own}
            empty = {key for key in ("accuracy", "published", "smoke_test") if fields.get(key) == {}}
            specs[name] = parse(name, {key: value for key, value in fields.items() if key not in empty})
    return specs, defaults


@cache
def _catalog() -> tuple[Mapping[str, Spec], Mapping[str, str]]:
    specs, defaults = {}, {}
    for modality, package in CATALOGS.items():
        text = files("zoo").joinpath(package, "catalog.toml").read_text(encoding="utf-8")
        more_specs, more_defaults = parse_catalog(text, modality)
        specs |= more_specs
        defaults |= more_defaults
    return MappingProxyType(specs), MappingProxyType(defaults)


def networks(
    modality: str | None = None, task: str | None = None, *, bundled: bool | None = None
) -> list[str]:
    """Names of the networks of the zoo, in catalog order.

    Parameters
    ----------
    modality : {"image", "audio"}, optional
    task : {"classify", "embed", "events", "pitch", "notes"}, optional
    bundled : bool, optional
        Only those whose weights the Python package index has, or only the others.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If the modality or task is unknown.

    Examples
    --------
    >>> import zoo
    >>> zoo.networks(task="events")
    ['yamnet.audioset', 'silero.v6']
    """
    for option, value, allowed in (("modality", modality, MODALITIES), ("task", task, TASKS)):
        if value is not None:
            choice(option, value, allowed)
    return [
        name
        for name, spec in _catalog()[0].items()
        if modality in (None, spec.modality)
        and (task is None or task in spec.tasks)
        and bundled in (None, spec.bundled)
    ]


def describe(name: str | os.PathLike[str], *, trust: bool = False) -> Spec:
    """Return the record of a network.

    Parameters
    ----------
    name : str or path
        ``arch`` or ``arch.tag`` of the catalogs; the path of a saved network, which as a string is absolute
        or has a separator (``./bees``); ``timm:name`` for any image classifier of timm;
        ``hf:owner/repository``, or ``hf:/folder``, for any of Hugging Face, and for any classifier or encoder
        of sound there; ``tfhub:google/yamnet/1``, ``tfhub:google/vggish/1``, or ``tfhub:/folder`` of a
        SavedModel of their kind, for the original graph, run by TensorFlow.
    trust : bool
        Whether you trust the author of a SavedModel that is not of the catalogs: it is a program. No other
        network needs it.

    Returns
    -------
    Spec

    Raises
    ------
    UnknownNameError
        If the network is unknown; the message names the closest ones.
    TrustError
        If it would run a program whose author you did not say you trust.
    WeightsError, CatalogError
        If the record of a saved network is damaged.
    InputError
        If `name` is neither text nor a path.

    Examples
    --------
    >>> import zoo
    >>> zoo.describe("yamnet").parameters
    3729481
    """
    if not isinstance(name, str | os.PathLike):
        raise InputError(f"A network is named by text or a path, not by {type(name).__name__}.")
    if is_path(name):
        if not saved.is_saved(name):
            raise UnknownNameError(f"{os.fspath(name)!r} is not the folder of a saved network.")
        record = saved.read(name)
        return saved.spec_of(name, record, describe_parent(record.parent, trust=trust))
    hub, _, rest = str(name).strip().partition(":")
    if rest and hub in HUBS:
        return _from_hub(hub, rest, trust)
    specs, defaults = _catalog()
    key = str(name).strip().lower()
    key = defaults.get(key, key)
    if key not in specs:
        close = get_close_matches(key, [*defaults, *specs], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "`zoo list` names them all."
        if saved.is_saved(name):
            hint = f"for the folder, write {as_path(name)}."
        raise UnknownNameError(f"Unknown network {name!r}; {hint}")
    return specs[key]


def describe_parent(parent: Parent, *, trust: bool = False) -> Spec:
    """Describe the parent of a saved network: a network of the catalogs or hubs, or of a family.

    Raises
    ------
    CatalogError
        If it is a saved network, or the family does not take the arguments; else as `describe`.
    TrustError
        If it is a folder of this machine: only somebody who is trusted may say what is read here.
    """
    if parent.name in components.FAMILIES:
        return components.find(components.FAMILIES, parent.name)(parent.arguments)
    if is_path(parent.name) or parent.arguments:
        raise CatalogError(f"{parent.name!r} is not a network that a saved one can be made from.")
    hub, _, place = parent.name.partition(":")
    if hub in HUBS and not trust and (is_outside_hub(place) or os.path.isdir(place)):
        raise TrustError(
            f"This network was made from the folder {place} of this machine: pass trust=True (--trust) if "
            "you trust who saved it."
        )
    return describe(parent.name, trust=trust)


def is_outside_hub(place: str) -> bool:
    """Whether what stands behind ``hf:`` or ``tfhub:`` is written as a path of this machine."""
    return place.startswith((".", "~")) or os.path.isabs(place)


def is_path(name: str | os.PathLike[str]) -> bool:
    """Whether a name means a folder: a path object, or a string that is absolute or has a separator."""
    if isinstance(name, os.PathLike):
        return True
    hub, colon, _ = str(name).strip().partition(":")
    if colon and hub in HUBS:
        return False
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    return any(separator in str(name) for separator in separators)


def as_path(folder: str | os.PathLike[str]) -> str:
    """How to write a folder so that `describe` takes it for one: with a separator."""
    return os.fspath(folder) if os.path.dirname(folder) else os.path.join(os.curdir, folder)


@lru_cache(maxsize=32)
def _from_hub(hub: str, name: str, trust: bool) -> Spec:
    options = {"trust": trust} if hub == "tfhub" else {}
    with optional_libraries():
        module = import_module(HUBS[hub])
    return validate(module.describe(name, **options))


def is_default(name: str) -> bool:
    """Whether `name` is the checkpoint that its bare arch means."""
    return name in _catalog()[1].values()
