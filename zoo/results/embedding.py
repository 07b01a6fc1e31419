"""Vectors that describe inputs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError
from zoo.core.extras import require
from zoo.core.validation import count
from zoo.plotting import notebook
from zoo.results.display import ShortRepr
from zoo.results.problem import Problem
from zoo.results.projection import SEED, Projection, project
from zoo.results.provenance import KEY, Provenance, difference
from zoo.results.similarity import Neighbors, Similarity, nearest

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(ShortRepr):
    """Vectors that describe the inputs.

    Attributes
    ----------
    network, layer : str
        The layer whose output this is.
    values : ndarray of float32, shape (n, d)
        One row a picture, or a window of sound.
    times : ndarray of float64, shape (n, 2), or None
        Start and end of each window in s; None for pictures.
    inputs : tuple of str, length n
        Which input each row comes from.
    problems : tuple of Problem
        Inputs that were left out, each with the reason.
    provenance : Provenance or None
        What made the vectors; None where nobody said.
    """

    network: str
    layer: str
    values: np.ndarray
    times: np.ndarray | None
    inputs: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    provenance: Provenance | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Vectors."""
        return len(self.values)

    def __getitem__(self, rows: slice | np.ndarray) -> Embedding:
        """Return some of the rows: a slice, or an array of positions or of bools, shape (n,)."""
        positions = np.arange(len(self))[rows]
        return replace(
            self,
            values=self.values[positions],
            times=None if self.times is None else self.times[positions],
            inputs=tuple(self.inputs[i] for i in positions),
        )

    @classmethod
    def joined(cls, parts: Sequence[Embedding]) -> Embedding:
        """Join embeddings by the same layer, one below the other.

        Returns
        -------
        Embedding
            Of shape (n, d), n being the sum of their rows.

        Raises
        ------
        InputError
            If there are none, or what made one differs from what made another.
        """
        if not parts:
            raise InputError("Pass at least one embedding to join.")
        for part in parts[1:]:
            parts[0].require_comparable(part)
        times = [part.times for part in parts if part.times is not None]
        return replace(
            parts[0],
            values=np.concatenate([part.values for part in parts]),
            times=np.concatenate(times) if times else None,
            inputs=tuple(name for part in parts for name in part.inputs),
            problems=tuple(problem for part in parts for problem in part.problems),
        )

    def require_comparable(self, other: Embedding) -> None:
        """See that vectors of another embedding can be compared with these.

        Raises
        ------
        InputError
            If they cannot, with what differs: the weights, the preprocessing, the options, or what the
            networks make of the canaries. Names of networks count only where there is no provenance.
        """
        names = f"{self.network} and of {other.network}" if self.network != other.network else self.network
        if self.provenance and other.provenance:
            reason = difference(self.provenance, other.provenance)
        elif self.provenance or other.provenance:
            reason = "only one of them says what made it"
        elif (self.network, self.layer) != (other.network, other.layer):
            reason = f"they are of the layers {self.layer} and {other.layer}"
        else:
            reason = None
        if not reason and self.values.shape[1] != other.values.shape[1]:
            reason = f"they have {self.values.shape[1]} and {other.values.shape[1]} numbers"
        if not reason and (self.times is None) != (other.times is None):
            reason = "only one of them has times"
        if reason:
            raise InputError(f"Vectors of {names} cannot be compared: {reason}.")

    def labels(self) -> tuple[str, ...]:
        """Name each row: its input, and its time if the input has several windows."""
        if self.times is None or len(set(self.inputs)) == len(self):
            return self.inputs
        return tuple(
            f"{name}, {start:.2f} to {end:.2f} s"
            for name, (start, end) in zip(self.inputs, self.times, strict=True)
        )

    def by_input(self) -> Embedding:
        """Average the windows of each input.

        The times of a row are from the start of the first window of its input to the end of the last one.
        """
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.inputs):
            rows.setdefault(name, []).append(row)
        values = np.zeros((len(rows), self.values.shape[1]), np.float32)
        for i, own in enumerate(rows.values()):
            values[i] = self.values[own].mean(axis=0, dtype=np.float64)
        times, provenance = None, self.provenance
        if self.times is not None:
            spans = (self.times[own] for own in rows.values())
            times = np.array([(own[:, 0].min(), own[:, 1].max()) for own in spans]).reshape(-1, 2)
            provenance = self.provenance and self.provenance.with_options(mean=True)
        return replace(self, values=values, times=times, inputs=tuple(rows), provenance=provenance)

    def project(self, method: str = "pca") -> Projection:
        """Lay the vectors out on a plane, by PCA or UMAP; see `zoo.results.projection.project`.

        Examples
        --------
        >>> import numpy as np
        >>> from zoo.results import Embedding
        >>> line = Embedding("net", "layer", np.outer(range(5), [3, 4]).astype("f"), None, tuple("abcde"))
        >>> [f"{ratio:.0%}" for ratio in line.project().explained_variance_ratio]
        ['100%', '0%']
        """
        return project(self.values, self.labels(), method)

    def neighbors(
        self, query: int | np.ndarray, k: int = 5, *, metric: str = "cosine", same_input: bool = True
    ) -> Neighbors:
        """Find the rows nearest to one of them, which is none of its own neighbors, or to another vector.

        Parameters
        ----------
        query : int or ndarray of shape (d,)
        k : int
            How many, or all where there are fewer.
        metric : {"cosine", "euclidean"}
        same_input : bool
            Whether windows of the same input count too.

        Returns
        -------
        Neighbors
            The nearest first.

        Raises
        ------
        InputError
            If an option cannot be used, or the row does not exist.
        """
        if isinstance(query, np.ndarray):
            return nearest(self.values, query, self.labels(), k, metric=metric)
        if not 0 <= query < len(self):
            raise InputError(f"Row {query} does not exist: there are {len(self)} rows, counted from 0.")
        others = [
            row
            for row, name in enumerate(self.inputs)
            if row != query and (same_input or name != self.inputs[query])
        ]
        return nearest(
            self.values, self.values[query], self.labels(), k, metric=metric, candidates=np.array(others, int)
        )

    def similarity(self) -> Similarity:
        """Compute the cosines of all angles between the vectors.

        Returns
        -------
        Similarity
            Of shape (n, n), from -1 to 1; 0 for a vector of zeros.
        """
        from sklearn.metrics.pairwise import cosine_similarity

        values = cosine_similarity(self.values.astype(np.float64)) if len(self) else np.zeros((0, 0))
        return Similarity(values.clip(-1, 1), self.labels())

    def clusters(self, k: int) -> np.ndarray:
        """Which of `k` clusters each row is in: k-means of the vectors, all brought to the same length.

        Returns
        -------
        ndarray of int, shape (n,)
            From 0, the largest cluster, on; fewer than `k` where fewer vectors differ.

        Raises
        ------
        InputError
            If `k` is not a whole number, 1 or more.
        """
        from sklearn.cluster import KMeans
        from sklearn.preprocessing import normalize

        if not len(self):
            return np.zeros(0, int)
        values = normalize(self.values)
        k = min(count("k", k), len(np.unique(values, axis=0)))
        clusters = KMeans(k, n_init=10, random_state=SEED).fit_predict(values)
        by_size = np.argsort(-np.bincount(clusters, minlength=k), kind="stable")
        return np.argsort(by_size)[clusters]

    def table(self) -> pd.DataFrame:
        """One row a vector: input, start and end for sound, then columns 0 to d - 1."""
        import pandas as pd

        table = pd.DataFrame(self.values, columns=[str(i) for i in range(self.values.shape[1])])
        if self.times is not None:
            table.insert(0, "start", self.times[:, 0])
            table.insert(1, "end", self.times[:, 1])
        table.insert(0, "input", list(self.inputs))
        return table

    def plot(self, *, max_dimensions: int | None = None) -> go.Figure:
        """Draw the vectors as an image: one column a vector, one row a dimension.

        Parameters
        ----------
        max_dimensions : int, optional
            How many dimensions to show, those that vary most; by default all.
        """
        import plotly.graph_objects as go

        width = self.values.shape[1]
        dimensions = np.arange(width)
        if max_dimensions is not None and max_dimensions < width:
            dimensions = np.sort(np.argsort(-self.values.var(axis=0), kind="stable")[:max_dimensions])
        times = None if self.times is None else self.times[:, 0]
        figure = go.Figure(
            go.Heatmap(
                z=self.values[:, dimensions].T,
                x=times,
                customdata=np.broadcast_to(dimensions[:, None], (len(dimensions), len(self))),
                colorscale="RdBu",
                zmid=0,
                hovertemplate="%{x}, dimension %{customdata}: %{z:.3g}<extra></extra>",
            )
        )
        figure.update_xaxes(title="vector" if times is None else "time (s)")
        what = "dimension" if len(dimensions) == width else f"{len(dimensions)} dimensions"
        return figure.update_yaxes(title=f"{what} of {self.layer}")

    def to_npz(self) -> bytes:
        """Return a compressed file for `numpy.load`.

        It holds values, inputs, network, layer, times for audio, and as ``zoo`` the provenance as JSON.
        `zoo.read_embedding` reads it.
        """
        more: dict[str, Any] = {} if self.times is None else {"times": self.times}
        if self.provenance:
            more[KEY] = np.array(self.provenance.to_json().decode())
        file = io.BytesIO()
        np.savez_compressed(
            file,
            values=self.values,
            inputs=np.array(self.inputs, str),
            network=np.array(self.network),
            layer=np.array(self.layer),
            **more,
        )
        return file.getvalue()

    def to_parquet(self) -> bytes:
        """Return the table as Apache Parquet, which `zoo.read_embedding` reads.

        Its metadata hold the provenance as JSON, under the key ``zoo``.

        Raises
        ------
        MissingLibraryError
            If PyArrow is not installed.
        """
        require("pyarrow")
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(self.table(), preserve_index=False)
        if self.provenance:
            own = {KEY.encode(): self.provenance.to_json()}
            table = table.replace_schema_metadata((table.schema.metadata or {}) | own)
        file = io.BytesIO()
        pq.write_table(table, file)
        return file.getvalue()

    def _repr_html_(self) -> str:
        """Return one line for a notebook: how many vectors, of what."""
        count, width = self.values.shape
        vectors = notebook.quantity(count, "vector")
        inputs = notebook.quantity(len(set(self.inputs)), "input")
        note = f"{vectors} of length {width:,} from {inputs}, layer {self.layer}"
        return notebook.card(self.network, note)

    def to_dict(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "layer": self.layer,
            "inputs": list(self.inputs),
            "times": None if self.times is None else self.times.tolist(),
            "values": self.values.tolist(),
        }
