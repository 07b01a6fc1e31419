"""Read a batch folder: rows of files that are in the manifest, lazily."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from zoo.batches.events import merged_events
from zoo.batches.index import VectorIndex
from zoo.batches.manifest import Manifest, read_manifest
from zoo.batches.parts import part_files, part_path, written_shards
from zoo.batches.provenance import part_records
from zoo.batches.query import Query, embedded_query, file_number, stored_query, vector_query
from zoo.batches.rows import vectors_of
from zoo.batches.search import candidates, matches_of, nearest_files
from zoo.batches.settings import NetworkSettings, Settings, read_settings
from zoo.core.errors import InputError, UnknownNameError, ZooError, reason
from zoo.core.progress import Progress
from zoo.core.validation import choice, count, number
from zoo.results.embedding_files import part_width
from zoo.results.matches import Matches
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
        rows = self._opened(part_files(self.path / self.network_settings(network).folder))
        if len(self.manifest) < self.manifest.next_number:
            rows = rows.filter(pc.field("number").isin(pa.array(self.manifest.numbers)))
        return rows

    def rows_of(self, numbers: np.ndarray, network: str | None = None) -> ds.FileSystemDataset:
        """Open the rows of some files of the manifest, as `dataset` does, and no other parts.

        Parameters
        ----------
        numbers : ndarray of int, shape (n,)
        network : str, optional
            May be left out where there is one.

        Raises
        ------
        UnknownNameError, InputError
            As of `dataset`.
        """
        folder = self.path / self.network_settings(network).folder
        written = sorted(written_shards(folder))
        shards = np.intersect1d(written, numbers // self.settings.shard_files).tolist() or written[:1]
        rows = self._opened([part_path(folder, shard) for shard in shards])
        return rows.filter(pc.field("number").isin(pa.array(numbers, pa.int64())))

    def _opened(self, parts: list[Path]) -> ds.FileSystemDataset:
        if not parts:
            raise InputError(f"{self.path} has no finished parts; run the batch again.")
        with self._reading():
            return ds.dataset(parts, format="parquet")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say which folder has parts that are damaged, or not those of a batch."""
        try:
            yield
        except ZooError:
            raise
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise InputError(f"The parts of {self.path} cannot be read: {reason(error)}.") from error

    def table(self, network: str | None = None) -> pa.Table:
        """Return the rows of the files that could be used, sorted, with the columns of the user's tables.

        Raises
        ------
        InputError
            If no part is finished, or a part cannot be read.
        """
        rows = self.dataset(network)
        with self._reading():
            return self._described(rows.filter(pc.field("error").is_null()).to_table())

    def batches(self, network: str | None = None, *, size: int = 4096) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `table`, at most `size` at a time; only some are in memory."""
        rows = self.dataset(network).filter(pc.field("error").is_null())
        count("size", size)
        with self._reading():
            batches = iter(rows.to_batches(batch_size=size, batch_readahead=2, fragment_readahead=2))
        while True:
            with self._reading():
                batch = next(batches, None)
                if batch is None:
                    return
                described = self._described(pa.Table.from_batches([batch])).combine_chunks()
            yield from described.to_batches()

    def _described(self, rows: pa.Table) -> pa.Table:
        """Return rows without errors and metadata, and with the columns of the user's tables."""
        rows = rows.drop_columns(["error"]).replace_schema_metadata(None)
        place = pa.array(self.manifest.rows(rows["number"].to_numpy()))
        for name, column in self._user_columns.items():
            rows = rows.append_column(name, column.take(place))
        return rows

    @cached_property
    def _user_columns(self) -> dict[str, pa.Array]:
        """Columns of the user's tables, each in one piece: of many, `take` would join them for each batch."""
        table = self.manifest.table.drop_columns(["number", "path", "size", "modified"])
        return {name: table[name].combine_chunks() for name in table.column_names}

    def to_pandas(self, network: str | None = None) -> pd.DataFrame:
        """Return `table` as a pandas data frame."""
        return self.table(network).to_pandas()

    def vectors(self, network: str | None = None) -> np.ndarray:
        """Return the vectors of the rows of `table`, shape (rows, d), float32.

        Raises
        ------
        InputError
            If the batch does not embed, or a part cannot be read.
        """
        self._require("embed", "vectors")
        rows = self.dataset(network).filter(pc.field("error").is_null())
        with self._reading():
            return vectors_of(rows.to_table(columns=["vector"])["vector"].combine_chunks())

    def events(
        self, network: str | None = None, *, separation: float | None = None, min_duration: float = 0.0
    ) -> pa.Table:
        """Return the sound events of all recordings, one row each, with the columns of the user's tables.

        Parameters
        ----------
        network : str, optional
            May be left out where there is one.
        separation : float, optional
            In s: join events of one class that lie no more than this apart, as `zoo.sound_events` does; by
            default as the batch did.
        min_duration : float
            In s: drop shorter events; those that the batch dropped stay away.

        Returns
        -------
        pyarrow.Table
            Columns ``number``, ``path``, ``sha256``, ``start``, ``end`` (s), ``label``, ``index``, ``id``,
            ``score``, and those of the user's tables; by file, then by start.

        Raises
        ------
        InputError
            If the batch is of another task, or joined events that lie further apart.
        """
        self._require("events", "sound events")
        joined = number("separation", self.settings.options["separation"], 0)
        if separation is not None and number("separation", separation, 0) < joined:
            raise InputError(
                f"The events of {self.path} are joined over {joined:g} s; separation is at least that."
            )
        return merged_events(self.table(network), separation, number("min_duration", min_duration, 0))

    def search(
        self,
        query: Any,
        top: int = 10,
        *,
        network: str | None = None,
        exact: bool = False,
        rebuild: bool = False,
        device: str = "auto",
        trust: bool = False,
        progress: Progress | None = None,
    ) -> Matches:
        """Find the files whose vectors are nearest to those of an example, by cosine similarity.

        The first search builds an index beside the parts, and later ones add new parts to it. The index
        finds candidates, which are compared exactly.

        Parameters
        ----------
        query : path, image, sound, or ndarray of shape (d,)
            A file of the batch, which does not find itself; any other input, which is embedded with the
            network and the options of the batch; or a vector. Of a recording the mean of its windows counts.
        top : int
            Files, or all where there are fewer.
        network : str, optional
            May be left out where there is one.
        exact : bool
            Compare with all vectors, without an index.
        rebuild : bool
            Build the index anew, and open no index that is there, as that of a stranger's folder.
        device, trust
            As of `zoo.load`, for inputs that are embedded.
        progress : callable, optional
            Called with the parts that are indexed, and all that are to be.

        Returns
        -------
        Matches

        Raises
        ------
        InputError
            If the batch does not embed, the example cannot be used, the network does not make the vectors of
            the batch, or the index cannot be used or written.
        MissingLibraryError
            If usearch is not installed; see `exact`.
        """
        self._require("embed", "vectors")
        count("top", top)
        chosen = self.network_settings(network)
        with self._reading():
            rows = self.dataset(network)
            example = self.query(query, chosen.name, device=device, trust=trust)
            if exact:
                rows = rows if example.number is None else rows.filter(pc.field("number") != example.number)
            else:
                index = VectorIndex(self.path / chosen.folder, progress, rebuild=rebuild)
                numbers = self.manifest.numbers
                others = numbers[numbers != example.number]
                rows = self.rows_of(candidates(index, example.vector, top, others), network)
            nearest = nearest_files(rows, example.vector, top)
        return matches_of(nearest, chosen.name, example.name)

    @property
    def failures(self) -> pa.Table:
        """Files that could not be used: ``number``, ``path``, ``network``, ``error``."""
        tables = []
        for network in self.settings.networks:
            if part_files(self.path / network.folder):
                with self._reading():
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
        return part_records(self.path / self.network_settings(network).folder)

    def query(
        self, x: Any, network: str | None = None, *, device: str = "auto", trust: bool = False
    ) -> Query:
        """Return the vector of an example, see `search`."""
        chosen = self.network_settings(network)
        if isinstance(x, np.ndarray) and x.ndim == 1:
            return vector_query(x, part_width(self.dataset(chosen.name).schema))
        if (file := file_number(self.manifest, x)) is not None:
            return stored_query(self.rows_of(np.array([file]), chosen.name), file)
        return embedded_query(self.path, self.settings, chosen, x, device=device, trust=trust)

    def _require(self, task: str, what: str) -> None:
        if self.settings.task != task:
            raise InputError(f"{self.path} holds results of {self.settings.task}, which have no {what}.")

    def network_settings(self, name: str | None = None) -> NetworkSettings:
        """Return the settings of a network, whose name may be left out where there is one.

        Raises
        ------
        UnknownNameError, InputError
            If the batch does not have it, or has several and no name is given.
        """
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
