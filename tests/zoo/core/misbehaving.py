"""A helper process for the tests of `zoo.core.isolated`: it echoes, or does what a request tells it to."""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.core import errors
from zoo.core.isolated import serve


def handle(request: dict[str, Any], *arrays: np.ndarray) -> tuple[dict[str, Any], Sequence[np.ndarray]]:
    match request:
        case {"sleep": seconds}:
            time.sleep(seconds)
        case {"compute": seconds}:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                pass
        case {"allocate": size}:
            blocks = [np.ones(1 << 20, np.uint8) for _ in range(size >> 20)]
            time.sleep(10 if blocks else 0)
        case {"exit": code}:
            os._exit(code)
        case {"raise": name, "text": text}:
            raise getattr(errors, name)(text)
        case {"divide": by}:
            return {"result": 1 / by}, []
        case {"write": raw}:  # as a child that a file has taken over
            data = raw.encode("latin-1")
            for descriptor in range(3, 20):
                try:
                    os.write(descriptor, data)
                except OSError:
                    continue
            time.sleep(10)
    print("what a library prints")
    return {**request, "pid": os.getpid(), "arguments": sys.argv[1:], "stdin": sys.stdin.read()}, arrays


if __name__ == "__main__":
    serve(handle)
