"""Where on a picture a network finds a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zoo.plotting import notebook
from zoo.plotting.theme import plain
from zoo.results.display import ShortRepr

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from PIL import Image

ExplanationMethod = Literal["gradcam", "occlusion"]

SCALE = "Turbo"  # of Plotly, as Mikhailov designed it in place of "jet"; it is bright where heat is high
_MAX_COLUMNS = 400  # of a plot
_GRAY = 128  # which a dark and a light image differ from


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(ShortRepr):
    """Where on a picture a network finds a class.

    Attributes
    ----------
    network, input : str
    index : int
        Of the class that is explained.
    id, label : str
        Of that class, as in `Classification`.
    score : float
        Of that class, from 0 to 1.
    method : {"gradcam", "occlusion"}
    layer : str
        The layer that the map was made from; empty for occlusion.
    values : ndarray of float32, shape (rows, columns)
        The map in cells of equal size that fill `crop_box`: 1 where most speaks for the class, 0 where
        nothing does. All are 0 where nothing speaks for it anywhere.
    crop_box : tuple of float
        Left, top, right and bottom, in pixels of the picture, of the part that the network sees; beyond the
        picture where it is padded.
    size : tuple of int
        Width and height of the picture, upright.
    """

    network: str
    input: str
    index: int
    id: str
    label: str
    score: float
    method: ExplanationMethod
    layer: str
    values: np.ndarray
    crop_box: tuple[float, float, float, float]
    size: tuple[int, int]

    @property
    def map(self) -> np.ndarray:
        """The map on the pixels of the picture, interpolated between the cells.

        Returns
        -------
        ndarray of float32, shape (height, width)
            From 0 to 1; NaN where the network sees nothing of the picture.
        """
        return self.placed(*self.size)

    @property
    def is_cropped(self) -> bool:
        """Whether the network sees only a part of the picture."""
        left, top, right, bottom = self.crop_box
        return left >= 1 or top >= 1 or right <= self.size[0] - 1 or bottom <= self.size[1] - 1

    def placed(self, width: int, height: int) -> np.ndarray:
        """Return the `map` of the same picture in another size, in pixels.

        Returns
        -------
        ndarray of float32, shape (height, width)
            From 0 to 1; NaN where the network sees nothing of the picture.
        """
        left, top, right, bottom = self.crop_box
        rows, columns = self.values.shape
        across, down = self.size[0] / width, self.size[1] / height
        x = ((np.arange(width) + 0.5) * across - left) / (right - left)  # 0 to 1 over what is seen
        y = ((np.arange(height) + 0.5) * down - top) / (bottom - top)
        placed = (_weights(y, rows) @ self.values @ _weights(x, columns).T).astype(np.float32)
        placed[(y < 0) | (y > 1)] = np.nan
        placed[:, (x < 0) | (x > 1)] = np.nan
        return placed

    def overlay(self, picture: Image.Image, *, opacity: float = 0.7, fade: float = 0.0) -> Image.Image:
        """Lay the map as colors over the image: clear where it is 0.

        Parameters
        ----------
        picture : PIL.Image.Image
            The one that was explained, upright, in any size.
        opacity : float
            Of the colors where the map is 1, from 0 to 1.
        fade : float
            How far the image fades to gray outside the network's view, from 0 to 1.

        Returns
        -------
        PIL.Image.Image
            Mode RGB, of the size of `picture`.

        Raises
        ------
        InputError
            If `opacity` or `fade` is out of its range.
        """
        from PIL import Image

        from zoo.core.validation import number

        opacity, fade = number("opacity", opacity, 0, 1), number("fade", fade, 0, 1)
        placed = self.placed(*picture.size)
        heat, outside = np.nan_to_num(placed), np.isnan(placed)
        colors = _palette()[(heat * 255).round().astype(np.uint8)]
        colors[outside] = _GRAY
        alpha = np.where(outside, fade, opacity * heat)[..., None]
        mixed = (1 - alpha) * np.asarray(picture.convert("RGB"), np.float32) + alpha * colors
        return Image.fromarray(mixed.round().astype(np.uint8))

    def table(self) -> pd.DataFrame:
        """One row a cell of the map: left, top, right and bottom in pixels of the picture, and value."""
        import pandas as pd

        rows, columns = self.values.shape
        x = np.linspace(self.crop_box[0], self.crop_box[2], columns + 1)
        y = np.linspace(self.crop_box[1], self.crop_box[3], rows + 1)
        return pd.DataFrame(
            {
                "left": np.tile(x[:-1], rows),
                "top": np.repeat(y[:-1], columns),
                "right": np.tile(x[1:], rows),
                "bottom": np.repeat(y[1:], columns),
                "value": self.values.ravel(),
            }
        )

    def plot(self) -> go.Figure:
        """Draw the map on the image's pixels, empty outside the network's view."""
        import plotly.graph_objects as go

        width, height = self.size
        step = max(1.0, max(self.size) / _MAX_COLUMNS)
        values = self.placed(max(1, round(width / step)), max(1, round(height / step)))
        figure = go.Figure(
            go.Heatmap(
                z=values,
                x=(np.arange(values.shape[1]) + 0.5) * width / values.shape[1],
                y=(np.arange(values.shape[0]) + 0.5) * height / values.shape[0],
                colorscale=SCALE,
                zmin=0,
                zmax=1,
                colorbar={"title": "", "thickness": 12},
                hovertemplate="%{x:.0f}, %{y:.0f}: %{z:.2f}<extra></extra>",
            )
        )
        figure.update_xaxes(
            title=f"what speaks for {plain(self.label)}", range=[0, width], constrain="domain"
        )
        figure.update_yaxes(range=[height, 0], scaleanchor="x", constrain="domain")
        return figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})

    def _repr_html_(self) -> str:
        """Return the cells of the map as an image for a notebook."""
        left, top, right, bottom = self.crop_box
        image = notebook.heat_map(self.values, _palette(), (right - left) / (bottom - top))
        note = f"{self.score:.1%}, {self.method} of {self.network}, {self.input}"
        return notebook.card(self.label, note, image)

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "network": self.network,
            "index": self.index,
            "id": self.id,
            "label": self.label,
            "score": self.score,
            "method": self.method,
            "layer": self.layer,
            "size": list(self.size),
            "crop_box": list(self.crop_box),
            "values": self.values.tolist(),
        }


def _weights(places: np.ndarray, cells: int) -> np.ndarray:
    """Return the share of each cell at some places, 0 to 1 from end to end: shape (places, cells).

    Linear between the middles of two cells, and constant beyond the first and the last.
    """
    at = places * cells - 0.5
    return np.stack([np.interp(at, np.arange(cells), row) for row in np.eye(cells)], axis=1)


def _palette() -> np.ndarray:
    """Return the colors of 0 to 1 in 256 steps, shape (256, 3), from 0 to 255."""
    from plotly.colors import sample_colorscale

    steps = sample_colorscale(SCALE, np.linspace(0, 1, 256), colortype="tuple")
    return 255 * np.array(steps, np.float32)
