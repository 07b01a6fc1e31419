"""The tasks on many files: files in, Arrow rows out, by the methods of the networks.

Every file has one row; of embedded recordings, every window has one. A file that cannot be used has a row
with an error. Rows do not depend on which files are worked on together: images go through a network in
batches of a fixed size, in which every file has its place by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from zoo.audio.signal import limited, open_sound
from zoo.batches.contents import open_content
from zoo.batches.manifest import File
from zoo.batches.pictures import Picture, read_picture
from zoo.batches.rows import failure_rows, task_schema, values_of
from zoo.batches.settings import BATCH_SIZE, Settings
from zoo.core.errors import InputError
from zoo.inference.load import load
from zoo.inference.network import Network
from zoo.inference.provenance import provenance
from zoo.results import Embedding

DECODE_THREADS = 2
_SHARED_SECONDS = 600  # recordings up to this are decoded once for several networks; longer ones are streamed

_METHODS: dict[str, Callable[..., Any]] = {
    "classify": Network.classify,
    "embed": Network.embed,
    "events": Network.sound_events,
    "pitch": Network.pitch,
}


class TaskRunner:
    """Runs the task of a batch with all its networks, in a worker process.

    Parameters
    ----------
    settings : Settings
    device : str
    trust : bool
        As of `zoo.load`.
    """

    def __init__(self, settings: Settings, device: str, trust: bool):
        self._settings = settings
        self._networks = [
            load(network.name, device=device, engine=settings.engine, trust=trust)
            for network in settings.networks
        ]
        for net in self._networks:
            self._run(net, [])  # refuses what does not fit the network before the work
        # The canaries also make the graphs ready, before the time of a file counts.
        self.records = [provenance(net, settings.task, **settings.options) for net in self._networks]
        self.schemas = [
            task_schema(settings.task, settings.modality, record.canary.width) for record in self.records
        ]
        self._pool = ThreadPoolExecutor(DECODE_THREADS)
        self._decoded: dict[int, Future[Picture]] = {}

    def rows(
        self, files: Sequence[File], ahead: Sequence[File], networks: Sequence[int]
    ) -> list[pa.RecordBatch]:
        """Run some of the networks on files.

        Parameters
        ----------
        files : sequence of File
            Of images, at most those of one batch, see `slot`.
        ahead : sequence of File
            What will be asked for next; images are decoded meanwhile.
        networks : sequence of int
            Positions of the networks.

        Returns
        -------
        list of pyarrow.RecordBatch
            One a network.
        """
        if self._settings.modality == "image":
            return self._images(files, ahead, networks)
        rows = [self._recording(file, networks) for file in files]
        return [_joined(parts) for parts in zip(*rows, strict=True)]

    def _images(
        self, files: Sequence[File], ahead: Sequence[File], networks: Sequence[int]
    ) -> list[pa.RecordBatch]:
        for file in (*files, *ahead):
            if file.number not in self._decoded:
                self._decoded[file.number] = self._pool.submit(read_picture, file)
        pictures = [self._decoded.pop(file.number).result() for file in files]
        return [self._image_rows(i, pictures) for i in networks]

    def _image_rows(self, position: int, pictures: list[Picture]) -> pa.RecordBatch:
        """Run one network on the images of a batch, together or, if one cannot be used, each alone."""
        net, schema = self._networks[position], self.schemas[position]
        good = [picture for picture in pictures if picture.image is not None]
        try:
            rows = self._slotted(net, good)
        except InputError:
            rows = []
            for picture in good:
                try:
                    rows += self._slotted(net, [picture])
                except InputError as error:
                    rows.append(picture.row() | {"error": str(error)})
        done = {row["number"]: row for row in rows}
        return _batch([done.get(picture.file.number) or picture.row() for picture in pictures], schema)

    def _slotted(self, net: Network, pictures: list[Picture]) -> list[dict[str, Any]]:
        """Run a network on images, each at its place in a batch of fixed size."""
        if not pictures:
            return []
        batch = [_EMPTY] * BATCH_SIZE
        for picture in pictures:
            batch[slot(picture.file)] = picture.image or _EMPTY
        results = self._run(net, batch)
        return [picture.row() | values_of(results, slot(picture.file)) for picture in pictures]

    def _recording(self, file: File, networks: Sequence[int]) -> list[pa.RecordBatch]:
        """Run networks on a recording, which is decoded once if it is not long."""
        try:
            sha256, content = open_content(file.path)
        except InputError as error:
            return [failure_rows(self.schemas[i], file, None, str(error)) for i in networks]
        shared = _samples(content) if len(networks) > 1 else None
        rows = []
        for i in networks:
            try:
                result = self._recording_result(self._networks[i], content, shared)
            except InputError as error:
                rows.append(failure_rows(self.schemas[i], file, sha256, str(error)))
            else:
                first = {"number": file.number, "path": file.path, "sha256": sha256, "error": None}
                count = len(result) if isinstance(result, Embedding) else 1
                rows.append(_batch([first | values_of(result, row) for row in range(count)], self.schemas[i]))
        return rows

    def _recording_result(self, net: Network, content: Any, shared: tuple[np.ndarray, float] | None) -> Any:
        if shared:
            try:
                return self._run(net, shared[0], sample_rate=shared[1])
            except InputError:  # says "array"; the file by itself says its name
                pass
        return self._run(net, content)

    def _run(self, net: Network, x: Any, **sample_rate: float) -> Any:
        return _METHODS[self._settings.task](net, x, **self._settings.options, **sample_rate)


_EMPTY = Image.new("RGB", (32, 32))


def slot(file: File) -> int:
    """Return the place of an image in its batch."""
    return file.number % BATCH_SIZE


def _samples(content: Any) -> tuple[np.ndarray, float] | None:
    """Decode a recording at once; None if it is long, or cannot be decoded."""
    try:
        sound = open_sound(content, max_duration=_SHARED_SECONDS)
        blocks = list(limited(sound))
    except InputError:
        return None
    return (np.concatenate(blocks).T, sound.sample_rate) if blocks else None


def _batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema)


def _joined(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]
