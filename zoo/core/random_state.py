"""Global random numbers: work that seeds them leaves them as the user had them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def preserved_random_state() -> Iterator[None]:
    """Put torch's global random state back at the end, of the CPU and of all GPUs.

    A context manager, and a decorator of functions that call ``torch.manual_seed``, as what torch draws in
    dropout and for new layers knows no generator but the global one.
    """
    accelerator = torch.accelerator.current_accelerator()
    kind = accelerator.type if accelerator else "cpu"
    with torch.random.fork_rng(range(torch.accelerator.device_count()), device_type=kind):
        yield
