"""The process that runs a SavedModel: it enters the sandbox, and only then imports TensorFlow."""

import sys
import tempfile
from pathlib import Path

from zoo.core import sandbox


def main(folder: str, max_bytes: str) -> None:
    """Answer what `zoo.hub.tf_process` asks about a SavedModel."""
    sandbox.enter([folder, Path(__file__).parent], max_bytes=int(max_bytes))
    tempfile.tempdir = "/"  # libraries ask for it as they are imported, and fail if nowhere can be written
    from zoo.core.isolated import serve
    from zoo.hub.savedmodel import SavedModel

    serve(SavedModel(folder).answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
