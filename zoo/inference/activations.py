"""What one layer makes of one input: maps of channels, or values of units, and how they are distributed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import InputError, UnknownNameError
from zoo.plotting.theme import COLOR, plain, shortened

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import torch

    from zoo.inference.network import Network

MAX_SECONDS = 30.0  # of a recording; 3000 windows of CREPE
SIDE = 112  # pixels of a map, at least
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


@dataclass(frozen=True, eq=False)
class Activations:
    """What one layer makes of one input.

    Attributes
    ----------
    network, layer, input : str
    values : ndarray of float32, shape (channels, ...)
        Of the picture, or of one window of sound: a channel has no positions, those on a line, or a map.
    labels : tuple of str
        What the channels stand for, where they are classes; else empty.
    window : int
        Which window of sound `values` are of; 0 for a picture.
    times : ndarray of float64, shape (n, 2), or None
        Start and end of each window in s, for sound.
    course : ndarray of float32, shape (n, channels), or None
        The mean of each channel in each window, for sound.
    axes : tuple of str
        What the two axes of a map are, where they are time and frequency.
    """

    network: str
    layer: str
    input: str
    values: np.ndarray
    labels: tuple[str, ...] = ()
    window: int = 0
    times: np.ndarray | None = None
    course: np.ndarray | None = None
    axes: tuple[str, ...] = ()

    def strongest(self, max_channels: int) -> np.ndarray:
        """Channels, those first whose values are farthest from zero on the average."""
        strength = np.abs(self.values).reshape(len(self.values), -1).mean(axis=1)
        return np.argsort(-strength, kind="stable")[:max_channels]

    def name_of(self, channel: int) -> str:
        """Return the class of a channel, or its number."""
        return self.labels[channel] if self.labels else f"{channel}"

    def statistics(self) -> dict[str, float]:
        """Mean, standard deviation, smallest and largest value, and the share of zeros, 0 to 1."""
        return {
            "mean": float(self.values.mean(dtype=np.float64)),
            "deviation": float(self.values.std(dtype=np.float64)),
            "smallest": float(self.values.min()),
            "largest": float(self.values.max()),
            "zeros": float((self.values == 0).mean()),
        }

    def maps(self, max_channels: int = 16) -> list[tuple[int, np.ndarray]]:
        """Draw the strongest channels as images, each from its smallest value (dark) to its largest (bright).

        Maps of a spectrogram have time from left to right and high frequencies on top.

        Returns
        -------
        list of (channel, ndarray of uint8, shape (height, width, 3))
            Enlarged without smoothing; empty where channels have no maps.
        """
        if self.values.ndim != 3:
            return []
        return [
            (int(channel), self._picture(self.values[channel])) for channel in self.strongest(max_channels)
        ]

    def _picture(self, values: np.ndarray) -> np.ndarray:
        if self.axes == ("time", "frequency"):
            values = values.T
        if self.axes:
            values = values[::-1]
        low, high = float(values.min()), float(values.max())
        shares = (values - low) / (high - low) if high > low else np.zeros_like(values)
        factor = -(-SIDE // max(values.shape))
        return np.kron(_viridis()[(255 * shares).astype(np.uint8)], np.ones((factor, factor, 1), np.uint8))

    def lines(self, max_channels: int = 64) -> go.Figure:
        """Channels whose positions lie on a line, the strongest ones, as a heat map."""
        import plotly.graph_objects as go

        channels = np.sort(self.strongest(max_channels))
        figure = go.Figure(
            go.Heatmap(
                z=self.values[channels],
                y=np.arange(len(channels)),
                customdata=np.broadcast_to(channels[:, None], (len(channels), self.values.shape[1])),
                colorscale="Viridis",
                colorbar={"thickness": 12},
                hovertemplate="channel %{customdata}, position %{x}: %{z:.3g}<extra></extra>",
            )
        )
        figure.update_xaxes(title="position")
        figure.update_yaxes(**_rows("channel", [str(channel) for channel in channels]))
        return figure.update_layout(height=110 + 7 * len(channels), margin=_MARGIN)

    def bars(self, max_units: int = 20) -> go.Figure:
        """Draw the units with the largest values, for channels without positions."""
        import plotly.graph_objects as go

        units = np.argsort(-self.values, kind="stable")[:max_units]
        names = [self.name_of(unit) if self.labels else f"unit {unit}" for unit in units]
        figure = go.Figure(
            go.Bar(
                x=self.values[units],
                y=np.arange(len(units)),  # places, and not names: two classes may share one
                orientation="h",
                marker={"color": COLOR},
                customdata=[[plain(name), int(unit)] for name, unit in zip(names, units, strict=True)],
                hovertemplate="%{customdata[0]} (%{customdata[1]}): %{x:.4g}<extra></extra>",
            )
        )
        figure.update_xaxes(title="value")
        ticks = [plain(shortened(name)) for name in names]
        figure.update_yaxes(
            tickvals=np.arange(len(units)), ticktext=ticks, autorange="reversed", automargin=True
        )
        return figure.update_layout(height=90 + 22 * len(units), margin=_MARGIN)

    def over_time(self, max_channels: int = 40) -> go.Figure:
        """Draw the mean of each channel over time, as a heat map.

        Of classes those are shown that reach the most, of others those that go farthest from zero.
        """
        import plotly.graph_objects as go

        assert self.course is not None  # of a recording
        assert self.times is not None
        reached = (self.course if self.labels else np.abs(self.course)).max(axis=0)
        channels = np.sort(np.argsort(-reached, kind="stable")[:max_channels])
        names = [self.name_of(channel) for channel in channels]
        figure = go.Figure(
            go.Heatmap(
                z=self.course[:, channels].T,
                x=self.times.mean(axis=1),
                y=np.arange(len(channels)),
                customdata=np.broadcast_to(
                    np.array([plain(name) for name in names], dtype=object)[:, None],
                    (len(channels), len(self.course)),
                ),
                colorscale="Viridis",
                colorbar={"thickness": 12},
                hovertemplate="%{customdata}, %{x:.2f} s: %{z:.3g}<extra></extra>",
            )
        )
        figure.add_vline(self.times[self.window].mean(), line={"color": "#e0457b", "width": 2})
        figure.update_xaxes(title="time (s)")
        figure.update_yaxes(**_rows("", names) if self.labels else _rows("channel", names))
        return figure.update_layout(height=110 + 9 * len(channels), margin=_MARGIN)

    def histogram(self, bins: int = 50) -> go.Figure:
        """How many values are how large, on a logarithmic axis: zeros may be most of them."""
        import plotly.graph_objects as go

        counts, edges = np.histogram(self.values, bins)
        figure = go.Figure(
            go.Bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=counts,
                width=np.diff(edges),
                marker={"color": COLOR},
                hovertemplate="about %{x:.3g}: %{y:,} values<extra></extra>",
            )
        )
        figure.update_xaxes(title="value")
        figure.update_yaxes(title="how many", type="log", dtick=1)
        return figure.update_layout(height=240, margin=_MARGIN)


def look(
    net: Network,
    x: Any,
    layer: str,
    *,
    sample_rate: float | None = None,
    at: float | None = None,
    progress: Callable[[float], object] | None = None,
) -> Activations:
    """Compute the activations of a layer for one input.

    Parameters
    ----------
    net : Network
    x : path, URL, bytes, array, tensor or PIL image
        One picture or recording; of a recording the first `MAX_SECONDS`.
    layer : str
        See `Network.layers`.
    sample_rate : float, optional
        Sample rate of an array of sound, in Hz.
    at : float, optional
        Which window of sound to keep whole: the one that begins nearest to this time in s. By default the
        one in which the layer is most active.
    progress : callable, optional
        Called with the seconds of sound that have been looked at.

    Returns
    -------
    Activations

    Raises
    ------
    UnknownNameError
        If the layer is unknown, or it does not run.
    InputError
        If the input cannot be used, or the layer gives out nothing for each input.
    """
    best, name, position = -np.inf, "", 0
    values: np.ndarray | None = None
    times, course, window = [], [], 0
    with closing(net.batches(x, sample_rate=sample_rate)) as batches:
        for batch in batches:
            rows = _rows_of(net, batch.data, layer)
            name = batch.names[0]
            if batch.times is None:
                values = rows[0]
                break
            keep = batch.times[:, 0] < MAX_SECONDS
            rows, spans = rows[keep], batch.times[keep]
            for row, (begin, _) in zip(rows, spans, strict=True):
                score = np.abs(row).mean() if at is None else -abs(begin - at)
                if score > best:
                    best, values, window = score, row, position
                position += 1
            times.append(spans)
            course.append(rows.reshape(*rows.shape[:2], -1).mean(axis=2))
            if progress:
                progress(min(batch.seconds, MAX_SECONDS))
            if not keep.all():
                break
    assert values is not None  # one input has a batch at least
    return Activations(
        network=net.name,
        layer=layer,
        input=name,
        values=np.array(values),  # of its own: a row would keep its whole batch
        labels=_labels(net, layer, len(values)),
        window=window,
        times=np.concatenate(times) if times else None,
        course=np.concatenate(course) if course else None,
        axes=tuple(getattr(net.preprocessor, "axes", ())) if values.ndim == 3 else (),
    )


def _rows_of(net: Network, data: torch.Tensor, layer: str) -> np.ndarray:
    """Return the outputs of a layer for a batch: shape (n, channels, ...)."""
    _, outputs = net.engine(data, [layer])
    if layer not in outputs:
        raise UnknownNameError(f"{net.name} has a layer {layer} and gets no tensor out of it.")
    rows = outputs[layer].float().cpu()
    if rows.ndim < 2 or len(rows) != len(data):
        raise InputError(f"The layer {layer} of {net.name} does not give out a row for each input.")
    if rows.ndim == 3 and (net.spec.tokens_first or net.spec.modality == "image"):
        rows = rows.transpose(1, 2)  # a transformer's (n, tokens, channels)
    return rows.numpy()


def _labels(net: Network, layer: str, channels: int) -> tuple[str, ...]:
    has_labels = layer == net.spec.head_layer and len(net.labels) == channels
    return tuple(label.label for label in net.labels) if has_labels else ()


def _rows(title: str, names: list[str]) -> dict[str, Any]:
    """Make an axis whose rows have names, and show as many of them as are readable."""
    rows = range(0, len(names), max(1, -(-len(names) // 20)))
    ticks = [plain(shortened(names[i])) for i in rows]
    return {"title": title, "tickvals": list(rows), "ticktext": ticks, "automargin": True}


def _viridis() -> np.ndarray:
    """Return the scale Viridis in 256 colors, shape (256, 3), uint8."""
    from plotly.colors import sequential

    colors = [[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in sequential.Viridis]
    places = np.linspace(0, 1, len(colors))
    positions = np.linspace(0, 1, 256)
    return np.stack([np.interp(positions, places, one) for one in zip(*colors, strict=True)], axis=1).astype(
        np.uint8
    )
