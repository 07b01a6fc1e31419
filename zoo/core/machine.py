"""The machine that the networks run on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What networks run on here.

    Attributes
    ----------
    device : str
        The GPU if there is one, else the processor.
    gpu : bool
    cores : int
        Physical ones of the processor.
    memory_gb, free_gb : float
        Main memory, and how much of it is free, in GB (10^9 bytes).
    """

    device: str
    gpu: bool
    cores: int
    memory_gb: float
    free_gb: float


def machine() -> Machine:
    """Look at this machine."""
    import psutil
    import torch

    gpu = torch.cuda.is_available()
    memory = psutil.virtual_memory()
    return Machine(
        torch.cuda.get_device_name() if gpu else processor(),
        gpu,
        psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        memory.total / 1e9,
        memory.available / 1e9,
    )


def available_processors() -> int:
    """Count the logical processors that this process may use, as ``taskset`` and containers limit them."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name, as far as the system reports it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line.partition(":") for line in info.read_text().splitlines()]
        names = [value.strip() for key, _, value in lines if key.strip() == "model name"]
        return names[0] if names else platform.machine()
    return platform.processor() or platform.machine()
