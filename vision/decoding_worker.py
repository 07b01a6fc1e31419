"""Pictures decoded in helper processes, which end at a limit of time or memory."""

from __future__ import annotations

import queue
import threading
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from zoo.core import sandbox
from zoo.core.environment import setting
from zoo.core.errors import InputError, WorkerError, WorkerMemoryError, WorkerTimeoutError
from zoo.core.isolated import Worker
from zoo.core.machine import available_processors
from zoo.vision.decoding_limits import PILLOW_LIMIT, max_pixels

WORKERS = min(2, available_processors())
LARGE = 25_000_000  # pixels; larger pictures are decoded one at a time
_BASE_BYTES = 250_000_000
_FILE_COPIES = 3
_PATIENCE = 6  # times the limit of processor time, on a busy machine
_PIXEL_BYTES = 16  # a WebP with transparency needs the most
# glibc returns what it takes in pieces of this size as soon as it is free.
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "131072"}


def max_seconds() -> float:
    """Processor time for a picture: ``ZOO_MAX_DECODE_SECONDS``, else 10 s; it grows with `max_pixels`."""
    return setting("ZOO_MAX_DECODE_SECONDS", 10 * max(1, max_pixels() / PILLOW_LIMIT))


def run(action: str, data: bytes, name: str, **options: Any) -> Image.Image | tuple[int, int]:
    """Do something with the bytes of a picture in a helper process.

    Parameters
    ----------
    action : {"size", "check", "decode", "thumbnail"}
    data : bytes
    name : str
        Of the picture, for errors.

    Returns
    -------
    PIL.Image.Image or tuple of int
        The picture or its copy; its width and height where no pixels are asked for.

    Raises
    ------
    InputError
        If the picture cannot be used, or passes a limit.
    """
    file = np.frombuffer(data, np.uint8)
    request = {"action": "size", "name": name, "max_pixels": max_pixels()}
    width, height = _size(request, *_call(request, file, 0))
    if action == "size":
        return width, height
    request |= {"action": action, **options}
    with _large if width * height > LARGE else nullcontext():
        answer, arrays = _call(request, file, width * height)
    return _size(request, answer, arrays) if action == "check" else _image(request, arrays)


def _size(request: dict[str, Any], answer: dict[str, Any], _: list[np.ndarray]) -> tuple[int, int]:
    match answer:
        case {"size": [int(width), int(height)]} if (
            min(width, height) >= 0 and width * height <= request["max_pixels"]
        ):
            return width, height
    raise InputError(f"{request['name']} cannot be decoded.")


def _image(request: dict[str, Any], arrays: list[np.ndarray]) -> Image.Image:
    match arrays:
        case [pixels] if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3:
            if 0 < pixels.size <= 3 * request["max_pixels"]:
                return Image.fromarray(pixels)
    raise InputError(f"{request['name']} cannot be decoded.")


_large = threading.Lock()


def _call(request: dict[str, Any], file: np.ndarray, pixels: int) -> tuple[dict[str, Any], list[np.ndarray]]:
    name, seconds = request["name"], max_seconds()
    max_bytes = _BASE_BYTES + _FILE_COPIES * file.nbytes + _PIXEL_BYTES * pixels
    idle = _workers()
    worker = idle.get()
    try:
        return worker.call(
            request, file, seconds=_PATIENCE * seconds, cpu_seconds=seconds, max_bytes=max_bytes
        )
    except WorkerTimeoutError:
        raise InputError(f"{name} takes more than {seconds:g} s to decode; save the picture again.") from None
    except WorkerMemoryError:
        raise InputError(
            f"{name} takes more than {max_bytes / 1e6:.0f} MB of memory to decode; save the picture again."
        ) from None
    except WorkerError as error:
        raise InputError(f"{name} cannot be decoded.") from error
    finally:
        idle.put(worker)


@cache
def _workers() -> queue.Queue[Worker]:
    sandbox.warn_if_missing()
    idle: queue.Queue[Worker] = queue.LifoQueue()
    for _ in range(WORKERS):
        idle.put(Worker("zoo.vision.decoding_process", max_bytes=_BASE_BYTES, env=_ENVIRONMENT))
    return idle
