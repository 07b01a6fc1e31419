"""Networks held against each other on this machine: speed, memory and size beside published accuracy.

Each network is measured in a process of its own, so that its memory is its own and no other's work is in
its way. Forward passes are timed on random data, without decoding and preprocessing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from zoo.benchmark.background import BUSY
from zoo.benchmark.worker import measured
from zoo.core.errors import EngineError, InputError, WeightsError, ZooError
from zoo.core.progress import Progress
from zoo.core.validation import choice, count
from zoo.hub import weights
from zoo.hub.registry import describe
from zoo.plotting import notebook
from zoo.plotting.comparison import bars, field
from zoo.results.display import ShortRepr
from zoo.results.problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from zoo.inference.model import DeviceLike

_OF_THE_ANSWERS = ("answers", "labels", "scores", "classes")


@dataclass(frozen=True, repr=False)
class Measurement(ShortRepr):
    """What was measured of one network, and what others published of it.

    Attributes
    ----------
    network, title, engine : str
    latency_ms, latency_p90_ms : float
        Median and 90th percentile of a forward pass of one input.
    input_ms : float or None
        Median from the first input to its label, decoding and preprocessing in; None without inputs.
    throughput : float
        Inputs a second at the batch size of the comparison.
    peak_memory_mb : float
        Most memory that the process held, PyTorch included; on a GPU what PyTorch took there.
    memory_mb : float
        Memory of the network alone: by how much the process grew from before the network was loaded, with
        libraries imported, to its peak in a pass of the batch; on a GPU as `peak_memory_mb`.
    background_load : float
        Fraction of the processors' time, 0 to 1, that other programs took during the passes, see
        `zoo.benchmark.background`.
    file_mb : float
        Size of the weights, in MB (10^6 bytes).
    accuracy : float or None
        Published of this checkpoint.
    published_accuracy, published_time : float or None
        Of the chart of the field, see `zoo.core.spec.Published`.
    answers, labels : tuple of str
        Identifier and readable label of the best class of each input; empty where there are no inputs, or
        the network is not trained.
    scores : tuple of float
        Of these classes.
    metric : str
        What `accuracy` is, for example ``"top-1 %"``.
    classes : str
        The same for networks that know the same classes, as only they can agree; empty where the network was
        asked nothing.
    trained : bool
        Whether it has its weights.
    """

    network: str
    title: str
    engine: str
    latency_ms: float
    latency_p90_ms: float
    input_ms: float | None
    throughput: float
    peak_memory_mb: float
    file_mb: float
    accuracy: float | None
    published_accuracy: float | None
    published_time: float | None
    answers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    metric: str = ""
    classes: str = ""
    trained: bool = True
    memory_mb: float = 0.0
    background_load: float = 0.0


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ShortRepr):
    """Networks side by side.

    Attributes
    ----------
    rows : tuple of Measurement
    device, dtype : str
    batch, repeats, threads : int
        Batch size of the throughput, passes that were timed, threads of PyTorch.
    inputs : tuple of str
        Names of the inputs that every trained network classified.
    problems : tuple of Problem
        The networks that could not be measured, and why.
    """

    rows: tuple[Measurement, ...]
    device: str
    dtype: str
    batch: int
    repeats: int
    threads: int
    inputs: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def background_load(self) -> float:
        """Largest fraction of the processors' time that other programs took while a network was measured."""
        return max(row.background_load for row in self.rows)

    @property
    def busy(self) -> bool:
        """Whether other programs took so much of the processors that times are too long."""
        return self.background_load > BUSY

    @property
    def conditions(self) -> str:
        """How it was measured, in one line."""
        engines = " and ".join(dict.fromkeys(row.engine for row in self.rows))
        number = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        threads = f", {number}" if "cpu" in self.device else ""
        passes = f"batch 1 and {self.batch}, {self.repeats} passes"
        others = (
            f", beside other programs on {self.background_load:.0%} of the processors" if self.busy else ""
        )
        return f"{self.device}{threads}, {self.dtype}, {engines}, {passes}{others}"

    def table(self) -> pd.DataFrame:
        """One row a network; times relative to the fastest of them."""
        import pandas as pd

        table = pd.DataFrame([asdict(row) for row in self.rows]).drop(columns=list(_OF_THE_ANSWERS))
        fastest = table["latency_ms"].min()
        table.insert(4, "relative_time", table["latency_ms"] / fastest)
        return table

    def agreement(self) -> pd.DataFrame:
        """Share of the inputs, 0 to 1, to which two networks give the same best class.

        NaN where they do not know the same classes, or one of them was asked nothing.
        """
        import numpy as np
        import pandas as pd

        names = [row.network for row in self.rows]
        shares = [[_agreement(one, other) for other in self.rows] for one in self.rows]
        return pd.DataFrame(np.array(shares, dtype=float), index=names, columns=names)

    def groups(self) -> list[tuple[str, ...]]:
        """Return the networks that can agree, as they know the same classes: groups of two or more."""
        classifiers = [row for row in self.rows if row.answers]
        classes = dict.fromkeys(row.classes for row in classifiers)
        groups = [tuple(row.network for row in classifiers if row.classes == one) for one in classes]
        return [group for group in groups if len(group) > 1]

    def answers(self) -> pd.DataFrame:
        """One row an input: its name, and the label that each network finds best."""
        import pandas as pd

        labels = {row.network: row.labels for row in self.rows if row.labels}
        return pd.DataFrame({"input": self.inputs, **labels})

    def dissent(self) -> pd.DataFrame:
        """Which of `answers` differ from what most networks of the same classes say, as booleans.

        Where no answer is the most frequent, as when two networks disagree, all of them differ.
        """
        import pandas as pd

        classifiers = [row for row in self.rows if row.labels]
        differs = {
            row.network: [
                row.answers[i]
                != _consensus([one.answers[i] for one in classifiers if one.classes == row.classes])
                for i in range(len(self.inputs))
            ]
            for row in classifiers
        }
        return pd.DataFrame(differs, index=range(len(self.inputs)))

    def plot(self, times: str = "measured") -> go.Figure:
        """Accuracy against relative prediction time, the area of a marker being the size of the weights.

        Parameters
        ----------
        times : {"measured", "published"}
            Measured here, relative to the fastest network; or published, relative to AlexNet.
        """
        choice("times", times, ("measured", "published"))
        table = self.table()
        table["accuracy"] = table["accuracy"].where(table["metric"].str.startswith("top-1"))
        if times == "measured":
            return field(table, "accuracy", "relative_time", f"relative prediction time ({self.conditions})")
        return field(
            table, "published_accuracy", "published_time", "relative prediction time (published, AlexNet = 1)"
        )

    def bars(self) -> go.Figure:
        """Latency and memory of each network."""
        return bars(self.table())

    def _repr_html_(self) -> str:
        """Return the networks as a table for a notebook."""
        columns = [
            "network",
            "accuracy",
            "relative_time",
            "latency_ms",
            "throughput",
            "memory_mb",
            "file_mb",
        ]
        return notebook.card("Comparison", self.conditions, notebook.table(self.table(), columns))

    def to_dict(self) -> dict[str, Any]:
        shares = self.agreement()
        agreement = shares.astype(object).where(shares.notna(), None).to_dict() if self.inputs else {}
        fastest = min(row.latency_ms for row in self.rows)
        rows = [
            asdict(row)
            | {key: list(getattr(row, key)) for key in ("answers", "labels", "scores")}
            | {"relative_time": row.latency_ms / fastest}
            for row in self.rows
        ]
        return asdict(self) | {
            "rows": rows,
            "inputs": list(self.inputs),
            "agreement": agreement,
            "problems": [problem._asdict() for problem in self.problems],
            "busy": self.busy,
        }


def compare(
    names: Sequence[str],
    x: Any = None,
    *,
    sample_rate: float | None = None,
    pretrained: bool = True,
    fetch: bool = True,
    batch: int = 16,
    repeats: int = 10,
    device: DeviceLike = "auto",
    engine: str = "auto",
    dtype: str = "fp32",
    trust: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Measure networks on this machine, and see how far they agree on some inputs.

    A network that fails, or whose weights are not available, is left out and becomes a problem of the result.

    Parameters
    ----------
    names : sequence of str
    x : path, URL, bytes, array, PIL image, or a list of these, optional
        Inputs that every network classifies.
    sample_rate : float, optional
        Sample rate of an array of sound, in Hz.
    pretrained : bool
        False measures untrained networks: as fast as trained ones, and nothing is fetched.
    fetch : bool
        False fetches nothing either: networks whose weights are not on this machine are measured untrained,
        and answer nothing.
    batch, repeats : int
        Batch size of the throughput, and how many passes are timed.
    device, engine, dtype, trust
        See `zoo.load`.
    progress : callable, optional
        Called with the networks done and the networks in all, several times a second; what it raises ends
        the measurement and its process at once.

    Returns
    -------
    Comparison

    Raises
    ------
    UnknownNameError
        If the network, engine or dtype is unknown.
    InputError
        If an input cannot be used, or a network does not classify.
    WeightsError, EngineError
        If no network could be measured: why the first one could not.
    """
    names = [names] if isinstance(names, str) else list(names)
    specs = [describe(name, trust=trust) for name in names]
    if not specs:
        raise InputError("A comparison needs the name of at least one network.")
    if x is not None and not pretrained:
        raise InputError("Untrained networks know no classes: leave out the inputs, or untrained.")
    request = {
        "sample_rate": sample_rate,
        "batch": count("batch", batch),
        "repeats": count("repeats", repeats),
        "options": {"device": str(device), "engine": engine, "dtype": dtype, "trust": trust},
    }
    measurements: list[dict[str, Any]] = []
    failures: dict[str, ZooError] = {}
    for done, (name, spec) in enumerate(zip(names, specs, strict=True)):
        try:
            trained = pretrained and (fetch or weights.is_cached(spec))
            own = {"name": name, "pretrained": trained, "x": x if trained else None}
            measurements.append(
                measured(request | own, lambda done=done: progress and progress(done, len(specs)))
            )
        except (WeightsError, EngineError) as error:
            failures[str(name)] = error
    if not measurements:
        raise next(iter(failures.values()))
    if progress:
        progress(len(specs), len(specs))
    rows = tuple(Measurement(**one["row"]) for one in measurements)
    inputs = next((one["inputs"] for one in measurements if one["inputs"]), ())
    first = measurements[0]
    problems = tuple(Problem(name, str(error)) for name, error in failures.items())
    return Comparison(rows, first["device"], dtype, batch, repeats, first["threads"], inputs, problems)


def _agreement(one: Measurement, other: Measurement) -> float:
    """Share of the inputs to which two networks say the same."""
    if not one.answers or not other.answers or one.classes != other.classes:
        return float("nan")
    return sum(a == b for a, b in zip(one.answers, other.answers, strict=True)) / len(one.answers)


def _consensus(answers: Sequence[str]) -> str | None:
    """Return the most frequent answer, or None without answers."""
    (best, votes), *others = Counter(answers).most_common(2)
    return None if others and others[0][1] == votes else best
