"""Memory of the server: what was freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys
import threading
import time

INTERVAL = 10.0  # s between two times that pages do it
_last = 0.0
_trimming = threading.Lock()


def trim(interval: float = 0.0) -> None:
    """Return freed memory to the system.

    glibc keeps what threads have freed for later use in them: 1.4 GB after a fine-tuning. On other systems
    nothing is done.

    Parameters
    ----------
    interval : float
        Seconds since the last time before which nothing is done.
    """
    global _last
    with _trimming:
        if time.monotonic() - _last < interval:
            return
        if sys.platform == "linux":
            release = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
            if release is not None:
                release(0)
        _last = time.monotonic()
