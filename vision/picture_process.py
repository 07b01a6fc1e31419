"""The process that decodes pictures: it enters the sandbox, and only then imports a decoder.

Where the machine has no sandbox, the worker's limits of time and memory hold alone.
"""

import contextlib
import os
from pathlib import Path

from zoo import sandbox
from zoo.errors import SandboxError

MAX_BYTES = 8 << 30  # reserved; `vision.picture_worker` limits what is occupied


def main() -> None:
    """Answer what `vision.picture_worker` asks about pictures."""
    with contextlib.suppress(SandboxError):
        sandbox.enter([Path(__file__).parent], max_bytes=MAX_BYTES)
    from PIL import Image

    from vision import picture
    from vision.picture_worker import answer
    from zoo.isolated import serve

    Image.MAX_IMAGE_PIXELS = None  # `vision.picture` has a limit of its own
    os.environ[picture.ISOLATED] = "0"  # this is the helper process
    serve(answer)


if __name__ == "__main__":
    main()
