"""The process that decodes sounds: it enters the sandbox, and only then imports a decoder.

Where the machine has no sandbox, the worker's limits of time and memory hold alone.
"""

import contextlib
from pathlib import Path

from zoo import sandbox
from zoo.errors import SandboxError

MAX_BYTES = 8 << 30  # reserved; `audio.sound_worker` limits what is occupied


def main() -> None:
    """Answer what `audio.sound_worker` asks about sounds."""
    with contextlib.suppress(SandboxError):
        sandbox.enter([Path(__file__).parent], max_bytes=MAX_BYTES)
    from audio.sound_worker import Decoder
    from zoo.isolated import serve

    serve(Decoder().answer)


if __name__ == "__main__":
    main()
