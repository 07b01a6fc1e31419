"""Networks held against each other on this machine: speed, memory and size beside published accuracy.

Each network is measured in a process of its own, so that its memory is its own and no other's work is in
its way. Forward passes are timed on random data, without decoding and preprocessing.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import errors
from zoo.errors import InputError, UnknownNameError, ZooError
from zoo.inputs import count
from zoo.machine import processor
from zoo.registry import describe
from zoo.results import COLOUR

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Progress = Callable[[int, int], None]
"""Called with the networks done and the networks in all."""


@dataclass(frozen=True)
class Measurement:
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
    file_mb : float
        Size of the weights, in MB (10^6 bytes).
    accuracy : float or None
        Published of this checkpoint, top-1 in %.
    published_accuracy, published_time : float or None
        Of the chart of the field, see `zoo.spec.Published`.
    answers : tuple of str
        Identifier of the best class of each input; empty where there are no inputs.
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


@dataclass(frozen=True, eq=False)
class Comparison:
    """Networks side by side.

    Attributes
    ----------
    rows : tuple of Measurement
    device, dtype : str
    batch, repeats, threads : int
        Batch size of the throughput, passes that were timed, threads of PyTorch.
    inputs : tuple of str
        Names of the inputs that every network classified.
    """

    rows: tuple[Measurement, ...]
    device: str
    dtype: str
    batch: int
    repeats: int
    threads: int
    inputs: tuple[str, ...] = ()

    @property
    def conditions(self) -> str:
        """How it was measured, in one line."""
        engines = " and ".join(dict.fromkeys(row.engine for row in self.rows))
        threads = f", {self.threads} threads" if "cpu" in self.device else ""
        passes = f"batch 1 and {self.batch}, {self.repeats} passes"
        return f"{self.device}{threads}, {self.dtype}, {engines}, {passes}"

    def table(self) -> pd.DataFrame:
        """One row a network; times relative to the fastest of them."""
        import pandas as pd

        table = pd.DataFrame([asdict(row) for row in self.rows]).drop(columns=["answers"])
        fastest = table["latency_ms"].min()
        table.insert(4, "relative_time", table["latency_ms"] / fastest)
        return table

    def agreement(self) -> pd.DataFrame:
        """Share of the inputs, 0 to 1, to which two networks give the same best class."""
        import numpy as np
        import pandas as pd

        names = [row.network for row in self.rows]
        answers = np.array([row.answers for row in self.rows]).reshape(len(names), len(self.inputs))
        same = (answers[:, None] == answers[None]).mean(axis=2) if self.inputs else None
        return pd.DataFrame(same, index=names, columns=names)

    def plot(self, times: str = "measured") -> go.Figure:
        """Accuracy against relative prediction time, the area of a marker being the size of the weights.

        Parameters
        ----------
        times : {"measured", "published"}
            Measured here, relative to the fastest network; or published, relative to AlexNet.
        """
        if times not in ("measured", "published"):
            raise UnknownNameError(f"There are no {times!r} times; choose measured or published.")
        table = self.table()
        if times == "measured":
            return field(table, "accuracy", "relative_time", f"relative prediction time ({self.conditions})")
        return field(
            table, "published_accuracy", "published_time", "relative prediction time (published, AlexNet = 1)"
        )

    def to_dict(self) -> dict[str, Any]:
        agreement = self.agreement().to_dict() if self.inputs else {}
        fastest = min(row.latency_ms for row in self.rows)
        rows = [
            asdict(row) | {"answers": list(row.answers), "relative_time": row.latency_ms / fastest}
            for row in self.rows
        ]
        return asdict(self) | {"rows": rows, "inputs": list(self.inputs), "agreement": agreement}


def field(table: pd.DataFrame, accuracy: str, time: str, title: str) -> go.Figure:
    """The chart of the field: accuracy against prediction time, the area of a marker being the size.

    Parameters
    ----------
    table : DataFrame
        With columns ``network``, ``file_mb`` and the two that are named; rows without a figure are left out.
    accuracy, time : str
        Columns of the axes.
    title : str
        Of the axis of time, which is logarithmic.
    """
    import plotly.graph_objects as go

    known = table.dropna(subset=[accuracy, time]).sort_values(time)
    best = known[accuracy] == known[accuracy].cummax()  # no faster network is as good
    largest = known["file_mb"].max() if len(known) else 1.0
    figure = go.Figure(
        go.Scatter(
            x=known[time],
            y=known[accuracy],
            mode="markers+text",
            text=known["network"],
            textposition=["top left" if front else "bottom right" for front in best],
            textfont={"size": 11},
            cliponaxis=False,
            marker={
                "size": known["file_mb"],
                "sizemode": "area",
                "sizeref": 2 * largest / 36**2,
                "sizemin": 4,
                "color": COLOUR,
                "opacity": 0.65,
            },
            hovertemplate="%{text}: %{y:.1f} %, time %{x:.2f}, %{marker.size:.0f} MB<extra></extra>",
        )
    )
    ticks = [factor * 10**power for power in range(-1, 4) for factor in (1, 2, 5)]
    figure.update_xaxes(type="log", title=title, tickvals=ticks, automargin=True)
    figure.update_yaxes(title="top-1 accuracy in %, as published", automargin=True)
    figure.update_layout(height=520, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def compare(
    names: Sequence[str],
    x: Any = None,
    *,
    rate: float | None = None,
    pretrained: bool = True,
    batch: int = 16,
    repeats: int = 10,
    device: str = "auto",
    engine: str = "auto",
    dtype: str = "fp32",
    progress: Progress | None = None,
) -> Comparison:
    """Measure networks on this machine, and see how far they agree on some inputs.

    Parameters
    ----------
    names : sequence of str
    x : path, URL, bytes, array, PIL image, or a list of these, optional
        Inputs that every network classifies.
    rate : float, optional
        Sample rate of an array of sound, in Hz.
    pretrained : bool
        False measures untrained networks: as fast as trained ones, and nothing is fetched.
    batch, repeats : int
        Batch size of the throughput, and how many passes are timed.
    device, engine, dtype : str
        See `zoo.load`.
    progress : callable, optional

    Returns
    -------
    Comparison

    Raises
    ------
    UnknownNameError
        If there is no such network, engine or dtype.
    InputError
        If an input cannot be used, or a network does not classify.
    WeightsError
        If weights cannot be had.
    """
    specs = [describe(name) for name in ([names] if isinstance(names, str) else names)]
    if not specs:
        raise InputError("There is no network to compare.")
    if x is not None and not pretrained:
        raise InputError("Untrained networks know no classes: leave out the inputs, or untrained.")
    request = {
        "x": x,
        "rate": rate,
        "pretrained": pretrained,
        "batch": count("batch", batch),
        "repeats": count("repeats", repeats),
        "options": {"device": device, "engine": engine, "dtype": dtype},
    }
    seen: list[dict[str, Any]] = []
    for done, spec in enumerate(specs):
        if progress:
            progress(done, len(specs))
        seen.append(_in_a_process(request | {"name": spec.name}))
    if progress:
        progress(len(specs), len(specs))
    rows = tuple(Measurement(**one["row"]) for one in seen)
    first = seen[0]
    return Comparison(rows, first["device"], dtype, batch, repeats, first["threads"], first["inputs"])


def _in_a_process(request: dict[str, Any]) -> dict[str, Any]:
    """Measure in a process of its own; what it raises is raised here."""
    try:
        message = pickle.dumps(request)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise InputError("An open file cannot be compared on; give its path or its bytes.") from error
    run = subprocess.run([sys.executable, "-P", "-m", "zoo.comparison"], input=message, capture_output=True)
    if run.returncode:
        why = run.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise errors.EngineError(
            f"{request['name']} could not be measured: {''.join(why) or f'it ended with {run.returncode}'}."
        )
    answer = pickle.loads(run.stdout)  # of our own process
    if isinstance(answer, ZooError):
        raise answer
    return answer


def _measure(request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    import torch

    from zoo import weights
    from zoo.loading import PRETRAINED, load

    net = load(request["name"], weights=PRETRAINED if request["pretrained"] else None, **request["options"])
    answers, inputs, input_ms = (), (), None
    if request["x"] is not None:
        given = request["x"] if isinstance(request["x"], list | tuple) else [request["x"]]
        results = net.classify(list(given), top=1, rate=request["rate"])
        answers, inputs = tuple(r.ids[0] for r in results), tuple(r.input for r in results)
        whole = _timed(lambda: net.classify(given[0], rate=request["rate"]), request["repeats"])
        input_ms = 1e3 * float(np.median(whole))
    torch.manual_seed(0)
    one = torch.rand(1, *net.spec.input_shape)
    single = _timed(lambda: net.scores(one), request["repeats"])
    several = one.expand(request["batch"], *one.shape[1:]).contiguous()
    together = _timed(lambda: net.scores(several), max(3, request["repeats"] // 3))
    spec, file = net.spec, weights.path_of(net.spec)
    row = {
        "network": spec.name,
        "title": spec.title,
        "engine": net.engine.name,
        "latency_ms": 1e3 * float(np.median(single)),
        "latency_p90_ms": 1e3 * float(np.percentile(single, 90)),
        "input_ms": input_ms,
        "throughput": request["batch"] / float(np.median(together)),
        "peak_memory_mb": _peak_memory(net.device) / 1e6,
        "file_mb": file.stat().st_size / 1e6 if file.is_file() else spec.size_mb,
        "accuracy": spec.accuracy.value if spec.accuracy else None,
        "published_accuracy": spec.published.accuracy if spec.published else None,
        "published_time": spec.published.relative_time if spec.published else None,
        "answers": answers,
    }
    device = torch.cuda.get_device_name(net.device) if net.device.type == "cuda" else f"cpu ({processor()})"
    return {"row": row, "device": device, "threads": torch.get_num_threads(), "inputs": inputs}


def _timed(work: Callable[[], Any], repeats: int) -> list[float]:
    """Seconds of each pass, after two that do not count; scores come to the CPU, so a GPU is waited for."""
    for _ in range(2):
        work()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return seconds


def _peak_memory(device: Any) -> float:
    """Bytes; of this process and not of the one that started it, whose peak ``getrusage`` would inherit."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def main() -> None:
    """Measure what stdin asks for and write the answer, or the error, to stdout."""
    answer_to = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries may print
    request = pickle.load(sys.stdin.buffer)
    try:
        answer: Any = _measure(request)
    except ZooError as error:
        answer = type(error)(str(error))
    with answer_to:
        pickle.dump(answer, answer_to)


if __name__ == "__main__":
    main()
