"""From a folder, a manifest, a zip or the name of a data set to labeled examples."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from zoo.core.errors import InputError, UnknownNameError
from zoo.core.inputs import name_of
from zoo.core.progress import Progress
from zoo.core.spec import MODALITIES
from zoo.core.validation import choice
from zoo.hub import weights
from zoo.training.data import archives, batch_folders, folders, manifests
from zoo.training.data.build import examined
from zoo.training.data.dataset import Dataset
from zoo.training.data.file_list import of_classes
from zoo.training.data.splitting import compiled, groups_of


def dataset(
    source: str | os.PathLike[str],
    *,
    split: str | None = None,
    label: str | None = None,
    group: str | None = None,
    modality: str | None = None,
    classes: Sequence[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Labeled pictures or recordings.

    Every file is decoded (of sound the first block) and hashed. What cannot be read, is empty or has no
    label is left out, and so is what repeats an example: the later ones of a class, and all that are in two
    classes at once. `Dataset.problems` says which and why. A class with nothing in it is left out too.

    Parameters
    ----------
    source : str or path
        - a folder of class folders, or a zip of one, with all that is below a class folder;
        - a CSV or Parquet manifest, known by its suffix, with the columns ``file`` (relative to it),
          ``label`` and perhaps ``group`` and ``split``;
        - a folder of ``zoo batch``: the files that it is about, with the columns of the tables that were its
          sources; without a column ``label``, the class is the folder that a file is in;
        - ``torchvision:NAME``: MNIST, FashionMNIST, CIFAR10, CIFAR100, Imagenette, Flowers102, Caltech101;
        - ``hf:owner/name``, or ``hf:owner/name/configuration``: Parquet files of the Hugging Face hub; or
          ``hf:/folder``, the same in a folder;
        - ``sklearn:digits``: 1797 digits of 8 × 8 pixels.

        The last three kinds are taken as they are published, but for files from Hugging Face.
    split : str, optional
        Which part: a folder around the class folders (needed where there are such), a value of the
        manifest's column ``split`` (by default all rows count), or a split by its name (``"train"`` by
        default).
    label : str, optional
        Where the class is told. For a folder or zip: not by class folders but by the names of files, as in
        `zoo.training.data.splitting.groups_of`. For a manifest, a batch, or ``hf:``: the name of
        the column.
    group : str, optional
        What belongs together, told as the class is. `Dataset.split` never parts a group.
    modality : {"image", "audio"}, optional
        By default, what the first files of every class turn out to be.
    classes : sequence of str, optional
        The classes that count, in this order: those of a network, where examples are to evaluate it. One
        class is enough then, and classes without examples are kept. By default all, sorted, or in the order
        of the publisher.
    cache : path, optional
        Where zips are unpacked and data sets downloaded to; by default ``datasets`` in the zoo's cache.
    progress : callable, optional
        Called with the files done and the files in all; without one, a terminal shows a bar.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If the source cannot be read, holds no examples, examples of one class only, pictures beside
        sounds, or an option makes no sense.
    UnknownNameError
        If there is no data set of that name.
    WeightsError
        If the cache cannot be written.

    Examples
    --------
    >>> import zoo
    >>> train, test = zoo.dataset("sklearn:digits").split(0.1)
    >>> len(train), len(test)
    (1618, 179)
    """
    if not isinstance(source, (str, os.PathLike)) or not os.fspath(source):
        raise InputError(f"source={source!r} is neither a path nor the name of a data set.")
    cache_folder = weights.cache_folder() / "datasets" if cache is None else Path(os.path.expanduser(cache))
    scheme, _, name = os.fspath(source).partition(":")
    if scheme in ("torchvision", "sklearn"):
        if label is not None or group is not None:
            raise InputError(f"{source} says itself what its classes are; leave label= and group= out.")
        _require_picture(os.fspath(source), modality)
        return of_classes(_published(scheme, name, split, cache_folder), classes)
    options = {"modality": modality, "classes": classes, "progress": progress}
    if scheme == "hf":
        from zoo.training.data import hf_hub

        listing = hf_hub.listed(name, cache_folder, split=split, label=label, group=group)
        return examined(listing, **options)
    path = Path(os.path.expanduser(source))
    if path.suffix.lower() in manifests.SUFFIXES and not path.is_dir():
        listing = manifests.listed(path, split=split, label=label, group=group)
        return examined(listing, **options)
    if batch_folders.is_batch_folder(path):
        return examined(batch_folders.listed(path, split=split, label=label, group=group), **options)
    if group is not None:
        compiled("group", group)  # a wrong option is refused before the work
    listing = folders.listed(_folder(path, cache_folder), name_of(path), split=split, label=label)
    data = examined(listing, **options)
    if group is None:
        return data
    return replace(data, groups=groups_of(map(data.name_of, range(len(data))), group))


def _folder(path: Path, cache: Path) -> Path:
    """Return a folder, or the content of a zip as one."""
    if path.is_dir():
        return path
    if not path.exists():
        raise InputError(f"{path} is not a folder, manifest, zip, or data set.")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is neither a folder, a CSV or Parquet manifest, nor a complete zip.")
    return archives.unpacked(path, cache)


def _require_picture(source: str, modality: str | None) -> None:
    if modality is not None and choice("modality", modality, MODALITIES) != "image":
        raise InputError(f"modality={modality!r} does not fit {source}, which holds pictures.")


def _published(scheme: str, name: str, split: str | None, cache: Path) -> Dataset:
    from zoo.training.data import builtin

    if scheme == "torchvision":
        return builtin.torchvision_set(name, split, cache)
    if name != "digits":
        raise UnknownNameError(f"Unknown data set sklearn:{name}; choose sklearn:digits.")
    return builtin.digits(split)
