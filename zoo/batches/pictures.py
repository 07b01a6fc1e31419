"""Images of a batch on their way from the file to the networks; nothing here loads PyTorch."""

from __future__ import annotations

from typing import Any

from PIL import Image

from zoo.batches.contents import open_content
from zoo.batches.manifest import File
from zoo.core.errors import InputError
from zoo.vision.decoding import decode


class Picture:
    """An image that is decoded, or has the reason why not."""

    def __init__(self, file: File):
        self.file = file
        self.sha256: str | None = None
        self.image: Image.Image | None = None
        self.error: str | None = None

    def row(self) -> dict[str, Any]:
        """Return what the rows of all tasks have of the file."""
        return {
            "number": self.file.number,
            "path": self.file.path,
            "sha256": self.sha256,
            "error": self.error,
        }


def read_picture(file: File) -> Picture:
    """Read and decode an image."""
    picture = Picture(file)
    try:
        picture.sha256, content = open_content(file.path)
        image = decode(content)
        image.filename = file.path  # pyright: ignore[reportAttributeAccessIssue]  (errors of networks name it)
        picture.image = image
    except InputError as error:
        picture.error = str(error)
    return picture
