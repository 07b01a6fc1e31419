"""What became of a foreign network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.plotting import notebook
from zoo.results.display import ShortRepr

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class ImportReport(ShortRepr):
    """What became of a foreign network, and how well it agrees with the original.

    Attributes
    ----------
    network, file, format : str
    inputs, outputs : tuple of dict
        Name and shape (without the batch axis) of each in the file; the first output is the network's.
    layers : tuple of dict
        One a layer: its name, kind, the operator and the node that it was, what runs it (PyTorch or ONNX
        Runtime, with the reason), and its parameters.
    parameters : int
    preprocessing, labels, activation : str
        A sentence each: what it is, and where it was found or why it was guessed.
    differences : dict of str to float
        By input, ``"random"`` and ``"real"``: the largest difference between an output and that of ONNX
        Runtime, as a fraction of the largest output, or of 1 where that is smaller.
    departure : str
        The first layer that differs by more than 1e-4 on the real input; empty where none does.
    runtime : str
        The library that ran the original.
    """

    network: str
    file: str
    format: str
    inputs: tuple[dict[str, Any], ...]
    outputs: tuple[dict[str, Any], ...]
    layers: tuple[dict[str, Any], ...] = field(repr=False)
    parameters: int
    preprocessing: str
    labels: str
    activation: str
    differences: dict[str, float]
    departure: str = ""
    runtime: str = "ONNX Runtime"

    @property
    def left_to_runtime(self) -> tuple[str, ...]:
        """The layers that ONNX Runtime runs as they came; gradients stop there."""
        return tuple(layer["layer"] for layer in self.layers if layer["runs in"] != "PyTorch")

    def table(self) -> pd.DataFrame:
        """One row a layer."""
        import pandas as pd

        return pd.DataFrame(self.layers)

    def sentences(self) -> tuple[str, ...]:
        """Return the report in words, without the table."""
        taken, made = (", ".join(map(_shown, fields)) for fields in (self.inputs, self.outputs))
        runtime = self.left_to_runtime
        kept = (
            f"{len(runtime)} run in ONNX Runtime, where gradients stop: {', '.join(runtime)}."
            if runtime
            else ""
        )
        differences = ", ".join(f"{value:.1e} on {kind} input" for kind, value in self.differences.items())
        departure = (
            f" The first layer that departs by more than 1e-4 is {self.departure}." if self.departure else ""
        )
        return (
            f"Takes {taken}.",
            f"Gives {made}.",
            f"{len(self.layers)} layers, {self.parameters:,} parameters. {kept}".strip(),
            self.preprocessing,
            self.labels,
            self.activation,
            f"Largest difference from {self.runtime}: {differences}.{departure}",
        )

    def _repr_html_(self) -> str:
        """Return the sentences and the first layers for a notebook."""
        note = f"imported from {self.file} ({self.format})"
        return notebook.card(
            self.network, note, notebook.paragraphs(self.sentences()), notebook.table(self.table())
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "file": self.file,
            "format": self.format,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "parameters": self.parameters,
            "preprocessing": self.preprocessing,
            "labels": self.labels,
            "activation": self.activation,
            "differences": self.differences,
            "departure": self.departure,
            "runtime": self.runtime,
            "layers": list(self.layers),
        }


def _shown(tensor: dict[str, Any]) -> str:
    return f"{tensor['name']} ({' × '.join(map(str, tensor['shape']))})"
