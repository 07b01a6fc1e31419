"""The files that a folder of `zoo batch` is about, as labeled examples."""

from __future__ import annotations

from pathlib import Path

from zoo.core.extras import require
from zoo.core.inputs import name_of
from zoo.training.data import manifests
from zoo.training.data.file_list import Listing

FILES = ("run.json", "manifest.parquet")  # by which such a folder is known; the latter is its table of files


def is_batch_folder(folder: Path) -> bool:
    """Tell whether a folder is one of `zoo batch`."""
    return all((folder / name).is_file() for name in FILES)


def listed(
    folder: Path, *, split: str | None = None, label: str | None = None, group: str | None = None
) -> Listing:
    """List the files of a batch, with the labels that the columns of the user's table tell.

    Parameters
    ----------
    folder : Path
        Of a batch; paths in it that are relative are so to the current folder.
    split, label, group
        As of `zoo.training.data.manifests.listed`. If the batch has no column ``label`` and nothing else is
        asked for, the class of a file is the name of the folder that it is in.

    Raises
    ------
    InputError
        If the table cannot be read, a column is missing, or a file is.
    MissingLibraryError
        If pyarrow is not installed.
    """
    require("pyarrow")
    import pyarrow.parquet as pq

    from zoo.training.data.columns import reading, rows

    manifest = folder / FILES[1]
    with reading(str(manifest)):
        columns = pq.read_schema(manifest).names
    if (split, label, group) != (None, None, None) or "label" in columns:
        return manifests.listed(manifest, split=split, label=label, group=group, file="path", base=Path())
    files = [Path(path) for (path,) in rows(manifest, ["path"], str(manifest))]
    labels = [name_of(file.absolute().parent.name) for file in files]
    return Listing(name=name_of(folder), files=files, labels=labels, classes=tuple(sorted(set(labels))))
