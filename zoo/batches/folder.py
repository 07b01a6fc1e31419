"""Read a batch folder: rows of files that are in the manifest, lazily."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from zoo.batches.manifest import Manifest, read_manifest
from zoo.batches.parts import part_files
from zoo.batches.provenance import part_records
from zoo.batches.settings import NetworkSettings, Settings, read_settings
from zoo.core.errors import InputError, UnknownNameError
from zoo.core.validation import choice
from zoo.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd


class BatchFolder:
    """The results of a batch; made by `zoo.open_batch`.

    Attributes
    ----------
    path : Path
    settings : Settings
        Task, options, networks.
    manifest : Manifest
        The files, with the columns of the user's tables.
    """

    def __init__(self, path: Path, settings: Settings, manifest: Manifest):
        self.path, self.settings, self.manifest = path, settings, manifest

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks."""
        return tuple(network.name for network in self.settings.networks)

    def __repr__(self) -> str:
        return f"<BatchFolder {self.path}: {self.settings.task}, {len(self.manifest)} files>"

    def dataset(self, network: str | None = None) -> ds.Dataset:
        """Open the rows of a network, failures included, without reading them.

        Parameters
        ----------
        network : str, optional
            May be left out where there is one.

        Returns
        -------
        pyarrow.dataset.Dataset
            Columns ``number``, ``path``, ``sha256``, ``error``, and those of the task. A filter leaves out
            rows of files that have changed or are gone.

        Raises
        ------
        UnknownNameError
            If the batch does not have the network.
        InputError
            If no part is finished.
        """
        parts = part_files(self.path / self._network(network).folder)
        if not parts:
            raise InputError(f"{self.path} has no finished parts; run the batch again.")
        found = ds.dataset(parts, format="parquet")
        if len(self.manifest) < self.manifest.next_number:
            found = found.filter(pc.field("number").isin(pa.array(self.manifest.numbers())))
        return found

    def table(self, network: str | None = None) -> pa.Table:
        """Return the rows of the files that could be used, sorted, with the columns of the user's tables."""
        rows = self.dataset(network).filter(pc.field("error").is_null()).to_table()
        rows = rows.drop_columns(["error"]).replace_schema_metadata(None)
        place = pc.index_in(rows["number"], self.manifest.table["number"].combine_chunks())
        own = self.manifest.table.drop_columns(["number", "path", "size", "modified"]).take(place)
        for name in own.column_names:
            rows = rows.append_column(name, own[name])
        return rows

    def to_pandas(self, network: str | None = None) -> pd.DataFrame:
        """Return `table` as a pandas data frame."""
        return self.table(network).to_pandas()

    def vectors(self, network: str | None = None) -> np.ndarray:
        """Return the vectors of the rows of `table`, shape (rows, d), float32.

        Raises
        ------
        InputError
            If the batch does not embed.
        """
        if self.settings.task != "embed":
            raise InputError(f"{self.path} holds results of {self.settings.task}, which have no vectors.")
        rows = self.dataset(network).filter(pc.field("error").is_null())
        column = rows.to_table(columns=["vector"])["vector"].combine_chunks()
        return column.flatten().to_numpy().reshape(-1, column.type.list_size)

    @property
    def failures(self) -> pa.Table:
        """Files that could not be used: ``number``, ``path``, ``network``, ``error``."""
        tables = []
        for network in self.settings.networks:
            if part_files(self.path / network.folder):
                rows = self.dataset(network.name).to_table(
                    columns=["number", "path", "error"], filter=pc.field("error").is_valid()
                )
                names = pa.array([network.name] * len(rows), pa.string())
                tables.append(rows.add_column(2, "network", names).replace_schema_metadata(None))
        columns = ("path", pa.string()), ("network", pa.string()), ("error", pa.string())
        empty = pa.schema([("number", pa.int64()), *columns]).empty_table()
        return pa.concat_tables([empty, *tables])

    def provenance(self, network: str | None = None) -> list[Provenance]:
        """Return what the parts of a network say made them, each record once: there is one for each run."""
        return part_records(self.path / self._network(network).folder)

    def _network(self, name: str | None) -> NetworkSettings:
        if name is None:
            if len(self.networks) > 1:
                raise InputError(
                    f"{self.path} has several networks; choose one of {', '.join(self.networks)}."
                )
            return self.settings.networks[0]
        choice("network", name, self.networks, error=UnknownNameError)
        return self.settings.networks[self.networks.index(name)]


def open_batch(folder: str | os.PathLike[str]) -> BatchFolder:
    """Open the folder of a batch, finished or not.

    Raises
    ------
    InputError
        If the folder is not one of `zoo batch`.
    """
    path = Path(folder)
    settings, manifest = read_settings(path), read_manifest(path)
    if settings is None or manifest is None:
        raise InputError(f"{path} is not a folder of `zoo batch`: it has no run.json or no manifest.")
    return BatchFolder(path, settings, manifest)


def failed_numbers(folder: Path, settings: Settings, manifest: Manifest) -> np.ndarray:
    """Return the numbers of the files that could not be used by some network, ascending."""
    return np.unique(BatchFolder(folder, settings, manifest).failures["number"].to_numpy())
