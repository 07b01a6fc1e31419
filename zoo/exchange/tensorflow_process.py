"""The process that converts files of TensorFlow: it enters the sandbox, and only then imports a library.

Where the machine has no sandbox, the worker's limits of time and memory hold alone, and a SavedModel, which
is a program, is refused.
"""

import sys
import tempfile
from pathlib import Path

from zoo.core import sandbox
from zoo.core.errors import SandboxError

PROGRAMS = ("savedmodel",)


def main(kind: str, path: str, max_bytes: str) -> None:
    """Answer what `zoo.exchange.tensorflow_file` asks about a file."""
    try:
        sandbox.enter([path, Path(__file__).parent], max_bytes=int(max_bytes))
    except SandboxError:
        if kind in PROGRAMS:
            raise
    tempfile.tempdir = "/"  # libraries ask for it as they are imported, and fail if nowhere can be written
    from zoo.core.isolated import serve
    from zoo.exchange.tensorflow_original import Original

    serve(Original(kind, Path(path)).answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
