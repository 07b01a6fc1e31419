"""One progress bar for all long work, on stderr, and only where that is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

DELAY = 1.0  # seconds of work without a bar
Progress = Callable[[int, int], object]
"""Called with the units of work that are done, and with all of them."""


@contextmanager
def bar(description: str, **options: Any) -> Iterator[tqdm[Any]]:
    """Show a bar for work that takes more than `DELAY` seconds; it disappears with the block.

    Parameters
    ----------
    description : str
        What stands before the bar.
    **options
        Of `tqdm.tqdm`.
    """
    from tqdm import tqdm

    with tqdm(desc=description, disable=None, leave=False, delay=DELAY, **options) as display:
        yield display


@contextmanager
def progress_bar(description: str, **options: Any) -> Iterator[Progress]:
    """Show a bar that is moved by a `Progress`; the parameters are those of `bar`."""
    with bar(description, **options) as display:

        def progress(done: int, total: int) -> None:
            display.total = total
            display.update(done - display.n)

        yield progress


def reporter(progress: Progress | None, description: str, **options: Any) -> AbstractContextManager[Progress]:
    """Give the caller's own `progress`, or a bar if there is none; the parameters are those of `bar`."""
    return nullcontext(progress) if progress else progress_bar(description, **options)
