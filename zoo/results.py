"""What the verbs return: frozen, typed, and able to become a table, a plot or JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.errors import InputError
from zoo.inputs import count, number

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


SMOOTHERS = ("median", "mean")
COLOUR = "#2f6f4f"


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV, with numbers to a millionth."""
    return table.round(6).to_csv(index=False, lineterminator="\n")


@dataclass(frozen=True, eq=False)
class Classification:
    """The best classes of one input, best first.

    Attributes
    ----------
    network, input : str
    indices : ndarray of int, shape (top,)
    ids : tuple of str
        wnid (ImageNet), mid (AudioSet) or path (Places365) of each class.
    labels, names : tuple of str
        Short and full names.
    groups : tuple of str
        ``"indoor"`` or ``"outdoor"`` for scenes; empty texts where classes have no groups.
    scores : ndarray of float32, shape (top,)
        From 0 to 1. They sum to 1 over all classes where the classes exclude each other (pictures);
        for sounds they are independent of each other and not calibrated.
    all_scores : ndarray of float32, shape (classes,)
    """

    network: str
    input: str
    indices: np.ndarray
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    scores: np.ndarray
    all_scores: np.ndarray

    def best(self, top: int) -> Classification:
        """The same result with no more than the `top` best classes."""
        return replace(
            self,
            indices=self.indices[:top],
            ids=self.ids[:top],
            labels=self.labels[:top],
            names=self.names[:top],
            groups=self.groups[:top],
            scores=self.scores[:top],
        )

    def table(self) -> pd.DataFrame:
        """One row a class: index, id, label, score, name and, where classes have groups, group."""
        import pandas as pd

        columns = {"index": self.indices, "id": self.ids, "label": self.labels, "score": self.scores}
        groups = {"group": self.groups} if any(self.groups) else {}
        return pd.DataFrame({**columns, "name": self.names, **groups})

    def plot(self) -> go.Figure:
        """The classes as bars, best on top."""
        import plotly.graph_objects as go

        figure = go.Figure(
            go.Bar(
                x=self.scores,
                y=[_short(label) for label in self.labels],
                orientation="h",
                text=[f"{score:.1%}" if score >= 0.001 else "<0.1%" for score in self.scores],
                textposition="outside",
                cliponaxis=False,
                marker={"color": COLOUR},
                customdata=self.ids,
                hovertemplate="%{y} (%{customdata}): %{x:.4f}<extra></extra>",
            )
        )
        figure.update_xaxes(
            title=f"score of {self.network}", range=[0, 1.3], tickvals=[0, 0.5, 1], tickformat=".0%"
        )
        figure.update_yaxes(autorange="reversed", automargin=True)
        figure.update_layout(height=90 + 32 * len(self.labels), margin={"l": 8, "r": 8, "t": 8, "b": 8})
        return figure

    def to_dict(self) -> dict[str, Any]:
        predictions = self.table().to_dict("records")
        return {"input": self.input, "network": self.network, "predictions": predictions}


@dataclass(frozen=True, eq=False)
class Summary:
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

    def to_dict(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "input_shape": list(self.input_shape),
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "layers": [{**layer, "shape": layer["shape"] and list(layer["shape"])} for layer in self.layers],
        }


class SoundEvent(NamedTuple):
    """One sound located in time: seconds, and its largest patch score.

    `label` and `id` are those of a class of the network, or of the category that it is reported under;
    `index` is the class of the network that had the score.
    """

    label: str
    index: int
    id: str
    start: float
    end: float
    score: float


@dataclass(frozen=True, eq=False)
class SoundEvents:
    """Which sounds were heard when.

    Attributes
    ----------
    network, input : str
    events : tuple of SoundEvent
        By start, then by score.
    scores : ndarray of float32, shape (patches, classes)
        Of the network's classes, whatever the events are reported under. Independent of each other and not
        calibrated across classes: compare a class with itself.
    times : ndarray of float64, shape (patches, 2)
        Start and end of each patch in s.
    labels : tuple of str
        Of the columns of `scores`.
    duration : float
        Of the recording, in s.
    clip : Classification
        Of the whole recording: the mean over patches.
    """

    network: str
    input: str
    events: tuple[SoundEvent, ...]
    scores: np.ndarray
    times: np.ndarray
    labels: tuple[str, ...]
    duration: float
    clip: Classification

    def table(self) -> pd.DataFrame:
        """One row an event: start, end, label, index, id, score."""
        import pandas as pd

        columns = ["start", "end", "label", "index", "id", "score"]
        return pd.DataFrame(self.events, columns=SoundEvent._fields)[columns]

    def plot(self, most: int = 15) -> go.Figure:
        """The events on a time line, one row a class; at most the `most` best classes."""
        import plotly.graph_objects as go

        best: dict[str, float] = {}
        for event in self.events:
            best[event.label] = max(best.get(event.label, 0.0), event.score)
        rows = sorted(best, key=best.__getitem__, reverse=True)[:most]
        shown = [event for event in self.events if event.label in rows]
        figure = go.Figure(
            go.Bar(
                base=[event.start for event in shown],
                x=[event.end - event.start for event in shown],
                y=[_short(event.label) for event in shown],
                orientation="h",
                marker={
                    "color": [event.score for event in shown],
                    "cmin": 0,
                    "cmax": 1,
                    "colorscale": "Viridis",
                    "colorbar": {"title": "score", "thickness": 12},
                },
                customdata=[(event.start, event.end, event.score) for event in shown],
                hovertemplate="%{y}: %{customdata[0]:.2f} to %{customdata[1]:.2f} s, "
                "score %{customdata[2]:.2f}<extra></extra>",
            )
        )
        figure.update_xaxes(title="time (s)", range=[0, self.duration])
        figure.update_yaxes(
            categoryorder="array", categoryarray=[_short(r) for r in rows[::-1]], automargin=True
        )
        figure.update_layout(
            height=130 + 28 * len(rows), barmode="overlay", margin={"l": 8, "r": 8, "t": 8, "b": 8}
        )
        return figure

    def to_audacity(self) -> str:
        """The events as labels of Audacity: lines of start, end and label, with tabs between them.

        Source: https://manual.audacityteam.org/man/importing_and_exporting_labels.html
        """
        rows = ((f"{event.start:.6f}", f"{event.end:.6f}", event.label) for event in self.events)
        return "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "network": self.network,
            "events": [
                {
                    "label": event.label,
                    "index": event.index,
                    "start": round(event.start, 3),
                    "end": round(event.end, 3),
                    "score": event.score,
                }
                for event in self.events
            ],
            "clip": [
                {"label": row["label"], "index": row["index"], "score": row["score"]}
                for row in self.clip.to_dict()["predictions"]
            ],
        }


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """Fundamental frequency over time.

    Attributes
    ----------
    network, input : str
    time : ndarray of float64, shape (frames,)
        Centre of each frame in s.
    frequency : ndarray of float64, shape (frames,)
        Hz; NaN where unvoiced.
    confidence : ndarray of float32, shape (frames,)
        From 0 to 1.
    voiced : ndarray of bool, shape (frames,)
    level : ndarray of float32, shape (frames,)
        A-weighted, in dB relative to full scale.
    activations : ndarray of float32, shape (frames, 360), or None
        The network's outputs, where asked for.
    """

    network: str
    input: str
    time: np.ndarray
    frequency: np.ndarray
    confidence: np.ndarray
    voiced: np.ndarray
    level: np.ndarray
    activations: np.ndarray | None = None

    def gated(self, *, threshold: float, silence: float | None) -> PitchTrack:
        """The same track, with fewer frames voiced.

        Parameters
        ----------
        threshold : float
            Confidence, from 0 to 1, below which a frame is unvoiced.
        silence : float or None
            Level in dB below which a frame is unvoiced; None: no frame is.
        """
        voiced = self.voiced & (self.confidence >= threshold)
        if silence is not None:
            voiced &= self.level >= silence
        return replace(self, voiced=voiced, frequency=np.where(voiced, self.frequency, np.nan))

    def smoothed(self, width: int, how: str = "median") -> PitchTrack:
        """The same track with the pitch of each voiced frame taken over its neighbours of the same stretch.

        Parameters
        ----------
        width : int
            Frames, an odd number: the frame itself and as many on either side.
        how : {"median", "mean"}
            Of the pitch in cents.

        Raises
        ------
        InputError
            If there is no such width or mean.
        """
        smoothing(width, how)
        if width == 1 or not self.voiced.any():
            return self
        stretch = np.where(self.voiced, np.cumsum(~self.voiced), -1)  # a number for each run of voiced frames
        pitch, near = (
            np.lib.stride_tricks.sliding_window_view(np.pad(values, width // 2, constant_values=-1), width)[
                self.voiced
            ]
            for values in (self.midi, stretch)
        )
        windows = np.where(near == stretch[self.voiced, None], pitch, np.nan)
        frequency = self.frequency.copy()
        frequency[self.voiced] = _hertz((np.nanmean if how == "mean" else np.nanmedian)(windows, axis=1))
        return replace(self, frequency=frequency)

    @property
    def midi(self) -> np.ndarray:
        """Pitch as MIDI note numbers with fractions, shape (frames,); A4, 440 Hz, is 69, NaN is unvoiced."""
        return 69 + self.cents() / 100

    def cents(self, reference: float = 440.0) -> np.ndarray:
        """Pitch in cents above a reference in Hz, shape (frames,); NaN where unvoiced."""
        return 1200 * np.log2(self.frequency / reference)

    def notes(self, *, tolerance: float = 50.0, min_duration: float = 0.1) -> pd.DataFrame:
        """The notes that were played or sung.

        Parameters
        ----------
        tolerance : float
            A note lasts while its pitch stays this close, in cents, to the median of the note so far. Vibrato
            is averaged out first, over 0.2 s.
        min_duration : float
            Shorter notes, in s, are dropped.

        Returns
        -------
        DataFrame
            One row a note: start and end in s, midi (whole number), name, and cents, by which the note's
            median pitch lies above that of the name. Notes of one pitch are separate where 0.05 s are
            unvoiced, or the level dips by 6 dB.

        Raises
        ------
        InputError
            If an option cannot be used.
        """
        import librosa
        import pandas as pd

        from audio.notes import segment

        number("tolerance", tolerance, 1, 1200)
        number("min_duration", min_duration, 0)
        found = segment(
            self.midi, self.level, self._step, tolerance=tolerance / 100, min_duration=min_duration
        )
        table = pd.DataFrame(found, columns=["start", "end", "pitch"])
        table["midi"] = table.pitch.round().astype(int)
        table["name"] = [librosa.midi_to_note(midi, unicode=False) for midi in table.midi]
        table["cents"] = 100 * (table.pitch - table.midi)
        return table.drop(columns="pitch")

    def to_midi(self, *, tolerance: float = 50.0, min_duration: float = 0.1) -> bytes:
        """The `notes` as a standard MIDI file of one track."""
        from audio.notes import midi_file

        table = self.notes(tolerance=tolerance, min_duration=min_duration)
        return midi_file(table[["start", "end", "midi"]].itertuples(index=False))

    def synthesise(self, rate: int = 44100, *, harmonics: int = 3) -> np.ndarray:
        """The track as sound.

        Parameters
        ----------
        rate : int
            Hz.
        harmonics : int
            Sines at multiples of the pitch, each half as loud as the one before; 1: a sine alone.

        Returns
        -------
        ndarray of float32, shape (samples,)
            From -1 to 1, without breaks in its phase; silent where the track is unvoiced.

        Raises
        ------
        InputError
            If an option cannot be used.
        """
        from audio.notes import synthesise

        number("rate", rate, 1000, 1_000_000)
        count("harmonics", harmonics)
        return synthesise(self.time, self.frequency, int(rate), harmonics)

    @property
    def _step(self) -> float:
        return float(self.time[1] - self.time[0]) if len(self.time) > 1 else 0.01

    def table(self) -> pd.DataFrame:
        """One row a frame: time, frequency, confidence, voiced."""
        import pandas as pd

        columns = ("time", "frequency", "confidence", "voiced")
        return pd.DataFrame({column: getattr(self, column) for column in columns})

    def note_names(self) -> list[str]:
        """The nearest note of each frame (``"A4"``), empty where unvoiced; A4 is 440 Hz."""
        import librosa

        names = np.full(len(self.frequency), "", dtype=object)
        if self.voiced.any():
            names[self.voiced] = librosa.hz_to_note(self.frequency[self.voiced], unicode=False)
        return names.tolist()

    def plot(self) -> go.Figure:
        """Frequency over time on a logarithmic axis, with gaps where unvoiced."""
        import plotly.graph_objects as go

        figure = go.Figure(
            go.Scatter(
                x=self.time,
                y=self.frequency,
                mode="lines",
                line={"width": 3},
                connectgaps=False,
                name="f0",
                customdata=np.stack([self.note_names(), self.confidence], axis=1),
                hovertemplate="%{x:.2f} s: %{y:.1f} Hz, %{customdata[0]}, "
                "confidence %{customdata[1]:.2f}<extra></extra>",
            )
        )
        figure.update_xaxes(title="time (s)")
        figure.update_yaxes(title="frequency (Hz)", type="log")
        figure.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
        return figure

    def to_dict(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "network": self.network,
            "time": self.time.round(6).tolist(),
            "frequency": [None if math.isnan(f) else f for f in self.frequency.tolist()],
            "confidence": self.confidence.tolist(),
            "voiced": self.voiced.tolist(),
        }


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


def smoothing(width: int, how: str) -> None:
    """Raise an `InputError` unless the options of `PitchTrack.smoothed` make sense."""
    if count("smooth", width) % 2 == 0:
        raise InputError(f"smooth={width} is even; a window of frames around a frame is odd.")
    if how not in SMOOTHERS:
        raise InputError(f"There is no smoother {how!r}; choose {' or '.join(SMOOTHERS)}.")


def _hertz(midi: np.ndarray) -> np.ndarray:
    return 440.0 * 2.0 ** ((midi - 69) / 12)


def _short(label: str, most: int = 32) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"
