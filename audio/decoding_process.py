"""The process that decodes sounds: it enters the sandbox, and only then imports a decoder.

Where the machine has no sandbox, the worker's limits of time and memory hold alone.
"""

import contextlib
from pathlib import Path

from zoo.core import sandbox
from zoo.core.errors import SandboxError

MAX_BYTES = 8 << 30  # reserved; `zoo.audio.decoding_worker` limits what is occupied


def main() -> None:
    """Answer what `zoo.audio.decoding_worker` asks about sounds."""
    with contextlib.suppress(SandboxError):
        sandbox.enter([Path(__file__).parent], max_bytes=MAX_BYTES)
    from zoo.audio.decoding_worker import Decoder
    from zoo.core.isolated import serve

    serve(Decoder().answer)


if __name__ == "__main__":
    main()
