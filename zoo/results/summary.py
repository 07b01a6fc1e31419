"""A network counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.plotting import notebook
from zoo.results.display import ShortRepr

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Summary(ShortRepr):
    """A network counted.

    Attributes
    ----------
    network : str
    input_shape : tuple of int
        Without the batch axis.
    layers : tuple of dict
        One a layer: name, kind, shape (of its output for one input; None where it is not run), parameters
        and multiply_adds. A layer that holds others counts them in.
    parameters : int
    multiply_adds : int
        Of convolutions and matrix products, for one input.
    """

    network: str
    input_shape: tuple[int, ...]
    layers: tuple[dict[str, Any], ...]
    parameters: int
    multiply_adds: int

    def table(self) -> pd.DataFrame:
        """One row a layer."""
        import pandas as pd

        return pd.DataFrame(self.layers)

    def _repr_html_(self) -> str:
        """Return the totals and the first layers for a notebook."""
        import pandas as pd

        shape = " × ".join(map(str, self.input_shape))
        note = f"input {shape}, {self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds"
        layers = [{**layer, "shape": " × ".join(map(str, layer["shape"] or ()))} for layer in self.layers]
        return notebook.card(self.network, note, notebook.table(pd.DataFrame(layers)))

    def to_dict(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "input_shape": list(self.input_shape),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "layers": [{**layer, "shape": layer["shape"] and list(layer["shape"])} for layer in self.layers],
        }
