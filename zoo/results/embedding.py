"""Vectors that describe inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Embedding:
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
    """

    network: str
    layer: str
    values: np.ndarray
    times: np.ndarray | None
    inputs: tuple[str, ...]

    def __len__(self) -> int:
        """Vectors."""
        return len(self.values)

    def table(self) -> pd.DataFrame:
        """One row a vector: input, start and end for sound, then columns 0 to d - 1."""
        import pandas as pd

        table = pd.DataFrame(self.values, columns=[str(i) for i in range(self.values.shape[1])])
        if self.times is not None:
            table.insert(0, "start", self.times[:, 0])
            table.insert(1, "end", self.times[:, 1])
        table.insert(0, "input", list(self.inputs))
        return table

    def plot(self) -> go.Figure:
        """The vectors as an image: one column a vector, one row a dimension."""
        import plotly.graph_objects as go

        times = None if self.times is None else self.times[:, 0]
        figure = go.Figure(go.Heatmap(z=self.values.T, x=times, colorscale="RdBu", zmid=0))
        figure.update_xaxes(title="vector" if times is None else "time (s)")
        figure.update_yaxes(title=f"dimension of {self.layer}")
        return figure

    def to_dict(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "layer": self.layer,
            "inputs": list(self.inputs),
            "times": None if self.times is None else self.times.tolist(),
            "values": self.values.tolist(),
        }
