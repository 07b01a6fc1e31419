"""Data sets on the Hugging Face hub: which of their Parquet files are wanted, and where they are here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zoo.core.environment import offline
from zoo.core.errors import InputError, reason
from zoo.training.data.file_list import Listing
from zoo.training.data.hf_parquet import listed as listed_parquet
from zoo.training.data.hf_parquet import shards

# The hub keeps what is published in other formats as Parquet in a branch of its own.
_REVISIONS = ("main", "refs/convert/parquet")


def listed(
    name: str, cache: Path, *, split: str | None = None, label: str | None = None, group: str | None = None
) -> Listing:
    """List the examples of a data set of Hugging Face.

    Parameters
    ----------
    name : str
        ``owner/name`` or ``owner/name/configuration``, or a folder of Parquet files, which begins with
        ``/``, ``.`` or ``~``.
    cache : Path
        Where the examples are taken out to.
    split : str, optional
        ``"train"`` by default.
    label, group : str, optional
        Columns, see `zoo.training.data.hf_parquet.listed`.

    Raises
    ------
    InputError
        If it cannot be obtained or read, or the split is unknown.
    WeightsError
        If the cache cannot be written.
    """
    if name.startswith(("/", ".", "~")):
        folder = Path(os.path.expanduser(name))
        if not folder.is_dir():
            raise InputError(f"The folder {folder} does not exist.")
        files = [folder / path for path in shards(_parquet_in(folder), str(folder), None, split)]
    else:
        files = _from_hub(name, split)
    return listed_parquet(files, f"hf:{name}", cache, label=label, group=group)


def _parquet_in(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")]


def _from_hub(name: str, split: str | None) -> list[Path]:
    """Download the files of a split with huggingface_hub: its own cache, token and endpoint hold."""
    owner, _, rest = name.partition("/")
    repository, _, config = rest.partition("/")
    if not owner or not repository:
        raise InputError(f"hf:{name} should be hf:owner/name or hf:owner/name/configuration.")
    find = _on_disk if offline() else _on_hub
    return find(f"{owner}/{repository}", f"hf:{name}", config or None, split)


def _on_disk(repository: str, name: str, config: str | None, split: str | None) -> list[Path]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    for revision in _REVISIONS:
        options: dict[str, Any] = {"repo_type": "dataset", "revision": revision, "local_files_only": True}
        try:
            folder = Path(snapshot_download(repository, **options))
        except IncompleteSnapshotError as error:  # other splits were never wanted
            folder = Path(error.snapshot_path)
        except LocalEntryNotFoundError:
            continue
        if paths := _parquet_in(folder):
            return [folder / path for path in shards(paths, name, config, split)]
    raise InputError(f"{name} is not cached, and downloads are disabled (ZOO_OFFLINE=1).")


def _on_hub(repository: str, name: str, config: str | None, split: str | None) -> list[Path]:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.utils import httpx

    try:
        paths, revision = [], None
        for revision in _REVISIONS:
            paths = HfApi().list_repo_files(repository, repo_type="dataset", revision=revision)
            if any(path.endswith(".parquet") for path in paths):
                break
        return [
            Path(hf_hub_download(repository, path, repo_type="dataset", revision=revision))
            for path in shards(paths, name, config, split)
        ]
    except (httpx.HTTPError, OSError) as error:
        raise InputError(f"{name} cannot be fetched: {reason(error)}.") from error
