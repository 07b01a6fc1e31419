"""Work on many inputs, with a bar of what is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from zoo.core.inputs import name_of
from zoo.core.progress import bar, progress_bar

_IMAGES = 64  # between two steps of the bar: some batches, which are decoded while others are computed

Seconds = Callable[[float], object]
"""Called with the seconds of a recording that are done."""


def parts(inputs: list[Any], modality: str = "audio") -> Iterator[list[Any]]:
    """Cut a list of inputs into parts for one call each: some images, or one recording."""
    size = _IMAGES if modality == "image" else 1
    several = len(inputs) > size
    with progress_bar("inputs") if several else nullcontext(_ignore) as progress:
        for start in range(0, len(inputs), size):
            part = inputs[start : start + size]
            yield part
            progress(start + len(part), len(inputs))


def each(inputs: list[Any], task: Callable[[list[Any], Seconds], list[Any]]) -> Iterator[Any]:
    """Run a task on one input after another, and yield its results.

    Parameters
    ----------
    inputs : list
    task : callable
        Takes a list of inputs and a progress in seconds, and returns a list. It gets an empty list first,
        so that it rejects options before the work.
    """
    task([], _ignore)
    if len(inputs) == 1:
        with seconds_bar(name_of(inputs[0])) as progress:
            yield from task(inputs, progress)
        return
    for part in parts(inputs):
        yield from task(part, _ignore)


@contextmanager
def seconds_bar(name: str) -> Iterator[Seconds]:
    """Show how many seconds of a recording are done."""
    with bar(Path(name).name, unit="s") as display:
        yield lambda seconds: display.update(round(seconds) - display.n)


def _ignore(*_: float) -> None:
    """Show no progress."""
