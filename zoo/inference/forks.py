"""A guard against forks.

The threads of PyTorch and ONNX Runtime stay in the parent, and a child would wait for them forever.
"""

import os

from zoo.core.errors import EngineError

_owner: int | None = None  # the process that loaded the first network


def require_unforked() -> None:
    """Raise an `EngineError` in a process that was forked after a network was loaded."""
    global _owner
    if _owner is None:
        _owner = os.getpid()
    elif _owner != os.getpid():
        raise EngineError(
            "This process was forked after a network was loaded, and the threads of PyTorch do not survive a "
            "fork: start it with multiprocessing.get_context('spawn'), or before the first network is loaded."
        )
