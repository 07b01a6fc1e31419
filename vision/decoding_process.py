"""The process that decodes pictures: it enters the sandbox, and only then imports a decoder.

Where the machine has no sandbox, the worker's limits of time and memory hold alone.
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.core import sandbox
from zoo.core.environment import ISOLATED
from zoo.core.errors import SandboxError

if TYPE_CHECKING:
    import numpy as np

MAX_BYTES = 8 << 30  # reserved; `zoo.vision.decoding_worker` limits what is occupied


def main() -> None:
    """Answer what `zoo.vision.decoding_worker` asks about pictures."""
    with contextlib.suppress(SandboxError):
        sandbox.enter([Path(__file__).parent], max_bytes=MAX_BYTES)
    from PIL import Image

    from zoo.core.isolated import serve

    Image.MAX_IMAGE_PIXELS = None  # `zoo.vision.decoding` has a limit of its own
    os.environ[ISOLATED] = "0"  # this is the helper process
    serve(answer)


def answer(request: dict[str, Any], file: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Answer a request of `zoo.vision.decoding_worker.run`."""
    import numpy as np

    from zoo.vision import decoding

    os.environ["ZOO_MAX_PIXELS"] = str(request["max_pixels"])  # may have been set after this process began
    stream = io.BytesIO(file.data)
    stream.name = request["name"]
    match request["action"]:
        case "size":
            return {"size": decoding.stored_size(stream)}, []
        case "check":
            return {"size": decoding.check(stream)}, []
        case "thumbnail":
            return {}, [np.asarray(decoding.thumbnail(stream, tuple(request["size"])))]
        case "decode":
            return {}, [np.asarray(decoding.decode(stream))]
    raise ValueError(request["action"])


if __name__ == "__main__":
    main()
