"""Which files of a batch are like an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.plotting import notebook
from zoo.plotting.theme import plain, shortened
from zoo.results.display import ShortRepr

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False, repr=False)
class Matches(ShortRepr):
    """The files nearest to an example, the nearest first, each once.

    Attributes
    ----------
    network : str
        Whose vectors were compared.
    input : str
        The example.
    numbers : ndarray of int, shape (k,)
        Of the files, in the manifest of the batch.
    paths : tuple of str, length k
    hashes : tuple of str, length k
        SHA-256 of their contents.
    similarities : ndarray of float64, shape (k,)
        Cosines of the angles to the example's vector, from -1 to 1; of a recording that of its best window.
    times : ndarray of float64, shape (k, 2), or None
        Start and end of that window in s; None for images.
    """

    network: str
    input: str
    numbers: np.ndarray
    paths: tuple[str, ...]
    hashes: tuple[str, ...]
    similarities: np.ndarray
    times: np.ndarray | None = None

    def __len__(self) -> int:
        """How many."""
        return len(self.paths)

    def table(self) -> pd.DataFrame:
        """One row a file: number, path, similarity, for recordings start and end, and sha256."""
        import pandas as pd

        columns = {"number": self.numbers, "path": list(self.paths), "similarity": self.similarities}
        if self.times is not None:
            columns |= {"start": self.times[:, 0], "end": self.times[:, 1]}
        return pd.DataFrame({**columns, "sha256": list(self.hashes)})

    def plot(self) -> go.Figure:
        """Draw the similarities as bars."""
        import plotly.graph_objects as go

        places = np.arange(len(self))
        figure = go.Figure(go.Bar(x=self.similarities, y=places, orientation="h"))
        figure.update_xaxes(title="similarity (cosine)")
        names = [plain(shortened(path)) for path in self.paths]
        return figure.update_yaxes(tickvals=places, ticktext=names, autorange="reversed", automargin=True)

    def _repr_html_(self) -> str:
        """Return the matches as a table for a notebook."""
        note = f"{notebook.quantity(len(self), 'file')} like it, by {self.network}"
        columns = [column for column in self.table().columns if column not in ("number", "sha256")]
        return notebook.card(self.input, note, notebook.table(self.table(), columns))

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "network": self.network,
            "matches": self.table().to_dict("records"),
        }
