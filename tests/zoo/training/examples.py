"""Small pictures and sounds, each with content of its own."""

import io
import zlib
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image


def picture(path: Path, content: str = "") -> Path:
    """A PNG of noise, another for each path or `content`."""
    random = np.random.default_rng(zlib.crc32((content or str(path)).encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(random.integers(0, 256, (12, 10, 3), dtype=np.uint8)).save(path, "PNG")
    return path


def sound(path: Path, content: str = "") -> Path:
    """A tenth of a second of noise, another for each path or `content`."""
    random = np.random.default_rng(zlib.crc32((content or str(path)).encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, random.uniform(-0.5, 0.5, 800), 8000, format="WAV")
    return path


def png(content: str) -> bytes:
    """A PNG of noise as bytes."""
    random = np.random.default_rng(zlib.crc32(content.encode()))
    stream = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
