"""Several threads, each of which takes some rows of a batch through a whole pass by itself.

Where every operation is shared out instead, its threads wait for each other at its end, some hundred times a
pass; and where other programs want the processors too, for one that is not even running.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

Result = TypeVar("Result")


def by_rows(work: Callable[[torch.Tensor], Result], data: torch.Tensor, *, least: int) -> list[Result]:
    """Apply `work` to parts of a batch, in order, with as many threads as PyTorch is set to, at the most.

    Parameters
    ----------
    work : callable
        Runs in a thread whose operations in PyTorch have no other threads.
    data : Tensor, shape (n, ...)
    least : int
        Rows of a part; a batch that has not twice as many goes to `work` whole, in the thread that asks.
    """
    threads = torch.get_num_threads()
    parts = min(threads, len(data) // least)
    if parts < 2:
        return [work(data)]
    return list(_pool(threads).map(work, data.chunk(parts)))


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads without others of their own, which is PyTorch's setting for a thread and for all later ones."""
    ready = threading.Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # takes over the setting of all, once a thread
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, initializer=start)
    for _ in range(threads):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(threads)  # of later ones, as it was
    return pool
