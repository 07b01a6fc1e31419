"""The list of an index's segments, and of the parts that each was made of: ``NETWORK/index.json``.

The folder may be a stranger's, and usearch opens its files without a check of their content. So the list is
held to its types, and a segment to what the list says of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from zoo.batches.durable import write_durably
from zoo.core.errors import InputError, reason
from zoo.core.hashing import digest, stamp
from zoo.results.provenance import Hash, printable

FILE = "index.json"
NAMES = "index-*.usearch"
_MAX_BYTES = 64 << 20  # of the list, in which a part takes 150
_NAME = r"\Aindex-[0-9a-f]{16}\.usearch\Z"  # no path: neither folders nor dots lead out of the folder

Natural = Annotated[int, Meta(ge=0)]


class FileState(Struct, frozen=True, forbid_unknown_fields=True):
    """What tells one content of a file from another: size in bytes, time of the last change in ns, hash."""

    size: Natural
    modified: int
    sha256: Hash

    @classmethod
    def of(cls, path: Path, known: FileState | None = None) -> FileState:
        """Describe a file; it is hashed if its size or time differs from what is known."""
        size, modified = stamp(path)
        if known and (known.size, known.modified) == (size, modified):
            return known
        return cls(size, modified, digest(path))


class Segment(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the index: its name, its vectors, its state, and the parts in it, by shard."""

    file: Annotated[str, Meta(pattern=_NAME)]
    vectors: Natural
    state: FileState
    parts: Annotated[dict[Natural, FileState], Meta(min_length=1)]

    def current(self, folder: Path, parts: Mapping[int, FileState]) -> Segment | None:
        """Return the segment with the states that its files have now; None if a content is another.

        Raises
        ------
        InputError
            If its file is a link.
        """
        for shard, state in self.parts.items():
            if shard not in parts or parts[shard].sha256 != state.sha256:
                return None
        path = folder / self.file
        if not _is_there(path) or (state := FileState.of(path, self.state)).sha256 != self.state.sha256:
            return None
        return msgspec.structs.replace(self, state=state, parts={shard: parts[shard] for shard in self.parts})


def read_segments(folder: Path) -> list[Segment]:
    """Read the list of segments in the folder of a network; empty if there is none.

    Raises
    ------
    InputError
        If it is not such a list.
    """
    path = folder / FILE
    if not _is_there(path):
        return []
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES >> 20} MB")
        return msgspec.json.decode(path.read_bytes(), type=list[Segment])
    except (OSError, ValueError, RecursionError) as error:
        raise refusal(folder, reason(error)) from error


def write_segments(folder: Path, segments: list[Segment]) -> None:
    """Write the list of segments, and delete the files of others."""
    write_durably(folder / FILE, lambda path: path.write_bytes(msgspec.json.encode(segments)))
    for path in set(folder.glob(NAMES)) - {folder / segment.file for segment in segments}:
        path.unlink()


def refusal(folder: Path, why: str) -> InputError:
    """Return the error of an index that is not as `zoo search` writes it."""
    why = printable(why, max_length=200)
    return InputError(
        f"{folder / FILE} is not an index of `zoo search`: {why}; build it anew (rebuild=True, or --rebuild)."
    )


def _is_there(path: Path) -> bool:
    """Tell whether a file of the index is there; a link, which may lead out of the folder, is refused."""
    if not os.path.lexists(path):
        return False
    if not stat.S_ISREG(path.lstat().st_mode):
        raise refusal(path.parent, f"{path.name} is a link, or not a file")
    return True
