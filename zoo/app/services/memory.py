"""Memory of the server: garbage is collected, and what was freed goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import math
import sys
import threading
import time

INTERVAL = 10.0  # s between two times that pages do it
WHOLE_INTERVAL = 60.0  # s between two collections of everything
_last = 0.0
_trimming = threading.Lock()
_last_whole = -math.inf
_modules = 0  # how many there were at the last collection of everything
_collecting = threading.Lock()


def collect(since: float = math.inf) -> None:
    """Collect garbage, among what is older than the last collection of everything only now and then.

    A collection visits every object, for 0.2 s in which the process does nothing else. Most belong to
    libraries and stay. So what outlasts a collection of everything is left out of those that follow, until
    modules were loaded or `WHOLE_INTERVAL` has passed.

    Parameters
    ----------
    since : float
        Time (`time.monotonic`): garbage of objects that were made later is collected in any case.
    """
    global _last_whole, _modules
    with _collecting:
        now = time.monotonic()
        whole = _last_whole >= since or now - _last_whole >= WHOLE_INTERVAL or len(sys.modules) != _modules
        if whole:
            gc.unfreeze()
        gc.collect()
        if whole:
            gc.freeze()
            _last_whole, _modules = time.monotonic(), len(sys.modules)


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
